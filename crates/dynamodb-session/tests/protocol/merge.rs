//! Parallel requests do not overwrite each other: a save that meets another state of the session puts the fields that
//! the application changed on that one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::{Layout, ParallelChanges};
use dynamodb_session::{Loaded, SaveOutcome, SessionStore, SessionText, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::update::Update;
use crate::support::{
    Fate, MINUTE, WithoutVersion, World, id, load, loaded_as, now, saved, secs, stamp, stored,
    touch_until, until,
};

/// An item with these fields, given as attribute values.
fn item(fields: &Value) -> Value {
    json!({
        "session": { "M": fields }, "expires": { "N": secs(60) }, "created": { "N": "1800000000000" },
    })
}

/// Stores a session with these fields, given as attribute values, and loads it.
async fn loaded<T: dynamodb_session::DecodeSession>(
    world: &World,
    store: &SessionStore,
    fields: Value,
) -> Loaded<T> {
    world.put_item("a", item(&fields));
    let loaded = store.load(&id("a")).await.unwrap().unwrap();
    world.tap.calls();
    loaded
}

/// The update that was sent. There must be exactly one request.
fn update(world: &World) -> Update {
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 1, "one request");
    assert_eq!(calls[0].0, "UpdateItem");
    Update::of(&calls[0].1)
}

/// The whole session that an update writes.
fn session_in(update: &Update) -> &Value {
    assert_eq!(
        update.attributes(),
        ["created", "expires", "rev", "session"]
    );
    update.0[&vec!["session".to_owned()]].as_ref().unwrap()
}

fn fields_of(world: &World) -> Value {
    world.item("a").unwrap()["session"]["M"].clone()
}

/// The fields that a save of `text` writes over those of a parallel request, when the session was loaded with the
/// `stored` ones.
async fn fields_written(stored: Value, text: SessionText) -> Vec<String> {
    let world = World::new();
    let store = world.store().await;
    let loaded: Loaded<SessionText> = loaded(&world, &store, stored.clone()).await;
    let theirs: Value = stored
        .as_object()
        .unwrap()
        .keys()
        .map(|name| (name.clone(), json!({ "S": "theirs" })))
        .collect();
    world.put_item("a", item(&theirs));
    let written = store
        .save(&loaded, &text, &until(now() + MINUTE))
        .await
        .unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE))
    );
    assert_eq!(world.tap.operations(), ["UpdateItem", "UpdateItem"]);
    let fields = fields_of(&world);
    let mut names: Vec<String> = [&theirs, &fields]
        .into_iter()
        .flat_map(|fields| fields.as_object().unwrap().keys().cloned())
        .filter(|name| fields.get(name) != theirs.get(name))
        .collect();
    names.sort();
    names.dedup();
    names
}

