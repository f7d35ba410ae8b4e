//! Logout wins: who writes what was loaded writes it onto the session that was loaded, or not at all.

use std::sync::{Arc, LazyLock, Mutex};

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::{
    Conflict, Create, ErrorKind, Event, Operation, Record, SessionStore, Write,
};
use serde_json::{Value, json};

use super::update::Update;
use crate::support::{Fate, MINUTE, MS, World, id, now, record, refusal, secs, stamp};

/// A framework's, with an expiry unit of its own.
static FIELDS: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .not_carried_prefixes(["_"])
});

/// How a session that was loaded is written.
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

async fn write(store: &SessionStore, verb: Verb, loaded: &Record<Value>) -> Write {
    let expires_at = now() + 2 * MINUTE;
    let mut changed = loaded.with_data(json!({ "n": 2, "_expire": 7 }));
    changed.expires_at = Some(expires_at);
    let written = match verb {
        Verb::Save => store.save(loaded, &changed.data, expires_at).await,
        Verb::SaveUnchanged => {
            store
                .save_with(loaded, &loaded.data, expires_at, &FIELDS)
                .await
        }
        Verb::Replace => store.replace(&changed).await,
        Verb::Touch => store.touch(loaded, expires_at).await,
        Verb::TouchWith => {
            store
                .touch_with(loaded, &changed.data, expires_at, &FIELDS)
                .await
        }
    };
    written.unwrap()
}

fn denied() -> Fate {
    refusal("AccessDeniedException", "no UpdateItem for you")
}

/// Has the store learn that `UpdateItem` is refused.
async fn deny_updates(world: &World, store: &SessionStore) {
    world.tap.script([denied()]);
    let mut session = record("denied", json!({}), MINUTE);
    session.created = Some(now());
    assert_eq!(store.replace(&session).await.unwrap(), Write::Gone);
    world.tap.calls();
}

#[tokio::test]
async fn who_loaded_a_session_does_not_bring_it_back() {
    for conflict in [Conflict::Merge, Conflict::Overwrite] {
        for verb in VERBS {
            let world = World::new();
            let store = world.open(world.builder().conflict(conflict)).await;
            let _ = store
                .put(&record("a", json!({ "n": 1 }), MINUTE))
                .await
                .unwrap();
            let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
            store.delete(&id("a")).await.unwrap();
            assert_eq!(
                write(&store, verb, &loaded).await,
                Write::Gone,
                "{conflict:?} {verb:?}"
            );
            assert_eq!(world.item("a"), None, "{conflict:?} {verb:?}");

            // Nor does it write onto the session that has the id now.
            world.clock.advance(MS);
            let next = store.create(&record("a", json!({ "n": 3 }), MINUTE)).await;
            assert_eq!(next.unwrap(), Create::Created(stamp(now() + MS, MINUTE)));
            let item = world.item("a");
            assert_eq!(
                write(&store, verb, &loaded).await,
                Write::Gone,
                "{conflict:?} {verb:?}"
            );
            assert_eq!(world.item("a"), item, "{conflict:?} {verb:?}");
            assert_eq!(store.stats().conflicts, 2);

            // The one who loaded that one does.
            let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
            assert!(
                write(&store, verb, &loaded).await.is_written(),
                "{conflict:?} {verb:?}"
            );
            assert_ne!(world.item("a"), item, "{conflict:?} {verb:?}");
        }
    }
}

#[tokio::test]
async fn nor_where_updates_are_not_allowed() {
    // A touch of nothing but the expiry has nothing to put.
    for verb in VERBS.into_iter().filter(|verb| *verb != Verb::Touch) {
        let world = World::new();
        let store = world.store().await;
        let _ = store
            .put(&record("a", json!({ "n": 1 }), MINUTE))
            .await
            .unwrap();
        let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        store.delete(&id("a")).await.unwrap();
        deny_updates(&world, &store).await;
        assert_eq!(write(&store, verb, &loaded).await, Write::Gone, "{verb:?}");
        assert_eq!(world.tap.operations(), ["PutItem"], "{verb:?}");
        assert_eq!(world.item("a"), None, "{verb:?}");

        world.clock.advance(MS);
        let _ = store
            .create(&record("a", json!({ "n": 3 }), MINUTE))
            .await
            .unwrap();
        let item = world.item("a");
        assert_eq!(write(&store, verb, &loaded).await, Write::Gone, "{verb:?}");
        assert_eq!(world.item("a"), item, "{verb:?}");
        let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        assert!(write(&store, verb, &loaded).await.is_written(), "{verb:?}");
        assert_eq!(
            world.item("a").unwrap()["created"],
            item.unwrap()["created"],
            "a session keeps its created"
        );
    }
}

