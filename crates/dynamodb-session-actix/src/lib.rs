//! Sessions of [actix-session] on Amazon `DynamoDB`.
//!
//! [`Store`] puts a [`dynamodb_session::SessionStore`] under actix-web. Version 0.1 is for actix-session 0.11.
//!
//! ```no_run
//! use actix_session::{Session, SessionMiddleware};
//! use actix_web::{App, Error, HttpServer, cookie::Key, web};
//! use dynamodb_session::SessionStore;
//! use dynamodb_session_actix::Store;
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
//!     App::new()
//!         .wrap(SessionMiddleware::new(store.clone(), key.clone()))
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
//! * **Logout wins.** A request that loaded a session, and finishes after another one purged it, does not
//!   bring it back, neither under its key nor under another: what it would have written is dropped, which is
//!   a success for actix-session and a conflict in [`SessionStore::stats`]. The visitor keeps a cookie that
//!   means nothing.
//! * **A new session overwrites nothing**: its key is random, and checked.
//! * **An expired session is gone**, whatever `DynamoDB` has deleted: its expiry is a whole second, rounded up.
//! * Whatever fails, the visitor gets an empty 500, and no error or `Debug` output holds a session key or
//!   session data.
//!
//! # What it does not
//!
//! * actix-session hands over whole sessions, without what was loaded: of two requests that change the same
//!   session in parallel, the one that ends last writes all of it.
//! * A request that asks for a new key itself, by `Session::renew` or by what it puts into a session that was
//!   gone when it arrived, gets one.
//! * What `DynamoDB` cannot hold is an error of the save, which names the place: an empty field name, a
//!   number beyond 1E125 or of more than 38 digits, more than 31 levels.
//!
//! # The item
//!
//! The [item of dynamodb-session](dynamodb_session#the-item): the session state is `session`, each value in
//! native attributes.
//!
//! ```text
//! { sessionId: {S: key}, expires: {N: epoch seconds}, created: {N: epoch milliseconds}, session: {M: state} }
//! ```
//!
//! actix-session 0.11 hands over JSON text for each value. It is not stored as text, for three reasons: the
//! command line and every other program see values, the session that the Koa store would write is the same
//! one, and actix-session's next release hands over values. What comes back is equal as JSON: strings, and
//! numbers to the last digit, but the fields of an object may be in another order, and a number in other
//! words, `1` for `1.0`. The types that are read from them do not mind.
//!
//! # Cost
//!
//! For an item of up to 1 KB; a write costs one unit for each KB of the item, a read one for each 4 KB, or
//! half of that with `consistent_read(false)`. actix-session loads the session of every request that has a
//! cookie, whether the handler asks for it or not.
//!
//! | view | requests | capacity units |
//! |---|---|---|
//! | that finds no cookie and stores nothing | 0 | 0 |
//! | that stores the first thing | 1 `PutItem` | 1 write |
//! | that only reads | 1 `GetItem` | 1 read |
//! | the same with `TtlExtensionPolicy::OnEveryRequest`, within [`touch_after`](Store::touch_after) | 1 `GetItem` | 1 read |
//! | and after it | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | that changes something | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | that logs out with `purge` | 1 `GetItem`, 1 `DeleteItem` | 1 read, 1 write |
//! | with `renew` | 1 `GetItem`, 1 `DeleteItem`, 1 `PutItem` | 1 read, 2 writes |
//! | whose update finds the session gone | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | with the cookie of a session that has gone | 1 `GetItem` | 1 read |
//!
//! [actix-session]: https://docs.rs/actix-session

#![forbid(unsafe_code)]

mod recent;
mod state;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore as ActixStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time;
use anyhow::anyhow;
use dynamodb_session::framework::is_touch_due;
use dynamodb_session::{
    Base, CreateOutcome, Error, ErrorKind, Loaded, NewSession, SaveOptions, SaveOutcome, SessionId,
    SessionStore, SessionText, Stamp, TouchOptions,
};

use recent::Recent;

/// How many keys `save` tries. A key is 64 random characters: that even two are taken means that they are not random.
const SAVE_ATTEMPTS: u32 = 5;

/// No session lasts longer: a thousand years. Time has an end in Rust, and it must not be met.
const LONGEST_TTL: Duration = Duration::from_secs(1000 * 365 * 86_400);

/// actix-session's store.
///
/// Build one and clone it for each worker: clones share connections. Keep a clone of the [`SessionStore`] it is
/// made of for statistics.
#[derive(Debug, Clone)]
pub struct Store {
    sessions: SessionStore,
    touch_after: Duration,
    recent: Arc<Recent>,
}

impl Store {
    /// Keeps actix-session's sessions where `sessions` says.
    pub fn new(sessions: SessionStore) -> Self {
        Self {
            sessions,
            touch_after: Duration::from_secs(60),
            recent: Arc::default(),
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
        // A visitor can send any key. What is none of ours has no session.
        let Ok(id) = SessionId::new(key.as_ref()) else {
            return Ok(None);
        };
        let loaded = self.sessions.load::<SessionText>(&id).await;
        let Some(record) = loaded.map_err(|error| match error.kind() {
            ErrorKind::Decode => LoadError::Deserialization(error.into()),
            _ => LoadError::Other(error.into()),
        })?
        else {
            self.recent.forget(key);
            return Ok(None);
        };
        match record.expires_at {
            Some(expires_at) => {
                let stamp = Stamp::new(record.created, expires_at);
                self.recent.remember(key, stamp);
            }
            None => self.recent.forget(key),
        }
        let state = state::from_stored(&record.data).map_err(LoadError::Deserialization)?;
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
            let session = NewSession::new(id, &data).expires_at(expires_at);
            let outcome = self.sessions.create(&session).await.map_err(failed)?;
            if let CreateOutcome::Created(stamp) = outcome {
                self.recent.remember(&key, stamp);
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
        let created = self.recent.get(&key).and_then(|recent| recent.created);
        // actix-session does not pass on what was loaded.
        let base = Base::unknown(&id, created);
        let options = SaveOptions::default().expires_at(self.expires_at(to_std(ttl)));
        let saved = self.sessions.save(base, &data, &options).await;
        match saved.map_err(failed)? {
            SaveOutcome::Saved(stamp) => self.recent.remember(&key, stamp),
            // A session that has gone stays gone; the core counts it.
            SaveOutcome::Gone => self.recent.forget(&key),
        }
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &time::Duration) -> anyhow::Result<()> {
        let Ok(id) = SessionId::new(key.as_ref()) else {
            return Ok(());
        };
        let expires_at = self.expires_at(to_std(ttl));
        let mut loaded = Loaded::new(id, ());
        if let Some(stamp) = self.recent.get(key) {
            let now = self.sessions.now();
            if !is_touch_due(now, stamp.expires_at, expires_at, self.touch_after) {
                return Ok(());
            }
            loaded = loaded.with_stamp(stamp);
        }
        let options = TouchOptions::default().expires_at(expires_at);
        match self.sessions.touch(&loaded, &options).await? {
            SaveOutcome::Saved(stamp) => self.recent.remember(key, stamp),
            SaveOutcome::Gone => self.recent.forget(key),
        }
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.recent.forget(key);
        if let Ok(id) = SessionId::new(key.as_ref()) {
            self.sessions.delete(&id).await?;
        }
        Ok(())
    }
}

fn is_about_data(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidData | ErrorKind::RecordTooLarge
    )
}

/// A TTL below zero has run out.
fn to_std(ttl: &time::Duration) -> Duration {
    Duration::try_from(*ttl)
        .unwrap_or_default()
        .min(LONGEST_TTL)
}
