//! Keys: a list, and a provider that is asked again, fails, hangs, or returns what are no keys.

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::observe::Event;
use dynamodb_session::options::{EncryptionKey, EncryptionOptions, KeyProvider, ProviderError};
use dynamodb_session::{Base, ErrorKind, Operation, SessionStore};
use serde_json::{Value, json};

use super::{key, sealed_of, with_keys};
use crate::support::{
    MINUTE, World, id, load, new_session, now, saved, stored, touch_until, until,
};

/// What a provider does when it is asked.
#[derive(Debug, Clone, PartialEq)]
enum Says {
    Keys(&'static [&'static str]),
    Fails,
    Hangs,
}

/// The text of a failure, which could hold a secret.
const SECRET: &str = "the password of the vault";

#[derive(Clone)]
struct Provider(Arc<Mutex<(Says, u32)>>);

impl Provider {
    fn new(says: Says) -> Self {
        Self(Arc::new(Mutex::new((says, 0))))
    }

    fn says(&self, says: Says) {
        self.0.lock().unwrap().0 = says;
    }

    fn asked(&self) -> u32 {
        self.0.lock().unwrap().1
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

impl KeyProvider for Provider {
    fn keys(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<EncryptionKey>, ProviderError>> + Send + '_>> {
        let says = {
            let mut state = self.0.lock().unwrap();
            state.1 += 1;
            state.0.clone()
        };
        Box::pin(async move {
            tokio::task::yield_now().await;
            match says {
                Says::Keys(ids) => Ok(ids.iter().map(|id| key(id)).collect()),
                Says::Fails => Err(SECRET.into()),
                Says::Hangs => pending().await,
            }
        })
    }
}

/// A table with a session sealed by each of these keys, and a store whose keys a provider has.
async fn provided(world: &World, sealed_by: &[&str], says: Says) -> (SessionStore, Provider) {
    for id in sealed_by {
        let store = world
            .open(world.builder().encryption(with_keys(&[id])))
            .await;
        let session = new_session(id, json!({ "by": id }), 600 * MINUTE);
        let _ = store.put(&session).await.unwrap();
    }
    let provider = Provider::new(says);
    let options = EncryptionOptions::from_provider(provider.clone());
    let store = world.builder().encryption(options).build().unwrap();
    world.tap.calls();
    (store, provider)
}

/// The id of the key that a session is sealed with.
fn key_of(world: &World, id: &str) -> String {
    let bytes = STANDARD.decode(sealed_of(world, id)).unwrap();
    let id = str::from_utf8(&bytes[2..6]).unwrap();
    id.trim_end_matches('\0').to_owned()
}

async fn error_of(store: &SessionStore, name: &str) -> dynamodb_session::Error {
    let error = store.load::<Value>(&id(name)).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    error
}

#[test]
fn a_list_that_is_none_is_refused_when_the_store_is_built() {
    let build = |keys: Vec<EncryptionKey>| {
        let builder = SessionStore::builder().region("local");
        builder.encryption(EncryptionOptions::new(keys)).build()
    };
    for (keys, expected) in [
        (vec![], "at least one key"),
        (
            vec![key("k1"), key("k2"), key("k1")],
            "two keys have the id k1",
        ),
    ] {
        let error = build(keys).unwrap_err();
        assert_eq!(
            (error.kind(), error.setting()),
            (ErrorKind::Config, Some("encryption"))
        );
        assert!(error.to_string().contains(expected), "{error}");
    }
    for bytes in [0, 16, 31, 33, 64] {
        let error = EncryptionKey::new("k1", &vec![1; bytes]).unwrap_err();
        assert_eq!(
            (error.kind(), error.setting()),
            (ErrorKind::Config, Some("encryption"))
        );
    }
    let options = with_keys(&["k1"]).pad(65_537);
    let builder = SessionStore::builder().region("local");
    let error = builder.encryption(options).build().unwrap_err();
    assert!(error.to_string().contains("pad"), "{error}");
}

#[tokio::test]
async fn nothing_of_a_key_is_shown() {
    let world = World::new();
    let (store, _) = provided(&world, &[], Says::Keys(&["k1"])).await;
    let builder = world.encrypting();
    let shown = format!(
        "{builder:?} {store:?} {:?} {:?}",
        with_keys(&["k1"]),
        key("k1")
    );
    assert!(!shown.contains("k1k1"), "{shown}");
    // The bytes of the key as numbers.
    assert!(!shown.contains("107, 49"), "{shown}");
}

#[tokio::test]
async fn the_first_key_seals_and_each_of_them_opens() {
    let world = World::new();
    let old = world.sealed_store().await;
    let loaded = stored(&old, "a", json!({ "n": 1 })).await;
    let rotated = world.builder().encryption(with_keys(&["k2", "k1"]));
    let rotated = rotated.build().unwrap();
    let seen = load(&rotated, "a").await;
    assert_eq!(seen.data, loaded.data);
    assert_eq!(key_of(&world, "a"), "k1");
    let _ = saved(
        rotated
            .save(&seen, &json!({ "n": 2 }), &until(now() + MINUTE))
            .await,
    );
    assert_eq!(key_of(&world, "a"), "k2");
    // A store without the new key says so, and overwrites nothing.
    let before = world.item("a");
    let error = error_of(&old, "a").await;
    assert_eq!(error.kind(), ErrorKind::UnknownKey);
    assert!(error.to_string().contains("the key k2"), "{error}");
    let result = old
        .save(&loaded, &json!({ "n": 3 }), &until(now() + MINUTE))
        .await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::UnknownKey);
    assert_eq!(world.item("a"), before);
    // Another key of the same id is not the key.
    let forged = EncryptionKey::new("k2", &[9; 32]).unwrap();
    let forged = world.builder().encryption(EncryptionOptions::new([forged]));
    let error = error_of(&forged.build().unwrap(), "a").await;
    assert_eq!(error.kind(), ErrorKind::Decryption);
}

#[tokio::test]
async fn a_provider_is_asked_at_the_first_call_and_every_five_minutes() {
    let world = World::new();
    let (store, provider) = provided(&world, &["k1", "k2"], Says::Keys(&["k1"])).await;
    assert_eq!(
        provider.asked(),
        0,
        "nothing is asked when a store is built"
    );
    let [first, second] = [load(&store, "k1"), load(&store, "k1")];
    let (first, second) = tokio::join!(first, second);
    assert_eq!(
        [first.data, second.data],
        [json!({ "by": "k1" }), json!({ "by": "k1" })]
    );
    assert_eq!(provider.asked(), 1);
    provider.says(Says::Keys(&["k2", "k1"]));
    world
        .clock
        .advance(4 * MINUTE + Duration::from_millis(59_999));
    let loaded = load(&store, "k1").await;
    assert_eq!(provider.asked(), 1);
    world.clock.advance(Duration::from_millis(1));
    let options = until(now() + 600 * MINUTE);
    let _ = saved(
        store
            .save(&loaded, &json!({ "by": "now k2" }), &options)
            .await,
    );
    assert_eq!(provider.asked(), 2);
    assert_eq!(key_of(&world, "k1"), "k2");
    let _ = load(&store, "k1").await;
    let _ = load(&store, "k2").await;
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn a_provider_that_fails_at_first_fails_each_call_and_sends_nothing() {
    for says in [Says::Fails, Says::Keys(&[]), Says::Keys(&["k1", "k1"])] {
        let world = World::new();
        let (store, provider) = provided(&world, &["k1"], says.clone()).await;
        let session = new_session("b", json!({}), MINUTE);
        let error = error_of(&store, "k1").await;
        assert_eq!(error.kind(), ErrorKind::KeyProvider, "{error}");
        assert_eq!(error.setting(), Some("encryption"));
        for result in [
            store.put(&session).await.map(drop),
            store.create(&session).await.map(drop),
            store.list::<Value>(None).await.map(drop),
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::KeyProvider);
        }
        assert!(world.tap.operations().is_empty(), "{says:?}");
        // Calls at the same time wait for one question.
        let before = provider.asked();
        let (one, other) = tokio::join!(error_of(&store, "k1"), error_of(&store, "k1"));
        assert_eq!([one.kind(), other.kind()], [ErrorKind::KeyProvider; 2]);
        assert_eq!(provider.asked(), before + 1);
        // A sign-out needs no key, and the next call asks again.
        store.delete(&id("gone")).await.unwrap();
        provider.says(Says::Keys(&["k1"]));
        assert_eq!(load(&store, "k1").await.data, json!({ "by": "k1" }));
    }
}

#[tokio::test]
async fn a_provider_that_hangs_ends_at_the_deadline_of_the_call() {
    let world = World::new();
    let (store, provider) = provided(&world, &["k1"], Says::Hangs).await;
    let passes = async {
        while provider.asked() == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        world.clock.advance(MINUTE);
    };
    let (error, ()) = tokio::join!(error_of(&store, "k1"), passes);
    assert_eq!(error.kind(), ErrorKind::KeyProvider);
    assert!(
        error.to_string().contains("did not answer in time"),
        "{error}"
    );
    assert!(world.tap.operations().is_empty());
    provider.says(Says::Keys(&["k1"]));
    assert_eq!(load(&store, "k1").await.data, json!({ "by": "k1" }));
}

#[tokio::test]
async fn a_key_that_is_not_known_is_asked_for_at_most_every_ten_seconds() {
    let world = World::new();
    let (store, provider) = provided(&world, &["k1", "k2"], Says::Keys(&["k1"])).await;
    let unknown = || async {
        let error = error_of(&store, "k2").await;
        assert_eq!(error.kind(), ErrorKind::UnknownKey, "{error}");
        provider.asked()
    };
    assert_eq!(unknown().await, 1, "the keys are new");
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(unknown().await, 2);
    world.clock.advance(Duration::from_millis(9999));
    assert_eq!(unknown().await, 2);
    let _ = load(&store, "k1").await;
    assert_eq!(provider.asked(), 2, "another session is not held up");
    provider.says(Says::Keys(&["k2", "k1"]));
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(load(&store, "k2").await.data, json!({ "by": "k2" }));
    assert_eq!(provider.asked(), 3);
}

#[tokio::test]
async fn a_list_asks_for_the_keys_that_it_meets() {
    let world = World::new();
    let (store, provider) = provided(&world, &["k2"], Says::Keys(&["k1"])).await;
    assert!(store.load::<Value>(&id("none")).await.unwrap().is_none());
    world.clock.advance(Duration::from_secs(11));
    provider.says(Says::Fails);
    let error = store.list::<Value>(None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyProvider);
    assert_eq!(error.operation(), Some(Operation::Scan));
    world.clock.advance(Duration::from_secs(11));
    provider.says(Says::Keys(&["k2", "k1"]));
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!((page.sessions.len(), page.unreadable), (1, 0));
    assert_eq!(provider.asked(), 3);
}

/// A save that meets a session of a newer key, where the one that was loaded had an older one.
#[tokio::test]
async fn a_merge_asks_for_the_key_that_it_meets() {
    let world = World::new();
    let (store, provider) = provided(&world, &["k1"], Says::Keys(&["k1"])).await;
    for is_touch in [false, true] {
        provider.says(Says::Keys(&["k1"]));
        world.clock.advance(5 * MINUTE);
        let loaded = load(&store, "k1").await;
        let rotated = world.builder().encryption(with_keys(&["k2", "k1"]));
        let rotated = rotated.build().unwrap();
        let seen = load(&rotated, "k1").await;
        let mut data = seen.data.clone();
        data["theirs"] = json!(is_touch);
        let later = now() + 600 * MINUTE;
        let _ = saved(rotated.save(&seen, &data, &until(later)).await);
        provider.says(Says::Keys(&["k1", "k2"]));
        world.clock.advance(Duration::from_secs(10));
        let asked = provider.asked();
        if is_touch {
            let options = touch_until(later + MINUTE);
            let _ = saved(store.touch(&loaded, &options).await);
        } else {
            let mut ours = loaded.data.clone();
            ours["ours"] = json!(1);
            let _ = saved(store.save(&loaded, &ours, &until(later)).await);
            data["ours"] = json!(1);
        }
        assert_eq!(provider.asked(), asked + 1);
        assert_eq!(load(&store, "k1").await.data, data);
    }
}

/// Another process has the new key already, and touches a session that is sealed with the old one.
#[tokio::test]
async fn the_key_of_an_expiry_unit_is_asked_for_too() {
    let world = World::new();
    let (store, provider) = provided(&world, &["k1"], Says::Keys(&["k1"])).await;
    let _ = load(&store, "k1").await;
    let rotated = world.builder().encryption(with_keys(&["k2", "k1"]));
    let rotated = rotated.build().unwrap();
    let seen = load(&rotated, "k1").await;
    let later = now() + 601 * MINUTE;
    let _ = saved(rotated.touch(&seen, &touch_until(later)).await);
    assert_eq!(key_of(&world, "k1"), "k1");
    provider.says(Says::Keys(&["k1", "k2"]));
    world.clock.advance(Duration::from_secs(10));
    let loaded = load(&store, "k1").await;
    assert_eq!((loaded.data, loaded.expires_at), (seen.data, Some(later)));
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn when_a_provider_fails_later_its_keys_stay_in_use() {
    let world = World::new();
    let (_, provider) = provided(&world, &["k1", "k2"], Says::Keys(&["k1"])).await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&events);
    let options = EncryptionOptions::from_provider(provider.clone());
    let builder = world.builder().encryption(options);
    let builder = builder.on_event(Arc::new(move |event: &Event| {
        recorded.lock().unwrap().push(event.clone());
    }));
    let store = builder.build().unwrap();
    let events = || std::mem::take(&mut *events.lock().unwrap());
    let loaded = load(&store, "k1").await;
    assert_eq!(events(), []);
    for says in [Says::Fails, Says::Keys(&[])] {
        provider.says(says);
        world.clock.advance(5 * MINUTE);
        let asked = provider.asked();
        for _ in 0..2 {
            assert_eq!(load(&store, "k1").await.data, loaded.data);
        }
        stored_for_hours(&store, "new").await;
        assert_eq!(key_of(&world, "new"), "k1");
        assert_eq!(
            (provider.asked(), events()),
            (asked + 1, vec![Event::KeysNotRenewed])
        );
        world.clock.advance(Duration::from_secs(10));
        let _ = load(&store, "k1").await;
        assert_eq!(
            (provider.asked(), events()),
            (asked + 2, vec![Event::KeysNotRenewed])
        );
        // A key that is not known cannot be asked for.
        world.clock.advance(Duration::from_secs(5));
        assert_eq!(error_of(&store, "k2").await.kind(), ErrorKind::UnknownKey);
    }
    provider.says(Says::Hangs);
    world.clock.advance(5 * MINUTE);
    let asked = provider.asked();
    let passes = async {
        while provider.asked() == asked {
            tokio::task::yield_now().await;
        }
        // While it is asked, other calls go on with the older keys.
        assert_eq!(load(&store, "k1").await.data, loaded.data);
        world.clock.advance(MINUTE);
    };
    let (after, ()) = tokio::join!(load(&store, "k1"), passes);
    assert_eq!(
        (after.data, events()),
        (loaded.data, vec![Event::KeysNotRenewed])
    );
    provider.says(Says::Keys(&["k2", "k1"]));
    world.clock.advance(Duration::from_secs(10));
    stored_for_hours(&store, "new").await;
    assert_eq!((key_of(&world, "new"), events()), ("k2".to_owned(), vec![]));
}

async fn stored_for_hours(store: &SessionStore, name: &str) {
    let session = new_session(name, json!({ "n": 1 }), 600 * MINUTE);
    let _ = store.put(&session).await.unwrap();
}

#[tokio::test]
async fn a_session_that_has_ended_is_overwritten_without_its_key() {
    let world = World::new();
    let store = world.sealed_store().await;
    store
        .put(&new_session("a", json!({ "n": 1 }), MINUTE))
        .await
        .unwrap();
    let without = world
        .open(world.builder().encryption(with_keys(&["k2"])))
        .await;
    let (id, data) = (id("a"), json!({ "n": 2 }));
    let base = || Base::unknown(&id, None);
    let options = until(now() + 10 * MINUTE);
    let error = without.save(base(), &data, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownKey);
    world.clock.advance(MINUTE);
    saved(without.save(base(), &data, &options).await);
    assert_eq!(
        without.load::<Value>(&id).await.unwrap().unwrap().data,
        data
    );
}
