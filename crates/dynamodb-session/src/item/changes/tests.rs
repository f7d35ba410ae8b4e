use proptest::prelude::*;
use serde::Serialize;
use serde_json::json;
use std::sync::LazyLock;

use super::*;
use crate::item::{ItemErrorKind, Layout, SessionText, item_size, write_str_attribute};

/// Fields of every kind that a framework may have.
static FIELDS: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::with_instants("cookie", ["expires", "at"]))
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
        .not_carried(["lost"])
});

fn map(fields: &str) -> SessionText {
    SessionText::Attribute(format!(r#"{{"M":{{{fields}}}}}"#))
}

/// A session without fields.
fn empty() -> SessionText {
    map("")
}

/// Session data that came as JSON text.
fn session(json: &Value) -> SessionText {
    SessionText::Json(json.to_string())
}

/// An attribute value, and where its fields are.
type Attribute = (Vec<u8>, Vec<FieldAt>);

fn attribute<T: Encode>(session: &T) -> Attribute {
    let (mut out, mut fields) = (Vec::new(), Vec::new());
    write_fields(session, &mut out, &mut fields).unwrap();
    (out, fields)
}

fn since<'a, T: Encode>(
    base: &T,
    now: &'a Attribute,
    fields: &Framework,
    as_doubles: bool,
) -> Changes<'a> {
    Changes::since(base, &now.0, &now.1, fields, as_doubles).unwrap()
}

/// The fields that are set, with their values, and the names of those removed.
fn written(changes: &Changes<'_>) -> (String, String) {
    let set: Vec<_> = changes
        .set
        .iter()
        .map(|(name, value)| format!("{}={value}", plain(name)))
        .collect();
    let removed: Vec<_> = changes.removed.iter().map(|name| plain(name)).collect();
    (set.join(" "), removed.join(" "))
}