#[tokio::test]
async fn a_retry_brings_nothing_back_either() {
    for verb in VERBS {
        let world = World::new();
        let store = world.store().await;
        let _ = store
            .put(&record("a", json!({ "n": 1 }), MINUTE))
            .await
            .unwrap();
        let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        store.delete(&id("a")).await.unwrap();
        let throttled = || refusal("ThrottlingException", "slow down");
        world.tap.script([throttled(), throttled()]);
        assert_eq!(write(&store, verb, &loaded).await, Write::Gone, "{verb:?}");
        assert_eq!(world.item("a"), None, "{verb:?}");
    }
}

#[tokio::test]
async fn a_destroyed_session_that_nobody_loaded_is_one_to_create() {
    let world = World::new();
    let store = world.store().await;
    let session = record("a", json!({ "n": 1 }), MINUTE);
    let _ = store.put(&session).await.unwrap();
    store.delete(&session.id).await.unwrap();
    world.clock.advance(MS);
    let written = store.create_or_merge(&session, &Framework::new()).await;
    assert_eq!(written.unwrap(), Write::Written(stamp(now() + MS, MINUTE)));
}

#[tokio::test]
async fn an_item_of_the_legacy_package_is_guarded_by_its_presence() {
    let world = World::new();
    let store = world.store().await;
    let item = json!({ "session": { "M": { "n": { "N": "1" }, "m": { "N": "1" } } } });
    for verb in VERBS {
        world.put_item("a", item.clone());
        let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        assert_eq!(loaded.created, None);
        assert!(write(&store, verb, &loaded).await.is_written(), "{verb:?}");
        store.delete(&id("a")).await.unwrap();
        assert_eq!(write(&store, verb, &loaded).await, Write::Gone, "{verb:?}");
        assert_eq!(world.item("a"), None, "{verb:?}");
    }
}

#[tokio::test]
async fn parallel_saves_of_such_an_item_merge_and_the_first_gives_it_its_created() {
    let world = World::new();
    let store = world.store().await;
    let item =
        json!({ "session": { "M": { "a": { "N": "1" }, "b": { "N": "1" }, "c": { "N": "1" } } } });
    world.put_item("a", item);
    let mut loaded = Vec::new();
    for _ in 0..3 {
        loaded.push(store.load::<Value>(&id("a")).await.unwrap().unwrap());
    }
    for (loaded, field) in loaded.iter().zip(["a", "b", "c"]) {
        world.clock.advance(MS);
        let mut data = loaded.data.clone();
        data[field] = json!(2);
        let written = store.save(loaded, &data, now() + MINUTE).await.unwrap();
        assert_eq!(written, Write::Written(stamp(now() + MS, MINUTE)));
    }
    let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(after.data, json!({ "a": 2, "b": 2, "c": 2 }));
    assert_eq!(after.created, Some(now() + MS));
}

/// A session of the legacy package, loaded.
async fn loaded_legacy(world: &World, store: &SessionStore) -> Record<Value> {
    world.put_item("a", json!({ "session": { "M": { "n": { "N": "1" } } } }));
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(loaded.created, None);
    world.tap.calls();
    loaded
}

#[tokio::test]
async fn who_has_saved_such_an_item_does_not_write_onto_the_next_session_under_its_id() {
    for verb in VERBS {
        for is_touched_first in [false, true] {
            let world = World::new();
            let store = world.store().await;
            let mut loaded = loaded_legacy(&world, &store).await;
            let first = if is_touched_first {
                Verb::TouchWith
            } else {
                Verb::Save
            };
            let Write::Written(stamp) = write(&store, first, &loaded).await else {
                panic!("the session is there");
            };
            assert_eq!(stamp.created, Some(now()));
            loaded.created = stamp.created;
            store.delete(&id("a")).await.unwrap();
            world.clock.advance(MS);
            let next = record("a", json!({ "n": 3 }), MINUTE);
            let _ = store.create(&next).await.unwrap();
            let item = world.item("a");
            assert_eq!(write(&store, verb, &loaded).await, Write::Gone, "{verb:?}");
            assert_eq!(world.item("a"), item, "{verb:?}");
        }
    }
}

