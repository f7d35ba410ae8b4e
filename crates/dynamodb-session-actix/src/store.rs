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
    SessionStore, SessionText, SessionUser, Stamp, TouchOptions,
};

use crate::recent::Recent;
use crate::state;
use crate::track::StoreId;
use crate::users::Users;

/// How many keys `save` tries. A key is 64 random characters: if even two are taken, they are not random.
const SAVE_ATTEMPTS: u32 = 5;

/// No session lasts longer: a thousand years. Time has an end in Rust, and it must not be met.
const LONGEST_TTL: Duration = Duration::from_secs(1000 * 365 * 86_400);

/// actix-session keeps nothing of its own in a session.
static NO_FIELDS: Framework = Framework::new();

/// actix-session's store.
///
/// Build one and clone it for each worker: clones share connections. Put its `SessionMiddleware` into a
/// [`TrackLoaded`](crate::TrackLoaded).
#[derive(Debug, Clone)]
pub struct Store {
    sessions: SessionStore,
    users: Option<Users>,
    touch_after: Duration,
    recent: Arc<Recent>,
    id: StoreId,
}

impl Store {
    /// Stores the sessions of actix-session in `sessions`.
    pub fn new(sessions: SessionStore) -> Self {
        Self {
            sessions,
            users: None,
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

    /// Registers each session with its user: see [Users](crate#users). Default: the store knows no users.
    ///
    /// The [`SessionStore`] has to be built with [`users`](dynamodb_session::Builder::users). Otherwise each save of a
    /// user's session fails.
    #[must_use]
    pub fn with_users(mut self, users: Users) -> Self {
        self.users = Some(users);
        self
    }

    /// The store that the sessions are in, for its statistics and for the sessions of a user.
    pub fn sessions(&self) -> &SessionStore {
        &self.sessions
    }

    /// The id of this request's session, to spare that one when the others of its user are
    /// [revoked](SessionStore::revoke_user). `None`: it has no session, or runs outside of a
    /// [`TrackLoaded`](crate::TrackLoaded).
    ///
    /// If several session middlewares of one request have this store, it is the session that was loaded last.
    pub fn current_id(&self) -> Option<SessionId> {
        self.id.current()
    }

    fn expires_at(&self, ttl: Duration) -> SystemTime {
        self.sessions.now() + ttl
    }

    /// The user that a session with this state belongs to. If the request has another session of this user, it goes on
    /// with that one.
    fn user_of(
        &self,
        id: &SessionId,
        state: &HashMap<String, String>,
    ) -> anyhow::Result<Option<SessionUser>> {
        let Some(users) = &self.users else {
            return Ok(None);
        };
        let user = users.user_of(state)?;
        Ok(user.map(|user| match self.id.other_of(id, user.id()) {
            Some(other) => user.continues(other),
            None => user,
        }))
    }

    /// Tracks a session that was written.
    fn track(&self, id: &SessionId, data: SessionText, user: Option<&SessionUser>, stamp: Stamp) {
        let written = Loaded::new(id.clone(), data).with_stamp(stamp);
        self.id.track(id, Some(written));
        if let Some(user) = user {
            self.id.note_user(id, user.id());
        }
    }

    /// Nothing is known of the session any more: it is not there.
    fn forget(&self, key: &SessionKey, id: &SessionId) {
        self.recent.forget(key);
        self.id.track(id, None);
    }
}

impl ActixStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        // A visitor can send any key. One that is not a valid session id has no session.
        let Ok(id) = SessionId::new(key.as_ref()) else {
            return Ok(None);
        };
        let loaded = self.sessions.load::<SessionText>(&id).await;
        let failed = |error: Error| match error.kind() {
            ErrorKind::Decode => LoadError::Deserialization(error.into()),
            _ => LoadError::Other(error.into()),
        };
        let Some(mut loaded) = loaded.map_err(failed)? else {
            self.forget(key, &id);
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
        if let Some(users) = &self.users
            && let Some(user) = users.user_of(&state).map_err(LoadError::Deserialization)?
        {
            // In line, it would make the future of every load larger.
            let registered = Box::pin(self.sessions.register(loaded, &user)).await;
            let Some(registered) = registered.map_err(failed)? else {
                // A revoked session is a miss: a visitor who signs in now does not go on with it.
                self.forget(key, &id);
                return Ok(None);
            };
            loaded = registered;
            self.id.note_user(&id, user.id());
        }
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
            let user = self.user_of(&id, &state);
            let user = user.map_err(SaveError::Serialization)?;
            let mut session = NewSession::new(id.clone(), &data).expires_at(expires_at);
            session.user.clone_from(&user);
            match self.sessions.create(&session).await.map_err(failed)? {
                CreateOutcome::Created(stamp) => {
                    self.recent.remember(&key, stamp);
                    self.track(&id, data, user.as_ref(), stamp);
                    return Ok(key);
                }
                CreateOutcome::Taken => {}
                // The same as an update of a session that is gone. Another key would bring the revoked session back.
                CreateOutcome::Revoked => return Ok(key),
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
        let user = self.user_of(&id, &state);
        let user = user.map_err(UpdateError::Serialization)?;
        let mut options = SaveOptions::default().expires_at(self.expires_at(to_std(ttl)));
        if self.users.is_some() {
            options = options.user(user.as_ref());
        }
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
                self.track(&id, data, user.as_ref(), stamp);
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
