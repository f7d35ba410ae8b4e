//! Verbs over all sessions: every page of the table, this store's prefix, live or expired.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dynamodb_session::{
    Clock, ErrorKind, Event, IncompleteReason, Layout, ManualClock, Operation, Page, PageToken,
    Record, Request, SessionStore, SessionText, TableSettings, Transport, TransportFuture,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::dynalite::Dynalite;
use crate::support::{Fate, MINUTE, Tap, World, now, record, refusal, scripted, secs};

/// All pages, each asked for with the text of the token that the one before had.
async fn pages<T: DeserializeOwned>(store: &SessionStore) -> Vec<Page<T>> {
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

/// The ids of all pages, which must each be there once.
fn ids<T>(pages: &[Page<T>]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for record in pages.iter().flat_map(|page| &page.records) {
        let is_new = ids.insert(record.id.as_str().to_owned());
        assert!(is_new, "a session is listed twice");
    }
    ids
}

fn set<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.into_iter().map(str::to_owned).collect()
}

impl World {
    /// The whole keys of all items.
    fn keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        let mut body = json!({ "TableName": "sessions", "ProjectionExpression": "sessionId" });
        loop {
            let answer = self.raw("Scan", &body);
            for item in answer["Items"].as_array().unwrap() {
                keys.insert(item["sessionId"]["S"].as_str().unwrap().to_owned());
            }
            match answer.get("LastEvaluatedKey") {
                Some(key) => body["ExclusiveStartKey"] = key.clone(),
                None => return keys,
            }
        }
    }
}

/// An item of the legacy package with this expiry.
fn expiring(expires: &str) -> Value {
    json!({ "session": { "M": { "n": { "N": "1" } } }, "expires": { "N": expires } })
}

