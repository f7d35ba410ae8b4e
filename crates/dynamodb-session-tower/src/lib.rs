//! Sessions of [tower-sessions] on Amazon `DynamoDB`.
//!
//! [`Store`] puts a [`dynamodb_session::SessionStore`] under axum and everything else that runs on tower.
//! Version 0.1 is for tower-sessions 0.15.
//!
//! ```no_run
//! use axum::{Router, http::StatusCode, routing::get};
//! use dynamodb_session::SessionStore;
//! use dynamodb_session_tower::Store;
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
//! let app = Router::new().route("/", get(count)).layer(layer);
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
//! * **Logout wins.** A request that loaded a session, and finishes after another one flushed or deleted it,
//!   does not bring it back. What it would have saved is dropped, which is a success for tower-sessions and a
//!   conflict in [`SessionStore::stats`](dynamodb_session::SessionStore::stats).
//! * **`create` overwrites nothing**: a new session whose id is taken gets another id.
//! * **An expired session is gone**, whatever `DynamoDB` has deleted: its expiry is a whole second, rounded up.
//! * Whatever fails, the visitor gets 500 without a word about it, and no error or `Debug` output holds a
//!   session id or session data.
//!
//! # What it does not
//!
//! * tower-sessions hands over whole sessions, without what was loaded: of two requests that change the same
//!   session in parallel, the one that saves last writes all of it.
//! * A request that asks for a new id itself, by `cycle_id` or by what it puts into a session that was gone
//!   when it loaded it, gets one.
//! * Numbers are what `DynamoDB` makes of them: `1.0` is loaded as `1`. What it cannot hold at all, such as
//!   `1e300` or an empty field name, is an error of the save, which names the place.
//! * Behind a cache (`CachingSessionStore`) the cache's promises count. `Store` cannot be the cache: it fills
//!   a session only by `create`.
//!
//! # The item
//!
//! The [item of dynamodb-session](dynamodb_session#the-item), with what tower-sessions calls the record's
//! data as `session`, in native attributes:
//!
//! ```text
//! { sessionId: {S: id}, expires: {N: epoch seconds}, created: {N: epoch milliseconds}, session: {M: data} }
//! ```
//!
//! Rows of `tower-sessions-dynamodb-store` are read too: see [`tower_sessions_dynamodb_store`].
//!
//! # Cost
//!
//! For an item of up to 1 KB; a write costs one unit for each KB of the item, a read one for each 4 KB, or
//! half of that with `consistent_read(false)`.
//!
//! | view | requests | capacity units |
//! |---|---|---|
//! | that does not touch the session, or finds no cookie and stores nothing | 0 | 0 |
//! | that stores the first thing | 1 `PutItem` | 1 write |
//! | that only reads | 1 `GetItem` | 1 read |
//! | that changes something, or any with `with_always_save` | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | that logs out with `flush` | 1 `DeleteItem` | 1 write |
//! | with `cycle_id` | 1 `GetItem`, 1 `DeleteItem`, 1 `PutItem` | 1 read, 2 writes |
//! | whose save finds the session gone | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | with the cookie of a session that has gone | 1 `GetItem` | 1 read |
//!
//! # Features
//!
//! * `deletion-task`: `continuously_delete_expired`. It is a scan of the table each time; `DynamoDB`'s time
//!   to live, which `create_if_missing` turns on, deletes for nothing.
//!
//! [tower-sessions]: https://docs.rs/tower-sessions

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use dynamodb_session::options::{Layout, TableOptions};
use dynamodb_session::{
    Base, Builder, CreateOutcome, ErrorKind, NewSession, SaveOptions, SaveOutcome, SessionId,
    SessionStore,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{self, Error, Result};

/// How many ids `create` tries. An id is 128 random bits: that even two are taken means that they are not random.
const CREATE_ATTEMPTS: u32 = 5;

/// How deep the data of an adopted row may be: what `serde_json` reads.
const MAX_LEVELS: usize = 128;

/// tower-sessions' store.
///
/// Cloning is cheap, and clones share connections. Keep a clone of the [`SessionStore`] it is made of for
/// statistics.
#[derive(Debug, Clone)]
pub struct Store {
    sessions: SessionStore,
}

impl Store {
    /// Keeps tower-sessions' sessions where `sessions` says.
    pub fn new(sessions: SessionStore) -> Self {
        Self { sessions }
    }
}

#[async_trait]
impl session_store::SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..CREATE_ATTEMPTS {
            let session = NewSession::new(session_id(record.id)?, &record.data);
            let session = session.expires_at(expires_at(record));
            match self.sessions.create(&session).await {
                Ok(CreateOutcome::Created(_)) => return Ok(()),
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
        let options = SaveOptions::default().expires_at(expires_at(record));
        // tower-sessions does not pass on what was loaded.
        let base = Base::unknown(&id, None);
        match self.sessions.save(base, &record.data, &options).await {
            // A session that has gone stays gone; the core counts it.
            Ok(SaveOutcome::Saved(_) | SaveOutcome::Gone) => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let stored = self.sessions.load::<Data>(&session_id(*id)?).await;
        Ok(stored
            .map_err(|error| refused(&error))?
            .map(|stored| Record {
                id: *id,
                data: stored.data.0,
                expiry_date: expiry_date(stored.expires_at),
            }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let deleted = self.sessions.delete(&session_id(*id)?).await;
        deleted.map_err(|error| refused(&error))
    }
}

/// A scan of the whole table, and a delete for each expired session of the store's prefix. `DynamoDB`'s time to
/// live does the same within days, at no cost.
#[async_trait]
impl session_store::ExpiredDeletion for Store {
    async fn delete_expired(&self) -> Result<()> {
        let deleted = self.sessions.delete_expired().await;
        deleted.map(drop).map_err(|error| refused(&error))
    }
}

/// The settings for a table of `tower-sessions-dynamodb-store` 0.3, as that crate names everything by default.
///
/// Its rows are read, and become rows of this crate when they are next saved; their expiry stays where it is.
/// That crate does not read them back: move all instances at once, or accept that a visitor who meets both
/// loses the session.
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
/// If that crate was given other names, set them afterwards: [`Builder::table_name`], [`TableOptions::partition_key`],
/// [`TableOptions::ttl_attribute`] (its `expirey_name`), [`TableOptions::prefix`]. A table with a sort key, a suffix, or
/// the data in another attribute than `data` cannot be adopted.
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

/// Session data, as this crate or `tower-sessions-dynamodb-store` stored them.
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
        // A crafted row would exhaust the stack of a thread within rmp-serde's own limit.
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
    // Whatever is before 1970 has expired all the same.
    UNIX_EPOCH + Duration::try_from(since_epoch).unwrap_or_default()
}

/// The last moment that `time` knows stands for none, and for those after it.
fn expiry_date(expires_at: Option<SystemTime>) -> OffsetDateTime {
    expires_at
        .and_then(|expires_at| expires_at.duration_since(UNIX_EPOCH).ok())
        .and_then(|since_epoch| time::Duration::try_from(since_epoch).ok())
        .and_then(|since_epoch| OffsetDateTime::UNIX_EPOCH.checked_add(since_epoch))
        .unwrap_or(PrimitiveDateTime::MAX.assume_utc())
}

/// tower-sessions' errors hold text alone.
fn refused(error: &dynamodb_session::Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::RecordTooLarge => Error::Encode(error.to_string()),
        ErrorKind::Decode => Error::Decode(error.to_string()),
        _ => Error::Backend(error.to_string()),
    }
}
