//! Who writes to the table cannot have a store use a data key of theirs.

use dynamodb_session::options::{EncryptionKey, EncryptionOptions, TableOptions};
use dynamodb_session::{ErrorKind, Remedy};
use serde_json::{Value, json};

use super::{ALIAS, ANOTHER, DAY, NEXT, NOW, Scene, create, created, opens, refused};
use crate::support::World;

/// The item of a data key of the same name and context that another KMS key has wrapped.
async fn wrapped_by_another(scene: &mut Scene) -> Value {
    let ours = std::mem::replace(&mut scene.world, World::new());
    scene.world.store().await;
    let options = EncryptionOptions::from_kms(ANOTHER);
    let (store, _) = scene.process_with(scene.builder().encryption(options));
    create(&store, "a").await.unwrap();
    let item = scene.world.item(NOW).unwrap();
    scene.world = ours;
    scene.asked();
    item
}

#[tokio::test]
async fn a_data_key_that_another_kms_key_wrapped_is_refused_whatever_its_item_says() {
    let mut scene = Scene::new();
    let theirs = wrapped_by_another(&mut scene).await;
    let (store, _) = scene.first_process().await;
    created(&scene, &store, "a").await;
    let ours = scene.world.item(NOW).unwrap();
    for arn in [&theirs["arn"], &ours["arn"]] {
        let mut item = theirs.clone();
        item["arn"] = arn.clone();
        scene.world.put_item(NOW, item);
        let (other, tap) = scene.process();
        for error in [
            refused(&other, "a").await,
            create(&other, "b").await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert_eq!(error.remedy(), Some(Remedy::NameWrappingKey));
            assert_eq!(error.code(), Some("IncorrectKeyException"));
        }
        assert_eq!(tap.operations(), ["GetItem"], "that of the data key");
    }
    assert_eq!(scene.world.item("b"), None);
    // What the item says of the KMS key is not asked for either where it is wrong.
    let mut item = ours.clone();
    item["arn"] = theirs["arn"].clone();
    scene.world.put_item(NOW, item);
    opens(&scene.process().0, "a").await;
}

#[tokio::test]
async fn older_kms_keys_unwrap_what_they_wrapped_before_an_alias_was_moved() {
    let mut scene = Scene::new();
    let old = wrapped_by_another(&mut scene).await;
    scene.world.store().await;
    scene.world.put_item(NOW, old);
    let options = EncryptionOptions::from_kms(ALIAS).older_kms_keys([ANOTHER]);
    let (store, _) = scene.process_with(scene.builder().encryption(options));
    created(&scene, &store, "a").await;
    assert_eq!(scene.asked(), ["Decrypt"; 2]);
    let options = EncryptionOptions::from_kms(ANOTHER);
    let (other, _) = scene.process_with(scene.builder().encryption(options));
    opens(&other, "a").await;
    // No other error makes the store try the next one.
    scene.asked();
    scene.fail("Decrypt", "AccessDeniedException", 400);
    let options = EncryptionOptions::from_kms(ALIAS).older_kms_keys([ANOTHER]);
    let (store, _) = scene.process_with(scene.builder().encryption(options));
    assert_eq!(refused(&store, "a").await.kind(), ErrorKind::AccessDenied);
    assert_eq!(scene.asked(), ["Decrypt"]);
}

#[tokio::test]
async fn an_item_that_was_changed_is_an_error_and_not_a_missing_session() {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    created(&scene, &store, "a").await;
    let item = scene.world.item(NOW).unwrap();
    let bad = [
        json!({}),
        json!({ "wrapped": { "S": "text" } }),
        json!({ "wrapped": { "B": "" } }),
        json!({ "session": { "M": {} } }),
        json!({ "wrapped": { "B": "AAAA" }, "arn": item["arn"] }),
    ];
    for attributes in bad {
        scene.world.put_item(NOW, attributes.clone());
        let (other, _) = scene.process();
        let error = refused(&other, "a").await;
        assert_eq!(error.kind(), ErrorKind::Decode, "{attributes}");
        assert_eq!(error.remedy(), Some(Remedy::CheckWrappedKey));
        assert!(create(&other, "b").await.is_err());
    }
    // A data key under the name of another one.
    scene.world.put_item(NEXT, item);
    scene.world.clock.advance(30 * DAY);
    let error = refused(&scene.process().0, "a").await;
    assert_eq!(error.remedy(), Some(Remedy::CheckWrappedKey));
    assert_eq!(scene.world.item("b"), None);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let scene = Scene::new();
    let of = |key: &str| EncryptionOptions::from_kms(key);
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    for (options, told) in [
        (of(""), "by its id, its alias"),
        (of("alias/a b"), "by its id, its alias"),
        (of(ALIAS).older_kms_keys(["ä"]), "by its id, its alias"),
        (
            EncryptionOptions::new([key]).older_kms_keys([ALIAS]),
            "older KMS keys need",
        ),
    ] {
        let error = scene.builder().encryption(options).build().unwrap_err();
        assert_eq!(error.setting(), Some("encryption"));
        assert!(error.to_string().contains(told), "{error}");
    }
    let names = TableOptions::default().partition_key("arn");
    let error = scene.builder().table_options(names).build().unwrap_err();
    assert!(error.to_string().contains("an attribute arn"), "{error}");
}
