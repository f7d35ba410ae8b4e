//! Settings that cannot work, users that are none, and items that others have written.

use dynamodb_session::ErrorKind;
use dynamodb_session::options::TableOptions;

use super::*;
use crate::support::refusal;

fn refused(builder: Builder) -> String {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let builder = || SessionStore::builder().users(UserOptions::default());
    let eventual = builder().table_options(TableOptions::default().consistent_read(false));
    assert!(refused(eventual).contains("consistent"));
    for max in [0, 1001] {
        let users = UserOptions::default().max_sessions(max);
        let message = refused(SessionStore::builder().users(users));
        assert!(message.contains("1 to 1000"), "{message}");
    }
    let attribute = builder().table_options(TableOptions::default().partition_key("sessions"));
    assert!(refused(attribute).contains("sessions"));
}

#[tokio::test]
async fn a_store_without_users_says_what_to_set() {
    let world = World::new();
    let store = world.store().await;
    let new = NewSession::new(id("a"), json!({})).user(user("alice"));
    let errors = [
        store.create(&new).await.unwrap_err(),
        store.sessions_of(&user_id("alice")).await.unwrap_err(),
        store
            .revoke_user(&user_id("alice"), &RevokeOptions::default())
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(
            (error.kind(), error.setting()),
            (ErrorKind::Config, Some("users"))
        );
    }
    assert!(world.item("a").is_none());
    let options = SaveOptions::default().user(None);
    assert!(
        store
            .save(Base::absent(&id("a")), &json!({}), &options)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_item_of_a_user_is_not_taken_for_a_session() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    let key = item_key("alice");
    assert!(!is_accepted(&store, &key).await);
    assert_eq!(store.count().await.unwrap(), 1);
    assert_eq!(store.list::<Value>(None).await.unwrap().sessions.len(), 1);
    assert_eq!(store.clear().await.unwrap(), 1);
    assert!(world.item(&key).is_some());
    assert_eq!(revoke_all(&store, "alice").await, 0);
    assert!(store.clear_with_tombstones().await.unwrap() >= 1);
    assert!(world.item(&key).is_none());
}

#[tokio::test]
async fn an_item_that_somebody_else_wrote_is_an_error_and_nothing_is_lost() {
    for item in [
        json!({ "sessions": { "S": "x" } }),
        json!({ "sessions": { "M": { "x": { "S": "y" } } } }),
        json!({ "sessions": { "M": { "x": { "M": {} } } } }),
    ] {
        let (world, store) = world().await;
        world.put_item(&item_key("alice"), item.clone());
        let error = store.sessions_of(&user_id("alice")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{item}");
        assert!(!error.to_string().contains("alice"));
        let options = RevokeOptions::default();
        assert!(
            store
                .revoke_user(&user_id("alice"), &options)
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn an_entry_cannot_point_to_another_item() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    let victim = signed_in(&store, "b", "bob").await;
    world.put_item("k2.key1", json!({ "wrapped": { "B": "AAAA" } }));
    let reference = store.reference(&victim).unwrap();
    let entry = |key: &str| json!({ "M": { "key": { "S": key }, "at": { "N": "1" } } });
    let mut item = world.item(&item_key("alice")).unwrap();
    item["sessions"]["M"][reference.as_str()] = entry("k2.key1");
    item["sessions"]["M"]["000000000000000000000000"] = entry("b");
    world.put_item(&item_key("alice"), item);
    assert_eq!(revoke_all(&store, "alice").await, 1);
    assert!(is_accepted(&store, "b").await);
    assert!(world.item("k2.key1").unwrap().get("wrapped").is_some());
}

#[tokio::test]
async fn a_missing_permission_is_an_error_before_anything_is_stored() {
    let (world, store) = world().await;
    let denied = || {
        refusal(
            "AccessDeniedException",
            "not authorized to perform: dynamodb:UpdateItem",
        )
    };
    world.tap.script([denied()]);
    let new = NewSession::new(id("a"), data_of("alice")).user(user("alice"));
    let error = store.create(&new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(world.item("a").is_none());
}

#[tokio::test]
async fn an_item_that_was_deleted_by_hand_is_made_again() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    world.delete_item(&item_key("alice"));
    let _ = signed_in(&store, "b", "alice").await;
    assert_eq!(references(&store, "alice").await.len(), 1);
    assert_eq!(revoke_all(&store, "alice").await, 1);
    assert!(!is_accepted(&store, "b").await);
}

#[tokio::test]
async fn a_sign_in_whose_entry_was_deleted_by_hand_meanwhile_is_refused() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "a", "alice").await;
    world
        .tap
        .script([crate::support::Fate::Pass, crate::support::Fate::Slow]);
    let sign_in = tokio::spawn({
        let store = store.clone();
        async move { create(&store, "b", "alice").await }
    });
    world.tap.held().await;
    world.delete_item(&item_key("alice"));
    world.tap.release();
    assert_eq!(sign_in.await.unwrap(), CreateOutcome::Revoked);
    assert!(!is_accepted(&store, "b").await);
}
