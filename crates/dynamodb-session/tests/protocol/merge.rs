//! Parallel requests do not overwrite each other: a save writes only the fields that the application changed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::{Loaded, SaveOutcome, SessionStore, SessionText};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::update::Update;
use crate::support::{
    Fate, MINUTE, World, id, loaded_as, now, refusal, secs, stamp, touch_until, until,
};

/// Stores a session with these fields, given as attribute values, and loads it.
async fn loaded<T: dynamodb_session::DecodeSession>(
    world: &World,
    store: &SessionStore,
    fields: Value,
) -> Loaded<T> {
    let item = json!({
        "session": { "M": fields }, "expires": { "N": secs(60) }, "created": { "N": "1800000000000" },
    });
    world.put_item("a", item);
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

fn fields_of(world: &World) -> Value {
    world.item("a").unwrap()["session"]["M"].clone()
}

/// The fields that a save of `text` writes over the `stored` ones.
async fn fields_written(stored: Value, text: SessionText) -> Vec<String> {
    let world = World::new();
    let store = world.store().await;
    let loaded: Loaded<SessionText> = loaded(&world, &store, stored).await;
    let written = store
        .save(&loaded, &text, &until(now() + MINUTE))
        .await
        .unwrap();
    assert_eq!(written, SaveOutcome::Saved(stamp(now(), MINUTE)));
    let update = update(&world);
    assert_eq!(update.attributes(), ["created", "expires"]);
    update.fields().into_iter().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn unchanged_fields_are_not_sent() {
    let world = World::new();
    let store = world.store().await;
    let fields = json!({ "n": { "N": "1" }, "o": { "M": { "x": { "L": [{ "S": "" }] } } } });
    let loaded: Loaded<Value> = loaded(&world, &store, fields.clone()).await;
    let written = store
        .save(&loaded, &loaded.data, &until(now() + 2 * MINUTE))
        .await;
    assert_eq!(
        written.unwrap(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    let update = update(&world);
    assert_eq!(update.fields(), [""; 0]);
    assert_eq!(
        update.0[&vec!["expires".to_owned()]],
        Some(json!({ "N": secs(120) }))
    );
    assert_eq!(fields_of(&world), fields);
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
    let mut record = first.with_data(json!({ "n": 2 }));
    let SaveOutcome::Saved(stamp) = store
        .save(&first, &record.data, &until(now() + MINUTE))
        .await
        .unwrap()
    else {
        panic!("it is there");
    };
    (record.created, record.expires_at) = (stamp.created, Some(stamp.expires_at));
    world.tap.calls();
    let data = json!({ "n": 2, "m": 3 });
    let written = store
        .save(&record, &data, &until(now() + MINUTE))
        .await
        .unwrap();
    assert!(written.is_saved());
    assert_eq!(update(&world).fields(), ["m"]);
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
    let field = |name: &str| &update.0[&vec!["session".to_owned(), name.to_owned()]];
    assert_eq!(field("user"), &None);
    assert_eq!(field("n"), &Some(json!({ "NULL": true })));
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
    let changed = Exact {
        big: record.data.big - 1,
        ..record.data
    };
    let written = store
        .save(&record, &changed, &until(now() + MINUTE))
        .await
        .unwrap();
    assert!(written.is_saved());
    assert_eq!(update(&world).fields(), ["big"]);
    assert_eq!(fields_of(&world)["big"], json!({ "N": "9007199254740992" }));
    // An unchanged number keeps its digits too.
    assert_eq!(
        fields_of(&world)["ratio"],
        json!({ "N": "0.10000000000000000555" })
    );
    record.data = changed;
    let _ = store
        .save(&record, &record.data, &until(now() + MINUTE))
        .await
        .unwrap();
    assert_eq!(update(&world).fields(), [""; 0]);
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
    for (data, fields) in [
        // Sessions without and with changes.
        (
            json!({ "_expire": 1, "cookie": { "path": "/" }, "n": 1 }),
            vec!["_expire", "_session", "cookie"],
        ),
        (
            json!({ "_session": true, "n": 2 }),
            vec!["_expire", "_session", "cookie", "n"],
        ),
        (
            json!({ "cookie": { "path": "/a", "expires": 3 } }),
            vec!["_expire", "_session", "cookie", "n"],
        ),
    ] {
        let loaded: Loaded<Value> = loaded(&world, &store, stored.clone()).await;
        let written = store
            .save(&loaded, &data, &until(now() + MINUTE).framework(&FIELDS))
            .await;
        assert!(written.unwrap().is_saved());
        let update = update(&world);
        assert_eq!(update.fields(), fields, "{data}");
        assert_eq!(update.attributes(), ["created", "expires"]);
        for field in ["_expire", "_session", "cookie"] {
            let path = vec!["session".to_owned(), field.to_owned()];
            assert_eq!(
                update.0[&path].is_some(),
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
        written.unwrap(),
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
async fn many_changes_take_several_updates_each_with_the_condition() {
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
    assert_eq!(written, SaveOutcome::Saved(stamp(now(), 2 * MINUTE)));
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 3);
    let condition = &calls[0].1["ConditionExpression"];
    let mut written = 0;
    for (number, (operation, body)) in calls.iter().enumerate() {
        assert_eq!(*operation, "UpdateItem");
        assert_eq!(body["ConditionExpression"], *condition);
        assert!(condition.as_str().unwrap().contains("attribute_exists"));
        assert_eq!(
            body["ExpressionAttributeValues"][":loaded"],
            json!({ "N": "1800000000000" })
        );
        assert!(body["UpdateExpression"].as_str().unwrap().len() <= 4096);
        let update = Update::of(body);
        assert!(update.fields().len() <= 100);
        written += update.fields().len();
        assert_eq!(update.attributes().contains(&"expires"), number == 0);
        // The removals make room for the new fields.
        let removes = update.0.values().any(Option::is_none);
        assert_eq!(removes, number == 0);
    }
    assert_eq!(written, 250);
    let after = store.load::<BTreeMap<String, u32>>(&id("a")).await.unwrap();
    assert_eq!(after.unwrap().data, data);
}

#[tokio::test]
async fn a_session_that_is_deleted_between_the_updates_is_gone() {
    let world = World::new();
    let store = world.store().await;
    let loaded: Loaded<BTreeMap<String, u32>> = loaded(&world, &store, json!({})).await;
    let gone = refusal(
        "ConditionalCheckFailedException",
        "The conditional request failed",
    );
    world.tap.script([Fate::Pass, gone]);
    let written = store
        .save(&loaded, &wide(0..350, 1), &until(now() + MINUTE))
        .await;
    assert_eq!(written.unwrap(), SaveOutcome::Gone);
    assert_eq!(world.tap.operations(), ["UpdateItem"; 2]);
    assert_eq!(store.stats().conflicts, 1);
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