#[tokio::test]
async fn nor_does_who_has_merged_onto_it() {
    let world = World::new();
    let store = world.store().await;
    let mut ours = loaded_legacy(&world, &store).await;
    world.clock.advance(MS);
    let written = store.create_or_merge(&ours, &FIELDS).await.unwrap();
    let Write::Written(stamp) = written else {
        panic!("the session is there");
    };
    assert_eq!(stamp.created, Some(now() + MS));
    ours.created = stamp.created;
    store.delete(&id("a")).await.unwrap();
    world.clock.advance(MS);
    let _ = store
        .create(&record("a", json!({ "n": 3 }), MINUTE))
        .await
        .unwrap();
    let item = world.item("a");
    assert_eq!(write(&store, Verb::Save, &ours).await, Write::Gone);
    assert_eq!(world.item("a"), item);
}

/// More fields than one request takes.
fn wide() -> Value {
    (0..150).map(|n| (format!("f{n}"), json!(n))).collect()
}

/// The answer to an update that met an item of this `created`, or gave it that.
fn updated(created: &str) -> Fate {
    let attributes = json!({ "created": { "N": created }, "session": { "M": {} } });
    Fate::Answer(200, json!({ "Attributes": attributes }))
}

#[tokio::test]
async fn what_takes_several_requests_is_all_for_the_session_that_the_first_one_met() {
    let world = World::new();
    let store = world.store().await;
    let loaded = loaded_legacy(&world, &store).await;
    // Once the first has been answered, the session is destroyed and another one has the id.
    store.delete(&id("a")).await.unwrap();
    world.clock.advance(MS);
    let next = record("a", json!({ "n": 3 }), MINUTE);
    let _ = store.create(&next).await.unwrap();
    let item = world.item("a");
    world.tap.calls();
    world.tap.script([updated("1800000000000")]);
    let written = store.save(&loaded, &wide(), now() + MINUTE).await;
    assert_eq!(written.unwrap(), Write::Gone);
    assert_eq!(world.tap.operations(), ["UpdateItem", "UpdateItem"]);
    assert_eq!(world.item("a"), item);
}

#[tokio::test]
async fn a_put_in_place_of_the_second_keeps_the_created_that_the_first_one_met() {
    let world = World::new();
    let store = world.store().await;
    let loaded = loaded_legacy(&world, &store).await;
    let given = json!({ "session": { "M": {} }, "created": { "N": "1800000000000" } });
    world.put_item("a", given.clone());
    world.clock.advance(MS);
    world.tap.script([updated("1800000000000"), denied()]);
    let written = store.save(&loaded, &wide(), now() + MINUTE).await;
    assert_eq!(written.unwrap(), Write::Written(stamp(now(), MINUTE)));
    assert_eq!(
        world.tap.operations(),
        ["UpdateItem", "UpdateItem", "PutItem"]
    );
    assert_eq!(world.item("a").unwrap()["created"], given["created"]);
}

#[tokio::test]
async fn only_who_does_not_know_the_created_asks_for_it() {
    let world = World::new();
    let store = world.store().await;
    let mut loaded = loaded_legacy(&world, &store).await;
    for asked in [json!("UPDATED_NEW"), Value::Null] {
        let Write::Written(stamp) = write(&store, Verb::Save, &loaded).await else {
            panic!("the session is there");
        };
        let calls = world.tap.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].1["ReturnValues"], asked);
        loaded.created = stamp.created;
    }
}

