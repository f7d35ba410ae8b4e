//! How sessions of a user end.

use super::*;
use crate::support::{Fate, refusal};

#[tokio::test]
async fn all_sessions_of_a_user_end_and_no_others() {
    let (_world, store) = world().await;
    for session in ["a", "b", "c"] {
        let _ = signed_in(&store, session, "alice").await;
    }
    let _ = signed_in(&store, "d", "bob").await;
    assert_eq!(revoke_all(&store, "alice").await, 3);
    for session in ["a", "b", "c"] {
        assert!(!is_accepted(&store, session).await);
        assert!(store.is_signed_out(&id(session)).await.unwrap());
    }
    assert!(is_accepted(&store, "d").await);
    assert!(references(&store, "alice").await.is_empty());
    assert_eq!(revoke_all(&store, "alice").await, 0);
    assert_eq!(store.stats().revoked_sessions, 3);

    let _ = signed_in(&store, "e", "alice").await;
    assert!(is_accepted(&store, "e").await);
    assert_eq!(references(&store, "alice").await.len(), 1);
}

#[tokio::test]
async fn one_session_is_spared() {
    let (world, store) = world().await;
    for session in ["a", "b", "c"] {
        let _ = signed_in(&store, session, "alice").await;
    }
    let here = id("b");
    let options = RevokeOptions::default().except(&here);
    assert_eq!(
        store
            .revoke_user(&user_id("alice"), &options)
            .await
            .unwrap(),
        2
    );
    assert!(is_accepted(&store, "b").await);
    assert_eq!(references(&store, "alice").await.len(), 1);
    let item = world.item(&item_key("alice")).unwrap();
    assert!(
        item.get("revoked").is_none() && item.get("spared").is_none(),
        "{item}"
    );
    // It is still one of the user's.
    assert_eq!(revoke_all(&store, "alice").await, 1);
    assert!(!is_accepted(&store, "b").await);
}

#[tokio::test]
async fn one_session_is_spared_by_its_reference() {
    let (_world, store) = world().await;
    let a = signed_in(&store, "a", "alice").await;
    let _ = signed_in(&store, "b", "alice").await;
    let reference = store.reference(&a).unwrap();
    let options = RevokeOptions::default().except_reference(&reference);
    let alice = user_id("alice");
    assert_eq!(store.revoke_user(&alice, &options).await.unwrap(), 1);
    assert_eq!(references(&store, "alice").await, [reference]);
    assert!(is_accepted(&store, "a").await);
    assert!(!is_accepted(&store, "b").await);
}

