//! Credentials that expire and are renewed while requests are sent.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use dynamodb_session::clock::{Clock as _, ManualClock};
use dynamodb_session::{SessionId, SessionStore};
use serde_json::Value;

use super::aws::{Answer, Aws, Received};

/// 2027-01-15T00:00:00Z.
const MIDNIGHT: Duration = Duration::from_hours(24 * 20_833);

fn since_midnight(clock: &ManualClock) -> u64 {
    let midnight = UNIX_EPOCH + MIDNIGHT;
    clock.now().duration_since(midnight).unwrap().as_secs()
}

/// A slow provider. The name of each key holds the second of the day at which it expires.
#[derive(Debug, Clone)]
struct Rotating {
    clock: ManualClock,
    life: u64,
    asked: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    /// The number of the answer that fails, counted from one.
    fails: u64,
}

impl Rotating {
    fn new(clock: &ManualClock, life: u64, fails: u64) -> Self {
        Self {
            clock: clock.clone(),
            life,
            asked: Arc::default(),
            answered: Arc::default(),
            fails,
        }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Lets a renewal in the background finish before the clock is advanced past its time limit.
    async fn rest(&self) {
        while self.answered.load(Ordering::Relaxed) < self.asked() {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
    }

    fn give(&self) -> impl Future<Output = Result<Credentials, CredentialsError>> + use<> {
        let ends = since_midnight(&self.clock) + self.life;
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let fails = asked == self.fails;
        let answered = Arc::clone(&self.answered);
        async move {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            answered.fetch_add(1, Ordering::Relaxed);
            if fails {
                return Err(CredentialsError::provider_error("out for lunch"));
            }
            let expiry = UNIX_EPOCH + MIDNIGHT + Duration::from_secs(ends);
            let key = format!("UNTIL{ends}");
            Ok(Credentials::new(key, "secret", None, Some(expiry), "test"))
        }
    }
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.give())
    }
}

/// DynamoDB, which refuses requests that were signed with an expired key.
fn judge(request: &Received) -> Answer {
    let time = request
        .header("x-amz-date")
        .strip_prefix("20270115T")
        .unwrap();
    let part = |at: usize| time[at..at + 2].parse::<u64>().unwrap();
    let signed_at = part(0) * 3600 + part(2) * 60 + part(4);
    let (key, _) = request.signer();
    if key.strip_prefix("UNTIL").unwrap().parse::<u64>().unwrap() > signed_at {
        Answer::ok("{}")
    } else {
        Answer::error(
            400,
            r#"{"__type":"x#ExpiredTokenException","message":"expired"}"#,
        )
    }
}

/// Sends parallel loads for an hour of the clock. Each must succeed at the first attempt. Returns how often the
/// provider was asked.
async fn an_hour(life: u64, step: u64, fails: u64) -> u64 {
    let clock = ManualClock::new(UNIX_EPOCH + MIDNIGHT);
    let aws = Aws::start_at("127.0.0.1:0", judge);
    let provider = Rotating::new(&clock, life, fails);
    let store = SessionStore::builder()
        .region("eu-west-1")
        .endpoint_url(aws.url())
        .clock(clock.clone())
        .credentials_provider(provider.clone())
        .build()
        .unwrap();
    let mut count = 0;
    while since_midnight(&clock) < 3600 {
        let loads: Vec<_> = (0..4)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let id = SessionId::new(format!("s{number}")).unwrap();
                    for _ in 0..2 {
                        store.load::<Value>(&id).await.unwrap();
                    }
                })
            })
            .collect();
        for load in loads {
            load.await.unwrap();
            count += 2;
        }
        provider.rest().await;
        clock.advance(Duration::from_secs(step));
    }
    let stats = store.stats();
    assert_eq!((stats.retries, aws.received().len()), (0, count));
    provider.asked()
}

#[tokio::test]
async fn credentials_of_ten_minutes_rotate_without_a_failed_request() {
    let asked = an_hour(600, 20, 0).await;
    // Each key is used until five minutes before it expires.
    assert!((11..=13).contains(&asked), "{asked}");
}

#[tokio::test]
async fn credentials_of_a_minute_rotate_without_a_failed_request() {
    let asked = an_hour(60, 10, 0).await;
    // These keys always expire soon, so they are renewed often, but at most every half minute.
    assert!((80..=121).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_renewal_that_fails_once_costs_no_request() {
    let asked = an_hour(600, 20, 3).await;
    assert!((12..=14).contains(&asked), "{asked}");
}
