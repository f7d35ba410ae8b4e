//! The store waits for a table that is being changed.

use std::time::Duration;

use dynamodb_session::clock::ManualClock;
use dynamodb_session::table::{TableDescription, TableSettings, TimeToLive};
use dynamodb_session::{Error, ErrorKind, NewSession, SessionStore};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{changes, units, units_of};
use crate::support::dynalite::Dynalite;
use crate::support::{Fate, MINUTE, Tap, World, id, now, refusal};

/// Advances the clock until the task has finished.
async fn in_time<T>(clock: &ManualClock, waiting: JoinHandle<T>) -> T {
    while !waiting.is_finished() {
        clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    waiting.await.unwrap()
}

#[tokio::test]
async fn a_table_that_never_becomes_active_is_a_timeout() {
    let creating = || {
        let table = json!({ "TableName": "sessions", "TableStatus": "CREATING" });
        Fate::Answer(200, json!({ "Table": table }))
    };
    let tap = Tap::default();
    tap.script((0..1000).map(|_| creating()));
    let clock = ManualClock::new(now());
    let builder = SessionStore::builder().transport(tap.clone());
    let store = builder.clock(clock.clone()).build().unwrap();
    let waiting = tokio::spawn(async move {
        let settings = TableSettings::default();
        store.table().create_if_missing(&settings).await
    });
    let error = in_time(&clock, waiting).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("120 s"), "{error}");
    // The pauses between the requests grow to two seconds.
    let looks = tap.calls().len();
    assert!((50..100).contains(&looks), "{looks}");
}

/// Sets the units to 7 when another process has set them to `theirs`, and the service answers the first request with
/// the error `code`. Returns the result and the changes.
async fn refused_at_first(
    code: &str,
    theirs: (u64, u64),
) -> (Result<TableDescription, Error>, Vec<&'static str>) {
    let world = World::new();
    let table = world.store().await.table();
    world.raw(
        "UpdateTable",
        &json!({
            "TableName": "sessions",
            "ProvisionedThroughput": { "ReadCapacityUnits": theirs.0, "WriteCapacityUnits": theirs.1 },
        }),
    );
    let before = json!({ "Table": {
        "TableName": "sessions", "TableStatus": "ACTIVE",
        "KeySchema": [{ "AttributeName": "sessionId", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "sessionId", "AttributeType": "S" }],
        "ProvisionedThroughput": { "ReadCapacityUnits": 5, "WriteCapacityUnits": 5 },
    } });
    world.tap.script([
        Fate::Answer(200, before),
        Fate::Pass,
        refusal(code, "not now"),
    ]);
    let asking = tokio::spawn(async move { table.create_if_missing(&units(7, 7)).await });
    let result = in_time(&world.clock, asking).await;
    (result, changes(&world))
}

#[tokio::test]
async fn units_are_set_again_when_the_table_is_active() {
    let (result, changes) = refused_at_first("ResourceInUseException", (6, 6)).await;
    assert_eq!(units_of(&result.unwrap()), (7, 7));
    assert_eq!(changes, ["UpdateTable", "UpdateTable"]);
}

#[tokio::test]
async fn the_same_units_by_another_process_are_a_success() {
    for code in ["ResourceInUseException", "ValidationException"] {
        let (result, changes) = refused_at_first(code, (7, 7)).await;
        assert_eq!(units_of(&result.unwrap()), (7, 7));
        assert_eq!(changes, ["UpdateTable"]);
    }
    // If the other process set different units, the refusal is the error.
    let (result, changes) = refused_at_first("ValidationException", (6, 6)).await;
    assert_eq!(result.unwrap_err().code(), Some("ValidationException"));
    assert_eq!(changes, ["UpdateTable"]);
}

fn on(engine: &Dynalite) -> SessionStore {
    SessionStore::builder()
        .region("local")
        .endpoint_url(engine.url())
        .build()
        .unwrap()
}

#[tokio::test]
async fn ten_parallel_creates_all_succeed() {
    let engine = Dynalite::with_creating(Duration::from_millis(500));
    let creators = (0..10).map(|n| {
        let store = on(&engine);
        tokio::spawn(async move {
            let description = store
                .table()
                .create_if_missing(&TableSettings::default())
                .await?;
            let session = NewSession::new(id(&format!("of {n}")), json!({ "n": n }))
                .expires_at(store.now() + MINUTE);
            let _ = store.put(&session).await?;
            Ok::<_, Error>((
                description,
                store
                    .load::<Value>(&session.id)
                    .await?
                    .map(|record| record.data),
            ))
        })
    });
    for (n, creator) in creators.collect::<Vec<_>>().into_iter().enumerate() {
        let (description, data) = creator.await.unwrap().unwrap();
        assert_eq!(description.status, "ACTIVE");
        assert_eq!(data, Some(json!({ "n": n })));
    }
    // This engine cannot turn TTL on, which is not an error.
    assert_eq!(
        on(&engine).table().time_to_live().await.unwrap(),
        TimeToLive::Disabled
    );
}

#[tokio::test]
async fn a_table_that_is_being_deleted_is_created_anew_afterwards() {
    let engine = Dynalite::start();
    let table = on(&engine).table();
    let _ = table
        .create_if_missing(&TableSettings::default())
        .await
        .unwrap();
    engine
        .connection()
        .ok("DeleteTable", &json!({ "TableName": "sessions" }));
    assert_eq!(table.describe().await.unwrap().unwrap().status, "DELETING");
    assert_eq!(
        table
            .create_if_missing(&TableSettings::default())
            .await
            .unwrap()
            .status,
        "ACTIVE"
    );

    assert!(table.delete().await.unwrap());
    assert_eq!(table.describe().await.unwrap(), None);
}
