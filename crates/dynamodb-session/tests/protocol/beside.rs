//! Attributes of the item beside the session: set and removed by writes, kept by touches and by every fallback.

use std::sync::LazyLock;
use std::time::Duration;

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::{
    EncryptionKey, EncryptionOptions, HashIds, Layout, ParallelChanges, TableOptions,
};
use dynamodb_session::{
    AttributeValue, Base, Builder, CreateOutcome, ErrorKind, Loaded, NewSession, SaveOptions,
    SessionStore,
};
use dynamodb_session_local::LocalEngine;
use serde_json::{Value, json};

use crate::local::{Connection, eventually};
use crate::support::dynalite::Dynalite;
use crate::support::{
    Fate, MINUTE, World, id, load, new_session, now, refusal, save_absent, saved, secs, stored,
    touch_until, until,
};

static FRAMEWORK: LazyLock<Framework> =
    LazyLock::new(|| Framework::new().expiry_field(ExpiryField::instant("_expire")));

/// Until when sessions are saved.
fn options() -> SaveOptions<'static> {
    until(now() + MINUTE)
}

const ADA: &str = "ada";

/// What a save says of an attribute that it does not change.
fn same(value: &str) -> Option<AttributeValue> {
    (!value.is_empty()).then(|| value.into())
}

fn denied() -> Fate {
    refusal("AccessDeniedException", "no UpdateItem for you")
}

fn encrypting(builder: Builder) -> Builder {
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    builder.encryption(EncryptionOptions::new([key]))
}

/// The attribute `user_id` of the item.
fn user_id(world: &World) -> Option<Value> {
    world.session("a").unwrap().get("user_id").cloned()
}

/// A store with a session that has the attribute `user_id`.
async fn with_user(world: &World, builder: Builder) -> (SessionStore, Loaded<Value>) {
    let store = world.open(builder).await;
    let new = new_session("a", json!({ "n": 1 }), MINUTE).attribute("user_id", "ada");
    let created = store.create(&new).await.unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)));
    let loaded = load(&store, "a").await;
    world.tap.calls();
    (store, loaded)
}

#[tokio::test]
async fn every_write_sets_and_removes_them() {
    let world = World::new();
    let (store, loaded) = with_user(&world, world.builder()).await;
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));

    let set = options().attribute("user_id", "bob").attribute("level", 3);
    saved(store.save(&loaded, &json!({ "n": 2 }), &set).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "bob" })));
    assert_eq!(world.item("a").unwrap()["level"], json!({ "N": "3" }));

    // A save that does not name them keeps them.
    let loaded = load(&store, "a").await;
    saved(store.save(&loaded, &json!({ "n": 3 }), &options()).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "bob" })));

    let loaded = load(&store, "a").await;
    let removed = options().remove_attribute("user_id");
    saved(store.save(&loaded, &json!({ "n": 4 }), &removed).await);
    assert_eq!(user_id(&world), None);
    assert_eq!(world.item("a").unwrap()["level"], json!({ "N": "3" }));

    let session = id("a");
    let unknown = Base::unknown(&session, loaded.created);
    let unchanged = options().unchanged_attribute("user_id", same(ADA));
    let unchanged = unchanged.unchanged_attribute("level", None);
    saved(store.save(unknown, &json!({ "n": 5 }), &unchanged).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));
    assert_eq!(world.item("a").unwrap().get("level"), None);

    let put = new_session("a", json!({ "n": 6 }), MINUTE).attribute("level", 4);
    store.put(&put.remove_attribute("user_id")).await.unwrap();
    assert_eq!(user_id(&world), None);
    assert_eq!(world.item("a").unwrap()["level"], json!({ "N": "4" }));

    let absent = Base::absent(&session);
    let set = options().attribute("user_id", "eve");
    saved(store.save(absent, &json!({ "n": 7 }), &set).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "eve" })));

    // With the session they go, and a new one does not have them.
    store.delete(&id("a")).await.unwrap();
    assert_eq!(world.item("a").unwrap().get("user_id"), None);
    let new = new_session("a", json!({ "n": 8 }), MINUTE);
    saved(save_absent(&store, &new, &FRAMEWORK).await);
    assert_eq!(user_id(&world), None);
}

