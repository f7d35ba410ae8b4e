//! Sessions that are written whole, because an update is not allowed or not possible.

use super::*;

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
    assert_eq!(written.unwrap(), SaveOutcome::Saved(stamp(now(), MINUTE)));
    assert_eq!(world.tap.operations(), ["UpdateItem", "PutItem"]);
    // Fields are not merged then: the last save wins.
    let written = store
        .save(&two, &json!({ "n": 1, "m": 2 }), &until(now() + MINUTE))
        .await;
    assert_eq!(written.unwrap(), SaveOutcome::Saved(stamp(now(), MINUTE)));
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].0, "PutItem");
    assert!(calls[0].1["ConditionExpression"].is_string());
    assert_eq!(load(&store, "a").await.data, json!({ "n": 1, "m": 2 }));
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
async fn after_a_refused_put_the_next_save_is_an_update_again() {
    let world = World::new();
    let store = world.store().await;
    let mut loaded = loaded_as("a", json!({}), MINUTE);
    loaded.created = store.put(&fresh(&loaded)).await.unwrap().created;
    world.tap.calls();
    // As with wrong credentials, which are renewed later.
    world.tap.script([denied(), denied()]);
    let error = save_unknown(&store, &loaded).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::PutItem))
    );
    assert!(save_unknown(&store, &loaded).await.unwrap().is_saved());
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
        let mut loaded = loaded_as("a", json!({ "n": 1, "m": 1 }), MINUTE);
        loaded.created = Some(now());
        let data = json!({ "n": 2, "m": 1 });
        let written = store
            .save(&loaded, &data, &until(now() + 2 * MINUTE))
            .await
            .unwrap();
        assert_eq!(written, SaveOutcome::Saved(stamp(now(), 2 * MINUTE)));
        assert_eq!(world.tap.operations(), ["UpdateItem", "PutItem"]);
        assert_eq!(
            world.item("a").unwrap(),
            json!({
                "sessionId": { "S": "a" }, "session": { "M": { "n": { "N": "2" }, "m": { "N": "1" } } },
                "expires": { "N": secs(120) }, "created": { "N": "1800000000000" },
            })
        );
        // An item of another session stays unchanged.
        loaded.created = Some(now() - MS);
        world.put_item("a", json!({ "created": { "N": "1800000000000" } }));
        assert_eq!(
            store
                .save(&loaded, &data, &until(now() + 2 * MINUTE))
                .await
                .unwrap(),
            SaveOutcome::Gone
        );
    }
}

#[tokio::test]
async fn the_error_is_that_of_the_put() {
    let world = World::new();
    let store = world.store().await;
    let mut loaded = loaded_as("a", json!({}), MINUTE);
    loaded.created = Some(now());
    world.tap.script([
        refusal("ValidationException", "one or the other"),
        refusal(
            "ValidationException",
            "Item size has exceeded the maximum allowed size",
        ),
    ]);
    let error = store
        .save(&loaded, &json!({ "n": 1 }), &until(now() + MINUTE))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::ItemTooLarge, Some(Operation::PutItem))
    );
    // If an update makes the item too large, a PutItem might fit, but it would drop the fields of parallel requests.
    // So it is not tried.
    world.tap.calls();
    world.tap.script([refusal(
        "ValidationException",
        "Item size to update has exceeded the maximum allowed size",
    )]);
    let error = store
        .save(&loaded, &json!({ "n": 1 }), &until(now() + MINUTE))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::ItemTooLarge, Some(Operation::UpdateItem))
    );
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    // Other failures of an update are returned unchanged.
    world
        .tap
        .script([refusal("ResourceNotFoundException", "no table")]);
    let error = store
        .save(&loaded, &json!({ "n": 1 }), &until(now() + MINUTE))
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
    assert_eq!(calls.len(), 2);
    for (operation, body) in &calls {
        assert_eq!(*operation, "UpdateItem");
        assert_eq!(
            Update::of(body).attributes(),
            ["created", "expires", "session"]
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
