use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Layout::{ConnectDynamodb, DynamodbStore, Session, TowerSessionsDynamodbStore};
use super::*;
use crate::item::data::sealed::{Decode, Encode};
use crate::item::expiry::ExpiryAttributes;
use crate::item::stored::Unreadable;
use crate::item::{ItemErrorKind, OwnKey, SessionText, Stored, StoredItem, read_response};

fn read_item<T: Decode>(layout: Layout, item: &Value) -> Result<StoredItem<T>, ItemErrorKind> {
    let answer = json!({ "Item": item }).to_string();
    let key = OwnKey {
        attribute: "sessionId",
        value: "a",
    };
    read_response(
        answer.as_bytes(),
        "Item",
        key,
        ExpiryAttributes::EXPIRES,
        layout,
    )
    .map(|item| item.expect("an item"))
    .map_err(|error| error.kind)
}

/// What is read of an item whose `sess` is this text.
fn read_text<T: Decode>(text: &str) -> Result<Stored<T>, ItemErrorKind> {
    let item = json!({ "sess": { "S": text }, "type": { "S": "connect-session" } });
    read_item(ConnectDynamodb, &item).map(|item| item.data)
}

fn write<T: Encode + ?Sized>(layout: Layout, session: &T) -> Result<Value, ItemErrorKind> {
    let mut out = b"before".to_vec();
    match layout.written_form().write(session, &mut out, None) {
        Ok(written) => {
            let attribute: Value = serde_json::from_slice(&out["before".len()..]).unwrap();
            if let Some(text) = attribute["S"].as_str() {
                assert_eq!(written.size, text.len());
            }
            Ok(attribute)
        }
        Err(error) => {
            assert_eq!(out, b"before", "a failed write leaves nothing behind");
            Err(error.kind)
        }
    }
}

