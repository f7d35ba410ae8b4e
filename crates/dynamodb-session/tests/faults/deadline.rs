//! Deadlines on the real clock. `faults.json` has the exact times, with an injected clock.

use std::time::{Duration, Instant};

use dynamodb_session::ErrorKind;
use dynamodb_session::options::{ConnectionOptions, RetryOptions};
use dynamodb_session_faults::{FaultServer, Step};
use serde_json::{Value, json};

use super::support::{DAY, direct, id, new_session, server, store_at};

const LIMIT: Duration = Duration::from_secs(1);

/// The time and the error of a load whose limit is [`LIMIT`].
async fn load(server: &FaultServer, url: &str) -> (Duration, ErrorKind) {
    let builder =
        store_at(server, url).retry_options(RetryOptions::default().operation_timeout(LIMIT));
    let store = builder
        .connection_options(
            ConnectionOptions::default()
                .connect_timeout(DAY)
                .first_byte_timeout(DAY),
        )
        .build()
        .unwrap();
    let start = Instant::now();
    let error = store.load::<Value>(&id("a")).await.unwrap_err();
    (start.elapsed(), error.kind())
}

#[tokio::test]
async fn no_call_exceeds_its_time_limit() {
    let silent = server().await;
    silent.default(Step::Hang);
    let slow = server().await;
    let _ = direct(&slow)
        .build()
        .unwrap()
        .put(&new_session("a", json!({})))
        .await
        .unwrap();
    slow.default(Step::DripBody { ms: 1000 });
    let (silent, slow, stalled) = tokio::join!(
        load(&silent, &silent.urls().http),
        load(&slow, &slow.urls().https),
        load(&silent, &silent.urls().https_stalled),
    );
    for (what, (took, kind), expected) in [
        ("never answering", silent, ErrorKind::Timeout),
        ("one byte a second", slow, ErrorKind::Timeout),
        ("never beginning TLS", stalled, ErrorKind::Transport),
    ] {
        assert_eq!(kind, expected, "{what}");
        let late = took.checked_sub(LIMIT);
        assert!(
            late.is_some_and(|late| late < LIMIT / 2),
            "{what}: {took:?}"
        );
    }
}
