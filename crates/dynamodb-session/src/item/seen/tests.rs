use serde_json::{Value, json};

use super::*;
use crate::framework::{ExpiryField, Framework};
use crate::item::SessionText;

const KEY: OwnKey<'_> = OwnKey {
    attribute: "id",
    value: "a",
};

fn framework() -> Framework {
    Framework::new()
        .expiry_field(ExpiryField::with_instants("cookie", ["expires"]).with_durations(["age"]))
        .expiry_field(ExpiryField::setting("_maxAge"))
}

fn text(value: &Value) -> SessionText {
    SessionText::Json(value.to_string())
}

/// What the store makes of a stored item when a save goes from one session to the other.
fn merge(layout: Layout, item: &Value, from: &Value, to: &Value, unit: ExpiryUnit) -> Value {
    let answer = json!({ "Item": item }).to_string();
    let seen = Seen::read(answer.as_bytes(), KEY, ExpiryAttributes::EXPIRES, layout)
        .unwrap()
        .unwrap();
    let ours = EncodedSession::encode(layout.written_form(), &text(to), true).unwrap();
    let changes = ours
        .changes_since(&text(from), &framework())
        .unwrap()
        .unwrap();
    let merged = seen
        .stored_session("a", &Sealing::default(), layout.written_form())
        .unwrap()
        .with_changes(&ours, &changes, unit)
        .unwrap();
    serde_json::from_str(&merged).unwrap()
}

fn map(fields: &Value) -> Value {
    json!({ "id": { "S": "a" }, "session": { "M": fields } })
}

fn json_text(text: &str) -> Value {
    json!({ "id": { "S": "a" }, "type": { "S": "connect-session" }, "sess": { "S": text } })
}

#[test]
fn changes_are_put_on_the_stored_map_field_by_field() {
    let stored = map(&json!({
        "theirs": { "N": "7" }, "both": { "N": "7" }, "gone": { "N": "1" }, "big": { "N": "12345678901234567890123" },
    }));
    let from = json!({ "both": 1, "gone": 1, "theirs": 1, "same": 1 });
    let to = json!({ "both": 2, "theirs": 1, "same": 1, "new": { "a.b": [1] } });
    assert_eq!(
        merge(Layout::Session, &stored, &from, &to, ExpiryUnit::Ours),
        json!({ "M": {
            "theirs": { "N": "7" }, "both": { "N": "2" }, "big": { "N": "12345678901234567890123" },
            "new": { "M": { "a.b": { "L": [{ "N": "1" }] } } },
        } })
    );
}

#[test]
fn changes_are_put_on_the_stored_text_field_by_field() {
    let stored = json_text(r#"{"theirs":7.0,"both":7,"gone":1,"both":8,"name":"\ud800"}"#);
    let from = json!({ "both": 1, "gone": 1, "theirs": 1 });
    let to = json!({ "both": 2, "theirs": 1, "new": "é\"" });
    assert_eq!(
        merge(
            Layout::ConnectDynamodb,
            &stored,
            &from,
            &to,
            ExpiryUnit::Ours
        ),
        json!({ "S": r#"{"theirs":7.0,"both":2,"name":"\ud800","new":"é\""}"# })
    );
}

#[test]
fn the_expiry_unit_is_ours_or_the_stored_one_as_a_whole() {
    let fields = json!({ "cookie": { "M": { "expires": { "N": "9" } } }, "_maxAge": { "N": "9" } });
    let stored = map(&fields);
    let (from, to) = (json!({}), json!({ "cookie": { "expires": 5 }, "n": 1 }));
    let kept = merge(Layout::Session, &stored, &from, &to, ExpiryUnit::Stored);
    assert_eq!(
        kept,
        json!({ "M": { "cookie": fields["cookie"], "_maxAge": { "N": "9" }, "n": { "N": "1" } } })
    );
    let ours = merge(Layout::Session, &stored, &from, &to, ExpiryUnit::Ours);
    assert_eq!(
        ours,
        json!({ "M": { "cookie": { "M": { "expires": { "N": "5" } } }, "n": { "N": "1" } } })
    );
}

#[test]
fn settings_are_compared_without_their_instants_and_rounding() {
    let is_same = |layout, item: &Value, ours: &Value| {
        let answer = json!({ "Item": item }).to_string();
        let seen = Seen::read(answer.as_bytes(), KEY, ExpiryAttributes::EXPIRES, layout)
            .unwrap()
            .unwrap();
        let encoded = EncodedSession::encode(layout.written_form(), &text(ours), true).unwrap();
        let changes = encoded.changes_since(&text(ours), &framework());
        let changes = changes.unwrap().unwrap();
        seen.stored_session("a", &Sealing::default(), layout.written_form())
            .unwrap()
            .has_settings_of(&encoded, &changes, &framework())
            .unwrap()
    };
    let hours = json!(7_200_000);
    let cookie = |path: &str, expires: u32, age: &Value| json!({ "cookie": { "path": path, "expires": expires, "age": age } });
    let as_map = |path: &str| {
        map(&json!({ "cookie": { "M": {
            "path": { "S": path }, "expires": { "N": "1" }, "age": { "N": hours.to_string() },
        } } }))
    };
    let as_text = |path: &str| json_text(&cookie(path, 1, &hours).to_string());
    for (layout, of) in [
        (Layout::Session, &as_map as &dyn Fn(&str) -> Value),
        (Layout::ConnectDynamodb, &as_text),
    ] {
        let stored = of("/");
        for (ours, expected) in [
            (cookie("/", 2, &hours), true),
            (cookie("/a", 1, &hours), false),
            (json!({}), false),
            (cookie("/", 2, &json!(7_199_999)), true),
            (cookie("/", 2, &json!(7_200_099.9)), true),
            (cookie("/", 2, &json!(7_200_100)), false),
            (cookie("/", 2, &json!(7_199_900)), false),
            (cookie("/", 2, &json!("7200000")), false),
            (cookie("/", 2, &json!(null)), false),
            (json!({ "cookie": { "path": "/", "expires": 1 } }), false),
            (json!({ "cookie": 1 }), false),
        ] {
            assert_eq!(
                is_same(layout, &stored, &ours),
                expected,
                "{layout:?} {ours}"
            );
        }
        let mut more = cookie("/", 1, &hours);
        more["_maxAge"] = json!(5);
        assert!(!is_same(layout, &stored, &more), "{layout:?}");
    }
}

#[test]
fn attributes_that_are_not_this_packages_stay() {
    let item = json!({
        "id": { "S": "a" }, "expires": { "N": "1" }, "created": { "N": "1" }, "rev": { "N": "1" },
        "session": { "M": {} }, "sess": { "M": {} }, "user": { "S": "ada" },
    });
    let answer = json!({ "Item": item }).to_string();
    let seen = Seen::read(
        answer.as_bytes(),
        KEY,
        ExpiryAttributes::EXPIRES,
        Layout::DynamodbStore,
    )
    .unwrap()
    .unwrap();
    assert_eq!(
        seen.others("id", ExpiryAttributes::EXPIRES),
        [("user", r#"{"S":"ada"}"#)]
    );
    assert_eq!(seen.rev(), Some(r#"{"N":"1"}"#));
    assert_eq!(seen.session(), r#"{"M":{}}"#);
}
