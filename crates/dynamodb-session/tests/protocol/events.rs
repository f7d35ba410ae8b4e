//! Events and statistics of a store.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynamodb_session::clock::ManualClock;
use dynamodb_session::framework::Framework;
use dynamodb_session::observe::{Event, OperationStats};
use dynamodb_session::options::RetryOptions;
use dynamodb_session::transport::IncompleteReason::{Broken, Timeout};
use dynamodb_session::transport::{Request, Transport, TransportFuture};
use dynamodb_session::{Builder, Operation, SaveOutcome, SessionStore};
use serde_json::{Value, json};

use crate::support::{
    Fate, MINUTE, MS, Tap, World, fresh, id, loaded_as, now, refusal, save_absent, save_unknown,
    scripted, stored, touch_until, until,
};

type Recorded = Arc<Mutex<Vec<Event>>>;

/// Records the events of the store.
fn listening(builder: Builder) -> (Builder, Recorded) {
    let recorded = Recorded::default();
    let events = Arc::clone(&recorded);
    let listener = Arc::new(move |event: &Event| events.lock().unwrap().push(event.clone()));
    (builder.on_event(listener), recorded)
}

fn take(events: &Recorded) -> Vec<Event> {
    std::mem::take(&mut *events.lock().unwrap())
}

/// The reference in an event. An event must not show more of the id.
fn reference(event: &Event) -> String {
    let (Event::Conflict { reference, .. } | Event::Unreadable { reference }) = event else {
        panic!("no session in {event:?}");
    };
    assert_eq!(reference.as_str().len(), 24);
    assert!(
        reference
            .as_str()
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
    );
    reference.to_string()
}

#[tokio::test]
async fn a_dropped_write_is_reported_and_counted() {
    let world = World::new();
    let (builder, events) = listening(world.builder());
    let store = world.open(builder).await;
    let mut session = loaded_as("the-id", json!({}), MINUTE);
    session.created = Some(now());
    for written in [
        save_unknown(&store, &session).await,
        store
            .save(&session, &json!({ "n": 1 }), &until(now() + MINUTE))
            .await,
        store.touch(&session, &touch_until(now() + MINUTE)).await,
        store
            .touch(
                &session,
                &touch_until(now() + MINUTE).framework(&Framework::new(), &json!({})),
            )
            .await,
    ] {
        assert_eq!(written.unwrap(), SaveOutcome::Gone);
    }
    assert_eq!(store.stats().conflicts, 4);
    let reported = take(&events);
    assert_eq!(reported.len(), 4);
    let mut references = Vec::new();
    // The second and the last one are made from a state that is not known, so they read it.
    let operations = [
        Operation::UpdateItem,
        Operation::GetItem,
        Operation::UpdateItem,
        Operation::GetItem,
    ];
    for (event, expected) in reported.iter().zip(operations) {
        let Event::Conflict { operation, .. } = event else {
            panic!("{event:?}");
        };
        assert_eq!(*operation, expected);
        assert!(!format!("{event:?}").contains("the-id"));
        references.push(reference(event));
    }
    assert!(
        references.iter().all(|one| *one == references[0]),
        "one session, one reference"
    );

    let mut other = session.clone();
    other.id = id("another-id");
    assert_eq!(
        save_unknown(&store, &other).await.unwrap(),
        SaveOutcome::Gone
    );
    assert_ne!(reference(&take(&events)[0]), references[0]);

    // A create whose id is taken is no conflict.
    let _ = store.put(&fresh(&session)).await.unwrap();
    let _ = store.create(&fresh(&session)).await.unwrap();
    let _ = save_absent(&store, &fresh(&session), &Framework::new())
        .await
        .unwrap();
    assert_eq!(take(&events), []);
    assert_eq!(store.stats().conflicts, 5);
    for operation in ["PutItem", "UpdateItem"] {
        assert_eq!(of(&store, operation).errors, 0);
    }
}

#[tokio::test]
async fn an_item_without_a_session_is_reported() {
    let world = World::new();
    let (builder, events) = listening(world.builder());
    let store = world.open(builder).await;
    let items = [
        // A touch of connect-dynamodb after a logout leaves such an item.
        json!({ "expires": { "N": "1800000060" } }),
        json!({ "session": { "S": "text" } }),
    ];
    for item in items {
        world.put_item("the-id", item);
        assert!(store.load::<Value>(&id("the-id")).await.unwrap().is_none());
        let reported = take(&events);
        assert_eq!(reported.len(), 1);
        assert!(
            matches!(reported[0], Event::Unreadable { .. }),
            "{reported:?}"
        );
        reference(&reported[0]);
    }
    // An expired item, a missing one and a tombstone cause no event.
    world.put_item("the-id", json!({ "expires": { "N": "1700000000" } }));
    store.delete(&id("signed-out")).await.unwrap();
    for name in ["the-id", "missing", "signed-out"] {
        assert!(store.load::<Value>(&id(name)).await.unwrap().is_none());
    }
    assert_eq!(take(&events), []);
}

