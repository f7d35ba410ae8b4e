use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::framework::ExpiryField;
use crate::item::expiry::ExpiryAttributes;
use crate::item::{Layout, OwnKey, SessionText, StateName, Stored, StoredItem, read_response};
use crate::options::EncryptionMode;
use crate::seal::{DataKeys, KeySource, Keys};

const CREATED_MS: u64 = 1_800_000_000_000;
const EXPIRES_SECS: u64 = 1_800_000_060;

const PLACE: Place<'static> = Place {
    context: "shop:",
    key: "shop:a",
    created_ms: CREATED_MS,
    expires_secs: EXPIRES_SECS,
};

fn sealing(keys: &[(&str, u8)]) -> Sealing {
    let keys = keys
        .iter()
        .map(|(id, byte)| EncryptionKey::new(id, &[*byte; 32]).unwrap());
    let ring = KeyRing::new(keys.collect()).unwrap();
    Sealing {
        keys: Some(Keys::new(KeySource::List(ring))),
        context: "shop:".to_owned(),
        ..Sealing::default()
    }
}

fn koa() -> Framework {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
}

const VALUE: &str = r#"{"M":{"a":{"S":"x"},"_expire":{"N":"1"},"b":{"L":[]},"_maxAge":{"N":"2"}}}"#;

const OTHERS: Others = Others {
    plain: 60,
    sealed: 100,
};

fn sealed(value: &str, sealing: &Sealing, rev: Rev) -> Option<SealedSession> {
    seal_session(value, &koa(), &PLACE, rev, sealing, OTHERS).unwrap()
}

/// The item as an answer has it.
fn item(sealed: &SealedSession, rev: Rev) -> Value {
    json!({
        "id": { "S": "shop:a" },
        "session": { "M": { "_expire": { "N": "1" } } },
        "created": { "N": CREATED_MS.to_string() },
        "expires": { "N": EXPIRES_SECS.to_string() },
        "rev": { "B": rev.to_base64() },
        "sealed": { "B": sealed.session },
        "unit": { "B": sealed.unit },
    })
}

fn opened(item: &Value, key: &str, sealing: &Sealing) -> Result<SessionText, ItemErrorKind> {
    let answer = json!({ "Item": item }).to_string();
    let own = OwnKey {
        attribute: "id",
        value: key,
    };
    let item: StoredItem<SessionText> = read_response(
        answer.as_bytes(),
        "Item",
        own,
        ExpiryAttributes::EXPIRES,
        Layout::Session,
    )
    .map_err(|error| error.kind)?
    .unwrap();
    match item.open(key, sealing).map_err(|error| error.kind)?.data {
        Stored::Session(data) => Ok(data),
        Stored::Unreadable(_) => panic!("a session that can neither be read nor is an error"),
    }
}

fn json(text: &str) -> SessionText {
    SessionText::Json(text.to_owned())
}

