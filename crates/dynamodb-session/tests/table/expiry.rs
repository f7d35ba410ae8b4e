//! A table whose TTL is on another attribute than the one that the store is configured with. A process that has seen
//! the table knows both, and another one knows one.

use std::time::Duration;

use dynamodb_session::clock::ManualClock;
use dynamodb_session::options::{Layout, TableOptions};
use dynamodb_session::table::{TableSettings, TimeToLive};
use dynamodb_session::{
    Builder, CreateOutcome, ErrorKind, SaveOptions, SaveOutcome, SessionStore, TouchOptions,
};
use serde_json::{Value, json};

use crate::support::{Fate, MINUTE, World, id, new_session, now, refusal, saved, secs};

/// The layouts, and a stored session in each.
fn layouts() -> [(Layout, Value); 3] {
    [
        (
            Layout::Session,
            json!({ "session": { "M": { "a": { "N": "1" } } } }),
        ),
        (
            Layout::ConnectDynamodb,
            json!({ "type": { "S": "connect-session" }, "sess": { "S": "{\"a\":1}" } }),
        ),
        (
            Layout::DynamodbStore,
            json!({ "sess": { "M": { "a": { "N": "1" } } } }),
        ),
    ]
}

/// An engine with the table `sessions`, whose TTL is on `ttl`.
async fn world() -> World {
    let world = World::new();
    let options = TableOptions::default().ttl_attribute("ttl");
    world
        .open(world.other_process().table_options(options))
        .await;
    world
}

/// A store that has seen the table.
async fn informed(builder: Builder) -> SessionStore {
    let store = builder.build().unwrap();
    let seen = store.table().time_to_live().await.unwrap();
    assert_eq!(seen, TimeToLive::Enabled("ttl".to_owned()));
    assert_eq!(&*store.ttl_attribute(), "ttl");
    store
}

fn ends(item: &Value) -> [&Value; 2] {
    [&item["expires"]["N"], &item["ttl"]["N"]]
}

async fn listed(store: &SessionStore) -> usize {
    store.list::<Value>(None).await.unwrap().sessions.len()
}

#[tokio::test]
async fn a_session_ends_as_the_earlier_attribute_says_or_the_only_one() {
    // Where the two attributes are, in seconds from now, and whether the session is live.
    let hour = || json!({ "N": secs(3600) });
    let past = |by: u64| json!({ "N": (1_800_000_000 - by).to_string() });
    let cases = [
        (json!({ "expires": past(86_400) }), false),
        (json!({ "expires": past(400 * 86_400) }), false),
        (json!({ "expires": past(0) }), false),
        (json!({ "expires": { "N": "1799999999000" } }), false),
        (json!({ "ttl": past(1) }), false),
        (json!({ "expires": past(1), "ttl": hour() }), false),
        (json!({ "expires": hour(), "ttl": past(1) }), false),
        (json!({ "expires": past(1), "ttl": { "S": "soon" } }), false),
        (json!({ "expires": hour() }), true),
        (json!({ "ttl": hour() }), true),
        (
            json!({ "expires": hour(), "ttl": { "N": "1800003600000" } }),
            true,
        ),
        (json!({ "expires": hour(), "ttl": { "S": "soon" } }), true),
        (json!({}), true),
    ];
    let world = world().await;
    for (layout, session) in layouts() {
        let store = informed(world.builder().layout(layout)).await;
        for (expiry, is_live) in &cases {
            let mut item = session.clone();
            item.as_object_mut()
                .unwrap()
                .extend(expiry.as_object().unwrap().clone());
            let what = format!("{layout:?} {expiry}");
            world.put_item("a", item.clone());
            let loaded = store.load::<Value>(&id("a")).await.unwrap();
            assert_eq!(loaded.is_some(), *is_live, "{what}");
            assert_eq!(listed(&store).await, usize::from(*is_live), "{what}");
            assert_eq!(store.count().await.unwrap(), u64::from(*is_live), "{what}");

            let new = new_session("a", json!({ "b": 1 }), MINUTE);
            let created = store.create(&new).await.unwrap();
            assert_eq!(created == CreateOutcome::Taken, *is_live, "{what}");
            if let Some(loaded) = loaded {
                let options = SaveOptions::default().expires_at(now() + 2 * MINUTE);
                saved(store.save(&loaded, &json!({ "a": 2 }), &options).await);
                let item = world.item("a").unwrap();
                let end = json!(secs(120));
                assert_eq!(ends(&item), [&end, &end], "{what}");
            }

            // After the time in which a request can land that was sent before.
            world.put_item("a", item);
            let clock = ManualClock::new(now() + 26 * MINUTE);
            let later = world.builder().layout(layout).clock(clock);
            let deleted = later.build().unwrap().delete_expired().await.unwrap();
            assert_eq!(deleted, u64::from(!is_live), "{what}");
            store.clear_with_tombstones().await.unwrap();
            assert_eq!(world.item("a"), None, "{what}");
        }
    }
}

