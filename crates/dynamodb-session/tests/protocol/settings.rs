//! The effects of the store's settings on requests and items.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynamodb_session::framework::Framework;
use dynamodb_session::options::TableOptions;
use dynamodb_session::table::{TableSettings, TimeToLive};
use dynamodb_session::{CreateOutcome, NewSession, SaveOutcome, SessionStore};
use dynamodb_session_local::LocalEngine;
use serde_json::{Value, json};

use crate::support::{
    Fate, MINUTE, WithoutVersion, World, id, new_session, now, save_absent, save_unknown, secs,
    stamp, touch_until, until, without_rev,
};

#[tokio::test]
async fn reads_are_consistent_by_default() {
    let world = World::new();
    let store = world.store().await;
    let eventual = world
        .builder()
        .table_options(TableOptions::default().consistent_read(false))
        .build()
        .unwrap();
    let _ = store.load::<Value>(&id("a")).await.unwrap();
    let _ = eventual.load::<Value>(&id("a")).await.unwrap();
    let asked: Vec<_> = world
        .tap
        .calls()
        .into_iter()
        .map(|(_, body)| body["ConsistentRead"] == true)
        .collect();
    assert_eq!(asked, [true, false]);
}

/// All verbs of a store, with these names for the table's attributes.
async fn all_verbs(partition_key: &str, ttl_attribute: &str) {
    let world = World::new();
    let names = world.builder().table_options(
        TableOptions::default()
            .partition_key(partition_key)
            .ttl_attribute(ttl_attribute),
    );
    let store = world.open(names).await;
    assert_eq!(
        store.table().time_to_live().await.unwrap(),
        TimeToLive::Enabled(ttl_attribute.to_owned())
    );
    let session = new_session("a", json!({ "n": 1 }), MINUTE);
    assert_eq!(
        store.create(&session).await.unwrap().without_version(),
        CreateOutcome::Created(stamp(now(), MINUTE))
    );
    assert_eq!(store.create(&session).await.unwrap(), CreateOutcome::Taken);
    let loaded = store.load::<Value>(&session.id).await.unwrap().unwrap();
    assert_eq!(
        save_unknown(&store, &loaded.with_data(json!({ "n": 2 })))
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE))
    );
    assert_eq!(
        store
            .save(&loaded, &json!({ "n": 3 }), &until(now() + MINUTE))
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE))
    );
    assert_eq!(
        store
            .touch(&loaded, &touch_until(now() + 2 * MINUTE))
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    let key = json!({ "TableName": "sessions", "Key": { partition_key: { "S": "a" } } });
    assert_eq!(
        without_rev(world.raw("GetItem", &key)["Item"].clone()),
        json!({
            partition_key: { "S": "a" }, ttl_attribute: { "N": secs(120) },
            "created": { "N": "1800000000000" }, "session": { "M": { "n": { "N": "3" } } },
        })
    );
    world.clock.advance(2 * MINUTE);
    assert!(store.load::<Value>(&session.id).await.unwrap().is_none());
    let _ = store.put(&session).await.unwrap();
    store.delete(&session.id).await.unwrap();
    let tombstone = &world.raw("GetItem", &key)["Item"];
    assert!(tombstone["gone"]["B"].is_string(), "{tombstone}");
    assert!(store.load::<Value>(&session.id).await.unwrap().is_none());
    let expires = 2 * 60 + 25 * 60;
    assert_eq!(tombstone[ttl_attribute], json!({ "N": secs(expires) }));
}

#[tokio::test]
async fn attributes_may_have_any_name() {
    all_verbs("id", "expiresAt").await;
    // Reserved words of DynamoDB.
    all_verbs("key", "ttl").await;
    all_verbs("name", "timestamp").await;
    // Characters that would end a name in an expression, or in JSON.
    all_verbs("session.id", "expires at").await;
    all_verbs("\"#k\"", ":now").await;
    all_verbs("schlüssel", "過期").await;
}

#[tokio::test]
async fn the_store_uses_the_ttl_attribute_of_the_table() {
    let world = World::new();
    let theirs = world
        .open(
            world
                .other_process()
                .table_options(TableOptions::default().ttl_attribute("ttl")),
        )
        .await;
    let store = world.builder().build().unwrap();
    let clone = store.clone();
    assert_eq!(&*store.ttl_attribute(), "expires");
    let _ = store
        .table()
        .create_if_missing(&TableSettings::default())
        .await
        .unwrap();
    assert_eq!(
        (&*store.ttl_attribute(), &*clone.ttl_attribute()),
        ("ttl", "ttl")
    );
    let _ = clone
        .put(&new_session("a", json!({}), MINUTE))
        .await
        .unwrap();
    for attribute in ["ttl", "expires"] {
        assert_eq!(
            world.item("a").unwrap()[attribute],
            json!({ "N": secs(60) })
        );
    }
    let loaded = theirs.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(loaded.expires_at, Some(now() + MINUTE));
}

#[tokio::test]
async fn a_create_that_merges_is_written_however_little_it_moves_the_expiry() {
    let world = World::new();
    let store = world.open(world.builder().touch_after(MINUTE)).await;
    for stored in [29, 31] {
        world.put_item(
            "a",
            json!({ "session": { "M": {} }, "expires": { "N": secs(stored) } }),
        );
        let written = save_absent(
            &store,
            &new_session("a", json!({}), MINUTE),
            &Framework::new(),
        )
        .await;
        assert_eq!(
            written.unwrap().without_version(),
            SaveOutcome::Saved(stamp(now(), MINUTE))
        );
        assert_eq!(
            world.item("a").unwrap()["expires"],
            json!({ "N": secs(60) })
        );
    }
}

#[tokio::test]
async fn the_observer_gets_a_report_of_every_call() {
    let world = World::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observed = Arc::clone(&seen);
    let builder = world.builder().on_call(Arc::new(move |report| {
        observed.lock().unwrap().push((
            report.operation.name(),
            report.attempts,
            report.code.clone(),
        ));
    }));
    let store = world.open(builder).await;
    seen.lock().unwrap().clear();
    let session = new_session("a", json!({}), MINUTE);
    let _ = store.put(&session).await.unwrap();
    world.tap.script([Fate::AnswerLost]);
    let _ = store.load::<Value>(&session.id).await.unwrap();
    assert_eq!(store.create(&session).await.unwrap(), CreateOutcome::Taken);
    let refused = Some("ConditionalCheckFailedException".to_owned());
    assert_eq!(
        *seen.lock().unwrap(),
        [
            ("PutItem", 1, None),
            ("GetItem", 2, None),
            ("PutItem", 1, refused)
        ]
    );
}

#[test]
fn a_store_outlives_the_runtime_of_its_first_call() {
    let engine = LocalEngine::builder().start().unwrap();
    let store = SessionStore::builder()
        .region("local")
        .endpoint_url(engine.url())
        .build()
        .unwrap();
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let expires_at = store.now() + Duration::from_secs(60);

    let first = runtime();
    first.block_on(async {
        let _ = store
            .table()
            .create_if_missing(&TableSettings::default())
            .await
            .unwrap();
        let _ = store
            .put(&NewSession::new(id("a"), json!({ "n": 1 })).expires_at(expires_at))
            .await
            .unwrap();
    });
    drop(first);
    for _ in 0..2 {
        let next = runtime();
        let loaded = next
            .block_on(store.load::<Value>(&id("a")))
            .unwrap()
            .unwrap();
        assert_eq!(loaded.data, json!({ "n": 1 }));
        next.shutdown_background();
    }
}
