//! Attributes beside the session.

use proptest::prelude::*;

use super::*;
use crate::item::{AttributeChange, MadeFrom, ValueJson, attribute_writes};

fn change(name: &str, value: Option<&str>, is_changed: bool) -> AttributeChange {
    AttributeChange {
        name: name.to_owned().into(),
        value: value.map(|text| ValueJson::string(text).unwrap()),
        is_changed,
    }
}

fn changes() -> [AttributeChange; 3] {
    [
        change("user \"id\"", Some("ada"), true),
        change("role", None, true),
        change("since", Some("then"), false),
    ]
}

#[test]
fn an_update_sets_and_removes_them() {
    let changes = changes();
    let writes = attribute_writes([(&changes[..], MadeFrom::Loaded)]);
    let beside = writes.as_slice();
    let head = ItemHead { beside, ..head() };
    let body = parse(&write_session(NAMES, head, PLAIN, Condition::Nothing));
    assert_eq!(
        body["UpdateExpression"],
        "SET #e = :e, #c = if_not_exists(#c, :c), #r = :r, #s = :s, #a0 = :a0, \
         #a2 = if_not_exists(#a2, :a2) REMOVE #a1"
    );
    let names = &body["ExpressionAttributeNames"];
    assert_eq!(
        [&names["#a0"], &names["#a1"], &names["#a2"]],
        ["user \"id\"", "role", "since"]
    );
    let values = &body["ExpressionAttributeValues"];
    assert_eq!(values[":a0"], json!({ "S": "ada" }));
    assert_eq!(values[":a2"], json!({ "S": "then" }));
    assert_eq!(values.get(":a1"), None);
}

#[test]
fn a_put_has_them_in_place_of_those_that_stay() {
    let changes = changes();
    let writes = attribute_writes([(&changes[..], MadeFrom::Loaded)]);
    let beside = writes.as_slice();
    let head = ItemHead { beside, ..head() };
    let others = [
        ("role", r#"{"S":"admin"}"#),
        ("since", r#"{"S":"ever"}"#),
        ("of", r#"{"S":"another"}"#),
    ];
    let body = put_item(NAMES, head, PLAIN, others.into_iter(), Condition::Nothing);
    let item = &parse(&body)["Item"];
    assert_eq!(item["user \"id\""], json!({ "S": "ada" }));
    assert_eq!(item.get("role"), None);
    assert_eq!(item["since"], json!({ "S": "ever" }));
    assert_eq!(item["of"], json!({ "S": "another" }));
}

/// The fields of an object as JSON has them, also those whose name is there twice.
fn names_in(json: &str, member: &str) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'de> serde::Deserialize<'de> for Names {
        fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            struct Fields;
            impl<'de> serde::de::Visitor<'de> for Fields {
                type Value = Names;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Names, A::Error> {
                    let mut names = Vec::new();
                    while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                        names.push(name);
                    }
                    Ok(Names(names))
                }
            }
            input.deserialize_map(Fields)
        }
    }
    let members: std::collections::HashMap<String, &serde_json::value::RawValue> =
        serde_json::from_str(json).unwrap();
    let Some(member) = members.get(member) else {
        return Vec::new();
    };
    serde_json::from_str::<Names>(member.get()).unwrap().0
}

fn assert_distinct(mut names: Vec<String>) {
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

/// A name, a value, and whether it is changed.
fn any_changes() -> impl Strategy<Value = Vec<(String, Option<String>, bool)>> {
    let one = ("[a-d]", prop::option::of("[a-z]{1,3}"), any::<bool>());
    prop::collection::vec(one, 0..5)
}

fn any_from() -> impl Strategy<Value = MadeFrom> {
    prop_oneof![
        Just(MadeFrom::Loaded),
        Just(MadeFrom::Other),
        Just(MadeFrom::Replaced)
    ]
}

proptest! {
    #[test]
    fn no_name_is_in_a_request_twice(
        calls in prop::collection::vec((any_changes(), any_from()), 0..4),
        others in prop::collection::btree_set("[a-f]", 0..5),
    ) {
        let calls: Vec<(Vec<AttributeChange>, MadeFrom)> = calls
            .into_iter()
            .map(|(changes, from)| {
                let changes = changes.iter();
                let changes = changes.map(|(name, value, is_changed)| change(name, value.as_deref(), *is_changed));
                (changes.collect(), from)
            })
            .collect();
        let writes = attribute_writes(calls.iter().map(|(changes, from)| (&**changes, *from)));
        let beside = writes.as_slice();
        let head = ItemHead { beside, ..head() };
        let kept = others.iter().map(|name| (&**name, EMPTY));
        for layout in Layout::ALL {
            let names = Names { layout, ..NAMES };
            let condition = session(Demands { not_after: Some(7), ..Demands::default() });
            let put = put_item(names, head, PLAIN, kept.clone(), condition);
            let put = str::from_utf8(&put).unwrap();
            let attributes = names_in(put, "Item");
            for change in calls.iter().flat_map(|(changes, _)| changes) {
                let is_set = writes.iter().any(|write| {
                    write.name == change.name && !matches!(write.action, AttributeAction::Remove)
                });
                let was_there = others.contains(&*change.name);
                let is_written = writes.iter().any(|write| write.name == change.name);
                prop_assert_eq!(
                    attributes.iter().any(|name| *name == change.name),
                    is_set || (was_there && !is_written)
                );
            }
            assert_distinct(attributes);
            let update = write_session(names, head, PLAIN, condition);
            let update = str::from_utf8(&update).unwrap();
            assert_distinct(names_in(update, "ExpressionAttributeNames"));
            assert_distinct(names_in(update, "ExpressionAttributeValues"));
            let names: serde_json::Value = serde_json::from_str(update).unwrap();
            let names = names["ExpressionAttributeNames"].as_object().unwrap();
            assert_distinct(names.values().map(|name| name.as_str().unwrap().to_owned()).collect());
        }
    }
}
