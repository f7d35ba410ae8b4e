//! Requests that are under way while sessions are revoked.

use dynamodb_session::clock::SystemClock;

use super::*;
use crate::support::{Fate, saved, touch_until};

#[tokio::test]
async fn a_request_that_has_loaded_the_session_cannot_keep_it() {
    let (_world, store) = world().await;
    let loaded = signed_in(&store, "a", "alice").await;
    assert_eq!(revoke_all(&store, "alice").await, 1);
    let late = save_as(&store, &loaded, Some(&user("alice")))
        .await
        .unwrap();
    assert_eq!(late, SaveOutcome::Gone);
    let touched = store
        .touch(&loaded, &touch_until(now() + 2 * MINUTE))
        .await
        .unwrap();
    assert_eq!(touched, SaveOutcome::Gone);
    assert!(!is_accepted(&store, "a").await);
}

/// A new session that goes on with another one.
fn renewed(old: &str, new: &str) -> NewSession<Value> {
    let user = user("alice").continues(id(old));
    NewSession::new(id(new), data_of("alice")).user(user)
}

#[tokio::test]
async fn a_renewed_id_carries_on_a_session_that_is_accepted() {
    let (_world, store) = world().await;
    let loaded = signed_in(&store, "a", "alice").await;
    store.delete(&loaded).await.unwrap();
    let created = store.create(&renewed("a", "b")).await.unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)));
    assert_eq!(references(&store, "alice").await.len(), 1);
}

#[tokio::test]
async fn a_renewed_id_does_not_carry_on_a_session_that_was_revoked() {
    let (_world, store) = world().await;
    // Before and after the old session is deleted.
    for is_deleted in [false, true] {
        let loaded = signed_in(&store, "a", "alice").await;
        if is_deleted {
            store.delete(&loaded).await.unwrap();
        }
        let _ = revoke_all(&store, "alice").await;
        store.delete(&loaded).await.unwrap();
        let new = renewed("a", "b");
        assert_eq!(store.create(&new).await.unwrap(), CreateOutcome::Revoked);
        let alice = user("alice").continues(id("a"));
        let options = SaveOptions::default().user(Some(&alice));
        let saved = store
            .save(Base::absent(&id("b")), &new.data, &options)
            .await;
        assert_eq!(saved.unwrap(), SaveOutcome::Gone);
        let _ = store.put(&new).await.unwrap();
        assert!(!is_accepted(&store, "b").await);
        assert!(references(&store, "alice").await.is_empty());
    }
}

#[tokio::test]
async fn one_revoked_session_cannot_be_renewed() {
    let (_world, store) = world().await;
    let loaded = signed_in(&store, "a", "alice").await;
    let _ = signed_in(&store, "c", "alice").await;
    let reference = store.reference(&loaded).unwrap();
    assert!(store.revoke(&user_id("alice"), &reference).await.unwrap());
    let created = store.create(&renewed("a", "b")).await.unwrap();
    assert_eq!(created, CreateOutcome::Revoked);
}

/// Revokes all sessions of a user at each point of a sign-in: after this number of its requests.
async fn revoke_after(requests: usize, in_place: bool) {
    let (world, store) = world().await;
    // The item of the user is there already.
    let _ = signed_in(&store, "other", "alice").await;
    let anonymous = if in_place {
        let new = NewSession::new(id("a"), json!({}));
        let _ = store.create(&new.expires_at(now() + MINUTE)).await.unwrap();
        Some(load(&store, "a").await)
    } else {
        None
    };
    let mut fates: Vec<_> = (1..requests).map(|_| Fate::Pass).collect();
    fates.push(Fate::Slow);
    world.tap.script(fates);
    let other = world.open(with_users(world.other_process())).await;
    let sign_in = tokio::spawn({
        let store = store.clone();
        async move {
            let alice = user("alice");
            match anonymous {
                Some(loaded) => {
                    let outcome = save_as(&store, &loaded, Some(&alice)).await.unwrap();
                    outcome.is_saved()
                }
                None => matches!(
                    create(&store, "a", "alice").await,
                    CreateOutcome::Created(_)
                ),
            }
        }
    });
    world.tap.held().await;
    assert!(revoke_all(&other, "alice").await >= 1);
    world.tap.release();
    let is_signed_in = sign_in.await.unwrap();
    assert_eq!(
        is_accepted(&store, "a").await,
        is_signed_in,
        "{requests} {in_place}"
    );
    // After the first request the session was known, so it was revoked.
    assert!(requests > 2 || !is_signed_in, "{requests} {in_place}");
    let listed = references(&store, "alice").await.len();
    assert_eq!(listed, usize::from(is_signed_in), "{requests} {in_place}");
    let _ = revoke_all(&other, "alice").await;
    assert!(!is_accepted(&store, "a").await);
}

