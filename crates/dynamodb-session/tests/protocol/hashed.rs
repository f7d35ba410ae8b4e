//! Hashed ids: which key a session has, and tables in which sessions have either key.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::{EncryptionKey, EncryptionOptions, HashIds, TableOptions};
use dynamodb_session::transport::IncompleteReason::Timeout;
use dynamodb_session::{
    Builder, CreateOutcome, ErrorKind, Loaded, ReencryptOptions, SaveOutcome, SessionId,
    SessionStore,
};
use ring::digest;
use serde_json::{Value, json};

use crate::support::{
    Fate, MINUTE, World, id, load, new_session, now, save_absent, save_unknown, saved, stored,
    touch_until, until,
};

const MODES: [HashIds; 4] = [HashIds::Off, HashIds::Read, HashIds::On, HashIds::Only];

/// The modes in which a session can have either key.
const BOTH: [HashIds; 2] = [HashIds::Read, HashIds::On];

/// The key of a session whose id is hashed, by the documentation.
fn hashed(id: &str) -> String {
    let hash = digest::digest(
        &digest::SHA256,
        &[b"dynamodb-session/id/1\0", id.as_bytes()].concat(),
    );
    format!("h1.{}", URL_SAFE_NO_PAD.encode(hash))
}

fn of_mode(builder: Builder, mode: HashIds) -> Builder {
    builder.table_options(TableOptions::default().hash_ids(mode))
}

async fn open(world: &World, mode: HashIds) -> SessionStore {
    world.open(of_mode(world.builder(), mode)).await
}

/// A world with a session under its id or under the hash of it, a store of each mode with two keys, and the two keys.
struct Either {
    world: World,
    store: SessionStore,
    /// The key of the session, and the other one.
    keys: [String; 2],
}

/// Each mode with two keys, with a session under each key.
async fn either(data: Value) -> Vec<Either> {
    let mut all = Vec::new();
    for mode in BOTH {
        for older in [HashIds::Off, HashIds::Only] {
            let world = World::new();
            let writer = open(&world, older).await;
            let session = new_session("a", data.clone(), MINUTE);
            let _ = saved(save_absent(&writer, &session, &Framework::new()).await);
            let store = open(&world, mode).await;
            let mut keys = ["a".to_owned(), hashed("a")];
            if older == HashIds::Only {
                keys.reverse();
            }
            assert!(world.session(&keys[0]).is_some());
            all.push(Either { world, store, keys });
        }
    }
    all
}

impl Either {
    /// Moves the session to its other key, as an operator's program does: it keeps its states.
    fn move_session(&self) {
        let mut item = self.world.item(&self.keys[0]).unwrap();
        self.world.put_item(&self.keys[1], item.clone());
        let item = item.as_object_mut().unwrap();
        item.remove("session");
        item.insert("gone".to_owned(), json!({ "B": "AAAAAAAAAAA=" }));
        self.world.put_item(&self.keys[0], json!(item));
    }

    /// The fields of the session with this key.
    fn fields(&self, key: usize) -> Option<Value> {
        let item = self.world.session(&self.keys[key])?;
        Some(item["session"]["M"].clone())
    }
}

#[test]
fn the_hash_is_the_documented_one() {
    assert_eq!(
        hashed("the-id"),
        "h1.gn4gIkXXI64qgWC4HDevLdAgVlYxxm6_I9RLeSjb83A"
    );
}

#[tokio::test]
async fn each_mode_finds_its_sessions_and_stores_new_ones_under_its_key() {
    for (mode, new, found) in [
        (HashIds::Off, "a".to_owned(), [true, false]),
        (HashIds::Read, "a".to_owned(), [true, true]),
        (HashIds::On, hashed("a"), [true, true]),
        (HashIds::Only, hashed("a"), [false, true]),
    ] {
        for prefix in ["", "app:"] {
            let world = World::new();
            let options = TableOptions::default().prefix(prefix);
            let builder = || of_mode(world.builder(), mode).table_options(options.clone());
            let store = world.open(builder()).await;
            let _ = stored(&store, "a", json!({ "n": 1 })).await;
            let key = format!("{prefix}{new}");
            assert!(world.session(&key).is_some(), "{mode:?}");
            let item = world.item(&key).unwrap();
            if new != "a" {
                assert!(!item.to_string().contains("\"a\""), "{item}");
            }
            world.delete_item(&key);
            assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
            for (key, is_found) in ["a".to_owned(), hashed("a")].iter().zip(found) {
                let key = format!("{prefix}{key}");
                world.put_item(&key, item.clone());
                let loaded = store.load::<Value>(&id("a")).await.unwrap();
                assert_eq!(loaded.is_some(), is_found, "{mode:?} {key}");
                world.delete_item(&key);
            }
        }
    }
}

