//! The methods of the store about the sessions of a user.

use std::time::{SystemTime, UNIX_EPOCH};

use dynamodb_session::{RevokeOptions, SessionId, UserId};
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use serde_json::json;

use crate::beside::Beside;
use crate::completion::Value;
use crate::frame;
use crate::store::Store;

#[napi]
impl Store {
    /// Registers a loaded session, which has this head, with the user that `beside` names. Resolves with the head of the
    /// session as it is stored now, or with an empty text if it has been revoked.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn register(
        &self,
        id: String,
        head: String,
        beside: String,
    ) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = self.store();
        self.calls.start(move || async move {
            let loaded = frame::loaded(SessionId::new(id)?, &head, String::new());
            let Some(user) = Beside::read(Some(beside))?.user()? else {
                return Ok(Value::Text(head));
            };
            let registered = store.register(loaded, &user).await?;
            let head = registered.as_ref().map(frame::head_of);
            Ok(Value::Text(head.unwrap_or_default()))
        })
    }

    /// The live sessions of a user, as JSON: `[{ "ref", "label", "created", "signedIn", "lastSeen", "expires", "current" },
    /// …]`, with times in epoch milliseconds or null. `current` is the id of the session that asks.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn sessions_of(
        &self,
        user: String,
        current: Option<String>,
    ) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = self.store();
        self.calls.start(move || async move {
            let sessions = store.sessions_of(&UserId::new(user)?).await?;
            let current = current.map(SessionId::new).transpose()?;
            let sessions = sessions.iter().map(|session| {
                let is_current = |id| store.is_reference_of(&session.reference, id);
                json!({
                    "ref": session.reference.as_str(),
                    "label": session.label,
                    "created": session.created.map(epoch_ms),
                    "signedIn": epoch_ms(session.signed_in),
                    "lastSeen": session.last_seen.map(epoch_ms),
                    "expires": session.expires_at.map(epoch_ms),
                    "current": current.as_ref().is_some_and(is_current),
                })
            });
            let sessions: Vec<_> = sessions.collect();
            Ok(Value::Text(json!(sessions).to_string()))
        })
    }

    /// Ends one session of a user, by its reference. Resolves with `true`, or with `false` if there is none.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn revoke(&self, user: String, reference: String) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = self.store();
        self.calls.start(move || async move {
            let (user, reference) = (UserId::new(user)?, reference.parse()?);
            let revoked = store.revoke(&user, &reference).await?;
            Ok(Value::Text(revoked.to_string()))
        })
    }

    /// Ends all sessions of a user, except the one with this id. Resolves with how many there were.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn revoke_user(
        &self,
        user: String,
        except: Option<String>,
    ) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = self.store();
        self.calls.start(move || async move {
            let except = except.map(SessionId::new).transpose()?;
            let mut options = RevokeOptions::default();
            if let Some(except) = &except {
                options = options.except(except);
            }
            let revoked = store.revoke_user(&UserId::new(user)?, &options).await?;
            Ok(Value::Text(revoked.to_string()))
        })
    }
}

fn epoch_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}
