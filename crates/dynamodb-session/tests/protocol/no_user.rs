//! A session of a user that becomes nobody's by a write that does not know what was loaded.

use dynamodb_session::options::{EncryptionKey, EncryptionOptions, UserOptions};
use dynamodb_session::{
    Base, Builder, CreateOutcome, SaveOptions, SessionStore, SessionUser, UserId,
};
use serde_json::json;

use crate::support::{MINUTE, World, id, load, new_session};

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

fn plain(world: &World) -> Builder {
    world.builder().users(UserOptions::default())
}

fn sealed(world: &World) -> Builder {
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    plain(world).encryption(EncryptionOptions::new([key]))
}

/// A store with a session of a user, `a`.
async fn signed_in(world: &World, builder: fn(&World) -> Builder) -> SessionStore {
    let store = world.open(builder(world)).await;
    let session = new_session("a", json!({ "n": 1 }), MINUTE).user(SessionUser::new(alice()));
    let created = store.create(&session).await.unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)));
    assert_eq!(store.sessions_of(&alice()).await.unwrap().len(), 1);
    store
}

/// The session is there, and nobody's.
async fn expect_nobodys(store: &SessionStore, n: u64) {
    let loaded = load(store, "a").await;
    assert_eq!((loaded.user, loaded.data), (None, json!({ "n": n })));
    assert!(store.sessions_of(&alice()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_save_without_a_load_makes_a_session_nobodys() {
    for builder in [plain, sealed] {
        let world = World::new();
        let store = signed_in(&world, builder).await;
        let (id, data) = (id("a"), json!({ "n": 2 }));
        let base = Base::unknown(&id, None);
        let options = SaveOptions::default();
        // Without a word about the user, it stays the user's.
        let saved = store.save(base, &data, &options).await;
        assert!(saved.unwrap().is_saved());
        assert_eq!(store.sessions_of(&alice()).await.unwrap().len(), 1);
        let saved = store.save(base, &data, &options.user(None)).await;
        assert!(saved.unwrap().is_saved());
        expect_nobodys(&store, 2).await;
    }
}

#[tokio::test]
async fn a_put_without_a_user_makes_a_session_nobodys() {
    for builder in [plain, sealed] {
        let world = World::new();
        let store = signed_in(&world, builder).await;
        let session = new_session("a", json!({ "n": 3 }), MINUTE);
        store.put(&session).await.unwrap();
        expect_nobodys(&store, 3).await;
    }
}