/// Rows of every kind. What an expiry equal to now makes of a row, [`super::expiry`] says.
fn put_rows(world: &World, prefix: &str) {
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

#[tokio::test]
async fn live_sessions_are_listed_and_counted() {
    let world = World::new();
    let store = world.store().await;
    put_rows(&world, "");
    let found = pages::<Value>(&store).await;
    assert_eq!(
        ids(&found),
        set(["live", "live-ms", "live-fraction", "no-expiry", "no-number"])
    );
    // The text and the later layout, which only reading tells from a session.
    assert_eq!(found[0].unreadable, 2);
    assert_eq!(store.count().await.unwrap(), 7);
    assert_eq!(world.tap.operations(), ["Scan", "Scan"]);
}

#[tokio::test]
async fn what_is_listed_is_what_load_returns() {
    let world = World::new();
    let store = world.store().await;
    put_rows(&world, "");
    let _ = store
        .put(&record(
            "new",
            json!({ "deep": [1, { "x": null }] }),
            MINUTE,
        ))
        .await
        .unwrap();
    for listed in pages::<Value>(&store)
        .await
        .into_iter()
        .flat_map(|page| page.records)
    {
        let loaded = store.load::<Value>(&listed.id).await.unwrap();
        assert_eq!(Some(listed), loaded);
    }
}

#[tokio::test]
async fn without_sessions_there_is_one_empty_page() {
    let world = World::new();
    let store = world.store().await;
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!(
        (page.records.len(), page.unreadable, page.next),
        (0, 0, None)
    );
    assert_eq!(store.count().await.unwrap(), 0);
    assert_eq!(store.clear().await.unwrap(), 0);
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    assert_eq!(world.tap.operations(), ["Scan"; 4]);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_hides_no_other() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Cart {
        items: Vec<String>,
    }
    let world = World::new();
    let store = world.store().await;
    for (name, data) in [
        ("a", json!({ "items": ["tea"] })),
        ("b", json!({ "items": "tea" })),
        ("c", json!({})),
        ("d", json!({ "items": [] })),
    ] {
        let _ = store.put(&record(name, data, MINUTE)).await.unwrap();
    }
    let found = pages::<Cart>(&store).await;
    assert_eq!((ids(&found), found[0].unreadable), (set(["a", "d"]), 2));
    // Neither does a key that begins like this store's and then ends.
    let prefixed = world.builder().prefix("d").build().unwrap();
    let found = pages::<Cart>(&prefixed).await;
    assert_eq!((ids(&found), found[0].unreadable), (set([]), 1));
}

#[tokio::test]
async fn each_session_has_the_text_that_it_needs() {
    let world = World::new();
    let store = world.store().await;
    world.put_item(
        "bytes",
        json!({ "session": { "M": { "b": { "B": "AQID" } } } }),
    );
    world.put_item("json", json!({ "session": { "M": { "n": { "N": "1" } } } }));
    let found = pages::<SessionText>(&store).await;
    for Record { id, data, .. } in &found[0].records {
        let expected = match id.as_str() {
            "json" => SessionText::Json(r#"{"n":1}"#.to_owned()),
            _ => SessionText::Attribute(r#"{"M":{"b":{"B":"AQID"}}}"#.to_owned()),
        };
        assert_eq!(*data, expected);
    }
    assert_eq!(found[0].records.len(), 2);
}

/// Two applications' sessions, of 60 KB each so that they are several pages.
const OURS: usize = 40;
const THEIRS: usize = 60;

async fn two_applications(world: &World) -> (SessionStore, SessionStore) {
    let ours = world.open(world.builder().prefix("ours:")).await;
    let theirs = world.builder().prefix("theirs:").build().unwrap();
    for (store, sessions) in [(&ours, OURS), (&theirs, THEIRS)] {
        for n in 0..sessions {
            let data = json!({ "n": n, "big": "x".repeat(60_000) });
            let _ = store
                .put(&record(&format!("{n:02}"), data, MINUTE))
                .await
                .unwrap();
        }
    }
    world.tap.calls();
    (ours, theirs)
}

#[tokio::test]
async fn every_page_is_read_and_only_this_prefix_counts() {
    let world = World::new();
    let (ours, theirs) = two_applications(&world).await;
    for (store, sessions) in [(&ours, OURS), (&theirs, THEIRS)] {
        let found = pages::<Value>(store).await;
        let expected = (0..sessions).map(|n| format!("{n:02}")).collect();
        assert_eq!(ids(&found), expected);
        // 6 MB of items, of up to 1 MB a page.
        assert!(found.len() >= 6, "{} pages", found.len());
        assert_eq!(world.tap.operations().len(), found.len());
        assert_eq!(store.count().await.unwrap(), sessions as u64);
        assert_eq!(world.tap.operations(), vec!["Scan"; found.len()]);
    }
    // One that has nothing here reads it all the same.
    let nobody = world.builder().prefix("nobody:").build().unwrap();
    let found = pages::<Value>(&nobody).await;
    assert!(found.len() >= 6 && ids(&found).is_empty());
    // Without a prefix, the ids are whole.
    let all = pages::<Value>(&world.builder().build().unwrap()).await;
    assert_eq!(ids(&all), world.keys());
}

#[tokio::test]
async fn clear_deletes_this_prefix_alone_in_batches() {
    let world = World::new();
    let (ours, theirs) = two_applications(&world).await;
    assert_eq!(ours.clear().await.unwrap(), OURS as u64);
    let calls = world.tap.calls();
    let batches = calls.iter().filter(|(name, _)| *name == "BatchWriteItem");
    let sizes: Vec<usize> = batches
        .map(|(_, body)| body["RequestItems"]["sessions"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), OURS);
    assert!(sizes.iter().all(|size| *size <= 25), "{sizes:?}");
    let scans: Vec<_> = calls.iter().filter(|(name, _)| *name == "Scan").collect();
    assert!(scans.len() >= 6, "{}", scans.len());
    assert_eq!(ours.count().await.unwrap(), 0);
    assert_eq!(theirs.count().await.unwrap(), THEIRS as u64);
}

#[tokio::test]
async fn a_batch_has_25_deletes() {
    let world = World::new();
    let store = world.store().await;
    for n in 0..60 {
        world.put_item(&format!("{n}"), expiring(&secs(60)));
    }
    assert_eq!(store.clear().await.unwrap(), 60);
    let sizes: Vec<_> = world
        .tap
        .calls()
        .iter()
        .filter_map(|(_, body)| body["RequestItems"]["sessions"].as_array().map(Vec::len))
        .collect();
    assert_eq!(sizes, [25, 25, 10]);
    assert_eq!(world.keys(), set([]));
}

#[tokio::test]
async fn clear_deletes_sessions_expired_or_not_and_no_other_rows() {
    let world = World::new();
    let store = world.open(world.builder().prefix("a:")).await;
    put_rows(&world, "a:");
    put_rows(&world, "b:");
    let theirs: BTreeSet<_> = world
        .keys()
        .into_iter()
        .filter(|key| key.starts_with("b:"))
        .collect();
    assert_eq!(store.clear().await.unwrap(), 12);
    let mut left = theirs;
    left.insert("a:somebody-elses".to_owned());
    assert_eq!(world.keys(), left);
}

#[tokio::test]
async fn expired_items_are_deleted_one_by_one() {
    let world = World::new();
    let store = world.open(world.builder().prefix("a:")).await;
    put_rows(&world, "a:");
    put_rows(&world, "b:");
    let before = world.keys();
    assert_eq!(store.delete_expired().await.unwrap(), 4);
    let gone: BTreeSet<_> = before.difference(&world.keys()).cloned().collect();
    assert_eq!(
        gone,
        set([
            "a:expired",
            "a:expired-fraction",
            "a:expired-ghost",
            "a:expired-ms"
        ])
    );
    assert_eq!(
        world.tap.operations(),
        [
            "Scan",
            "DeleteItem",
            "DeleteItem",
            "DeleteItem",
            "DeleteItem"
        ]
    );
    assert_eq!(store.delete_expired().await.unwrap(), 0);
}

#[tokio::test]
async fn expired_items_of_every_page_are_deleted() {
    let world = World::new();
    let (ours, theirs) = two_applications(&world).await;
    world.clock.advance(MINUTE);
    world.tap.calls();
    assert_eq!(ours.delete_expired().await.unwrap(), OURS as u64);
    let scans = world.tap.operations();
    assert!(scans.iter().filter(|name| **name == "Scan").count() >= 6);
    assert_eq!(theirs.delete_expired().await.unwrap(), THEIRS as u64);
    assert_eq!(world.keys(), set([]));
}

/// What a scan answers that found these keys.
fn found(keys: &[&str]) -> Fate {
    let items: Vec<_> = keys
        .iter()
        .map(|key| json!({ "sessionId": { "S": key } }))
        .collect();
    Fate::Answer(200, json!({ "Count": items.len(), "Items": items }))
}

#[tokio::test]
async fn an_item_that_gets_a_later_expiry_after_the_scan_stays() {
    let world = World::new();
    let store = world.store().await;
    world.put_item("expired", expiring(&secs(0)));
    // As the scan saw them they had expired; since then, one was renewed, one deleted.
    world.put_item("renewed", expiring(&secs(60)));
    world
        .tap
        .script([found(&["renewed", "expired", "deleted"])]);
    assert_eq!(store.delete_expired().await.unwrap(), 1);
    assert_eq!(world.keys(), set(["renewed"]));
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_counts() {
    let world = World::new();
    let store = world.store().await;
    world.put_item("a", expiring(&secs(0)));
    world.tap.script([Fate::Pass, Fate::AnswerLost]);
    assert_eq!(store.delete_expired().await.unwrap(), 1);
    // A renewal between the attempts does not.
    world.put_item("a", expiring(&secs(60)));
    world
        .tap
        .script([found(&["a"]), Fate::Lost(IncompleteReason::Timeout)]);
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    assert_eq!(world.keys(), set(["a"]));
}

#[tokio::test]
async fn what_a_batch_leaves_undone_is_asked_for_again() {
    let world = World::new();
    let store = world.store().await;
    for n in 0..30 {
        world.put_item(&format!("{n}"), expiring(&secs(60)));
    }
    world
        .tap
        .script([Fate::Pass, Fate::Partly(10), Fate::Partly(0)]);
    assert_eq!(store.clear().await.unwrap(), 30);
    let sizes: Vec<_> = world
        .tap
        .calls()
        .iter()
        .filter_map(|(_, body)| body["RequestItems"]["sessions"].as_array().map(Vec::len))
        .collect();
    assert_eq!(sizes, [25, 15, 15, 5]);
    assert_eq!(world.keys(), set([]));
}

#[tokio::test]
async fn a_table_with_no_capacity_left_ends_a_clear() {
    let world = World::new();
    let store = world.store().await;
    for n in 0..30 {
        world.put_item(&format!("{n}"), expiring(&secs(60)));
    }
    // Whoever gets something done may go on for as long as it takes.
    let slowly = (0..20).map(|_| Fate::Partly(1));
    let never = (0..9).map(|_| Fate::Partly(0));
    world
        .tap
        .script([Fate::Pass].into_iter().chain(slowly).chain(never));
    let error = store.clear().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation(), error.table()),
        (
            ErrorKind::Throttled,
            Some(Operation::BatchWriteItem),
            Some("sessions")
        )
    );
    assert!(error.is_retryable());
    assert!(error.to_string().contains("5 deletes"), "{error}");
    assert!(error.hint().unwrap().contains("write capacity"), "{error}");
    assert_eq!(world.tap.operations().len(), 30);
    assert_eq!(world.keys().len(), 10);
    assert_eq!(store.clear().await.unwrap(), 10);
}

#[tokio::test]
async fn throttling_is_borne_for_longer_than_by_a_single_verb() {
    let throttled = || refusal("ProvisionedThroughputExceededException", "slow down");
    let world = World::new();
    let store = world.store().await;
    for name in ["a", "b"] {
        world.put_item(name, expiring(&secs(60)));
    }
    world.tap.script((0..35).map(|_| throttled()));
    assert_eq!(store.count().await.unwrap(), 2);
    world
        .tap
        .script([Fate::Pass].into_iter().chain((0..35).map(|_| throttled())));
    assert_eq!(store.clear().await.unwrap(), 2);
    // Not for ever; and whoever lists asks for a page again as they like.
    world.tap.script((0..36).map(|_| throttled()));
    let by_all = store.delete_expired().await.unwrap_err();
    world.tap.script((0..4).map(|_| throttled()));
    let by_one = store.list::<Value>(None).await.unwrap_err();
    for error in [by_all, by_one] {
        assert_eq!(error.kind(), ErrorKind::Throttled);
        assert_eq!(error.code(), Some("ProvisionedThroughputExceededException"));
    }
    world.tap.calls();
    assert_eq!(store.count().await.unwrap(), 0);
    assert_eq!(world.tap.operations(), ["Scan"], "the scripts have ended");
}

#[tokio::test]
async fn the_table_is_given_time_to_recover() {
    let world = World::new();
    let _ = world.store().await;
    let tap = world.tap.clone();
    let store = SessionStore::builder()
        .transport(tap.clone())
        .clock(world.clock.clone())
        .build()
        .unwrap();
    world.put_item("a", expiring(&secs(60)));
    tap.script([Fate::Pass, Fate::Partly(0), Fate::Partly(0)]);
    let clearing = tokio::spawn(async move { store.clear().await });
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    // Random, but not zero.
    assert_eq!(tap.operations(), ["Scan", "BatchWriteItem"]);
    while !clearing.is_finished() {
        world.clock.advance(crate::support::MS);
        tokio::task::yield_now().await;
    }
    assert_eq!(clearing.await.unwrap().unwrap(), 1);
    assert!(world.clock.monotonic() < MINUTE);
}

#[tokio::test]
async fn an_error_in_the_middle_is_the_error() {
    let denied = || refusal("AccessDeniedException", "not for you");
    let world = World::new();
    let (store, _) = two_applications(&world).await;
    let first = store.list::<Value>(None).await.unwrap();
    world.tap.script([denied()]);
    let error = store.list::<Value>(first.next.as_ref()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    // What it cost nothing to try again goes on where it was.
    assert!(store.list::<Value>(first.next.as_ref()).await.is_ok());

    world.tap.script([Fate::Pass, Fate::Pass, denied()]);
    let error = store.count().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::Scan))
    );

    world.tap.script([Fate::Pass, denied()]);
    let error = store.clear().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::BatchWriteItem))
    );
    assert_eq!(store.count().await.unwrap(), OURS as u64);

    world.clock.advance(MINUTE);
    world.tap.script([Fate::Pass, Fate::Pass, denied()]);
    let error = store.delete_expired().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::DeleteItem))
    );
    // Those under way were done, and no more was begun.
    let deleted = OURS + THEIRS - world.keys().len();
    assert!((1..=8).contains(&deleted), "{deleted}");
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let world = World::new();
    let store = world.builder().table_name("no-such-table").build().unwrap();
    for error in [
        store.list::<Value>(None).await.unwrap_err(),
        store.count().await.unwrap_err(),
        store.clear().await.unwrap_err(),
        store.delete_expired().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::TableNotFound);
        assert_eq!(error.table(), Some("no-such-table"));
    }
}

