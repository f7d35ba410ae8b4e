//! When an answer is lost, the store does not know whether the write was executed. Repeating the request shows it.

use dynamodb_session::framework::Framework;
use dynamodb_session::options::TableOptions;
use dynamodb_session::transport::IncompleteReason::{Broken, Connect, Timeout};
use dynamodb_session::transport::Transport as _;
use dynamodb_session::{CreateOutcome, ErrorKind, Loaded, Operation, SaveOutcome, SessionStore};
use serde_json::{Value, json};

use crate::support::{
    Fate, MINUTE, MS, WithoutVersion, World, fresh, id, load, loaded_as, new_session, now, refusal,
    save_absent, save_unknown, saved, scripted, secs, stamp, stored, touch_until, until,
};

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_created() {
    let world = World::new();
    let store = world.store().await;
    world.tap.script([Fate::AnswerLost]);
    assert_eq!(
        store
            .create(&new_session("a", json!({ "n": 1 }), MINUTE))
            .await
            .unwrap()
            .without_version(),
        CreateOutcome::Created(stamp(now(), MINUTE))
    );
    // The second attempt met the item of the first and was shown it.
    assert_eq!(world.tap.operations(), ["PutItem", "PutItem"]);
    assert_eq!(
        store.load::<Value>(&id("a")).await.unwrap().unwrap().data,
        json!({ "n": 1 })
    );
}

#[tokio::test]
async fn an_item_that_the_engine_does_not_show_is_read() {
    let world = World::new();
    let store = world
        .open(
            world
                .builder()
                .table_options(TableOptions::default().consistent_read(false)),
        )
        .await;
    world.tap.script([Fate::AnswerLost, Fate::NoItem]);
    assert_eq!(
        store
            .create(&new_session("a", json!({}), MINUTE))
            .await
            .unwrap()
            .without_version(),
        CreateOutcome::Created(stamp(now(), MINUTE))
    );
    let calls = world.tap.calls();
    assert_eq!(
        calls
            .iter()
            .map(|(operation, _)| *operation)
            .collect::<Vec<_>>(),
        ["PutItem", "PutItem", "GetItem"]
    );
    assert_eq!(calls[2].1["ConsistentRead"], json!(true));
}

#[tokio::test]
async fn an_item_of_another_writer_is_not_taken_for_ones_own() {
    let world = World::new();
    let store = world.store().await;
    for (created, expires) in [
        // An item of another millisecond, one with another expiry, and one of the legacy package.
        (
            json!({ "N": "1799999999999" }),
            json!({ "N": "1800000060" }),
        ),
        (
            json!({ "N": "1800000000000" }),
            json!({ "N": "1800000061" }),
        ),
        (json!({ "NULL": true }), json!({ "N": "1800000060" })),
    ] {
        for answer in [Fate::Pass, Fate::NoItem] {
            world.put_item(
                "a",
                json!({ "session": { "M": {} }, "created": created, "expires": expires }),
            );
            let theirs = world.item("a");
            world.tap.script([Fate::Lost(Broken), answer]);
            assert_eq!(
                store
                    .create(&new_session("a", json!({}), MINUTE))
                    .await
                    .unwrap(),
                CreateOutcome::Taken
            );
            assert_eq!(world.item("a"), theirs);
        }
    }
}

#[tokio::test]
async fn at_the_first_attempt_an_existing_item_belongs_to_another_writer() {
    let world = World::new();
    let store = world.store().await;
    let session = new_session("a", json!({}), MINUTE);
    // The item is equal to the last digit, but at the first attempt it cannot be this call's own.
    let _ = store.put(&session).await.unwrap();
    world.tap.calls();
    assert_eq!(store.create(&session).await.unwrap(), CreateOutcome::Taken);
    assert_eq!(world.tap.operations(), ["PutItem"]);
}

