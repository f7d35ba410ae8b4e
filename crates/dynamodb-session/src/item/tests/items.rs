//! Items as answers have them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

use crate::item::stored::Unreadable;
use crate::item::{Stored, read_response};

fn item<T: Decode>(item: &str) -> Result<StoredItem<T>, ItemError> {
    read_item(item.as_bytes())
}

#[test]
fn items() {
    let legacy = r#"{"session":{"M":{"a":{"N":"1"},"d":{"M":{}},"_expire":{"N":"1"},"_maxAge":{"N":"86400000"}}},"sessionId":{"S":"KID"},"expires":{"N":"1795424899"}}"#;
    let found = item::<SessionText>(legacy).unwrap();
    assert_eq!(
        found.data,
        Stored::Session(json_text(
            r#"{"a":1,"d":{},"_expire":1,"_maxAge":86400000}"#
        ))
    );
    assert_eq!(
        (found.expires_ms, found.created_ms),
        (Some(1_795_424_899_000), None)
    );
    let found = item::<BTreeMap<String, Value>>(legacy).unwrap();
    assert_eq!(
        found.data,
        Stored::Session(
            serde_json::from_str(r#"{"a":1,"d":{},"_expire":1,"_maxAge":86400000}"#).unwrap()
        )
    );

    let ours = r#"{"created":{"N":"1795338489828"},"rev":{"N":"1"},"x":{"M":{"session":{"S":"no"}}},"session":{"M":{"b":{"B":"AQ=="}}}}"#;
    let found = item::<SessionText>(ours).unwrap();
    assert_eq!(
        found.data,
        Stored::Session(attribute_text(r#"{"M":{"b":{"B":"AQ=="}}}"#))
    );
    assert_eq!(
        (found.expires_ms, found.created_ms),
        (None, Some(1_795_338_489_828))
    );

    for (session, expected) in [
        ("", Unreadable::Absent),
        (r#","session":{"NULL":true}"#, Unreadable::NotAMap),
        (r#","session":{"S":"str"}"#, Unreadable::NotAMap),
        (r#","session":{"N":"5"}"#, Unreadable::NotAMap),
        (r#","session":{"BOOL":false}"#, Unreadable::NotAMap),
        (r#","session":{"L":[{"M":{}}]}"#, Unreadable::NotAMap),
        (r#","session":{"SS":["x"]}"#, Unreadable::NotAMap),
        (r#","session":{}"#, Unreadable::NotAMap),
        (r#","session":{"X":1,"M":{}}"#, Unreadable::NotAMap),
    ] {
        let text = format!(r#"{{"sessionId":{{"S":"KID"}}{session},"expires":{{"N":"2"}}}}"#);
        let found = item::<SessionText>(&text).unwrap();
        assert_eq!(found.data, Stored::Unreadable(expected), "{text}");
        assert_eq!(found.expires_ms, Some(2000));
        assert_eq!(
            item::<Value>(&text).unwrap().data,
            Stored::Unreadable(expected),
            "{text}"
        );
    }
    for (binary, version) in [("AQL/", 1), ("/w==", 255), ("", 0)] {
        let error = item::<Value>(&format!(r#"{{"session":{{"B":"{binary}"}}}}"#)).unwrap_err();
        assert_eq!(error.kind, ItemErrorKind::UnsupportedVersion(version));
        assert!(
            error.to_string().contains(&format!("version {version},")),
            "{error}"
        );
    }
    for malformed in [
        "",
        "[]",
        "null",
        r#"{"session":5}"#,
        r#"{"session":{"B":"*"}}"#,
        r#"{"expires":5}"#,
        r#"{"expires":{"N":5}}"#,
        "{}{}",
    ] {
        assert_eq!(
            item::<Value>(malformed).unwrap_err().kind,
            ItemErrorKind::Malformed,
            "{malformed}"
        );
    }
}

#[test]
fn expiries_of_every_predecessor() {
    for (attribute, expires) in [
        (r#"{"N":"1795338490"}"#, Some(1_795_338_490_000)),
        (r#"{"N":"1795338490.46"}"#, Some(1_795_338_490_460)),
        (r#"{"N":"1795338490.499"}"#, Some(1_795_338_490_499)),
        (r#"{"N":"1795338490460"}"#, Some(1_795_338_490_460)),
        (r#"{"N":"100000000000"}"#, Some(100_000_000_000_000)),
        (r#"{"N":"0"}"#, Some(0)),
        (r#"{"N":"-5"}"#, Some(0)),
        (r#"{"N":"1E+125"}"#, Some(u64::MAX)),
        (r#"{"N":"NaN"}"#, None),
        (r#"{"N":"inf"}"#, None),
        (r#"{"S":"1795338490"}"#, None),
        (r#"{"NULL":true}"#, None),
        (r#"{"NS":["1"]}"#, None),
        ("{}", None),
    ] {
        let found = item::<Value>(&format!(
            r#"{{"expires":{attribute},"created":{attribute}}}"#
        ));
        // One of the values is read, the others are left, which must not stop the item.
        assert_eq!(found.unwrap().expires_ms, expires, "{attribute}");
    }
    for (created, expected) in [
        ("1795338489828", Some(1_795_338_489_828)),
        ("1.5", None),
        ("-1", None),
        ("x", None),
    ] {
        let found = item::<Value>(&format!(r#"{{"created":{{"N":"{created}"}}}}"#)).unwrap();
        assert_eq!(found.created_ms, expected, "{created}");
    }
}

#[test]
fn items_in_responses() {
    let response =
        br#"{"ConsumedCapacity":{"Item":1},"Item":{"session":{"M":{"a":{"B":""}}}},"More":[{}]}"#;
    let found = read_response::<SessionText>(
        response,
        "Item",
        KEY,
        ExpiryAttributes::EXPIRES,
        Layout::Session,
    )
    .unwrap()
    .unwrap();
    assert_eq!(
        found.data,
        Stored::Session(attribute_text(r#"{"M":{"a":{"B":""}}}"#))
    );
    assert!(
        read_response::<SessionText>(
            response,
            "Attributes",
            KEY,
            ExpiryAttributes::EXPIRES,
            Layout::Session
        )
        .unwrap()
        .is_none()
    );
    assert!(
        read_response::<SessionText>(
            b"{}",
            "Item",
            KEY,
            ExpiryAttributes::EXPIRES,
            Layout::Session
        )
        .unwrap()
        .is_none()
    );
    assert_eq!(
        read_response::<SessionText>(
            b"{",
            "Item",
            KEY,
            ExpiryAttributes::EXPIRES,
            Layout::Session
        )
        .unwrap_err()
        .kind,
        ItemErrorKind::Malformed
    );
}

#[test]
fn an_item_of_another_session_is_none_of_ours() {
    for (key, is_ours) in [
        (r#"{"S":"a\"b"}"#, true),
        (r#"{"S":"a\u0022b"}"#, true),
        (r#"{"S":"A\"b"}"#, false),
        (r#"{"S":"a\"b\ud800"}"#, false),
        (r#"{"N":"1"}"#, false),
        ("{}", false),
    ] {
        for item in [
            format!(r#"{{"sessionId":{key},"session":{{"M":{{}}}}}}"#),
            format!(r#"{{"session":{{"M":{{}}}},"sessionId":{key}}}"#),
        ] {
            let response = format!(r#"{{"Item":{item}}}"#);
            let found = read_response::<SessionText>(
                response.as_bytes(),
                "Item",
                KEY,
                ExpiryAttributes::EXPIRES,
                Layout::Session,
            );
            match found {
                Ok(found) => assert!(is_ours && found.is_some(), "{response}"),
                Err(error) => {
                    assert!(!is_ours, "{response}: {error}");
                    assert_eq!(error.kind, ItemErrorKind::OtherKey);
                    assert!(!error.to_string().contains("a\"b"));
                }
            }
        }
    }
}
