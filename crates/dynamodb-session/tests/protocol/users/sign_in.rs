//! How a session becomes a user's.

use super::*;
use crate::support::{Fate, saved, touch_until};

#[tokio::test]
async fn a_session_is_listed_with_what_a_user_recognises_it_by() {
    let (world, store) = world().await;
    let alice = user("alice").label("Firefox on Linux");
    let new = NewSession::new(id("a"), data_of("alice")).user(alice);
    let _ = store.create(&new.expires_at(now() + MINUTE)).await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    let _ = signed_in(&store, "b", "alice").await;
    let _ = signed_in(&store, "c", "bob").await;

    let sessions = store.sessions_of(&user_id("alice")).await.unwrap();
    let [b, a] = &sessions[..] else {
        panic!("{sessions:?}")
    };
    let loaded = load(&store, "a").await;
    assert_eq!(a.reference, store.reference(&loaded).unwrap());
    assert_eq!(a.label.as_deref(), Some("Firefox on Linux"));
    assert_eq!((a.created, a.signed_in), (Some(now()), now()));
    assert_eq!(
        (a.last_seen, a.expires_at),
        (Some(now()), Some(now() + MINUTE))
    );
    assert_eq!(
        (b.label.as_deref(), b.signed_in),
        (None, now() + Duration::from_secs(5))
    );

    world.clock.advance(Duration::from_secs(5));
    let options = touch_until(store.now() + MINUTE);
    let _ = saved(store.touch(&loaded, &options).await);
    let sessions = store.sessions_of(&user_id("alice")).await.unwrap();
    assert_eq!(sessions[1].last_seen, Some(store.now()));
}

#[tokio::test]
async fn the_table_does_not_show_the_id_of_the_user() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "a", "alice@example.com").await;
    let key = item_key("alice@example.com");
    let session = world.item("a").unwrap();
    assert_eq!(session["userKey"]["S"], json!(key));
    let item = world.item(&key).unwrap();
    assert!(!item.to_string().contains("alice"), "{item}");
    let [(_, entry)] = &item["sessions"]["M"]
        .as_object()
        .unwrap()
        .iter()
        .collect::<Vec<_>>()[..]
    else {
        panic!("{item}");
    };
    let at = json!({ "N": "1800000000000" });
    let entry_of_a = json!({ "M": { "key": { "S": "a" }, "at": at, "created": at } });
    assert_eq!(**entry, entry_of_a);
    assert!(
        item.get("expires").is_none(),
        "TTL must not delete it: {item}"
    );
}

#[tokio::test]
async fn it_is_an_update_and_a_read_more_and_a_view_is_no_more() {
    let (world, store) = world().await;
    let _ = create(&store, "a", "alice").await;
    let first = ["UpdateItem", "UpdateItem", "PutItem", "GetItem"];
    assert_eq!(world.tap.operations(), first);
    let _ = create(&store, "b", "alice").await;
    assert_eq!(world.tap.operations(), ["UpdateItem", "PutItem", "GetItem"]);

    let loaded = load(&store, "b").await;
    let stamp = saved(save_as(&store, &loaded, Some(&user("alice"))).await);
    assert_eq!(stamp.user, loaded.user);
    let loaded = loaded.with_stamp(stamp);
    let _ = saved(store.touch(&loaded, &touch_until(now() + 2 * MINUTE)).await);
    assert_eq!(
        world.tap.operations(),
        ["GetItem", "UpdateItem", "UpdateItem"]
    );
    store.delete(&load(&store, "b").await).await.unwrap();
    assert_eq!(world.tap.operations(), ["GetItem", "PutItem"]);
}

