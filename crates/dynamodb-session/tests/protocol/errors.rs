//! Errors say what to do, and show nothing of the session.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use dynamodb_session::clock::ManualClock;
use dynamodb_session::options::{ConnectionOptions, RetryOptions};
use dynamodb_session::transport::IncompleteReason;
use dynamodb_session::{Base, Error, ErrorKind, NewSession, Operation, Remedy, SessionStore};
use dynamodb_session_local::LocalEngine;
use serde_json::{Value, json};

use crate::local::{Connection, eventually};
use crate::support::dynalite::Dynalite;
use crate::support::{
    Fate, MINUTE, Tap, World, fresh, id, loaded_as, now, refusal, save_unknown, scripted, secs,
    touch_until, until,
};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_missing_table_is_named_with_what_to_do() {
    let world = World::new();
    let store = world.builder().table_name("no-such-table").build().unwrap();
    let session = loaded_as("a", json!({}), MINUTE);
    for error in [
        store.load::<Value>(&session.id).await.unwrap_err(),
        store.create(&fresh(&session)).await.unwrap_err(),
        save_unknown(&store, &session).await.unwrap_err(),
        store
            .save(&session, &session.data, &until(session.expires_at.unwrap()))
            .await
            .unwrap_err(),
        store.put(&fresh(&session)).await.unwrap_err(),
        store
            .touch(&session, &touch_until(session.expires_at.unwrap()))
            .await
            .unwrap_err(),
        store.delete(&session.id).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::TableNotFound);
        assert_eq!(error.code(), Some("ResourceNotFoundException"));
        assert_eq!(
            (error.table(), error.status()),
            (Some("no-such-table"), Some(400))
        );
        assert_eq!(error.remedy(), Some(Remedy::CreateTable), "{error}");
        assert!(error.to_string().contains("no-such-table"), "{error}");
    }
}

/// An endpoint that accepts connections and never answers.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A port without a listener.
fn closed() -> String {
    silent().1
}

#[tokio::test]
async fn a_refusing_endpoint_is_named_within_the_deadline() {
    let url = closed();
    let store = SessionStore::builder()
        .region("local")
        .endpoint_url(&url)
        .build()
        .unwrap();
    let start = Instant::now();
    let error = store.load::<Value>(&id("a")).await.unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");
    assert_eq!(error.endpoint().unwrap().trim_end_matches('/'), url);
    assert_eq!(error.operation(), Some(Operation::GetItem));
    assert!(error.is_retryable());
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn an_endpoint_that_never_answers_is_named_within_the_deadline() {
    let (_listener, url) = silent();
    let store = SessionStore::builder().region("local").endpoint_url(&url);
    let deadline = Duration::from_millis(300);
    let store = store
        .connection_options(ConnectionOptions::default().first_byte_timeout(MINUTE))
        .retry_options(RetryOptions::default().operation_timeout(deadline))
        .build()
        .unwrap();
    let start = Instant::now();
    let error = store.load::<Value>(&id("a")).await.unwrap_err();
    assert!(
        start.elapsed() >= deadline && start.elapsed() < 10 * deadline,
        "{:?}",
        start.elapsed()
    );
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert_eq!(error.endpoint().unwrap().trim_end_matches('/'), url);
}

#[tokio::test]
async fn an_engine_that_comes_back_is_found_again() {
    let engine = LocalEngine::builder().start().unwrap();
    let store = SessionStore::builder()
        .region("local")
        .endpoint_url(engine.url())
        .build()
        .unwrap();
    let addr = engine.addr();
    assert_eq!(
        store.load::<Value>(&id("a")).await.unwrap_err().kind(),
        ErrorKind::TableNotFound
    );
    engine.stop();
    assert_eq!(
        store.load::<Value>(&id("a")).await.unwrap_err().kind(),
        ErrorKind::Transport
    );
    let _engine = LocalEngine::builder().port(addr.port()).start().unwrap();
    assert_eq!(
        store.load::<Value>(&id("a")).await.unwrap_err().kind(),
        ErrorKind::TableNotFound
    );
}

#[tokio::test]
async fn errors_show_nothing_of_the_session() {
    let quoting = "Invalid value the-id the-data";
    for fate in [
        refusal("ValidationException", quoting),
        refusal("SerializationException", quoting),
        refusal("ItemTooHostileException", quoting),
        Fate::Answer(400, json!({ "Message": quoting })),
        Fate::Answer(
            200,
            json!({ "Item": { "session": { "M": { "the-data": { "N": "the-data" } } } } }),
        ),
        Fate::Answer(200, json!("the-data")),
        Fate::Lost(IncompleteReason::Config),
        Fate::Lost(IncompleteReason::Credentials),
    ] {
        let case = format!("{fate:?}");
        let (store, _tap) = scripted([fate]);
        let error = store.load::<Value>(&id("the-id")).await.expect_err(&case);
        let shown = format!("{error} {error:?} {}", error.message());
        assert!(
            !shown.contains("the-id") && !shown.contains("the-data"),
            "{shown}"
        );
    }
    let (store, _tap) = scripted([refusal("ValidationException", quoting)]);
    let session =
        NewSession::new(id("the-id"), json!({ "n": "the-data" })).expires_at(store.now() + MINUTE);
    let error = store.put(&session).await.unwrap_err();
    let shown = format!(
        "{error} {error:?} {store:?} {session:?} {:?}",
        store.table()
    );
    assert!(
        !shown.contains("the-id") && !shown.contains("the-data"),
        "{shown}"
    );
}

#[tokio::test]
async fn errors_of_a_transport_about_settings_and_credentials_are_not_retried() {
    for (reason, kind) in [
        (IncompleteReason::Config, ErrorKind::Config),
        (IncompleteReason::Credentials, ErrorKind::Credentials),
    ] {
        let (store, tap) = scripted([Fate::Lost(reason)]);
        let error = store.load::<Value>(&id("a")).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (kind, 0));
        assert_eq!(tap.calls().len(), 1);
    }
}

