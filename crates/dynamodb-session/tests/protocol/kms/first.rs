//! The first calls of a process: the data key is made, or found.

use std::time::Duration;

use dynamodb_session::options::{EncryptionMode, EncryptionOptions, TableOptions};
use dynamodb_session::{ErrorKind, Operation, Remedy};
use dynamodb_session_faults::{KMS_KEYS, Step};
use serde_json::{Value, json};

use super::{ALIAS, DAY, NEXT, NOW, Scene, create, created, opens, refused};
use crate::support::{Fate, Tap, id, load, saved, touch_until};

#[tokio::test]
async fn the_first_process_makes_a_data_key_and_the_second_one_unwraps_it() {
    let scene = Scene::new();
    let (store, tap) = scene.first_process().await;
    created(&scene, &store, "a").await;
    assert_eq!(scene.asked(), ["GenerateDataKey"]);
    assert_eq!(tap.operations(), ["GetItem", "PutItem", "PutItem"]);
    // A consistent read, and the writes of two items under 1 KB.
    assert!((tap.units() - 3.0).abs() < 0.001);
    let mut item = scene.world.item(NOW).unwrap();
    let arn = format!(
        "arn:aws:kms:eu-central-1:111122223333:key/{}",
        KMS_KEYS[0].0
    );
    assert_eq!(item["arn"].take(), json!({ "S": arn }));
    assert!(item["wrapped"]["B"].is_string());
    assert_eq!(item.as_object().unwrap().len(), 3, "the key, and these");

    let (other, tap) = scene.process();
    opens(&other, "a").await;
    assert_eq!(scene.asked(), ["Decrypt"]);
    assert_eq!(tap.operations(), ["GetItem", "GetItem"]);
    for number in 0..20 {
        created(&scene, &other, &number.to_string()).await;
        opens(&store, &number.to_string()).await;
    }
    assert_eq!(scene.asked(), [""; 0], "a view asks no KMS");
}

