//! A record whose expiry equals now has expired; a millisecond earlier it is live.

use std::time::{Duration, SystemTime};

use dynamodb_session::options::ConnectionOptions;
use dynamodb_session::{CreateOutcome, SaveOutcome, SessionStore};
use serde_json::{Value, json};

use crate::support::{
    MINUTE, MS, WithoutVersion, World, fresh, id, loaded_as, new_session, now, save_unknown, saved,
    secs, stamp, touch_until, until,
};

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
    let _ = store
        .put(&new_session("a", json!({ "n": 1 }), MINUTE))
        .await
        .unwrap();
    world.clock.advance(Duration::from_millis(59_999));
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(
        store
            .create(&new_session("a", json!({}), 2 * MINUTE))
            .await
            .unwrap(),
        CreateOutcome::Taken
    );
    assert_eq!(
        store
            .touch(&loaded, &touch_until(now() + 2 * MINUTE))
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
}

#[tokio::test]
async fn at_its_expiry_a_session_has_expired() {
    let world = World::new();
    let store = world.store().await;
    let mut session = loaded_as("a", json!({ "n": 1 }), MINUTE);
    session.created = store.put(&fresh(&session)).await.unwrap().created;
    world.clock.advance(MINUTE);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    for created in [session.created, None] {
        session.created = created;
        assert_eq!(
            store
                .touch(&session, &touch_until(now() + 2 * MINUTE))
                .await
                .unwrap(),
            SaveOutcome::Gone
        );
    }
    assert!(world.item("a").is_some(), "the item is still stored");
    let successor = store
        .create(&new_session("a", json!({ "n": 2 }), 2 * MINUTE))
        .await
        .unwrap();
    assert_eq!(
        successor.without_version(),
        CreateOutcome::Created(stamp(now() + MINUTE, 2 * MINUTE))
    );
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
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(loaded.expires_at, Some(now() + MINUTE + 500 * MS));
    assert_eq!(
        store
            .create(&new_session("a", json!({}), 2 * MINUTE))
            .await
            .unwrap(),
        CreateOutcome::Taken
    );
    world.clock.advance(MS);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    assert_eq!(
        store
            .touch(&loaded, &touch_until(now() + 2 * MINUTE))
            .await
            .unwrap(),
        SaveOutcome::Gone
    );
    let created = store
        .create(&new_session("a", json!({}), 2 * MINUTE))
        .await
        .unwrap();
    assert_eq!(
        created.without_version(),
        CreateOutcome::Created(stamp(now() + MINUTE + 500 * MS, 2 * MINUTE))
    );
}

#[tokio::test]
async fn a_save_or_replace_needs_an_item_even_an_expired_one() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&new_session("a", json!({ "n": 1 }), MINUTE))
        .await
        .unwrap();
    let mut loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    // The request that loaded the session took long, and now renews it.
    world.clock.advance(MINUTE);
    let saved = store
        .save(&loaded, &loaded.data, &until(now() + 2 * MINUTE))
        .await;
    assert_eq!(
        saved.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    assert_eq!(expires_at(&store, "a").await, Some(now() + 2 * MINUTE));
    world.clock.advance(MINUTE);
    loaded.expires_at = Some(now() + 3 * MINUTE);
    assert_eq!(
        save_unknown(&store, &loaded)
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now(), 3 * MINUTE))
    );
    assert_eq!(expires_at(&store, "a").await, Some(now() + 3 * MINUTE));
}

#[tokio::test]
async fn expiries_are_rounded_up_to_seconds() {
    let world = World::new();
    let store = world.store().await;
    for (index, (given, stored)) in [
        (Duration::ZERO, 0),
        (MS, 1),
        (999 * MS, 1),
        (1000 * MS, 1),
        (1001 * MS, 2),
    ]
    .into_iter()
    .enumerate()
    {
        let expires_at = now() + MINUTE + given;
        let name = format!("a{index}");
        let mut written = loaded_as(&name, json!({}), MINUTE + given);
        let answer = stamp(now(), MINUTE + Duration::from_secs(stored));
        let stored = json!({ "N": secs(60 + stored) });
        let is_stored_once_more = || {
            let item = world.item(&name).unwrap();
            world.put_item(
                &name,
                json!({ "session": { "M": {} }, "created": item["created"] }),
            );
            item["expires"] == stored
        };
        let created = store.create(&fresh(&written)).await.unwrap();
        assert_eq!(created.without_version(), CreateOutcome::Created(answer));
        assert!(is_stored_once_more());
        // Over the session that is there, and over nothing.
        for _ in 0..2 {
            let put = store.put(&fresh(&written)).await.unwrap();
            assert_eq!(put.without_version(), answer);
            assert!(is_stored_once_more());
            world.delete_item(&name);
        }
        let _ = store.put(&fresh(&written)).await.unwrap();
        assert!(is_stored_once_more());
        written.created = answer.created;
        for verb in 0..3 {
            let outcome = match verb {
                0 => save_unknown(&store, &written).await,
                1 => {
                    store
                        .save(&written, &json!({ "n": 1 }), &until(expires_at))
                        .await
                }
                _ => store.touch(&written, &touch_until(expires_at)).await,
            };
            assert_eq!(saved(outcome).without_version(), answer);
            assert!(is_stored_once_more());
        }
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
    let mut session = loaded_as("a", json!({}), MINUTE);
    session.expires_at = None;
    assert_eq!(
        day.put(&fresh(&session)).await.unwrap().without_version(),
        stamp(now(), Duration::from_hours(24))
    );
    assert_eq!(
        world.item("a").unwrap()["expires"],
        json!({ "N": secs(86400) })
    );
    let _ = short.put(&fresh(&session)).await.unwrap();
    assert_eq!(world.item("a").unwrap()["expires"], json!({ "N": secs(2) }));
    world.clock.advance(MINUTE);
    assert_eq!(
        save_unknown(&day, &session)
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(None, MINUTE + Duration::from_hours(24)))
    );
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
        store
            .create(&new_session("a", json!({}), MINUTE))
            .await
            .unwrap(),
        CreateOutcome::Taken
    );
    assert_eq!(
        save_unknown(&store, &loaded)
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(None, 1000 * MINUTE + Duration::from_hours(24)))
    );
    assert_eq!(
        expires_at(&store, "a").await,
        Some(now() + 1000 * MINUTE + Duration::from_secs(86400))
    );
    world.put_item("a", json!({ "session": { "M": {} } }));
    assert_eq!(
        store
            .save(&loaded, &loaded.data, &until(now() + 1001 * MINUTE))
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now() + 1000 * MINUTE, 1001 * MINUTE))
    );
    assert_eq!(expires_at(&store, "a").await, Some(now() + 1001 * MINUTE));
}

#[tokio::test]
async fn the_clock_offset_counts_in_every_comparison() {
    let world = World::new();
    let store = world
        .open(
            world
                .builder()
                .connection_options(ConnectionOptions::default().clock_offset_ms(-60_000)),
        )
        .await;
    assert_eq!(store.now(), now() - MINUTE);
    assert_eq!(
        store
            .put(&new_session("a", json!({}), Duration::ZERO))
            .await
            .unwrap()
            .without_version(),
        stamp(now() - MINUTE, Duration::ZERO)
    );
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_some());
    let ahead = world
        .builder()
        .connection_options(ConnectionOptions::default().clock_offset_ms(0))
        .build()
        .unwrap();
    assert!(ahead.load::<Value>(&id("a")).await.unwrap().is_none());
}