/// Has every `DeleteItem` wait for others to arrive, and counts them.
#[derive(Clone)]
struct Crowd {
    tap: Tap,
    waiting: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Crowd")
    }
}

impl Transport for Crowd {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        Box::pin(async move {
            if request.operation == Operation::DeleteItem {
                let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(waiting, Ordering::SeqCst);
                // Long enough for all of them, were they allowed to.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                self.waiting.fetch_sub(1, Ordering::SeqCst);
            }
            self.tap.send(request).await
        })
    }
}

#[tokio::test]
async fn eight_deletes_are_under_way_at_a_time() {
    let world = World::new();
    let _ = world.store().await;
    for n in 0..30 {
        world.put_item(&format!("{n}"), expiring(&secs(0)));
    }
    let crowd = Crowd {
        tap: world.tap.clone(),
        waiting: Arc::default(),
        most: Arc::default(),
    };
    let builder = world.builder().transport(crowd.clone());
    assert_eq!(builder.build().unwrap().delete_expired().await.unwrap(), 30);
    assert_eq!(crowd.most.load(Ordering::SeqCst), 8);
    assert_eq!(world.keys(), set([]));
}

#[tokio::test]
async fn reads_are_as_consistent_as_the_store_says() {
    let world = World::new();
    let consistent = world.store().await;
    let eventual = world.builder().consistent_read(false).build().unwrap();
    for (store, expected) in [
        (consistent, [true, true, true, false]),
        (eventual, [false; 4]),
    ] {
        store.list::<Value>(None).await.unwrap();
        store.count().await.unwrap();
        store.clear().await.unwrap();
        // Its deletes look again.
        store.delete_expired().await.unwrap();
        let asked: Vec<_> = world
            .tap
            .calls()
            .into_iter()
            .map(|(_, body)| body["ConsistentRead"] == true)
            .collect();
        assert_eq!(asked, expected);
    }
}

