//! The life of a session: touches that are skipped, and the absolute lifetime.

use std::sync::LazyLock;
use std::time::Duration;

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::ParallelChanges;
use dynamodb_session::{CreateOutcome, Loaded, SaveOutcome, SessionStore};
use serde_json::{Value, json};

use crate::support::{
    MINUTE, MS, WithoutVersion, World, id, load, new_session, now, save_absent, save_unknown,
    saved, secs, stamp, stored, touch_until, until,
};

const SECOND: Duration = Duration::from_secs(1);

/// A store that skips touches, and a loaded session that expires in a minute.
async fn skipping(world: &World, touch_after: Duration) -> (SessionStore, Loaded<Value>) {
    let store = world.open(world.builder().touch_after(touch_after)).await;
    let loaded = loaded(world, &store).await;
    (store, loaded)
}

async fn loaded(world: &World, store: &SessionStore) -> Loaded<Value> {
    let _ = store
        .put(&new_session("a", json!({ "n": 1 }), MINUTE))
        .await
        .unwrap();
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    world.tap.calls();
    loaded
}

/// Whether a touch and an unchanged save send a request when they move the expiry to `ttl` after [`now`].
async fn is_sent(
    world: &World,
    store: &SessionStore,
    loaded: &Loaded<Value>,
    ttl: Duration,
) -> bool {
    let before = store.stats().skipped_touches;
    let mut are_sent = Vec::new();
    for is_touch in [true, false] {
        let written = if is_touch {
            store
                .touch(loaded, &touch_until(now() + ttl))
                .await
                .unwrap()
        } else {
            store
                .save(loaded, &loaded.data, &until(now() + ttl))
                .await
                .unwrap()
        };
        let is_sent = !world.tap.operations().is_empty();
        // Without a request the session keeps the loaded expiry, and the outcome says so.
        let expires_at = if is_sent {
            Some(now() + ttl)
        } else {
            loaded.expires_at
        };
        let SaveOutcome::Saved(stamp) = written else {
            panic!("the session exists");
        };
        assert_eq!(
            (stamp.created, Some(stamp.expires_at)),
            (loaded.created, expires_at)
        );
        are_sent.push(is_sent);
    }
    assert_eq!(
        are_sent[0], are_sent[1],
        "a save that changes nothing is a touch"
    );
    let skipped = store.stats().skipped_touches - before;
    assert_eq!(skipped, if are_sent[0] { 0 } else { 2 });
    are_sent[0]
}

#[tokio::test]
async fn every_touch_is_sent_by_default() {
    let world = World::new();
    let store = world.store().await;
    let session = loaded(&world, &store).await;
    for more in [Duration::ZERO, SECOND] {
        assert!(is_sent(&world, &store, &session, MINUTE + more).await);
    }
}

#[tokio::test]
async fn a_touch_that_moves_the_expiry_by_little_is_not_sent() {
    let world = World::new();
    let (store, session) = skipping(&world, 10 * SECOND).await;
    let before = world.item("a");
    for (more, sent) in [(0, false), (1, false), (9, false), (10, true), (11, true)] {
        assert_eq!(
            is_sent(&world, &store, &session, MINUTE + more * SECOND).await,
            sent,
            "{more}"
        );
        if !sent {
            assert_eq!(world.item("a"), before);
        }
    }
}

#[tokio::test]
async fn a_touch_that_moves_the_expiry_by_half_the_ttl_is_sent() {
    let world = World::new();
    let (store, session) = skipping(&world, 60 * MINUTE).await;
    // After 29 s, one minute from then is 89 s after the start. The expiry would move by less than half its minute.
    world.clock.advance(29 * SECOND);
    assert!(!is_sent(&world, &store, &session, 89 * SECOND).await);
    world.clock.advance(SECOND);
    assert!(is_sent(&world, &store, &session, 90 * SECOND).await);
}

#[tokio::test]
async fn a_shorter_expiry_is_always_saved() {
    let world = World::new();
    let (store, session) = skipping(&world, 10 * SECOND).await;
    let expires_at = now() + MINUTE - SECOND;
    let written = store
        .save(&session, &session.data, &until(expires_at))
        .await;
    assert_eq!(saved(written).without_version(), stamp(now(), 59 * SECOND));
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    assert_eq!(
        world.item("a").unwrap()["expires"],
        json!({ "N": secs(59) })
    );
    assert_eq!(store.stats().skipped_touches, 0);
}

#[tokio::test]
async fn a_touch_does_not_shorten_the_life_of_a_session() {
    let world = World::new();
    let (store, session) = skipping(&world, 10 * SECOND).await;
    // It could undo what a parallel request has extended.
    let touched = store
        .touch(&session, &touch_until(now() + MINUTE - SECOND))
        .await;
    assert_eq!(saved(touched).without_version(), stamp(now(), MINUTE));
    assert_eq!(
        world.item("a").unwrap()["expires"],
        json!({ "N": secs(60) })
    );
}