#[tokio::test]
async fn calls_that_begin_together_ask_kms_once() {
    let scene = Scene::new();
    let (store, tap) = scene.first_process().await;
    let ids: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    let calls = ids.iter().map(|name| {
        let (store, name) = (store.clone(), name.clone());
        tokio::spawn(async move { create(&store, &name).await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(scene.asked(), ["GenerateDataKey"]);
    assert_eq!(tap.operations().len(), 2 + ids.len());
}

#[tokio::test]
async fn who_loses_the_race_to_store_a_data_key_takes_that_of_the_winner() {
    for (fate, requests) in [
        (Fate::Pass, &["GetItem", "PutItem", "PutItem"][..]),
        (Fate::NoItem, &["GetItem", "PutItem", "GetItem", "PutItem"]),
    ] {
        let scene = Scene::new();
        let (slow, tap) = scene.first_process().await;
        let (quick, _) = scene.process();
        tap.script([Fate::Slow, fate]);
        let first = async {
            tap.held().await;
            created(&scene, &quick, "quick").await;
            tap.release();
        };
        let (outcome, ()) = tokio::join!(create(&slow, "slow"), first);
        outcome.unwrap();
        assert_eq!(
            scene.asked(),
            ["GenerateDataKey", "GenerateDataKey", "Decrypt"]
        );
        assert_eq!(tap.operations(), requests);
        opens(&quick, "slow").await;
        opens(&slow, "quick").await;
    }
}

#[tokio::test]
async fn a_data_key_whose_answer_was_lost_is_its_own() {
    let scene = Scene::new();
    let (store, tap) = scene.first_process().await;
    tap.script([Fate::Pass, Fate::AnswerLost]);
    created(&scene, &store, "a").await;
    assert_eq!(
        tap.operations(),
        ["GetItem", "PutItem", "PutItem", "PutItem"]
    );
    assert_eq!(scene.asked(), ["GenerateDataKey"]);
    opens(&scene.process().0, "a").await;
}

#[tokio::test]
async fn after_thirty_days_a_new_key_encrypts_and_the_old_one_still_opens() {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    created(&scene, &store, "old").await;
    scene.world.clock.advance(30 * DAY);
    created(&scene, &store, "new").await;
    assert_eq!(scene.asked(), ["GenerateDataKey"; 2]);
    assert!(scene.world.item(NEXT).is_some());
    // The old key was unwrapped 30 days ago.
    opens(&store, "old").await;
    assert_eq!(scene.asked(), ["Decrypt"]);
    opens(&store, "new").await;

    let (other, tap) = scene.process();
    opens(&other, "old").await;
    opens(&other, "old").await;
    assert_eq!(scene.asked(), ["Decrypt"; 2]);
    let get = "GetItem";
    assert_eq!(tap.operations(), [get; 4], "two keys, and a session twice");

    // A process whose clock is behind learns of the new key by a session.
    let (late, _) = scene.process();
    scene.world.clock.advance(DAY);
    opens(&late, "new").await;
    opens(&late, "old").await;
}

#[tokio::test]
async fn a_touch_in_the_next_period_needs_both_keys_later() {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    created(&scene, &store, "a").await;
    scene.world.clock.advance(30 * DAY);
    let loaded = load(&store, "a").await;
    let touch = touch_until(store.now() + 100 * DAY);
    saved(store.touch(&loaded, &touch).await);
    scene.asked();
    let (other, _) = scene.process();
    let page = other.list::<Value>(None).await.unwrap();
    assert_eq!((page.sessions.len(), page.unreadable), (1, 0));
    opens(&scene.process().0, "a").await;
    assert_eq!(scene.asked(), ["Decrypt"; 4]);
}

#[tokio::test]
async fn a_page_of_a_list_has_the_sessions_of_all_keys() {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    created(&scene, &store, "old").await;
    scene.world.clock.advance(30 * DAY);
    created(&scene, &store, "new").await;
    scene.asked();
    let (other, _) = scene.process();
    let page = other.list::<Value>(None).await.unwrap();
    assert_eq!((page.sessions.len(), page.unreadable), (2, 0));
    assert_eq!(scene.asked(), ["Decrypt"; 2]);
}

#[tokio::test]
async fn without_a_data_key_nothing_is_written() {
    let scene = Scene::new();
    scene.world.store().await;
    let missing = EncryptionOptions::from_kms("alias/absent");
    let elsewhere =
        EncryptionOptions::from_kms("arn:aws:kms:us-east-1:111122223333:alias/sessions");
    for (options, told) in [
        (
            missing,
            "Alias arn:aws:kms:eu-central-1:111122223333:alias/absent is not found",
        ),
        (
            elsewhere,
            "Region us-east-1, and requests go to eu-central-1",
        ),
    ] {
        let (store, tap) = scene.process_with(scene.builder().encryption(options));
        let error = create(&store, "a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.remedy(), Some(Remedy::CheckKmsKey));
        assert_eq!(error.operation(), Some(Operation::GenerateDataKey));
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(tap.operations(), ["GetItem"]);
    }
    let (store, tap) = scene.process_with(scene.builder_at(&scene.kms.urls().refused));
    let error = create(&store, "a").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 4));
    assert!(error.is_retryable());
    assert_eq!(tap.operations(), ["GetItem"]);
    scene.asked();

    for (step, kind, remedy) in [
        (
            Step::error("AccessDeniedException"),
            ErrorKind::AccessDenied,
            Remedy::AllowKmsKey,
        ),
        (
            Step::Answer {
                status: 200,
                content_type: "text/html".to_owned(),
                body: "<html>Sign in".to_owned(),
            },
            ErrorKind::Decode,
            Remedy::CheckEndpoint,
        ),
    ] {
        scene.kms.on("GenerateDataKey", step);
        let (store, tap) = scene.process();
        let error = create(&store, "a").await.unwrap_err();
        assert_eq!((error.kind(), error.remedy()), (kind, Some(remedy)));
        assert_eq!(tap.operations(), ["GetItem"]);
        scene.asked();
        // For a second, further calls fail in the same way, and ask nobody.
        let again = refused(&store, "a").await;
        assert_eq!((again.kind(), again.remedy()), (kind, Some(remedy)));
        assert_eq!((scene.asked().len(), tap.operations().len()), (0, 0));
    }
    assert_eq!(scene.world.item(NOW), None);
    assert_eq!(scene.world.item("a"), None);

    let (store, _) = scene.process();
    create(&store, "a").await.unwrap_err();
    scene.recover();
    scene.world.clock.advance(Duration::from_secs(1));
    created(&scene, &store, "a").await;
}

#[tokio::test]
async fn the_mode_read_makes_no_key_and_opens_what_is_sealed() {
    let scene = Scene::new();
    let (sealing, _) = scene.first_process().await;
    created(&scene, &sealing, "sealed").await;
    scene.world.clock.advance(30 * DAY);
    scene.asked();
    let read = EncryptionOptions::from_kms(ALIAS).mode(EncryptionMode::Read);
    let (store, tap) = scene.process_with(scene.builder().encryption(read));
    create(&store, "plain").await.unwrap();
    opens(&store, "plain").await;
    assert!(scene.world.item("plain").unwrap().get("sealed").is_none());
    assert_eq!(scene.asked(), [""; 0]);
    assert_eq!(tap.operations(), ["PutItem", "GetItem"]);
    opens(&store, "sealed").await;
    opens(&store, "sealed").await;
    assert_eq!(scene.asked(), ["Decrypt"]);
    assert_eq!(scene.world.item(NEXT), None);
    // After a day, the key is asked for again.
    scene.world.clock.advance(DAY);
    opens(&store, "sealed").await;
    assert_eq!(scene.asked(), ["Decrypt"]);
}

#[tokio::test]
async fn each_prefix_has_data_keys_of_its_own() {
    let scene = Scene::new();
    scene.world.store().await;
    for prefix in ["a:", "b:"] {
        let options = TableOptions::default().prefix(prefix);
        let (store, _) = scene.process_with(scene.builder().table_options(options));
        create(&store, "session").await.unwrap();
        opens(&store, "session").await;
    }
    assert_eq!(scene.asked(), ["GenerateDataKey"; 2]);
    // One that is moved to the other prefix is bound to its own.
    let of_other = scene.world.item("b:k2.ja").unwrap();
    scene.world.put_item("a:k2.ja", of_other);
    let options = TableOptions::default().prefix("a:");
    let (store, _) = scene.process_with(scene.builder().table_options(options));
    let error = refused(&store, "session").await;
    assert_eq!(error.remedy(), Some(Remedy::CheckWrappedKey));
}

#[tokio::test]
async fn a_key_that_is_not_stored_is_unknown_and_asked_for_every_ten_seconds() {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    created(&scene, &store, "a").await;
    scene.world.delete_item(NOW);
    scene.world.clock.advance(30 * DAY);
    let (other, tap) = scene.process();
    let read = |tap: &Tap| tap.operations().len();
    assert_eq!(refused(&other, "a").await.kind(), ErrorKind::UnknownKey);
    assert_eq!(read(&tap), 4, "two reads of keys, a write, and the session");
    assert_eq!(refused(&other, "a").await.kind(), ErrorKind::UnknownKey);
    assert_eq!(read(&tap), 1);
    scene.world.clock.advance(Duration::from_secs(10));
    assert_eq!(refused(&other, "a").await.kind(), ErrorKind::UnknownKey);
    assert_eq!(read(&tap), 2);
    let other = other.load::<Value>(&id("b")).await.unwrap();
    assert!(other.is_none(), "other sessions are not concerned");
}
