//! Sessions that were stored before the store kept track of users.

use super::*;
use crate::support::stored;

/// Stores a session without its user, and loads it.
async fn old(world: &World, session: &str) -> Loaded<Value> {
    let store = world.open(world.builder()).await;
    stored(&store, session, data_of("alice")).await
}

async fn register(store: &SessionStore, loaded: Loaded<Value>) -> Option<Loaded<Value>> {
    store.register(loaded, &user("alice")).await.unwrap()
}

#[tokio::test]
async fn it_is_registered_when_it_is_loaded() {
    let (world, store) = world().await;
    let loaded = old(&world, "a").await;
    world.tap.calls();
    let registered = register(&store, loaded).await.unwrap();
    assert!(registered.user.is_some());
    let operations = world.tap.operations();
    assert_eq!(
        operations,
        ["UpdateItem", "UpdateItem", "UpdateItem", "GetItem"]
    );
    let again = load(&store, "a").await;
    // Its state is that which was loaded.
    assert_eq!(
        (again.user, again.version),
        (registered.user, registered.version)
    );
    world.tap.calls();
    assert_eq!(register(&store, again).await.unwrap().user, registered.user);
    assert!(world.tap.operations().is_empty());
    assert_eq!(references(&store, "alice").await.len(), 1);
    assert_eq!(revoke_all(&store, "alice").await, 1);
    assert!(!is_accepted(&store, "a").await);
}

#[tokio::test]
async fn one_that_is_not_registered_ends_by_a_revoke_all_the_same() {
    let (world, store) = world().await;
    let loaded = old(&world, "a").await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(revoke_all(&store, "alice").await, 0);
    assert!(register(&store, loaded).await.is_none());
    assert!(!is_accepted(&store, "a").await);
    assert!(world.item("a").unwrap().get("gone").is_some());
}

#[tokio::test]
async fn a_registration_of_one_that_is_late_does_not_put_back_what_was_revoked() {
    let (world, store) = world().await;
    let _ = signed_in(&store, "other", "alice").await;
    let loaded = old(&world, "a").await;
    world.tap.calls();
    let registered = register(&store, loaded).await.unwrap();
    let calls = world.tap.calls();
    let (operation, late) = &calls[0];
    assert_eq!(*operation, "UpdateItem");
    let reference = store.reference(&registered).unwrap();
    assert!(store.revoke(&user_id("alice"), &reference).await.unwrap());
    assert!(!world.land("UpdateItem", late));
    assert!(!references(&store, "alice").await.contains(&reference));
}

#[tokio::test]
async fn one_that_was_created_after_the_revoke_is_registered() {
    let (world, store) = world().await;
    assert_eq!(revoke_all(&store, "alice").await, 0);
    world.clock.advance(Duration::from_millis(1));
    let loaded = old(&world, "a").await;
    assert!(register(&store, loaded).await.is_some());
    assert!(is_accepted(&store, "a").await);
}

#[tokio::test]
async fn one_of_version_1_has_no_time_of_creation() {
    let (world, store) = world().await;
    let item = || {
        json!({
            "session": { "M": { "user": { "S": "alice" } } },
            "expires": { "N": "1800000060" },
        })
    };
    world.put_item("a", item());
    world.put_item("b", item());
    let a = load(&store, "a").await;
    assert!(register(&store, a).await.is_some());
    assert_eq!(revoke_all(&store, "alice").await, 1);
    assert!(!is_accepted(&store, "a").await);
    let b = load(&store, "b").await;
    assert!(register(&store, b).await.is_none());
    assert!(!is_accepted(&store, "b").await);
}

#[tokio::test]
async fn one_that_version_1_has_written_since_is_registered_again_until_a_revoke() {
    let (world, store) = world().await;
    // Version 1 writes only what it knows.
    let write_by_version_1 = || {
        let session = world.item("a").unwrap()["session"].clone();
        world.put_item(
            "a",
            json!({ "session": session, "expires": { "N": "1800000060" } }),
        );
    };
    let _ = signed_in(&store, "a", "alice").await;
    let _ = signed_in(&store, "b", "alice").await;
    write_by_version_1();
    let loaded = load(&store, "a").await;
    assert_eq!(loaded.user, None);
    assert!(register(&store, loaded).await.is_some());
    let here = id("a");
    let options = RevokeOptions::default().except(&here);
    let _ = store
        .revoke_user(&user_id("alice"), &options)
        .await
        .unwrap();
    assert!(is_accepted(&store, "a").await);
    write_by_version_1();
    let loaded = load(&store, "a").await;
    assert!(register(&store, loaded).await.is_none());
}

#[tokio::test]
async fn a_thousand_of_them_end_by_one_revoke() {
    let (world, store) = world().await;
    for number in 0..1000 {
        let item = json!({
            "session": { "M": { "user": { "S": "alice" } } },
            "created": { "N": "1799999990000" },
            "expires": { "N": "1800000060" },
        });
        world.put_item(&format!("s{number}"), item);
    }
    assert_eq!(revoke_all(&store, "alice").await, 0);
    for number in 0..1000 {
        let loaded = load(&store, &format!("s{number}")).await;
        assert!(register(&store, loaded).await.is_none(), "{number}");
    }
}
