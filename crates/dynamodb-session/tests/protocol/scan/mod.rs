//! Verbs over all sessions: every page of the table, this store's prefix, live or expired.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynamodb_session::clock::{Clock, ManualClock};
use dynamodb_session::observe::Event;
use dynamodb_session::options::{ConnectionOptions, Layout, TableOptions};
use dynamodb_session::table::TableSettings;
use dynamodb_session::transport::{IncompleteReason, Request, Transport, TransportFuture};
use dynamodb_session::{
    DecodeSession, ErrorKind, Operation, Page, PageToken, SessionStore, SessionText,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::dynalite::Dynalite;
use crate::support::{
    Fate, MINUTE, Tap, World, id, load, new_session, now, refusal, saved, scripted, secs, stored,
    until,
};

mod clear;
mod list;

/// All pages. The request for each page uses the text of the token of the page before.
async fn pages<T: DecodeSession>(store: &SessionStore) -> Vec<Page<T>> {
    let mut pages = Vec::new();
    let mut after: Option<PageToken> = None;
    loop {
        let page = store.list(after.as_ref()).await.unwrap();
        after = page
            .next
            .as_ref()
            .map(|token| token.as_str().parse().unwrap());
        pages.push(page);
        if after.is_none() {
            return pages;
        }
    }
}

/// The ids of all pages. Each must be listed once.
fn ids<T>(pages: &[Page<T>]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for record in pages.iter().flat_map(|page| &page.sessions) {
        let is_new = ids.insert(record.id.as_str().to_owned());
        assert!(is_new, "a session is listed twice");
    }
    ids
}

fn set<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.into_iter().map(str::to_owned).collect()
}

impl World {
    /// The whole keys of all items but tombstones.
    fn keys(&self) -> BTreeSet<String> {
        self.keys_of(|is_tombstone| !is_tombstone)
    }

    fn tombstones(&self) -> BTreeSet<String> {
        self.keys_of(|is_tombstone| is_tombstone)
    }

    fn keys_of(&self, is_wanted: fn(bool) -> bool) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        let mut body =
            json!({ "TableName": "sessions", "ProjectionExpression": "sessionId, gone" });
        loop {
            let answer = self.raw("Scan", &body);
            for item in answer["Items"].as_array().unwrap() {
                if is_wanted(item.get("gone").is_some()) {
                    keys.insert(item["sessionId"]["S"].as_str().unwrap().to_owned());
                }
            }
            match answer.get("LastEvaluatedKey") {
                Some(key) => body["ExclusiveStartKey"] = key.clone(),
                None => return keys,
            }
        }
    }
}

/// How long a session stays stored after its expiry, until no request can land that was sent before.
const LANDING: Duration = Duration::from_mins(25);

/// An item of the legacy package with this expiry.
fn expiring(expires: &str) -> Value {
    json!({ "session": { "M": { "n": { "N": "1" } } }, "expires": { "N": expires } })
}

/// Items of every kind. [`super::expiry`] tests an expiry that equals now.
fn put_items(world: &World, prefix: &str) {
    for (name, item) in [
        ("live", expiring(&secs(1))),
        ("live-ms", expiring("1800000000001")),
        ("live-fraction", expiring("1800000000.25")),
        (
            "no-expiry",
            json!({ "session": { "M": {} }, "created": { "N": "1700000000000" } }),
        ),
        (
            "no-number",
            json!({ "session": { "M": {} }, "expires": { "S": "1" } }),
        ),
        ("expired", expiring(&secs(0))),
        ("expired-ms", expiring("1800000000000")),
        ("expired-fraction", expiring("1799999999.75")),
        ("expired-ghost", json!({ "expires": { "N": secs(0) } })),
        ("ghost", json!({ "expires": { "N": secs(60) } })),
        (
            "text",
            json!({ "session": { "S": "x" }, "expires": { "N": secs(60) } }),
        ),
        (
            "later-layout",
            json!({ "session": { "B": "AQID" }, "expires": { "N": secs(60) } }),
        ),
        (
            "somebody-elses",
            json!({ "name": { "S": "a row of another program" } }),
        ),
    ] {
        world.put_item(&format!("{prefix}{name}"), item);
    }
}

/// Sessions of two applications, of 60 KB each, so that they take several pages.
const OURS: usize = 40;
const THEIRS: usize = 60;

async fn two_applications(world: &World) -> (SessionStore, SessionStore) {
    let ours = world
        .open(
            world
                .builder()
                .table_options(TableOptions::default().prefix("ours:")),
        )
        .await;
    let theirs = world
        .builder()
        .table_options(TableOptions::default().prefix("theirs:"))
        .build()
        .unwrap();
    for (store, sessions) in [(&ours, OURS), (&theirs, THEIRS)] {
        for n in 0..sessions {
            let data = json!({ "n": n, "big": "x".repeat(60_000) });
            let _ = store
                .put(&new_session(&format!("{n:02}"), data, MINUTE))
                .await
                .unwrap();
        }
    }
    world.tap.calls();
    (ours, theirs)
}