#[tokio::test]
async fn an_application_can_have_neither_of_the_two() {
    let world = world().await;
    let store = informed(world.builder()).await;
    for name in ["expires", "ttl"] {
        assert!(store.table().check_attribute(name).is_err(), "{name}");
        let new = new_session("a", json!({}), MINUTE).attribute(name, 1);
        let error = store.create(&new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{name}");
        assert!(error.message().contains(name), "{error}");
    }
    assert_eq!(world.item("a"), None);
}

#[tokio::test]
async fn every_write_sets_both_attributes() {
    let world = world().await;
    for (layout, _) in layouts() {
        let store = informed(world.builder().layout(layout)).await;
        let expect = |seconds: u64| {
            let end = json!(secs(seconds));
            assert_eq!(ends(&world.item("a").unwrap()), [&end, &end], "{layout:?}");
        };
        let _ = store
            .put(&new_session("a", json!({ "a": 1 }), MINUTE))
            .await
            .unwrap();
        expect(60);
        let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        let touch = TouchOptions::default().expires_at(now() + 2 * MINUTE);
        saved(store.touch(&loaded, &touch).await);
        expect(120);
        let options = SaveOptions::default().expires_at(now() + 3 * MINUTE);
        saved(store.save(&loaded, &json!({ "a": 2 }), &options).await);
        expect(180);
        // Without `UpdateItem`.
        let denied = informed(world.builder().layout(layout)).await;
        let loaded = denied.load::<Value>(&id("a")).await.unwrap().unwrap();
        world.tap.script([refusal("AccessDeniedException", "no")]);
        let options = SaveOptions::default().expires_at(now() + 4 * MINUTE);
        saved(denied.save(&loaded, &json!({ "a": 3 }), &options).await);
        expect(240);
        store.delete(&id("a")).await.unwrap();
        expect(1500);
        let _ = store
            .put(&new_session("a", json!({}), MINUTE))
            .await
            .unwrap();
        store.clear().await.unwrap();
        expect(1500);
        world.delete_item("a");
    }
}

#[tokio::test]
async fn what_one_process_ends_has_ended_for_the_other_whatever_each_knows() {
    for (layout, _) in layouts() {
        for writer_knows in [false, true] {
            for reader_knows in [false, true] {
                let world = world().await;
                let make = async |builder: Builder, knows| {
                    let builder = builder.layout(layout);
                    if knows {
                        informed(builder).await
                    } else {
                        builder.build().unwrap()
                    }
                };
                let writer = make(world.builder(), writer_knows).await;
                let reader = make(world.other_process(), reader_knows).await;
                let what = format!("{layout:?} {writer_knows} {reader_knows}");
                let session = new_session("a", json!({ "a": 1 }), MINUTE);
                let _ = writer.put(&session).await.unwrap();
                let seen = reader.load::<Value>(&id("a")).await.unwrap().unwrap();

                // The reader extends the session, and the writer sees it end as late, or earlier.
                let touch = TouchOptions::default().expires_at(now() + 3 * MINUTE);
                saved(reader.touch(&seen, &touch).await);
                world.clock.advance(2 * MINUTE);
                let is_early = writer.load::<Value>(&id("a")).await.unwrap().is_none();
                assert_eq!(is_early, writer_knows && !reader_knows, "{what}");
                world.clock.advance(MINUTE);
                for store in [&writer, &reader] {
                    assert!(
                        store.load::<Value>(&id("a")).await.unwrap().is_none(),
                        "{what}"
                    );
                    assert_eq!(listed(store).await, 0, "{what}");
                    let touched = store.touch(&seen, &TouchOptions::default()).await;
                    assert_eq!(touched.unwrap(), SaveOutcome::Gone, "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_learnt_of_a_table_is_known_to_all_stores_of_it_in_the_process() {
    let world = world().await;
    let before = world.builder().build().unwrap();
    let other_key = TableOptions::default().ttl_attribute("until");
    let configured = world.builder().table_options(other_key).build().unwrap();
    let _ = before
        .put(&new_session("a", json!({}), MINUTE))
        .await
        .unwrap();
    assert!(world.item("a").unwrap().get("ttl").is_none());

    let settings = TableSettings::default();
    let learning = world
        .builder()
        .table_options(TableOptions::default().prefix("p:"));
    learning
        .build()
        .unwrap()
        .table()
        .create_if_missing(&settings)
        .await
        .unwrap();
    let after = world.builder().build().unwrap();
    for store in [&before, &configured, &after] {
        assert_eq!(&*store.ttl_attribute(), "ttl");
        let _ = store
            .put(&new_session("a", json!({}), MINUTE))
            .await
            .unwrap();
        let item = world.item("a").unwrap();
        assert_eq!(item["ttl"]["N"], secs(60));
    }
    assert!(configured.load::<Value>(&id("a")).await.unwrap().is_some());
    let by_arn = world
        .builder()
        .table_name("arn:aws:dynamodb:eu-west-1:111122223333:table/sessions");
    assert_eq!(&*by_arn.build().unwrap().ttl_attribute(), "ttl");
    // Other tables and other processes have their own.
    let other = world.builder().table_name("others").build().unwrap();
    assert_eq!(&*other.ttl_attribute(), "expires");
    assert_eq!(
        &*world.other_process().build().unwrap().ttl_attribute(),
        "expires"
    );
}

#[tokio::test]
async fn a_new_store_knows_it_from_its_first_request_on() {
    let world = world().await;
    drop(informed(world.over_http()).await);
    let store = world.over_http().build().unwrap();
    let _ = store
        .put(&new_session("a", json!({}), MINUTE))
        .await
        .unwrap();
    let end = json!(secs(60));
    assert_eq!(ends(&world.item("a").unwrap()), [&end, &end]);
}

#[tokio::test]
async fn a_store_does_not_follow_an_attribute_in_which_it_keeps_something_else() {
    for (layout, attribute) in [
        (Layout::Session, "created"),
        (Layout::Session, "sessionId"),
        (Layout::ConnectDynamodb, "sess"),
        (Layout::ConnectDynamodb, "type"),
        (Layout::DynamodbStore, "sess"),
    ] {
        let world = World::new();
        world.store().await;
        let store = world.builder().layout(layout).build().unwrap();
        let enabled = json!({ "TimeToLiveDescription": {
            "TimeToLiveStatus": "ENABLED", "AttributeName": attribute,
        } });
        world.tap.script([Fate::Pass, Fate::Answer(200, enabled)]);
        let error = store
            .table()
            .create_if_missing(&TableSettings::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{attribute}");
        assert!(error.to_string().contains(attribute), "{error}");
        assert_eq!(&*store.ttl_attribute(), "expires");
        let _ = store
            .put(&new_session(
                "a",
                json!({ "a": 1 }),
                Duration::from_hours(1),
            ))
            .await
            .unwrap();
        assert!(store.load::<Value>(&id("a")).await.unwrap().is_some());
    }
}
