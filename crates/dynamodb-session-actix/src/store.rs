//! The store that actix-session calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore as ActixStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time;
use anyhow::anyhow;
use dynamodb_session::framework::{Framework, is_touch_due};
use dynamodb_session::{
    Base, CreateOutcome, Error, ErrorKind, Loaded, NewSession, SaveOptions, SaveOutcome, SessionId,
    SessionStore, SessionText, Stamp, TouchOptions,
};

use crate::recent::Recent;
use crate::state;
use crate::track::StoreId;

/// How many keys `save` tries. A key is 64 random characters: if even two are taken, they are not random.
const SAVE_ATTEMPTS: u32 = 5;

/// No session lasts longer: a thousand years. Time has an end in Rust, and it must not be met.
const LONGEST_TTL: Duration = Duration::from_secs(1000 * 365 * 86_400);

/// actix-session keeps nothing of its own in a session.
static NO_FIELDS: Framework = Framework::new();

/// actix-session's store.
///
/// Build one and clone it for each worker: clones share connections. For statistics, keep a clone of the
/// [`SessionStore`] that you pass to [`new`](Self::new). Put its `SessionMiddleware` into a
/// [`TrackLoaded`](crate::TrackLoaded).
#[derive(Debug, Clone)]
pub struct Store {
    sessions: SessionStore,
    touch_after: Duration,
    recent: Arc<Recent>,
    id: StoreId,
}

impl Store {
    /// Stores the sessions of actix-session in `sessions`.
    pub fn new(sessions: SessionStore) -> Self {
        Self {
            sessions,
            touch_after: Duration::from_secs(60),
            recent: Arc::default(),
            id: StoreId::new(),
        }
    }

    /// How far the expiry must move before [`TtlExtensionPolicy::OnEveryRequest`] writes it, but no more than half of the
    /// time that is then left: see [`is_touch_due`]. Default: 60 s. Zero writes at every request.
    ///
    /// So a session may end that much earlier than its cookie. A shorter expiry is always written.
    ///
    /// [`TtlExtensionPolicy::OnEveryRequest`]: actix_session::config::TtlExtensionPolicy::OnEveryRequest
    #[must_use]
    pub fn touch_after(mut self, extension: Duration) -> Self {
        self.touch_after = extension;
        self
    }

    fn expires_at(&self, ttl: Duration) -> SystemTime {
        self.sessions.now() + ttl
    }
}

