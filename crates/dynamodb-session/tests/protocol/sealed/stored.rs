//! What is in the table: nothing of the session's data, in a form that every version takes for no session.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::ErrorKind;
use dynamodb_session::options::{EncryptionMode, Layout, TableOptions};
use serde_json::{Value, json};

use super::{KOA, LAYOUTS, in_mode, with_keys};
use crate::support::{
    MINUTE, World, id, load, new_session, now, save_absent, saved, stored, until,
};

/// Names and values that must not be found in an item, as they stand or in base64.
const SECRETS: [&str; 5] = [
    "username",
    "Ada Lovelace",
    "_maxAge",
    "_expire_of",
    "cartitem",
];

fn data() -> Value {
    json!({
        "username": "Ada Lovelace", "cartitem": [1], "_expire_of": 1, "_expire": 7, "_maxAge": 60_000,
    })
}

/// Every attribute as text, bytes as they are.
fn shown(item: &Value) -> Vec<u8> {
    let mut shown = Vec::new();
    for (name, value) in item.as_object().unwrap() {
        shown.extend_from_slice(name.as_bytes());
        match value["B"].as_str() {
            Some(base64) => shown.extend(STANDARD.decode(base64).unwrap()),
            None => shown.extend_from_slice(value.to_string().as_bytes()),
        }
    }
    shown
}

fn contains(bytes: &[u8], text: &str) -> bool {
    let mut windows = bytes.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn no_name_and_no_value_of_the_session_is_in_the_item() {
    for layout in LAYOUTS {
        let world = World::new();
        let store = world.open(world.encrypting().layout(layout)).await;
        let _ = saved(save_absent(&store, &new_session("a", data(), MINUTE), &KOA).await);
        let created = world.item("a").unwrap();
        let mut changed = data();
        changed["cartitem"] = json!([2]);
        let loaded = load(&store, "a").await;
        let options = until(now() + MINUTE).framework(&KOA);
        let _ = saved(store.save(&loaded, &changed, &options).await);
        for item in [created, world.item("a").unwrap()] {
            let mut names: Vec<_> = item.as_object().unwrap().keys().collect();
            names.sort();
            if layout == Layout::ConnectDynamodb {
                assert_eq!(item["sess"], json!({ "S": "null" }));
                assert_eq!(item["type"], json!({ "S": "connect-session" }));
                names.retain(|name| *name != "sess" && *name != "type");
            } else {
                assert_eq!(item["session"], json!({ "M": { "_expire": { "N": "1" } } }));
                names.retain(|name| *name != "session");
            }
            assert_eq!(
                names,
                ["created", "expires", "rev", "sealed", "sessionId", "unit"]
            );
            let shown = shown(&item);
            for secret in SECRETS {
                assert!(!contains(&shown, secret), "{layout:?}: {secret}");
            }
        }
        assert_eq!(load(&store, "a").await.data, changed);
    }
}

/// The test above would find them: without encryption they are there.
#[tokio::test]
async fn without_encryption_they_are_in_the_item() {
    let world = World::new();
    let store = world.store().await;
    let _ = stored(&store, "a", data()).await;
    let shown = shown(&world.item("a").unwrap());
    assert!(SECRETS.iter().all(|secret| contains(&shown, secret)));
}

#[tokio::test]
async fn a_request_has_nothing_of_the_session_either() {
    let world = World::new();
    let store = world.sealed_store().await;
    let _ = saved(save_absent(&store, &new_session("a", data(), MINUTE), &KOA).await);
    let loaded = load(&store, "a").await;
    let options = until(now() + MINUTE).framework(&KOA);
    let _ = saved(
        store
            .save(&loaded, &json!({ "username": "" }), &options)
            .await,
    );
    // This one is merged.
    let _ = saved(store.save(&loaded, &data(), &options).await);
    store.delete(&loaded).await.unwrap();
    let calls = world.tap.calls();
    assert!(calls.len() >= 5);
    for (operation, body) in calls {
        let text = body.to_string();
        for secret in SECRETS {
            assert!(!text.contains(secret), "{operation}: {secret}");
        }
    }
}

/// The parts of an item of which one is put in place of another one's.
#[tokio::test]
async fn an_item_that_was_changed_is_an_error_and_not_a_session() {
    let world = World::new();
    let store = world.sealed_store().await;
    for name in ["a", "b"] {
        let session = new_session(name, data(), MINUTE);
        let _ = saved(save_absent(&store, &session, &KOA).await);
    }
    let (ours, theirs) = (world.item("a").unwrap(), world.item("b").unwrap());
    let moved = |attributes: &[&str]| {
        let mut item = ours.clone();
        for attribute in attributes {
            item[*attribute] = theirs[*attribute].clone();
        }
        item
    };
    let mut longer = ours.clone();
    longer["expires"] = json!({ "N": "1900000000" });
    let mut without_unit = ours.clone();
    without_unit.as_object_mut().unwrap().remove("unit");
    for item in [
        moved(&["sealed"]),
        moved(&["unit"]),
        moved(&["rev"]),
        moved(&["sealed", "unit", "rev"]),
        longer,
        without_unit,
    ] {
        world.put_item("a", item);
        let error = store.load::<Value>(&id("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decryption);
        let text = format!("{error} {error:?}");
        assert!(
            !SECRETS.iter().any(|secret| text.contains(secret)),
            "{text}"
        );
    }
    // A sign-out still works.
    store.delete(&id("a")).await.unwrap();
    assert_eq!(world.session("a"), None);
    assert_eq!(load(&store, "b").await.data, data());
}

#[tokio::test]
async fn what_one_context_has_sealed_is_not_opened_in_another_one() {
    let world = World::new();
    let prefixed = |prefix: &str| {
        let builder = world.builder();
        builder.table_options(TableOptions::default().prefix(prefix))
    };
    let shop = world
        .open(prefixed("shop:").encryption(with_keys(&["k1"])))
        .await;
    let _ = stored(&shop, "a", json!({ "n": 1 })).await;
    // The same key of the table, in another context: by its prefix, and by its own name.
    let none = world.encrypting().build().unwrap();
    let forum = prefixed("shop:").encryption(with_keys(&["k1"]).context("forum"));
    for (store, name) in [(none, "shop:a"), (forum.build().unwrap(), "a")] {
        let error = store.load::<Value>(&id(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decryption);
        assert!(error.to_string().contains("context"), "{error}");
    }
    // With the same context, prefixes can be chosen freely.
    let same = world
        .builder()
        .encryption(with_keys(&["k1"]).context("shop:"));
    let same = same.build().unwrap();
    assert_eq!(load(&same, "shop:a").await.data, json!({ "n": 1 }));
}

#[tokio::test]
async fn padding_makes_lengths_alike() {
    let world = World::new();
    let store = world
        .open(
            world
                .builder()
                .encryption(in_mode(EncryptionMode::On).pad(256)),
        )
        .await;
    let mut lengths = Vec::new();
    for (at, text) in ["", "tea", "a cup of tea, and a biscuit"]
        .iter()
        .enumerate()
    {
        let name = format!("s{at}");
        let session = new_session(&name, json!({ "order": text, "_expire": at }), MINUTE);
        let _ = saved(save_absent(&store, &session, &KOA).await);
        let item = world.item(&name).unwrap();
        lengths.push(["sealed", "unit"].map(|part| item[part]["B"].as_str().unwrap().len()));
        assert_eq!(load(&store, &name).await.data, session.data);
    }
    assert!(
        lengths.iter().all(|length| *length == lengths[0]),
        "{lengths:?}"
    );
}