#[tokio::test]
async fn a_session_of_somebody_else_is_no_exception() {
    let (_world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    let _ = signed_in(&store, "b", "bob").await;
    let other = id("b");
    let options = RevokeOptions::default().except(&other);
    assert_eq!(
        store
            .revoke_user(&user_id("alice"), &options)
            .await
            .unwrap(),
        1
    );
    assert!(!is_accepted(&store, "a").await);
    assert!(is_accepted(&store, "b").await);
}

#[tokio::test]
async fn one_session_ends_by_its_reference() {
    let (_world, store) = world().await;
    let a = signed_in(&store, "a", "alice").await;
    let _ = signed_in(&store, "b", "alice").await;
    let reference = store.reference(&a).unwrap();
    assert!(!store.revoke(&user_id("bob"), &reference).await.unwrap());
    assert!(is_accepted(&store, "a").await);
    assert!(store.revoke(&user_id("alice"), &reference).await.unwrap());
    assert!(!store.revoke(&user_id("alice"), &reference).await.unwrap());
    assert!(!is_accepted(&store, "a").await);
    assert!(is_accepted(&store, "b").await);
    assert_eq!(references(&store, "alice").await.len(), 1);
    assert!("nonsense".parse::<SessionRef>().is_err());
}

#[tokio::test]
async fn a_call_for_one_session_goes_on_after_one_that_failed() {
    let (world, store) = world().await;
    let a = signed_in(&store, "a", "alice").await;
    let _ = signed_in(&store, "b", "alice").await;
    let reference = store.reference(&a).unwrap();
    let failed = Fate::Answer(400, json!({ "__type": "x#Nonsense" }));
    world.tap.script([Fate::Pass, Fate::Pass, failed]);
    assert!(store.revoke(&user_id("alice"), &reference).await.is_err());
    assert!(is_accepted(&store, "a").await, "it failed before its end");
    assert!(store.revoke(&user_id("alice"), &reference).await.unwrap());
    assert!(!is_accepted(&store, "a").await);
    assert!(is_accepted(&store, "b").await);
    let item = world.item(&item_key("alice")).unwrap();
    assert!(item.get("revoked").is_none(), "{item}");
}

#[tokio::test]
async fn the_requests_are_those_that_are_documented() {
    let (world, store) = world().await;
    for session in ["a", "b"] {
        let _ = signed_in(&store, session, "alice").await;
    }
    world.tap.calls();
    assert_eq!(revoke_all(&store, "alice").await, 2);
    let mut operations = world.tap.operations();
    operations.sort_unstable();
    let expected = [
        "GetItem",
        "GetItem",
        "PutItem",
        "PutItem",
        "UpdateItem",
        "UpdateItem",
    ];
    assert_eq!(operations, expected);
}

#[tokio::test]
async fn who_comes_next_goes_on_with_a_revocation_that_was_not_ended() {
    let fates = [
        vec![
            Fate::AnswerLost,
            Fate::Answer(400, json!({ "__type": "x#Nonsense" })),
        ],
        vec![
            Fate::Pass,
            Fate::Answer(400, json!({ "__type": "x#Nonsense" })),
        ],
        vec![
            Fate::Pass,
            Fate::Pass,
            Fate::Answer(400, json!({ "__type": "x#Nonsense" })),
        ],
        vec![
            Fate::Pass,
            Fate::Pass,
            Fate::Pass,
            Fate::Answer(400, json!({ "__type": "x#Nonsense" })),
        ],
    ];
    for (case, fates) in fates.into_iter().enumerate() {
        let (world, store) = world().await;
        let _ = signed_in(&store, "a", "alice").await;
        world.tap.script(fates);
        let options = RevokeOptions::default();
        let failed = store.revoke_user(&user_id("alice"), &options).await;
        assert!(failed.is_err(), "{case}");
        let _ = signed_in(&store, "b", "alice").await;
        let ended = revoke_all(&store, "alice").await;
        assert!((1..=2).contains(&ended), "{case}: {ended}");
        for session in ["a", "b"] {
            assert!(!is_accepted(&store, session).await, "{case} {session}");
        }
        let item = world.item(&item_key("alice")).unwrap();
        assert!(item.get("revoked").is_none(), "{item}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    world.tap.script([Fate::AnswerLost]);
    assert_eq!(revoke_all(&store, "alice").await, 1);
    assert!(!is_accepted(&store, "a").await);
}

#[tokio::test]
async fn a_throttled_table_is_waited_for() {
    let (world, store) = world().await;
    for session in ["a", "b", "c"] {
        let _ = signed_in(&store, session, "alice").await;
    }
    let throttled = || refusal("ProvisionedThroughputExceededException", "too much");
    world.tap.script((0..20).map(|_| throttled()));
    assert_eq!(revoke_all(&store, "alice").await, 3);
    world.tap.script((0..200).map(|_| throttled()));
    let options = RevokeOptions::default();
    let error = store
        .revoke_user(&user_id("alice"), &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), dynamodb_session::ErrorKind::Throttled);
}

/// Revokes alice's sessions this many minutes after she signed in, when bob has the session id. Returns whether his session
/// stays.
async fn stays(minutes: u32, is_in_place: bool, is_of_one: bool) -> bool {
    let (world, store) = world().await;
    let alices = signed_in(&store, "a", "alice").await;
    let bob = user("bob");
    let end = store.now() + 60 * MINUTE;
    if is_in_place {
        let options = SaveOptions::default().expires_at(end).user(Some(&bob));
        let saved = store.save(&alices, &data_of("bob"), &options).await;
        assert!(saved.unwrap().is_saved());
    } else {
        store.delete(&alices).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        let new = NewSession::new(id("a"), data_of("bob")).user(bob);
        let created = store.create(&new.expires_at(end)).await.unwrap();
        assert!(matches!(created, CreateOutcome::Created(_)));
    }
    world.clock.advance(minutes * MINUTE);
    let ended = if is_of_one {
        let reference = store.reference(&alices).unwrap();
        u64::from(store.revoke(&user_id("alice"), &reference).await.unwrap())
    } else {
        revoke_all(&store, "alice").await
    };
    let stays = is_accepted(&store, "a").await;
    assert_eq!(ended, u64::from(!stays));
    stays
}

#[tokio::test]
async fn a_session_of_another_user_under_the_same_id_stays() {
    for is_in_place in [false, true] {
        for is_of_one in [false, true] {
            assert!(stays(26, is_in_place, is_of_one).await);
            // A request of her sign-in can be under way yet, which would make the session hers.
            assert!(!stays(24, is_in_place, is_of_one).await);
        }
    }
}

#[tokio::test]
async fn an_engine_that_does_not_return_the_item_is_asked_for_it() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    world
        .tap
        .refuse_member("ReturnValuesOnConditionCheckFailure");
    let _ = signed_in(&store, "b", "alice").await;
    let _ = signed_in(&store, "c", "bob").await;
    assert_eq!(revoke_all(&store, "alice").await, 2);
    assert_eq!(revoke_all(&store, "bob").await, 1);
}
