//! The cost of each verb in each situation: its requests, and the capacity units that the engine charges. The store's
//! statistics must show the same units.

use dynamodb_session::framework::Framework;
use dynamodb_session::options::{ParallelChanges, TableOptions};
use dynamodb_session::{SaveOutcome, SessionStore};
use serde_json::{Value, json};

use crate::support::{
    Fate, MINUTE, MS, World, fresh, id, load, loaded_as, new_session, now, refusal, save_absent,
    save_unknown, saved, stored, touch_until, until,
};

/// Sizes of an item, each with the units of a write and of a read.
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

/// The requests since the last check, and their cost.
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

    /// Expects these requests, and these units from both the engine and the statistics.
    #[track_caller]
    fn is(&mut self, operations: &[&str], units: f64) {
        assert_eq!(self.world.tap.operations(), operations);
        assert_close(self.world.tap.units(), units);
        self.counts(units);
    }

    /// The same after a failed condition: then the engine does not report units, only the statistics do.
    #[track_caller]
    fn is_after_a_failed_condition(&mut self, operations: &[&str], units: f64) {
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
        let until_later = until(now() + MINUTE);
        let mut bill = Bill::open(&world, &store);

        let _ = store.create(&session).await.unwrap();
        bill.is(&["PutItem"], write);
        let loaded = load(&store, "a").await;
        bill.is(&["GetItem"], read);
        // One small field changed, and the whole item is charged.
        let stamp = saved(store.save(&loaded, &data(bytes, 2), &until_later).await);
        bill.is(&["UpdateItem"], write);
        let loaded = loaded.with_stamp(stamp);
        let written = save_unknown(&store, &loaded).await;
        let loaded = loaded.with_stamp(saved(written));
        bill.is(&["UpdateItem"], write);
        // A touch costs the same as a save.
        let touched = store.touch(&loaded, &touch_until(now() + MINUTE)).await;
        let loaded = loaded.with_stamp(saved(touched));
        bill.is(&["UpdateItem"], write);
        // A put of a session that is there costs the refused create and a save.
        let stamp = store.put(&session).await.unwrap();
        assert_eq!(world.tap.operations(), ["PutItem", "UpdateItem"]);
        assert_close(world.tap.units(), write);
        bill.counts(2.0 * write);
        // The larger size is charged, before or after the write.
        let loaded = loaded.with_stamp(stamp);
        let _ = saved(store.save(&loaded, &json!({}), &until_later).await);
        bill.is(&["UpdateItem"], write);

        for name in ["b", "c"] {
            let session = new_session(name, data(bytes, 1), MINUTE);
            let _ = store.put(&session).await.unwrap();
            bill.is(&["PutItem"], write);
        }
        let loaded = load(&store, "b").await;
        bill.is(&["GetItem"], read);
        store.delete(&loaded).await.unwrap();
        bill.is(&["PutItem"], write);
        // With the id alone, the session is read first.
        store.delete(&id("c")).await.unwrap();
        bill.is(&["GetItem", "PutItem"], read + write);
    }
}

#[tokio::test]
async fn a_miss_costs_the_smallest_read_and_a_logout_without_a_session_the_smallest_write_too() {
    let world = World::new();
    let store = world.store().await;
    let mut bill = Bill::open(&world, &store);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    bill.is(&["GetItem"], 1.0);
    // Without a session, and with a tombstone.
    for _ in 0..2 {
        store.delete(&id("a")).await.unwrap();
        bill.is(&["GetItem", "PutItem"], 2.0);
    }
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    bill.is(&["GetItem"], 1.0);
}

