//! What the public types show of themselves: never an id, session data or a secret.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use dynamodb_session::{
    Incomplete, IncompleteReason, Record, Request, Response, SessionId, SessionStore, SessionText,
    TableSettings, TlsRoots,
};

/// Everything that must stay hidden has this in it.
const SECRET: &str = "hunter2";

#[track_caller]
fn shows_nothing(shown: &str) {
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(!shown.is_empty());
}

#[test]
fn records_and_ids() {
    let id = SessionId::new(SECRET).unwrap();
    let record = Record::new(id.clone(), SECRET, SystemTime::now());
    shows_nothing(&format!("{id:?} {id:#?} {record:?} {record:#?}"));
    let data = SessionText::Json(format!(r#"{{"a":"{SECRET}"}}"#));
    shows_nothing(&format!("{data:?} {:?}", record.with_data(data.clone())));
    let data = SessionText::Attribute(format!(r#"{{"M":{{"a":{{"S":"{SECRET}"}}}}}}"#));
    shows_nothing(&format!("{data:?}"));
    let error = SessionId::new(SECRET.repeat(1000)).unwrap_err();
    shows_nothing(&format!("{error} {error:?}"));
}

#[test]
fn requests_and_answers() {
    let request = Request {
        operation: "GetItem",
        body: SECRET.into(),
        timeout: Duration::from_secs(1),
    };
    let response = Response {
        status: 200,
        body: SECRET.into(),
        request_id: None,
        clock_corrected: false,
    };
    shows_nothing(&format!(
        "{request:?} {request:#?} {response:?} {response:#?}"
    ));
    let incomplete = Incomplete {
        reason: IncompleteReason::Broken,
        endpoint: None,
        source: SECRET.into(),
    };
    // Its source is what the transport reports, and shown only where somebody asks for it.
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
            .proxy(format!("http://user:{SECRET}@proxy.example"))
            .on_call(Arc::new(|_| ()))
    };
    shows_nothing(&format!("{:?} {:#?}", builder(), builder()));
    let store = builder().build().unwrap();
    shows_nothing(&format!("{store:?} {store:#?} {:?}", store.table()));
}

#[test]
fn settings() {
    let mut settings = TableSettings {
        read_capacity_units: Some(7),
        ..TableSettings::default()
    };
    settings
        .create_table
        .insert("Tags".to_owned(), SECRET.into());
    shows_nothing(&format!("{settings:?}"));
    assert!(format!("{settings:?}").contains('7'));
    // Certificates are public.
    assert!(!format!("{:?}", TlsRoots::Pem(String::new())).is_empty());
}

#[tokio::test]
async fn errors_of_what_cannot_be_stored() {
    let store = SessionStore::builder().region("local").build().unwrap();
    let id = SessionId::new(SECRET).unwrap();
    let in_a_value = serde_json::json!({ "n": { "m": [SECRET, 1e300] } });
    let error = store
        .put(&Record::new(id.clone(), in_a_value, store.now()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("n.m[1]"), "{error}");
    shows_nothing(&format!("{error} {error:?}"));
    let too_large = serde_json::json!({ "n": SECRET.repeat(100_000) });
    let error = store
        .put(&Record::new(id, too_large, store.now()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("409600"), "{error}");
    shows_nothing(&format!("{error} {error:?}"));
}
