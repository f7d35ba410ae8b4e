//! An engine that refuses to return the item of a failed condition, because it does not know the member that asks for it.

use dynamodb_session::{CreateOutcome, SaveOutcome};
use serde_json::{Value, json};

use crate::support::{MINUTE, World, id, load, new_session, now, saved, stored, until};

const MEMBER: &str = "ReturnValuesOnConditionCheckFailure";

#[tokio::test]
async fn every_guarded_write_works_without_it_and_only_the_first_request_is_refused() {
    let world = World::new();
    let store = world.store().await;
    world.tap.refuse_member(MEMBER);
    // Text of a session that looks like the member stays.
    let text = format!("x\",\"{MEMBER}\":\"ALL_OLD\"");
    let data = json!({ "n": 1, "m": 1, MEMBER: "ALL_OLD", "text": text });
    let one = stored(&store, "a", data.clone()).await;
    let mut calls = world.tap.calls();
    assert_eq!(
        calls.len(),
        3,
        "refused, done, and the load of the test: {calls:?}"
    );
    assert!(calls.remove(0).1.get(MEMBER).is_some());
    assert_eq!(load(&store, "a").await.data, data);

    let two = load(&store, "a").await;
    let with = |field: &str, value: i64| {
        let mut data = data.clone();
        data[field] = json!(value);
        data
    };
    let options = until(now() + MINUTE);
    let _ = saved(store.save(&one, &with("n", 2), &options).await);
    world.tap.calls();
    // The condition fails, and the item comes by a read.
    let _ = saved(store.save(&two, &with("m", 2), &options).await);
    assert_eq!(
        world.tap.operations(),
        ["UpdateItem", "GetItem", "UpdateItem"]
    );
    let mut merged = with("n", 2);
    merged["m"] = json!(2);
    assert_eq!(load(&store, "a").await.data, merged);
    let taken = store.create(&new_session("a", json!({}), MINUTE)).await;
    assert_eq!(taken.unwrap(), CreateOutcome::Taken);

    let late = load(&store, "a").await;
    store.delete(&id("a")).await.unwrap();
    assert_eq!(world.session("a"), None);
    let written = store.save(&late, &json!({ "n": 9 }), &options).await;
    assert_eq!(written.unwrap(), SaveOutcome::Gone);
    let calls = world.tap.calls();
    assert!(
        calls.iter().all(|(_, body)| body.get(MEMBER).is_none()),
        "{calls:?}"
    );
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    assert_eq!(store.stats().retries, 1);
}
