//! Envelopes that were made once. Whatever wrote them, later versions and other programs must open them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::seal::deflate::compress;

const VECTORS: &str = include_str!("../../../tests/fixtures/envelopes.json");

fn bytes(vector: &Value, name: &str) -> Vec<u8> {
    STANDARD.decode(vector[name].as_str().unwrap()).unwrap()
}

fn ring_of(vector: &Value) -> KeyRing {
    let Some(id) = vector["keyId"].as_str() else {
        return KeyRing::default();
    };
    let key = EncryptionKey::new(id, &bytes(vector, "key")).unwrap();
    KeyRing::new(vec![key]).unwrap()
}

fn binding_of<'a>(vector: &'a Value, rev: &'a [u8]) -> Binding<'a> {
    let part = match (&vector["expires"], &vector["reference"]) {
        (Value::Number(secs), _) => Part::Unit {
            expires_secs: secs.as_u64().unwrap(),
        },
        (_, Value::String(reference)) => Part::UserLabel { reference },
        _ if vector["rev"].is_null() => Part::UserSecret,
        _ => Part::Session { rev },
    };
    Binding {
        context: vector["context"].as_str().unwrap(),
        key: vector["storedKey"].as_str().unwrap(),
        created_ms: vector["created"].as_u64().unwrap(),
        part,
    }
}

fn rev_of(vector: &Value) -> Vec<u8> {
    if vector["rev"].is_null() {
        Vec::new()
    } else {
        bytes(vector, "rev")
    }
}

#[test]
fn every_vector_is_opened() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let rev = rev_of(&vector);
        let binding = binding_of(&vector, &rev);
        let opened = open(bytes(&vector, "envelope"), &ring_of(&vector), &binding);
        let expected = vector["plaintext"].as_str().unwrap().as_bytes();
        assert_eq!(opened.as_deref(), Ok(expected), "{}", vector["name"]);
    }
}

/// Prints the vectors: `cargo test -p dynamodb-session --lib -- --ignored --nocapture print_vectors`.
#[test]
#[ignore = "it makes new vectors, which other programs have not opened"]
#[expect(clippy::print_stdout, reason = "its output is a file")]
fn print_vectors() {
    let session = r#"{"M":{"user":{"S":"Ada"},"views":{"N":"3"}}}"#;
    let unit = r#"{"M":{"_expire":{"N":"1800000060000"},"_maxAge":{"N":"60000"}}}"#;
    let item = r#"{"M":{"product":{"S":"tea"},"price":{"N":"5"}}}"#;
    let long = format!(r#"{{"M":{{"cart":{{"L":[{}]}}}}}}"#, [item; 40].join(","));
    let rev = STANDARD.encode([7; 16]);
    let key: Vec<u8> = (0..32).collect();
    let cases = [
        ("session", session, 0, json!({ "rev": rev })),
        ("unit", unit, 0, json!({ "expires": 1_800_000_060 })),
        (
            "unit without fields",
            r#"{"M":{}}"#,
            0,
            json!({ "expires": 1_800_000_060 }),
        ),
        ("compressed", &long, 0, json!({ "rev": rev })),
        ("padded", session, 64, json!({ "rev": rev })),
        ("compressed and padded", &long, 256, json!({ "rev": rev })),
        (
            "only compressed",
            &long,
            0,
            json!({ "rev": rev, "keyId": null }),
        ),
        (
            "secret for users' keys",
            "32 bytes that nobody can guess..",
            0,
            json!({ "created": 0, "storedKey": "größe:u1.key" }),
        ),
        (
            "label",
            "Ada's phone",
            0,
            json!({ "created": 0, "keyId": "u1", "reference": "fac1d03e826e0f6f1a021de6" }),
        ),
    ];
    let vectors = cases.map(|(name, plaintext, pad, given)| {
        let mut vector = json!({
            "name": name, "keyId": "k1", "key": STANDARD.encode(&key), "context": "größe:",
            "storedKey": "größe:5f3c7a51", "created": 1_800_000_000_123_u64, "plaintext": plaintext,
        });
        for (name, value) in given.as_object().unwrap() {
            vector[name] = value.clone();
        }
        let rev = rev_of(&vector);
        let ring = ring_of(&vector);
        let is_compressed = name.contains("compressed");
        let data = if is_compressed {
            compress(plaintext.as_bytes())
        } else {
            plaintext.as_bytes().to_vec()
        };
        let binding = binding_of(&vector, &rev);
        let envelope = seal(&data, is_compressed, ring.first(), pad, &binding);
        vector["envelope"] = STANDARD.encode(envelope).into();
        vector
    });
    println!("{}", serde_json::to_string_pretty(&vectors).unwrap());
}