#[tokio::test]
async fn an_unchanged_session_is_written_as_it_was_loaded() {
    let world = World::new();
    let store = world.store().await;
    let fields = json!({ "n": { "N": "1" }, "o": { "M": { "x": { "L": [{ "S": "" }] } } } });
    let loaded: Loaded<Value> = loaded(&world, &store, fields.clone()).await;
    let written = store
        .save(&loaded, &loaded.data, &until(now() + 2 * MINUTE))
        .await;
    assert_eq!(
        written.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    let update = update(&world);
    assert_eq!(session_in(&update), &json!({ "M": fields }));
    assert_eq!(
        update.0[&vec!["expires".to_owned()]],
        Some(json!({ "N": secs(120) }))
    );
    assert_eq!(fields_of(&world), fields);
}

#[tokio::test]
async fn unchanged_fields_are_not_written_over_a_parallel_change() {
    let stored = json!({ "n": { "N": "1" }, "o": { "M": { "x": { "L": [{ "S": "" }] } } } });
    let text = SessionText::Json(r#"{"n":1,"o":{"x":[""]}}"#.to_owned());
    assert_eq!(fields_written(stored, text).await, [""; 0]);
}

#[tokio::test]
async fn all_disjoint_changes_survive_and_the_last_change_of_one_field() {
    let world = World::new();
    let store = world.store().await;
    let stored = json!({
        "mine": { "N": "1" }, "both": { "N": "1" }, "gone": { "N": "1" }, "kept": { "N": "1" },
    });
    let first: Loaded<Value> = loaded(&world, &store, stored).await;
    let second = first.clone();
    let data = json!({ "mine": 2, "both": 2, "kept": 1, "new": 2 });
    let _ = store
        .save(&first, &data, &until(now() + MINUTE))
        .await
        .unwrap();
    let data = json!({ "mine": 1, "both": 3, "gone": 1, "kept": 1, "newer": 3 });
    let _ = store
        .save(&second, &data, &until(now() + MINUTE))
        .await
        .unwrap();
    let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(
        after.data,
        json!({ "mine": 2, "both": 3, "kept": 1, "new": 2, "newer": 3 })
    );
}

#[tokio::test]
async fn a_saved_session_is_the_base_of_the_next_save() {
    let world = World::new();
    let store = world.store().await;
    let first: Loaded<Value> = loaded(&world, &store, json!({ "n": { "N": "1" } })).await;
    let mut data = json!({ "n": 2 });
    let written = store.save(&first, &data, &until(now() + MINUTE)).await;
    let record = first.with_data(data.clone()).with_stamp(saved(written));
    let rev = world.item("a").unwrap()["rev"].clone();
    world.tap.calls();
    data["m"] = json!(3);
    let written = store
        .save(&record, &data, &until(now() + MINUTE))
        .await
        .unwrap();
    assert!(written.is_saved());
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].1["ExpressionAttributeValues"][":rev"], rev);
    assert_eq!(load(&store, "a").await.data, data);
}

/// What the application saw stays the base of its next change, whatever is stored by then.
#[tokio::test]
async fn a_merged_session_is_the_base_of_the_next_save() {
    let world = World::new();
    let store = world.store().await;
    let ours = stored(&store, "a", json!({ "n": 1, "ours": 1 })).await;
    let theirs = load(&store, "a").await;
    let until_later = until(now() + MINUTE);
    let data = json!({ "n": 7, "ours": 1, "theirs": 7 });
    let _ = saved(store.save(&theirs, &data, &until_later).await);
    let data = json!({ "n": 1, "ours": 2 });
    let stamp = saved(store.save(&ours, &data, &until_later).await);
    assert_eq!(stamp.version, Version::UNKNOWN);
    assert_eq!(store.stats().merge_retries, 1);
    // The next save changes one field, and takes back no other.
    let ours = ours.with_data(data).with_stamp(stamp);
    let data = json!({ "n": 1, "ours": 3 });
    let _ = saved(store.save(&ours, &data, &until_later).await);
    assert_eq!(
        load(&store, "a").await.data,
        json!({ "n": 7, "ours": 3, "theirs": 7 })
    );
}

