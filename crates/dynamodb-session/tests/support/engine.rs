//! The engine without a network, for tests that make thousands of requests.

use std::fmt;
use std::sync::{Arc, Mutex};

use dynamodb_session::transport::{Request, Response, Transport, TransportFuture};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub(crate) const TABLE: &str = "sessions";

/// An engine in this process, in memory, with the table `sessions`. Clones share it.
#[derive(Clone)]
pub(crate) struct Engine(Arc<Database>);

impl Engine {
    pub(crate) fn new() -> Self {
        let database = Database::memory().unwrap();
        let table = json!({
            "TableName": TABLE,
            "KeySchema": [{ "AttributeName": "sessionId", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "sessionId", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        database
            .create_table(serde_json::from_value(table).unwrap())
            .unwrap();
        Self(Arc::new(database))
    }

    /// Executes a request. Returns the HTTP status and the body.
    pub(crate) fn call(&self, operation: &str, body: Value) -> (u16, Value) {
        let database = &self.0;
        let result = match operation {
            "GetItem" => run(body, |request| database.get_item(request)),
            "PutItem" => run(body, |request| database.put_item(request)),
            "UpdateItem" => run(body, |request| database.update_item(request)),
            "DeleteItem" => run(body, |request| database.delete_item(request)),
            other => panic!("the store is not expected to ask for {other}"),
        };
        result.unwrap_or_else(|error| {
            let body = serde_json::from_str(&error.to_json()).unwrap();
            (error.status_code(), body)
        })
    }

    /// The stored item.
    pub(crate) fn item(&self, key: &str) -> Option<Map<String, Value>> {
        let (status, mut answer) = self.call("GetItem", keyed(key));
        assert_eq!(status, 200, "{answer}");
        match answer["Item"].take() {
            Value::Object(item) => Some(item),
            _ => None,
        }
    }

    /// Stores an item under this key. Returns whether the engine accepts it.
    pub(crate) fn put(&self, key: &str, mut item: Value) -> bool {
        item["sessionId"] = json!({ "S": key });
        let put = json!({ "TableName": TABLE, "Item": item });
        self.call("PutItem", put).0 == 200
    }

    pub(crate) fn delete(&self, key: &str) {
        assert_eq!(self.call("DeleteItem", keyed(key)).0, 200);
    }
}

fn keyed(key: &str) -> Value {
    json!({ "TableName": TABLE, "Key": { "sessionId": { "S": key } } })
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: Value,
    call: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<(u16, Value), DynoxideError> {
    let request = serde_json::from_value(body)
        .map_err(|error| DynoxideError::ValidationException(error.to_string()))?;
    Ok((200, serde_json::to_value(call(request)?).unwrap()))
}

pub(crate) fn response(status: u16, body: &Value) -> Response {
    Response::new(status, body.to_string())
}

/// A [`Transport`] to an engine in this process that records every request. Clones share everything.
#[derive(Clone)]
pub(crate) struct Direct {
    engine: Engine,
    calls: Arc<Mutex<Vec<(&'static str, Value)>>>,
}

impl Direct {
    pub(crate) fn to(engine: Engine) -> Self {
        let calls = Arc::default();
        Self { engine, calls }
    }

    /// The requests since the last call.
    pub(crate) fn calls(&self) -> Vec<(&'static str, Value)> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

// `Debug` of a store shows its transport, which must not show session data.
impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Direct")
    }
}

impl Transport for Direct {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let calls = &mut *self.calls.lock().unwrap();
        calls.push((request.operation.name(), body.clone()));
        let (status, answer) = self.engine.call(request.operation.name(), body);
        let response = response(status, &answer);
        Box::pin(async move { Ok(response) })
    }
}