#[tokio::test]
async fn a_sign_in_at_the_same_moment_is_refused() {
    for requests in 1..=2 {
        for in_place in [false, true] {
            revoke_after(requests, in_place).await;
        }
    }
}

#[tokio::test]
async fn a_sign_in_that_was_registered_lands_nowhere_after_a_revoke() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "other", "alice").await;
    // The process ends after it has registered the session, and its request is on its way.
    world.tap.calls();
    world.tap.script([
        Fate::Pass,
        Fate::Lost(dynamodb_session::transport::IncompleteReason::Broken),
        Fate::Answer(400, json!({ "__type": "x#Nonsense" })),
    ]);
    let new = NewSession::new(id("a"), data_of("alice")).user(user("alice"));
    assert!(store.create(&new.expires_at(now() + MINUTE)).await.is_err());
    let calls = world.tap.calls();
    let (operation, late) = &calls[1];
    assert_eq!(*operation, "PutItem");
    let _ = revoke_all(&store, "alice").await;
    assert!(!world.land("PutItem", late), "the tombstone keeps it out");
    assert!(!is_accepted(&store, "a").await);
}

#[tokio::test]
async fn a_sign_in_is_not_ended_by_an_earlier_revoke_that_was_left() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    let _ = signed_in(&store, "b", "alice").await;
    // It has taken both sessions, and its process ends.
    let failure = Fate::Answer(400, json!({ "__type": "x#Nonsense" }));
    world.tap.script([Fate::Pass, failure]);
    let options = RevokeOptions::default();
    assert!(
        store
            .revoke_user(&user_id("alice"), &options)
            .await
            .is_err()
    );
    store.delete(&id("a")).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let _ = signed_in(&store, "a", "alice").await;
    assert!(!is_accepted(&store, "b").await);
    // Whoever would have gone on.
    let here = id("a");
    let options = options.except(&here);
    let revoked = store.revoke_user(&user_id("alice"), &options).await;
    assert_eq!(revoked.unwrap(), 0);
    assert!(is_accepted(&store, "a").await);
}

#[tokio::test]
async fn a_registration_that_is_late_does_not_put_back_what_was_revoked() {
    for is_of_one in [false, true] {
        let (world, store) = world().await;
        let _ = signed_in(&store, "other", "alice").await;
        world.tap.calls();
        let loaded = signed_in(&store, "a", "alice").await;
        let calls = world.tap.calls();
        let (operation, late) = &calls[0];
        assert_eq!(*operation, "UpdateItem");
        if is_of_one {
            let reference = store.reference(&loaded).unwrap();
            let revoked = store.revoke(&user_id("alice"), &reference).await;
            assert!(revoked.unwrap());
        } else {
            let _ = revoke_all(&store, "alice").await;
        }
        assert!(!world.land("UpdateItem", late));
        let created = store.create(&renewed("a", "b")).await.unwrap();
        assert_eq!(created, CreateOutcome::Revoked);
        // A sign-in of the same moment is not late.
        let _ = signed_in(&store, "c", "alice").await;
    }
}