#[tokio::test]
async fn a_change_of_an_attribute_alone_is_written() {
    let world = World::new();
    let builder = world.builder().touch_after(2 * MINUTE);
    let (store, loaded) = with_user(&world, builder).await;
    let data = loaded.data.clone();
    let unchanged = options().unchanged_attribute("user_id", same(ADA));
    saved(
        store
            .save(&loaded, &data, &unchanged.framework(&FRAMEWORK))
            .await,
    );
    assert!(world.tap.operations().is_empty(), "the touch is skipped");
    let set = options().attribute("user_id", "bob").framework(&FRAMEWORK);
    saved(store.save(&loaded, &data, &set).await);
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    assert_eq!(user_id(&world), Some(json!({ "S": "bob" })));
}

#[tokio::test]
async fn a_touch_leaves_them_alone() {
    for is_denied in [false, true] {
        let world = World::new();
        let (store, loaded) = with_user(&world, world.builder()).await;
        if is_denied {
            world.tap.script([denied()]);
        }
        let data = json!({ "n": 1, "_expire": 7 });
        let later = now() + 2 * MINUTE;
        // A framework that saves what it did not change touches it.
        let unchanged = until(later).framework(&FRAMEWORK);
        let unchanged = unchanged.unchanged_attribute("user_id", same("other"));
        saved(store.save(&loaded, &data, &unchanged).await);
        assert_eq!(user_id(&world), Some(json!({ "S": "ada" })), "{is_denied}");
        let expires = &world.item("a").unwrap()["expires"];
        assert_eq!(*expires, json!({ "N": secs(120) }));
    }
    let world = World::new();
    let (store, loaded) = with_user(&world, world.builder()).await;
    saved(store.touch(&loaded, &touch_until(now() + 2 * MINUTE)).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));
}

#[tokio::test]
async fn a_session_from_before_gets_what_it_lacks_at_its_next_save() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    let unchanged = options().unchanged_attribute("user_id", same(ADA));
    saved(store.save(&loaded, &json!({ "n": 2 }), &unchanged).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));

    // Version 1 erases what it does not know.
    world.put_item(
        "a",
        json!({ "session": { "M": {} }, "expires": { "N": secs(60) } }),
    );
    let loaded = load(&store, "a").await;
    let unchanged = options().unchanged_attribute("user_id", same(ADA));
    saved(store.save(&loaded, &json!({ "n": 2 }), &unchanged).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));

    // What the item has is not overwritten.
    let loaded = load(&store, "a").await;
    let unchanged = options().unchanged_attribute("user_id", same("other"));
    saved(store.save(&loaded, &json!({ "n": 3 }), &unchanged).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));
}

#[tokio::test]
async fn without_permission_for_updates_whole_items_have_them() {
    let world = World::new();
    let (store, loaded) = with_user(&world, world.builder()).await;
    world.tap.script([denied()]);
    let set = options().attribute("level", 1);
    saved(store.save(&loaded, &json!({ "n": 2 }), &set).await);
    // The session has attributes that a load does not return.
    assert_eq!(world.tap.operations(), ["UpdateItem", "GetItem", "PutItem"]);
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));
    assert_eq!(world.item("a").unwrap()["level"], json!({ "N": "1" }));

    for (n, options, expected) in [
        (3, options(), Some(json!({ "S": "ada" }))),
        (
            4,
            options().attribute("user_id", "bob"),
            Some(json!({ "S": "bob" })),
        ),
        (
            5,
            options().unchanged_attribute("user_id", same(ADA)),
            Some(json!({ "S": "bob" })),
        ),
        (6, options().remove_attribute("user_id"), None),
        (
            7,
            options().unchanged_attribute("user_id", same(ADA)),
            Some(json!({ "S": "ada" })),
        ),
    ] {
        let loaded = load(&store, "a").await;
        saved(store.save(&loaded, &json!({ "n": n }), &options).await);
        assert_eq!(user_id(&world), expected, "{n}");
        assert_eq!(world.item("a").unwrap()["level"], json!({ "N": "1" }));
    }
}

/// The stamp of a write says that the item has them, so that a whole item does not lose them.
#[tokio::test]
async fn a_created_session_keeps_them_without_permission_for_updates() {
    let world = World::new();
    let store = world.store().await;
    let new = new_session("a", json!({ "n": 1 }), MINUTE).attribute("user_id", "ada");
    let CreateOutcome::Created(stamp) = store.create(&new).await.unwrap() else {
        panic!("the id is free");
    };
    let loaded = Loaded::new(id("a"), json!({ "n": 1 })).with_stamp(stamp);
    world.tap.script([denied()]);
    saved(store.save(&loaded, &json!({ "n": 2 }), &options()).await);
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));
}

