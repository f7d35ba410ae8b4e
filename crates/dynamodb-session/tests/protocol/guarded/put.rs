//! Sessions that are written whole, because an update is not allowed or not possible.

use std::time::Duration;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn without_permission_for_updates_sessions_are_put_from_then_on() {
    let world = World::new();
    let events = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let events = Arc::clone(&events);
        Arc::new(move |event: &Event| events.lock().unwrap().push(event.clone()))
    };
    let store = world.open(world.builder().on_event(listener)).await;
    let one = stored(&store, "a", json!({ "n": 1, "m": 1 })).await;
    let two = load(&store, "a").await;
    world.tap.calls();
    world.tap.script([denied()]);
    let written = store
        .save(&one, &json!({ "n": 2, "m": 1 }), &until(now() + MINUTE))
        .await;
    assert_eq!(
        written.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE))
    );
    assert_eq!(world.tap.operations(), ["UpdateItem", "PutItem"]);
    // Fields are merged then too.
    let written = store
        .save(&two, &json!({ "n": 1, "m": 2 }), &until(now() + MINUTE))
        .await;
    assert_eq!(
        written.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE))
    );
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 2);
    for (operation, body) in calls {
        assert_eq!(operation, "PutItem");
        assert!(body["ConditionExpression"].is_string());
    }
    assert_eq!(load(&store, "a").await.data, json!({ "n": 2, "m": 2 }));
    assert_eq!(*events.lock().unwrap(), [Event::UpdateDenied]);

    // A touch that moves only the expiry cannot be sent as a PutItem.
    world.tap.script([denied()]);
    let error = store
        .touch(&one, &touch_until(now() + 2 * MINUTE))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::UpdateItem))
    );
    assert_eq!(events.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_put_of_the_whole_item_keeps_attributes_of_other_programs() {
    let world = World::new();
    let store = world.store().await;
    deny_updates(&world, &store).await;
    let _ = stored(&store, "a", json!({ "n": 1 })).await;
    let mut item = world.item("a").unwrap();
    item["user"] = json!({ "SS": ["ada", "b"] });
    world.put_item("a", item);
    for n in 2..4 {
        let loaded = load(&store, "a").await;
        world.tap.calls();
        let _ = saved(
            store
                .save(&loaded, &json!({ "n": n }), &until(now() + MINUTE))
                .await,
        );
        // They are read, because a load does not keep them.
        assert_eq!(world.tap.operations(), ["GetItem", "PutItem"]);
        let item = world.item("a").unwrap();
        assert_eq!(item["user"], json!({ "SS": ["ada", "b"] }));
        assert_eq!(item["session"]["M"]["n"], json!({ "N": n.to_string() }));
    }
}

#[tokio::test]
async fn after_a_refused_put_the_next_save_is_an_update_again() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({})).await;
    world.tap.calls();
    // As with wrong credentials, which are renewed later.
    world.tap.script([denied(), denied()]);
    let save = || async {
        let options = until(now() + MINUTE);
        store.save(&loaded, &json!({ "n": 1 }), &options).await
    };
    let error = save().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::PutItem))
    );
    assert!(save().await.unwrap().is_saved());
    assert_eq!(
        world.tap.operations(),
        ["UpdateItem", "PutItem", "UpdateItem"]
    );
}

#[tokio::test]
async fn an_item_without_a_session_is_saved_to_by_no_request_and_put_over() {
    for session in [json!({ "S": "no map" }), json!({ "L": [] }), Value::Null] {
        let world = World::new();
        let store = world.store().await;
        let loaded = stored(&store, "a", json!({ "n": 1, "m": 1 })).await;
        let mut item = json!({ "created": { "N": "1800000000000" } });
        if !session.is_null() {
            item["session"] = session.clone();
        }
        world.put_item("a", item);
        let item = world.item("a");
        world.tap.calls();
        // An update of another program after a sign-out leaves such an item. Only a save without a loaded session, which
        // needs no more than an item, is written to it.
        for verb in VERBS.into_iter().filter(|verb| *verb != Verb::Replace) {
            assert_eq!(
                write(&store, verb, &loaded).await,
                SaveOutcome::Gone,
                "{verb:?} {session}"
            );
            // A touch with a new field is a save of a part of the data, which reads first.
            let expected = match verb {
                Verb::TouchWith => "GetItem",
                _ => "UpdateItem",
            };
            assert_eq!(world.tap.operations(), [expected]);
            assert_eq!(world.item("a"), item);
        }
        let put = new_session("a", json!({ "n": 2 }), 2 * MINUTE);
        let _ = store.put(&put).await.unwrap();
        assert_eq!(load(&store, "a").await.data, json!({ "n": 2 }));
    }
}

#[tokio::test]
async fn the_error_is_that_of_the_last_write() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({})).await;
    let save = || async {
        let options = until(now() + MINUTE);
        let written = store.save(&loaded, &json!({ "n": 1 }), &options).await;
        let error = written.unwrap_err();
        (error.kind(), error.operation())
    };
    world.tap.calls();
    world.tap.script([
        denied(),
        refusal(
            "ValidationException",
            "Item size has exceeded the maximum allowed size",
        ),
    ]);
    assert_eq!(
        save().await,
        (ErrorKind::ItemTooLarge, Some(Operation::PutItem))
    );
    assert_eq!(world.tap.operations(), ["UpdateItem", "PutItem"]);
    // If an update makes the item too large, a PutItem would too.
    world.tap.script([refusal(
        "ValidationException",
        "Item size to update has exceeded the maximum allowed size",
    )]);
    assert_eq!(
        save().await,
        (ErrorKind::ItemTooLarge, Some(Operation::UpdateItem))
    );
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    // Other failures of an update are returned unchanged.
    world
        .tap
        .script([refusal("ResourceNotFoundException", "no table")]);
    assert_eq!(
        save().await,
        (ErrorKind::TableNotFound, Some(Operation::UpdateItem))
    );
}

