//! The verbs that delete: `clear` and `delete_expired`.

use dynamodb_session::options::TableOptions;

use super::*;

#[tokio::test]
async fn clear_replaces_only_this_prefix_in_batches() {
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
async fn a_batch_has_25_writes() {
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
    assert_eq!(world.tombstones().len(), 60);
    assert_eq!(store.clear_with_tombstones().await.unwrap(), 60);
    let sizes: Vec<_> = world
        .tap
        .calls()
        .iter()
        .filter_map(|(_, body)| body["RequestItems"]["sessions"].as_array().map(Vec::len))
        .collect();
    assert_eq!(sizes, [25, 25, 10]);
    assert_eq!(world.tombstones(), set([]));
}

#[tokio::test]
async fn clear_leaves_a_tombstone_of_each_session() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    let mut item = world.item("a").unwrap();
    item["other"] = json!({ "S": "of another program" });
    world.put_item("a", item.clone());
    assert_eq!(store.clear().await.unwrap(), 1);
    let mut tombstone = world.item("a").unwrap();
    assert!(tombstone["gone"].take()["B"].is_string());
    assert_eq!(
        tombstone,
        json!({
            "sessionId": { "S": "a" }, "gone": null, "expires": { "N": secs(25 * 60) },
            "created": item["created"], "rev": item["rev"], "session": { "M": { "_expire": { "N": "1" } } },
        })
    );
    // A request that loaded the session does not bring it back.
    let written = store
        .save(&loaded, &json!({ "n": 2 }), &until(now() + MINUTE))
        .await;
    assert!(!written.unwrap().is_saved());
    assert_eq!(world.session("a"), None);
    // A second clear passes over the tombstone, and the visitor can sign in again.
    assert_eq!(store.clear().await.unwrap(), 0);
    let loaded = stored(&store, "a", json!({ "n": 3 })).await;
    let _ = saved(
        store
            .save(&loaded, &json!({ "n": 4 }), &until(now() + MINUTE))
            .await,
    );
    assert_eq!(load(&store, "a").await.data, json!({ "n": 4 }));
}

#[tokio::test]
async fn everything_of_this_prefix_can_be_deleted() {
    let world = World::new();
    let store = world
        .open(
            world
                .builder()
                .table_options(TableOptions::default().prefix("a:")),
        )
        .await;
    put_items(&world, "a:");
    put_items(&world, "b:");
    for name in ["live", "signed-out"] {
        store.delete(&id(name)).await.unwrap();
    }
    let theirs: BTreeSet<_> = world
        .keys()
        .into_iter()
        .filter(|key| key.starts_with("b:"))
        .collect();
    assert_eq!(world.tombstones(), set(["a:live", "a:signed-out"]));
    // 12 sessions, and the tombstone in no session's place.
    assert_eq!(store.clear_with_tombstones().await.unwrap(), 13);
    let mut left = theirs;
    left.insert("a:somebody-elses".to_owned());
    assert_eq!(world.keys(), left);
    assert_eq!(world.tombstones(), set([]));
}

#[tokio::test]
async fn tombstones_are_deleted_when_they_have_expired() {
    let world = World::new();
    let store = world.store().await;
    let _ = stored(&store, "a", json!({})).await;
    store.delete(&id("a")).await.unwrap();
    world.clock.advance(24 * MINUTE);
    let later = new_session("later", json!({}), 60 * MINUTE);
    let _ = store.put(&later).await.unwrap();
    store.delete(&id("later")).await.unwrap();
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    world.clock.advance(MINUTE);
    assert_eq!(store.delete_expired().await.unwrap(), 1);
    assert_eq!(world.tombstones(), set(["later"]));
    // A session that was deleted meanwhile has a younger tombstone, which stays.
    world.tap.script([found(&["later"])]);
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    assert_eq!(world.tombstones(), set(["later"]));
}

#[tokio::test]
async fn clear_replaces_all_sessions_and_no_other_items() {
    let world = World::new();
    let store = world
        .open(
            world
                .builder()
                .table_options(TableOptions::default().prefix("a:")),
        )
        .await;
    put_items(&world, "a:");
    put_items(&world, "b:");
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
    let store = world
        .open(
            world
                .builder()
                .table_options(TableOptions::default().prefix("a:")),
        )
        .await;
    put_items(&world, "a:");
    put_items(&world, "b:");
    let before = world.keys();
    // As long as a request can land that was sent before their end, they stay.
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    world.clock.advance(LANDING);
    world.tap.calls();
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
    world.clock.advance(MINUTE + LANDING);
    world.tap.calls();
    assert_eq!(ours.delete_expired().await.unwrap(), OURS as u64);
    let scans = world.tap.operations();
    assert!(scans.iter().filter(|name| **name == "Scan").count() >= 6);
    assert_eq!(theirs.delete_expired().await.unwrap(), THEIRS as u64);
    assert_eq!(world.keys(), set([]));
}

#[tokio::test]
async fn an_item_that_gets_a_later_expiry_after_the_scan_stays() {
    let world = World::new();
    let store = world.store().await;
    world.put_item("expired", expiring(&secs(0)));
    // All had expired when the scan read them. Since then, one was renewed and one deleted.
    world.put_item("renewed", expiring(&secs(60)));
    world.clock.advance(LANDING);
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
    world.clock.advance(LANDING);
    world.tap.script([Fate::Pass, Fate::AnswerLost]);
    assert_eq!(store.delete_expired().await.unwrap(), 1);
    // A session that is renewed between the attempts does not count.
    world.put_item("a", expiring(&secs(60)));
    world
        .tap
        .script([found(&["a"]), Fate::Lost(IncompleteReason::Timeout)]);
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    assert_eq!(world.keys(), set(["a"]));
}

#[tokio::test]
async fn the_rest_of_a_batch_is_sent_again() {
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
async fn a_table_without_capacity_ends_a_clear() {
    let world = World::new();
    let store = world.store().await;
    for n in 0..30 {
        world.put_item(&format!("{n}"), expiring(&secs(60)));
    }
    // There is no limit while each request writes at least one item.
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
    assert!(error.to_string().contains("5 writes"), "{error}");
    assert_eq!(
        error.remedy(),
        Some(dynamodb_session::Remedy::RaiseWriteCapacity),
        "{error}"
    );
    assert_eq!(world.tap.operations().len(), 30);
    assert_eq!(world.keys().len(), 10);
    assert_eq!(store.clear().await.unwrap(), 10);
}

#[tokio::test]
async fn verbs_over_all_sessions_endure_throttling_for_longer() {
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
    // The patience has a limit. A list has less of it, because its caller can ask for the same page again.
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
async fn a_pause_gives_the_table_time_to_recover() {
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
    // The pause is random, but never zero.
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
    // After an error the same token can be used again.
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

    world.clock.advance(MINUTE + LANDING);
    world.tap.script([Fate::Pass, Fate::Pass, denied()]);
    let error = store.delete_expired().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::DeleteItem))
    );
    // The deletes under way were finished, and no other was started.
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
        store.clear_with_tombstones().await.unwrap_err(),
        store.delete_expired().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::TableNotFound);
        assert_eq!(error.table(), Some("no-such-table"));
    }
}

/// Makes every `DeleteItem` wait for others to arrive, and counts those that wait.
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
                // Long enough for all deletes to arrive, if there were no limit.
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
    world.clock.advance(LANDING);
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
