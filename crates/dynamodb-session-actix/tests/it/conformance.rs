//! The core's conformance suite, with actix-session's store as its subject.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore as ActixStore, UpdateError,
};
use actix_web::cookie::time;
use dynamodb_session::conformance::{self, Subject};
use dynamodb_session::options::{EncryptionKey, EncryptionOptions, HashIds, TableOptions};
use dynamodb_session::{Builder, Error, ErrorKind, SessionStore};
use dynamodb_session_actix::Store;
use serde_json::Value;

use crate::support::World;

struct Actix {
    store: Store,
    sessions: SessionStore,
    /// The key that the store chose, by the id of the case.
    keys: HashMap<String, String>,
}

/// The error inside of actix-session's errors, which differ for each verb.
struct Failure(anyhow::Error);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<LoadError> for Failure {
    fn from((LoadError::Deserialization(error) | LoadError::Other(error)): LoadError) -> Self {
        Self(error)
    }
}

impl From<SaveError> for Failure {
    fn from((SaveError::Serialization(error) | SaveError::Other(error)): SaveError) -> Self {
        Self(error)
    }
}

impl From<UpdateError> for Failure {
    fn from((UpdateError::Serialization(error) | UpdateError::Other(error)): UpdateError) -> Self {
        Self(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

fn state(data: &Value) -> HashMap<String, String> {
    let fields = data.as_object().expect("session data is a map");
    fields
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

fn to_value(state: HashMap<String, String>) -> Value {
    let value = |text: String| serde_json::from_str(&text).expect("a value is JSON text");
    let fields = state.into_iter();
    Value::Object(fields.map(|(name, text)| (name, value(text))).collect())
}

fn to_ttl(ttl: Duration) -> time::Duration {
    ttl.try_into().expect("a case's TTL is short")
}

impl Actix {
    fn new(sessions: SessionStore) -> Self {
        Self {
            // So that each touch is sent.
            store: Store::new(sessions.clone()).touch_after(Duration::ZERO),
            sessions,
            keys: HashMap::new(),
        }
    }

    fn key(&self, id: &str) -> SessionKey {
        let key = self.stored_id(id);
        key.try_into().expect("an id of a case is short")
    }
}

impl Subject for Actix {
    type Loaded = String;
    type Error = Failure;

    async fn put(&mut self, id: &str, data: &Value, ttl: Duration) -> Result<(), Failure> {
        let (key, ttl) = (self.key(id), to_ttl(ttl));
        let dropped = self.sessions.stats().conflicts;
        self.store.update(key, state(data), &ttl).await?;
        if self.sessions.stats().conflicts > dropped {
            let key = self.store.save(state(data), &ttl).await?;
            self.keys.insert(id.to_owned(), key.into());
        }
        Ok(())
    }

    async fn load(&mut self, id: &str) -> Result<Option<(Value, String)>, Failure> {
        let key = self.key(id);
        let state = self.store.load(&key).await?;
        Ok(state.map(|state| (to_value(state), key.into())))
    }

    async fn save(&mut self, key: &String, data: &Value, ttl: Duration) -> Result<bool, Failure> {
        let dropped = self.sessions.stats().conflicts;
        let key = SessionKey::try_from(key.clone()).expect("it came from a key");
        self.store.update(key, state(data), &to_ttl(ttl)).await?;
        Ok(self.sessions.stats().conflicts == dropped)
    }

    /// Each update replaces all data.
    async fn replace(
        &mut self,
        key: &String,
        data: &Value,
        ttl: Duration,
    ) -> Result<bool, Failure> {
        self.save(key, data, ttl).await
    }

    async fn touch(&mut self, key: &String, ttl: Duration) -> Result<bool, Failure> {
        let dropped = self.sessions.stats().conflicts;
        let key = SessionKey::try_from(key.clone()).expect("it came from a key");
        self.store.update_ttl(&key, &to_ttl(ttl)).await?;
        Ok(self.sessions.stats().conflicts == dropped)
    }

    async fn delete(&mut self, id: &str) -> Result<(), Failure> {
        Ok(self.store.delete(&self.key(id)).await?)
    }

    fn stored_id(&self, id: &str) -> String {
        self.keys.get(id).map_or(id, String::as_str).to_owned()
    }

    fn kinds(Failure(error): &Failure) -> Vec<ErrorKind> {
        let error = error.downcast_ref::<Error>();
        error.map(Error::kind).into_iter().collect()
    }
}

/// A store of actix-session chooses the keys of new sessions, and never uses one twice. Of a loaded session it gets only
/// the key, so each update writes all data. It has no operation on a whole table.
const UNMET: [&str; 5] = ["chosen-ids", "create", "merge", "scan", "successors"];

async fn expect_conformance(builder: impl Fn() -> Builder, unmet: &[&str], skips: usize) {
    let report = conformance::run_on(builder, unmet, Actix::new)
        .await
        .unwrap();
    #[expect(
        clippy::print_stdout,
        reason = "`.ci/summary` counts the skipped cases in it"
    )]
    {
        println!("{report}");
    }
    assert!(report.failed.is_empty(), "{report}");
    assert!(!report.passed.is_empty());
    assert_eq!(report.skipped.len(), skips, "{report}");
}

#[tokio::test]
async fn the_suite() {
    let world = World::new();
    expect_conformance(|| world.builder(), &UNMET, 25).await;
}

/// The cases that look into the attributes of a session, or change them, are left out.
#[tokio::test]
async fn the_suite_with_encrypted_sessions() {
    let world = World::new();
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    let builder = || {
        world
            .builder()
            .encryption(EncryptionOptions::new([key.clone()]))
    };
    let unmet = [&UNMET[..], &["plain-items"]].concat();
    expect_conformance(builder, &unmet, 33).await;
}

#[tokio::test]
async fn the_suite_with_hashed_ids() {
    let world = World::new();
    for mode in [HashIds::Read, HashIds::On, HashIds::Only] {
        let options = TableOptions::default().hash_ids(mode);
        let builder = || world.builder().table_options(options.clone());
        expect_conformance(builder, &UNMET, 25).await;
    }
}
