//! Users in stores of every kind: sealed, hashed, in the layouts of other packages, and with both at once.

use dynamodb_session::options::{
    EncryptionKey, EncryptionMode, EncryptionOptions, HashIds, Layout, ParallelChanges,
    TableOptions,
};

use super::*;
use crate::support::{Fate, saved};

fn encryption(mode: EncryptionMode) -> EncryptionOptions {
    let key = EncryptionKey::new("k1", &[1; 32]).unwrap();
    EncryptionOptions::new([key]).mode(mode)
}

fn kinds(world: &World) -> Vec<(&'static str, Builder)> {
    let builder = || with_users(world.other_process());
    let hashed = |mode| TableOptions::default().hash_ids(mode);
    vec![
        ("plain", builder()),
        (
            "prefix",
            builder().table_options(TableOptions::default().prefix("app:")),
        ),
        (
            "sealed",
            builder().encryption(encryption(EncryptionMode::On)),
        ),
        (
            "read",
            builder().encryption(encryption(EncryptionMode::Read)),
        ),
        ("hashed", builder().table_options(hashed(HashIds::On))),
        (
            "only hashed",
            builder().table_options(hashed(HashIds::Only)),
        ),
        (
            "perhaps hashed",
            builder().table_options(hashed(HashIds::Read)),
        ),
        (
            "sealed and hashed",
            builder()
                .encryption(encryption(EncryptionMode::Only))
                .table_options(hashed(HashIds::Only)),
        ),
        ("text", builder().layout(Layout::ConnectDynamodb)),
        (
            "overwriting",
            builder().parallel_changes(ParallelChanges::Overwrite),
        ),
        (
            "absolute",
            builder().absolute_ttl(Duration::from_secs(3600)),
        ),
        ("compressed", builder().compress(true)),
    ]
}

#[tokio::test]
async fn sessions_are_listed_and_revoked() {
    let world = World::new();
    for (kind, builder) in kinds(&world) {
        let store = world.open(builder).await;
        let label = user("alice").label("a browser");
        let new = NewSession::new(id("a"), data_of("alice")).user(label);
        let _ = store
            .create(&new.expires_at(store.now() + MINUTE))
            .await
            .unwrap();
        let b = signed_in(&store, "b", "alice").await;
        let _ = signed_in(&store, "c", "alice").await;
        let _ = saved(save_as(&store, &b, Some(&user("alice"))).await);
        let sessions = store.sessions_of(&user_id("alice")).await.unwrap();
        assert_eq!(sessions.len(), 3, "{kind}");
        let labels: Vec<_> = sessions
            .iter()
            .filter_map(|session| session.label.clone())
            .collect();
        assert_eq!(labels, ["a browser"], "{kind}");

        let b = load(&store, "b").await;
        let reference = store.reference(&b).unwrap();
        assert!(
            store.revoke(&user_id("alice"), &reference).await.unwrap(),
            "{kind}"
        );
        assert!(!is_accepted(&store, "b").await, "{kind}");
        let here = id("c");
        let options = RevokeOptions::default().except(&here);
        let revoked = store
            .revoke_user(&user_id("alice"), &options)
            .await
            .unwrap();
        assert_eq!(revoked, 1, "{kind}");
        assert!(!is_accepted(&store, "a").await, "{kind}");
        let loaded = load(&store, "c").await;
        let _ = revoke_all(&store, "alice").await;
        let late = save_as(&store, &loaded, Some(&user("alice")))
            .await
            .unwrap();
        assert_eq!(late, SaveOutcome::Gone, "{kind}");
        assert!(!is_accepted(&store, "c").await, "{kind}");
        store.clear_with_tombstones().await.unwrap();
    }
}

#[tokio::test]
async fn the_table_of_a_store_that_encrypts_shows_neither_user_nor_label() {
    let world = World::new();
    let store = with_users(world.builder()).encryption(encryption(EncryptionMode::On));
    let store = world.open(store).await;
    let label = user("alice").label("the-label");
    let new = NewSession::new(id("a"), data_of("alice")).user(label);
    let _ = store.create(&new.expires_at(now() + MINUTE)).await.unwrap();
    // Whoever can guess the user cannot find the item.
    assert!(world.item(&item_key("alice")).is_none());
    let key = world.item("a").unwrap()["userKey"]["S"]
        .as_str()
        .unwrap()
        .to_owned();
    let item = world.item(&key).unwrap().to_string();
    assert!(
        !item.contains("the-label") && !item.contains("alice"),
        "{item}"
    );
}