/// The fields of the framework move the expiry forward, and the limit of the application back.
#[tokio::test]
async fn a_limit_shortens_the_life_of_a_session() {
    static FIELDS: LazyLock<Framework> =
        LazyLock::new(|| Framework::new().expiry_field(ExpiryField::instant("_expire")));
    for (is_limit, left) in [(false, 60), (true, 30)] {
        for is_touch in [true, false] {
            let world = World::new();
            let store = world.open(world.builder().touch_after(10 * SECOND)).await;
            let session = stored(&store, "a", json!({ "n": 1, "_expire": 1 })).await;
            let data = json!({ "n": 1, "_expire": 7 });
            let earlier = now() + 30 * SECOND;
            let written = if is_touch {
                let options = touch_until(earlier).is_limit(is_limit);
                store
                    .touch(&session, &options.framework(&FIELDS, &data))
                    .await
            } else {
                let options = until(earlier).is_limit(is_limit).framework(&FIELDS);
                store.save(&session, &data, &options).await
            };
            saved(written);
            let expires = &world.item("a").unwrap()["expires"];
            assert_eq!(
                *expires,
                json!({ "N": secs(left) }),
                "{is_limit} {is_touch}"
            );
        }
    }
    // What another request has extended since the load is kept.
    let world = World::new();
    let store = world.store().await;
    let session = stored(&store, "a", json!({ "n": 1, "_expire": 1 })).await;
    let data = json!({ "n": 1, "_expire": 9 });
    let extended = touch_until(now() + 3 * MINUTE).framework(&FIELDS, &data);
    saved(store.touch(&session, &extended).await);
    let data = json!({ "n": 2, "_expire": 8 });
    let limit = until(now() + 2 * MINUTE).is_limit(true).framework(&FIELDS);
    saved(store.save(&session, &data, &limit).await);
    assert_eq!(
        world.item("a").unwrap()["expires"],
        json!({ "N": secs(180) })
    );
}

#[tokio::test]
async fn a_parallel_extension_is_kept() {
    static FIELDS: LazyLock<Framework> =
        LazyLock::new(|| Framework::new().expiry_field(ExpiryField::instant("_expire")));
    let world = World::new();
    let store = world.store().await;
    let data = |n: u32, expire: u32| json!({ "n": n, "_expire": expire });
    for is_touch in [true, false] {
        let _ = store
            .put(&new_session("a", data(1, 1), MINUTE))
            .await
            .unwrap();
        let ours = load(&store, "a").await;
        let theirs = load(&store, "a").await;
        let options = until(now() + 5 * MINUTE).framework(&FIELDS);
        let written = store.save(&theirs, &data(1, 5), &options).await;
        assert!(written.unwrap().is_saved());
        // This request began earlier, and would extend the session by less.
        let expires_at = now() + 2 * MINUTE;
        let written = if is_touch {
            let data = data(1, 2);
            let options = touch_until(expires_at).framework(&FIELDS, &data);
            store.touch(&ours, &options).await
        } else {
            let options = until(expires_at).framework(&FIELDS);
            store.save(&ours, &data(2, 2), &options).await
        };
        assert_eq!(saved(written).without_version(), stamp(now(), 5 * MINUTE));
        let after = load(&store, "a").await;
        assert_eq!(after.expires_at, Some(now() + 5 * MINUTE));
        assert_eq!(after.data, data(if is_touch { 1 } else { 2 }, 5));
        world.delete_item("a");
    }
}

#[tokio::test]
async fn a_first_expiry_and_changed_data_are_always_sent() {
    let world = World::new();
    let (store, session) = skipping(&world, 10 * SECOND).await;
    let mut without = session.clone();
    without.expires_at = None;
    assert!(
        store
            .touch(&without, &touch_until(now() + MINUTE))
            .await
            .unwrap()
            .is_saved()
    );
    assert_eq!(world.tap.operations(), ["UpdateItem"]);

    for data in [json!({ "n": 2 }), json!({ "n": 1, "m": 1 }), json!({})] {
        let session = loaded(&world, &store).await;
        let saved = store
            .save(&session, &data, &until(now() + MINUTE + SECOND))
            .await;
        assert!(saved.unwrap().is_saved());
        assert_eq!(world.tap.operations(), ["UpdateItem"], "{data}");
    }
}

