//! A table that exists and whose TTL is off.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use dynamodb_session::observe::Event;
use dynamodb_session::table::{TableSettings, TimeToLive};
use dynamodb_session::{Builder, SessionStore};
use serde_json::json;

use crate::support::{Fate, MINUTE, World, now};

/// A table that is made by somebody else. Its TTL is off, and it is older than the time of the test.
fn world() -> World {
    let world = World::new();
    world.raw(
        "CreateTable",
        &json!({
            "TableName": "sessions", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "sessionId", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "sessionId", "AttributeType": "S" }],
        }),
    );
    world
}

type Events = Arc<Mutex<Vec<Event>>>;

fn listened(builder: Builder, events: &Events) -> SessionStore {
    let events = Arc::clone(events);
    let listener = move |event: &Event| events.lock().unwrap().push(event.clone());
    builder.on_event(Arc::new(listener)).build().unwrap()
}

async fn settle(store: &SessionStore, settings: &TableSettings) {
    store.table().create_if_missing(settings).await.unwrap();
}

#[tokio::test]
async fn it_is_reported_once_for_all_stores_of_the_table() {
    let world = world();
    let events = Events::default();
    let (one, other) = (
        listened(world.builder(), &events),
        listened(world.builder(), &events),
    );
    let settings = TableSettings::default();
    for store in [&one, &other, &one] {
        settle(store, &settings).await;
    }
    other.table().update(&settings).await.unwrap();
    let table = "sessions".to_owned();
    assert_eq!(*events.lock().unwrap(), [Event::TtlOff { table }]);
    assert_eq!(
        one.table().time_to_live().await.unwrap(),
        TimeToLive::Disabled
    );
}

#[tokio::test]
async fn it_is_not_reported_if_it_was_asked_for_or_ends() {
    for use_ttl in [false, true] {
        let world = world();
        let events = Events::default();
        let store = listened(world.builder(), &events);
        settle(&store, &TableSettings::default().use_ttl(use_ttl)).await;
        assert_eq!(*events.lock().unwrap(), [], "{use_ttl}");
    }
}

#[tokio::test]
async fn it_is_not_reported_of_a_table_that_another_process_may_have_just_created() {
    for (age, is_reported) in [
        (Duration::ZERO, false),
        (4 * MINUTE, false),
        (5 * MINUTE, true),
    ] {
        let world = world();
        let events = Events::default();
        let store = listened(world.builder(), &events);
        let created = (now() - age).duration_since(UNIX_EPOCH).unwrap();
        let table = json!({
            "TableName": "sessions", "TableStatus": "ACTIVE", "CreationDateTime": created.as_secs_f64(),
            "KeySchema": [{ "AttributeName": "sessionId", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "sessionId", "AttributeType": "S" }],
        });
        world
            .tap
            .script([Fate::Answer(200, json!({ "Table": table }))]);
        settle(&store, &TableSettings::default()).await;
        assert_eq!(!events.lock().unwrap().is_empty(), is_reported, "{age:?}");
    }
}
