//! `keys generate|delete`, and the keys of `session get`.

use std::fs;

use dynamodb_session::options::{EncryptionKey, EncryptionOptions};
use dynamodb_session::{NewSession, SessionId, SessionStore};
use serde_json::{Value, json};

use crate::support::{Engine, TempDir, run};
#[cfg(unix)]
use crate::support::{command, finish, terminal};

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

/// An engine with two data keys, and a session that the older one encrypts.
async fn engine_with_data_keys() -> Engine {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    // Of 2015, and of 2026 or later.
    for (id, prefix) in [("fa", ""), ("fb", ""), ("zz", ""), ("fb", "shop:")] {
        let item = json!({
            "sessionId": { "S": format!("{prefix}k2.{id}") },
            "wrapped": { "B": "d3JhcHBlZA==" },
            "arn": { "S": "arn:aws:kms:eu-central-1:111122223333:key/1" },
        });
        engine.call("PutItem", &json!({ "TableName": "sessions", "Item": item }));
    }
    let store = SessionStore::builder()
        .region("local")
        .endpoint_url(engine.url())
        .encryption(EncryptionOptions::new([
            EncryptionKey::generate("fa").unwrap()
        ]))
        .build()
        .unwrap();
    let session = NewSession::new(SessionId::new("an-id").unwrap(), json!({}));
    store.put(&session).await.unwrap();
    engine
}

#[tokio::test]
async fn a_data_key_is_deleted_if_no_session_needs_it() {
    let engine = engine_with_data_keys().await;
    let delete =
        |id: &str, more: &[&str]| engine.run(&[&["keys", "delete", id, "--yes"], more].concat());
    let needed = delete("fa", &[]).fails(70);
    assert!(needed.contains("1 live session needs it"), "{needed}");
    assert!(needed.contains("reencrypt"), "{needed}");
    let encrypts = delete("zz", &[]).fails(70);
    assert!(encrypts.contains("may encrypt with it"), "{encrypts}");
    for absent in ["f9", "no key"] {
        let missing = delete(absent, &[]).fails(1);
        assert!(
            missing.contains(&format!("no data key {absent}")),
            "{missing}"
        );
    }
    assert_eq!(delete("fb", &[]).ok(), "Deleted data key fb.\n");
    assert!(!engine.has_item("k2.fb"));
    for kept in ["k2.fa", "k2.zz", "shop:k2.fb", "an-id"] {
        assert!(engine.has_item(kept), "{kept}");
    }
    let as_json = delete("fb", &["--prefix", "shop:", "--json"]).json();
    assert_eq!(as_json, json!({ "id": "fb", "deleted": true }));
    assert!(!engine.has_item("shop:k2.fb"));
    engine.run(&["session", "delete", "an-id"]).ok();
    // The first bytes of an envelope: layout 1, encrypted, with the key `fa`.
    let secret = json!({ "sessionId": { "S": "u1.key" }, "secret": { "B": "AQJmYQAA" } });
    engine.call(
        "PutItem",
        &json!({ "TableName": "sessions", "Item": secret }),
    );
    let sealing = delete("fa", &[]).fails(70);
    assert!(sealing.contains("the secret"), "{sealing}");
    assert!(sealing.contains("reencrypt"), "{sealing}");
    let secret = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": "u1.key" } } });
    engine.call("DeleteItem", &secret);
    delete("fa", &[]).ok();
    assert!(!engine.has_item("k2.fa"));
}

#[tokio::test]
async fn the_delete_of_a_data_key_wants_a_yes() {
    let engine = engine_with_data_keys().await;
    // Also if a script pipes a yes.
    let error = engine.run_with(&["keys", "delete", "fb"], "y\n").fails(2);
    assert!(
        error.contains("not a terminal") && error.contains("--yes"),
        "{error}"
    );
    assert!(engine.has_item("k2.fb"));
}

#[cfg(unix)]
#[tokio::test]
async fn it_asks_on_a_terminal() {
    let engine = engine_with_data_keys().await;
    let url = engine.url();
    for (answer, code) in [("n\n", 70), ("y\n", 0)] {
        let (person, stdin) = terminal();
        rustix::io::write(&person, answer.as_bytes()).unwrap();
        let flags = ["--region", "local", "--endpoint-url", &url];
        let mut delete = command(&["keys", "delete", "fb"]);
        let run = finish(delete.args(flags).stdin(stdin));
        assert_eq!(run.code, Some(code), "{run:?}");
        let question = "Delete data key fb of table sessions, if no live session needs it? [y/N] ";
        assert!(run.stderr.starts_with(question), "{run:?}");
        assert_eq!(engine.has_item("k2.fb"), code != 0);
    }
}