#[test]
fn the_expiry_unit_is_split_off_and_joined_again() {
    let (session, unit) = split(VALUE, &koa());
    assert_eq!(session, r#"{"M":{"a":{"S":"x"},"b":{"L":[]}}}"#);
    let unit = unit.unwrap();
    assert_eq!(unit, r#"{"M":{"_expire":{"N":"1"},"_maxAge":{"N":"2"}}}"#);
    let whole = r#"{"M":{"a":{"S":"x"},"b":{"L":[]},"_expire":{"N":"1"},"_maxAge":{"N":"2"}}}"#;
    assert_eq!(joined(session.into_owned(), &unit).unwrap(), whole);
    assert_eq!(joined(EMPTY_MAP.to_owned(), &unit).unwrap(), unit);
    assert_eq!(joined(VALUE.to_owned(), EMPTY_MAP).unwrap(), VALUE);
    for value in [
        EMPTY_MAP,
        r#"{"S":"{\"_expire\":1}"}"#,
        r#"{"M":{"a":{"N":"1"}}}"#,
    ] {
        assert_eq!(split(value, &koa()), (Cow::Borrowed(value), None));
    }
    assert_eq!(
        split(VALUE, &Framework::new()),
        (Cow::Borrowed(VALUE), None)
    );
}

#[test]
fn a_sealed_item_is_read_with_its_keys_alone() {
    let rev = Rev::new(StateName::random());
    let sealed = sealed(VALUE, &sealing(&[("k1", 1)]), rev).unwrap();
    assert_eq!((sealed.seal, sealed.has_unit), (Seal::Encrypted, true));
    let item = item(&sealed, rev);
    let expected = json(r#"{"a":"x","b":[],"_expire":1,"_maxAge":2}"#);
    for keys in [&[("k1", 1)][..], &[("k2", 2), ("k1", 1)]] {
        assert_eq!(
            opened(&item, "shop:a", &sealing(keys)),
            Ok(expected.clone())
        );
    }
    let unknown = Err(ItemErrorKind::UnknownKey);
    assert_eq!(opened(&item, "shop:a", &sealing(&[("k2", 1)])), unknown);
    assert_eq!(opened(&item, "shop:a", &Sealing::default()), unknown);
    let damaged = Err(ItemErrorKind::Damaged);
    assert_eq!(opened(&item, "shop:a", &sealing(&[("k1", 2)])), damaged);
}

#[test]
fn whatever_is_changed_in_an_item_is_found() {
    let with = sealing(&[("k1", 1)]);
    let rev = Rev::new(StateName::random());
    let sealed = sealed(VALUE, &with, rev).unwrap();
    let whole = item(&sealed, rev);
    let changed = |attribute: &str, value: Value| {
        let mut item = whole.clone();
        item[attribute] = value;
        opened(&item, "shop:a", &with)
    };
    for attribute in ["sealed", "unit"] {
        let bytes = STANDARD
            .decode(whole[attribute]["B"].as_str().unwrap())
            .unwrap();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let result = changed(attribute, json!({ "B": STANDARD.encode(bytes) }));
            assert!(result.is_err(), "{attribute}, byte {at}: {result:?}");
        }
        for end in 0..bytes.len() {
            let value = json!({ "B": STANDARD.encode(&bytes[..end]) });
            assert!(
                changed(attribute, value).is_err(),
                "{attribute}, {end} bytes"
            );
        }
    }
    let other_rev = Rev::new(StateName::random()).to_base64();
    let damaged = Err(ItemErrorKind::Damaged);
    for (attribute, value) in [
        ("created", json!({ "N": (CREATED_MS + 1).to_string() })),
        ("created", json!({ "S": CREATED_MS.to_string() })),
        ("expires", json!({ "N": (EXPIRES_SECS + 1).to_string() })),
        ("rev", json!({ "B": other_rev })),
        ("rev", json!({ "S": "x" })),
        ("unit", json!({ "B": "AQB7Ik0iOnt9fQ==" })),
        ("unit", json!(null)),
        ("unit", json!({ "B": sealed.session })),
        ("sealed", json!({ "B": sealed.unit })),
    ] {
        let mut item = whole.clone();
        if value.is_null() {
            item.as_object_mut().unwrap().remove(attribute);
        } else {
            item[attribute] = value;
        }
        assert_eq!(opened(&item, "shop:a", &with), damaged, "{item}");
    }
    let mut moved = whole.clone();
    moved["id"] = json!({ "S": "shop:b" });
    assert_eq!(opened(&moved, "shop:b", &with), damaged);
    let elsewhere = Sealing {
        context: "forum:".to_owned(),
        ..sealing(&[("k1", 1)])
    };
    assert_eq!(opened(&whole, "shop:a", &elsewhere), damaged);
}

#[test]
fn an_older_unit_does_not_fit_a_later_expiry() {
    let with = sealing(&[("k1", 1)]);
    let rev = Rev::new(StateName::random());
    let mut item = item(&sealed(VALUE, &with, rev).unwrap(), rev);
    let later = Place {
        expires_secs: EXPIRES_SECS + 60,
        ..PLACE
    };
    let fields = [
        ("\"_expire\"".to_owned(), Some(r#"{"N":"9"}"#.into())),
        ("\"_maxAge\"".to_owned(), None),
    ];
    let older = item["unit"].clone();
    item["unit"] = json!({ "B": seal_unit(&fields, &later, &with).unwrap() });
    item["expires"] = json!({ "N": (EXPIRES_SECS + 60).to_string() });
    assert_eq!(
        opened(&item, "shop:a", &with),
        Ok(json(r#"{"a":"x","b":[],"_expire":9}"#))
    );
    item["unit"] = older;
    assert_eq!(opened(&item, "shop:a", &with), Err(ItemErrorKind::Damaged));
}

#[test]
fn only_encrypted_sessions_are_read_where_plain_ones_are_refused() {
    let only = Sealing {
        mode: EncryptionMode::Only,
        ..sealing(&[("k1", 1)])
    };
    let rev = Rev::new(StateName::random());
    let plain = json!({
        "id": { "S": "shop:a" }, "session": { "M": {} }, "rev": { "B": rev.to_base64() },
        "created": { "N": CREATED_MS.to_string() }, "expires": { "N": EXPIRES_SECS.to_string() },
    });
    let refused = Err(ItemErrorKind::Plaintext);
    assert_eq!(opened(&plain, "shop:a", &only), refused);
    let compressing = Sealing {
        compress: true,
        ..Sealing::default()
    };
    let compressed = sealed(&long_value(), &compressing, rev).unwrap();
    assert_eq!(opened(&item(&compressed, rev), "shop:a", &only), refused);
    let encrypted = sealed(VALUE, &only, rev).unwrap();
    assert!(opened(&item(&encrypted, rev), "shop:a", &only).is_ok());
}

fn long_value() -> String {
    let items: Vec<_> = (0..100).map(|n| json!({ "M": { "product": { "S": format!("tea no. {n}") }, "price": { "N": "5" } } })).collect();
    json!({ "M": { "items": { "L": items }, "_expire": { "N": "1" } } }).to_string()
}

#[test]
fn a_session_is_compressed_where_that_saves_capacity() {
    let rev = Rev::new(StateName::random());
    let compressing = Sealing {
        compress: true,
        ..Sealing::default()
    };
    assert!(sealed(VALUE, &compressing, rev).is_none());
    assert!(sealed(&long_value(), &Sealing::default(), rev).is_none());
    let long = sealed(&long_value(), &compressing, rev).unwrap();
    assert_eq!((long.seal, long.has_unit), (Seal::Compressed, true));
    assert!(long.size * 2 < size_of(&long_value()).unwrap());
    // Every store reads it.
    let read = opened(&item(&long, rev), "shop:a", &Sealing::default()).unwrap();
    let SessionText::Json(text) = read else {
        panic!("JSON can express it")
    };
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        read["items"][99],
        json!({ "product": "tea no. 99", "price": 5 })
    );
    let both = Sealing {
        compress: true,
        ..sealing(&[("k1", 1)])
    };
    let (encrypted, uncompressed) = (
        sealed(&long_value(), &both, rev).unwrap(),
        sealed(&long_value(), &sealing(&[("k1", 1)]), rev).unwrap(),
    );
    assert!(encrypted.size * 2 < uncompressed.size);
    assert!(opened(&item(&encrypted, rev), "shop:a", &both).is_ok());
}

#[test]
fn what_can_never_be_read_again_is_not_sealed() {
    let text = "x".repeat(MAX_INFLATED);
    let value = json!({ "M": { "a": { "S": text } } }).to_string();
    let rev = Rev::new(StateName::random());
    let result = seal_session(&value, &koa(), &PLACE, rev, &sealing(&[("k1", 1)]), OTHERS);
    assert_eq!(
        result.err().map(|error| error.kind),
        Some(ItemErrorKind::TooLarge)
    );
}

#[test]
fn a_store_that_encrypts_writes_nothing_without_a_key() {
    let keys = KeySource::DataKeys(Arc::new(DataKeys::new(true)));
    let without = Sealing {
        keys: Some(Keys::new(keys)),
        ..Sealing::default()
    };
    let rev = Rev::new(StateName::random());
    let session = seal_session(VALUE, &koa(), &PLACE, rev, &without, OTHERS).map(|_| ());
    let unit = seal_unit(&[], &PLACE, &without).map(|_| ());
    for result in [session, unit] {
        let kind = result.map_err(|error| error.kind);
        assert_eq!(kind, Err(ItemErrorKind::UnknownKey));
    }
}
