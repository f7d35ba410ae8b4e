//! Sealed sessions of any bytes: opened with the key, without one, and where plain sessions are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::options::{EncryptionKey, EncryptionMode, EncryptionOptions, RetryOptions};
use dynamodb_session::{
    Builder, DecodeSession, Error, ErrorKind, Loaded, SaveOptions, SaveOutcome, SessionText,
};
use serde_json::{Map, Value, json};

use crate::attribute::is_same;
use crate::row::Row;
use crate::session::attribute_of;
use crate::world::{Answers, SECRET, builder, id, later, now};

/// The flag of an envelope whose data are encrypted.
const ENCRYPTED: u8 = 2;

/// Takes the length of `sealed` as two bytes, the attribute `sealed`, and the attribute `unit`.
pub fn sealed(input: &[u8]) {
    let Some((length, rest)) = input.split_first_chunk() else {
        return;
    };
    let length = usize::from(u16::from_be_bytes(*length));
    let Some((sealed, unit)) = rest.split_at_checked(length) else {
        return;
    };
    let item = item(sealed, unit);
    let is_encrypted = sealed.get(1).is_some_and(|flags| flags & ENCRYPTED != 0);

    let with_key = opened::<SessionText>(&item, |builder| encrypting(builder, EncryptionMode::On));
    let values = opened::<Value>(&item, |builder| encrypting(builder, EncryptionMode::On));
    assert!(
        with_key.is_ok() || values.is_err(),
        "opened as one type only"
    );
    let only = opened::<SessionText>(&item, |builder| encrypting(builder, EncryptionMode::Only));
    assert_eq!(only.is_ok(), with_key.is_ok() && is_encrypted);
    let without_key = opened::<SessionText>(&item, |builder| builder);
    if is_encrypted {
        assert!(without_key.is_err(), "opened without the key");
    } else {
        assert_eq!(without_key.is_ok(), with_key.is_ok());
    }
    list(&item);
    if with_key.is_ok_and(|loaded| loaded.is_some()) {
        save_again(item.clone(), EncryptionMode::On);
        save_again(item, EncryptionMode::Read);
    }
}

fn item(sealed: &[u8], unit: &[u8]) -> Map<String, Value> {
    let bytes = |bytes: &[u8]| json!({ "B": STANDARD.encode(bytes) });
    let item = json!({
        "sessionId": { "S": SECRET }, "session": { "M": { "_expire": { "N": "1" } } },
        "created": { "N": "1800000000000" }, "expires": { "N": "1800003600" }, "rev": bytes(b"a state."),
        "sealed": bytes(sealed), "unit": bytes(unit),
    });
    item.as_object().unwrap().clone()
}

fn encrypting(builder: Builder, mode: EncryptionMode) -> Builder {
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    builder.encryption(EncryptionOptions::new([key]).mode(mode))
}

fn opened<T: DecodeSession>(
    item: &Map<String, Value>,
    settings: impl Fn(Builder) -> Builder,
) -> Result<Option<Loaded<T>>, Error> {
    let answer = json!({ "Item": item }).to_string().into_bytes();
    let store = settings(builder(Answers::new([(200, answer)])))
        .retry_options(RetryOptions::default().max_attempts(1))
        .build()
        .unwrap();
    now(store.load::<T>(&id())).inspect_err(|error| {
        let kinds = [
            ErrorKind::Decode,
            ErrorKind::UnknownKey,
            ErrorKind::Decryption,
            ErrorKind::PlaintextRefused,
        ];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(SECRET), "the id in an error");
    })
}

fn list(item: &Map<String, Value>) {
    let answer = json!({ "Items": [item] }).to_string().into_bytes();
    let builder = encrypting(builder(Answers::new([(200, answer)])), EncryptionMode::On);
    let page = now(builder.build().unwrap().list::<SessionText>(None)).unwrap();
    assert!(page.sessions.len() + usize::try_from(page.unreadable).unwrap() <= 1);
}

/// What was opened can be saved again, sealed or plain, with the same content.
fn save_again(item: Map<String, Value>, mode: EncryptionMode) {
    let row = Row::of(item);
    let store = encrypting(builder(row.clone()), mode).build().unwrap();
    let loaded = now(store.load::<SessionText>(&id())).unwrap().unwrap();
    let options = SaveOptions::default().expires_at(later());
    // DynamoDB would not have stored this session.
    let Ok(SaveOutcome::Saved(_)) = now(store.save(&loaded, &loaded.data, &options)) else {
        return;
    };
    let item = row.item().unwrap();
    let is_sealed = mode == EncryptionMode::On;
    assert_eq!(
        ["sealed", "unit"].map(|name| item.contains_key(name)),
        [is_sealed; 2]
    );
    let again = now(store.load::<SessionText>(&id())).unwrap().unwrap();
    if let (Some(before), Some(after)) = (attribute_of(&loaded.data), attribute_of(&again.data)) {
        assert!(
            is_same(&before, &after),
            "not the same: {before} and {after}"
        );
    }
}
