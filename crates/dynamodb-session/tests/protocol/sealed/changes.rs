//! Parallel requests on sealed sessions keep each other's changes, and each change counts once.

use dynamodb_session::options::{EncryptionMode, ParallelChanges};
use dynamodb_session::transport::IncompleteReason::Timeout;
use dynamodb_session::{CreateOutcome, Loaded, SaveOutcome, SessionStore};
use serde_json::{Value, json};

use super::{KOA, in_mode, is_sealed, sealed_of};
use crate::support::{
    Fate, MINUTE, WithoutVersion, World, fresh, id, load, new_session, now, refusal, save_absent,
    save_unknown, saved, stamp, stored, until,
};

#[tokio::test]
async fn a_parallel_change_of_another_field_is_merged_with_one_more_write() {
    let world = World::new();
    let store = world.sealed_store().await;
    let first = stored(&store, "a", json!({ "x": 1, "y": 1, "z": 1 })).await;
    let second = first.clone();
    let options = until(now() + MINUTE);
    world.tap.calls();
    let data = json!({ "x": 2, "y": 1, "z": 1 });
    let _ = saved(store.save(&first, &data, &options).await);
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    let data = json!({ "x": 1, "y": 2 });
    let _ = saved(store.save(&second, &data, &options).await);
    assert_eq!(world.tap.operations(), ["UpdateItem", "UpdateItem"]);
    assert_eq!(store.stats().merge_retries, 1);
    assert_eq!(load(&store, "a").await.data, json!({ "x": 2, "y": 2 }));
    assert!(is_sealed(&world.item("a").unwrap()));
}

#[tokio::test]
async fn a_saved_session_is_the_base_of_the_next_save() {
    let world = World::new();
    let store = world.sealed_store().await;
    let mut loaded = stored(&store, "a", json!({ "n": 1 })).await;
    world.tap.calls();
    for n in 2..5 {
        let data = json!({ "n": n });
        let options = until(now() + MINUTE);
        let stamp = saved(store.save(&loaded, &data, &options).await);
        loaded = loaded.with_data(data).with_stamp(stamp);
        assert_eq!(world.tap.operations(), ["UpdateItem"]);
    }
    assert_eq!(load(&store, "a").await.data, json!({ "n": 4 }));
}

/// Each sealing has a salt of its own, a repeat on another state too.
#[tokio::test]
async fn no_two_writes_have_the_same_envelope() {
    let world = World::new();
    let store = world.sealed_store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    let mut seen = vec![sealed_of(&world, "a")];
    for _ in 0..3 {
        let options = until(now() + MINUTE);
        let _ = saved(store.save(&loaded, &json!({ "n": 2 }), &options).await);
        seen.push(sealed_of(&world, "a"));
    }
    let salts: Vec<_> = seen.iter().map(|sealed| &sealed[8..40]).collect();
    assert!((1..4).all(|at| !salts[..at].contains(&salts[at])));
}

#[tokio::test]
async fn a_sign_out_wins_over_a_slow_save() {
    let world = World::new();
    let store = world.sealed_store().await;
    let other = world.encrypting().build().unwrap();
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    let options = until(now() + MINUTE);
    // The first attempt is under way when the visitor signs out, and lands after it.
    world.tap.calls();
    world.tap.script([Fate::Lost(Timeout)]);
    let data = json!({ "n": 2 });
    let _ = saved(store.save(&loaded, &data, &options).await);
    let writes = world.tap.calls();
    other.delete(&id("a")).await.unwrap();
    for (operation, body) in writes {
        assert!(!world.land(operation, &body));
    }
    assert_eq!(world.session("a"), None);
    let gone = store.save(&loaded, &data, &options).await.unwrap();
    assert_eq!(gone, SaveOutcome::Gone);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
    let tombstone = world.item("a").unwrap();
    assert!(tombstone.get("sealed").is_none() && tombstone.get("unit").is_none());
}