#[tokio::test]
async fn also_where_updates_are_not_allowed_the_created_it_has_got_stays() {
    for shows_item in [true, false] {
        let world = World::new();
        let store = world.store().await;
        deny_updates(&world, &store).await;
        world.put_item("a", json!({ "session": { "M": { "n": { "N": "1" } } } }));
        let slow = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        let quick = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        world.clock.advance(MS);
        assert_eq!(
            write(&store, Verb::Save, &quick).await,
            Write::Written(stamp(now() + MS, 2 * MINUTE))
        );
        let third = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        world.clock.advance(MS);
        world.tap.calls();
        if !shows_item {
            world.tap.script([Fate::NoItem]);
        }
        // Presence is all it knows, and the session is there.
        assert_eq!(
            write(&store, Verb::Save, &slow).await,
            Write::Written(stamp(now() + MS, 2 * MINUTE))
        );
        let expected: &[&str] = if shows_item {
            &["PutItem", "PutItem"]
        } else {
            &["PutItem", "GetItem", "PutItem"]
        };
        assert_eq!(world.tap.operations(), expected);
        // Who loaded it in between finds it.
        assert!(write(&store, Verb::Save, &third).await.is_written());
        store.delete(&id("a")).await.unwrap();
        assert_eq!(write(&store, Verb::Save, &slow).await, Write::Gone);
        assert_eq!(world.item("a"), None);
    }
}

#[tokio::test]
async fn an_instance_of_the_legacy_package_that_still_runs_does_not_lock_out_who_loaded_the_session()
 {
    let world = World::new();
    let store = world.store().await;
    let session = record("a", json!({ "n": 1 }), MINUTE);
    let created = store.put(&session).await.unwrap().created;
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    // Its PutItem erases `created`.
    world.put_item("a", json!({ "session": { "M": { "m": { "N": "1" } } } }));
    world.clock.advance(MS);
    assert_eq!(
        write(&store, Verb::Save, &loaded).await,
        Write::Written(stamp(created, 2 * MINUTE))
    );
    let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(after.created, created);
    assert_eq!(after.data, json!({ "m": 1, "n": 2, "_expire": 7 }));
}

#[tokio::test]
async fn a_create_that_meets_a_live_session_merges_onto_it() {
    for shows_item in [true, false] {
        let world = World::new();
        let store = world.store().await;
        let theirs = record("a", json!({ "n": 1, "theirs": 1 }), MINUTE);
        let _ = store.put(&theirs).await.unwrap();
        world.clock.advance(MS);
        world.tap.calls();
        if !shows_item {
            world.tap.script([Fate::NoItem]);
        }
        let ours = record("a", json!({ "n": 2, "ours": 2 }), 2 * MINUTE);
        let written = store
            .create_or_merge(&ours, &Framework::new())
            .await
            .unwrap();
        // It is their session, and what is written next is guarded by that.
        assert_eq!(written, Write::Written(stamp(now(), 2 * MINUTE)));
        let expected: &[&str] = if shows_item {
            &["PutItem", "UpdateItem"]
        } else {
            &["PutItem", "GetItem", "UpdateItem"]
        };
        assert_eq!(world.tap.operations(), expected);
        let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        assert_eq!(after.data, json!({ "n": 2, "ours": 2, "theirs": 1 }));
        assert_eq!(
            (after.created, after.expires_at),
            (Some(now()), Some(now() + 2 * MINUTE))
        );
    }
}

#[tokio::test]
async fn it_replaces_an_expired_one() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&record("a", json!({ "theirs": 1 }), MINUTE))
        .await
        .unwrap();
    world.clock.advance(MINUTE);
    let ours = record("a", json!({ "ours": 1 }), 2 * MINUTE);
    let written = store
        .create_or_merge(&ours, &Framework::new())
        .await
        .unwrap();
    assert_eq!(written, Write::Written(stamp(now() + MINUTE, 2 * MINUTE)));
    let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(after.data, json!({ "ours": 1 }));
}

#[tokio::test]
async fn it_creates_a_session_of_its_own_when_the_one_it_met_goes() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&record("a", json!({ "theirs": 1 }), MINUTE))
        .await
        .unwrap();
    let theirs = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    world.clock.advance(MS);
    let ours = record("a", json!({ "ours": 1 }), MINUTE);
    let failed = refusal(
        "ConditionalCheckFailedException",
        "The conditional request failed",
    );
    // It is deleted between the create and the merge.
    let shown = json!({
        "__type": "x#ConditionalCheckFailedException", "Item": world.item("a").unwrap(),
    });
    store.delete(&id("a")).await.unwrap();
    world.tap.calls();
    world.tap.script([Fate::Answer(400, shown), failed]);
    let written = store
        .create_or_merge(&ours, &Framework::new())
        .await
        .unwrap();
    assert_eq!(written, Write::Written(stamp(now() + MS, MINUTE)));
    assert_eq!(world.tap.operations(), ["PutItem", "UpdateItem", "PutItem"]);
    assert_eq!(store.stats().conflicts, 0);
    // Not with the `created` of the one that is gone, so that nobody takes it for that.
    assert_eq!(write(&store, Verb::Save, &theirs).await, Write::Gone);
    let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(after.data, json!({ "ours": 1 }));
}

