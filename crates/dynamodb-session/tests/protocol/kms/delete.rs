//! A data key is deleted when no session needs it, and not before.

use dynamodb_session::options::{EncryptionOptions, TableOptions};
use dynamodb_session::{DataKeyOutcome, ReencryptOptions, SessionStore};
use serde_json::json;

use super::{ALIAS, DAY, HOUR, NEXT, NOW, Scene, create, created, opens};
use crate::support::{Fate, id, load, refusal, saved, touch_until};

/// A table with a session of the data key `ja`, two days into the next period.
async fn scene() -> (Scene, SessionStore) {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    created(&scene, &store, "a").await;
    scene.world.clock.advance(32 * DAY);
    created(&scene, &store, "b").await;
    (scene, store)
}

async fn delete(store: &SessionStore, id: &str) -> DataKeyOutcome {
    store.delete_data_key(id).await.unwrap()
}

#[tokio::test]
async fn sessions_are_rewritten_first_and_then_it_is_deleted() {
    let (scene, store) = scene().await;
    let needed = |sessions| DataKeyOutcome::Needed { sessions };
    // The command needs no keys.
    let operator = scene.world.other_process().build().unwrap();
    assert_eq!(delete(&operator, "ja").await, needed(1));
    assert_eq!(delete(&operator, "jb").await, DataKeyOutcome::Encrypts);
    for absent in ["j9", "jc", "", "k2.ja", "JA", "?"] {
        assert_eq!(delete(&operator, absent).await, DataKeyOutcome::Absent);
    }
    let options = ReencryptOptions::default();
    let done = store.reencrypt(&options).await.unwrap();
    assert_eq!((done.rewritten, done.right), (1, 1));
    assert_eq!(
        done.keys.into_iter().collect::<Vec<_>>(),
        [("jb".to_owned(), 2)]
    );
    assert_eq!(delete(&operator, "ja").await, DataKeyOutcome::Deleted);
    assert_eq!(scene.world.item(NOW), None);
    assert!(scene.world.item(NEXT).is_some());
    assert_eq!(delete(&operator, "ja").await, DataKeyOutcome::Absent);
    let (other, _) = scene.process();
    opens(&other, "a").await;
    opens(&other, "b").await;
}

#[tokio::test]
async fn an_expiry_unit_needs_it_as_well() {
    let (scene, store) = scene().await;
    // Sealed with the new key, and touched by a process that has only the old one: KMS does not answer it.
    let done = store.reencrypt(&ReencryptOptions::default()).await.unwrap();
    assert_eq!(done.rewritten, 1);
    let mut item = scene.world.item("a").unwrap();
    let other = Scene::new();
    let (before, _) = other.first_process().await;
    created(&other, &before, "a").await;
    item["unit"] = other.world.item("a").unwrap()["unit"].take();
    scene.world.put_item("a", item);
    let needed = DataKeyOutcome::Needed { sessions: 1 };
    assert_eq!(delete(&store, "ja").await, needed);
}

#[tokio::test]
async fn a_touch_leaves_the_session_with_the_old_key() {
    let (scene, store) = scene().await;
    let loaded = load(&store, "a").await;
    let options = touch_until(store.now() + 101 * DAY);
    let _ = saved(store.touch(&loaded, &options).await);
    let needed = DataKeyOutcome::Needed { sessions: 1 };
    assert_eq!(delete(&store, "ja").await, needed);
    let done = store.reencrypt(&ReencryptOptions::default()).await.unwrap();
    assert_eq!(done.rewritten, 1);
    assert_eq!(delete(&store, "ja").await, DataKeyOutcome::Deleted);
    opens(&scene.process().0, "a").await;
}

#[tokio::test]
async fn sessions_that_have_ended_or_are_signed_out_need_nothing() {
    for ends in ["expires", "is deleted"] {
        let (scene, store) = scene().await;
        if ends == "expires" {
            scene.world.clock.advance(99 * DAY);
        } else {
            store.delete(&id("a")).await.unwrap();
        }
        assert_eq!(
            delete(&store, "ja").await,
            DataKeyOutcome::Deleted,
            "{ends}"
        );
    }
}

#[tokio::test]
async fn the_one_before_stays_for_a_day_and_an_hour() {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    create(&store, "a").await.unwrap();
    store.delete(&id("a")).await.unwrap();
    assert_eq!(delete(&store, "ja").await, DataKeyOutcome::Encrypts);
    // 1 800 000 000 s are the 13th day of the period.
    while scene.world.item(NEXT).is_none() {
        scene.world.clock.advance(HOUR);
        create(&store, "b").await.unwrap();
        store.delete(&id("b")).await.unwrap();
    }
    scene.world.clock.advance(24 * HOUR);
    assert_eq!(delete(&store, "ja").await, DataKeyOutcome::Encrypts);
    scene.world.clock.advance(HOUR);
    assert_eq!(delete(&store, "ja").await, DataKeyOutcome::Deleted);
}

#[tokio::test]
async fn only_that_of_the_prefix_is_deleted_and_only_its_sessions_count() {
    let scene = Scene::new();
    scene.world.store().await;
    let of = |prefix: &str| {
        let table = TableOptions::default().prefix(prefix);
        let builder = scene.builder().table_options(table);
        let options = EncryptionOptions::from_kms(ALIAS);
        builder.encryption(options).build().unwrap()
    };
    let (shop, blog) = (of("shop:"), of("blog:"));
    for store in [&shop, &blog] {
        create(store, "a").await.unwrap();
    }
    scene.world.clock.advance(32 * DAY);
    blog.delete(&id("a")).await.unwrap();
    assert_eq!(delete(&blog, "ja").await, DataKeyOutcome::Deleted);
    assert!(scene.world.item("shop:k2.ja").is_some());
    let needed = DataKeyOutcome::Needed { sessions: 1 };
    assert_eq!(delete(&shop, "ja").await, needed);
}

#[tokio::test]
async fn it_asks_consistently_and_waits_for_capacity() {
    let (scene, store) = scene().await;
    store.delete(&id("a")).await.unwrap();
    let table = TableOptions::default().consistent_read(false);
    let (operator, tap) = {
        let tap = scene.world.other_tap();
        let builder = scene.world.builder().table_options(table);
        (builder.transport(tap.clone()).build().unwrap(), tap)
    };
    let throttled = || refusal("ProvisionedThroughputExceededException", "slow down");
    tap.script([Fate::Pass, throttled(), Fate::Pass, Fate::Pass, throttled()]);
    assert_eq!(delete(&operator, "ja").await, DataKeyOutcome::Deleted);
    let calls = tap.calls();
    let names: Vec<_> = calls.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "GetItem",
            "Scan",
            "Scan",
            "GetItem",
            "DeleteItem",
            "DeleteItem"
        ]
    );
    for (name, body) in &calls[..4] {
        assert_eq!(body["ConsistentRead"], json!(true), "{name}");
    }
}
