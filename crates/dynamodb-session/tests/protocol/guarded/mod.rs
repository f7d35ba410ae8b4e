//! Logout wins: a loaded session is only written to the same stored session, or not at all.

use std::sync::{Arc, LazyLock, Mutex};

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::observe::Event;
use dynamodb_session::options::ParallelChanges;
use dynamodb_session::{CreateOutcome, ErrorKind, Loaded, Operation, SaveOutcome, SessionStore};
use serde_json::{Value, json};

use crate::protocol::update::Update;
use crate::support::{
    Fate, MINUTE, MS, WithoutVersion, World, fresh, id, load, new_session, now, refusal,
    save_absent, save_unknown, saved, secs, stamp, stored, touch_until, until,
};

mod create_or_merge;
mod legacy;
mod put;

/// A framework with an expiry unit.
static FIELDS: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .not_carried_prefixes(["_"])
});

/// The ways to write a loaded session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Save,
    SaveUnchanged,
    Replace,
    Touch,
    TouchWith,
}

const VERBS: [Verb; 5] = [
    Verb::Save,
    Verb::SaveUnchanged,
    Verb::Replace,
    Verb::Touch,
    Verb::TouchWith,
];

async fn write(store: &SessionStore, verb: Verb, loaded: &Loaded<Value>) -> SaveOutcome {
    let expires_at = now() + 2 * MINUTE;
    let mut changed = loaded.with_data(json!({ "n": 2, "_expire": 7 }));
    changed.expires_at = Some(expires_at);
    let written = match verb {
        Verb::Save => store.save(loaded, &changed.data, &until(expires_at)).await,
        Verb::SaveUnchanged => {
            store
                .save(loaded, &loaded.data, &until(expires_at).framework(&FIELDS))
                .await
        }
        Verb::Replace => save_unknown(store, &changed).await,
        Verb::Touch => store.touch(loaded, &touch_until(expires_at)).await,
        Verb::TouchWith => {
            store
                .touch(
                    loaded,
                    &touch_until(expires_at).framework(&FIELDS, &changed.data),
                )
                .await
        }
    };
    written.unwrap()
}

fn denied() -> Fate {
    refusal("AccessDeniedException", "no UpdateItem for you")
}

/// Refuses an `UpdateItem`, so that the store uses `PutItem` from now on.
async fn deny_updates(world: &World, store: &SessionStore) {
    let loaded = stored(store, "denied", json!({})).await;
    world.tap.script([denied()]);
    let _ = saved(
        store
            .save(&loaded, &json!({ "n": 1 }), &until(now() + MINUTE))
            .await,
    );
    world.tap.calls();
}

#[tokio::test]
async fn a_loaded_session_that_was_deleted_is_not_brought_back() {
    for conflict in [ParallelChanges::Merge, ParallelChanges::Overwrite] {
        for verb in VERBS {
            let world = World::new();
            let store = world.open(world.builder().parallel_changes(conflict)).await;
            let loaded = stored(&store, "a", json!({ "n": 1 })).await;
            store.delete(&id("a")).await.unwrap();
            assert_eq!(
                write(&store, verb, &loaded).await,
                SaveOutcome::Gone,
                "{conflict:?} {verb:?}"
            );
            assert_eq!(world.session("a"), None, "{conflict:?} {verb:?}");

            // It is not written to a later session with the same id either.
            world.clock.advance(MS);
            let next = store
                .create(&new_session("a", json!({ "n": 3 }), MINUTE))
                .await;
            assert_eq!(
                next.unwrap().without_version(),
                CreateOutcome::Created(stamp(now() + MS, MINUTE))
            );
            let item = world.item("a");
            assert_eq!(
                write(&store, verb, &loaded).await,
                SaveOutcome::Gone,
                "{conflict:?} {verb:?}"
            );
            assert_eq!(world.item("a"), item, "{conflict:?} {verb:?}");
            assert_eq!(store.stats().conflicts, 2);

            // A request that loaded that session can write to it.
            let loaded = load(&store, "a").await;
            assert!(
                write(&store, verb, &loaded).await.is_saved(),
                "{conflict:?} {verb:?}"
            );
            assert_ne!(world.item("a"), item, "{conflict:?} {verb:?}");
        }
    }
}