#[tokio::test]
async fn only_a_list_has_items_sent() {
    let world = World::new();
    let store = world.store().await;
    world.put_item("a", expiring(&secs(0)));
    store.count().await.unwrap();
    store.delete_expired().await.unwrap();
    store.clear().await.unwrap();
    let asked: Vec<_> = world
        .tap
        .calls()
        .into_iter()
        .filter(|(operation, _)| *operation == "Scan")
        .map(|(_, body)| {
            let names = &body["ExpressionAttributeNames"];
            let projection = body["ProjectionExpression"].as_str();
            (
                body["Select"].as_str().map(str::to_owned),
                projection.map(|placeholder| names[placeholder].clone()),
            )
        })
        .collect();
    let key = Some(json!("sessionId"));
    assert_eq!(
        asked,
        [
            (Some("COUNT".to_owned()), None),
            (None, key.clone()),
            (None, key)
        ]
    );
}

#[tokio::test]
async fn attributes_and_prefixes_may_have_any_name() {
    for (partition_key, ttl_attribute, prefix) in [
        ("id", "expiresAt", "app:"),
        ("key", "ttl", ""),
        ("session.id", "expires at", "\"#k\" AND :now\\"),
        ("\"#k\"", ":now", "schlüssel/過期:"),
    ] {
        let world = World::new();
        let names = world
            .builder()
            .partition_key(partition_key)
            .ttl_attribute(ttl_attribute)
            .prefix(prefix);
        let store = world.open(names).await;
        for name in ["\"a\\", "ü"] {
            let _ = store.put(&record(name, json!({}), MINUTE)).await.unwrap();
        }
        assert_eq!(ids(&pages::<Value>(&store).await), set(["\"a\\", "ü"]));
        assert_eq!(store.count().await.unwrap(), 2);
        world.clock.advance(MINUTE);
        assert_eq!(store.count().await.unwrap(), 0);
        assert_eq!(store.delete_expired().await.unwrap(), 2);
        let _ = store.put(&record("c", json!({}), MINUTE)).await.unwrap();
        assert_eq!(store.clear().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_token_shows_nothing_and_takes_nothing_else() {
    let world = World::new();
    let (ours, _) = two_applications(&world).await;
    let page = ours.list::<Value>(None).await.unwrap();
    let token = page.next.clone().unwrap();
    assert_eq!(token.as_str().parse::<PageToken>().unwrap(), token);
    let shown = format!("{page:?} {token:?}");
    assert!(!shown.contains(token.as_str()), "{shown}");
    assert!(
        !shown.contains("ours:") && !shown.contains("xxx"),
        "{shown}"
    );

    let (empty, too_long) = ("", "eHh4".repeat(700));
    // Not Base64; not UTF-8.
    for text in [empty, &too_long, "the token", "_w"] {
        let error = text.parse::<PageToken>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidId);
        assert!(text.is_empty() || !format!("{error} {error:?}").contains(text));
    }
}

#[tokio::test]
async fn answers_that_are_none_are_errors_that_quote_nothing() {
    let quoting = json!({ "the-id": { "S": "the-id" } });
    for (answer, is_listed) in [
        (json!({ "Items": "the-id" }), false),
        (json!({ "Items": [], "LastEvaluatedKey": quoting }), false),
        // An item without a key is one that cannot be read.
        (json!({ "Items": [quoting], "Count": 1 }), true),
    ] {
        let answer = || Fate::Answer(200, answer.clone());
        let (store, _tap) = scripted([answer(), answer(), answer()]);
        match store.list::<Value>(None).await {
            Ok(page) => assert_eq!((is_listed, page.unreadable), (true, 1)),
            Err(error) => {
                assert!(!is_listed && error.kind() == ErrorKind::Decode);
                assert!(!format!("{error} {error:?}").contains("the-id"));
            }
        }
        for error in [
            store.clear().await.unwrap_err(),
            store.delete_expired().await.unwrap_err(),
        ] {
            assert_eq!(
                (error.kind(), error.operation()),
                (ErrorKind::Decode, Some(Operation::Scan))
            );
            assert!(!format!("{error} {error:?}").contains("the-id"));
        }
    }
    let undone = json!({ "UnprocessedItems": { "sessions": [{ "DeleteRequest": "the-id" }] } });
    let (store, _tap) = scripted([found(&["a"]), Fate::Answer(200, undone)]);
    let error = store.clear().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Decode, Some(Operation::BatchWriteItem))
    );
    assert!(!format!("{error} {error:?}").contains("the-id"));
}

