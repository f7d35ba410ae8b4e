//! Items of the legacy package have neither `created` nor `rev`. The condition of a write is then what was loaded, until
//! a save adds both.

use super::*;

#[tokio::test]
async fn an_item_of_the_legacy_package_only_has_to_exist() {
    let world = World::new();
    let store = world.store().await;
    let item = json!({ "session": { "M": { "n": { "N": "1" }, "m": { "N": "1" } } } });
    for verb in VERBS {
        world.put_item("a", item.clone());
        let loaded = load(&store, "a").await;
        assert_eq!(loaded.created, None);
        assert!(write(&store, verb, &loaded).await.is_saved(), "{verb:?}");
        store.delete(&id("a")).await.unwrap();
        assert_eq!(
            write(&store, verb, &loaded).await,
            SaveOutcome::Gone,
            "{verb:?}"
        );
        assert_eq!(world.session("a"), None, "{verb:?}");
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
        loaded.push(load(&store, "a").await);
    }
    for (loaded, field) in loaded.iter().zip(["a", "b", "c"]) {
        world.clock.advance(MS);
        let mut data = loaded.data.clone();
        data[field] = json!(2);
        let written = store
            .save(loaded, &data, &until(now() + MINUTE))
            .await
            .unwrap();
        assert_eq!(
            written.without_version(),
            SaveOutcome::Saved(stamp(now() + MS, MINUTE))
        );
    }
    let after = load(&store, "a").await;
    assert_eq!(after.data, json!({ "a": 2, "b": 2, "c": 2 }));
    assert_eq!(after.created, Some(now() + MS));
}

/// A loaded session of the legacy package.
async fn loaded_legacy(world: &World, store: &SessionStore) -> Loaded<Value> {
    world.put_item("a", json!({ "session": { "M": { "n": { "N": "1" } } } }));
    let loaded = load(store, "a").await;
    assert_eq!(loaded.created, None);
    world.tap.calls();
    loaded
}

#[tokio::test]
async fn a_request_that_saved_such_an_item_does_not_write_to_the_next_session_of_its_id() {
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
            let SaveOutcome::Saved(stamp) = write(&store, first, &loaded).await else {
                panic!("the session exists");
            };
            assert_eq!(stamp.created, Some(now()));
            loaded.created = stamp.created;
            store.delete(&id("a")).await.unwrap();
            world.clock.advance(MS);
            let next = new_session("a", json!({ "n": 3 }), MINUTE);
            let _ = store.create(&next).await.unwrap();
            let item = world.item("a");
            assert_eq!(
                write(&store, verb, &loaded).await,
                SaveOutcome::Gone,
                "{verb:?}"
            );
            assert_eq!(world.item("a"), item, "{verb:?}");
        }
    }
}

#[tokio::test]
async fn a_request_that_merged_with_such_an_item_does_not_write_to_the_next_session_of_its_id() {
    let world = World::new();
    let store = world.store().await;
    let mut ours = loaded_legacy(&world, &store).await;
    world.clock.advance(MS);
    let written = save_absent(&store, &fresh(&ours), &FIELDS).await.unwrap();
    let SaveOutcome::Saved(stamp) = written else {
        panic!("the session exists");
    };
    assert_eq!(stamp.created, Some(now() + MS));
    ours.created = stamp.created;
    store.delete(&id("a")).await.unwrap();
    world.clock.advance(MS);
    let _ = store
        .create(&new_session("a", json!({ "n": 3 }), MINUTE))
        .await
        .unwrap();
    let item = world.item("a");
    assert_eq!(write(&store, Verb::Save, &ours).await, SaveOutcome::Gone);
    assert_eq!(world.item("a"), item);
}

#[tokio::test]
async fn all_requests_of_a_save_write_to_the_session_that_the_first_one_found() {
    for verb in [Verb::Save, Verb::Touch] {
        let world = World::new();
        let store = world.store().await;
        let loaded = loaded_legacy(&world, &store).await;
        // After the first request, which another save refuses, the session is deleted, and another one has its id.
        let mut shown = json!({
            "sessionId": { "S": "a" }, "created": { "N": "1800000000000" }, "expires": { "N": secs(60) },
            "session": { "M": { "n": { "N": "9" } } },
        });
        let failed = json!({ "__type": "x#ConditionalCheckFailedException", "Item": shown.take() });
        store.delete(&id("a")).await.unwrap();
        world.clock.advance(MS);
        let next = new_session("a", json!({ "n": 3 }), MINUTE);
        let _ = store.create(&next).await.unwrap();
        let item = world.item("a");
        world.tap.calls();
        world.tap.script([Fate::Answer(400, failed)]);
        assert_eq!(
            write(&store, verb, &loaded).await,
            SaveOutcome::Gone,
            "{verb:?}"
        );
        assert_eq!(world.tap.operations(), ["UpdateItem", "UpdateItem"]);
        assert_eq!(world.item("a"), item);
    }
}

