//! The modes of a roll-out: which sessions a store accepts, and which it writes.

use dynamodb_session::options::{EncryptionMode, Layout};
use dynamodb_session::{ErrorKind, SessionStore};
use serde_json::{Value, json};

use super::{KOA, in_mode, is_sealed};
use crate::support::{
    MINUTE, World, id, load, new_session, now, save_absent, saved, stored, touch_until, until,
};

fn of_mode(world: &World, mode: EncryptionMode) -> SessionStore {
    world.builder().encryption(in_mode(mode)).build().unwrap()
}

#[tokio::test]
async fn read_opens_sealed_sessions_and_writes_plain_ones() {
    let world = World::new();
    let sealing = world.sealed_store().await;
    let reading = of_mode(&world, EncryptionMode::Read);
    for is_touch in [false, true] {
        let loaded = stored(&sealing, "a", json!({ "n": 1 })).await;
        assert!(is_sealed(&world.item("a").unwrap()));
        let seen = load(&reading, "a").await;
        assert_eq!(seen.data, loaded.data);
        let later = now() + 2 * MINUTE;
        let data = if is_touch {
            let _ = saved(reading.touch(&seen, &touch_until(later)).await);
            json!({ "n": 1 })
        } else {
            let data = json!({ "n": 2 });
            let _ = saved(reading.save(&seen, &data, &until(later)).await);
            data
        };
        assert!(!is_sealed(&world.item("a").unwrap()), "{is_touch}");
        for store in [&reading, &sealing] {
            let after = load(store, "a").await;
            assert_eq!((&after.data, after.expires_at), (&data, Some(later)));
        }
        sealing.delete(&id("a")).await.unwrap();
        world.delete_item("a");
    }
    let _ = stored(&reading, "b", json!({ "n": 1 })).await;
    assert!(!is_sealed(&world.item("b").unwrap()));
}

#[tokio::test]
async fn on_seals_a_plain_session_at_its_next_save_and_at_its_next_touch() {
    let world = World::new();
    let plain = world.store().await;
    let sealing = of_mode(&world, EncryptionMode::On);
    for name in ["save", "touch", "touch with fields", "create"] {
        let data = json!({ "n": 1, "_expire": 1, "_maxAge": 60_000 });
        let session = new_session(name, data.clone(), MINUTE);
        let _ = saved(save_absent(&plain, &session, &KOA).await);
        let loaded = load(&sealing, name).await;
        assert_eq!(loaded.data, data);
        let later = now() + 2 * MINUTE;
        let mut after = data.clone();
        match name {
            "touch" => {
                let _ = saved(sealing.touch(&loaded, &touch_until(later)).await);
            }
            "touch with fields" => {
                after["_expire"] = json!(2);
                let options = touch_until(later).framework(&KOA, &after);
                let _ = saved(sealing.touch(&loaded, &options).await);
            }
            "create" => {
                after["m"] = json!(2);
                let session = new_session(name, after.clone(), 2 * MINUTE);
                let _ = saved(save_absent(&sealing, &session, &KOA).await);
            }
            _ => {
                after["n"] = json!(2);
                let options = until(later).framework(&KOA);
                let _ = saved(sealing.save(&loaded, &after, &options).await);
            }
        }
        assert!(is_sealed(&world.item(name).unwrap()), "{name}");
        let found = load(&sealing, name).await;
        assert_eq!(
            (found.data, found.expires_at),
            (after, Some(later)),
            "{name}"
        );
    }
}

