//! Sessions of [tower-sessions] on Amazon `DynamoDB`.
//!
//! [`Store`] puts a [`dynamodb_session::SessionStore`] under axum and everything else that runs on tower.
//! Version 0.1 is for tower-sessions 0.15.
//!
//! ```no_run
//! use axum::{Router, http::StatusCode, routing::get};
//! use dynamodb_session::SessionStore;
//! use dynamodb_session_tower::{Store, TrackLoaded};
//! use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::time::Duration};
//!
//! async fn count(session: Session) -> Result<String, StatusCode> {
//!     let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
//!     let views: u64 = session.get("views").await.map_err(failed)?.unwrap_or(0) + 1;
//!     session.insert("views", views).await.map_err(failed)?;
//!     Ok(format!("{views} views"))
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = SessionStore::builder().region("eu-central-1").build()?;
//! sessions.table().create_if_missing(&Default::default()).await?;
//!
//! let layer = SessionManagerLayer::new(Store::new(sessions))
//!     .with_expiry(Expiry::OnInactivity(Duration::hours(1)));
//! let app = Router::new().route("/", get(count)).layer(TrackLoaded::new(layer));
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/counter.rs` is that program on the local engine: no AWS account, nothing to install.
//!
//! # What it promises
//!
//! * **Logout wins.** A request may load a session and finish after another request has flushed or deleted it.
//!   It does not bring the session back: its save is dropped. For tower-sessions that is a success;
//!   [`SessionStore::stats`](dynamodb_session::SessionStore::stats) counts it as a conflict.
//! * **Parallel requests keep each other's changes** with [`TrackLoaded`], by top-level field. Of two changes of one field
//!   the later one stays.
//! * **A logout deletes only the session that the request loaded**, with [`TrackLoaded`]: not a later one under its id.
//! * **`create` overwrites nothing**: a new session whose id is taken gets another id.
//! * **An expired session is gone**, even if `DynamoDB` has not deleted its item yet. An expiry is a whole
//!   second, rounded up.
//! * After an error the visitor gets a 500 that does not describe it. No error or `Debug` output holds a session
//!   id or session data.
//!
//! # What it does not promise
//!
//! * Without [`TrackLoaded`], changes in parallel are not merged. tower-sessions passes whole sessions, without the data
//!   that was loaded. If two requests change the same session in parallel, the last save overwrites the other.
//! * A request can still ask for a new id: by `cycle_id`, or by putting data into a session that was already gone
//!   when it was loaded.
//! * Numbers are stored as `DynamoDB` numbers: `1.0` is loaded as `1`. A save fails if `DynamoDB` cannot store a
//!   value, such as `1e300` or an empty field name; the error names the place.
//! * Behind a cache (`CachingSessionStore`) only the promises of the cache hold. `Store` cannot be the cache
//!   itself, because only `create` stores a session that does not exist.
//!
//! # The item
//!
//! The [item of dynamodb-session](dynamodb_session#the-item). Its attribute `session` is the `data` of
//! tower-sessions' record, in native attributes:
//!
//! ```text
//! { sessionId: {S: id}, expires: {N: epoch seconds}, created: {N: epoch milliseconds}, rev: {B: names of states},
//!   session: {M: data} }
//! ```
//!
//! Items of `tower-sessions-dynamodb-store` are read too: see [`tower_sessions_dynamodb_store`].
//!
//! # Cost
//!
//! The table is for an item of up to 1 KB. A write costs one unit for each KB of the item. A read costs one unit
//! for each 4 KB, or half of that with `consistent_read(false)`.
//!
//! | a page view that … | requests | capacity units |
//! |---|---|---|
//! | does not use the session, or has no cookie and stores nothing | 0 | 0 |
//! | stores the first value | 1 `PutItem` | 1 write |
//! | only reads | 1 `GetItem` | 1 read |
//! | changes a value, or runs under `with_always_save` | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | only reads under `with_always_save`, within [`touch_after`](Builder::touch_after) | 1 `GetItem` | 1 read |
//! | logs out with `flush` | 1 `GetItem`, 1 `PutItem` | 1 read, 1 write |
//! | calls `cycle_id` | 1 `GetItem`, 2 `PutItem` | 1 read, 2 writes |
//! | saves a session that has been deleted since the load | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | has the cookie of a session that is gone | 1 `GetItem` | 1 read |
//!
//! These are the costs with [`TrackLoaded`]. A change that meets one of a parallel request is sent once more. Without the
//! layer it is not; but a `cycle_id`, and a `flush` after a read, takes one `GetItem` more, because a delete by the id
//! alone first asks what is there, and `touch_after` has no effect.
//!
//! # Features
//!
//! * `deletion-task`: `continuously_delete_expired`. It scans the whole table each time. `DynamoDB`'s time to
//!   live, which `create_if_missing` turns on, deletes at no cost.
//!
//! [tower-sessions]: https://docs.rs/tower-sessions