#[tokio::test]
async fn an_id_whose_item_is_deleted_before_the_read_was_taken() {
    let world = World::new();
    let store = world.store().await;
    world.put_item("a", json!({ "session": { "M": {} } }));
    let nothing = Fate::Answer(200, json!({}));
    world
        .tap
        .script([Fate::Lost(Timeout), Fate::NoItem, nothing]);
    assert_eq!(
        store
            .create(&new_session("a", json!({}), MINUTE))
            .await
            .unwrap(),
        CreateOutcome::Taken
    );
}

#[tokio::test]
async fn a_failed_read_is_the_error() {
    let world = World::new();
    let store = world.store().await;
    world.put_item("a", json!({ "session": { "M": {} } }));
    world.tap.script([
        Fate::Lost(Broken),
        Fate::NoItem,
        refusal("AccessDeniedException", "no GetItem for you"),
    ]);
    let error = store
        .create(&new_session("a", json!({}), MINUTE))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some(Operation::GetItem))
    );
}

#[tokio::test]
async fn a_save_whose_answer_was_lost_is_written() {
    let world = World::new();
    let store = world.store().await;
    for item in [
        json!({ "session": { "M": {} }, "created": { "N": "1800000000000" } }),
        // The first attempt writes a `created`, and the second one has to accept it.
        json!({ "session": { "M": {} } }),
    ] {
        for is_merging in [true, false] {
            world.put_item("a", item.clone());
            let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
            world.clock.advance(MS);
            let began = loaded.created.unwrap_or_else(|| store.now());
            world.tap.calls();
            world.tap.script([Fate::AnswerLost]);
            let mut changed = loaded.with_data(json!({ "n": 2 }));
            changed.expires_at = Some(now() + MINUTE);
            let written = if is_merging {
                store
                    .save(&loaded, &changed.data, &until(now() + MINUTE))
                    .await
            } else {
                save_unknown(&store, &changed).await
            };
            // A replace does not ask for the new attributes.
            let created = loaded.created.or(is_merging.then_some(began));
            assert_eq!(
                written.unwrap().without_version(),
                SaveOutcome::Saved(stamp(created, MINUTE))
            );
            assert_eq!(world.tap.operations(), ["UpdateItem", "UpdateItem"]);
            let after = store.load::<Value>(&id("a")).await.unwrap().unwrap();
            assert_eq!(after.data, json!({ "n": 2 }));
            assert_eq!(after.created, Some(began));
        }
    }
}

#[tokio::test]
async fn a_touch_whose_answer_was_lost_is_written() {
    let world = World::new();
    let store = world.store().await;
    let mut session = loaded_as("a", json!({}), MINUTE);
    session.created = store.put(&fresh(&session)).await.unwrap().created;
    world.tap.script([Fate::AnswerLost]);
    assert_eq!(
        store
            .touch(&session, &touch_until(now() + 2 * MINUTE))
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
}

#[tokio::test]
async fn a_retried_save_does_not_undo_a_logout() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&new_session("a", json!({}), MINUTE))
        .await
        .unwrap();
    let loaded = store.load::<Value>(&id("a")).await.unwrap().unwrap();
    store.delete(&id("a")).await.unwrap();
    world.tap.script([Fate::Lost(Timeout), Fate::Lost(Broken)]);
    assert_eq!(
        save_unknown(&store, &loaded).await.unwrap(),
        SaveOutcome::Gone
    );
    world.tap.script([Fate::Lost(Timeout), Fate::Lost(Broken)]);
    assert_eq!(
        store
            .save(&loaded, &json!({ "n": 1 }), &until(now() + MINUTE))
            .await
            .unwrap(),
        SaveOutcome::Gone
    );
    world.tap.script([Fate::Lost(Timeout), Fate::Lost(Broken)]);
    assert_eq!(
        store
            .touch(&loaded, &touch_until(now() + MINUTE))
            .await
            .unwrap(),
        SaveOutcome::Gone
    );
    assert_eq!(world.session("a"), None);
}