impl ActixStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        // A visitor can send any key. One that is not a valid session id has no session.
        let Ok(id) = SessionId::new(key.as_ref()) else {
            return Ok(None);
        };
        let loaded = self.sessions.load::<SessionText>(&id).await;
        let Some(loaded) = loaded.map_err(|error| match error.kind() {
            ErrorKind::Decode => LoadError::Deserialization(error.into()),
            _ => LoadError::Other(error.into()),
        })?
        else {
            self.recent.forget(key);
            self.id.track(&id, None);
            return Ok(None);
        };
        match loaded.expires_at {
            Some(expires_at) => {
                let stamp = Stamp::new(loaded.created, expires_at);
                self.recent.remember(key, stamp);
            }
            None => self.recent.forget(key),
        }
        let state = state::from_stored(&loaded.data).map_err(LoadError::Deserialization)?;
        self.id.track(&id, Some(loaded));
        Ok(Some(state))
    }

    async fn save(
        &self,
        state: HashMap<String, String>,
        ttl: &time::Duration,
    ) -> Result<SessionKey, SaveError> {
        let failed = |error: Error| {
            if is_about_data(&error) {
                SaveError::Serialization(error.into())
            } else {
                SaveError::Other(error.into())
            }
        };
        let data = state::to_stored(&state).map_err(SaveError::Serialization)?;
        let expires_at = self.expires_at(to_std(ttl));
        for _ in 0..SAVE_ATTEMPTS {
            let key = generate_session_key();
            let id = SessionId::new(key.as_ref()).map_err(failed)?;
            let session = NewSession::new(id.clone(), &data).expires_at(expires_at);
            let outcome = self.sessions.create(&session).await.map_err(failed)?;
            if let CreateOutcome::Created(stamp) = outcome {
                self.recent.remember(&key, stamp);
                let created = Loaded::new(id.clone(), data).with_stamp(stamp);
                self.id.track(&id, Some(created));
                return Ok(key);
            }
        }
        Err(SaveError::Other(anyhow!(
            "{SAVE_ATTEMPTS} new session keys were all taken: the source of randomness is broken"
        )))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        ttl: &time::Duration,
    ) -> Result<SessionKey, UpdateError> {
        let failed = |error: Error| {
            if is_about_data(&error) {
                UpdateError::Serialization(error.into())
            } else {
                UpdateError::Other(error.into())
            }
        };
        let data = state::to_stored(&state).map_err(UpdateError::Serialization)?;
        let id = SessionId::new(key.as_ref()).map_err(failed)?;
        let options = SaveOptions::default().expires_at(self.expires_at(to_std(ttl)));
        let saved = if let Some(loaded) = self.id.loaded(&id) {
            self.sessions.save(&*loaded, &data, &options).await
        } else {
            let created = self.recent.get(&key).and_then(|recent| recent.created);
            let base = Base::unknown(&id, created);
            self.sessions.save(base, &data, &options).await
        };
        match saved.map_err(failed)? {
            SaveOutcome::Saved(stamp) => {
                self.recent.remember(&key, stamp);
                let saved = Loaded::new(id.clone(), data).with_stamp(stamp);
                self.id.track(&id, Some(saved));
            }
            // A session that is gone stays gone; the core counts the conflict. What was loaded stays tracked: another
            // update finds it gone as well.
            SaveOutcome::Gone => self.recent.forget(&key),
        }
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &time::Duration) -> anyhow::Result<()> {
        let Ok(id) = SessionId::new(key.as_ref()) else {
            return Ok(());
        };
        let expires_at = self.expires_at(to_std(ttl));
        let mut loaded = self.id.loaded(&id);
        let recent = self.recent.get(key).filter(|_| loaded.is_none());
        let stored = match &loaded {
            Some(loaded) => loaded.expires_at,
            None => recent.map(|recent| recent.expires_at),
        };
        if let Some(stored) = stored {
            let now = self.sessions.now();
            if !is_touch_due(now, stored, expires_at, self.touch_after) {
                return Ok(());
            }
            // A shorter expiry is a change, and made from what is stored.
            if loaded.is_none() && expires_at + Duration::from_secs(1) <= stored {
                loaded = self.sessions.load(&id).await?.map(Arc::new);
            }
        }
        let options = TouchOptions::default().expires_at(expires_at);
        let touched = if let Some(loaded) = &loaded {
            let options = options.framework(&NO_FIELDS, &loaded.data);
            self.sessions.touch(&**loaded, &options).await
        } else {
            let loaded = Loaded::new(id.clone(), ());
            let loaded = match recent {
                Some(recent) => loaded.with_stamp(recent),
                None => loaded,
            };
            self.sessions.touch(&loaded, &options).await
        };
        match touched? {
            SaveOutcome::Saved(stamp) => {
                self.recent.remember(key, stamp);
                if let Some(loaded) = loaded {
                    let touched = loaded.with_data(loaded.data.clone()).with_stamp(stamp);
                    self.id.track(&id, Some(touched));
                }
            }
            SaveOutcome::Gone => self.recent.forget(key),
        }
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.recent.forget(key);
        let Ok(id) = SessionId::new(key.as_ref()) else {
            return Ok(());
        };
        match self.id.loaded(&id) {
            Some(loaded) => self.sessions.delete(&*loaded).await?,
            None => self.sessions.delete(&id).await?,
        }
        Ok(())
    }
}

fn is_about_data(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidData | ErrorKind::ItemTooLarge
    )
}

/// A negative TTL becomes zero: the session has expired.
fn to_std(ttl: &time::Duration) -> Duration {
    Duration::try_from(*ttl)
        .unwrap_or_default()
        .min(LONGEST_TTL)
}
