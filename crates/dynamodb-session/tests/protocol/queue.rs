//! Saves of one session in one process: while one is under way the others wait, and then go together.

use std::time::Duration;

use dynamodb_session::{Error, ErrorKind, Loaded, SaveOutcome, SessionStore};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{Fate, MINUTE, World, load, now, saved, stored, until};

type Saving = JoinHandle<Result<SaveOutcome, Error>>;

/// A request that begins with the session as it was loaded, and saves it with one more field.
fn begin(store: &SessionStore, loaded: &Loaded<Value>, field: &str, value: Value) -> Saving {
    let (store, loaded) = (store.clone(), loaded.clone());
    let mut data = loaded.data.clone();
    data[field] = value;
    tokio::spawn(async move { store.save(&loaded, &data, &until(now() + MINUTE)).await })
}

/// Lets every task go as far as it can.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// A session, and a save of it whose answer is held back.
async fn under_way(world: &World) -> (SessionStore, Loaded<Value>, Saving) {
    let store = world.store().await;
    stored(&store, "a", json!({ "n": 0 })).await;
    let loaded = load(&store, "a").await;
    world.tap.script([Fate::Slow]);
    let first = begin(&store, &loaded, "first", json!(1));
    world.tap.held().await;
    world.tap.calls();
    (store, loaded, first)
}

async fn data(store: &SessionStore) -> Value {
    load(store, "a").await.data
}

#[tokio::test]
async fn thirty_parallel_changes_are_two_writes() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let others: Vec<_> = (0..29)
        .map(|n| begin(&store, &loaded, &format!("field{n}"), json!(n)))
        .collect();
    settle().await;
    assert!(world.tap.operations().is_empty(), "they wait");
    world.tap.release();
    saved(first.await.unwrap());
    for other in others {
        saved(other.await.unwrap());
    }
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    let data = data(&store).await;
    assert_eq!(data["first"], 1);
    assert!((0..29).all(|n| data[format!("field{n}")] == n));
    assert_eq!(store.stats().merge_retries, 0);
}

#[tokio::test]
async fn the_change_that_came_last_wins() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let others = [1, 2, 3].map(|n| begin(&store, &loaded, "n", json!(n)));
    settle().await;
    world.tap.release();
    saved(first.await.unwrap());
    for other in others {
        saved(other.await.unwrap());
    }
    assert_eq!(data(&store).await, json!({ "n": 3, "first": 1 }));
}

/// After a save that went together with others, the application has not seen what is stored.
#[tokio::test]
async fn the_next_save_of_a_request_keeps_what_the_others_changed() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let others = ["b", "c"].map(|field| begin(&store, &loaded, field, json!(1)));
    settle().await;
    world.tap.release();
    saved(first.await.unwrap());
    let [b, c] = others;
    let stamp = saved(b.await.unwrap());
    saved(c.await.unwrap());
    let loaded = loaded
        .with_data(json!({ "n": 0, "b": 1 }))
        .with_stamp(stamp);
    let again = begin(&store, &loaded, "b", json!(2));
    saved(again.await.unwrap());
    let all = json!({ "n": 0, "first": 1, "b": 2, "c": 1 });
    assert_eq!(data(&store).await, all);
}

#[tokio::test]
async fn a_session_that_is_too_large_fails_its_own_save_only() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let large = "x".repeat(250_000);
    let others = [
        begin(&store, &loaded, "small", json!(1)),
        begin(&store, &loaded, "large", json!(large)),
        begin(&store, &loaded, "larger", json!(large)),
        begin(&store, &loaded, "last", json!(1)),
    ];
    settle().await;
    world.tap.release();
    saved(first.await.unwrap());
    let [small, fits, larger, last] = others;
    saved(small.await.unwrap());
    saved(fits.await.unwrap());
    let error = larger.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ItemTooLarge, "{error}");
    saved(last.await.unwrap());
    let data = data(&store).await;
    assert!(data["larger"].is_null());
    assert_eq!([&data["small"], &data["last"]], [1, 1]);
    assert_eq!(data["large"].as_str().unwrap().len(), 250_000);
}

#[tokio::test]
async fn a_refusal_is_everybodys() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let others = ["b", "c"].map(|field| begin(&store, &loaded, field, json!(1)));
    settle().await;
    let denied = json!({ "__type": "x#ResourceNotFoundException", "message": "no" });
    world.tap.script([Fate::Answer(400, denied)]);
    world.tap.release();
    saved(first.await.unwrap());
    for other in others {
        let error = other.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TableNotFound);
        assert!(
            error
                .to_string()
                .starts_with("UpdateItem on table sessions")
        );
    }
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
}

/// Without an answer to the save before, the write reads the session first.
#[tokio::test]
async fn the_error_names_the_request_that_failed() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let other = begin(&store, &loaded, "b", json!(1));
    settle().await;
    let denied = json!({ "__type": "x#AccessDeniedException", "message": "no" });
    world.tap.script([Fate::Answer(400, denied)]);
    first.abort();
    let error = other.await.unwrap().unwrap_err();
    assert!(
        error.to_string().starts_with("GetItem on table sessions"),
        "{error}"
    );
}

