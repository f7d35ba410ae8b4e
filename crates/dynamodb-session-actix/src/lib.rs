//! Sessions of [actix-session] on Amazon `DynamoDB`.
//!
//! [`Store`] puts a [`dynamodb_session::SessionStore`] under actix-web. Version 0.1 is for actix-session 0.11.
//!
//! ```no_run
//! use actix_session::{Session, SessionMiddleware};
//! use actix_web::{App, Error, HttpServer, cookie::Key, web};
//! use dynamodb_session::SessionStore;
//! use dynamodb_session_actix::{Store, TrackLoaded};
//!
//! async fn count(session: Session) -> Result<String, Error> {
//!     let views = session.get::<u64>("views")?.unwrap_or(0) + 1;
//!     session.insert("views", views)?;
//!     Ok(format!("{views} views"))
//! }
//!
//! # async fn run(secret: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = SessionStore::builder().region("eu-central-1").build()?;
//! sessions.table().create_if_missing(&Default::default()).await?;
//!
//! // One for all workers.
//! let store = Store::new(sessions);
//! let key = Key::from(secret);
//! HttpServer::new(move || {
//!     let sessions = SessionMiddleware::new(store.clone(), key.clone());
//!     App::new()
//!         .wrap(TrackLoaded::new(sessions))
//!         .route("/", web::get().to(count))
//! })
//! .bind(("127.0.0.1", 8080))?
//! .run()
//! .await?;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/actix_counter.rs` is that program on the local engine: no AWS account, nothing to install.
//!
//! # What it promises
//!
//! * **Logout wins.** A request may load a session and finish after another request has purged it. It does not
//!   bring the session back, under the same key or another one: its update is dropped. For actix-session that is a
//!   success; [`SessionStore::stats`] counts it as a conflict. The visitor keeps a cookie without a session.
//! * **Parallel requests keep each other's changes** with [`TrackLoaded`], by top-level field. Of two changes of one field
//!   the later one stays.
//! * **A logout deletes only the session that the request loaded**, with [`TrackLoaded`].
//! * **A new session overwrites nothing**: its key is random, and the write checks that no session has it.
//! * **An expired session is gone**, even if `DynamoDB` has not deleted its item yet. An expiry is a whole
//!   second, rounded up.
//! * After an error the visitor gets an empty 500. No error or `Debug` output holds a session key or session
//!   data.
//!
//! # What it does not promise
//!
//! * Without [`TrackLoaded`], changes in parallel are not merged. actix-session passes whole sessions, without the data
//!   that was loaded. If two requests change the same session in parallel, the last update overwrites the other.
//! * A request can still ask for a new key: by `Session::renew`, or by putting data into a session that was
//!   already gone when it was loaded.
//! * A save fails if `DynamoDB` cannot store a value: an empty field name, a number beyond 1E125 or of more than
//!   38 digits, more than 31 levels. The error names the place.
//!
//! # The item
//!
//! The [item of dynamodb-session](dynamodb_session#the-item): the session state is `session`, each value in
//! native attributes.
//!
//! ```text
//! { sessionId: {S: key}, expires: {N: epoch seconds}, created: {N: epoch milliseconds}, rev: {B: names of states},
//!   session: {M: state} }
//! ```
//!
//! actix-session 0.11 passes JSON text for each value. It is not stored as text, for three reasons: the command
//! line and other programs see values, the Koa store writes the same item, and the next release of actix-session
//! passes values. The loaded values are equal as JSON: strings, and numbers to the last digit. The fields of an
//! object may be in another order, and a number may be written in another way, `1` for `1.0`.
//!
//! # Cost
//!
//! The table is for an item of up to 1 KB. A write costs one unit for each KB of the item. A read costs one unit
//! for each 4 KB, or half of that with `consistent_read(false)`. actix-session loads the session of every request
//! with a cookie, even if the handler does not use it.
//!
//! | a page view that … | requests | capacity units |
//! |---|---|---|
//! | has no cookie and stores nothing | 0 | 0 |
//! | stores the first value | 1 `PutItem` | 1 write |
//! | only reads | 1 `GetItem` | 1 read |
//! | only reads, with `TtlExtensionPolicy::OnEveryRequest`, within [`touch_after`](Store::touch_after) | 1 `GetItem` | 1 read |
//! | only reads, with that policy, after that time | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | changes a value | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | logs out with `purge` | 1 `GetItem`, 1 `PutItem` | 1 read, 1 write |
//! | calls `renew` | 1 `GetItem`, 2 `PutItem` | 1 read, 2 writes |
//! | updates a session that has been deleted since the load | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | has the cookie of a session that is gone | 1 `GetItem` | 1 read |
//!
//! These are the costs with [`TrackLoaded`]. A change that meets one of a parallel request is sent once more. Without the
//! middleware it is not; but `purge`, `renew` and an extension that makes the session shorter take one `GetItem` more,
//! because they first ask what is there.
//!
//! [actix-session]: https://docs.rs/actix-session

#![forbid(unsafe_code)]

mod recent;
mod state;
mod track;

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

use recent::Recent;
use track::StoreId;
pub use track::{TrackLoaded, TrackLoadedService};

/// How many keys `save` tries. A key is 64 random characters: if even two are taken, they are not random.
const SAVE_ATTEMPTS: u32 = 5;

/// No session lasts longer: a thousand years. Time has an end in Rust, and it must not be met.
const LONGEST_TTL: Duration = Duration::from_secs(1000 * 365 * 86_400);

/// actix-session keeps nothing of its own in a session.
static NO_FIELDS: Framework = Framework::new();

/// actix-session's store.
///
/// Build one and clone it for each worker: clones share connections. For statistics, keep a clone of the
/// [`SessionStore`] that you pass to [`new`](Self::new). Put its `SessionMiddleware` into a [`TrackLoaded`].
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
