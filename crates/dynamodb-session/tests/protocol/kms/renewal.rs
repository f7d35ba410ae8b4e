//! Each process unwraps the data key in use once an hour. What happens if that fails.

use std::time::Duration;

use dynamodb_session::{ErrorKind, Remedy};
use dynamodb_session_faults::Step;

use serde_json::Value;

use super::{HOUR, NEXT, NOW, Scene, create, created, opens, refused};
use crate::support::Fate;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_process_asks_kms_and_the_table_once_an_hour() {
    let scene = Scene::new();
    let (store, tap) = scene.first_process().await;
    created(&scene, &store, "a").await;
    scene.asked();
    tap.calls();
    for _ in 0..24 {
        for minutes in [59, 1] {
            scene.world.clock.advance(Duration::from_mins(minutes));
            opens(&store, "a").await;
        }
    }
    assert_eq!(scene.asked(), ["Decrypt"; 24]);
    let calls = tap.calls();
    let key = |call: &(&str, Value)| call.1["Key"]["sessionId"]["S"] == NOW;
    assert_eq!(calls.iter().filter(|call| key(call)).count(), 24);
    assert_eq!(calls.len(), 24 + 48, "the rest are loads of the session");
}

#[tokio::test]
async fn calls_go_on_with_the_old_key_while_one_call_renews_it() {
    let scene = Scene::new();
    let (store, tap) = scene.first_process().await;
    created(&scene, &store, "a").await;
    scene.world.clock.advance(HOUR);
    tap.calls();
    tap.script([Fate::Slow]);
    let others = async {
        tap.held().await;
        opens(&store, "a").await;
        create(&store, "b").await.unwrap();
        tap.release();
    };
    tokio::join!(opens(&store, "a"), others);
    assert_eq!(
        tap.operations(),
        ["GetItem", "GetItem", "PutItem", "GetItem"]
    );
}

#[tokio::test]
async fn without_an_answer_of_kms_keys_serve_for_a_day() {
    let outages = [
        (Step::ResetBefore, ErrorKind::Transport),
        (Step::error("ThrottlingException"), ErrorKind::Throttled),
        (
            Step::Error {
                code: "KMSInternalException".to_owned(),
                status: 500,
                message: String::new(),
            },
            ErrorKind::Service,
        ),
        (
            Step::Answer {
                status: 200,
                content_type: "text/html".to_owned(),
                body: "<html>Sign in".to_owned(),
            },
            ErrorKind::Decode,
        ),
    ];
    for (step, kind) in outages {
        let scene = Scene::new();
        let (store, _) = scene.first_process().await;
        created(&scene, &store, "a").await;
        scene.kms.default(step);
        for _ in 1..24 {
            scene.world.clock.advance(HOUR);
            opens(&store, "a").await;
            create(&store, "a").await.unwrap();
        }
        assert_eq!(scene.kept(), 23, "{kind:?}");
        // For ten seconds after a failure, KMS is left alone.
        let asked = || scene.kms.log().entries.len();
        asked();
        scene.world.clock.advance(9 * SECOND);
        opens(&store, "a").await;
        assert_eq!(asked(), 0);
        scene.world.clock.advance(SECOND);
        opens(&store, "a").await;
        assert!((1..=4).contains(&asked()));

        scene.world.clock.advance(HOUR);
        assert_eq!(refused(&store, "a").await.kind(), kind);
        assert_eq!(create(&store, "b").await.unwrap_err().kind(), kind);
        assert_eq!(scene.world.item("b"), None);

        scene.recover();
        scene.world.clock.advance(SECOND);
        opens(&store, "a").await;
        created(&scene, &store, "b").await;
    }
}

