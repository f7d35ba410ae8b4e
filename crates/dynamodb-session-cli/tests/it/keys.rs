//! `keys generate`, and the keys of `session get`.

use std::fs;

use dynamodb_session::options::{EncryptionKey, EncryptionOptions};
use dynamodb_session::{NewSession, SessionId, SessionStore};
use serde_json::{Value, json};

use crate::support::{Engine, TempDir, run};

#[test]
fn each_generated_key_is_another_one() {
    let [one, other] = [(); 2].map(|()| run(&["keys", "generate", "2611"]).json());
    assert_eq!(one["id"], "2611");
    assert_ne!(one["key"], other["key"]);
    let text = one["key"].as_str().unwrap();
    assert!(EncryptionKey::from_base64("2611", text).is_ok());
    let refused = run(&["keys", "generate", "12345"]).fails(2);
    assert!(refused.contains("1 to 4 letters"), "{refused}");
}

/// An engine with a session that this key encrypts.
async fn engine_with_sealed(key: &Value) -> Engine {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    let key = EncryptionKey::from_base64("k1", key["key"].as_str().unwrap()).unwrap();
    let store = SessionStore::builder()
        .region("local")
        .endpoint_url(engine.url())
        .encryption(EncryptionOptions::new([key]))
        .build()
        .unwrap();
    let id = SessionId::new("an-id").unwrap();
    store
        .put(&NewSession::new(id, json!({ "cart": "tea" })))
        .await
        .unwrap();
    engine
}

#[tokio::test]
async fn a_sealed_session_is_shown_with_the_keys_of_a_file() {
    let directory = TempDir::new();
    let key = run(&["keys", "generate"]).json();
    let engine = engine_with_sealed(&key).await;
    let file = directory.path().join("keys.json");
    let path = file.to_str().unwrap();
    let get = |more: &[&str]| engine.run(&[&["session", "get", "an-id"], more].concat());
    for keys in [
        key.clone(),
        json!([run(&["keys", "generate", "new"]).json(), key]),
    ] {
        fs::write(&file, keys.to_string()).unwrap();
        assert_eq!(
            get(&["--key-file", path, "--json"]).json()["data"],
            json!({ "cart": "tea" })
        );
    }

    let without = get(&[]).fails(3);
    assert!(without.contains("--key-file"), "{without}");
    let elsewhere = get(&["--key-file", path, "--context", "another"]);
    assert!(
        elsewhere.stderr.contains("cannot be opened"),
        "{elsewhere:?}"
    );
    for (text, reason) in [
        ("{", "holds no keys"),
        (r#"[{"id":"k1"}]"#, "holds no keys"),
        (r#"{"id":"k1","key":"hunter2"}"#, "key k1 is not 32 bytes"),
        (r#"{"id":"hunter2","key":""}"#, "1 to 4 letters"),
        ("[]", "at least one key"),
    ] {
        fs::write(&file, text).unwrap();
        let refused = get(&["--key-file", path]);
        assert!(refused.stderr.contains(reason), "{refused:?}");
        assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
    }
    get(&["--key-file", "/no/such/file"]).fails(3);
    engine.run(&["session", "delete", "an-id"]).ok();
}
