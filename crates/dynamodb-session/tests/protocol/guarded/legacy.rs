//! Items of the legacy package have no `created`: they are guarded by their presence until a save gives them one.

use super::*;

#[tokio::test]
async fn an_item_of_the_legacy_package_is_guarded_by_its_presence() {
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
        assert_eq!(written, SaveOutcome::Saved(stamp(now() + MS, MINUTE)));
    }
    let after = load(&store, "a").await;
    assert_eq!(after.data, json!({ "a": 2, "b": 2, "c": 2 }));
    assert_eq!(after.created, Some(now() + MS));
}

/// A session of the legacy package, loaded.
async fn loaded_legacy(world: &World, store: &SessionStore) -> Loaded<Value> {
    world.put_item("a", json!({ "session": { "M": { "n": { "N": "1" } } } }));
    let loaded = load(store, "a").await;
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
            let SaveOutcome::Saved(stamp) = write(&store, first, &loaded).await else {
                panic!("the session is there");
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
async fn nor_does_who_has_merged_onto_it() {
    let world = World::new();
    let store = world.store().await;
    let mut ours = loaded_legacy(&world, &store).await;
    world.clock.advance(MS);
    let written = save_absent(&store, &fresh(&ours), &FIELDS).await.unwrap();
    let SaveOutcome::Saved(stamp) = written else {
        panic!("the session is there");
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
    let next = new_session("a", json!({ "n": 3 }), MINUTE);
    let _ = store.create(&next).await.unwrap();
    let item = world.item("a");
    world.tap.calls();
    world.tap.script([updated("1800000000000")]);
    let written = store.save(&loaded, &wide(), &until(now() + MINUTE)).await;
    assert_eq!(written.unwrap(), SaveOutcome::Gone);
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
    let written = store.save(&loaded, &wide(), &until(now() + MINUTE)).await;
    assert_eq!(written.unwrap(), SaveOutcome::Saved(stamp(now(), MINUTE)));
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
        let SaveOutcome::Saved(stamp) = write(&store, Verb::Save, &loaded).await else {
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
        let slow = load(&store, "a").await;
        let quick = load(&store, "a").await;
        world.clock.advance(MS);
        assert_eq!(
            write(&store, Verb::Save, &quick).await,
            SaveOutcome::Saved(stamp(now() + MS, 2 * MINUTE))
        );
        let third = load(&store, "a").await;
        world.clock.advance(MS);
        world.tap.calls();
        if !shows_item {
            world.tap.script([Fate::NoItem]);
        }
        // Presence is all it knows, and the session is there.
        assert_eq!(
            write(&store, Verb::Save, &slow).await,
            SaveOutcome::Saved(stamp(now() + MS, 2 * MINUTE))
        );
        let expected: &[&str] = if shows_item {
            &["PutItem", "PutItem"]
        } else {
            &["PutItem", "GetItem", "PutItem"]
        };
        assert_eq!(world.tap.operations(), expected);
        // Who loaded it in between finds it.
        assert!(write(&store, Verb::Save, &third).await.is_saved());
        store.delete(&id("a")).await.unwrap();
        assert_eq!(write(&store, Verb::Save, &slow).await, SaveOutcome::Gone);
        assert_eq!(world.item("a"), None);
    }
}

#[tokio::test]
async fn an_instance_of_the_legacy_package_that_still_runs_does_not_lock_out_who_loaded_the_session()
 {
    let world = World::new();
    let store = world.store().await;
    let session = new_session("a", json!({ "n": 1 }), MINUTE);
    let created = store.put(&session).await.unwrap().created;
    let loaded = load(&store, "a").await;
    // Its PutItem erases `created`.
    world.put_item("a", json!({ "session": { "M": { "m": { "N": "1" } } } }));
    world.clock.advance(MS);
    assert_eq!(
        write(&store, Verb::Save, &loaded).await,
        SaveOutcome::Saved(stamp(created, 2 * MINUTE))
    );
    let after = load(&store, "a").await;
    assert_eq!(after.created, created);
    assert_eq!(after.data, json!({ "m": 1, "n": 2, "_expire": 7 }));
}