#[tokio::test]
async fn a_sign_out_does_not_wait_and_is_not_undone() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let others = ["b", "c"].map(|field| begin(&store, &loaded, field, json!(1)));
    settle().await;
    store.delete(&loaded).await.unwrap();
    world.tap.release();
    saved(first.await.unwrap());
    for other in others {
        assert_eq!(other.await.unwrap().unwrap(), SaveOutcome::Gone);
    }
    assert_eq!(world.session("a"), None);
}

#[tokio::test]
async fn a_caller_that_goes_away_stops_nobody() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    // The one that drives the write, and the one that has not been sent.
    let others = ["b", "c"].map(|field| begin(&store, &loaded, field, json!(1)));
    settle().await;
    world.tap.script([Fate::Slow, Fate::Slow]);
    world.tap.release();
    saved(first.await.unwrap());
    world.tap.held().await;
    let later = ["d", "e"].map(|field| begin(&store, &loaded, field, json!(1)));
    settle().await;
    let [b, c] = others;
    b.abort();
    assert!(b.await.unwrap_err().is_cancelled());
    let [d, e] = later;
    d.abort();
    assert!(d.await.unwrap_err().is_cancelled());
    world.tap.release();
    saved(c.await.unwrap());
    world.tap.held().await;
    world.tap.release();
    saved(e.await.unwrap());
    // What was being written stays written. What waited is not written.
    let all = json!({ "n": 0, "first": 1, "b": 1, "c": 1, "e": 1 });
    assert_eq!(data(&store).await, all);
}

#[tokio::test]
async fn the_first_one_may_go_away_too() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let others = ["b", "c"].map(|field| begin(&store, &loaded, field, json!(1)));
    settle().await;
    first.abort();
    for other in others {
        saved(other.await.unwrap());
    }
    let all = json!({ "n": 0, "first": 1, "b": 1, "c": 1 });
    assert_eq!(data(&store).await, all);
    assert_eq!(world.tap.operations(), ["GetItem", "UpdateItem", "GetItem"]);
}

/// Nobody is left who could write, and nothing is left in memory that would keep the next save waiting.
#[tokio::test]
async fn all_of_them_may_go_away() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let other = begin(&store, &loaded, "b", json!(1));
    settle().await;
    let tasks = [first, other];
    tasks.iter().for_each(Saving::abort);
    for task in tasks {
        assert!(task.await.unwrap_err().is_cancelled());
    }
    assert_eq!(format!("{store:?}").matches("Queues(0)").count(), 1);
    saved(begin(&store, &loaded, "c", json!(1)).await.unwrap());
    let all = json!({ "n": 0, "first": 1, "c": 1 });
    assert_eq!(data(&store).await, all);
}

#[tokio::test]
async fn each_has_its_own_deadline() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let early = begin(&store, &loaded, "early", json!(1));
    settle().await;
    world.clock.advance(Duration::from_secs(3));
    let late = begin(&store, &loaded, "late", json!(1));
    settle().await;
    world.clock.advance(Duration::from_secs(2));
    let error = early.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        "UpdateItem on table sessions: the deadline passed while the save waited for other saves of the session"
    );
    world.tap.release();
    saved(first.await.unwrap());
    saved(late.await.unwrap());
    let all = json!({ "n": 0, "first": 1, "late": 1 });
    assert_eq!(data(&store).await, all);
}

#[tokio::test]
async fn no_more_than_a_thousand_wait() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    let waiting: Vec<_> = (0..1000)
        .map(|n| begin(&store, &loaded, &format!("f{n}"), json!(n)))
        .collect();
    settle().await;
    let error = begin(&store, &loaded, "more", json!(1));
    let error = error.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert!(error.to_string().contains("1000 saves"), "{error}");
    world.tap.release();
    saved(first.await.unwrap());
    for one in waiting {
        saved(one.await.unwrap());
    }
    assert_eq!(world.tap.operations(), ["UpdateItem"]);
    assert_eq!(data(&store).await.as_object().unwrap().len(), 1002);
}

/// Two sessions of one id, one after the other, are not written together.
#[tokio::test]
async fn another_session_of_the_same_id_does_not_wait() {
    let world = World::new();
    let (store, loaded, first) = under_way(&world).await;
    store.delete(&loaded).await.unwrap();
    world.clock.advance(Duration::from_millis(5));
    stored(&store, "a", json!({ "new": 1 })).await;
    let new = load(&store, "a").await;
    saved(begin(&store, &new, "m", json!(1)).await.unwrap());
    world.tap.release();
    saved(first.await.unwrap());
    assert_eq!(data(&store).await, json!({ "new": 1, "m": 1 }));
    assert!(load(&store, "a").await.created > loaded.created);
}
