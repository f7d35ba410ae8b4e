//! The store that tower-sessions calls.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use dynamodb_session::framework::Framework;
use dynamodb_session::{
    Base, CreateOutcome, ErrorKind, Loaded, NewSession, SaveOptions, SaveOutcome, SessionId,
    SessionStore, SessionUser, Stamp, TouchOptions,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime};
use tower_sessions_core::session::{Id, Record, Session};
use tower_sessions_core::session_store::{self, Error, Result};

use crate::track::{StoreId, Tracked};
use crate::users::Users;

/// How many ids `create` tries. An id is 128 random bits: if even two are taken, they are not random.
const CREATE_ATTEMPTS: u32 = 5;

/// How deep the data of an adopted item may be: as deep as `serde_json` reads.
const MAX_LEVELS: usize = 128;

/// tower-sessions keeps nothing of its own in a session.
static NO_FIELDS: Framework = Framework::new();

/// tower-sessions' store.
///
/// Cloning is cheap, and clones share connections. Put its `SessionManagerLayer` into a
/// [`TrackLoaded`](crate::TrackLoaded).
#[derive(Debug, Clone)]
pub struct Store {
    sessions: SessionStore,
    users: Option<Users>,
    id: StoreId,
}

impl Store {
    /// Stores the sessions of tower-sessions in `sessions`.
    pub fn new(sessions: SessionStore) -> Self {
        Self {
            sessions,
            users: None,
            id: StoreId::new(),
        }
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

    /// The user that a session with these data belongs to. If the request has another session of this user, it goes on
    /// with that one.
    fn user_of(
        &self,
        id: &SessionId,
        data: &HashMap<String, Value>,
    ) -> std::result::Result<Option<SessionUser>, String> {
        let Some(users) = &self.users else {
            return Ok(None);
        };
        let user = users.user_of(data)?;
        Ok(user.map(|user| match self.id.other_of(id, user.id()) {
            Some(other) => user.continues(other),
            None => user,
        }))
    }

    /// Saves the changes since the load. Without any it is a touch, which no parallel save has to repeat itself for.
    async fn save_loaded(
        &self,
        loaded: &Tracked,
        record: &Record,
        options: &SaveOptions<'_>,
    ) -> std::result::Result<SaveOutcome, dynamodb_session::Error> {
        let data = &record.data;
        if loaded.data == *data {
            let options = TouchOptions::default().expires_at(expires_at(record));
            let options = options.framework(&NO_FIELDS, data);
            return self.sessions.touch(loaded, &options).await;
        }
        self.sessions.save(loaded, data, options).await
    }

    /// Registers a session that was loaded with its user, if it is not registered. `None`: it has been revoked.
    async fn registered(
        &self,
        loaded: Loaded<Data>,
        users: &Users,
    ) -> Result<Option<Loaded<Data>>> {
        let Some(user) = users.user_of(&loaded.data.0).map_err(Error::Decode)? else {
            return Ok(Some(loaded));
        };
        let registered = self.sessions.register(loaded, &user).await;
        let registered = registered.map_err(|error| refused(&error))?;
        // A revoked session is a miss: a visitor who signs in now does not go on with it.
        if let Some(registered) = &registered {
            self.id.note_user(&registered.id, user.id());
        }
        Ok(registered)
    }

    /// Tracks a session that was written.
    fn track(&self, id: &SessionId, record: &Record, user: Option<&SessionUser>, stamp: Stamp) {
        let written = || Loaded::new(id.clone(), record.data.clone()).with_stamp(stamp);
        self.id.track(id, || Some(written()));
        if let Some(user) = user {
            self.id.note_user(id, user.id());
        }
    }
}

/// The id of a session, to spare that one when the others of its user are
/// [revoked](SessionStore::revoke_user). `None`: it has no id yet.
pub fn id_of(session: &Session) -> Option<SessionId> {
    SessionId::new(session.id()?.to_string()).ok()
}

#[async_trait]
impl session_store::SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..CREATE_ATTEMPTS {
            let id = session_id(record.id)?;
            let user = self.user_of(&id, &record.data).map_err(Error::Encode)?;
            let mut session = NewSession::new(id.clone(), &record.data);
            session = session.expires_at(expires_at(record));
            session.user.clone_from(&user);
            match self.sessions.create(&session).await {
                Ok(CreateOutcome::Created(stamp)) => {
                    self.track(&id, record, user.as_ref(), stamp);
                    return Ok(());
                }
                Ok(CreateOutcome::Taken) => record.id = Id::default(),
                // The same as a save of a session that is gone. Another id would bring the revoked session back.
                Ok(CreateOutcome::Revoked) => return Ok(()),
                Err(error) => return Err(refused(&error)),
            }
        }
        Err(Error::Backend(format!(
            "{CREATE_ATTEMPTS} new session ids were all taken: the source of randomness is broken"
        )))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let id = session_id(record.id)?;
        let user = self.user_of(&id, &record.data).map_err(Error::Encode)?;
        let mut options = SaveOptions::default().expires_at(expires_at(record));
        if self.users.is_some() {
            options = options.user(user.as_ref());
        }
        let saved = if let Some(loaded) = self.id.loaded(&id) {
            self.save_loaded(&loaded, record, &options).await
        } else {
            let base = Base::unknown(&id, None);
            self.sessions.save(base, &record.data, &options).await
        };
        match saved.map_err(|error| refused(&error))? {
            SaveOutcome::Saved(stamp) => self.track(&id, record, user.as_ref(), stamp),
            // A session that is gone stays gone; the core counts the conflict. What was loaded stays tracked: another
            // save finds it gone as well.
            SaveOutcome::Gone => {}
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let key = session_id(*id)?;
        let stored = self.sessions.load::<Data>(&key).await;
        let stored = match (stored.map_err(|error| refused(&error))?, &self.users) {
            // In line, it would make the future of every load larger.
            (Some(loaded), Some(users)) => Box::pin(self.registered(loaded, users)).await?,
            (stored, _) => stored,
        };
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