#[tokio::test]
async fn an_ended_session_does_not_go_on_over_one_that_version_1_put_there() {
    let (world, store) = world().await;
    let ended = signed_in(&store, "a", "alice").await;
    world.clock.advance(2 * MINUTE);
    world.delete_item("a");
    world.put_item(
        "a",
        json!({ "session": { "M": { "user": { "S": "bob" } } }, "expires": { "N": "1800000300" } }),
    );
    // It says nothing of the user, so that which was loaded stays.
    let mut data = ended.data.clone();
    data["n"] = json!(1);
    let options = SaveOptions::default().expires_at(store.now() + MINUTE);
    let late = store.save(&ended, &data, &options).await.unwrap();
    assert_eq!(late, SaveOutcome::Gone);
    assert_eq!(load(&store, "a").await.data, data_of("bob"));
}

#[tokio::test]
async fn a_create_does_not_replace_the_tombstone_of_its_own_revocation() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "other", "alice").await;
    let other = world.open(with_users(world.other_process())).await;
    world.tap.script([Fate::Slow]);
    let sign_in = tokio::spawn({
        let store = store.clone();
        async move { create(&store, "a", "alice").await }
    });
    world.tap.held().await;
    let _ = revoke_all(&other, "alice").await;
    assert!(world.item("a").unwrap().get("gone").is_some());
    world.tap.calls();
    world.tap.release();
    assert_eq!(sign_in.await.unwrap(), CreateOutcome::Revoked);
    // It never stored the session, not even for a moment.
    let puts = world.tap.calls();
    let puts = puts.iter().filter(|(operation, _)| *operation == "PutItem");
    assert_eq!(puts.count(), 1);
}

#[tokio::test]
async fn who_does_not_know_what_was_loaded_does_not_bring_back_a_session() {
    let (_world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    let _ = revoke_all(&store, "alice").await;
    let new = NewSession::new(id("a"), data_of("alice")).user(user("alice"));
    let _ = store.put(&new.expires_at(now() + MINUTE)).await.unwrap();
    assert!(!is_accepted(&store, "a").await);
    let alice = user("alice");
    let options = SaveOptions::default().user(Some(&alice));
    let saved_whole = store
        .save(Base::unknown(&id("a"), None), &data_of("alice"), &options)
        .await;
    assert_eq!(saved_whole.unwrap(), SaveOutcome::Gone);
    assert!(!is_accepted(&store, "a").await);
}

#[tokio::test]
async fn twenty_sign_ins_and_two_revokes_at_once_leave_what_is_listed() {
    let world = World::new();
    // They meet, and pause.
    let builder = || with_users(world.over_http().clock(SystemClock::default()));
    let store = world.open(builder()).await;
    let sign_ins: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { create(&store, &format!("s{number}"), "alice").await })
        })
        .collect();
    let revokes: Vec<_> = (0..2)
        .map(|_| {
            let store = builder().build().unwrap();
            tokio::spawn(async move { revoke_all(&store, "alice").await })
        })
        .collect();
    for revoke in revokes {
        let _ = revoke.await.unwrap();
    }
    let mut accepted = 0;
    for (number, sign_in) in sign_ins.into_iter().enumerate() {
        let created = sign_in.await.unwrap();
        let is_accepted = is_accepted(&store, &format!("s{number}")).await;
        assert!(created != CreateOutcome::Revoked || !is_accepted);
        accepted += usize::from(is_accepted);
    }
    assert_eq!(references(&store, "alice").await.len(), accepted);
    assert_eq!(revoke_all(&store, "alice").await, accepted as u64);
    for number in 0..20 {
        assert!(!is_accepted(&store, &format!("s{number}")).await);
    }
    let _ = saved(
        store
            .save(
                Base::absent(&id("last")),
                &data_of("alice"),
                &SaveOptions::default(),
            )
            .await,
    );
}
