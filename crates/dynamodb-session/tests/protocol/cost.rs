//! What each verb costs in each situation: requests, and capacity units as the engine charges them, which the
//! statistics have to agree with.

use dynamodb_session::framework::Framework;
use dynamodb_session::options::{ParallelChanges, TableOptions};
use dynamodb_session::{SaveOutcome, SessionStore};
use serde_json::{Value, json};

use crate::support::{
    Fate, MINUTE, MS, World, fresh, id, loaded_as, new_session, now, refusal, save_absent,
    save_unknown, touch_until, until,
};

/// Sizes of an item, with what it costs to write and to read it.
const SIZES: [(usize, f64, f64); 4] = [
    (0, 1.0, 1.0),
    (1500, 2.0, 1.0),
    (3900, 4.0, 1.0),
    (4100, 5.0, 2.0),
];

/// A session of about this size.
fn data(bytes: usize, n: u32) -> Value {
    json!({ "n": n, "cart": "x".repeat(bytes) })
}

/// What was requested since this was last asked, and what it cost.
struct Bill<'w> {
    world: &'w World,
    store: &'w SessionStore,
    paid: f64,
}

impl<'w> Bill<'w> {
    fn open(world: &'w World, store: &'w SessionStore) -> Self {
        world.tap.calls();
        world.tap.units();
        Self {
            world,
            store,
            paid: store.stats().capacity_units,
        }
    }

    /// Expects these requests, at this price by the engine and by the statistics.
    #[track_caller]
    fn is(&mut self, operations: &[&str], units: f64) {
        assert_eq!(self.world.tap.operations(), operations);
        assert_close(self.world.tap.units(), units);
        self.counts(units);
    }

    /// The same where the engine does not say: a condition has failed.
    #[track_caller]
    fn is_uncharted(&mut self, operations: &[&str], units: f64) {
        assert_eq!(self.world.tap.operations(), operations);
        assert_close(self.world.tap.units(), 0.0);
        self.counts(units);
    }

    #[track_caller]
    fn counts(&mut self, units: f64) {
        let paid = self.store.stats().capacity_units;
        assert_close(paid - self.paid, units);
        self.paid = paid;
    }
}

#[track_caller]
fn assert_close(units: f64, expected: f64) {
    assert!(
        (units - expected).abs() < 1e-6,
        "{units} units, not {expected}"
    );
}

#[tokio::test]
async fn each_verb_by_the_size_of_the_session() {
    for (bytes, write, read) in SIZES {
        let world = World::new();
        let store = world.store().await;
        let session = new_session("a", data(bytes, 1), MINUTE);
        let mut bill = Bill::open(&world, &store);

        let _ = store.create(&session).await.unwrap();
        bill.is(&["PutItem"], write);
        let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        bill.is(&["GetItem"], read);
        // One small field changed, and the whole item is charged.
        let saved = store
            .save(&loaded, &data(bytes, 2), &until(now() + MINUTE))
            .await;
        assert!(saved.unwrap().is_saved());
        bill.is(&["UpdateItem"], write);
        assert!(save_unknown(&store, &loaded).await.unwrap().is_saved());
        bill.is(&["UpdateItem"], write);
        // A touch costs as much as a save.
        assert!(
            store
                .touch(&loaded, &touch_until(now() + MINUTE))
                .await
                .unwrap()
                .is_saved()
        );
        bill.is(&["UpdateItem"], write);
        let _ = store.put(&session).await.unwrap();
        bill.is(&["PutItem"], write);
        // Of before and after, the larger is charged.
        let saved = store
            .save(&loaded, &json!({}), &until(now() + MINUTE))
            .await;
        assert!(saved.unwrap().is_saved());
        bill.is(&["UpdateItem"], write);
        let _ = store.put(&session).await.unwrap();
        bill.is(&["PutItem"], write);
        store.delete(&id("a")).await.unwrap();
        bill.is(&["DeleteItem"], write);
    }
}

#[tokio::test]
async fn a_miss_is_the_smallest_read_and_a_logout_without_a_session_the_smallest_write() {
    let world = World::new();
    let store = world.store().await;
    let mut bill = Bill::open(&world, &store);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    bill.is(&["GetItem"], 1.0);
    store.delete(&id("a")).await.unwrap();
    bill.is(&["DeleteItem"], 1.0);
}

#[tokio::test]
async fn reads_that_may_be_late_cost_half() {
    let world = World::new();
    let store = world
        .open(
            world
                .builder()
                .table_options(TableOptions::default().consistent_read(false)),
        )
        .await;
    let _ = store
        .put(&new_session("a", data(4100, 1), MINUTE))
        .await
        .unwrap();
    let mut bill = Bill::open(&world, &store);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_some());
    bill.is(&["GetItem"], 1.0);
    assert!(store.load::<Value>(&id("b")).await.unwrap().is_none());
    bill.is(&["GetItem"], 0.5);
}