#[tokio::test]
async fn data_to_merge_with_a_session_that_is_deleted_become_a_new_session() {
    let world = World::new();
    let store = world.store().await;
    let minute_ago = json!({ "N": "1799999940000" });
    let theirs =
        json!({ "session": { "M": {} }, "created": minute_ago, "expires": { "N": secs(9) } });
    world.put_item("a", theirs);
    let gone = refusal(
        "ConditionalCheckFailedException",
        "it was deleted meanwhile",
    );
    // The store looks for the item, and then puts its own.
    let [nothing, free] = [json!({}), json!({})].map(|answer| Fate::Answer(200, answer));
    world.tap.script([Fate::Pass, gone, nothing, free]);
    let written = save_absent(
        &store,
        &new_session("a", json!({ "n": 1 }), MINUTE),
        &Framework::new(),
    )
    .await;
    assert_eq!(
        written.unwrap().without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE))
    );
    let calls = world.tap.calls();
    assert_eq!(calls.len(), 4);
    // A request that loaded the deleted session must not be able to write to the new one.
    assert_eq!(
        calls[3].1["Item"]["created"],
        json!({ "N": "1800000000000" })
    );
}

#[tokio::test]
async fn put_load_and_delete_can_be_repeated_as_they_are() {
    let world = World::new();
    let store = world.store().await;
    world.tap.script([Fate::AnswerLost]);
    assert_eq!(
        store
            .put(&new_session("a", json!({}), MINUTE))
            .await
            .unwrap()
            .without_version(),
        stamp(now(), MINUTE)
    );
    world.tap.script([Fate::AnswerLost]);
    assert!(store.load::<Value>(&id("a")).await.unwrap().is_some());
    world.tap.script([Fate::AnswerLost, Fate::AnswerLost]);
    let loaded = load(&store, "a").await;
    store.delete(&loaded).await.unwrap();
    world.tap.script([Fate::AnswerLost]);
    store.delete(&id("a")).await.unwrap();
    assert_eq!(world.session("a"), None);
}

/// A loaded session, which other requests have saved so many times since.
async fn saved_since(store: &SessionStore, times: u32) -> Loaded<Value> {
    let loaded = stored(store, "a", json!({ "n": 0, "theirs": 0 })).await;
    for n in 1..=times {
        let theirs = load(store, "a").await;
        let data = json!({ "n": 0, "theirs": n });
        let _ = saved(store.save(&theirs, &data, &until(now() + MINUTE)).await);
    }
    loaded
}

#[tokio::test]
async fn a_lost_attempt_that_was_not_executed_is_merged() {
    for times in 1..=3 {
        let world = World::new();
        let store = world.store().await;
        let loaded = saved_since(&store, times).await;
        world.tap.calls();
        // The item remembers the state that the save was made from.
        world.tap.script([Fate::Lost(Broken)]);
        let data = json!({ "n": 1, "theirs": 0 });
        let _ = saved(store.save(&loaded, &data, &until(now() + MINUTE)).await);
        assert_eq!(world.tap.operations(), ["UpdateItem"; 3]);
        assert_eq!(
            load(&store, "a").await.data,
            json!({ "n": 1, "theirs": times })
        );
    }
}

#[tokio::test]
async fn an_attempt_that_was_executed_counts_once_however_the_session_changed_since() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 0, "theirs": 0 })).await;
    let other = world.builder().build().unwrap();
    let data = json!({ "n": 1, "theirs": 0 });
    let options = until(now() + MINUTE);
    // Its answer is lost, and two other requests save the session before it is repeated.
    let save = store.save(&loaded, &data, &options);
    world.tap.script([Fate::Held]);
    let theirs = async {
        world.tap.held().await;
        for n in 2..4 {
            let loaded = load(&other, "a").await;
            let data = json!({ "n": n, "theirs": n });
            let _ = saved(other.save(&loaded, &data, &options).await);
        }
        world.tap.release();
    };
    let (written, ()) = tokio::join!(save, theirs);
    assert_eq!(
        saved(written).without_version(),
        stamp(loaded.created, MINUTE)
    );
    assert_eq!(load(&store, "a").await.data, json!({ "n": 3, "theirs": 3 }));
}

