//! A touch of a sealed session writes its expiry unit alone.

use dynamodb_session::Loaded;
use dynamodb_session::SessionStore;
use serde_json::{Value, json};

use super::super::update::Update;
use super::{KOA, sealed_of};
use crate::support::{
    MINUTE, World, id, load, new_session, now, save_absent, saved, secs, stored, touch_until, until,
};

fn data(n: u32, expire: u32) -> Value {
    json!({ "n": n, "secret": "tea", "_expire": expire, "_maxAge": 60_000 })
}

/// A sealed session of koa-session.
async fn koa_session(world: &World, store: &SessionStore) -> Loaded<Value> {
    let session = new_session("a", data(1, 1), MINUTE);
    let _ = saved(save_absent(store, &session, &KOA).await);
    let loaded = load(store, "a").await;
    assert_eq!(loaded.data, data(1, 1));
    world.tap.calls();
    loaded
}

/// The attributes that the only request writes. It has nothing of the session's data.
fn written(world: &World, sealed: &str) -> Vec<String> {
    let calls = world.tap.calls();
    let [(operation, body)] = &*calls else {
        panic!("one request, not {}", calls.len())
    };
    assert_eq!(*operation, "UpdateItem");
    let text = body.to_string();
    assert!(!text.contains("sealed") && !text.contains(sealed), "{text}");
    let update = Update::of(body);
    update.attributes().into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_request_that_changes_nothing_writes_the_unit_and_the_expiry() {
    let world = World::new();
    let store = world.sealed_store().await;
    let mut loaded = koa_session(&world, &store).await;
    let sealed = sealed_of(&world, "a");
    for expire in 2..5 {
        let data = data(1, expire);
        let instant = now() + expire * MINUTE;
        // A framework saves it, or touches it.
        let stamp = saved(if expire == 3 {
            let options = touch_until(instant).framework(&KOA, &data);
            store.touch(&loaded, &options).await
        } else {
            let options = until(instant).framework(&KOA);
            store.save(&loaded, &data, &options).await
        });
        assert_eq!(written(&world, &sealed), ["expires", "unit"]);
        assert_eq!(sealed_of(&world, "a"), sealed);
        loaded = loaded.with_data(data.clone()).with_stamp(stamp);
        let after = load(&store, "a").await;
        assert_eq!((&after.data, after.expires_at), (&data, Some(instant)));
        world.tap.calls();
    }
}

#[tokio::test]
async fn a_touch_keeps_what_a_parallel_save_wrote() {
    let world = World::new();
    let store = world.sealed_store().await;
    for saves_first in [true, false] {
        let loaded = koa_session(&world, &store).await;
        let save = || async {
            let options = until(now() + MINUTE).framework(&KOA);
            let _ = saved(store.save(&loaded, &data(2, 1), &options).await);
        };
        if saves_first {
            save().await;
        }
        world.tap.calls();
        let touched = data(1, 5);
        let options = touch_until(now() + 2 * MINUTE).framework(&KOA, &touched);
        let _ = saved(store.touch(&loaded, &options).await);
        let requests = if saves_first { 2 } else { 1 };
        assert_eq!(world.tap.operations(), vec!["UpdateItem"; requests]);
        if !saves_first {
            save().await;
        }
        let after = load(&store, "a").await;
        assert_eq!(after.data, data(2, 5));
        assert_eq!(after.expires_at, Some(now() + 2 * MINUTE));
        store.delete(&id("a")).await.unwrap();
        world.delete_item("a");
    }
}

#[tokio::test]
async fn a_touch_does_not_take_back_a_longer_one() {
    let world = World::new();
    let store = world.sealed_store().await;
    let loaded = koa_session(&world, &store).await;
    for (minutes, expire) in [(3, 30), (2, 20)] {
        let touched = data(1, expire);
        let options = touch_until(now() + minutes * MINUTE).framework(&KOA, &touched);
        let _ = saved(store.touch(&loaded, &options).await);
    }
    let after = load(&store, "a").await;
    assert_eq!(after.data, data(1, 30));
    assert_eq!(after.expires_at, Some(now() + 3 * MINUTE));
}

#[tokio::test]
async fn a_touch_without_fields_keeps_the_session() {
    let world = World::new();
    let store = world.sealed_store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    let sealed = sealed_of(&world, "a");
    world.tap.calls();
    let _ = saved(store.touch(&loaded, &touch_until(now() + 2 * MINUTE)).await);
    assert_eq!(written(&world, &sealed), ["expires", "unit"]);
    let after = load(&store, "a").await;
    assert_eq!(after.data, json!({ "n": 1 }));
    assert_eq!(after.expires_at, Some(now() + 2 * MINUTE));
    store.delete(&id("a")).await.unwrap();
    world.delete_item("a");

    // A unit is bound to the expiry. It can only be kept if the session is written again.
    let loaded = koa_session(&world, &store).await;
    let _ = saved(store.touch(&loaded, &touch_until(now() + 2 * MINUTE)).await);
    assert_eq!(world.tap.operations(), ["GetItem", "UpdateItem"]);
    let after = load(&store, "a").await;
    assert_eq!(
        (&after.data, after.expires_at),
        (&data(1, 1), Some(now() + 2 * MINUTE))
    );
    // With fields again, it has a unit of its own again.
    for (expire, attributes) in [(6, 5), (7, 2)] {
        let loaded = load(&store, "a").await;
        world.tap.calls();
        let touched = data(1, expire);
        let options = touch_until(now() + expire * MINUTE).framework(&KOA, &touched);
        let _ = saved(store.touch(&loaded, &options).await);
        let calls = world.tap.calls();
        let (_, last) = calls.last().unwrap();
        let written = Update::of(last).attributes().len();
        assert_eq!(load(&store, "a").await.data, touched);
        // The whole session without `created`, or the unit and the expiry.
        assert_eq!(written > 2, attributes > 2, "{last}");
    }
}

#[tokio::test]
async fn a_touch_that_moves_little_is_skipped() {
    let world = World::new();
    let store = world
        .open(world.encrypting().touch_after(10 * MINUTE))
        .await;
    let loaded = koa_session(&world, &store).await;
    let before = world.item("a");
    let touched = data(1, 5);
    let options = touch_until(now() + MINUTE).framework(&KOA, &touched);
    let _ = saved(store.touch(&loaded, &options).await);
    let _ = saved(store.touch(&loaded, &touch_until(now() + MINUTE)).await);
    assert!(world.tap.operations().is_empty());
    assert_eq!(store.stats().skipped_touches, 2);
    assert_eq!(world.item("a"), before);
}

#[tokio::test]
async fn the_absolute_lifetime_bounds_a_sealed_session() {
    let world = World::new();
    let store = world
        .open(world.encrypting().absolute_ttl(3 * MINUTE))
        .await;
    let loaded = koa_session(&world, &store).await;
    world.clock.advance(MINUTE / 2);
    let touched = data(1, 5);
    let options = touch_until(now() + 9 * MINUTE).framework(&KOA, &touched);
    let stamp = saved(store.touch(&loaded, &options).await);
    assert_eq!(stamp.expires_at, now() + 3 * MINUTE);
    assert_eq!(
        world.item("a").unwrap()["expires"],
        json!({ "N": secs(180) })
    );
    let loaded = load(&store, "a").await;
    assert_eq!(loaded.data, touched);
    let options = until(now() + 9 * MINUTE).framework(&KOA);
    let _ = saved(store.save(&loaded, &data(2, 6), &options).await);
    assert_eq!(load(&store, "a").await.data, data(2, 6));
    world.clock.advance(3 * MINUTE);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
}