#[tokio::test]
async fn overwriting_writes_the_whole_session_and_the_last_one_wins() {
    let world = World::new();
    let store = world
        .open(world.builder().parallel_changes(ParallelChanges::Overwrite))
        .await;
    let one = stored(&store, "a", json!({ "n": 1, "m": 1 })).await;
    let two = load(&store, "a").await;
    world.tap.calls();
    let written = store
        .save(&one, &json!({ "n": 2, "m": 1 }), &until(now() + MINUTE))
        .await;
    assert!(written.unwrap().is_saved());
    let written = store
        .save(&two, &json!({ "n": 1, "m": 2 }), &until(now() + MINUTE))
        .await;
    assert!(written.unwrap().is_saved());
    let calls = world.tap.calls();
    // The second save meets the state that the first one made.
    assert_eq!(calls.len(), 3);
    for (operation, body) in &calls {
        assert_eq!(*operation, "UpdateItem");
        assert_eq!(
            Update::of(body).attributes(),
            ["created", "expires", "rev", "session"]
        );
    }
    assert_eq!(load(&store, "a").await.data, json!({ "n": 1, "m": 2 }));
}

#[tokio::test]
async fn requests_without_a_loaded_session_put_and_are_counted() {
    let world = World::new();
    let store = world.store().await;
    for n in 1..=2 {
        let _ = store
            .put(&new_session("a", json!({ "n": n }), MINUTE))
            .await
            .unwrap();
    }
    let _ = store
        .create(&new_session("b", json!({}), MINUTE))
        .await
        .unwrap();
    assert_eq!(store.stats().unguarded_writes, 2);
}

#[tokio::test]
async fn a_refused_update_is_tried_again_after_a_minute() {
    let world = World::new();
    let events = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let events = Arc::clone(&events);
        Arc::new(move |event: &Event| events.lock().unwrap().push(event.clone()))
    };
    let store = world.open(world.builder().on_event(listener)).await;
    let _ = stored(&store, "a", json!({ "n": 0 })).await;
    let mut n = 0;
    let mut save = async || {
        let loaded = load(&store, "a").await;
        n += 1;
        let options = until(store.now() + 10 * MINUTE);
        let _ = saved(store.save(&loaded, &json!({ "n": n }), &options).await);
        let operations = world.tap.operations();
        operations
            .into_iter()
            .filter(|name| *name != "GetItem")
            .collect::<Vec<_>>()
    };
    let touch = async || {
        let loaded = load(&store, "a").await;
        let options = touch_until(store.now() + 11 * MINUTE).framework(&FIELDS, &loaded.data);
        let _ = saved(store.touch(&loaded, &options).await);
        let operations = world.tap.operations();
        operations
            .into_iter()
            .filter(|name| *name != "GetItem")
            .collect::<Vec<_>>()
    };
    // While a policy spreads, and a minute later in a part of the service that it has not reached yet.
    for _ in 0..2 {
        world.tap.calls();
        world.tap.script([Fate::Pass, denied()]);
        assert_eq!(save().await, ["UpdateItem", "PutItem"]);
        world.clock.advance(59 * SECOND);
        assert_eq!(save().await, ["PutItem"]);
        assert_eq!(touch().await, ["PutItem"]);
        world.clock.advance(SECOND);
    }
    assert_eq!(save().await, ["UpdateItem"]);
    assert_eq!(touch().await, ["UpdateItem"]);
    assert_eq!(save().await, ["UpdateItem"]);
    assert_eq!(*events.lock().unwrap(), [Event::UpdateDenied]);
}

#[tokio::test]
async fn attempts_without_an_answer_count_also_if_the_update_is_refused_in_the_end() {
    for writes_between in [0, 3, 4] {
        let world = World::new();
        let store = world.store().await;
        let other = world.other_process().build().unwrap();
        let loaded = stored(&store, "a", json!({ "n": 1 })).await;
        // It is executed. The answer is lost, and the policy has changed by the second attempt.
        world.tap.script([Fate::Held, denied()]);
        let saving = tokio::spawn({
            let store = store.clone();
            async move {
                let options = until(now() + MINUTE);
                store.save(&loaded, &json!({ "n": 2 }), &options).await
            }
        });
        world.tap.held().await;
        for n in 0..writes_between {
            let loaded = load(&other, "a").await;
            assert_eq!(loaded.data, json!({ "n": 2 + n }));
            let options = until(now() + MINUTE);
            let _ = saved(other.save(&loaded, &json!({ "n": 3 + n }), &options).await);
        }
        world.tap.release();
        let written = saving.await.unwrap();
        if writes_between < 4 {
            let _ = saved(written);
        } else {
            // The item does not show the write any more: a repetition could undo what the others have written.
            let error = written.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        }
        assert_eq!(
            load(&store, "a").await.data,
            json!({ "n": 2 + writes_between })
        );
    }
}
