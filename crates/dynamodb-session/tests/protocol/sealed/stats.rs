//! What a store counts of sealed sessions.

use dynamodb_session::options::EncryptionMode::Read;
use dynamodb_session::{ReencryptOptions, SessionStore};
use serde_json::{Value, json};

use super::{KOA, with_keys};
use crate::support::{
    MINUTE, MS, World, id, load, new_session, now, save_absent, saved, stored, touch_until, until,
};

/// How often sessions were opened or written with each key.
fn by_key(store: &SessionStore) -> Vec<(String, u64)> {
    store.stats().sealed_by_key.into_iter().collect()
}

fn counts<const N: usize>(counts: [(&str, u64); N]) -> Vec<(String, u64)> {
    counts.map(|(id, count)| (id.to_owned(), count)).into()
}

#[tokio::test]
async fn each_session_counts_under_the_key_that_opens_or_seals_it() {
    let world = World::new();
    let old = world.sealed_store().await;
    assert_eq!(by_key(&old), []);
    let session = new_session("a", json!({ "n": 1, "_expire": 1 }), MINUTE);
    let _ = saved(save_absent(&old, &session, &KOA).await);
    assert_eq!(by_key(&old), counts([("k1", 1)]));
    let loaded = load(&old, "a").await;
    assert_eq!(old.load::<Value>(&id("nobody")).await.unwrap(), None);
    assert_eq!(by_key(&old), counts([("k1", 2)]));

    let builder = world.builder().encryption(with_keys(&["k2", "k1"]));
    let store = builder.build().unwrap();
    // A touch writes the expiry alone, with the new key.
    let touched = load(&store, "a").await;
    assert_eq!(by_key(&store), counts([("k1", 1)]));
    let data = json!({ "n": 1, "_expire": 2 });
    let options = touch_until(now() + 2 * MINUTE).framework(&KOA, &data);
    let _ = saved(store.touch(&touched, &options).await);
    assert_eq!(by_key(&store), counts([("k1", 1), ("k2", 1)]));
    let _ = load(&store, "a").await;
    assert_eq!(by_key(&store), counts([("k1", 2), ("k2", 2)]));
    // So does a list.
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!(page.sessions.len(), 1);
    assert_eq!(by_key(&store), counts([("k1", 3), ("k2", 3)]));
    // Both write it: the second one opens what the first one has sealed.
    let options = until(now() + 2 * MINUTE).framework(&KOA);
    let first = json!({ "n": 1, "_expire": 2, "x": 1 });
    let _ = saved(store.save(&touched, &first, &options).await);
    let before = by_key(&store);
    let second = json!({ "n": 2, "_expire": 1 });
    let _ = saved(store.save(&loaded, &second, &options).await);
    let merged = by_key(&store);
    assert_eq!(merged[0], before[0]);
    // Once when the condition failed, and once on what was met.
    assert_eq!(merged[1].1, before[1].1 + 3);
}

#[tokio::test]
async fn after_a_change_of_the_key_the_old_one_is_counted_no_more() {
    let world = World::new();
    let old = world.sealed_store().await;
    let _ = stored(&old, "a", json!({ "n": 1 })).await;
    let builder = world.builder().encryption(with_keys(&["k2", "k1"]));
    let store = builder.build().unwrap();
    let done = store.reencrypt(&ReencryptOptions::default()).await;
    assert_eq!(done.unwrap().rewritten, 1);
    let builder = world.builder().encryption(with_keys(&["k2", "k1"]));
    let store = builder.build().unwrap();
    let _ = load(&store, "a").await;
    assert_eq!(by_key(&store), counts([("k2", 1)]));
}

#[tokio::test]
async fn what_does_not_open_and_what_is_plain_is_not_counted() {
    let world = World::new();
    let old = world.sealed_store().await;
    let _ = stored(&old, "a", json!({ "n": 1 })).await;
    let mut changed = world.item("a").unwrap();
    changed["created"] = json!({ "N": "1" });
    world.put_item("a", changed);
    let store = world.encrypting().build().unwrap();
    store.load::<Value>(&id("a")).await.unwrap_err();
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!(page.unreadable, 1);
    let builder = world.builder().encryption(with_keys(&["k2"]).mode(Read));
    let reading = builder.compress(true).build().unwrap();
    let _ = stored(&reading, "b", json!({ "text": "tea ".repeat(1000) })).await;
    assert_eq!(reading.stats().sealed_writes, 1);
    for store in [store, reading] {
        assert_eq!(by_key(&store), []);
    }
}

/// What a store says that it saved is what the engine did not charge.
#[tokio::test]
async fn the_units_saved_are_those_that_are_not_charged() {
    for is_encrypted in [false, true] {
        let world = World::new();
        let of = |compress| {
            let builder = if is_encrypted {
                world.encrypting()
            } else {
                world.builder()
            };
            builder.compress(compress)
        };
        let plain = world.open(of(false)).await;
        // The zeros at the end of a number take no bytes, and few times end with many.
        world.clock.advance(MS);
        let store = of(true).build().unwrap();
        let mut saved_units = 0.0;
        let mut lengths = 0;
        for length in (0..6000).step_by(53) {
            // Three quarters of it can be compressed.
            let mut text = "tea ".repeat(length / 16 * 3);
            let letters = b"etaoinshrdlucmfwypvbgkq";
            text.extend((0..length / 4).map(|n| char::from(letters[n * n % letters.len()])));
            let mut charged = [0.0; 2];
            for (units, store) in charged.iter_mut().zip([&plain, &store]) {
                let session = new_session("a", json!({ "text": text }), MINUTE);
                world.tap.units();
                let _ = store.create(&session).await.unwrap();
                *units = world.tap.units();
                world.delete_item("a");
            }
            saved_units += charged[0] - charged[1];
            lengths += 1;
            #[expect(clippy::cast_precision_loss, reason = "they are few")]
            let said = store.stats().units_saved as f64;
            assert!(
                (said - saved_units).abs() < 0.001,
                "{length}: {said} {saved_units}"
            );
        }
        assert!(saved_units > f64::from(lengths), "{saved_units}");
        assert_eq!(plain.stats().units_saved, 0);
    }
}

#[tokio::test]
async fn a_save_of_a_compressed_session_saves_again_and_a_touch_does_not() {
    let world = World::new();
    let store = world.open(world.encrypting().compress(true)).await;
    let data = |n: u32| json!({ "n": n, "text": "tea ".repeat(2000), "_expire": n });
    let session = new_session("a", data(1), MINUTE);
    let _ = saved(save_absent(&store, &session, &KOA).await);
    let once = store.stats().units_saved;
    assert!(once >= 7, "{once}");
    let loaded = load(&store, "a").await;
    let touched = json!({ "n": 1, "text": loaded.data["text"], "_expire": 2 });
    let options = touch_until(now() + 2 * MINUTE).framework(&KOA, &touched);
    let _ = saved(store.touch(&loaded, &options).await);
    assert_eq!(store.stats().units_saved, once);
    let options = until(now() + 2 * MINUTE).framework(&KOA);
    let _ = saved(
        store
            .save(&load(&store, "a").await, &data(2), &options)
            .await,
    );
    assert_eq!(store.stats().units_saved, 2 * once);
}
