//! Retries do not make an outage worse, and calls to a stalled service do not fill the process.

use std::time::Duration;

use dynamodb_session::clock::ManualClock;
use dynamodb_session::options::RetryOptions;
use dynamodb_session::{ErrorKind, SessionStore};
use dynamodb_session_faults::{FaultServer, Step};
use serde_json::Value;
use tokio::task::JoinSet;

use super::support::{id, now, server, store_at};

/// A store with the default limits, but without pauses between attempts.
fn store(server: &FaultServer, clock: &ManualClock) -> SessionStore {
    let builder = store_at(server, &server.urls().http).clock(clock.clone());
    builder
        .retry_options(RetryOptions::default().base_backoff(Duration::ZERO))
        .build()
        .unwrap()
}

async fn load(store: &SessionStore) -> Result<(), dynamodb_session::Error> {
    store.load::<Value>(&id("a")).await.map(|_| ())
}

/// Makes `calls` calls, which all succeed or all fail. Returns how many requests they sent.
async fn requests(
    server: &FaultServer,
    store: &SessionStore,
    calls: usize,
    succeed: bool,
) -> usize {
    for _ in 0..calls {
        assert_eq!(load(store).await.is_ok(), succeed);
    }
    server.log().entries.len()
}

#[tokio::test]
async fn while_all_requests_fail_a_call_makes_hardly_more_than_one_attempt() {
    let server = server().await;
    let store = store(&server, &ManualClock::new(now()));
    for outage in [
        Step::Error {
            code: "InternalServerError".to_owned(),
            status: 500,
            message: String::new(),
        },
        Step::error("ThrottlingException"),
        Step::ResetBefore,
    ] {
        server.default(outage);
        let sent = requests(&server, &store, 1000, false).await;
        assert!(sent > 1000 && sent <= 1100, "{sent}");
        assert_eq!(requests(&server, &store, 100, false).await, 100);
        // The outage is over. The store works again without a restart.
        server.default(Step::Pass);
        assert_eq!(requests(&server, &store, 500, true).await, 500);
        // The successful calls have refilled the retry budget.
        server.script([Step::error("ThrottlingException")]);
        assert_eq!(requests(&server, &store, 1, true).await, 2);
    }
}

#[tokio::test]
async fn calls_to_a_stalled_service_are_limited() {
    const CALLS: usize = 10_000;
    const CONNECTIONS: usize = 128;
    const QUEUE: usize = 4096;
    let server = server().await;
    server.default(Step::Hang);
    let clock = ManualClock::new(now());
    let store = store(&server, &clock);
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let store = store.clone();
        calls.spawn(async move { load(&store).await.unwrap_err() });
    }
    // These calls are refused at once, before the clock moves.
    for _ in 0..CALLS - CONNECTIONS - QUEUE {
        let refused = calls.join_next().await.unwrap().unwrap();
        assert_eq!(
            (refused.kind(), refused.attempts()),
            (ErrorKind::Overloaded, 0)
        );
        assert!(refused.is_retryable());
    }
    server.received(CONNECTIONS as u64).await;
    assert_eq!(server.open_connections(), CONNECTIONS);
    assert_eq!(calls.len(), CONNECTIONS + QUEUE);
    assert!(calls.try_join_next().is_none());

    clock.advance(Duration::from_secs(5));
    while let Some(given_up) = calls.join_next().await {
        let given_up = given_up.unwrap();
        assert!(
            matches!(given_up.kind(), ErrorKind::Timeout | ErrorKind::Transport),
            "{given_up:?}"
        );
    }
    server.connections_closed().await;
    let seen = server.log();
    assert!(
        seen.entries.len() <= CONNECTIONS + QUEUE,
        "{}",
        seen.entries.len()
    );
    // Afterwards the store works again.
    server.default(Step::Pass);
    load(&store).await.unwrap();
    assert_eq!(server.log().operations(), ["GetItem"]);
}