#[tokio::test]
async fn a_save_whose_answer_is_lost_counts_once() {
    let world = World::new();
    let store = world.sealed_store().await;
    let other = world.encrypting().build().unwrap();
    let loaded = stored(&store, "a", json!({ "n": 0, "theirs": 0 })).await;
    let options = until(now() + MINUTE);
    let data = json!({ "n": 1, "theirs": 0 });
    world.tap.script([Fate::AnswerLost]);
    world.tap.calls();
    let stamp_of_save = saved(store.save(&loaded, &data, &options).await);
    assert_eq!(world.tap.operations(), ["UpdateItem", "UpdateItem"]);
    // Another request changes the same field between the write and its repeat: theirs came later.
    let loaded = load(&store, "a").await;
    assert_eq!(loaded.data, data);
    assert_eq!(loaded.created, stamp_of_save.created);
    world.tap.script([Fate::Held]);
    let data = json!({ "n": 2, "theirs": 0 });
    let save = store.save(&loaded, &data, &options);
    let theirs = async {
        world.tap.held().await;
        let loaded = load(&other, "a").await;
        assert_eq!(loaded.data["n"], 2);
        let data = json!({ "n": 3, "theirs": 3 });
        let _ = saved(other.save(&loaded, &data, &options).await);
        world.tap.release();
    };
    let (written, ()) = tokio::join!(save, theirs);
    let expected = stamp(loaded.created, MINUTE);
    assert_eq!(saved(written).without_version(), expected);
    let data = json!({ "n": 3, "theirs": 3 });
    assert_eq!(load(&store, "a").await.data, data);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_counts_once() {
    let world = World::new();
    let store = world.sealed_store().await;
    let session = new_session("a", json!({ "n": 1 }), MINUTE);
    world.tap.script([Fate::AnswerLost]);
    let outcome = store.create(&session).await.unwrap().without_version();
    assert_eq!(outcome, CreateOutcome::Created(stamp(now(), MINUTE)));
    let taken = store.create(&session).await.unwrap();
    assert_eq!(taken, CreateOutcome::Taken);
    // Over a tombstone, and over an expired session.
    store.delete(&id("a")).await.unwrap();
    let outcome = store.create(&session).await.unwrap();
    assert!(matches!(outcome, CreateOutcome::Created(_)));
    assert_eq!(load(&store, "a").await.data, json!({ "n": 1 }));
    world.clock.advance(2 * MINUTE);
    let session = new_session("a", json!({ "n": 2 }), 3 * MINUTE);
    let outcome = store.create(&session).await.unwrap();
    assert!(matches!(outcome, CreateOutcome::Created(_)));
    assert_eq!(load(&store, "a").await.data, json!({ "n": 2 }));
}

#[tokio::test]
async fn a_create_merges_into_the_session_that_is_there() {
    let world = World::new();
    let store = world.sealed_store().await;
    let data = json!({ "theirs": 1, "both": 1, "_expire": 5, "_maxAge": 60_000 });
    let theirs = new_session("a", data, MINUTE);
    let _ = saved(save_absent(&store, &theirs, &KOA).await);
    let data = json!({ "ours": 2, "both": 2, "_expire": 9, "_maxAge": 60_000 });
    let ours = new_session("a", data, 2 * MINUTE);
    world.tap.calls();
    let _ = saved(save_absent(&store, &ours, &KOA).await);
    assert_eq!(world.tap.operations(), ["PutItem", "UpdateItem"]);
    let all = json!({ "theirs": 1, "both": 2, "ours": 2, "_expire": 9, "_maxAge": 60_000 });
    let loaded = load(&store, "a").await;
    assert_eq!(
        (loaded.data, loaded.expires_at),
        (all, Some(now() + 2 * MINUTE))
    );
}

#[tokio::test]
async fn whole_sessions_are_written_over_sealed_ones() {
    let world = World::new();
    let store = world.sealed_store().await;
    let loaded = stored(&store, "a", json!({ "n": 1, "old": 1 })).await;
    let put = Loaded::new(id("a"), json!({ "n": 2 }));
    let _ = store.put(&fresh(&put)).await.unwrap();
    assert_eq!(load(&store, "a").await.data, json!({ "n": 2 }));
    let _ = saved(save_unknown(&store, &loaded.with_data(json!({ "n": 3 }))).await);
    assert_eq!(load(&store, "a").await.data, json!({ "n": 3 }));
    // Without its `created`, which the data are bound to.
    let mut unknown = Loaded::new(id("a"), json!({ "n": 4 }));
    unknown.expires_at = Some(now() + MINUTE);
    world.clock.advance(MINUTE / 2);
    let _ = saved(save_unknown(&store, &unknown).await);
    let after = load(&store, "a").await;
    assert_eq!(
        (after.data, after.created),
        (json!({ "n": 4 }), loaded.created)
    );
}

#[tokio::test]
async fn the_last_save_wins_where_saves_are_not_merged() {
    let world = World::new();
    let builder = world.encrypting();
    let store = world
        .open(builder.parallel_changes(ParallelChanges::Overwrite))
        .await;
    let loaded = stored(&store, "a", json!({ "x": 1, "y": 1 })).await;
    for data in [json!({ "x": 2, "y": 1 }), json!({ "x": 1, "y": 2 })] {
        let _ = saved(store.save(&loaded, &data, &until(now() + MINUTE)).await);
    }
    assert_eq!(load(&store, "a").await.data, json!({ "x": 1, "y": 2 }));
}

/// A sealed item with an attribute of another program, and a session loaded from it.
async fn beside_others(world: &World, store: &SessionStore) -> Loaded<Value> {
    let _ = stored(store, "a", json!({ "n": 1 })).await;
    let mut item = world.item("a").unwrap();
    item["other"] = json!({ "S": "kept" });
    world.put_item("a", item);
    let loaded = load(store, "a").await;
    world.tap.calls();
    loaded
}

#[tokio::test]
async fn without_permission_for_updates_what_others_keep_in_the_item_stays() {
    let world = World::new();
    let store = world.sealed_store().await;
    let loaded = beside_others(&world, &store).await;
    let before = world.item("a").unwrap();
    let options = until(now() + 2 * MINUTE);
    world.tap.script([refusal("AccessDeniedException", "no")]);
    let stamp = saved(store.save(&loaded, &json!({ "n": 2 }), &options).await);
    let requests = ["UpdateItem", "GetItem", "PutItem"];
    assert_eq!(world.tap.operations(), requests);
    let after = world.item("a").unwrap();
    assert_eq!(after["other"], json!({ "S": "kept" }));
    for attribute in ["sealed", "unit", "rev", "expires"] {
        assert_ne!(after[attribute], before[attribute], "{attribute}");
    }
    let loaded = loaded.with_data(json!({ "n": 2 })).with_stamp(stamp);
    assert_eq!(load(&store, "a").await.data, loaded.data);
    // A touch writes the whole session then.
    world.tap.calls();
    let data = json!({ "n": 2, "_expire": 7 });
    let options = until(now() + 3 * MINUTE).framework(&KOA);
    let _ = saved(store.save(&loaded, &data, &options).await);
    assert_eq!(world.tap.operations().last(), Some(&"PutItem"));
    let after = load(&store, "a").await;
    assert_eq!(after.data, data);
    assert_eq!(after.expires_at, Some(now() + 3 * MINUTE));
    assert_eq!(world.item("a").unwrap()["other"], json!({ "S": "kept" }));
}

#[tokio::test]
async fn without_permission_for_updates_no_sealed_data_stay_beside_plain_ones() {
    let world = World::new();
    let store = world.sealed_store().await;
    for has_others in [true, false] {
        let loaded = if has_others {
            beside_others(&world, &store).await
        } else {
            let loaded = stored(&store, "a", json!({ "n": 1 })).await;
            assert!(world.session("a").is_some());
            loaded
        };
        let builder = world.builder().encryption(in_mode(EncryptionMode::Read));
        let reading = builder.build().unwrap();
        world.tap.script([refusal("AccessDeniedException", "no")]);
        let options = until(now() + MINUTE);
        let _ = saved(reading.save(&loaded, &json!({ "n": 2 }), &options).await);
        let item = world.item("a").unwrap();
        assert!(!is_sealed(&item));
        assert_eq!(item["session"], json!({ "M": { "n": { "N": "2" } } }));
        assert_eq!(item.get("other").is_some(), has_others);
        store.delete(&id("a")).await.unwrap();
        world.delete_item("a");
    }
}

#[tokio::test]
async fn thirty_parallel_saves_of_one_process_are_two_writes() {
    let world = World::new();
    let store = world.sealed_store().await;
    let loaded = stored(&store, "a", json!({ "n": 0 })).await;
    world.tap.script([Fate::Slow]);
    let begin = |field: String| {
        let (store, loaded) = (store.clone(), loaded.clone());
        let mut data = loaded.data.clone();
        data[field] = json!(1);
        tokio::spawn(async move { store.save(&loaded, &data, &until(now() + MINUTE)).await })
    };
    let first = begin("first".to_owned());
    world.tap.held().await;
    let others: Vec<_> = (0..29).map(|n| begin(format!("field{n}"))).collect();
    for _ in 0..40 {
        tokio::task::yield_now().await;
    }
    world.tap.calls();
    world.tap.release();
    let _ = saved(first.await.unwrap());
    for other in others {
        let _ = saved(other.await.unwrap());
    }
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    let data = load(&store, "a").await.data;
    assert_eq!(data.as_object().unwrap().len(), 31);
    assert_eq!(store.stats().sealed_writes, 3);
}