#[tokio::test]
async fn a_loaded_session_becomes_a_users_and_then_nobodys() {
    let (world, store) = world().await;
    let new = NewSession::new(id("a"), json!({ "cart": [1] }));
    let _ = store.create(&new.expires_at(now() + MINUTE)).await.unwrap();
    let loaded = load(&store, "a").await;
    assert_eq!(loaded.user, None);
    let stamp = saved(save_as(&store, &loaded, Some(&user("alice"))).await);
    let loaded = load(&store, "a").await;
    assert_eq!((stamp.user, loaded.user.is_some()), (loaded.user, true));
    assert_eq!(references(&store, "alice").await.len(), 1);

    let _ = saved(save_as(&store, &loaded, None).await);
    assert!(world.item("a").unwrap().get("userKey").is_none());
    assert!(references(&store, "alice").await.is_empty());
    assert!(is_accepted(&store, "a").await);
}

#[tokio::test]
async fn a_session_changes_its_user() {
    let (_world, store) = world().await;
    let loaded = signed_in(&store, "a", "alice").await;
    let _ = saved(save_as(&store, &loaded, Some(&user("bob"))).await);
    assert!(references(&store, "alice").await.is_empty());
    assert_eq!(references(&store, "bob").await.len(), 1);
    assert_eq!(revoke_all(&store, "bob").await, 1);
    assert!(!is_accepted(&store, "a").await);
}

#[tokio::test]
async fn a_request_of_the_user_before_does_not_write_to_the_session() {
    let (_world, store) = world().await;
    let before = signed_in(&store, "a", "alice").await;
    let _ = saved(save_as(&store, &before, Some(&user("bob"))).await);
    let late = save_as(&store, &before, Some(&user("alice")))
        .await
        .unwrap();
    assert_eq!(late, SaveOutcome::Gone);
    assert_eq!(load(&store, "a").await.data["user"], json!("bob"));
}

#[tokio::test]
async fn a_parallel_request_of_nobody_keeps_its_changes() {
    let (_world, store) = world().await;
    let new = NewSession::new(id("a"), json!({ "cart": [1] }));
    let _ = store.create(&new.expires_at(now() + MINUTE)).await.unwrap();
    let before = load(&store, "a").await;
    let _ = saved(save_as(&store, &before, Some(&user("alice"))).await);
    let options = SaveOptions::default().expires_at(now() + MINUTE).user(None);
    let changed = json!({ "cart": [1, 2] });
    let _ = saved(store.save(&before, &changed, &options).await);
    let loaded = load(&store, "a").await;
    assert_eq!(
        loaded.data,
        json!({ "cart": [1, 2], "user": "alice", "n": 1 })
    );
    assert!(loaded.user.is_some());
}

#[tokio::test]
async fn every_write_that_can_store_a_session_registers_it() {
    let (_world, store) = world().await;
    let alice = user("alice");
    let options = SaveOptions::default()
        .expires_at(now() + MINUTE)
        .user(Some(&alice));
    let data = data_of("alice");
    let _ = saved(
        store
            .save(Base::absent(&id("absent")), &data, &options)
            .await,
    );
    let new = |name| NewSession::new(id(name), data.clone()).user(alice.clone());
    let _ = store.put(&new("put")).await.unwrap();
    let _ = store
        .put(&NewSession::new(id("unknown"), json!({})))
        .await
        .unwrap();
    let _ = saved(
        store
            .save(Base::unknown(&id("unknown"), None), &data, &options)
            .await,
    );
    assert_eq!(references(&store, "alice").await.len(), 3);
    assert_eq!(revoke_all(&store, "alice").await, 3);
    for name in ["absent", "put", "unknown"] {
        assert!(!is_accepted(&store, name).await, "{name}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    for lost in 0..3 {
        let (world, store) = world().await;
        let _ = create(&store, "a", "alice").await;
        let mut fates: Vec<_> = (0..lost).map(|_| Fate::Pass).collect();
        fates.push(if lost == 2 {
            Fate::Lost(dynamodb_session::transport::IncompleteReason::Timeout)
        } else {
            Fate::AnswerLost
        });
        world.tap.script(fates);
        let _ = signed_in(&store, "b", "alice").await;
        assert_eq!(references(&store, "alice").await.len(), 2, "{lost}");
    }
}