#[tokio::test]
async fn a_condition_that_fails_costs_what_is_there() {
    for (bytes, write, read) in SIZES {
        let world = World::new();
        let store = world.store().await;
        let session = loaded_as("a", data(bytes, 1), MINUTE);
        let mut loaded = session.clone();
        loaded.created = Some(now());
        let mut bill = Bill::open(&world, &store);
        // Nothing is there.
        assert_eq!(
            save_unknown(&store, &loaded).await.unwrap(),
            SaveOutcome::Gone
        );
        bill.is_uncharted(&["UpdateItem"], 1.0);
        assert_eq!(
            store
                .touch(&loaded, &touch_until(now() + MINUTE))
                .await
                .unwrap(),
            SaveOutcome::Gone
        );
        bill.is_uncharted(&["UpdateItem"], 1.0);

        // Another session is.
        world.clock.advance(MS);
        let _ = store.put(&fresh(&session)).await.unwrap();
        bill.is(&["PutItem"], write);
        let gone = store
            .save(&loaded, &json!({}), &until(now() + MINUTE))
            .await;
        assert_eq!(gone.unwrap(), SaveOutcome::Gone);
        bill.is_uncharted(&["UpdateItem"], write);
        let _ = store.create(&fresh(&session)).await.unwrap();
        bill.is_uncharted(&["PutItem"], write);

        // Merging costs the create that was refused, and a save.
        let merged = save_absent(&store, &fresh(&session), &Framework::new()).await;
        assert!(merged.unwrap().is_saved());
        assert_eq!(world.tap.operations(), ["PutItem", "UpdateItem"]);
        assert_close(world.tap.units(), write);
        bill.counts(2.0 * write);
        // And a read more, where the refusal does not show what is there. Nor its size, so it counts as small.
        world.tap.script([Fate::NoItem]);
        let merged = save_absent(&store, &fresh(&session), &Framework::new()).await;
        assert!(merged.unwrap().is_saved());
        assert_eq!(world.tap.operations(), ["PutItem", "GetItem", "UpdateItem"]);
        assert_close(world.tap.units(), read + write);
        bill.counts(1.0 + read + write);
    }
}

#[tokio::test]
async fn a_touch_that_is_skipped_costs_nothing() {
    let world = World::new();
    let store = world.open(world.builder().touch_after(10 * MINUTE)).await;
    let _ = store
        .put(&new_session("a", data(0, 1), MINUTE))
        .await
        .unwrap();
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let mut bill = Bill::open(&world, &store);
    assert!(
        store
            .touch(&loaded, &touch_until(now() + MINUTE))
            .await
            .unwrap()
            .is_saved()
    );
    let saved = store
        .save(&loaded, &loaded.data, &until(now() + MINUTE))
        .await;
    assert!(saved.unwrap().is_saved());
    bill.is(&[], 0.0);
}

#[tokio::test]
async fn overwriting_costs_what_merging_does() {
    let world = World::new();
    let store = world
        .open(world.builder().parallel_changes(ParallelChanges::Overwrite))
        .await;
    let _ = store
        .put(&new_session("a", data(1500, 1), MINUTE))
        .await
        .unwrap();
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let mut bill = Bill::open(&world, &store);
    let saved = store
        .save(&loaded, &data(1500, 2), &until(now() + MINUTE))
        .await;
    assert!(saved.unwrap().is_saved());
    bill.is(&["UpdateItem"], 2.0);
}

#[tokio::test]
async fn a_save_in_parts_is_charged_for_the_whole_item_each_time() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&new_session("a", json!({}), MINUTE))
        .await
        .unwrap();
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let mut bill = Bill::open(&world, &store);
    // 100 fields are about 2 500 bytes.
    let wide: Value = (100..400)
        .map(|n| (format!("f{n}"), json!("x".repeat(20))))
        .collect();
    let saved = store
        .save(&loaded, &wide, &until(now() + MINUTE))
        .await
        .unwrap();
    assert!(saved.is_saved());
    bill.is(&["UpdateItem"; 3], 3.0 + 5.0 + 8.0);
}

#[tokio::test]
async fn where_updates_are_not_allowed_the_first_save_costs_a_request_more() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&new_session("a", data(0, 1), MINUTE))
        .await
        .unwrap();
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let mut bill = Bill::open(&world, &store);
    world.tap.script([refusal("AccessDeniedException", "no")]);
    for requests in [&["UpdateItem", "PutItem"][..], &["PutItem"]] {
        let saved = store
            .save(&loaded, &data(0, 2), &until(now() + MINUTE))
            .await;
        assert!(saved.unwrap().is_saved());
        bill.is(requests, 1.0);
    }
}

/// The views of a page, by what the framework asks for in each.
#[tokio::test]
async fn page_views() {
    let world = World::new();
    let plain = world.store().await;
    let sparing = world.open(world.builder().touch_after(10 * MINUTE)).await;
    for (store, rolling) in [(&plain, 2.0), (&sparing, 1.0)] {
        let session = new_session("a", data(0, 1), MINUTE);
        let mut bill = Bill::open(&world, store);
        // The first visit.
        assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
        let created = save_absent(store, &session, &Framework::new()).await;
        assert!(created.unwrap().is_saved());
        bill.is(&["GetItem", "PutItem"], 2.0);
        // One that reads.
        let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        bill.is(&["GetItem"], 1.0);
        // One that changes something.
        let loaded = store.load::<Value>(&loaded.id).await.unwrap().unwrap();
        let saved = store
            .save(&loaded, &data(0, 2), &until(now() + MINUTE))
            .await;
        assert!(saved.unwrap().is_saved());
        bill.is(&["GetItem", "UpdateItem"], 2.0);
        // One that only lives longer by it.
        let loaded = store.load::<Value>(&loaded.id).await.unwrap().unwrap();
        let saved = store
            .save(&loaded, &loaded.data, &until(now() + MINUTE))
            .await;
        assert!(saved.unwrap().is_saved());
        let requests = ["GetItem", "UpdateItem"];
        bill.is(
            if rolling > 1.5 {
                &requests
            } else {
                &requests[..1]
            },
            rolling,
        );
        // The logout.
        let loaded = store.load::<Value>(&loaded.id).await.unwrap().unwrap();
        store.delete(&loaded.id).await.unwrap();
        bill.is(&["GetItem", "DeleteItem"], 2.0);
    }
}
