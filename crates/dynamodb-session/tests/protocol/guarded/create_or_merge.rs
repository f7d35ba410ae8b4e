//! A create whose id belongs to another session.

use super::*;

#[tokio::test]
async fn a_create_merges_with_a_live_session_of_its_id() {
    for shows_item in [true, false] {
        let world = World::new();
        let store = world.store().await;
        let theirs = new_session("a", json!({ "n": 1, "theirs": 1 }), MINUTE);
        let _ = store.put(&theirs).await.unwrap();
        world.clock.advance(MS);
        world.tap.calls();
        if !shows_item {
            world.tap.script([Fate::NoItem]);
        }
        let ours = new_session("a", json!({ "n": 2, "ours": 2 }), 2 * MINUTE);
        let written = save_absent(&store, &ours, &Framework::new()).await.unwrap();
        // The merged session keeps the `created` of the existing one, and later writes have it as their condition.
        assert_eq!(
            written.without_version(),
            SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
        );
        let expected: &[&str] = if shows_item {
            &["PutItem", "UpdateItem"]
        } else {
            &["PutItem", "GetItem", "UpdateItem"]
        };
        assert_eq!(world.tap.operations(), expected);
        let after = load(&store, "a").await;
        assert_eq!(after.data, json!({ "n": 2, "ours": 2, "theirs": 1 }));
        assert_eq!(
            (after.created, after.expires_at),
            (Some(now()), Some(now() + 2 * MINUTE))
        );
    }
}

#[tokio::test]
async fn a_create_replaces_an_expired_session_of_its_id() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&new_session("a", json!({ "theirs": 1 }), MINUTE))
        .await
        .unwrap();
    world.clock.advance(MINUTE);
    let ours = new_session("a", json!({ "ours": 1 }), 2 * MINUTE);
    let written = save_absent(&store, &ours, &Framework::new()).await.unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now() + MINUTE, 2 * MINUTE))
    );
    let after = load(&store, "a").await;
    assert_eq!(after.data, json!({ "ours": 1 }));
}

#[tokio::test]
async fn a_create_makes_a_new_session_when_the_existing_one_is_deleted() {
    let world = World::new();
    let store = world.store().await;
    let theirs = stored(&store, "a", json!({ "theirs": 1 })).await;
    world.clock.advance(MS);
    let ours = new_session("a", json!({ "ours": 1 }), MINUTE);
    // The session is deleted between the create and the merge.
    let shown = json!({
        "__type": "x#ConditionalCheckFailedException", "Item": world.item("a").unwrap(),
    });
    store.delete(&id("a")).await.unwrap();
    world.tap.calls();
    world.tap.script([Fate::Answer(400, shown)]);
    let written = save_absent(&store, &ours, &Framework::new()).await.unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now() + MS, MINUTE))
    );
    assert_eq!(
        world.tap.operations(),
        ["PutItem", "UpdateItem", "PutItem", "PutItem"]
    );
    assert_eq!(store.stats().conflicts, 0);
    // The new session does not have the `created` of the deleted one, so requests that loaded that one are refused.
    assert_eq!(write(&store, Verb::Save, &theirs).await, SaveOutcome::Gone);
    let after = load(&store, "a").await;
    assert_eq!(after.data, json!({ "ours": 1 }));
}

#[tokio::test]
async fn a_create_gives_up_on_an_id_whose_sessions_come_and_go() {
    let world = World::new();
    let store = world.store().await;
    let item = json!({ "sessionId": { "S": "a" }, "session": { "M": {} } });
    let shown = json!({ "__type": "x#ConditionalCheckFailedException", "Item": item });
    for _ in 0..3 {
        let gone = refusal(
            "ConditionalCheckFailedException",
            "The conditional request failed",
        );
        // Without an item in the answer, the store looks for it.
        let nothing = Fate::Answer(200, json!({}));
        let shown = Fate::Answer(400, shown.clone());
        world.tap.script([shown, gone, nothing]);
    }
    let written = save_absent(
        &store,
        &new_session("a", json!({}), MINUTE),
        &Framework::new(),
    )
    .await;
    assert_eq!(written.unwrap(), SaveOutcome::Gone);
    assert_eq!(store.stats().conflicts, 1);
}
