//! A record whose expiry equals now has expired; a millisecond earlier it is live.

use std::time::{Duration, SystemTime};

use dynamodb_session::{Create, Record, SessionStore, Write};
use serde_json::{Value, json};

use super::{MINUTE, MS, World, id, now, record, secs};

async fn expires_at(store: &SessionStore, name: &str) -> Option<SystemTime> {
    store
        .load::<Value>(&id(name))
        .await
        .unwrap()
        .unwrap()
        .expires_at
}

#[tokio::test]
async fn one_millisecond_before_its_expiry_a_session_is_live() {
    let world = World::new();
    let store = world.store().await;
    let created = store
        .put(&record("a", json!({ "n": 1 }), MINUTE))
        .await
        .unwrap();
    world.clock.advance(Duration::from_millis(59_999));
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_some());
    assert_eq!(
        store
            .create(&record("a", json!({}), 2 * MINUTE))
            .await
            .unwrap(),
        Create::Taken
    );
    assert_eq!(
        store
            .touch(&id("a"), Some(created), now() + 2 * MINUTE)
            .await
            .unwrap(),
        Write::Written
    );
}

#[tokio::test]
async fn at_its_expiry_a_session_has_expired() {
    let world = World::new();
    let store = world.store().await;
    let created = store
        .put(&record("a", json!({ "n": 1 }), MINUTE))
        .await
        .unwrap();
    world.clock.advance(MINUTE);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    assert_eq!(
        store
            .touch(&id("a"), Some(created), now() + 2 * MINUTE)
            .await
            .unwrap(),
        Write::Gone
    );
    assert_eq!(
        store
            .touch(&id("a"), None, now() + 2 * MINUTE)
            .await
            .unwrap(),
        Write::Gone
    );
    assert!(world.item("a").is_some(), "no sweep has deleted it");
    let successor = store
        .create(&record("a", json!({ "n": 2 }), 2 * MINUTE))
        .await
        .unwrap();
    assert_eq!(successor, Create::Created(now() + MINUTE));
    assert_eq!(
        store.load::<Value>(&id("a")).await.unwrap().unwrap().data,
        json!({ "n": 2 })
    );
}

#[tokio::test]
async fn an_expiry_in_milliseconds_has_the_same_bounds() {
    let world = World::new();
    let store = world.store().await;
    let item = json!({ "session": { "M": {} }, "expires": { "N": "1800000060500" } });
    world.put_item("a", item);
    world.clock.advance(MINUTE + 499 * MS);
    assert_eq!(
        expires_at(&store, "a").await,
        Some(now() + MINUTE + 500 * MS)
    );
    assert_eq!(
        store
            .create(&record("a", json!({}), 2 * MINUTE))
            .await
            .unwrap(),
        Create::Taken
    );
    world.clock.advance(MS);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    assert_eq!(
        store
            .touch(&id("a"), None, now() + 2 * MINUTE)
            .await
            .unwrap(),
        Write::Gone
    );
    let created = store
        .create(&record("a", json!({}), 2 * MINUTE))
        .await
        .unwrap();
    assert_eq!(created, Create::Created(now() + MINUTE + 500 * MS));
}

#[tokio::test]
async fn a_save_needs_the_item_and_not_its_life() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&record("a", json!({ "n": 1 }), MINUTE))
        .await
        .unwrap();
    let mut loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    // The request that loaded it took long, and renews it.
    world.clock.advance(MINUTE);
    loaded.expires_at = Some(now() + 2 * MINUTE);
    assert_eq!(store.save(&loaded).await.unwrap(), Write::Written);
    assert_eq!(expires_at(&store, "a").await, Some(now() + 2 * MINUTE));
}

#[tokio::test]
async fn expiries_are_rounded_up_to_seconds() {
    let world = World::new();
    let store = world.store().await;
    for (given, stored) in [
        (Duration::ZERO, 0),
        (MS, 1),
        (999 * MS, 1),
        (1000 * MS, 1),
        (1001 * MS, 2),
    ] {
        let written = record("a", json!({}), MINUTE + given);
        let stored = json!({ "N": secs(60 + stored) });
        let created = store.put(&written).await.unwrap();
        assert_eq!(world.item("a").unwrap()["expires"], stored);
        assert_eq!(store.save(&written).await.unwrap(), Write::Written);
        assert_eq!(world.item("a").unwrap()["expires"], stored);
        assert_eq!(
            store
                .touch(&written.id, Some(created), now() + MINUTE + given)
                .await
                .unwrap(),
            Write::Written
        );
        assert_eq!(world.item("a").unwrap()["expires"], stored);
        store.delete(&written.id).await.unwrap();
        assert_eq!(
            store.create(&written).await.unwrap(),
            Create::Created(now())
        );
        assert_eq!(world.item("a").unwrap()["expires"], stored);
    }
}

#[tokio::test]
async fn without_an_expiry_the_stores_default_counts_from_now() {
    let world = World::new();
    let day = world.store().await;
    let short = world
        .builder()
        .default_ttl(Duration::from_millis(1500))
        .build()
        .unwrap();
    let session = Record {
        id: id("a"),
        data: json!({}),
        expires_at: None,
        created: None,
    };
    let _ = day.put(&session).await.unwrap();
    assert_eq!(
        world.item("a").unwrap()["expires"],
        json!({ "N": secs(86400) })
    );
    let _ = short.put(&session).await.unwrap();
    assert_eq!(world.item("a").unwrap()["expires"], json!({ "N": secs(2) }));
    world.clock.advance(MINUTE);
    assert_eq!(day.save(&session).await.unwrap(), Write::Written);
    assert_eq!(
        world.item("a").unwrap()["expires"],
        json!({ "N": secs(86460) })
    );
}

#[tokio::test]
async fn an_item_without_expiry_lives_until_a_write_gives_it_one() {
    let world = World::new();
    let store = world.store().await;
    world.put_item("a", json!({ "session": { "M": {} } }));
    world.clock.advance(1000 * MINUTE);
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!((loaded.expires_at, loaded.created), (None, None));
    assert_eq!(
        store.create(&record("a", json!({}), MINUTE)).await.unwrap(),
        Create::Taken
    );
    assert_eq!(store.save(&loaded).await.unwrap(), Write::Written);
    assert_eq!(
        expires_at(&store, "a").await,
        Some(now() + 1000 * MINUTE + Duration::from_secs(86400))
    );
}

#[tokio::test]
async fn the_clock_offset_counts_in_every_comparison() {
    let world = World::new();
    let store = world.open(world.builder().clock_offset_ms(-60_000)).await;
    assert_eq!(store.now(), now() - MINUTE);
    assert_eq!(
        store
            .put(&record("a", json!({}), Duration::ZERO))
            .await
            .unwrap(),
        now() - MINUTE
    );
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_some());
    let ahead = world.builder().clock_offset_ms(0).build().unwrap();
    assert!(ahead.load::<Value>(&id("a")).await.unwrap().is_none());
}