#[tokio::test]
async fn it_gives_up_on_an_id_whose_sessions_come_and_go() {
    let world = World::new();
    let store = world.store().await;
    let item = json!({ "sessionId": { "S": "a" }, "session": { "M": {} } });
    let shown = json!({ "__type": "x#ConditionalCheckFailedException", "Item": item });
    for _ in 0..3 {
        let gone = refusal(
            "ConditionalCheckFailedException",
            "The conditional request failed",
        );
        world.tap.script([Fate::Answer(400, shown.clone()), gone]);
    }
    let written = store
        .create_or_merge(&record("a", json!({}), MINUTE), &Framework::new())
        .await;
    assert_eq!(written.unwrap(), Write::Gone);
    assert_eq!(store.stats().conflicts, 1);
}

#[tokio::test]
async fn where_updates_are_not_allowed_sessions_are_put_from_then_on() {
    let world = World::new();
    let events = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let events = Arc::clone(&events);
        Arc::new(move |event: &Event| events.lock().unwrap().push(event.clone()))
    };
    let store = world.open(world.builder().on_event(listener)).await;
    let _ = store
        .put(&record("a", json!({ "n": 1, "m": 1 }), MINUTE))
        .await
        .unwrap();
    let one = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let two = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    world.tap.calls();
    world.tap.script([denied()]);
    let written = store
        .save(&one, &json!({ "n": 2, "m": 1 }), now() + MINUTE)
        .await;
    assert_eq!(written.unwrap(), Write::Written(stamp(now(), MINUTE)));
    assert_eq!(world.tap.operations(), ["UpdateItem", "PutItem"]);
    // Fields do not merge there: the last one wins.
    let written = store
        .save(&two, &json!({ "n": 1, "m": 2 }), now() + MINUTE)
        .await;
    assert_eq!(written.unwrap(), Write::Written(stamp(now(), MINUTE)));
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].0, "PutItem");
    assert!(calls[0].1["ConditionExpression"].is_string());
    assert_eq!(
        store.load::<Value>(&id("a")).await.unwrap().unwrap().data,
        json!({ "n": 1, "m": 2 })
    );
    assert_eq!(*events.lock().unwrap(), [Event::UpdateDenied]);

    // The expiry alone cannot be put.
    world.tap.script([denied()]);
    let error = store.touch(&one, now() + 2 * MINUTE).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::UpdateItem))
    );
    assert_eq!(events.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn who_may_write_nothing_at_all_has_not_been_told_to_put() {
    let world = World::new();
    let store = world.store().await;
    let mut loaded = record("a", json!({}), MINUTE);
    loaded.created = store.put(&loaded).await.unwrap().created;
    world.tap.calls();
    // Wrong credentials, say, which are renewed.
    world.tap.script([denied(), denied()]);
    let error = store.replace(&loaded).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::PutItem))
    );
    assert!(store.replace(&loaded).await.unwrap().is_written());
    assert_eq!(
        world.tap.operations(),
        ["UpdateItem", "PutItem", "UpdateItem"]
    );
}