#![forbid(unsafe_code)]

mod track;

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use dynamodb_session::framework::Framework;
use dynamodb_session::options::{Layout, TableOptions};
use dynamodb_session::{
    Base, Builder, CreateOutcome, ErrorKind, Loaded, NewSession, SaveOptions, SaveOutcome,
    SessionId, SessionStore, Stamp, TouchOptions,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{self, Error, Result};

use track::{StoreId, Tracked};
pub use track::{TrackLoaded, TrackLoadedService};

/// How many ids `create` tries. An id is 128 random bits: if even two are taken, they are not random.
const CREATE_ATTEMPTS: u32 = 5;

/// How deep the data of an adopted item may be: as deep as `serde_json` reads.
const MAX_LEVELS: usize = 128;

/// tower-sessions keeps nothing of its own in a session.
static NO_FIELDS: Framework = Framework::new();

/// tower-sessions' store.
///
/// Cloning is cheap, and clones share connections. For statistics, keep a clone of the [`SessionStore`] that you
/// pass to [`new`](Self::new). Put its `SessionManagerLayer` into a [`TrackLoaded`].
#[derive(Debug, Clone)]
pub struct Store {
    sessions: SessionStore,
    id: StoreId,
}

impl Store {
    /// Stores the sessions of tower-sessions in `sessions`.
    pub fn new(sessions: SessionStore) -> Self {
        let id = StoreId::new();
        Self { sessions, id }
    }

    /// Saves the changes since the load. Without any it is a touch, which no parallel save has to repeat itself for.
    async fn save_loaded(
        &self,
        loaded: &Tracked,
        record: &Record,
    ) -> std::result::Result<SaveOutcome, dynamodb_session::Error> {
        let (data, expires_at) = (&record.data, expires_at(record));
        if loaded.data == *data {
            let options = TouchOptions::default().expires_at(expires_at);
            let options = options.framework(&NO_FIELDS, data);
            return self.sessions.touch(loaded, &options).await;
        }
        let options = SaveOptions::default().expires_at(expires_at);
        self.sessions.save(loaded, data, &options).await
    }

    /// Tracks a session that was written.
    fn track(&self, id: &SessionId, record: &Record, stamp: Stamp) {
        let written = || Loaded::new(id.clone(), record.data.clone()).with_stamp(stamp);
        self.id.track(id, || Some(written()));
    }
}

#[async_trait]
impl session_store::SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..CREATE_ATTEMPTS {
            let id = session_id(record.id)?;
            let session = NewSession::new(id.clone(), &record.data);
            let session = session.expires_at(expires_at(record));
            match self.sessions.create(&session).await {
                Ok(CreateOutcome::Created(stamp)) => {
                    self.track(&id, record, stamp);
                    return Ok(());
                }
                Ok(CreateOutcome::Taken) => record.id = Id::default(),
                Err(error) => return Err(refused(&error)),
            }
        }
        Err(Error::Backend(format!(
            "{CREATE_ATTEMPTS} new session ids were all taken: the source of randomness is broken"
        )))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let id = session_id(record.id)?;
        let saved = if let Some(loaded) = self.id.loaded(&id) {
            self.save_loaded(&loaded, record).await
        } else {
            let options = SaveOptions::default().expires_at(expires_at(record));
            let base = Base::unknown(&id, None);
            self.sessions.save(base, &record.data, &options).await
        };
        match saved.map_err(|error| refused(&error))? {
            SaveOutcome::Saved(stamp) => self.track(&id, record, stamp),
            // A session that is gone stays gone; the core counts the conflict. What was loaded stays tracked: another
            // save finds it gone as well.
            SaveOutcome::Gone => {}
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let key = session_id(*id)?;
        let stored = self.sessions.load::<Data>(&key).await;
        let stored = stored.map_err(|error| refused(&error))?;
        self.id.track(&key, || {
            let stored = stored.as_ref()?;
            Some(stored.with_data(stored.data.0.clone()))
        });
        Ok(stored.map(|stored| Record {
            id: *id,
            data: stored.data.0,
            expiry_date: expiry_date(stored.expires_at),
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let id = session_id(*id)?;
        let deleted = match self.id.loaded(&id) {
            Some(loaded) => self.sessions.delete(&*loaded).await,
            None => self.sessions.delete(&id).await,
        };
        deleted.map_err(|error| refused(&error))
    }
}

/// Scans the whole table, and sends a delete for each expired session with the store's prefix. `DynamoDB`'s time
/// to live does the same within days, at no cost.
#[async_trait]
impl session_store::ExpiredDeletion for Store {
    async fn delete_expired(&self) -> Result<()> {
        let deleted = self.sessions.delete_expired().await;
        deleted.map(drop).map_err(|error| refused(&error))
    }
}

/// The settings for a table of `tower-sessions-dynamodb-store` 0.3 that has that crate's default names.
///
/// Its items are read. The next save of a session rewrites its item in the form of this crate; the attribute of
/// the expiry stays the same. `tower-sessions-dynamodb-store` cannot read a rewritten item. So move all instances
/// at once, or accept that a visitor loses the session if some requests reach an instance with that crate.
///
/// ```
/// use dynamodb_session::SessionStore;
/// use dynamodb_session_tower::{Store, tower_sessions_dynamodb_store};
///
/// # fn main() -> Result<(), dynamodb_session::Error> {
/// let builder = tower_sessions_dynamodb_store(SessionStore::builder().region("eu-central-1"));
/// let store = Store::new(builder.build()?);
/// # Ok(())
/// # }
/// ```
///
/// If that crate was configured with other names, set them afterwards: [`Builder::table_name`],
/// [`TableOptions::partition_key`], [`TableOptions::ttl_attribute`] (its `expirey_name`), [`TableOptions::prefix`]. A
/// table cannot be adopted if it has a sort key, if its keys have a suffix, or if the data are in another attribute than
/// `data`.
pub fn tower_sessions_dynamodb_store(builder: Builder) -> Builder {
    builder
        .table_name("TowerSessions")
        .table_options(
            TableOptions::default()
                .partition_key("session_id")
                .prefix("SESSIONS::TOWER::")
                .ttl_attribute("expire_at"),
        )
        .layout(Layout::TowerSessionsDynamodbStore)
}

/// Session data that this crate or `tower-sessions-dynamodb-store` stored.
struct Data(HashMap<String, Value>);

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("session data")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Data, A::Error> {
        HashMap::deserialize(MapAccessDeserializer::new(map)).map(Data)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> std::result::Result<Data, E> {
        let mut input = rmp_serde::Deserializer::from_read_ref(bytes);
        // Within rmp-serde's own limit, a crafted item could exhaust the stack of a thread.
        input.set_max_depth(MAX_LEVELS);
        // The text of rmp-serde's own error may quote a value.
        let record = Record::deserialize(&mut input)
            .map_err(|_| E::custom("not a record of tower-sessions-dynamodb-store"))?;
        Ok(Data(record.data))
    }
}

fn session_id(id: Id) -> Result<SessionId> {
    SessionId::new(id.to_string()).map_err(|error| refused(&error))
}

fn expires_at(record: &Record) -> SystemTime {
    let since_epoch = record.expiry_date - OffsetDateTime::UNIX_EPOCH;
    // A time before 1970 becomes 1970: both have expired.
    UNIX_EPOCH + Duration::try_from(since_epoch).unwrap_or_default()
}

/// An absent expiry, and one later than `time` can express, become the last moment of `time`.
fn expiry_date(expires_at: Option<SystemTime>) -> OffsetDateTime {
    expires_at
        .and_then(|expires_at| expires_at.duration_since(UNIX_EPOCH).ok())
        .and_then(|since_epoch| time::Duration::try_from(since_epoch).ok())
        .and_then(|since_epoch| OffsetDateTime::UNIX_EPOCH.checked_add(since_epoch))
        .unwrap_or(PrimitiveDateTime::MAX.assume_utc())
}

/// The errors of tower-sessions hold only text.
fn refused(error: &dynamodb_session::Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::ItemTooLarge => Error::Encode(error.to_string()),
        ErrorKind::Decode => Error::Decode(error.to_string()),
        _ => Error::Backend(error.to_string()),
    }
}
