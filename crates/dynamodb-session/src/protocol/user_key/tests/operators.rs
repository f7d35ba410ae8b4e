//! What the verbs of operators do about the secret.

use super::*;
use crate::{DataKeyOutcome, ReencryptOptions, Reencryption};

impl Process {
    async fn reencrypt(&self, is_dry_run: bool) -> Reencryption {
        let options = ReencryptOptions::default().dry_run(is_dry_run);
        self.store.reencrypt(&options).await.unwrap()
    }
}

fn needs<const N: usize>(keys: [(&str, u64); N]) -> std::collections::BTreeMap<String, u64> {
    let keys = keys.into_iter();
    keys.map(|(id, count)| (id.to_owned(), count)).collect()
}

#[tokio::test]
async fn verbs_over_the_table_pass_over_it() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let first = process.keyed().await;
    process.create("a").await;
    let item = world.item(SECRET);
    let store = &process.store;
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!((page.sessions.len(), page.unreadable), (1, 0));
    assert_eq!(store.count().await.unwrap(), 1);
    assert_eq!(store.clear().await.unwrap(), 1);
    world.clock.advance(2000 * HOUR);
    assert_eq!(store.delete_expired().await.unwrap(), 1, "the tombstone");
    process.create("b").await;
    assert_eq!(store.clear_with_tombstones().await.unwrap(), 1);
    assert_eq!(world.item(SECRET), item);
    assert_eq!(process.keyed().await, first);
}

#[tokio::test]
async fn reencrypt_seals_it_with_the_first_key() {
    let world = World::new();
    let first = world.with_keys(&["k1"]).keyed().await;
    let stored = world.secret();
    let process = world.with_keys(&["k2", "k1"]);
    process.create("a").await;
    process.operations();

    assert_eq!(
        process.reencrypt(true).await.keys,
        needs([("k1", 1), ("k2", 1)])
    );
    assert_eq!(world.secret(), stored, "a dry run writes nothing");
    process.operations();
    let done = process.reencrypt(false).await;
    assert_eq!((done.sessions, done.right, done.plain), (1, 1, 0));
    assert_eq!(done.keys, needs([("k2", 2)]));
    assert_eq!(process.operations(), ["Scan", "GetItem", "PutItem"]);
    assert_ne!(world.secret(), stored);
    assert_eq!(world.with_keys(&["k2"]).keyed().await, first);
    assert_eq!(process.reencrypt(false).await.keys, needs([("k2", 2)]));
    assert_eq!(process.operations(), ["Scan", "GetItem"]);
}

#[tokio::test]
async fn reencrypt_makes_none_and_leaves_it_in_mode_read() {
    let world = World::new();
    let process = world.with_keys(&["k2", "k1"]);
    assert_eq!(process.reencrypt(false).await.keys, needs([]));
    assert_eq!(world.item(SECRET), None);
    let _ = world.with_keys(&["k1"]).keyed().await;
    let stored = world.secret();
    let reader = keys(&["k2", "k1"]).mode(EncryptionMode::Read);
    let reader = world.process(|builder| builder.encryption(reader));
    assert_eq!(reader.reencrypt(false).await.keys, needs([("k1", 1)]));
    assert_eq!(world.secret(), stored);
}

#[tokio::test]
async fn one_that_does_not_open_stays_and_needs_its_key() {
    let world = World::new();
    let _ = world.with_keys(&["k1"]).keyed().await;
    let stored = world.secret();
    let process = world.with_keys(&["k2"]);
    assert_eq!(process.reencrypt(false).await.keys, needs([("k1", 1)]));
    assert_eq!(world.secret(), stored);
    world.put_item(SECRET, json!({}));
    assert_eq!(process.reencrypt(false).await.keys, needs([]));
}

#[tokio::test]
async fn two_that_seal_it_at_once_leave_one_envelope() {
    let world = World::new();
    let first = world.with_keys(&["k1"]).keyed().await;
    let (one, other) = (
        world.with_keys(&["k2", "k1"]),
        world.with_keys(&["k2", "k1"]),
    );
    let (of_one, of_other) = tokio::join!(one.reencrypt(false), other.reencrypt(false));
    assert_eq!(
        [of_one.keys, of_other.keys],
        [needs([("k2", 1)]), needs([("k2", 1)])]
    );
    let operations = [one.operations(), other.operations()].concat();
    let gets = operations.iter().filter(|name| **name == "GetItem").count();
    let puts = operations.iter().filter(|name| **name == "PutItem").count();
    assert_eq!((gets, puts), (3, 2), "the loser looks again");
    assert_eq!(world.with_keys(&["k2"]).keyed().await, first);
}

#[tokio::test]
async fn a_write_of_it_waits_for_capacity() {
    let world = World::new();
    let _ = world.with_keys(&["k1"]).keyed().await;
    let process = world.with_keys(&["k2", "k1"]);
    let refused = Fate::Refused("ProvisionedThroughputExceededException");
    process.script([Fate::Pass, Fate::Pass, refused, refused]);
    assert_eq!(process.reencrypt(false).await.keys, needs([("k2", 1)]));
}

#[tokio::test]
async fn stats_count_the_key_that_opens_it() {
    let world = World::new();
    let _ = world.with_keys(&["k1"]).keyed().await;
    let process = world.with_keys(&["k2", "k1"]);
    let _ = process.keyed().await;
    assert_eq!(process.store.stats().sealed_by_key, needs([("k1", 1)]));
}

#[tokio::test]
async fn a_data_key_that_seals_it_is_not_deleted() {
    let world = World::new();
    // A key of a list with the name of a data key, so that no KMS is needed.
    let _ = world.with_keys(&["ja"]).keyed().await;
    let wrapped = json!({ "wrapped": { "B": "AAAA" }, "arn": { "S": "" } });
    world.put_item("k2.ja", wrapped);
    let operator = world.process(|builder| builder);
    world.clock.advance(32 * 24 * HOUR);
    let delete = || async { operator.store.delete_data_key("ja").await.unwrap() };
    assert_eq!(delete().await, DataKeyOutcome::SealsUserSecret);
    assert!(world.item("k2.ja").is_some());
    world.with_keys(&["jb", "ja"]).reencrypt(false).await;
    assert_eq!(delete().await, DataKeyOutcome::Deleted);
    assert_eq!(world.item("k2.ja"), None);
}

#[tokio::test]
async fn a_store_without_keys_tells_whether_there_is_one() {
    let world = World::new();
    let plain = world.process(|builder| builder);
    assert!(!plain.store.has_user_secret().await.unwrap());
    world.with_keys(&["k1"]).keyed().await;
    plain.operations();
    assert!(plain.store.has_user_secret().await.unwrap());
    assert_eq!(plain.operations(), ["GetItem"]);
}