/// A table of this key, with two items in it, on an engine behind a tap.
fn with_key(engine: SocketAddr, key: &Value, item: &Value) -> (SessionStore, Tap) {
    let mut connection = Connection::open(engine);
    let definitions =
        key.as_array().unwrap().iter().map(
            |key| json!({ "AttributeName": key["AttributeName"], "AttributeType": key["type"] }),
        );
    let schema = key
        .as_array()
        .unwrap()
        .iter()
        .map(|key| json!({ "AttributeName": key["AttributeName"], "KeyType": key["KeyType"] }));
    let table = json!({
        "TableName": "sessions", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": schema.collect::<Vec<_>>(), "AttributeDefinitions": definitions.collect::<Vec<_>>(),
    });
    connection.ok("CreateTable", &table);
    eventually("the table is there", || {
        let name = json!({ "TableName": "sessions" });
        connection.ok("DescribeTable", &name)["Table"]["TableStatus"] == "ACTIVE"
    });
    // One that has expired, and one without an expiry.
    let mut other = item.clone();
    other.as_object_mut().unwrap().remove("expires");
    for key in key.as_array().unwrap() {
        let name = key["AttributeName"].as_str().unwrap();
        other[name] = json!({ key["type"].as_str().unwrap(): "2" });
    }
    for item in [item, &other] {
        connection.ok("PutItem", &json!({ "TableName": "sessions", "Item": item }));
    }
    let tap = Tap::to(engine);
    let clock = ManualClock::new(now() + 60 * MINUTE);
    let store = SessionStore::builder().transport(tap.clone()).clock(clock);
    (store.build().unwrap(), tap)
}

