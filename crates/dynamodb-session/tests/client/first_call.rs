//! The first call, not `build`, reports a missing Region or missing credentials: an application can start without
//! them.

use std::process::Command;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use dynamodb_session::{Builder, Error, ErrorKind, Operation, Remedy, SessionId, SessionStore};
use serde_json::Value;

const MARK: &str = "IN_AN_EMPTY_ENVIRONMENT";

/// Runs the test `test` again, in a process without any setting of AWS. Returns `true` in that process, else `false`.
fn in_an_empty_environment(test: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .env(MARK, "1")
        .env("HOME", "/no-such-directory")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let shown = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success() && shown.contains("1 passed"),
        "{shown}"
    );
    false
}

#[tokio::main(flavor = "current_thread")]
async fn first_call(builder: Builder) -> Error {
    let store = builder.build().expect("build does no I/O");
    let start = Instant::now();
    let error = store
        .load::<Value>(&SessionId::new("a").unwrap())
        .await
        .unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    // No request was sent, and the same call would fail again.
    assert_eq!(
        (error.attempts(), error.is_retryable(), error.status()),
        (0, false, None),
        "{error:?}"
    );
    assert_eq!(
        (error.operation(), error.table()),
        (Some(Operation::GetItem), Some("sessions"))
    );
    error
}

#[test]
fn a_missing_region() {
    if in_an_empty_environment("client::first_call::a_missing_region") {
        let credentials = Credentials::new("AKIDEXAMPLE", "SECRET", None, None, "test");
        let error = first_call(SessionStore::builder().credentials_provider(credentials));
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(
            format!("{error} {error:?}").contains("AWS_REGION"),
            "{error} {error:?}"
        );
    }
}

#[test]
fn missing_credentials() {
    if in_an_empty_environment("client::first_call::missing_credentials") {
        let error = first_call(SessionStore::builder().region("eu-west-1"));
        assert_eq!(error.kind(), ErrorKind::Credentials, "{error:?}");
        assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
        assert_eq!(error.remedy(), Some(Remedy::SetCredentials), "{error:?}");
    }
}

#[test]
fn a_missing_profile() {
    if in_an_empty_environment("client::first_call::a_missing_profile") {
        let error = first_call(
            SessionStore::builder()
                .region("eu-west-1")
                .profile("no-such-profile"),
        );
        // Its endpoint is unknown, so no request may be sent.
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.to_string().contains("no-such-profile"), "{error}");
    }
}
