//! The output of the public types never shows an id, session data or a secret.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use dynamodb_session::framework::Framework;
use dynamodb_session::options::{ConnectionOptions, RetryOptions, TlsRoots};
use dynamodb_session::table::TableSettings;
use dynamodb_session::transport::{Incomplete, IncompleteReason, Request, Response};
use dynamodb_session::{
    Base, Error, ErrorKind, Loaded, NewSession, Operation, SaveOptions, SessionId, SessionStore,
    SessionText, TouchOptions,
};

use super::server::Server;

/// All data that must stay hidden contain this text.
const SECRET: &str = "hunter2";

#[track_caller]
fn shows_nothing(shown: &str) {
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(!shown.is_empty());
}

#[test]
fn sessions_and_ids() {
    let id = SessionId::new(SECRET).unwrap();
    let new = NewSession::new(id.clone(), SECRET);
    let loaded = Loaded::new(id.clone(), SECRET);
    shows_nothing(&format!(
        "{id:?} {id:#?} {new:?} {new:#?} {loaded:?} {loaded:#?}"
    ));
    let bases = [
        Base::from(&loaded),
        Base::Absent(&id),
        Base::Unknown {
            id: &id,
            created: None,
        },
    ];
    shows_nothing(&format!("{bases:?} {bases:#?}"));
    let touch = TouchOptions::default().framework(const { &Framework::new() }, &SECRET);
    shows_nothing(&format!("{touch:?} {touch:#?}"));
    let data = SessionText::Json(format!(r#"{{"a":"{SECRET}"}}"#));
    shows_nothing(&format!("{data:?} {:?}", loaded.with_data(data.clone())));
    let data = SessionText::Attribute(format!(r#"{{"M":{{"a":{{"S":"{SECRET}"}}}}}}"#));
    shows_nothing(&format!("{data:?}"));
    let error = SessionId::new(SECRET.repeat(1000)).unwrap_err();
    shows_nothing(&format!("{error} {error:?}"));
}

#[test]
fn requests_and_answers() {
    let request = Request::new(Operation::GetItem, SECRET, Duration::from_secs(1));
    let response = Response::new(200, SECRET);
    shows_nothing(&format!(
        "{request:?} {request:#?} {response:?} {response:#?}"
    ));
    let incomplete = Incomplete::new(IncompleteReason::Broken, SECRET);
    // `Display` leaves out the source, which comes from the transport and may hold anything.
    shows_nothing(&incomplete.to_string());
}

#[test]
fn builders_and_stores() {
    let credentials =
        Credentials::new("AKIDEXAMPLE", SECRET, Some(SECRET.to_owned()), None, "test");
    let builder = || {
        SessionStore::builder()
            .region("eu-west-1")
            .credentials_provider(credentials.clone())
            .connection_options(
                ConnectionOptions::default().proxy(format!("http://user:{SECRET}@proxy.example")),
            )
            .on_call(Arc::new(|_| ()))
    };
    shows_nothing(&format!("{:?} {:#?}", builder(), builder()));
    let store = builder().build().unwrap();
    shows_nothing(&format!("{store:?} {store:#?} {:?}", store.table()));
}

#[test]
fn settings() {
    let mut settings = TableSettings::default().read_capacity_units(7);
    settings
        .create_table
        .insert("Tags".to_owned(), SECRET.into());
    shows_nothing(&format!("{settings:?}"));
    assert!(format!("{settings:?}").contains('7'));
    // Certificates are public.
    assert!(!format!("{:?}", TlsRoots::Pem(String::new())).is_empty());
}

#[tokio::test]
async fn errors_about_data_that_cannot_be_stored() {
    let store = SessionStore::builder().region("local").build().unwrap();
    let id = SessionId::new(SECRET).unwrap();
    let in_a_value = serde_json::json!({ "n": { "m": [SECRET, 1e300] } });
    let error = store
        .put(&NewSession::new(id.clone(), in_a_value))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("n.m[1]"), "{error}");
    shows_nothing(&format!("{error} {error:?}"));
    let too_large = serde_json::json!({ "n": SECRET.repeat(100_000) });
    let error = store
        .put(&NewSession::new(id, too_large))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("409600"), "{error}");
    shows_nothing(&format!("{error} {error:?}"));
}

/// All results, events and reports of the calls, as one text, with the kinds of their errors.
async fn shown_by(answer: (u16, &'static str)) -> (String, Vec<ErrorKind>) {
    let server = Server::start(Some(answer));
    let shown = Arc::new(Mutex::new(String::new()));
    let (events, reports) = (Arc::clone(&shown), Arc::clone(&shown));
    let note = |shown: &Mutex<String>, what: &dyn fmt::Debug| {
        writeln!(shown.lock().unwrap(), "{what:?} {what:#?}").unwrap();
    };
    let store = SessionStore::builder()
        .region("eu-west-1")
        .endpoint_url(&server.url)
        .credentials_provider(Credentials::new("AKIDEXAMPLE", SECRET, None, None, "test"))
        .retry_options(
            RetryOptions::default()
                .max_attempts(2)
                .base_backoff(Duration::ZERO),
        )
        .on_event(Arc::new(move |event| note(&events, event)))
        .on_call(Arc::new(move |report| note(&reports, report)))
        .build()
        .unwrap();
    let id = SessionId::new(SECRET).unwrap();
    let data = || serde_json::json!({ "a": SECRET });
    let session = NewSession::new(id.clone(), data()).expires_at(SystemTime::now());
    let loaded = Loaded::new(id.clone(), data());
    let until = SaveOptions::default().expires_at(SystemTime::now());
    let touch = TouchOptions::default().expires_at(SystemTime::now());
    let mut kinds = Vec::new();
    let mut show = |error: Error| {
        kinds.push(error.kind());
        let mut source = std::error::Error::source(&error);
        writeln!(shown.lock().unwrap(), "{error} {error:?} {error:#?}").unwrap();
        while let Some(cause) = source {
            writeln!(shown.lock().unwrap(), "{cause} {cause:?}").unwrap();
            source = cause.source();
        }
    };
    macro_rules! show {
        ($($call:expr),+ $(,)?) => {
            $(match $call.await {
                Ok(value) => note(&shown, &value),
                Err(error) => show(error),
            })+
        };
    }
    show!(
        store.load::<serde_json::Value>(&id),
        store.load::<SessionText>(&id),
        store.load::<u8>(&id),
        store.create(&session),
        store.put(&session),
        store.save(&loaded, &data(), &until),
        store.save(Base::unknown(&id, None), &data(), &until),
        store.touch(&loaded, &touch),
        store.delete(&id),
        store.list::<serde_json::Value>(None),
    );
    note(&shown, &store.stats());
    note(&shown, &store);
    let shown = shown.lock().unwrap().clone();
    (shown, kinds)
}

#[tokio::test]
async fn results_events_and_reports() {
    let (shown, kinds) = shown_by((
        200,
        r#"{"Item":{"id":{"S":"hunter2"},"session":{"M":{"hunter2":{"S":"hunter2"}}},"created":{"N":"1"}},
            "Items":[{"sessionId":{"S":"hunter2"},"session":{"M":{"a":{"S":"hunter2"}}}}],
            "Count":1,"LastEvaluatedKey":{"sessionId":{"S":"hunter2"}}}"#,
    ))
    .await;
    shows_nothing(&shown);
    assert_eq!(kinds, [ErrorKind::Decode], "no session is a number");
    for what in ["Loaded", "CallReport", "Page", "Stamp", "Stats", "GetItem"] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
}

#[tokio::test]
async fn errors_about_answers_that_quote_data() {
    for (answer, kind) in [
        (
            (
                400,
                r#"{"__type":"x#ValidationException","message":"the value hunter2"}"#,
            ),
            ErrorKind::Service,
        ),
        (
            (
                400,
                r#"{"__type":"x#InvalidSignatureException","message":"hunter2"}"#,
            ),
            ErrorKind::Credentials,
        ),
        (
            (500, r#"{"__type":"x#New","message":"hunter2"}"#),
            ErrorKind::Service,
        ),
        ((503, "<html>hunter2"), ErrorKind::Service),
        ((200, "hunter2"), ErrorKind::Decode),
        (
            (
                200,
                r#"{"Item":{"session":{"M":{"a":{"N":"hunter2"}}}},"Items":"hunter2"}"#,
            ),
            ErrorKind::Decode,
        ),
    ] {
        let (shown, kinds) = shown_by(answer).await;
        shows_nothing(&shown);
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}