/// A plain store and one that seals meet each other's writes.
#[tokio::test]
async fn stores_of_neighbouring_modes_merge_with_each_other() {
    let modes = [EncryptionMode::Read, EncryptionMode::On];
    for [first, second] in [modes, [modes[1], modes[0]]] {
        for is_touch in [false, true] {
            let world = World::new();
            let one = of_mode(&world, first);
            let other = of_mode(&world, second);
            let _ = world.store().await;
            let data = json!({ "x": 1, "y": 1, "_expire": 1, "_maxAge": 60_000 });
            let session = new_session("a", data.clone(), MINUTE);
            let _ = saved(save_absent(&one, &session, &KOA).await);
            let ours = load(&one, "a").await;
            let theirs = load(&other, "a").await;
            let mut changed = data.clone();
            changed["x"] = json!(2);
            let options = until(now() + MINUTE).framework(&KOA);
            let _ = saved(one.save(&ours, &changed, &options).await);
            let mut expected = changed;
            if is_touch {
                let mut touched = data.clone();
                touched["_expire"] = json!(5);
                let options = touch_until(now() + 2 * MINUTE).framework(&KOA, &touched);
                let _ = saved(other.touch(&theirs, &options).await);
                expected["_expire"] = json!(5);
            } else {
                let mut changed = data.clone();
                changed["y"] = json!(2);
                let _ = saved(other.save(&theirs, &changed, &options).await);
                expected["y"] = json!(2);
            }
            let item = world.item("a").unwrap();
            assert_eq!(is_sealed(&item), second == EncryptionMode::On);
            for store in [&one, &other] {
                assert_eq!(
                    load(store, "a").await.data,
                    expected,
                    "{first:?} {is_touch}"
                );
            }
        }
    }
}

#[tokio::test]
async fn only_refuses_plain_sessions() {
    for layout in [Layout::Session, Layout::ConnectDynamodb] {
        let world = World::new();
        let plain = world.open(world.builder().layout(layout)).await;
        let only = world.builder().layout(layout);
        let only = only
            .encryption(in_mode(EncryptionMode::Only))
            .build()
            .unwrap();
        let _ = stored(&plain, "plain", json!({ "n": 1 })).await;
        let sealed = stored(&only, "sealed", json!({ "n": 1 })).await;
        assert!(is_sealed(&world.item("sealed").unwrap()));
        let error = only.load::<Value>(&id("plain")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PlaintextRefused, "{error}");

        // A save, and a touch, that meet a plain session in place of the sealed one.
        let mut forged = world.item("plain").unwrap();
        forged["created"] = world.item("sealed").unwrap()["created"].clone();
        world.put_item("sealed", forged.clone());
        let options = until(now() + MINUTE);
        for result in [
            only.save(&sealed, &json!({ "n": 2 }), &options).await,
            only.touch(&sealed, &touch_until(now() + 2 * MINUTE)).await,
            save_absent(&only, &new_session("sealed", json!({}), MINUTE), &KOA).await,
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PlaintextRefused, "{error}");
        }
        forged["sessionId"] = json!({ "S": "sealed" });
        assert_eq!(world.item("sealed"), Some(forged));

        let page = only.list::<Value>(None).await.unwrap();
        assert_eq!((page.sessions.len(), page.unreadable), (0, 2));
        // A sign-out works, and a session that has ended is none.
        only.delete(&id("plain")).await.unwrap();
        assert_eq!(world.session("plain"), None);
        world.clock.advance(2 * MINUTE);
        assert!(only.load::<Value>(&id("sealed")).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn without_encryption_a_sealed_session_is_an_error_and_can_be_signed_out() {
    let world = World::new();
    let sealing = world.sealed_store().await;
    let plain = world.builder().build().unwrap();
    let loaded = stored(&sealing, "a", json!({ "n": 1 })).await;
    let before = world.item("a");
    let options = until(now() + MINUTE);
    let session = new_session("a", json!({ "n": 2 }), MINUTE);
    let mut unknown = loaded.clone();
    unknown.version = dynamodb_session::Version::UNKNOWN;
    for result in [
        plain.load::<Value>(&id("a")).await.map(drop),
        plain
            .save(&unknown, &json!({ "n": 2 }), &options)
            .await
            .map(drop),
        save_absent(&plain, &session, &KOA).await.map(drop),
        plain.put(&session).await.map(drop),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownKey);
        assert!(error.to_string().contains("`encryption`"), "{error}");
    }
    assert_eq!(world.item("a"), before);
    let page = plain.list::<Value>(None).await.unwrap();
    assert_eq!((page.sessions.len(), page.unreadable), (0, 1));
    plain.delete(&id("a")).await.unwrap();
    assert_eq!(world.session("a"), None);
    assert!(sealing.load::<Value>(&id("a")).await.unwrap().is_none());
}