#[tokio::test]
async fn an_object_is_one_field_and_written_whole() {
    let stored = json!({ "auth": { "M": { "user": { "N": "1" }, "roles": { "L": [] } } } });
    let text = SessionText::Json(r#"{"auth":{"user":2,"roles":[]}}"#.to_owned());
    assert_eq!(fields_written(stored, text).await, ["auth"]);
}

#[tokio::test]
async fn a_field_is_removed_and_null_is_a_value() {
    let world = World::new();
    let store = world.store().await;
    let stored = json!({ "user": { "N": "1" }, "n": { "N": "1" } });
    let loaded: Loaded<Value> = loaded(&world, &store, stored).await;
    let written = store
        .save(&loaded, &json!({ "n": null }), &until(now() + MINUTE))
        .await;
    assert!(written.unwrap().is_saved());
    let update = update(&world);
    assert_eq!(
        session_in(&update),
        &json!({ "M": { "n": { "NULL": true } } })
    );
    assert_eq!(fields_of(&world), json!({ "n": { "NULL": true } }));
}

#[tokio::test]
async fn the_order_of_fields_does_not_matter() {
    let stored =
        json!({ "a": { "N": "1" }, "o": { "M": { "x": { "N": "1" }, "y": { "N": "2" } } } });
    let text = SessionText::Json(r#"{"o":{"y":2,"x":1},"a":1}"#.to_owned());
    assert_eq!(fields_written(stored, text).await, [""; 0]);
}

#[tokio::test]
async fn numbers_in_text_are_compared_as_doubles() {
    let stored = json!({
        "same": { "N": "9007199254740993" }, "long": { "N": "0.1000000000000000055511151231257827" },
        "zeros": { "N": "1.50" }, "other": { "N": "9007199254740993" }, "in": { "L": [{ "N": "1.0" }] },
    });
    let text =
        r#"{"same":9007199254740992,"long":0.1,"zeros":1.5,"other":9007199254740994,"in":[1]}"#;
    let written = fields_written(stored, SessionText::Json(text.to_owned())).await;
    assert_eq!(written, ["other"]);
}

#[derive(Serialize, Deserialize)]
struct Exact {
    big: u128,
    signed: i128,
    ratio: f64,
}

#[tokio::test]
async fn numbers_in_types_are_compared_to_the_last_digit() {
    let world = World::new();
    let store = world.store().await;
    let stored = json!({
        "big": { "N": "9007199254740993" }, "signed": { "N": "-9007199254740993" }, "ratio": { "N": "0.10000000000000000555" },
    });
    let mut record: Loaded<Exact> = loaded(&world, &store, stored).await;
    // The save merges with what is stored.
    record.version = Version::UNKNOWN;
    let changed = Exact {
        big: record.data.big - 1,
        ..record.data
    };
    let written = store
        .save(&record, &changed, &until(now() + MINUTE))
        .await
        .unwrap();
    assert!(written.is_saved());
    let fields = json!({
        "big": { "N": "9007199254740992" }, "signed": { "N": "-9007199254740993" },
        // A number that is not changed keeps its digits too.
        "ratio": { "N": "0.10000000000000000555" },
    });
    assert_eq!(fields_of(&world), fields);
    record.data = changed;
    let _ = store
        .save(&record, &record.data, &until(now() + MINUTE))
        .await
        .unwrap();
    assert_eq!(fields_of(&world), fields);
}

#[tokio::test]
async fn binary_is_compared_by_its_bytes() {
    let stored =
        json!({ "same": { "B": "AQL/" }, "other": { "B": "AQL/" }, "text": { "B": "AQL/" } });
    let text = r#"{"M":{"same":{"B":"AQL/"},"other":{"B":"AQL+"},"text":{"S":"AQL/"}}}"#;
    let written = fields_written(stored, SessionText::Attribute(text.to_owned())).await;
    assert_eq!(written, ["other", "text"]);
}

/// A framework that keeps a cookie and two other fields in a session, and does not carry names with an underscore.
static FIELDS: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_session"))
        .expiry_field(ExpiryField::with_instants("cookie", ["expires"]))
        .not_carried_prefixes(["_"])
});