#[tokio::test]
async fn stores_of_neighbouring_modes_see_each_others_sessions() {
    for (one, other) in [
        (None, EncryptionMode::Read),
        (Some(EncryptionMode::Read), EncryptionMode::On),
        (Some(EncryptionMode::On), EncryptionMode::Only),
    ] {
        let world = World::new();
        let builder = with_users(world.builder());
        let one_store = world
            .open(match one {
                Some(mode) => builder.encryption(encryption(mode)),
                None => builder,
            })
            .await;
        let other_store = with_users(world.other_process()).encryption(encryption(other));
        let other_store = world.open(other_store).await;
        for (writer, revoker) in [(&one_store, &other_store), (&other_store, &one_store)] {
            let _ = signed_in(writer, "a", "alice").await;
            assert_eq!(
                references(revoker, "alice").await.len(),
                1,
                "{one:?} {other:?}"
            );
            assert_eq!(revoke_all(revoker, "alice").await, 1, "{one:?} {other:?}");
            assert!(!is_accepted(writer, "a").await);
            world.clock.advance(Duration::from_secs(1));
        }
    }
}

#[tokio::test]
async fn a_session_that_was_moved_to_its_hash_is_revoked() {
    let world = World::new();
    let hashed = |mode| TableOptions::default().hash_ids(mode);
    let store = with_users(world.builder()).table_options(hashed(HashIds::Off));
    let store = world.open(store).await;
    let _ = signed_in(&store, "a", "alice").await;
    let item = world.item("a").unwrap();
    let only = with_users(world.other_process()).table_options(hashed(HashIds::Only));
    let only = world.open(only).await;
    let _ = signed_in(&only, "x", "bob").await;
    let hash = digest::digest(&digest::SHA256, b"dynamodb-session/id/1\0a");
    let hash = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
    };
    world.put_item(&format!("h1.{hash}"), item);
    world.delete_item("a");
    assert!(is_accepted(&only, "a").await);
    for mode in [HashIds::On, HashIds::Read] {
        let store = with_users(world.other_process()).table_options(hashed(mode));
        let store = world.open(store).await;
        assert_eq!(references(&store, "alice").await.len(), 1, "{mode:?}");
    }
    assert_eq!(revoke_all(&only, "alice").await, 1);
    assert!(!is_accepted(&only, "a").await);
}

#[tokio::test]
async fn what_is_spared_while_ids_are_being_hashed_is_spared_under_both_keys() {
    for by_reference in [false, true] {
        let world = World::new();
        let open = |mode| {
            let options = TableOptions::default().hash_ids(mode);
            world.open(with_users(world.builder()).table_options(options))
        };
        let (hashing, plain) = (open(HashIds::On).await, open(HashIds::Off).await);
        let loaded = signed_in(&hashing, "a", "alice").await;
        let _ = signed_in(&hashing, "b", "alice").await;
        // A later sign-in under the id itself ends after it has registered the session.
        world.clock.advance(Duration::from_secs(1));
        let failure = Fate::Answer(400, json!({ "__type": "x#Nonsense" }));
        world.tap.script([Fate::Pass, failure]);
        let new = NewSession::new(id("a"), data_of("alice")).user(user("alice"));
        assert!(plain.create(&new).await.is_err());

        let reference = hashing.reference(&loaded).unwrap();
        let here = id("a");
        let options = if by_reference {
            RevokeOptions::default().except_reference(&reference)
        } else {
            RevokeOptions::default().except(&here)
        };
        let revoked = hashing.revoke_user(&user_id("alice"), &options).await;
        assert_eq!(revoked.unwrap(), 1, "{by_reference}");
        assert!(is_accepted(&hashing, "a").await, "{by_reference}");
        assert!(!is_accepted(&hashing, "b").await, "{by_reference}");
        let item = world.item(&item_key("alice")).unwrap();
        let listed = item["sessions"]["M"].as_object().unwrap().len();
        assert_eq!(listed, 2, "{by_reference}");
        assert_eq!(revoke_all(&hashing, "alice").await, 1, "{by_reference}");
        assert!(!is_accepted(&hashing, "a").await, "{by_reference}");
    }
}

#[tokio::test]
async fn the_item_of_a_user_ends_where_sessions_have_an_absolute_lifetime() {
    let world = World::new();
    let hour = Duration::from_secs(3600);
    let store = world
        .open(with_users(world.builder()).absolute_ttl(hour))
        .await;
    let _ = signed_in(&store, "a", "alice").await;
    let item = world.item(&item_key("alice")).unwrap();
    assert_eq!(
        item["expires"]["N"],
        json!((1_800_000_000 + 3600 + 25 * 60).to_string())
    );
    assert_eq!(store.clear().await.unwrap(), 1);
    assert!(
        world
            .item(&item_key("alice"))
            .unwrap()
            .get("gone")
            .is_none()
    );
    world.clock.advance(3 * hour);
    let _ = store.delete_expired().await.unwrap();
    assert!(world.item(&item_key("alice")).is_none());
}