#[tokio::test]
async fn a_stolen_hash_is_nobodys_session() {
    for mode in MODES {
        let world = World::new();
        let store = open(&world, mode).await;
        let _ = stored(&store, "a", json!({ "n": 1 })).await;
        world.tap.calls();
        let stolen = id(&hashed("a"));
        assert!(store.load::<Value>(&stolen).await.unwrap().is_none());
        assert_eq!(world.tap.operations(), [""; 0]);
        let session = new_session(stolen.as_str(), json!({}), MINUTE);
        let error = store.create(&session).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidId);
    }
}

#[tokio::test]
async fn a_loaded_session_is_written_where_it_is() {
    let framework = Framework::new().expiry_field(ExpiryField::instant("_expire"));
    for one in either(json!({ "n": 1, "_expire": 1 })).await {
        let Either { world, store, .. } = &one;
        let later = now() + 2 * MINUTE;
        let loaded = load(store, "a").await;
        world.tap.calls();
        let data = json!({ "n": 2, "_expire": 1 });
        let stamp = saved(store.save(&loaded, &data, &until(later)).await);
        let mut loaded = loaded.with_data(data).with_stamp(stamp);
        let stamp = saved(store.touch(&loaded, &touch_until(later + MINUTE)).await);
        loaded = loaded.with_stamp(stamp);
        let touched = json!({ "n": 2, "_expire": 3 });
        let options = touch_until(later + 2 * MINUTE).framework(&framework, &touched);
        let stamp = saved(store.touch(&loaded, &options).await);
        loaded = loaded.with_data(touched).with_stamp(stamp);
        let data = json!({ "n": 3, "_expire": 3 });
        let version = loaded.version.to_string();
        loaded.version = version.parse().unwrap();
        let _ = saved(store.save(&loaded, &data, &until(later)).await);
        let expected = json!({ "n": { "N": "3" }, "_expire": { "N": "3" } });
        assert_eq!(one.fields(0), Some(expected));
        assert!(world.item(&one.keys[1]).is_none());
        assert_eq!(world.tap.operations(), ["UpdateItem"; 4]);
    }
}

#[tokio::test]
async fn what_is_not_known_to_be_loaded_is_found_under_either_key() {
    for case in ["create", "put", "absent", "unknown", "unstamped", "expired"] {
        for one in either(json!({ "n": 1, "m": 1 })).await {
            let Either { world, store, .. } = &one;
            let session = new_session("a", json!({ "n": 2 }), MINUTE);
            let mut expected = json!({ "n": { "N": "2" } });
            match case {
                "create" => {
                    let outcome = store.create(&session).await.unwrap();
                    assert_eq!(outcome, CreateOutcome::Taken);
                    expected = json!({ "n": { "N": "1" }, "m": { "N": "1" } });
                }
                "put" => drop(store.put(&session).await.unwrap()),
                "absent" => {
                    let _ = saved(save_absent(store, &session, &Framework::new()).await);
                    expected["m"] = json!({ "N": "1" });
                }
                "unknown" => {
                    let loaded = Loaded::new(id("a"), json!({ "n": 2 }));
                    let _ = saved(save_unknown(store, &loaded).await);
                }
                "unstamped" => {
                    let loaded = Loaded::new(id("a"), json!({ "n": 1, "m": 1 }));
                    let data = json!({ "n": 2, "m": 1 });
                    let _ = saved(store.save(&loaded, &data, &until(now() + MINUTE)).await);
                    expected["m"] = json!({ "N": "1" });
                }
                _ => {
                    // Nothing under the other key stands in the way any more.
                    world.clock.advance(2 * MINUTE);
                    let mut session = session.clone();
                    session.expires_at = Some(now() + 3 * MINUTE);
                    let _ = saved(save_absent(store, &session, &Framework::new()).await);
                    assert_eq!(load(store, "a").await.data, json!({ "n": 2 }));
                    continue;
                }
            }
            assert_eq!(one.fields(0), Some(expected), "{case}");
            assert!(world.session(&one.keys[1]).is_none(), "{case}");
        }
    }
}

