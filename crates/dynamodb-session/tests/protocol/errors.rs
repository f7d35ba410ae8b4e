//! Errors say what to do, and show nothing of the session.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use dynamodb_session::options::{ConnectionOptions, RetryOptions};
use dynamodb_session::transport::IncompleteReason;
use dynamodb_session::{ErrorKind, NewSession, Operation, Remedy, SessionStore};
use dynamodb_session_local::LocalEngine;
use serde_json::{Value, json};

use crate::support::{
    Fate, MINUTE, World, fresh, id, loaded_as, refusal, save_unknown, scripted, touch_until, until,
};

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