fn is_change(before: &str, now: &str, as_doubles: bool) -> bool {
    let (before, now) = (
        map(&format!(r#""f":{before}"#)),
        map(&format!(r#""f":{now}"#)),
    );
    let now_written = attribute(&now);
    let changes = since(&before, &now_written, &Framework::new(), as_doubles);
    assert!(changes.removed.is_empty() && changes.expiry.is_empty());
    assert_eq!(changes.moves_expiry_only(), changes.set.is_empty());
    !changes.set.is_empty()
}

#[test]
fn values_that_say_the_same_are_no_change() {
    for value in [
        r#"{"S":"a"}"#,
        r#"{"N":"1"}"#,
        r#"{"B":"AQ=="}"#,
        r#"{"BOOL":true}"#,
        r#"{"NULL":true}"#,
        r#"{"M":{}}"#,
        r#"{"L":[]}"#,
        r#"{"SS":["a","b"]}"#,
        r#"{"NS":["1","2"]}"#,
        r#"{"BS":["AQ=="]}"#,
    ] {
        for as_doubles in [true, false] {
            assert!(!is_change(value, value, as_doubles), "{value}");
        }
    }
    for (one, other) in [
        (
            r#"{"M":{"a":{"S":"x"},"b":{"M":{"c":{"BOOL":true},"d":{"L":[]}}}}}"#,
            r#"{"M":{"b":{"M":{"d":{"L":[]},"c":{"BOOL":true}}},"a":{"S":"x"}}}"#,
        ),
        (
            r#"{"L":[{"M":{"a":{"B":"AQ=="},"b":{"SS":["x"]}}}]}"#,
            r#"{"L":[{"M":{"b":{"SS":["x"]},"a":{"B":"AQ=="}}}]}"#,
        ),
        (r#"{"S":"\u00e4\/"}"#, r#"{"S":"ä/"}"#),
        (r#"{"M":{"\u0061":{"S":""}}}"#, r#"{"M":{"a":{"S":""}}}"#),
        // A field name that serde_json keeps for itself.
        (
            r#"{"M":{"$serde_json::private::RawValue":{"N":"1"},"a":{"N":"1"}}}"#,
            r#"{"M":{"a":{"N":"1"},"$serde_json::private::RawValue":{"N":"1"}}}"#,
        ),
    ] {
        for as_doubles in [true, false] {
            assert!(!is_change(one, other, as_doubles), "{one}");
            assert!(!is_change(other, one, as_doubles), "{one}");
        }
    }
}

#[test]
fn values_that_say_something_else_are_a_change() {
    for (one, other) in [
        (r#"{"S":"a"}"#, r#"{"S":"A"}"#),
        (r#"{"S":"1"}"#, r#"{"N":"1"}"#),
        (r#"{"S":"AQ=="}"#, r#"{"B":"AQ=="}"#),
        (r#"{"N":"1"}"#, r#"{"N":"-1"}"#),
        (r#"{"N":"0"}"#, r#"{"NULL":true}"#),
        (r#"{"B":"AQ=="}"#, r#"{"B":"AQI="}"#),
        (r#"{"BOOL":true}"#, r#"{"BOOL":false}"#),
        (r#"{"NULL":true}"#, r#"{"BOOL":false}"#),
        (r#"{"M":{}}"#, r#"{"L":[]}"#),
        (r#"{"M":{}}"#, r#"{"M":{"a":{"NULL":true}}}"#),
        (
            r#"{"M":{"a":{"NULL":true}}}"#,
            r#"{"M":{"b":{"NULL":true}}}"#,
        ),
        (
            r#"{"M":{"a":{"M":{"b":{"N":"1"}}}}}"#,
            r#"{"M":{"a":{"M":{"b":{"N":"2"}}}}}"#,
        ),
        (r#"{"L":[{"N":"1"}]}"#, r#"{"L":[{"N":"1"},{"N":"1"}]}"#),
        (
            r#"{"L":[{"N":"1"},{"N":"2"}]}"#,
            r#"{"L":[{"N":"2"},{"N":"1"}]}"#,
        ),
        (r#"{"L":[{"S":"a"}]}"#, r#"{"SS":["a"]}"#),
        (r#"{"SS":["a","b"]}"#, r#"{"SS":["a"]}"#),
        (r#"{"SS":["1"]}"#, r#"{"NS":["1"]}"#),
        (r#"{"NS":["1","2"]}"#, r#"{"NS":["1","3"]}"#),
        (r#"{"BS":["AQ=="]}"#, r#"{"BS":["AQI="]}"#),
        (
            r#"{"M":{"$serde_json::private::RawValue":{"N":"1"}}}"#,
            r#"{"M":{"$serde_json::private::RawValue":{"S":"{}"}}}"#,
        ),
    ] {
        for as_doubles in [true, false] {
            assert!(is_change(one, other, as_doubles), "{one} {other}");
            assert!(is_change(other, one, as_doubles), "{one} {other}");
        }
    }
}

#[test]
fn numbers_are_compared_as_their_language_knows_them() {
    for (one, other) in [
        ("1", "1.0"),
        ("100", "1e2"),
        ("0.1", "0.10000000000000000555"),
        ("9007199254740992", "9007199254740993"),
    ] {
        for form in [
            r#"{"N":"_"}"#,
            r#"{"NS":["_"]}"#,
            r#"{"L":[{"M":{"a":{"N":"_"}}}]}"#,
        ] {
            let (one, other) = (form.replace('_', one), form.replace('_', other));
            assert!(!is_change(&one, &other, true), "{one} {other}");
            assert!(is_change(&one, &other, false), "{one} {other}");
        }
    }
    assert!(is_change(
        r#"{"N":"9007199254740992"}"#,
        r#"{"N":"9007199254740994"}"#,
        true
    ));
}

#[test]
fn fields_that_differ_are_set_and_those_that_are_missing_removed() {
    let base = map(r#""z":{"N":"1"},"same":{"S":"x"},"y":{"N":"1"},"gone":{"NULL":true}"#);
    let now = map(r#""new":{"NULL":true},"y":{"N":"2"},"same":{"S":"x"},"b\"":{"B":"AQ=="}"#);
    let now_written = attribute(&now);
    let changes = since(&base, &now_written, &Framework::new(), true);
    let set = r#"new={"NULL":true} y={"N":"2"} b"={"B":"AQ=="}"#;
    assert_eq!(written(&changes), (set.to_owned(), "z gone".to_owned()));
    assert!(!changes.moves_expiry_only());

    let now_written = attribute(&empty());
    let removes = since(&base, &now_written, &Framework::new(), true);
    assert_eq!(
        written(&removes),
        (String::new(), "z same y gone".to_owned())
    );
    assert!(!removes.moves_expiry_only());
}

#[test]
fn what_a_type_leaves_out_is_removed_and_null_is_a_value() {
    #[derive(Serialize)]
    struct Cart {
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
        null: Option<u8>,
    }
    let cart = |value| Cart {
        left_out: value,
        null: value,
    };
    let (some, none) = (cart(Some(1)), cart(None));
    let now_written = attribute(&none);
    let changes = since(&some, &now_written, &Framework::new(), false);
    let set = r#"null={"NULL":true}"#.to_owned();
    assert_eq!(written(&changes), (set, "left_out".to_owned()));
    let now_written = attribute(&some);
    let changes = since(&none, &now_written, &Framework::new(), false);
    let set = r#"left_out={"N":"1"} null={"N":"1"}"#.to_owned();
    assert_eq!(written(&changes), (set, String::new()));
}

#[test]
fn the_expiry_unit_is_always_whole_and_no_change() {
    let base = session(&json!({ "cookie": { "expires": 1 }, "_expire": 1, "n": 1 }));
    let now = session(&json!({ "_maxAge": 5, "cookie": { "expires": 2 }, "n": 1 }));
    let now_written = attribute(&now);
    let changes = since(&base, &now_written, &FIELDS, true);
    assert_eq!(written(&changes), (String::new(), String::new()));
    let unit: Vec<_> = changes
        .expiry
        .iter()
        .map(|(name, value)| (plain(name).into_owned(), value.as_deref()))
        .collect();
    assert_eq!(
        unit,
        [
            ("cookie".to_owned(), Some(r#"{"M":{"expires":{"N":"2"}}}"#)),
            ("_expire".to_owned(), None),
            ("_maxAge".to_owned(), Some(r#"{"N":"5"}"#)),
        ]
    );
    let more = session(&json!({ "more": 1 }));
    let now_written = attribute(&more);
    let changes = since(&base, &now_written, &FIELDS, true);
    let set = r#"more={"N":"1"}"#.to_owned();
    assert_eq!(written(&changes), (set, "n".to_owned()));
    let of_expiry = changes.of_expiry();
    assert_eq!(written(&of_expiry), (String::new(), String::new()));
    assert_eq!(of_expiry.expiry.len(), 3);
}

#[test]
fn moving_nothing_but_instants_is_a_touch() {
    let base =
        json!({ "cookie": { "expires": 1, "path": "/" }, "_expire": 1, "_maxAge": 9, "n": 1 });
    let with = |name: &str, value: Option<Value>| {
        let mut changed = base.clone();
        let fields = changed.as_object_mut().unwrap();
        fields.remove(name);
        fields.extend(value.map(|value| (name.to_owned(), value)));
        changed
    };
    for (now, is_touch) in [
        (base.clone(), true),
        (with("_expire", Some(json!(2))), true),
        (
            with("cookie", Some(json!({ "path": "/", "expires": 2 }))),
            true,
        ),
        // An instant that is not there is one that says nothing.
        (with("cookie", Some(json!({ "path": "/" }))), true),
        (with("cookie", Some(json!({ "path": "/", "at": 3 }))), true),
        (
            with("cookie", Some(json!({ "path": "/a", "expires": 1 }))),
            false,
        ),
        (
            with(
                "cookie",
                Some(json!({ "expires": 1, "path": "/", "secure": true })),
            ),
            false,
        ),
        (with("cookie", Some(json!(1))), false),
        (with("cookie", None), false),
        (with("_expire", None), false),
        (with("_maxAge", Some(json!(9.0))), true),
        (with("_maxAge", Some(json!(8))), false),
        (with("_maxAge", None), false),
        (with("n", Some(json!(2))), false),
        (with("n", None), false),
        (with("new", Some(json!(null))), false),
    ] {
        let (before, after) = (session(&base), session(&now));
        let now_written = attribute(&after);
        let changes = since(&before, &now_written, &FIELDS, true);
        assert_eq!(changes.moves_expiry_only(), is_touch, "{now}");
    }
}

#[test]
fn a_field_that_cannot_be_carried_is_not_removed_for_being_missing() {
    let base = session(&json!({ "lost": 1, "kept": 1 }));
    let now_written = attribute(&empty());
    let changes = since(&base, &now_written, &FIELDS, true);
    assert_eq!(written(&changes), (String::new(), "kept".to_owned()));
    let lost = session(&json!({ "lost": 1 }));
    let now_written = attribute(&empty());
    let changes = since(&lost, &now_written, &FIELDS, true);
    assert!(changes.moves_expiry_only());
    // But what is there is written like any other.
    let now = session(&json!({ "lost": 2 }));
    let now_written = attribute(&now);
    let changes = since(&lost, &now_written, &FIELDS, true);
    let set = r#"lost={"N":"2"}"#.to_owned();
    assert_eq!(written(&changes), (set, String::new()));
}

#[test]
fn what_was_loaded_is_compared_though_dynamodb_would_refuse_it() {
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    let loaded = json!({ "": 1, "deep": deep, "n": 1 });
    let base = session(&loaded);
    assert_eq!(attribute(&base).0, attribute(&loaded).0);
    let now = session(&json!({ "n": 1 }));
    let now_written = attribute(&now);
    let changes = since(&base, &now_written, &Framework::new(), true);
    assert_eq!(written(&changes), (String::new(), " deep".to_owned()));
}

/// JSON text, as another package stores it, can be deeper than what `serde_json` reads.
#[test]
fn depth_is_no_obstacle() {
    let deep = |end: &str| {
        let levels = 120;
        let json = format!("{}{end}{}", "[".repeat(levels), "]".repeat(levels));
        let text = format!(r#"{{"deep":{json},"cookie":{{"deep":{json}}}}}"#);
        SessionText::Json(text)
    };
    let (one, two, same) = (deep("1"), deep("2"), deep("1.0"));
    let now_written = attribute(&two);
    let changes = since(&one, &now_written, &FIELDS, true);
    assert_eq!(changes.set.len(), 1);
    assert!(!changes.keeps_settings);
    let now_written = attribute(&same);
    let changes = since(&one, &now_written, &FIELDS, true);
    assert!(changes.moves_expiry_only());
}

#[test]
fn only_maps_are_compared() {
    let (now, fields) = attribute(&empty());
    for malformed in ["", "{}", r#"{"S":"the-data"}"#, r#"{"M":{"a":1}"#] {
        let base = SessionText::Attribute(malformed.to_owned());
        let error = Changes::since(&base, &now, &fields, &Framework::new(), true)
            .map(|_| malformed)
            .unwrap_err();
        assert!(!error.to_string().contains("the-data"), "{error}");
    }
    let error = Changes::since(&[1], &now, &fields, &Framework::new(), true).map(|_| ());
    assert_eq!(error.unwrap_err().kind, ItemErrorKind::NotAMap);
}

/// The fields of a variant are those of a map, and so is what an enum of one is written as.
#[test]
fn a_variant_is_the_field_that_holds_it() {
    #[derive(Serialize)]
    enum Visit {
        Guest(u8),
        Member { name: &'static str, visits: u8 },
    }
    let member = |visits| Visit::Member {
        name: "Ada",
        visits,
    };
    let now = attribute(&member(2));
    assert!(since(&member(2), &now, &Framework::new(), false).is_of_expiry());
    let set = r#"Member={"M":{"name":{"S":"Ada"},"visits":{"N":"2"}}}"#.to_owned();
    let one = since(&member(1), &now, &Framework::new(), false);
    assert_eq!(written(&one), (set.clone(), String::new()));
    let other = since(&Visit::Guest(1), &now, &Framework::new(), false);
    assert_eq!(written(&other), (set, "Guest".to_owned()));
}

/// A save is compared field by field whatever order each side has, and however large one is.
#[test]
fn fields_are_found_in_any_order() {
    let count = 40;
    let names: Vec<_> = (0..count).map(|n| format!("field \"{n}\"")).collect();
    let of = |order: Vec<usize>| {
        let fields = order.iter().map(|n| {
            let name = serde_json::to_string(&names[*n]).unwrap();
            format!(r#"{name}:{{"N":"{n}"}}"#)
        });
        map(&fields.collect::<Vec<_>>().join(","))
    };
    let forward = attribute(&of((0..count).collect()));
    for order in [
        (0..count).collect::<Vec<_>>(),
        (0..count).rev().collect(),
        (0..count).map(|n| n * 7 % count).collect(),
    ] {
        assert!(since(&of(order), &forward, &Framework::new(), true).is_of_expiry());
    }
    let without = since(
        &of((0..count - 1).collect()),
        &forward,
        &Framework::new(),
        true,
    );
    assert_eq!(without.set.len(), 1);
}

/// What `DynamoDB` makes of a write.
fn apply(base: &Attribute, changes: &Changes<'_>) -> Value {
    let mut item: Value = serde_json::from_slice(&base.0).unwrap();
    let fields = item["M"].as_object_mut().unwrap();
    for name in &changes.removed {
        fields
            .remove(plain(name).as_ref())
            .expect("a field to remove");
    }
    for (name, value) in &changes.set {
        fields.insert(plain(name).into_owned(), parse(value).unwrap());
    }
    item
}

fn any_session() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        (0..3).prop_map(|n| json!(n)),
        (0..3).prop_map(|n| json!({ "in": [n, "x"] })),
    ];
    prop::collection::btree_map("[a-d]", value, 0..5).prop_map(|fields| json!(fields))
}

proptest! {
    #[test]
    fn the_changes_make_the_session_of_what_was_loaded(before in any_session(), now in any_session()) {
        let (before, now) = (session(&before), session(&now));
        let now_written = attribute(&now);
    let changes = since(&before, &now_written, &Framework::new(), true);
        prop_assert_eq!(changes.moves_expiry_only(), before == now);
        let now: Value = serde_json::from_slice(&now_written.0).unwrap();
        prop_assert_eq!(apply(&attribute(&before), &changes), now);
    }
}

#[test]
fn an_item_weighs_what_its_writing_did() {
    let data = json!({
        "text": "ä", "numbers": [0, 1, -1.5, 1e100, 123_456_789], "flags": [true, null], "map": { "a": {} },
    });
    let sets = r#"{"M":{"b":{"B":"AQL/"},"ss":{"SS":["ab","c"]},"ns":{"NS":["1","23"]},"bs":{"BS":["AQ=="]}}}"#;
    for session in [
        SessionText::Json(data.to_string()),
        SessionText::Attribute(sets.to_owned()),
        SessionText::Json("{}".to_owned()),
    ] {
        let mut attribute = Vec::new();
        let weight = Layout::Session
            .written_form()
            .write(&session, &mut attribute, None)
            .unwrap();
        let attribute: Value = serde_json::from_slice(&attribute).unwrap();
        let size = item_size([
            ("id", write_str_attribute("ä", &mut Vec::new())),
            // One byte for two digits, and one.
            ("expires", 3),
            ("session", weight.size),
        ]);
        let item = json!({ "id": { "S": "ä" }, "expires": { "N": "1770" }, "session": attribute });
        let answer = json!({ "__type": "x", "Item": item }).to_string();
        assert_eq!(size_of_item(answer.as_bytes()), Some(size), "{session:?}");
    }
}

#[test]
fn an_answer_without_an_item_has_no_size() {
    for answer in [
        "",
        "{}",
        r#"{"__type":"x#ConditionalCheckFailedException","message":"Item"}"#,
        r#"{"Item":5}"#,
        r#"{"Item":{"a":{"X":"1"}}}"#,
    ] {
        assert_eq!(size_of_item(answer.as_bytes()), None, "{answer}");
    }
    assert_eq!(size_of_item(br#"{"Item":{}}"#), Some(0));
}