#[tokio::test]
async fn a_key_that_is_denied_or_disabled_is_in_use_for_an_hour() {
    for (code, kind, remedy) in [
        (
            "AccessDeniedException",
            ErrorKind::AccessDenied,
            Remedy::AllowKmsKey,
        ),
        (
            "DisabledException",
            ErrorKind::Service,
            Remedy::EnableKmsKey,
        ),
    ] {
        let scene = Scene::new();
        let (store, tap) = scene.first_process().await;
        created(&scene, &store, "a").await;
        scene.fail("Decrypt", code, 400);
        scene.world.clock.advance(Duration::from_secs(3599));
        opens(&store, "a").await;
        tap.calls();
        scene.asked();

        scene.world.clock.advance(SECOND);
        let error = refused(&store, "a").await;
        assert_eq!((error.kind(), error.remedy()), (kind, Some(remedy)));
        let text = error.to_string();
        assert!(
            text.contains("kms:Decrypt with the key alias/sessions"),
            "{text}"
        );
        assert_eq!(create(&store, "b").await.unwrap_err().kind(), kind);
        assert_eq!(scene.asked(), ["Decrypt"], "not once a call");
        assert_eq!(tap.operations(), ["GetItem"], "that of the data key");
        assert_eq!(scene.kept(), 0);

        // Nor does the key come back while calls are tried.
        for _ in 0..5 {
            scene.world.clock.advance(SECOND);
            let (one, two) = tokio::join!(create(&store, "b"), create(&store, "c"));
            assert_eq!(
                (one.unwrap_err().kind(), two.unwrap_err().kind()),
                (kind, kind)
            );
        }
        assert_eq!(scene.asked(), ["Decrypt"; 5]);
        assert_eq!(scene.world.item("b"), None);

        scene.recover();
        scene.world.clock.advance(SECOND);
        opens(&store, "a").await;
    }
}

#[tokio::test]
async fn an_outage_does_not_prolong_the_use_of_a_key_that_is_denied_then() {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    created(&scene, &store, "a").await;
    scene.kms.on("Decrypt", Step::ResetBefore);
    scene.kms.default(Step::ResetBefore);
    scene.world.clock.advance(5 * HOUR);
    opens(&store, "a").await;
    scene.recover();
    scene.fail("Decrypt", "AccessDeniedException", 400);
    scene.world.clock.advance(10 * SECOND);
    assert_eq!(refused(&store, "a").await.kind(), ErrorKind::AccessDenied);
}

#[tokio::test]
async fn a_new_period_during_an_outage_begins_later() {
    let scene = Scene::new();
    let (store, _) = scene.first_process().await;
    // The period ends 16 days and 16 hours after the time at which tests begin.
    let to_end: u64 = 695 * 30 * 24 * 3600 - 1_800_000_000;
    scene
        .world
        .clock
        .advance(Duration::from_secs(to_end - 1800));
    created(&scene, &store, "a").await;
    scene.kms.default(Step::ResetBefore);
    scene.world.clock.advance(HOUR / 2);
    created(&scene, &store, "b").await;
    assert_eq!((scene.kept(), scene.world.item(NEXT)), (1, None));
    scene.recover();
    scene.world.clock.advance(10 * SECOND);
    created(&scene, &store, "c").await;
    assert!(scene.world.item(NEXT).is_some());
    let (other, _) = scene.process();
    for name in ["a", "b", "c"] {
        opens(&other, name).await;
        opens(&store, name).await;
    }
}

#[tokio::test]
async fn a_data_key_that_was_deleted_is_put_back_at_the_next_renewal() {
    let scene = Scene::new();
    let (store, tap) = scene.first_process().await;
    created(&scene, &store, "a").await;
    let item = scene.world.item(NOW).unwrap();
    scene.world.delete_item(NOW);
    scene.world.clock.advance(HOUR);
    tap.calls();
    scene.asked();
    opens(&store, "a").await;
    assert_eq!(tap.operations(), ["GetItem", "PutItem", "GetItem"]);
    assert_eq!(scene.asked(), ["Decrypt"]);
    assert_eq!(scene.world.item(NOW), Some(item));
    opens(&scene.process().0, "a").await;
}
