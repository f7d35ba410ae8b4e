//! Which keys a user's items have in which mode.

use super::*;

#[tokio::test]
async fn without_encryption_there_is_the_plain_hash_alone() {
    let world = World::new();
    let process = world.process(|builder| builder);
    assert_eq!(process.user_keys().await, plain());
    let options = TableOptions::default().prefix("shop:");
    let prefixed = world.process(|builder| builder.table_options(options));
    let first = format!("shop:{PLAIN}");
    assert_eq!(prefixed.user_keys().await, UserKeys { first, other: None });
    assert_eq!(process.operations(), [""; 0]);
    assert_eq!(world.item(SECRET), None);
}

#[tokio::test]
async fn a_store_that_encrypts_makes_the_secret_once() {
    for mode in [EncryptionMode::On, EncryptionMode::Only] {
        let world = World::new();
        let process = world.in_mode(mode);
        let first = process.keyed().await;
        assert_eq!(first.len(), "u1.".len() + 43);
        let calls = process.calls();
        let names: Vec<_> = calls.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["GetItem", "PutItem"]);
        assert_eq!(calls[0].1["ConsistentRead"], json!(true));
        let item = world.item(SECRET).unwrap();
        let mut names: Vec<_> = item.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["secret", "sessionId"]);

        assert_eq!(process.keyed().await, first);
        assert_eq!(process.operations(), [""; 0], "it is remembered");
        let other = world.in_mode(mode);
        assert_eq!(other.keyed().await, first);
        assert_eq!(other.operations(), ["GetItem"]);
        assert_eq!(world.item(SECRET), Some(item));
    }
}

#[tokio::test]
async fn users_have_different_keys() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let ada = process.user_keys().await;
    let bob = process.keys_of("bob").await.unwrap();
    assert_ne!(ada.first, bob.first);
    assert_ne!(ada.other, bob.other);
}

#[tokio::test]
async fn each_prefix_has_a_secret_of_its_own() {
    let world = World::new();
    let (shop, blog) = (world.with_prefix("shop:"), world.with_prefix("blog:"));
    let (of_shop, of_blog) = (shop.user_keys().await.first, blog.user_keys().await.first);
    assert_ne!(
        of_shop.strip_prefix("shop:u1.").unwrap(),
        of_blog.strip_prefix("blog:u1.").unwrap()
    );
    assert!(world.item("shop:u1.key").is_some());
    assert!(world.item("blog:u1.key").is_some());
    assert_eq!(world.item(SECRET), None);
}

#[tokio::test]
async fn mode_read_makes_no_secret_and_finds_that_of_others() {
    let world = World::new();
    let reader = world.in_mode(EncryptionMode::Read);
    assert_eq!(reader.user_keys().await, plain());
    assert_eq!(reader.operations(), ["GetItem"]);
    assert_eq!(world.item(SECRET), None);

    let keyed = world.in_mode(EncryptionMode::On).keyed().await;
    let expected = UserKeys {
        first: PLAIN.to_owned(),
        other: Some(keyed),
    };
    // At once: otherwise a sign-in of the other process would not be found.
    assert_eq!(reader.user_keys().await, expected);
    assert_eq!(reader.user_keys().await, expected);
    assert_eq!(reader.operations(), ["GetItem"]);
}

#[test]
fn the_attribute_cannot_have_another_use() {
    for options in [
        TableOptions::default().partition_key("secret"),
        TableOptions::default().ttl_attribute("secret"),
    ] {
        let builder = SessionStore::builder().table_options(options);
        assert!(builder.build().is_ok(), "without encryption it is free");
    }
    for options in [
        TableOptions::default().partition_key("secret"),
        TableOptions::default().ttl_attribute("secret"),
    ] {
        let builder = SessionStore::builder().table_options(options);
        let error = builder.encryption(keys(&["k1"])).build().unwrap_err();
        assert_eq!(error.setting(), Some("encryption"));
        assert!(error.message().contains("an attribute secret"), "{error}");
    }
}