#[tokio::test]
async fn a_put_instead_of_the_second_update_keeps_the_created_that_the_first_one_found() {
    let world = World::new();
    let store = world.store().await;
    let loaded = loaded_legacy(&world, &store).await;
    let given = json!({ "session": { "M": {} }, "created": { "N": "1800000000000" } });
    world.put_item("a", given.clone());
    world.clock.advance(MS);
    world.tap.script([Fate::Pass, denied()]);
    let written = store
        .save(&loaded, &json!({ "n": 2 }), &until(now() + MINUTE))
        .await;
    assert_eq!(
        written.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE))
    );
    assert_eq!(
        world.tap.operations(),
        ["UpdateItem", "UpdateItem", "PutItem"]
    );
    assert_eq!(world.item("a").unwrap()["created"], given["created"]);
}

#[tokio::test]
async fn no_save_asks_for_the_created_that_it_returns() {
    let world = World::new();
    let store = world.store().await;
    let mut loaded = loaded_legacy(&world, &store).await;
    for _ in 0..2 {
        let SaveOutcome::Saved(stamp) = write(&store, Verb::Save, &loaded).await else {
            panic!("the session exists");
        };
        let calls = world.tap.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].1["ReturnValues"], Value::Null);
        assert_eq!(stamp.created, Some(now()));
        loaded = loaded.with_stamp(stamp);
    }
}

#[tokio::test]
async fn a_write_of_a_legacy_program_in_the_same_second_is_merged_with() {
    let world = World::new();
    let store = world.store().await;
    let item =
        |n: &str| json!({ "session": { "M": { "n": { "N": n } } }, "expires": { "N": secs(60) } });
    world.put_item("a", item("1"));
    let loaded = load(&store, "a").await;
    // Neither a `created` nor the expiry distinguishes the two states.
    world.put_item("a", item("7"));
    let mut data = loaded.data.clone();
    data["m"] = json!(2);
    let _ = saved(store.save(&loaded, &data, &until(now() + MINUTE)).await);
    assert_eq!(load(&store, "a").await.data, json!({ "n": 7, "m": 2 }));
}

#[tokio::test]
async fn a_new_created_stays_without_permission_for_updates() {
    for shows_item in [true, false] {
        let world = World::new();
        let store = world.store().await;
        deny_updates(&world, &store).await;
        world.put_item("a", json!({ "session": { "M": { "n": { "N": "1" } } } }));
        let slow = load(&store, "a").await;
        let quick = load(&store, "a").await;
        world.clock.advance(MS);
        assert_eq!(
            write(&store, Verb::Save, &quick).await.without_version(),
            SaveOutcome::Saved(stamp(now() + MS, 2 * MINUTE))
        );
        let third = load(&store, "a").await;
        world.clock.advance(MS);
        world.tap.calls();
        if !shows_item {
            world.tap.script([Fate::NoItem]);
        }
        // It merges with what the quick one has written.
        assert_eq!(
            write(&store, Verb::Save, &slow).await.without_version(),
            SaveOutcome::Saved(stamp(now() + MS, 2 * MINUTE))
        );
        let expected: &[&str] = if shows_item {
            &["PutItem", "PutItem"]
        } else {
            &["PutItem", "GetItem", "PutItem"]
        };
        assert_eq!(world.tap.operations(), expected);
        // A request that loaded the session in between can write to it.
        assert!(write(&store, Verb::Save, &third).await.is_saved());
        store.delete(&id("a")).await.unwrap();
        assert_eq!(write(&store, Verb::Save, &slow).await, SaveOutcome::Gone);
        assert_eq!(world.session("a"), None);
    }
}

#[tokio::test]
async fn a_running_instance_of_the_legacy_package_does_not_block_later_saves() {
    let world = World::new();
    let store = world.store().await;
    let session = new_session("a", json!({ "n": 1 }), MINUTE);
    let created = store.put(&session).await.unwrap().created;
    let loaded = load(&store, "a").await;
    // The PutItem of the legacy package erases `created`.
    world.put_item("a", json!({ "session": { "M": { "m": { "N": "1" } } } }));
    world.clock.advance(MS);
    assert_eq!(
        write(&store, Verb::Save, &loaded).await.without_version(),
        SaveOutcome::Saved(stamp(created, 2 * MINUTE))
    );
    let after = load(&store, "a").await;
    assert_eq!(after.created, created);
    assert_eq!(after.data, json!({ "m": 1, "n": 2, "_expire": 7 }));
}