fn json_text(text: &str) -> SessionText {
    SessionText::Json(text.to_owned())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Visit {
    user: String,
    views: u64,
    note: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Step {
    Page(u32),
    Paid { cents: u64 },
}

#[test]
fn a_session_that_is_text_is_one_string_of_json() {
    let text = r#"{"user":"a\"da","views":18446744073709551615,"note":null}"#;
    let visit = || Visit {
        user: "a\"da".to_owned(),
        views: u64::MAX,
        note: None,
    };
    let attribute = json!({ "S": text });
    assert_eq!(write(ConnectDynamodb, &visit()).unwrap(), attribute);
    assert_eq!(write(ConnectDynamodb, &json_text(text)).unwrap(), attribute);
    assert_eq!(read_text(text), Ok(Stored::Session(visit())));
    assert_eq!(read_text(text), Ok(Stored::Session(Some(visit()))));
    assert_eq!(read_text(text), Ok(Stored::Session(json_text(text))));
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(read_text(text), Ok(Stored::Session(value)));
}

#[test]
fn any_type_that_is_a_map_can_be_text() {
    fn round_trip<T: Encode + Decode + PartialEq + fmt::Debug>(session: T) {
        let attribute = write(ConnectDynamodb, &session).unwrap();
        let text = attribute["S"].as_str().unwrap();
        assert_eq!(read_text(text), Ok(Stored::Session(session)));
    }
    round_trip(BTreeMap::from([(1, "one".to_owned())]));
    round_trip(BTreeMap::<String, u8>::new());
    round_trip(Step::Page(7));
    round_trip(Step::Paid { cents: 1 });
}

#[test]
fn text_that_javascript_wrote_is_kept_to_the_letter() {
    for text in [
        r#" { "n" : 1.0, "n2": 1e2 } "#,
        r#"{"\ud800":"\udc00","😀":"\u00e4"}"#,
        r#"{"a":1,"a":2}"#,
    ] {
        let stored = Stored::Session(json_text(text));
        assert_eq!(read_text(text), Ok(stored), "{text}");
    }
    // As they are read from attribute values of our own layout.
    assert_eq!(
        read_text(r#"{"a":"\ud800","b":"\\ud800"}"#),
        Ok(Stored::Session(json!({ "a": "\u{fffd}", "b": "\\ud800" })))
    );
}

#[test]
fn text_that_is_no_json_object_is_no_session() {
    let not_a_map = Unreadable::NotAMap;
    for text in [
        "", "{", "{}}", "{} {}", "{a:1}", "[1]", "5", "null", r#""{}""#, "ada",
    ] {
        let read = read_text::<SessionText>(text);
        assert_eq!(read, Ok(Stored::Unreadable(not_a_map)), "{text}");
        let read = read_text::<Value>(text);
        assert_eq!(read, Ok(Stored::Unreadable(not_a_map)), "{text}");
    }
    for attribute in [json!({ "M": {} }), json!({ "N": "1" }), json!({})] {
        let item = read_item::<Value>(ConnectDynamodb, &json!({ "sess": attribute })).unwrap();
        assert_eq!(item.data, Stored::Unreadable(not_a_map), "{attribute}");
    }
    let ours = json!({ "session": { "M": {} } });
    let item = read_item::<Value>(ConnectDynamodb, &ours).unwrap();
    assert_eq!(item.data, Stored::Unreadable(Unreadable::Absent));
    // It is a session, but of another type.
    assert_eq!(
        read_text::<Visit>(r#"{"user":1}"#),
        Err(ItemErrorKind::Malformed)
    );
}

#[test]
fn text_is_no_deeper_than_what_can_be_read_and_written_again() {
    // The brackets in its strings do not count.
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        format!(r#"{{"{{[\"[\\":"[[","a":{open}{close}}}"#)
    };
    let (deep, too_deep) = (nested(127), nested(128));
    let value: Value = serde_json::from_str(&deep).unwrap();
    assert_eq!(read_text(&deep), Ok(Stored::Session(json_text(&deep))));
    assert_eq!(read_text(&deep), Ok(Stored::Session(value)));
    assert!(write(ConnectDynamodb, &json_text(&deep)).is_ok());
    let (text, value) = (
        read_text::<SessionText>(&too_deep),
        read_text::<Value>(&too_deep),
    );
    assert_eq!(text, Err(ItemErrorKind::Malformed));
    assert_eq!(value, Err(ItemErrorKind::Malformed));
    let written = write(ConnectDynamodb, &json_text(&too_deep));
    assert_eq!(written, Err(ItemErrorKind::TooDeep));
}

#[test]
fn what_would_not_be_read_as_a_session_again_is_not_written_as_text() {
    use ItemErrorKind::{NotAMap, Unserializable};
    assert_eq!(write(ConnectDynamodb, &[1]), Err(NotAMap));
    assert_eq!(write(ConnectDynamodb, &None::<u8>), Err(NotAMap));
    assert_eq!(write(ConnectDynamodb, r#"{"a":1}"#), Err(NotAMap));
    assert_eq!(write(ConnectDynamodb, &json_text("[1]")), Err(NotAMap));
    for text in ["", "{", r#"{"a":1}{}"#] {
        let session = json_text(text);
        assert_eq!(write(ConnectDynamodb, &session), Err(Unserializable));
    }
    let binary = SessionText::Attribute(r#"{"M":{"b":{"B":"AQ=="}}}"#.to_owned());
    assert_eq!(write(ConnectDynamodb, &binary), Err(Unserializable));
}

/// Data that are a map in our layout and bytes in the other package's.
#[derive(Debug, PartialEq)]
enum Tower {
    Fields(BTreeMap<String, u32>),
    Bytes(Vec<u8>),
}

impl<'de> Deserialize<'de> for Tower {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Tower;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map or bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Tower, E> {
                Ok(Tower::Bytes(bytes.to_vec()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Tower, A::Error> {
                let fields = serde::de::value::MapAccessDeserializer::new(map);
                BTreeMap::deserialize(fields).map(Tower::Fields)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[test]
fn an_item_without_session_is_read_from_where_another_package_keeps_it() {
    let ours = json!({ "M": { "n": { "N": "1" } } });
    let map = json!({ "M": { "n": { "N": "2" } } });
    let bytes = json!({ "B": "AQL/" });
    let fields = |n| Stored::Session(Tower::Fields(BTreeMap::from([("n".to_owned(), n)])));
    let absent = Stored::Unreadable(Unreadable::Absent);
    let not_a_map = Stored::Unreadable(Unreadable::NotAMap);
    let in_bytes = Stored::Session(Tower::Bytes(vec![1, 2, 255]));
    for (layout, item, data, is_foreign) in [
        (DynamodbStore, json!({ "sess": map }), fields(2), true),
        (
            DynamodbStore,
            json!({ "sess": map, "session": { "NULL": true } }),
            fields(2),
            true,
        ),
        (
            DynamodbStore,
            json!({ "sess": map, "session": ours }),
            fields(1),
            false,
        ),
        (
            DynamodbStore,
            json!({ "sess": { "S": "{}" } }),
            Stored::Unreadable(Unreadable::Absent),
            false,
        ),
        (
            DynamodbStore,
            json!({ "sess": { "S": "{}" }, "session": { "S": "" } }),
            not_a_map,
            false,
        ),
        (Session, json!({ "sess": map }), absent, false),
        (
            TowerSessionsDynamodbStore,
            json!({ "data": bytes }),
            in_bytes,
            true,
        ),
        (
            TowerSessionsDynamodbStore,
            json!({ "data": bytes, "session": ours }),
            fields(1),
            false,
        ),
        (
            TowerSessionsDynamodbStore,
            json!({ "data": map }),
            Stored::Unreadable(Unreadable::Absent),
            false,
        ),
    ] {
        let read = read_item::<Tower>(layout, &item).expect("an item");
        assert_eq!((read.data, read.is_foreign), (data, is_foreign), "{item}");
    }
}

#[test]
fn what_is_read_from_elsewhere_has_its_expiry_and_is_written_to_session() {
    let item = json!({ "data": { "B": "AQ==" }, "expires": { "N": "2" }, "created": { "N": "3" } });
    let read = read_item::<Tower>(TowerSessionsDynamodbStore, &item).unwrap();
    assert_eq!((read.expires_ms, read.created_ms), (Some(2000), Some(3)));
    for layout in [Session, DynamodbStore, TowerSessionsDynamodbStore] {
        let attribute = write(layout, &json!({ "n": 1 })).unwrap();
        assert_eq!(attribute, json!({ "M": { "n": { "N": "1" } } }));
        assert_eq!(layout.session_attribute(), "session");
    }
}
