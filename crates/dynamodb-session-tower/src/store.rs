//! The store that tower-sessions calls.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use dynamodb_session::framework::Framework;
use dynamodb_session::{
    Base, CreateOutcome, ErrorKind, Loaded, NewSession, SaveOptions, SaveOutcome, SessionId,
    SessionStore, Stamp, TouchOptions,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{self, Error, Result};

use crate::track::{StoreId, Tracked};

/// How many ids `create` tries. An id is 128 random bits: if even two are taken, they are not random.
const CREATE_ATTEMPTS: u32 = 5;

/// How deep the data of an adopted item may be: as deep as `serde_json` reads.
const MAX_LEVELS: usize = 128;

/// tower-sessions keeps nothing of its own in a session.
static NO_FIELDS: Framework = Framework::new();

/// tower-sessions' store.
///
/// Cloning is cheap, and clones share connections. For statistics, keep a clone of the [`SessionStore`] that you
/// pass to [`new`](Self::new). Put its `SessionManagerLayer` into a
/// [`TrackLoaded`](crate::TrackLoaded).
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
