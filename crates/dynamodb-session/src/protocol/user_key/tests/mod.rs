//! The keys of users' items on an engine in this process, because no public verb shows them.

mod faults;
mod labels;
mod modes;
mod operators;
mod secret;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock::ManualClock;
use crate::options::{
    EncryptionKey, EncryptionMode, EncryptionOptions, RetryOptions, TableOptions,
};
use crate::transport::{
    Incomplete, IncompleteReason, Request, Response, Transport, TransportFuture,
};
use crate::{Builder, Error, NewSession, SessionId, SessionStore};

const HOUR: Duration = Duration::from_hours(1);
const ADA: &str = "ada@example.org";

/// The key of the secret's item, without a prefix.
const SECRET: &str = "u1.key";

/// The key of the user where the store has no keys.
const PLAIN: &str = "u1.xbS4MsrTh_70PkYvlO-f1IfGZ0YH3HofGkolqVDMWrI";

/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Pass,
    /// It does not reach the engine.
    Lost,
    /// It is executed, and the answer is lost.
    AnswerLost,
    /// It is refused with this code.
    Refused(&'static str),
}

/// A table and a clock. Each store of it is a process of its own.
struct World {
    database: Arc<Database>,
    clock: ManualClock,
}

/// Carries the requests of one store.
#[derive(Clone)]
struct Wire {
    database: Arc<Database>,
    script: Arc<Mutex<VecDeque<Fate>>>,
    calls: Arc<Mutex<Vec<(&'static str, Value)>>>,
}

/// A store and its wire.
struct Process {
    store: SessionStore,
    wire: Wire,
}

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn key(id: &str) -> EncryptionKey {
    let byte = id.bytes().last().unwrap();
    EncryptionKey::new(id, &[byte; 32]).unwrap()
}

fn keys(ids: &[&str]) -> EncryptionOptions {
    let keys: Vec<_> = ids.iter().map(|id| key(id)).collect();
    EncryptionOptions::new(keys)
}

/// The keys of the items of a user, with the prefix.
#[derive(Debug, PartialEq, Eq)]
struct UserKeys {
    first: String,
    other: Option<String>,
}

fn plain() -> UserKeys {
    UserKeys {
        first: PLAIN.to_owned(),
        other: None,
    }
}

impl World {
    fn new() -> Self {
        let database = Database::memory().unwrap();
        let table = json!({
            "TableName": "sessions",
            "KeySchema": [{ "AttributeName": "sessionId", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "sessionId", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        let table = serde_json::from_value(table).unwrap();
        database.create_table(table).unwrap();
        Self {
            database: Arc::new(database),
            clock: ManualClock::new(start()),
        }
    }

    fn process(&self, set: impl FnOnce(Builder) -> Builder) -> Process {
        let wire = Wire {
            database: Arc::clone(&self.database),
            script: Arc::default(),
            calls: Arc::default(),
        };
        let retries = RetryOptions::default()
            .max_attempts(2)
            .base_backoff(Duration::ZERO);
        let builder = SessionStore::builder()
            .clock(self.clock.clone())
            .retry_options(retries)
            .transport(wire.clone());
        let store = set(builder).build().unwrap();
        Process { store, wire }
    }

    /// A process with these keys.
    fn with_keys(&self, ids: &[&str]) -> Process {
        self.process(|builder| builder.encryption(keys(ids)))
    }

    fn in_mode(&self, mode: EncryptionMode) -> Process {
        self.process(|builder| builder.encryption(keys(&["k1"]).mode(mode)))
    }

    fn with_prefix(&self, prefix: &str) -> Process {
        let options = TableOptions::default().prefix(prefix);
        self.process(|builder| builder.encryption(keys(&["k1"])).table_options(options))
    }

    fn item(&self, key: &str) -> Option<Value> {
        let key = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": key } } });
        let (_, answer) = call(&self.database, "GetItem", key).unwrap();
        answer.get("Item").cloned()
    }

    fn put_item(&self, key: &str, mut item: Value) {
        item["sessionId"] = json!({ "S": key });
        let put = json!({ "TableName": "sessions", "Item": item });
        call(&self.database, "PutItem", put).unwrap();
    }

    fn delete_item(&self, key: &str) {
        let key = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": key } } });
        call(&self.database, "DeleteItem", key).unwrap();
    }

    /// The envelope with the secret, in base64.
    fn secret(&self) -> String {
        let item = self.item(SECRET).unwrap();
        item["secret"]["B"].as_str().unwrap().to_owned()
    }
}

impl Process {
    async fn user_keys(&self) -> UserKeys {
        self.try_user_keys().await.unwrap()
    }

    async fn try_user_keys(&self) -> Result<UserKeys, Error> {
        self.keys_of(ADA).await
    }

    /// The keys of the items of a user.
    async fn keys_of(&self, user: &str) -> Result<UserKeys, Error> {
        let inner = self.store.inner();
        let keys = inner.user_keys(user).await?;
        Ok(UserKeys {
            first: inner.user_item_key(keys.first),
            other: keys.other.map(|key| inner.user_item_key(key)),
        })
    }

    /// The key of the user by the secret.
    async fn keyed(&self) -> String {
        let UserKeys { first, other } = self.user_keys().await;
        assert_eq!(other.as_deref(), Some(PLAIN));
        assert_ne!(first, PLAIN);
        first
    }

    fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.wire.script.lock().unwrap().extend(fates);
    }

    fn calls(&self) -> Vec<(&'static str, Value)> {
        std::mem::take(&mut *self.wire.calls.lock().unwrap())
    }

    /// The requests since the last call.
    fn operations(&self) -> Vec<&'static str> {
        self.calls().into_iter().map(|(name, _)| name).collect()
    }

    async fn create(&self, id: &str) {
        let id = SessionId::new(id).unwrap();
        let session = NewSession::new(id, json!({ "n": 1 })).expires_at(start() + 1000 * HOUR);
        let _ = self.store.create(&session).await.unwrap();
    }
}

impl Wire {
    fn meet(&self, request: &Request) -> Result<Response, Incomplete> {
        let name = request.operation.name();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        self.calls.lock().unwrap().push((name, body.clone()));
        let fate = self.script.lock().unwrap().pop_front();
        let lost = || Incomplete::new(IncompleteReason::Broken, "said the test");
        match fate.unwrap_or(Fate::Pass) {
            Fate::Lost => Err(lost()),
            Fate::Refused(code) => {
                let body = json!({ "__type": code, "message": "no" });
                Ok(Response::new(400, body.to_string()))
            }
            fate => {
                let (status, answer) = call(&self.database, name, body).unwrap_or_else(|error| {
                    let body = serde_json::from_str(&error.to_json()).unwrap();
                    (error.status_code(), body)
                });
                match fate {
                    Fate::AnswerLost => Err(lost()),
                    _ => Ok(Response::new(status, answer.to_string())),
                }
            }
        }
    }
}

impl Transport for Wire {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        Box::pin(async move {
            // Other calls come between, as on a network.
            tokio::task::yield_now().await;
            self.meet(&request)
        })
    }
}

// `Debug` of a store shows its transport.
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

fn call(
    database: &Database,
    operation: &str,
    body: Value,
) -> Result<(u16, Value), Box<DynoxideError>> {
    fn run<Q: DeserializeOwned, A: Serialize>(
        body: Value,
        call: impl FnOnce(Q) -> Result<A, DynoxideError>,
    ) -> Result<(u16, Value), Box<DynoxideError>> {
        let request = serde_json::from_value(body)
            .map_err(|error| DynoxideError::ValidationException(error.to_string()))?;
        Ok((200, serde_json::to_value(call(request)?).unwrap()))
    }
    match operation {
        "GetItem" => run(body, |request| database.get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        other => panic!("the store is not expected to ask for {other}"),
    }
}
