//! The engine deletes expired items, by its clock, and no other items.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamodb_session_local::{Builder, LocalEngine};
use serde_json::json;

use crate::support::{Connection, eventually};

const NOW: u64 = 1_800_000_000;

/// An engine whose clock shows [`NOW`], and the value that sets the clock.
fn at_now() -> (Builder, Arc<AtomicU64>) {
    let hand = Arc::new(AtomicU64::new(NOW));
    let clock = Arc::clone(&hand);
    let now = move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed));
    (LocalEngine::builder().clock(now), hand)
}

#[test]
fn expired_items_are_deleted_in_the_background() {
    let (builder, hand) = at_now();
    let engine = builder
        .sweep_every(Duration::from_millis(10))
        .start()
        .unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.create_table();
    connection.put("live", NOW + 3_600);
    connection.put("dying", NOW + 60);
    let stringly = json!({ "id": { "S": "stringly" }, "expires": { "S": "1" } });
    connection.ok(
        "PutItem",
        &json!({ "TableName": "sessions", "Item": stringly }),
    );

    hand.store(NOW + 61, Ordering::Relaxed);
    eventually("the expired item is deleted", || !connection.has("dying"));
    assert!(connection.has("live"));
    assert!(connection.has("stringly"));
}

#[test]
fn a_manual_sweep_returns_its_count_and_keeps_items_in_their_second_of_expiry() {
    let (builder, hand) = at_now();
    let engine = builder.sweep_every(Duration::ZERO).start().unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.create_table();
    for id in 0..60 {
        connection.put(&format!("s{id}"), NOW + 1 + id % 2);
    }
    assert_eq!(engine.sweep().unwrap(), 0);
    hand.store(NOW + 1, Ordering::Relaxed);
    assert_eq!(engine.sweep().unwrap(), 0);
    hand.store(NOW + 2, Ordering::Relaxed);
    assert_eq!(engine.sweep().unwrap(), 30);
    assert!(!connection.has("s0") && connection.has("s1"));
    hand.store(NOW + 3, Ordering::Relaxed);
    assert_eq!(engine.sweep().unwrap(), 30);
    assert!(!connection.has("s1"));
}

#[test]
fn without_a_time_to_live_nothing_expires() {
    let engine = LocalEngine::builder().start().unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.create_table();
    connection.ok(
        "UpdateTimeToLive",
        &json!({
            "TableName": "sessions",
            "TimeToLiveSpecification": { "AttributeName": "expires", "Enabled": false },
        }),
    );
    connection.put("old", 1);
    assert_eq!(engine.sweep().unwrap(), 0);
    assert!(connection.has("old"));
}

#[test]
fn the_system_clock_is_the_default() {
    let engine = LocalEngine::builder()
        .sweep_every(Duration::from_millis(10))
        .start()
        .unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.create_table();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    connection.put("live", now + 3_600);
    connection.put("old", now - 60);
    eventually("the old item is deleted", || !connection.has("old"));
    assert!(connection.has("live"));
}

#[test]
fn the_longest_interval_never_comes_and_does_not_overflow() {
    let engine = LocalEngine::builder()
        .sweep_every(Duration::MAX)
        .start()
        .unwrap();
    Connection::open(engine.addr()).ok("ListTables", &json!({}));
    assert!(engine.is_running());
}

#[test]
fn requests_are_answered_during_sweeps() {
    let engine = LocalEngine::builder()
        .sweep_every(Duration::from_nanos(1))
        .start()
        .unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.create_table();
    let start = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for id in 0..200 {
        connection.put(
            &format!("s{id}"),
            start + if id % 2 == 0 { 3_600 } else { 0 },
        );
    }
    eventually("every other item is deleted", || {
        connection.ok("Scan", &json!({ "TableName": "sessions" }))["Count"] == 100
    });
}