#[tokio::test]
async fn only_instants_and_rounding_of_an_expiry_unit_may_differ() {
    static FIELDS: LazyLock<Framework> = LazyLock::new(|| {
        Framework::new()
            .expiry_field(ExpiryField::instant("_expire"))
            .expiry_field(ExpiryField::setting("_maxAge"))
            .expiry_field(ExpiryField::with_instants("cookie", ["expires"]).with_durations(["age"]))
    });
    let world = World::new();
    let store = world.open(world.builder().touch_after(10 * SECOND)).await;
    let data = json!({ "_expire": 1, "_maxAge": 60, "cookie": { "expires": 1, "path": "/", "age": 60_000 } });
    let _ = store.put(&new_session("a", data, MINUTE)).await.unwrap();
    let session = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let of_age = |max_age: u32, path: &str, age: u32| json!({ "_expire": 2, "_maxAge": max_age, "cookie": { "expires": 2, "path": path, "age": age } });
    let with = |max_age: u32, path: &str| of_age(max_age, path, 60_000);
    let mut another = with(60, "/");
    another["n"] = json!(1);
    for (changed, save_is_sent, touch_is_sent) in [
        (with(60, "/"), false, false),
        (with(61, "/"), true, true),
        (with(60, "/a"), true, true),
        // A framework rounds.
        (of_age(60, "/", 59_999), false, false),
        (of_age(60, "/", 59_900), true, true),
        // A touch never writes fields outside of the expiry unit.
        (another, true, false),
    ] {
        let expires_at = now() + MINUTE + SECOND;
        world.tap.calls();
        let saved = store
            .save(&session, &changed, &until(expires_at).framework(&FIELDS))
            .await;
        assert!(saved.unwrap().is_saved());
        assert_eq!(
            !world.tap.operations().is_empty(),
            save_is_sent,
            "{changed}"
        );
        let touched = store
            .touch(
                &session,
                &touch_until(expires_at).framework(&FIELDS, &changed),
            )
            .await;
        assert!(touched.unwrap().is_saved());
        assert_eq!(
            !world.tap.operations().is_empty(),
            touch_is_sent,
            "{changed}"
        );
    }
}

#[tokio::test]
async fn touches_are_skipped_with_overwriting_saves_too() {
    let world = World::new();
    let builder = world.builder().parallel_changes(ParallelChanges::Overwrite);
    let store = world.open(builder.touch_after(10 * SECOND)).await;
    let session = loaded(&world, &store).await;
    assert!(!is_sent(&world, &store, &session, MINUTE + SECOND).await);
    assert!(is_sent(&world, &store, &session, MINUTE + 10 * SECOND).await);
}

#[tokio::test]
async fn no_write_lets_a_session_live_longer_than_its_absolute_lifetime() {
    let world = World::new();
    let store = world.open(world.builder().absolute_ttl(2 * MINUTE)).await;
    let latest = stamp(now(), 2 * MINUTE);
    let session = new_session("a", json!({ "n": 1 }), 5 * MINUTE);
    assert_eq!(
        store.create(&session).await.unwrap().without_version(),
        CreateOutcome::Created(latest)
    );
    assert_eq!(store.put(&session).await.unwrap().without_version(), latest);
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(loaded.expires_at, Some(now() + 2 * MINUTE));
    world.clock.advance(MINUTE);
    let mut whole = loaded.clone();
    whole.expires_at = Some(now() + 5 * MINUTE);
    let changed = json!({ "n": 2 });
    for written in [
        store
            .save(&loaded, &changed, &until(now() + 5 * MINUTE))
            .await,
        save_unknown(&store, &whole).await,
        store.touch(&loaded, &touch_until(now() + 5 * MINUTE)).await,
        store
            .touch(
                &loaded,
                &touch_until(now() + 5 * MINUTE).framework(&Framework::new(), &changed),
            )
            .await,
        save_absent(&store, &session, &Framework::new()).await,
    ] {
        assert_eq!(
            written.unwrap().without_version(),
            SaveOutcome::Saved(latest)
        );
        assert_eq!(
            world.item("a").unwrap()["expires"],
            json!({ "N": secs(120) })
        );
    }
    // A session can end earlier.
    let sooner = store
        .save(&loaded, &loaded.data, &until(now() + MINUTE + SECOND))
        .await;
    assert_eq!(
        sooner.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE + SECOND))
    );
}

#[tokio::test]
async fn after_its_absolute_lifetime_a_session_has_expired_whatever_its_item_says() {
    let world = World::new();
    let store = world.open(world.builder().absolute_ttl(2 * MINUTE)).await;
    let item = json!({
        "session": { "M": {} }, "created": { "N": "1800000000000" }, "expires": { "N": secs(600) },
    });
    world.put_item("a", item);
    world.clock.advance(119_999 * MS);
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let session = new_session("a", json!({}), 10 * MINUTE);
    assert_eq!(store.create(&session).await.unwrap(), CreateOutcome::Taken);
    world.clock.advance(MS);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    assert_eq!(
        store
            .touch(&loaded, &touch_until(now() + 5 * MINUTE))
            .await
            .unwrap(),
        SaveOutcome::Gone
    );
    assert_eq!(
        store.create(&session).await.unwrap().without_version(),
        CreateOutcome::Created(stamp(now() + 2 * MINUTE, 4 * MINUTE))
    );
}

#[tokio::test]
async fn the_life_of_a_legacy_item_begins_with_its_first_save() {
    let world = World::new();
    let store = world.open(world.builder().absolute_ttl(2 * MINUTE)).await;
    let item = json!({ "session": { "M": { "n": { "N": "1" } } }, "expires": { "N": secs(600) } });
    world.put_item("a", item);
    world.clock.advance(5 * MINUTE);
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let saved = store
        .save(&loaded, &json!({ "n": 2 }), &until(now() + 60 * MINUTE))
        .await;
    assert_eq!(
        saved.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now() + 5 * MINUTE, 7 * MINUTE))
    );
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(loaded.created, Some(now() + 5 * MINUTE));
    assert_eq!(loaded.expires_at, Some(now() + 7 * MINUTE));
}