#[tokio::test]
async fn parallel_requests_keep_each_others_changes() {
    for is_denied in [false, true] {
        let world = World::new();
        let (store, one) = with_user(&world, world.builder()).await;
        let two = load(&store, "a").await;
        if is_denied {
            world.tap.script([denied()]);
        }
        // One signs out, and another one, which began before, saves something else.
        let removed = options().remove_attribute("user_id").attribute("level", 1);
        saved(store.save(&one, &json!({ "n": 2 }), &removed).await);
        let unchanged = options().unchanged_attribute("user_id", same(ADA));
        let unchanged = unchanged.unchanged_attribute("level", None);
        saved(
            store
                .save(&two, &json!({ "n": 1, "m": 1 }), &unchanged)
                .await,
        );
        assert_eq!(user_id(&world), None, "{is_denied}");
        let item = world.item("a").unwrap();
        assert_eq!(item["level"], json!({ "N": "1" }));
        assert_eq!(
            item["session"]["M"],
            json!({ "n": { "N": "2" }, "m": { "N": "1" } })
        );

        // What both change, the later one decides.
        let [one, two] = [load(&store, "a").await, load(&store, "a").await];
        let set = options().attribute("user_id", "one");
        saved(store.save(&one, &json!({ "n": 3, "m": 1 }), &set).await);
        let set = options().attribute("user_id", "two");
        saved(store.save(&two, &json!({ "n": 2, "m": 2 }), &set).await);
        assert_eq!(user_id(&world), Some(json!({ "S": "two" })));
    }
}

/// Its attributes are those of the session that takes the place of the other one.
#[tokio::test]
async fn a_session_that_is_overwritten_loses_its_attributes_too() {
    let world = World::new();
    let builder = world.builder().parallel_changes(ParallelChanges::Overwrite);
    let store = world.open(builder).await;
    let one = stored(&store, "a", json!({ "n": 1 })).await;
    let two = load(&store, "a").await;
    let set = options().attribute("user_id", "ada");
    saved(store.save(&one, &json!({ "user": "ada" }), &set).await);
    let unchanged = options().unchanged_attribute("user_id", None);
    saved(store.save(&two, &json!({ "n": 2 }), &unchanged).await);
    assert_eq!(user_id(&world), None);
    assert_eq!(
        world.item("a").unwrap()["session"]["M"],
        json!({ "n": { "N": "2" } })
    );
}

#[tokio::test]
async fn saves_that_go_together_combine_them() {
    let world = World::new();
    let (store, loaded) = with_user(&world, world.builder()).await;
    let begin = |n: u32, options: SaveOptions<'static>| {
        let (store, loaded) = (store.clone(), loaded.clone());
        tokio::spawn(async move {
            let data = json!({ "n": 1, format!("f{n}"): n });
            store.save(&loaded, &data, &options).await
        })
    };
    world.tap.script([Fate::Slow]);
    let first = begin(0, options().remove_attribute("user_id"));
    world.tap.held().await;
    let others = [
        begin(1, options().unchanged_attribute("user_id", same(ADA))),
        begin(2, options().attribute("level", 1).attribute("role", "x")),
        begin(
            3,
            options()
                .attribute("level", 2)
                .unchanged_attribute("role", None),
        ),
    ];
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    world.tap.release();
    saved(first.await.unwrap());
    for other in others {
        saved(other.await.unwrap());
    }
    assert_eq!(world.tap.operations(), ["UpdateItem", "UpdateItem"]);
    let item = world.item("a").unwrap();
    assert_eq!(item.get("user_id"), None);
    assert_eq!(item["level"], json!({ "N": "2" }));
    assert_eq!(item["role"], json!({ "S": "x" }));
}

/// The waiting save is made from what the first one has written, attributes included.
#[tokio::test]
async fn a_save_after_another_one_of_its_process_puts_them_into_the_whole_item() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    let begin = |n: u32, options: SaveOptions<'static>| {
        let (store, loaded) = (store.clone(), loaded.clone());
        tokio::spawn(async move {
            let data = json!({ "n": 1, format!("f{n}"): n });
            store.save(&loaded, &data, &options).await
        })
    };
    world.tap.script([Fate::Slow, denied()]);
    let first = begin(0, options().attribute("user_id", "ada"));
    world.tap.held().await;
    let second = begin(1, options().attribute("level", 1));
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    world.tap.release();
    saved(first.await.unwrap());
    saved(second.await.unwrap());
    assert_eq!(world.tap.operations().last(), Some(&"PutItem"));
    assert_eq!(user_id(&world), Some(json!({ "S": "ada" })));
    assert_eq!(world.item("a").unwrap()["level"], json!({ "N": "1" }));
}