#[tokio::test]
async fn every_retry_is_reported_and_counted() {
    let world = World::new();
    let (builder, events) = listening(world.builder());
    let store = world.open(builder).await;
    let crash = Fate::Answer(500, json!({ "__type": "x#InternalServerError" }));
    let loaded = stored(&store, "a", json!({})).await;
    let before = store.stats();
    let puts = of(&store, "PutItem");
    world
        .tap
        .script([Fate::Lost(Broken), crash, Fate::AnswerLost]);
    store.delete(&loaded).await.unwrap();
    let retry = |attempt, code: Option<&str>| Event::Retry {
        operation: Operation::PutItem,
        attempt,
        code: code.map(ToOwned::to_owned),
    };
    assert_eq!(
        take(&events),
        [
            retry(1, None),
            retry(2, Some("InternalServerError")),
            retry(3, None)
        ]
    );
    let after = store.stats();
    assert_eq!(after.retries - before.retries, 3);
    assert_eq!(after.throttles, before.throttles);
    let all = of(&store, "PutItem");
    assert_eq!((all.calls - puts.calls, all.errors), (1, 0));
    assert_eq!(all.requests - puts.requests, 4);
}

#[tokio::test]
async fn throttling_is_reported_even_without_a_retry() {
    let throttled = || refusal("ProvisionedThroughputExceededException", "slow down");
    let world = World::new();
    let (builder, events) = listening(
        world
            .builder()
            .retry_options(RetryOptions::default().max_attempts(2)),
    );
    let store = world.open(builder).await;
    world.tap.script([throttled(), throttled()]);
    let _ = store.load::<Value>(&id("a")).await.unwrap_err();
    let code = "ProvisionedThroughputExceededException".to_owned();
    let throttle = Event::Throttled {
        operation: Operation::GetItem,
        code: code.clone(),
    };
    let retry = Event::Retry {
        operation: Operation::GetItem,
        attempt: 1,
        code: Some(code),
    };
    assert_eq!(take(&events), [throttle.clone(), retry, throttle]);
    let stats = store.stats();
    assert_eq!((stats.throttles, stats.retries), (2, 1));
    let loads = of(&store, "GetItem");
    assert_eq!((loads.calls, loads.errors, loads.requests), (1, 1, 2));
}

fn of(store: &SessionStore, operation: &str) -> OperationStats {
    let stats = store.stats();
    let mut operations = stats.operations.into_iter();
    operations
        .find(|stats| stats.operation.name() == operation)
        .expect("the operation was called")
}

#[tokio::test]
async fn clones_share_statistics_and_unused_operations_are_left_out() {
    let (store, _tap) = scripted((0..4).map(|_| Fate::Answer(200, json!({}))));
    assert_eq!(store.stats(), dynamodb_session::observe::Stats::default());
    store.delete(&id("a")).await.unwrap();
    store.clone().delete(&id("a")).await.unwrap();
    let stats = store.stats();
    let calls: Vec<_> = stats
        .operations
        .iter()
        .map(|of| (of.operation.name(), of.calls))
        .collect();
    assert_eq!(calls, [("GetItem", 2), ("PutItem", 2)]);
}

#[tokio::test]
async fn merges_are_counted() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    // The first save meets the state that was loaded.
    for merges in 0..3 {
        let data = json!({ "n": 2 + merges });
        let written = store.save(&loaded, &data, &until(now() + MINUTE)).await;
        assert!(written.unwrap().is_saved());
        assert_eq!(store.stats().merge_retries, merges);
    }
    assert_eq!(store.stats().conflicts, 0);
    assert_eq!(store.stats().retries, 0);
}

/// A transport that takes some time for each attempt.
#[derive(Clone)]
struct Slow {
    tap: Tap,
    clock: ManualClock,
    takes: Arc<Mutex<Vec<Duration>>>,
}

impl fmt::Debug for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slow")
    }
}

impl Transport for Slow {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        if let Some(time) = self.takes.lock().unwrap().pop() {
            self.clock.advance(time);
        }
        self.tap.send(request)
    }
}

#[tokio::test]
async fn the_time_of_a_call_includes_its_retries() {
    let world = World::new();
    let takes = Arc::new(Mutex::new(Vec::new()));
    let slow = Slow {
        tap: world.tap.clone(),
        clock: world.clock.clone(),
        takes: Arc::clone(&takes),
    };
    let store = world.open(world.builder().transport(slow)).await;
    takes.lock().unwrap().extend([5 * MS, 20 * MS, 10 * MS]);
    world.tap.script([Fate::Lost(Timeout)]);
    for _ in 0..2 {
        let _ = store.load::<Value>(&id("a")).await.unwrap();
    }
    let loads = of(&store, "GetItem");
    assert_eq!((loads.time_total, loads.time_max), (35 * MS, 30 * MS));
}
