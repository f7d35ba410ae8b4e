//! Verbs over all sessions, with sealed ones among them.

use serde_json::{Value, json};

use super::{is_sealed, with_keys};
use crate::support::{MINUTE, World, id, load, new_session, stored};

#[tokio::test]
async fn sealed_sessions_are_listed_counted_and_cleared() {
    let world = World::new();
    let store = world.sealed_store().await;
    for name in ["a", "b"] {
        let _ = stored(&store, name, json!({ "name": name })).await;
    }
    let plain = world.builder().build().unwrap();
    let _ = stored(&plain, "plain", json!({ "name": "plain" })).await;
    let others = world
        .builder()
        .encryption(with_keys(&["k2"]))
        .build()
        .unwrap();
    let _ = stored(&others, "other", json!({ "name": "other" })).await;
    store.delete(&id("b")).await.unwrap();

    let page = store.list::<Value>(None).await.unwrap();
    let mut names: Vec<_> = page.sessions.iter().map(|one| &one.data["name"]).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["a", "plain"]);
    assert_eq!(page.unreadable, 1);
    for listed in page.sessions {
        assert_eq!(load(&store, listed.id.as_str()).await, listed);
    }
    assert_eq!(store.count().await.unwrap(), 3);

    let late = load(&store, "a").await;
    assert_eq!(store.clear().await.unwrap(), 3);
    assert_eq!(store.count().await.unwrap(), 0);
    for name in ["a", "plain", "other"] {
        let tombstone = world.item(name).unwrap();
        assert!(tombstone["gone"]["B"].is_string() && !is_sealed(&tombstone));
    }
    // Who was under way does not bring its session back.
    let options = crate::support::until(crate::support::now() + MINUTE);
    let saved = store
        .save(&late, &json!({ "name": "late" }), &options)
        .await;
    assert!(!saved.unwrap().is_saved());
}

#[tokio::test]
async fn expired_sealed_sessions_are_deleted_without_being_opened() {
    let world = World::new();
    let store = world.sealed_store().await;
    let without_key = world.builder().build().unwrap();
    for (name, minutes) in [("a", 1), ("b", 1), ("c", 90)] {
        let session = new_session(name, json!({ "n": 1 }), minutes * MINUTE);
        let _ = store.put(&session).await.unwrap();
    }
    world.clock.advance(60 * MINUTE);
    assert_eq!(without_key.delete_expired().await.unwrap(), 2);
    assert_eq!([world.item("a"), world.item("b")], [None, None]);
    assert_eq!(load(&store, "c").await.data, json!({ "n": 1 }));
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!((page.sessions.len(), page.unreadable), (1, 0));
}