#[tokio::test]
async fn an_attempt_that_nobody_remembers_is_an_error() {
    let world = World::new();
    let store = world.store().await;
    let loaded = saved_since(&store, 4).await;
    let item = world.item("a");
    let data = json!({ "n": 1, "theirs": 0 });
    let options = until(now() + MINUTE);
    world.tap.script([Fate::Lost(Broken)]);
    let error = store.save(&loaded, &data, &options).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Timeout, Some(Operation::UpdateItem))
    );
    assert!(error.to_string().contains("it is not known"), "{error}");
    assert_eq!(world.item("a"), item);
    // With an answer to every attempt, it was not executed.
    let _ = saved(store.save(&loaded, &data, &options).await);
    assert_eq!(load(&store, "a").await.data, json!({ "n": 1, "theirs": 4 }));
}

#[tokio::test]
async fn a_late_create_does_not_bring_a_session_back() {
    let world = World::new();
    let store = world.store().await;
    let other = world.builder().build().unwrap();
    for is_put in [false, true] {
        let session = new_session("a", json!({ "n": 1 }), 60 * MINUTE);
        // It is executed, its answer is lost, and the visitor signs out before it is repeated.
        world.tap.script([Fate::Held]);
        let created = async {
            if is_put {
                store.put(&session).await.map(drop)
            } else {
                let outcome = store.create(&session).await;
                outcome.map(|outcome| assert_eq!(outcome, CreateOutcome::Taken))
            }
        };
        let signs_out = async {
            world.tap.held().await;
            other.delete(&id("a")).await.unwrap();
            world.tap.release();
        };
        let (created, ()) = tokio::join!(created, signs_out);
        created.unwrap();
        assert_eq!(world.session("a"), None);
        world.clock.advance(26 * MINUTE);
    }
}

#[tokio::test]
async fn throttling_and_server_errors_are_retried_until_the_attempts_are_used_up() {
    let throttled = || refusal("ProvisionedThroughputExceededException", "slow down");
    let broken = || Fate::Answer(500, json!({ "__type": "x#InternalServerError" }));
    let (store, tap) = scripted([throttled(), broken(), throttled(), throttled(), throttled()]);
    let error = store.load::<Value>(&id("a")).await.unwrap_err();
    assert_eq!(tap.calls().len(), 4);
    assert_eq!(
        (error.kind(), error.attempts(), error.status()),
        (ErrorKind::Throttled, 4, Some(400))
    );
    assert_eq!(error.code(), Some("ProvisionedThroughputExceededException"));
    assert_eq!(
        (error.request_id(), error.endpoint()),
        (Some("REQUEST"), tap.endpoint().as_deref())
    );
    assert!(error.is_retryable());
}

#[tokio::test]
async fn errors_that_a_retry_does_not_cure_are_not_retried() {
    for (code, kind) in [
        ("AccessDeniedException", ErrorKind::AccessDenied),
        ("ResourceNotFoundException", ErrorKind::TableNotFound),
        ("InvalidSignatureException", ErrorKind::Credentials),
        ("ValidationException", ErrorKind::Service),
    ] {
        let (store, tap) = scripted([refusal(code, "no")]);
        let error = store
            .put(&new_session("a", json!({}), MINUTE))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.code(), error.attempts()),
            (kind, Some(code), 1)
        );
        assert!(!error.is_retryable());
        assert_eq!(tap.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_failure_to_connect_is_an_error_of_the_transport() {
    let (store, tap) = scripted((0..4).map(|_| Fate::Lost(Connect)));
    let error = store.load::<Value>(&id("a")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, None));
    assert_eq!(error.endpoint(), tap.endpoint().as_deref());
}