#[tokio::test]
async fn the_expiry_unit_is_written_with_the_ttl_attribute_each_field_set_or_removed() {
    let world = World::new();
    let store = world.store().await;
    let stored = json!({
        "_expire": { "N": "1" }, "_maxAge": { "N": "7" }, "cookie": { "M": { "path": { "S": "/" } } }, "n": { "N": "1" },
    });
    for (data, is_touch) in [
        // Sessions without and with changes.
        (
            json!({ "_expire": 1, "cookie": { "path": "/" }, "n": 1 }),
            true,
        ),
        (json!({ "_session": true, "n": 2 }), false),
        (json!({ "cookie": { "path": "/a", "expires": 3 } }), false),
    ] {
        let loaded: Loaded<Value> = loaded(&world, &store, stored.clone()).await;
        let written = store
            .save(&loaded, &data, &until(now() + MINUTE).framework(&FIELDS))
            .await;
        assert!(written.unwrap().is_saved());
        let update = update(&world);
        if is_touch {
            assert_eq!(update.fields(), ["_expire", "_session", "cookie"]);
            assert_eq!(update.attributes(), ["expires"]);
        } else {
            assert_eq!(session_in(&update)["M"], fields_of(&world));
        }
        for field in ["_expire", "_session", "cookie", "n"] {
            assert_eq!(
                fields_of(&world).get(field).is_some(),
                data.get(field).is_some(),
                "{data} {field}"
            );
        }
        // A field that the framework does not carry is missing in the data, but is not removed.
        assert_eq!(fields_of(&world)["_maxAge"], json!({ "N": "7" }));
    }
}

#[tokio::test]
async fn a_touch_writes_the_expiry_unit_and_nothing_else() {
    let world = World::new();
    let store = world.store().await;
    let stored = json!({ "_expire": { "N": "1" }, "n": { "N": "1" } });
    let loaded: Loaded<Value> = loaded(&world, &store, stored).await;
    let data = json!({ "_expire": 2, "n": 2, "m": 2 });
    let written = store
        .touch(
            &loaded,
            &touch_until(now() + 2 * MINUTE).framework(&FIELDS, &data),
        )
        .await;
    assert_eq!(
        written.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    assert_eq!(update(&world).fields(), ["_expire", "_session", "cookie"]);
    assert_eq!(
        fields_of(&world),
        json!({ "_expire": { "N": "2" }, "n": { "N": "1" } })
    );
}

#[tokio::test]
async fn saving_an_expired_session_unchanged_does_not_bring_it_back() {
    let world = World::new();
    let store = world.store().await;
    let stored = json!({ "_expire": { "N": "1" }, "n": { "N": "1" } });
    let loaded: Loaded<Value> = loaded(&world, &store, stored).await;
    world.clock.advance(MINUTE);
    for data in [loaded.data.clone(), json!({ "_expire": 2, "n": 1 })] {
        let saved = store
            .save(
                &loaded,
                &data,
                &until(now() + 3 * MINUTE).framework(&FIELDS),
            )
            .await;
        assert_eq!(saved.unwrap(), SaveOutcome::Gone);
    }
}

fn wide(fields: std::ops::Range<usize>, value: u32) -> BTreeMap<String, u32> {
    fields.map(|field| (format!("f{field}"), value)).collect()
}

#[tokio::test]
async fn many_changes_take_one_update_with_the_condition() {
    let world = World::new();
    let store = world.store().await;
    let stored = wide(0..150, 1);
    let fields: BTreeMap<_, _> = stored
        .keys()
        .map(|name| (name, json!({ "N": "1" })))
        .collect();
    let loaded: Loaded<BTreeMap<String, u32>> = loaded(&world, &store, json!(fields)).await;
    // 50 fields are removed, 100 changed and 100 added.
    let data = wide(50..250, 2);
    let written = store
        .save(&loaded, &data, &until(now() + 2 * MINUTE))
        .await
        .unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 1);
    let (operation, body) = &calls[0];
    assert_eq!(*operation, "UpdateItem");
    let condition = body["ConditionExpression"].as_str().unwrap();
    assert!(condition.contains("#c = :loaded"), "{condition}");
    assert_eq!(
        body["ExpressionAttributeValues"][":loaded"],
        json!({ "N": "1800000000000" })
    );
    assert!(body["UpdateExpression"].as_str().unwrap().len() <= 4096);
    let session = Update::of(body);
    assert_eq!(session_in(&session)["M"].as_object().unwrap().len(), 200);
    let after = store.load::<BTreeMap<String, u32>>(&id("a")).await.unwrap();
    assert_eq!(after.unwrap().data, data);
}