#[tokio::test]
async fn fields_that_cannot_be_set_are_put_with_the_whole_session() {
    for session in [json!({ "S": "no map" }), json!({ "L": [] }), Value::Null] {
        let world = World::new();
        let store = world.store().await;
        let mut item = json!({ "created": { "N": "1800000000000" } });
        if !session.is_null() {
            item["session"] = session.clone();
        }
        world.put_item("a", item);
        let mut loaded = record("a", json!({ "n": 1, "m": 1 }), MINUTE);
        loaded.created = Some(now());
        let data = json!({ "n": 2, "m": 1 });
        let written = store
            .save(&loaded, &data, now() + 2 * MINUTE)
            .await
            .unwrap();
        assert_eq!(written, Write::Written(stamp(now(), 2 * MINUTE)));
        assert_eq!(world.tap.operations(), ["UpdateItem", "PutItem"]);
        assert_eq!(
            world.item("a").unwrap(),
            json!({
                "sessionId": { "S": "a" }, "session": { "M": { "n": { "N": "2" }, "m": { "N": "1" } } },
                "expires": { "N": secs(120) }, "created": { "N": "1800000000000" },
            })
        );
        // And if it is another session's, it stays as it is.
        loaded.created = Some(now() - MS);
        world.put_item("a", json!({ "created": { "N": "1800000000000" } }));
        assert_eq!(
            store
                .save(&loaded, &data, now() + 2 * MINUTE)
                .await
                .unwrap(),
            Write::Gone
        );
    }
}

#[tokio::test]
async fn the_error_shown_is_that_of_the_put() {
    let world = World::new();
    let store = world.store().await;
    let mut loaded = record("a", json!({}), MINUTE);
    loaded.created = Some(now());
    world.tap.script([
        refusal("ValidationException", "one or the other"),
        refusal(
            "ValidationException",
            "Item size has exceeded the maximum allowed size",
        ),
    ]);
    let error = store
        .save(&loaded, &json!({ "n": 1 }), now() + MINUTE)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::RecordTooLarge, Some(Operation::PutItem))
    );
    // Written whole, a session that is too large might fit, without what others have stored in it meanwhile.
    world.tap.calls();
    world.tap.script([refusal(
        "ValidationException",
        "Item size to update has exceeded the maximum allowed size",
    )]);
    let error = store
        .save(&loaded, &json!({ "n": 1 }), now() + MINUTE)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::RecordTooLarge, Some(Operation::UpdateItem))
    );
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    // Other failures of an update are its own.
    world
        .tap
        .script([refusal("ResourceNotFoundException", "no table")]);
    let error = store
        .save(&loaded, &json!({ "n": 1 }), now() + MINUTE)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::TableNotFound, Some(Operation::UpdateItem))
    );
}

#[tokio::test]
async fn overwriting_writes_the_whole_session_and_the_last_one_wins() {
    let world = World::new();
    let store = world
        .open(world.builder().conflict(Conflict::Overwrite))
        .await;
    let _ = store
        .put(&record("a", json!({ "n": 1, "m": 1 }), MINUTE))
        .await
        .unwrap();
    let one = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    let two = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    world.tap.calls();
    let written = store
        .save(&one, &json!({ "n": 2, "m": 1 }), now() + MINUTE)
        .await;
    assert!(written.unwrap().is_written());
    let written = store
        .save(&two, &json!({ "n": 1, "m": 2 }), now() + MINUTE)
        .await;
    assert!(written.unwrap().is_written());
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 2);
    for (operation, body) in &calls {
        assert_eq!(*operation, "UpdateItem");
        assert_eq!(
            Update::of(body).attributes(),
            ["created", "expires", "session"]
        );
    }
    assert_eq!(
        store.load::<Value>(&id("a")).await.unwrap().unwrap().data,
        json!({ "n": 1, "m": 2 })
    );
}

#[tokio::test]
async fn requests_that_know_of_no_session_put_and_are_counted() {
    let world = World::new();
    let store = world.store().await;
    for n in 1..=2 {
        let _ = store
            .put(&record("a", json!({ "n": n }), MINUTE))
            .await
            .unwrap();
    }
    let _ = store.create(&record("b", json!({}), MINUTE)).await.unwrap();
    assert_eq!(store.stats().unguarded_writes, 2);
}

#[tokio::test]
async fn every_guarded_write_asks_for_the_item_it_was_refused_for() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&record("a", json!({ "n": 1 }), MINUTE))
        .await
        .unwrap();
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    world.tap.calls();
    for verb in VERBS {
        let _ = write(&store, verb, &loaded).await;
    }
    let _ = store.create(&loaded).await.unwrap();
    let calls = world.tap.calls();
    assert_eq!(calls.len(), VERBS.len() + 1);
    for (operation, body) in calls {
        assert!(body["ConditionExpression"].is_string(), "{operation}");
        assert_eq!(
            body["ReturnValuesOnConditionCheckFailure"], "ALL_OLD",
            "{operation}"
        );
    }
}