async fn expect_other_key(engine: SocketAddr, key: &Value, item: &Value, has_own_key: bool) {
    let (store, tap) = with_key(engine, key, item);
    let id = id("the-id");
    let data = json!({ "n": 1 });
    let loaded = loaded_as("the-id", data.clone(), 2 * HOUR);
    let new = || NewSession::new(id.clone(), data.clone()).expires_at(now() + 2 * HOUR);
    let expect = |what: &str, result: Result<(), Error>, requests: &[&str]| {
        let error = result.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Config, "{what} {error}");
        assert_eq!(error.setting(), Some("partition_key"), "{what} {error}");
        assert_eq!(error.remedy(), Some(Remedy::CorrectPartitionKey), "{what}");
        assert!(error.to_string().contains("sort key"), "{what} {error}");
        assert!(!error.to_string().contains("the-id"), "{error}");
        assert_eq!(tap.operations(), requests, "{what}");
    };
    expect(
        "load",
        store.load::<Value>(&id).await.map(drop),
        &["GetItem"],
    );
    expect("create", store.create(&new()).await.map(drop), &["PutItem"]);
    expect("put", store.put(&new()).await.map(drop), &["PutItem"]);
    let options = until(now() + 2 * HOUR);
    let save = store.save(&loaded, &json!({ "n": 2 }), &options).await;
    expect("save", save.map(drop), &["GetItem"]);
    let absent = store.save(Base::absent(&id), &data, &options).await;
    expect("save absent", absent.map(drop), &["PutItem"]);
    expect(
        "replace",
        save_unknown(&store, &loaded).await.map(drop),
        &["UpdateItem"],
    );
    let touch = store.touch(&loaded, &touch_until(now() + 3 * HOUR)).await;
    expect("touch", touch.map(drop), &["UpdateItem"]);
    expect("delete", store.delete(&id).await, &["GetItem"]);
    let cleared = |operations: &'static [&'static str]| {
        if has_own_key {
            operations
        } else {
            &operations[..1]
        }
    };
    if !has_own_key {
        expect("list", store.list::<Value>(None).await.map(drop), &["Scan"]);
    }
    let swept = store.delete_expired().await.map(drop);
    expect("delete_expired", swept, cleared(&["Scan", "DeleteItem"]));
    let clear = store.clear().await.map(drop);
    expect("clear", clear, cleared(&["Scan", "BatchWriteItem"]));
    let clear = store.clear_with_tombstones().await.map(drop);
    expect(
        "clear_with_tombstones",
        clear,
        cleared(&["Scan", "BatchWriteItem"]),
    );
}

#[tokio::test]
async fn a_table_of_another_key_is_named_as_the_fault_of_a_setting() {
    let hash = |name: &str, r#type: &str| json!({ "AttributeName": name, "KeyType": "HASH", "type": r#type });
    let sort = || json!({ "AttributeName": "part", "KeyType": "RANGE", "type": "S" });
    let session = |more: Value| {
        let mut item = json!({ "session": { "M": {} }, "expires": { "N": secs(0) } });
        item.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        item
    };
    let engines = || {
        (
            LocalEngine::builder()
                .sweep_every(Duration::ZERO)
                .start()
                .unwrap(),
            Dynalite::start(),
        )
    };
    for (key, item, has_own_key) in [
        (
            json!([hash("session_id", "S")]),
            session(json!({ "session_id": { "S": "x" } })),
            false,
        ),
        (
            json!([hash("sessionId", "S"), sort()]),
            session(json!({ "sessionId": { "S": "x" }, "part": { "S": "y" } })),
            true,
        ),
        (
            json!([hash("user", "S"), sort()]),
            session(json!({ "user": { "S": "x" }, "part": { "S": "y" } })),
            false,
        ),
    ] {
        let (engine, dynalite) = engines();
        for addr in [engine.addr(), dynalite.addr()] {
            expect_other_key(addr, &key, &item, has_own_key).await;
        }
    }
}

#[tokio::test]
async fn a_key_that_is_no_string_is_the_fault_of_a_setting() {
    let engine = LocalEngine::builder()
        .sweep_every(Duration::ZERO)
        .start()
        .unwrap();
    let dynalite = Dynalite::start();
    let key = json!([{ "AttributeName": "sessionId", "KeyType": "HASH", "type": "N" }]);
    let item = json!({ "sessionId": { "N": "1" }, "session": { "M": {} } });
    for addr in [engine.addr(), dynalite.addr()] {
        let (store, _tap) = with_key(addr, &key, &item);
        let new = NewSession::new(id("the-id"), json!({})).expires_at(now() + 2 * HOUR);
        for error in [
            store
                .load::<Value>(&id("the-id"))
                .await
                .map(drop)
                .unwrap_err(),
            store.put(&new).await.map(drop).unwrap_err(),
            store.delete(&id("the-id")).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert_eq!(error.remedy(), Some(Remedy::CorrectPartitionKey));
        }
    }
}