#[tokio::test]
async fn every_layout_and_every_form_has_them_plain() {
    for layout in Layout::ALL {
        for is_sealed in [false, true] {
            for mode in [HashIds::Off, HashIds::On] {
                let world = World::new();
                let table = TableOptions::default().hash_ids(mode);
                let mut builder = world.builder().layout(layout).table_options(table);
                if is_sealed {
                    builder = encrypting(builder);
                }
                let store = world.open(builder).await;
                let new = new_session("a", json!({ "n": 1 }), MINUTE).attribute("user_id", "ada");
                let _ = store.create(&new).await.unwrap();
                let loaded = load(&store, "a").await;
                let set = options()
                    .attribute("user_id", "bob")
                    .attribute("level", 1.5);
                saved(store.save(&loaded, &json!({ "n": 2 }), &set).await);
                let loaded = load(&store, "a").await;
                saved(store.touch(&loaded, &touch_until(now() + 2 * MINUTE)).await);
                let items = world.raw("Scan", &json!({ "TableName": "sessions" }));
                let item = &items["Items"][0];
                let context = format!("{layout:?} {is_sealed} {mode:?} {item}");
                assert_eq!(items["Count"], 1, "{context}");
                assert_eq!(item["user_id"], json!({ "S": "bob" }), "{context}");
                assert_eq!(item["level"], json!({ "N": "1.5" }), "{context}");
                assert_eq!(item["expires"], json!({ "N": secs(120) }), "{context}");
                assert_eq!(load(&store, "a").await.data, json!({ "n": 2 }));
            }
        }
    }
}