/// The answer of a scan that finds these keys.
fn found(keys: &[&str]) -> Fate {
    let items: Vec<_> = keys
        .iter()
        .map(|key| json!({ "sessionId": { "S": key } }))
        .collect();
    Fate::Answer(200, json!({ "Count": items.len(), "Items": items }))
}

fn units(store: &SessionStore) -> Vec<(&'static str, u64, f64)> {
    let operations = store.stats().operations.into_iter();
    operations
        .filter(|of| !of.operation.is_about_table())
        .map(|of| (of.operation.name(), of.calls, of.capacity_units))
        .collect()
}

#[tokio::test]
async fn a_scan_costs_a_read_of_the_whole_table_and_each_delete_a_write() {
    let world = World::new();
    let _ = world.store().await;
    // 8 items of 1 KB and a half: 12 KB, three units of 4 KB, and 2 write units each.
    for (prefix, items) in [("ours:", 3), ("theirs:", 5)] {
        for n in 0..items {
            let mut item = expiring(&secs(0));
            item["big"] = json!({ "S": "x".repeat(1470) });
            world.put_item(&format!("{prefix}{n}"), item);
        }
    }
    let open = |prefix| {
        world
            .builder()
            .table_options(TableOptions::default().prefix(prefix))
            .build()
            .unwrap()
    };
    let store = open("ours:");
    store.list::<Value>(None).await.unwrap();
    assert_eq!(units(&store), [("Scan", 1, 3.0)]);
    let store = open("ours:");
    store.count().await.unwrap();
    assert_eq!(units(&store), [("Scan", 1, 3.0)]);
    world.clock.advance(LANDING);
    let store = open("ours:");
    assert_eq!(store.delete_expired().await.unwrap(), 3);
    assert_eq!(units(&store), [("DeleteItem", 3, 6.0), ("Scan", 1, 1.5)]);
    let store = open("theirs:");
    assert_eq!(store.clear().await.unwrap(), 5);
    assert_eq!(
        units(&store),
        [("Scan", 1, 2.0), ("BatchWriteItem", 1, 10.0)]
    );
}

#[tokio::test]
async fn an_incomplete_batch_is_reported_as_throttling() {
    let world = World::new();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&reported);
    let builder = world.builder().on_event(Arc::new(move |event| {
        listener.lock().unwrap().push(event.clone());
    }));
    let store = world.open(builder).await;
    world.put_item("a", expiring(&secs(60)));
    world.put_item("b", expiring(&secs(60)));
    world.tap.script([Fate::Pass, Fate::Partly(1)]);
    assert_eq!(store.clear().await.unwrap(), 2);
    let throttled = Event::Throttled {
        operation: Operation::BatchWriteItem,
        code: "UnprocessedItems".to_owned(),
    };
    assert_eq!(*reported.lock().unwrap(), [throttled]);
    assert_eq!(store.stats().throttles, 1);
}

#[tokio::test]
async fn dynalite_agrees() {
    let engine = Dynalite::start();
    let builder = || {
        let builder = SessionStore::builder().endpoint_url(engine.url());
        builder
            .region("local")
            .connection_options(ConnectionOptions::default().correct_clock_skew(false))
    };
    // With the real clock, because dynalite's tables take a while to become active.
    let table = builder().build().unwrap().table();
    table
        .create_if_missing(&TableSettings::default())
        .await
        .unwrap();
    let clock = ManualClock::new(now());
    let open = |prefix: &str| {
        let builder = builder()
            .clock(clock.clone())
            .table_options(TableOptions::default().prefix(prefix));
        builder.build().unwrap()
    };
    let (ours, theirs) = (open("ours:"), open("theirs:"));
    for (store, sessions) in [(&ours, 30), (&theirs, 10)] {
        for n in 0..sessions {
            let ttl = if n % 3 == 0 { MINUTE } else { 2 * MINUTE };
            let data = json!({ "big": "x".repeat(60_000) });
            let _ = store
                .put(&new_session(&format!("{n}"), data, ttl))
                .await
                .unwrap();
        }
    }
    let found = pages::<Value>(&ours).await;
    assert!(found.len() >= 3, "{} pages", found.len());
    assert_eq!(ids(&found).len(), 30);
    assert_eq!(ours.count().await.unwrap(), 30);
    clock.advance(MINUTE);
    assert_eq!(ids(&pages::<Value>(&ours).await).len(), 20);
    assert_eq!(ours.count().await.unwrap(), 20);
    assert_eq!(ours.delete_expired().await.unwrap(), 0);
    clock.advance(LANDING);
    assert_eq!(ours.delete_expired().await.unwrap(), 10);
    assert_eq!(theirs.clear().await.unwrap(), 10);
    assert_eq!(ours.clear().await.unwrap(), 20);
    assert_eq!(open("").clear().await.unwrap(), 0);
    assert_eq!(open("").clear_with_tombstones().await.unwrap(), 30);
    assert_eq!(open("").clear_with_tombstones().await.unwrap(), 0);
}