/// A row of every package whose layout is read, one of them expired, and one of nobody's.
fn put_foreign_rows(world: &World) {
    for (name, item) in [
        (
            "connect",
            json!({ "sess": { "S": "{\"n\":1}" }, "type": { "S": "connect-session" }, "expires": { "N": secs(60) } }),
        ),
        (
            "dynamodb-store",
            json!({ "sess": { "M": { "n": { "N": "1" } } }, "expires": { "N": secs(60) } }),
        ),
        (
            "tower",
            json!({ "data": { "B": "AQID" }, "expires": { "N": secs(60) } }),
        ),
        ("ours", expiring(&secs(60))),
        (
            "ended",
            json!({ "sess": { "M": {} }, "data": { "B": "AQID" }, "expires": { "N": secs(0) } }),
        ),
        ("nobodys", json!({ "n": { "N": "1" } })),
    ] {
        world.put_item(name, item);
    }
}

#[tokio::test]
async fn the_sessions_of_a_layout_are_those_it_reads() {
    for (layout, listed, counted, cleared) in [
        (Layout::Session, set(["ours"]), 1, 5),
        (Layout::ConnectDynamodb, set(["connect"]), 2, 5),
        (
            Layout::DynamodbStore,
            set(["dynamodb-store", "ours"]),
            // What is not a map is told only by reading it.
            3,
            5,
        ),
    ] {
        let world = World::new();
        let store = world.open(world.builder().layout(layout)).await;
        put_foreign_rows(&world);
        let found = pages::<Value>(&store).await;
        assert_eq!(ids(&found), listed, "{layout:?}");
        assert_eq!(found[0].unreadable, counted - listed.len() as u64);
        assert_eq!(store.count().await.unwrap(), counted, "{layout:?}");
        assert_eq!(store.clear().await.unwrap(), cleared, "{layout:?}");
        assert_eq!(world.keys(), set(["nobodys"]));
    }
}