#[tokio::test]
async fn names_that_the_store_needs_are_refused() {
    let world = World::new();
    let names = [
        "session",
        "created",
        "rev",
        "sealed",
        "unit",
        "gone",
        "userKey",
        "seen",
        "sessionId",
        "expires",
        "",
    ];
    let long = "n".repeat(256);
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    world.tap.calls();
    for name in names.into_iter().chain([long.as_str()]) {
        for options in [
            options().attribute(name, 1),
            options().remove_attribute(name),
            options().unchanged_attribute(name, same(ADA)),
        ] {
            let error = store.save(&loaded, &json!({ "n": 2 }), &options).await;
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{name}");
            assert!(name.is_empty() || name.len() > 255 || error.message().contains(name));
        }
        let new = new_session("b", json!({}), MINUTE).attribute(name, 1);
        assert_eq!(
            store.create(&new).await.unwrap_err().kind(),
            ErrorKind::Config
        );
        assert_eq!(store.put(&new).await.unwrap_err().kind(), ErrorKind::Config);
    }
    let table = TableOptions::default()
        .partition_key("id")
        .ttl_attribute("until");
    for (layout, name) in [
        (Layout::ConnectDynamodb, "sess"),
        (Layout::ConnectDynamodb, "type"),
        (Layout::DynamodbStore, "sess"),
        (Layout::TowerSessionsDynamodbStore, "data"),
        (Layout::Session, "id"),
        (Layout::Session, "until"),
    ] {
        let builder = world.builder().layout(layout).table_options(table.clone());
        let store = builder.build().unwrap();
        let new = new_session("b", json!({}), MINUTE).attribute(name, 1);
        let error = store.create(&new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{layout:?} {name}");
    }
    assert!(store.table().check_attribute("user_id").is_ok());
    let error = store.table().check_attribute("expires").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(world.tap.operations().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn values_that_dynamodb_does_not_hold_are_refused() {
    let world = World::new();
    let (store, loaded) = with_user(&world, world.builder()).await;
    for value in [AttributeValue::from(""), f64::NAN.into(), 1e200.into()] {
        let set = options().attribute("user_id", value);
        let error = store.save(&loaded, &json!({ "n": 2 }), &set).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.message().contains("`user_id`"), "{error}");
    }
    for is_sealed in [false, true] {
        let builder = world.builder();
        let builder = if is_sealed {
            encrypting(builder)
        } else {
            builder
        };
        let store = builder.build().unwrap();
        let new = new_session("b", json!({}), MINUTE).attribute("user_id", "x".repeat(409_600));
        let error = store.create(&new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ItemTooLarge, "{is_sealed}");
    }
    assert!(world.tap.operations().is_empty(), "nothing was sent");
}

/// A table with an index over the attribute `user_id`.
fn indexed_table() -> Value {
    json!({
        "TableName": "sessions", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "sessionId", "AttributeType": "S" },
            { "AttributeName": "user_id", "AttributeType": "S" },
        ],
        "KeySchema": [{ "AttributeName": "sessionId", "KeyType": "HASH" }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_user",
            "KeySchema": [{ "AttributeName": "user_id", "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "ALL" },
        }],
    })
}

/// The keys of the sessions that the index finds.
fn found(engine: &mut Connection, user: &str) -> Vec<String> {
    let query = json!({
        "TableName": "sessions", "IndexName": "by_user", "KeyConditionExpression": "user_id = :user",
        "ExpressionAttributeValues": { ":user": { "S": user } },
    });
    let answer = engine.ok("Query", &query);
    let items = answer["Items"].as_array().unwrap().iter();
    items
        .map(|item| item["sessionId"]["S"].as_str().unwrap().to_owned())
        .collect()
}

async fn expect_index(mut engine: Connection, builder: Builder) {
    engine.ok("CreateTable", &indexed_table());
    let is_active = |engine: &mut Connection| {
        let table = engine.ok("DescribeTable", &json!({ "TableName": "sessions" }));
        table["Table"]["TableStatus"] == "ACTIVE"
            && table["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    };
    eventually("the index is active", || is_active(&mut engine));
    let store = builder.build().unwrap();
    let far = store.now() + 60 * MINUTE;
    let new = NewSession::new(id("a"), json!({ "n": 1 }))
        .expires_at(far)
        .attribute("user_id", "ada");
    let _ = store.create(&new).await.unwrap();
    assert_eq!(found(&mut engine, "ada"), ["a"]);

    let loaded = load(&store, "a").await;
    saved(store.touch(&loaded, &touch_until(far + MINUTE)).await);
    assert_eq!(found(&mut engine, "ada"), ["a"]);

    let loaded = load(&store, "a").await;
    let set = until(far).attribute("user_id", "bob");
    saved(store.save(&loaded, &json!({ "n": 2 }), &set).await);
    assert_eq!(found(&mut engine, "bob"), ["a"]);
    assert!(found(&mut engine, "ada").is_empty());

    // What the index refuses is said, without the value.
    let loaded = load(&store, "a").await;
    let set = until(far).attribute("user_id", 4711);
    let new = NewSession::new(id("b"), json!({}))
        .expires_at(far)
        .attribute("user_id", 4711);
    for error in [
        store
            .save(&loaded, &json!({ "n": 3 }), &set)
            .await
            .unwrap_err(),
        store.create(&new).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        assert_eq!(error.code(), Some("ValidationException"));
        assert!(
            error.message().to_lowercase().contains("index key"),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("4711"), "{error:?}");
    }

    let loaded = load(&store, "a").await;
    let removed = until(far).remove_attribute("user_id");
    saved(store.save(&loaded, &json!({ "n": 4 }), &removed).await);
    assert!(found(&mut engine, "bob").is_empty());

    let put = NewSession::new(id("a"), json!({ "n": 5 }))
        .expires_at(far)
        .attribute("user_id", "eve");
    store.put(&put).await.unwrap();
    assert_eq!(found(&mut engine, "eve"), ["a"]);
    store.delete(&id("a")).await.unwrap();
    assert!(found(&mut engine, "eve").is_empty());
}

#[tokio::test]
async fn an_index_finds_sessions_on_the_local_engine() {
    let engine = LocalEngine::builder().sweep_every(Duration::ZERO);
    let engine = engine.start().unwrap();
    let builder = SessionStore::builder()
        .region("local")
        .endpoint_url(engine.url());
    expect_index(Connection::open(engine.addr()), builder).await;
}

#[tokio::test]
async fn an_index_finds_sessions_on_dynalite() {
    let engine = Dynalite::start();
    let builder = SessionStore::builder()
        .region("local")
        .endpoint_url(engine.url());
    expect_index(engine.connection(), builder).await;
}
