//! A host whose clock is wrong by hours: after one correction, its signatures and the stored times are right.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use dynamodb_session::clock::{Clock as _, ManualClock};
use dynamodb_session::options::RetryOptions;
use dynamodb_session::{NewSession, SessionId, SessionStore};
use serde_json::{Value, json};

use super::aws::{Answer, Aws, Received};

/// The service's time: 2027-01-15T08:00:00Z.
fn true_time() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(500_000)
}

/// DynamoDB, which refuses requests that were signed at a different time.
fn judge(request: &Received) -> Answer {
    if request.header("x-amz-date") == "20270115T080000Z" {
        return Answer::ok("{}");
    }
    Answer(
        400,
        "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nx-amzn-requestid: R\r\n".to_owned(),
        r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}"#.to_owned(),
    )
}

fn store(aws: &Aws, host: SystemTime) -> (SessionStore, ManualClock) {
    let clock = ManualClock::new(host);
    let store = SessionStore::builder()
        .region("eu-west-1")
        .endpoint_url(aws.url())
        .clock(clock.clone())
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .build()
        .unwrap();
    (store, clock)
}

const WRONG_BY: [(i8, Duration); 4] = [
    (1, Duration::from_hours(7)),
    (-1, Duration::from_hours(7)),
    (1, Duration::from_mins(6)),
    (-1, Duration::from_hours(24 * 365 * 30)),
];

fn wrong(sign: i8, by: Duration) -> SystemTime {
    if sign > 0 {
        true_time() + by
    } else {
        true_time() - by
    }
}

#[tokio::test]
async fn requests_and_expiry_are_right_after_one_correction() {
    for (sign, by) in WRONG_BY {
        let aws = Aws::start_at("127.0.0.1:0", judge);
        let (store, clock) = store(&aws, wrong(sign, by));
        let id = SessionId::new("s").unwrap();
        assert!(store.load::<Value>(&id).await.unwrap().is_none());
        assert_eq!(store.now(), true_time());
        assert_eq!(
            clock.now(),
            wrong(sign, by),
            "the host's own clock is left alone"
        );
        let expires_at = store.now() + Duration::from_hours(1);
        store
            .put(&NewSession::new(id.clone(), json!({ "a": 1 })).expires_at(expires_at))
            .await
            .unwrap();
        store.delete(&id).await.unwrap();
        let received = aws.received();
        assert_eq!(received.len(), 5, "of which the first is refused");
        let expires = expires_at.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let body: Value = serde_json::from_str(&received[2].body).unwrap();
        assert_eq!(body["Item"]["expires"]["N"], expires.to_string());
        let tombstone: Value = serde_json::from_str(&received[4].body).unwrap();
        let expires = true_time() + Duration::from_mins(25);
        let expires = expires.duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(tombstone["Item"]["expires"]["N"], expires.to_string());
        assert_eq!(store.stats().retries, 1);
    }
}

#[tokio::test]
async fn a_correction_costs_one_attempt_even_without_retries() {
    let aws = Aws::start_at("127.0.0.1:0", judge);
    let clock = ManualClock::new(wrong(1, Duration::from_hours(3)));
    let store = SessionStore::builder()
        .region("eu-west-1")
        .endpoint_url(aws.url())
        .clock(clock)
        .retry_options(RetryOptions::default().max_attempts(1))
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .build()
        .unwrap();
    let id = SessionId::new("s").unwrap();
    store.load::<Value>(&id).await.unwrap();
    assert_eq!(aws.received().len(), 2);
}

#[tokio::test]
async fn sessions_expire_by_the_time_of_the_service() {
    for (sign, by) in WRONG_BY {
        let aws = Aws::start_at("127.0.0.1:0", |request| {
            let expires = true_time().duration_since(UNIX_EPOCH).unwrap().as_secs();
            match judge(request) {
                // One session expires in a minute, the other expired a minute ago.
                Answer(200, headers, _) => {
                    let expires = if request.body.contains("live") {
                        expires + 60
                    } else {
                        expires - 60
                    };
                    let item = format!(
                        r#"{{"Item":{{"expires":{{"N":"{expires}"}},"session":{{"M":{{}}}}}}}}"#
                    );
                    Answer(200, headers, item)
                }
                refused => refused,
            }
        });
        for (id, is_live) in [("live", true), ("ended", false)] {
            // The host's own clock would give a wrong answer for one of them.
            let (store, _) = store(&aws, wrong(sign, by));
            let loaded = store
                .load::<Value>(&SessionId::new(id).unwrap())
                .await
                .unwrap();
            assert_eq!(loaded.is_some(), is_live, "{id} {sign} {by:?}");
        }
    }
}

/// The host's wrong clock must not decide when credentials are renewed: they are renewed when they expire by the
/// service's time.
#[tokio::test]
async fn credentials_expire_by_the_time_of_the_service() {
    for (sign, by) in WRONG_BY {
        let aws = Aws::start_at("127.0.0.1:0", |request| match judge(request) {
            Answer(200, ..) => Answer::ok("{}"),
            refused => refused,
        });
        let asked = Arc::new(AtomicU32::new(0));
        let provider = Giving(Arc::clone(&asked));
        let store = SessionStore::builder()
            .region("eu-west-1")
            .endpoint_url(aws.url())
            .clock(ManualClock::new(wrong(sign, by)))
            .credentials_provider(provider)
            .build()
            .unwrap();
        let id = SessionId::new("s").unwrap();
        for _ in 0..3 {
            store.load::<Value>(&id).await.unwrap();
        }
        let asked = asked.load(Ordering::Relaxed);
        // At most one extra request, if they seem to have expired before the clock is corrected.
        let most = if sign > 0 && by > Duration::from_hours(1) {
            2
        } else {
            1
        };
        assert!((1..=most).contains(&asked), "{asked} {sign} {by:?}");
    }
}

/// A provider of credentials that expire after an hour of the service's time.
#[derive(Debug)]
struct Giving(Arc<AtomicU32>);

impl ProvideCredentials for Giving {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::Relaxed);
        let expiry = true_time() + Duration::from_hours(1);
        future::ProvideCredentials::ready(Ok(Credentials::new(
            "AKID",
            "secret",
            None,
            Some(expiry),
            "test",
        )))
    }
}