#[tokio::test]
async fn a_session_past_its_absolute_lifetime_counts_as_expired() {
    let world = World::new();
    let builder = || world.builder().absolute_ttl(5 * MINUTE);
    let store = world.open(builder().prefix("a:")).await;
    let created = |ms: u64| {
        json!({
            "session": { "M": {} }, "expires": { "N": secs(600) },
            "created": { "N": (1_800_000_000_000 - 300_000 + ms).to_string() },
        })
    };
    world.put_item("a:young", created(1));
    world.put_item("a:old", created(0));
    world.put_item("old", created(0));
    world.put_item("a:unknown", expiring(&secs(600)));
    assert_eq!(
        ids(&pages::<Value>(&store).await),
        set(["young", "unknown"])
    );
    assert_eq!(store.count().await.unwrap(), 2);
    assert_eq!(store.delete_expired().await.unwrap(), 1);
    let all = builder().build().unwrap();
    assert_eq!(all.delete_expired().await.unwrap(), 1);
    assert_eq!(world.keys(), set(["a:young", "a:unknown"]));
    // Without the setting there is no such end.
    let plain = world.builder().build().unwrap();
    assert_eq!(plain.delete_expired().await.unwrap(), 0);
}

#[tokio::test]
async fn a_session_that_ends_while_the_answer_is_on_its_way_is_not_listed() {
    let item =
        json!({ "sessionId": { "S": "a" }, "session": { "M": {} }, "expires": { "N": secs(0) } });
    let (store, _tap) = scripted([Fate::Answer(200, json!({ "Items": [item], "Count": 1 }))]);
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!((page.records.len(), page.unreadable), (0, 0));
}