#[tokio::test]
async fn a_session_that_is_deleted_before_the_merge_is_gone() {
    let world = World::new();
    let store = world.store().await;
    let loaded: Loaded<BTreeMap<String, u32>> = loaded(&world, &store, json!({})).await;
    let mut shown = item(&json!({ "theirs": { "N": "1" } }));
    shown["sessionId"] = json!({ "S": "a" });
    let failed = json!({ "__type": "x#ConditionalCheckFailedException", "Item": shown });
    store.delete(&id("a")).await.unwrap();
    world.tap.calls();
    world.tap.script([Fate::Answer(400, failed)]);
    let written = store
        .save(&loaded, &wide(0..350, 1), &until(now() + MINUTE))
        .await;
    assert_eq!(written.unwrap(), SaveOutcome::Gone);
    assert_eq!(world.tap.operations(), ["UpdateItem"; 2]);
    assert_eq!(world.session("a"), None);
    assert_eq!(store.stats().conflicts, 1);
}

/// Text is one attribute, which is merged as well.
#[tokio::test]
async fn saves_of_text_keep_each_others_changes() {
    let world = World::new();
    let builder = world.builder().layout(Layout::ConnectDynamodb);
    let store = world.open(builder).await;
    let first = stored(&store, "a", json!({ "mine": 1, "both": 1, "gone": 1 })).await;
    let second = load(&store, "a").await;
    let until_later = until(now() + MINUTE);
    let data = json!({ "mine": 2, "both": 2 });
    let _ = saved(store.save(&first, &data, &until_later).await);
    let data = json!({ "mine": 1, "both": 3, "gone": 1, "newer": 3 });
    let _ = saved(store.save(&second, &data, &until_later).await);
    assert_eq!(
        load(&store, "a").await.data,
        json!({ "mine": 2, "both": 3, "newer": 3 })
    );
}

#[tokio::test]
async fn overwriting_saves_that_meet_leave_the_last_one_whole() {
    let world = World::new();
    let builder = world.builder().parallel_changes(ParallelChanges::Overwrite);
    let store = world.open(builder).await;
    let first = stored(&store, "a", json!({ "n": 1 })).await;
    let second = load(&store, "a").await;
    let until_later = until(now() + MINUTE);
    let _ = saved(
        store
            .save(&first, &json!({ "n": 1, "first": 1 }), &until_later)
            .await,
    );
    let stamp = saved(store.save(&second, &json!({ "n": 2 }), &until_later).await);
    assert_eq!(load(&store, "a").await.data, json!({ "n": 2 }));
    // What is stored is what the application sees.
    assert_ne!(stamp.version, Version::UNKNOWN);
}

#[tokio::test]
async fn names_that_are_invalid_in_expressions_can_be_fields() {
    let world = World::new();
    let store = world.store().await;
    let names = [
        "a.b", "a b", "session", "#e", ":e", "é\"\\", "size", "[0]", "SET", "length",
    ];
    let loaded: Loaded<Value> = loaded(&world, &store, json!({ "a": { "M": {} } })).await;
    let mut data: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(1)))
        .collect();
    data["a"] = json!({});
    let written = store
        .save(&loaded, &data, &until(now() + MINUTE))
        .await
        .unwrap();
    assert!(written.is_saved());
    let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(after.data, data);
    let written = store
        .save(&after, &json!({ "a": {} }), &until(now() + MINUTE))
        .await;
    assert!(written.unwrap().is_saved());
    let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(after.data, json!({ "a": {} }));
}

#[tokio::test]
async fn a_large_name_or_value_does_not_enlarge_the_expression() {
    let world = World::new();
    let store = world.store().await;
    let loaded: Loaded<Value> = loaded(&world, &store, json!({})).await;
    let name = "n".repeat(20_000);
    let data = loaded_as("a", json!({ name: "v".repeat(20_000) }), MINUTE).data;
    let written = store
        .save(&loaded, &data, &until(now() + MINUTE))
        .await
        .unwrap();
    assert!(written.is_saved());
    let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(after.data, data);
}