#[tokio::test]
async fn a_session_that_was_moved_since_its_load_is_written_all_the_same() {
    let framework = Framework::new().expiry_field(ExpiryField::instant("_expire"));
    for case in [
        "save",
        "touch",
        "touch with",
        "unknown",
        "lost answer",
        "stale",
    ] {
        for one in either(json!({ "n": 1, "_expire": 1 })).await {
            let Either { world, store, .. } = &one;
            let loaded = load(store, "a").await;
            let later = now() + 2 * MINUTE;
            let data = json!({ "n": 2, "_expire": 1 });
            let mut expected = json!({ "n": { "N": "2" }, "_expire": { "N": "1" } });
            if case != "lost answer" {
                one.move_session();
            }
            let outcome = match case {
                "save" => store.save(&loaded, &data, &until(later)).await,
                "touch" => {
                    expected["n"] = json!({ "N": "1" });
                    store.touch(&loaded, &touch_until(later)).await
                }
                "touch with" => {
                    expected = json!({ "n": { "N": "1" }, "_expire": { "N": "2" } });
                    let data = json!({ "n": 1, "_expire": 2 });
                    let options = touch_until(later).framework(&framework, &data);
                    store.touch(&loaded, &options).await
                }
                "unknown" => {
                    let mut whole = loaded.with_data(data);
                    whole.expires_at = Some(later);
                    save_unknown(store, &whole).await
                }
                "stale" => {
                    // Another request has changed the moved session.
                    let other = load(store, "a").await;
                    let data = json!({ "n": 1, "_expire": 1, "o": 1 });
                    let _ = saved(store.save(&other, &data, &until(later)).await);
                    expected["o"] = json!({ "N": "1" });
                    let data = json!({ "n": 2, "_expire": 1 });
                    store.save(&loaded, &data, &until(later)).await
                }
                _ => {
                    // It is executed before the move, and another request changes what it wrote.
                    world.tap.script([Fate::Held]);
                    let options = until(later);
                    let save = store.save(&loaded, &data, &options);
                    let between = async {
                        world.tap.held().await;
                        one.move_session();
                        let other = load(store, "a").await;
                        let data = json!({ "n": 3, "_expire": 1 });
                        let _ = saved(store.save(&other, &data, &until(later)).await);
                        world.tap.release();
                    };
                    expected["n"] = json!({ "N": "3" });
                    tokio::join!(save, between).0
                }
            };
            let stamp = saved(outcome);
            assert_eq!(one.fields(1), Some(expected), "{case}");
            assert!(world.session(&one.keys[0]).is_none(), "{case}");
            assert_eq!(store.stats().conflicts, 0, "{case}");
            // The next write knows where it is.
            world.tap.calls();
            let moved = load(store, "a").await.with_stamp(stamp);
            let data = json!({ "n": 9, "_expire": 1 });
            let _ = saved(store.save(&moved, &data, &until(later)).await);
            assert_eq!(one.fields(1).unwrap()["n"], json!({ "N": "9" }), "{case}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_gone_under_both_keys_is_gone() {
    for one in either(json!({ "n": 1 })).await {
        let Either { world, store, .. } = &one;
        let loaded = load(store, "a").await;
        store.delete(&id("a")).await.unwrap();
        for key in &one.keys {
            assert!(world.item(key).unwrap().get("gone").is_some());
        }
        assert!(store.is_signed_out(&id("a")).await.unwrap());
        assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
        let options = until(now() + MINUTE);
        for outcome in [
            store.save(&loaded, &json!({ "n": 2 }), &options).await,
            store.touch(&loaded, &touch_until(now() + MINUTE)).await,
            save_unknown(store, &loaded).await,
        ] {
            assert_eq!(outcome.unwrap(), SaveOutcome::Gone);
        }
        assert_eq!(store.stats().conflicts, 3, "each is counted once");
        // A new session of this id is one session.
        let _ = stored(store, "a", json!({ "n": 3 })).await;
        let sessions = one.keys.iter().filter(|key| world.session(key).is_some());
        assert_eq!(sessions.count(), 1);
        let error = save_unknown(store, &loaded).await.unwrap();
        assert_eq!(error, SaveOutcome::Gone, "it has another `created`");
    }
}

/// Its tombstone, or that of the session before it, is still under the other key.
#[tokio::test]
async fn who_has_signed_in_again_or_was_moved_is_not_signed_out() {
    for is_moved in [false, true] {
        for one in either(json!({ "n": 1 })).await {
            let Either { world, store, .. } = &one;
            if is_moved {
                one.move_session();
            } else {
                store.delete(&id("a")).await.unwrap();
                assert!(store.is_signed_out(&id("a")).await.unwrap());
                let _ = stored(store, "a", json!({ "n": 2 })).await;
            }
            assert!(!store.is_signed_out(&id("a")).await.unwrap(), "{is_moved}");
            store.delete(&id("a")).await.unwrap();
            assert!(store.is_signed_out(&id("a")).await.unwrap());
            assert!(world.item(&one.keys[0]).is_some());
        }
    }
}

/// With the loaded session, without it, and after a move.
#[tokio::test]
async fn a_sign_out_holds_under_both_keys() {
    for case in ["loaded", "id", "moved"] {
        for one in either(json!({ "n": 1 })).await {
            let Either { world, store, .. } = &one;
            let loaded = load(store, "a").await;
            // A save and a move that are still under way land after the sign-out.
            world.tap.script([Fate::Lost(Timeout)]);
            let options = until(now() + MINUTE);
            let _ = saved(store.save(&loaded, &json!({ "n": 2 }), &options).await);
            let late = world.tap.calls();
            if case == "moved" {
                one.move_session();
            }
            let moved = world.item(&one.keys[0]).unwrap();
            if case == "id" {
                store.delete(&id("a")).await.unwrap();
            } else {
                store.delete(&loaded).await.unwrap();
            }
            for (operation, body) in late {
                world.land(operation, &body);
            }
            if case != "moved" {
                let mut item = moved;
                item["sessionId"] = json!({ "S": one.keys[1] });
                let put = json!({
                    "TableName": "sessions", "Item": item,
                    "ConditionExpression": "attribute_not_exists(sessionId)",
                });
                assert!(!world.land("PutItem", &put), "the move is refused");
            }
            assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
            for key in &one.keys {
                assert!(world.session(key).is_none(), "{case}");
            }
        }
    }
}

/// `Only` finds no session under its id, but lists it, counts it and deletes it.
#[tokio::test]
async fn what_a_mode_does_not_find_can_be_listed_and_deleted() {
    for (mode, older) in [(HashIds::Only, HashIds::Off), (HashIds::Off, HashIds::Only)] {
        let world = World::new();
        let writer = open(&world, older).await;
        let _ = stored(&writer, "a", json!({ "n": 1 })).await;
        let store = open(&world, mode).await;
        assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
        assert_eq!(store.count().await.unwrap(), 1);
        let page = store.list::<Value>(None).await.unwrap();
        let listed = &page.sessions[0];
        assert!(listed.id.is_key());
        let options = until(now() + MINUTE);
        let stamp = saved(store.save(listed, &json!({ "n": 2 }), &options).await);
        assert_eq!(load(&writer, "a").await.data, json!({ "n": 2 }));
        let listed = listed.with_data(json!({ "n": 2 })).with_stamp(stamp);
        store.delete(&listed).await.unwrap();
        assert!(writer.load::<Value>(&id("a")).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_slow_sign_out_leaves_a_later_session_alone() {
    for one in either(json!({ "n": 1 })).await {
        let Either { world, store, .. } = &one;
        let loaded = load(store, "a").await;
        store.delete(&id("a")).await.unwrap();
        world.clock.advance(Duration::from_millis(5));
        let _ = stored(store, "a", json!({ "n": 2 })).await;
        store.delete(&loaded).await.unwrap();
        assert_eq!(load(store, "a").await.data, json!({ "n": 2 }));
    }
}

/// Instances of neighbouring steps of the roll-out, in both directions.
#[tokio::test]
async fn neighbouring_modes_work_on_one_session() {
    for pair in MODES.windows(2) {
        for [first, second] in [[pair[0], pair[1]], [pair[1], pair[0]]] {
            let world = World::new();
            let one = open(&world, first).await;
            let other = open(&world, second).await;
            let _ = stored(&one, "a", json!({ "x": 1, "y": 1 })).await;
            let found = other.load::<Value>(&id("a")).await.unwrap();
            // Off and Only are the ends: a session of the wider one may have a key that they do not look under.
            let Some(theirs) = found else {
                assert!(
                    matches!(second, HashIds::Off | HashIds::Only),
                    "{first:?} {second:?}"
                );
                continue;
            };
            let ours = load(&one, "a").await;
            let options = until(now() + MINUTE);
            let _ = saved(one.save(&ours, &json!({ "x": 2, "y": 1 }), &options).await);
            let _ = saved(
                other
                    .save(&theirs, &json!({ "x": 1, "y": 2 }), &options)
                    .await,
            );
            for store in [&one, &other] {
                assert_eq!(load(store, "a").await.data, json!({ "x": 2, "y": 2 }));
            }
            other.delete(&theirs).await.unwrap();
            assert!(one.load::<Value>(&id("a")).await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn a_listed_session_can_be_written_and_deleted_without_its_id() {
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    for is_sealed in [false, true] {
        for one in either(json!({ "n": 1 })).await {
            let Either { world, keys, .. } = &one;
            let mut builder = of_mode(world.builder(), HashIds::On);
            if is_sealed {
                builder = builder.encryption(EncryptionOptions::new([key.clone()]));
            }
            let store = builder.build().unwrap();
            let page = store.list::<Value>(None).await.unwrap();
            let [listed] = &page.sessions[..] else {
                panic!("{page:?}");
            };
            let is_hash = keys[0] != "a";
            assert_eq!(listed.id.is_key(), is_hash);
            assert_eq!(listed.id.as_str(), keys[0]);
            let loaded = load(&store, "a").await;
            let reference = store.reference(listed).unwrap();
            assert_eq!(reference, store.reference(&loaded).unwrap());
            assert!(!keys[0].contains(reference.as_str()));
            let options = until(now() + MINUTE);
            let stamp = saved(store.save(listed, &json!({ "n": 2 }), &options).await);
            let listed = listed.with_data(json!({ "n": 2 })).with_stamp(stamp);
            let _ = saved(store.touch(&listed, &touch_until(now() + 2 * MINUTE)).await);
            assert_eq!(load(&store, "a").await.data, json!({ "n": 2 }));
            assert_eq!(store.count().await.unwrap(), 1);
            // Read from the text of an id, it is none.
            let copied = SessionId::new(listed.id.as_str()).unwrap();
            let by_copy = store.load::<Value>(&copied).await.unwrap();
            assert_eq!(by_copy.is_some(), !is_hash);
            store.delete(&listed).await.unwrap();
            assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
        }
    }
}

/// A sealed session is bound to the key that it has.
#[tokio::test]
async fn sealed_sessions_have_either_key() {
    let keys = || EncryptionOptions::new([EncryptionKey::new("k1", &[7; 32]).unwrap()]);
    for mode in BOTH {
        for older in [HashIds::Off, HashIds::Only] {
            let world = World::new();
            let sealed = |mode| of_mode(world.builder(), mode).encryption(keys());
            let writer = world.open(sealed(older)).await;
            let store = world.open(sealed(mode)).await;
            let _ = stored(&writer, "a", json!({ "n": 1 })).await;
            let loaded = load(&store, "a").await;
            let options = until(now() + MINUTE);
            let _ = saved(store.save(&loaded, &json!({ "n": 2 }), &options).await);
            let loaded = load(&writer, "a").await;
            assert_eq!(loaded.data, json!({ "n": 2 }));
            let _ = saved(store.touch(&loaded, &touch_until(now() + 2 * MINUTE)).await);
            store.delete(&id("a")).await.unwrap();
            assert!(writer.load::<Value>(&id("a")).await.unwrap().is_none());
        }
    }
}

/// It goes through the keys of items, so it needs no id.
#[tokio::test]
async fn sessions_under_either_key_are_sealed_anew() {
    let key = |id: &&str| EncryptionKey::new(id, &[id.as_bytes()[1]; 32]).unwrap();
    let keys = |ids: &[&str]| EncryptionOptions::new(ids.iter().map(key).collect::<Vec<_>>());
    let world = World::new();
    for (mode, name) in [(HashIds::Off, "a"), (HashIds::Only, "b")] {
        let builder = of_mode(world.builder(), mode).encryption(keys(&["k1"]));
        let _ = stored(&world.open(builder).await, name, json!({ "n": 1 })).await;
    }
    let open = |ids| {
        let builder = of_mode(world.builder(), HashIds::Only);
        builder.encryption(keys(ids)).build().unwrap()
    };
    let rotated = open(&["k2", "k1"]);
    let done = rotated.reencrypt(&ReencryptOptions::default()).await;
    let done = done.unwrap();
    assert_eq!((done.sessions, done.rewritten), (2, 2), "{done:?}");
    let builder = of_mode(world.builder(), HashIds::On).encryption(keys(&["k2"]));
    let store = builder.build().unwrap();
    for name in ["a", "b"] {
        assert_eq!(load(&store, name).await.data, json!({ "n": 1 }));
    }
}

#[tokio::test]
async fn the_cost_of_two_keys_is_the_documented_one() {
    for mode in MODES {
        let world = World::new();
        let store = open(&world, mode).await;
        let has_two = BOTH.contains(&mode);
        let reads = |count: usize| ["GetItem"].repeat(count);
        let more = usize::from(has_two);
        assert!(store.load::<Value>(&id("a")).await.unwrap().is_none());
        assert_eq!(world.tap.operations(), reads(1 + more), "{mode:?}: a miss");
        let session = new_session("a", json!({ "n": 1 }), MINUTE);
        let _ = saved(save_absent(&store, &session, &Framework::new()).await);
        let expected = [reads(more), vec!["PutItem"]].concat();
        assert_eq!(world.tap.operations(), expected, "{mode:?}: a new session");
        let loaded = load(&store, "a").await;
        let options = until(now() + MINUTE);
        let _ = saved(store.save(&loaded, &json!({ "n": 2 }), &options).await);
        assert_eq!(
            world.tap.operations(),
            ["GetItem", "UpdateItem"],
            "{mode:?}"
        );
        let loaded = load(&store, "a").await;
        world.tap.calls();
        store.delete(&loaded).await.unwrap();
        let expected = ["PutItem"].repeat(1 + more);
        assert_eq!(world.tap.operations(), expected, "{mode:?}: a sign-out");
    }
}

/// Also for a store that looks under either key, and after a sign-out that left a tombstone under both.
#[tokio::test]
async fn an_id_has_the_reference_of_its_session() {
    for one in either(json!({ "n": 1 })).await {
        let Either { world, store, keys } = &one;
        let expected = store.reference(&load(store, "a").await).unwrap();
        let reference = || async { store.reference_of(&id("a")).await.unwrap() };
        assert_eq!(reference().await, Some(expected.clone()));
        world.clock.advance(2 * MINUTE);
        assert_eq!(reference().await, Some(expected.clone()), "it has expired");
        store.delete(&id("a")).await.unwrap();
        assert!(keys.iter().all(|key| world.item(key).is_some()));
        assert_eq!(reference().await, Some(expected), "it is signed out");
        assert_eq!(store.reference_of(&id("b")).await.unwrap(), None);
    }
}