fn units(store: &SessionStore) -> Vec<(&'static str, u64, f64)> {
    let operations = store.stats().operations.into_iter();
    operations
        .filter(|of| !of.operation.is_about_table())
        .map(|of| (of.operation.name(), of.calls, of.capacity_units))
        .collect()
}

#[tokio::test]
async fn what_it_costs_is_the_whole_table_and_a_write_for_each_delete() {
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
    let open = |prefix| world.builder().prefix(prefix).build().unwrap();
    let store = open("ours:");
    store.list::<Value>(None).await.unwrap();
    assert_eq!(units(&store), [("Scan", 1, 3.0)]);
    let store = open("ours:");
    store.count().await.unwrap();
    assert_eq!(units(&store), [("Scan", 1, 3.0)]);
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
async fn a_batch_that_is_not_done_at_once_is_told_as_throttling() {
    let world = World::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
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
    assert_eq!(*told.lock().unwrap(), [throttled]);
    assert_eq!(store.stats().throttles, 1);
}

#[tokio::test]
async fn dynalite_agrees() {
    let engine = Dynalite::start();
    let builder = || {
        let builder = SessionStore::builder().endpoint_url(engine.url());
        builder.region("local").correct_clock_skew(false)
    };
    // By a clock that moves: its tables take a while.
    let table = builder().build().unwrap().table();
    table
        .create_if_missing(&TableSettings::default())
        .await
        .unwrap();
    let clock = ManualClock::new(now());
    let open = |prefix: &str| {
        let builder = builder().clock(clock.clone()).prefix(prefix);
        builder.build().unwrap()
    };
    let (ours, theirs) = (open("ours:"), open("theirs:"));
    for (store, sessions) in [(&ours, 30), (&theirs, 10)] {
        for n in 0..sessions {
            let ttl = if n % 3 == 0 { MINUTE } else { 2 * MINUTE };
            let data = json!({ "big": "x".repeat(60_000) });
            let _ = store
                .put(&record(&format!("{n}"), data, ttl))
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
    assert_eq!(ours.delete_expired().await.unwrap(), 10);
    assert_eq!(theirs.clear().await.unwrap(), 10);
    assert_eq!(ours.clear().await.unwrap(), 20);
    assert_eq!(open("").clear().await.unwrap(), 0);
}