#[tokio::test]
async fn a_deleted_session_is_not_brought_back_without_permission_for_updates() {
    // A touch that moves only the expiry has no data for a PutItem.
    for verb in VERBS.into_iter().filter(|verb| *verb != Verb::Touch) {
        let world = World::new();
        let store = world.store().await;
        let loaded = stored(&store, "a", json!({ "n": 1 })).await;
        store.delete(&id("a")).await.unwrap();
        deny_updates(&world, &store).await;
        assert_eq!(
            write(&store, verb, &loaded).await,
            SaveOutcome::Gone,
            "{verb:?}"
        );
        // Without what was loaded, or with a part of what is saved, the item is read: a PutItem needs the whole of it.
        let expected = match verb {
            Verb::Replace | Verb::TouchWith => "GetItem",
            _ => "PutItem",
        };
        assert_eq!(world.tap.operations(), [expected], "{verb:?}");
        assert_eq!(world.session("a"), None, "{verb:?}");

        world.clock.advance(MS);
        let _ = store
            .create(&new_session("a", json!({ "n": 3 }), MINUTE))
            .await
            .unwrap();
        let item = world.item("a");
        assert_eq!(
            write(&store, verb, &loaded).await,
            SaveOutcome::Gone,
            "{verb:?}"
        );
        assert_eq!(world.item("a"), item, "{verb:?}");
        let loaded = load(&store, "a").await;
        assert!(write(&store, verb, &loaded).await.is_saved(), "{verb:?}");
        assert_eq!(
            world.item("a").unwrap()["created"],
            item.unwrap()["created"],
            "a session keeps its created"
        );
    }
}

#[tokio::test]
async fn a_retry_does_not_bring_a_session_back() {
    for verb in VERBS {
        let world = World::new();
        let store = world.store().await;
        let loaded = stored(&store, "a", json!({ "n": 1 })).await;
        store.delete(&id("a")).await.unwrap();
        let throttled = || refusal("ThrottlingException", "slow down");
        world.tap.script([throttled(), throttled()]);
        assert_eq!(
            write(&store, verb, &loaded).await,
            SaveOutcome::Gone,
            "{verb:?}"
        );
        assert_eq!(world.session("a"), None, "{verb:?}");
    }
}

#[tokio::test]
async fn a_deleted_session_that_was_not_loaded_can_be_created() {
    let world = World::new();
    let store = world.store().await;
    let session = new_session("a", json!({ "n": 1 }), MINUTE);
    let _ = store.put(&session).await.unwrap();
    store.delete(&session.id).await.unwrap();
    world.clock.advance(MS);
    let written = save_absent(&store, &session, &Framework::new()).await;
    assert_eq!(
        written.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now() + MS, MINUTE))
    );
}

#[tokio::test]
async fn every_conditional_write_asks_for_the_item_that_refused_it() {
    let world = World::new();
    let store = world.store().await;
    let mut calls = Vec::new();
    for verb in VERBS {
        let loaded = stored(&store, "a", json!({ "n": 1, "_expire": 1 })).await;
        world.tap.calls();
        assert!(write(&store, verb, &loaded).await.is_saved());
        calls.extend(world.tap.calls());
    }
    let loaded = load(&store, "a").await;
    world.tap.calls();
    let _ = store.create(&fresh(&loaded)).await.unwrap();
    store.delete(&loaded).await.unwrap();
    calls.extend(world.tap.calls());
    assert_eq!(calls.len(), VERBS.len() + 2);
    for (operation, body) in calls {
        assert!(body["ConditionExpression"].is_string(), "{operation}");
        assert_eq!(
            body["ReturnValuesOnConditionCheckFailure"], "ALL_OLD",
            "{operation}"
        );
    }
}