#[tokio::test]
async fn eventually_consistent_reads_cost_half() {
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
async fn a_failed_condition_costs_as_much_as_the_stored_item() {
    for (bytes, write, read) in SIZES {
        let world = World::new();
        let store = world.store().await;
        let session = loaded_as("a", data(bytes, 1), MINUTE);
        let loaded = stored(&store, "a", data(bytes, 1)).await;
        world.delete_item("a");
        let mut bill = Bill::open(&world, &store);
        // The item does not exist. An engine that does not show items gives the same answer, so it is read.
        for verb in 0..3 {
            let written = match verb {
                0 => save_unknown(&store, &loaded).await,
                1 => store.touch(&loaded, &touch_until(now() + MINUTE)).await,
                _ => {
                    store
                        .save(&loaded, &json!({}), &until(now() + MINUTE))
                        .await
                }
            };
            assert_eq!(written.unwrap(), SaveOutcome::Gone);
            assert_eq!(world.tap.operations(), ["UpdateItem", "GetItem"]);
            assert_close(world.tap.units(), 1.0);
            bill.counts(1.0 + 1.0);
        }

        // Another session has the id.
        world.clock.advance(MS);
        let _ = store.put(&fresh(&session)).await.unwrap();
        bill.is(&["PutItem"], write);
        let gone = store
            .save(&loaded, &json!({}), &until(now() + MINUTE))
            .await;
        assert_eq!(gone.unwrap(), SaveOutcome::Gone);
        bill.is_after_a_failed_condition(&["UpdateItem"], write);
        let _ = store.create(&fresh(&session)).await.unwrap();
        bill.is_after_a_failed_condition(&["PutItem"], write);
        // A session whose state is not known is read instead.
        let mut unknown = session.clone();
        unknown.created = loaded.created;
        let gone = store
            .save(&unknown, &json!({}), &until(now() + MINUTE))
            .await;
        assert_eq!(gone.unwrap(), SaveOutcome::Gone);
        bill.is(&["GetItem"], read);

        // A merge costs the refused create and a save.
        let merged = save_absent(&store, &fresh(&session), &Framework::new()).await;
        assert!(merged.unwrap().is_saved());
        assert_eq!(world.tap.operations(), ["PutItem", "UpdateItem"]);
        assert_close(world.tap.units(), write);
        bill.counts(2.0 * write);
        // If the refusal does not show the item, a read is added. The refused write then counts as the smallest one,
        // because the size of the item is not known.
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
async fn overwriting_costs_the_same_as_merging() {
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
async fn a_save_of_many_fields_is_charged_once() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({})).await;
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
    bill.is(&["UpdateItem"], 8.0);
}

#[tokio::test]
async fn a_merge_costs_the_refused_save_and_another_one() {
    for (bytes, write, read) in SIZES {
        let world = World::new();
        let store = world.store().await;
        let loaded = stored(&store, "a", data(bytes, 1)).await;
        let mut bill = Bill::open(&world, &store);
        let until_later = until(now() + MINUTE);
        let _ = saved(store.save(&loaded, &data(bytes, 2), &until_later).await);
        bill.is(&["UpdateItem"], write);
        let stamp = saved(store.save(&loaded, &data(bytes, 3), &until_later).await);
        assert_eq!(world.tap.operations(), ["UpdateItem", "UpdateItem"]);
        assert_close(world.tap.units(), write);
        bill.counts(2.0 * write);
        // What is stored is then not what the application sees, so its next save reads it.
        let loaded = loaded.with_stamp(stamp);
        let _ = saved(store.save(&loaded, &data(bytes, 4), &until_later).await);
        bill.is(&["GetItem", "UpdateItem"], read + write);
    }
}

#[tokio::test]
async fn without_permission_for_updates_the_first_save_costs_another_request() {
    let world = World::new();
    let store = world.store().await;
    let mut loaded = stored(&store, "a", data(0, 1)).await;
    let mut bill = Bill::open(&world, &store);
    world.tap.script([refusal("AccessDeniedException", "no")]);
    for requests in [&["UpdateItem", "PutItem"][..], &["PutItem"]] {
        let written = store
            .save(&loaded, &data(0, 2), &until(now() + MINUTE))
            .await;
        loaded = loaded.with_stamp(saved(written));
        bill.is(requests, 1.0);
    }
}

/// Page views, with the verbs that a framework calls for each.
#[tokio::test]
async fn page_views() {
    let world = World::new();
    let plain = world.store().await;
    let sparing = world.open(world.builder().touch_after(10 * MINUTE)).await;
    for (store, name, rolling) in [(&plain, "a", 2.0), (&sparing, "b", 1.0)] {
        let session = new_session(name, data(0, 1), MINUTE);
        let mut bill = Bill::open(&world, store);
        // The first visit.
        assert!(store.load::<Value>(&id(name)).await.unwrap().is_none());
        let created = save_absent(store, &session, &Framework::new()).await;
        assert!(created.unwrap().is_saved());
        bill.is(&["GetItem", "PutItem"], 2.0);
        // A view that reads.
        let loaded = load(store, name).await;
        bill.is(&["GetItem"], 1.0);
        // A view that changes a value.
        let loaded = store.load::<Value>(&loaded.id).await.unwrap().unwrap();
        let saved = store
            .save(&loaded, &data(0, 2), &until(now() + MINUTE))
            .await;
        assert!(saved.unwrap().is_saved());
        bill.is(&["GetItem", "UpdateItem"], 2.0);
        // A view that only extends the session.
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
        // The logout, and the next visit.
        let loaded = store.load::<Value>(&loaded.id).await.unwrap().unwrap();
        store.delete(&loaded).await.unwrap();
        bill.is(&["GetItem", "PutItem"], 2.0);
        assert!(store.load::<Value>(&id(name)).await.unwrap().is_none());
        let created = save_absent(store, &session, &Framework::new()).await;
        assert!(created.unwrap().is_saved());
        // The tombstone refuses the first attempt.
        assert_eq!(world.tap.operations(), ["GetItem", "PutItem", "PutItem"]);
        assert_close(world.tap.units(), 2.0);
        bill.counts(3.0);
        // A logout of a framework that passes on the id only.
        store.delete(&loaded.id).await.unwrap();
        bill.is(&["GetItem", "PutItem"], 2.0);
    }
}
