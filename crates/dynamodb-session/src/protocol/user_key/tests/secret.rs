//! How the secret is made, read again and restored.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use dynamodb_session_faults::{FaultServer, KMS_KEYS};

use super::*;
use crate::options::{KeyProvider, ProviderError};
use crate::{ErrorKind, Remedy};

#[tokio::test]
async fn of_two_makers_one_wins() {
    let world = World::new();
    let (one, other) = (world.with_keys(&["k1"]), world.with_keys(&["k1"]));
    let (of_one, of_other) = tokio::join!(one.keyed(), other.keyed());
    assert_eq!(of_one, of_other);
    let (of_one, of_other) = (one.operations(), other.operations());
    assert_eq!(of_one[..2], ["GetItem", "PutItem"]);
    assert_eq!(of_other[..2], ["GetItem", "PutItem"]);
    // The loser reads what the winner has stored.
    assert_eq!(of_one.len() + of_other.len(), 5);
    assert_eq!(world.with_keys(&["k1"]).keyed().await, one.keyed().await);
}

#[tokio::test]
async fn calls_that_begin_together_ask_once() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let (a, b, c) = tokio::join!(process.keyed(), process.keyed(), process.keyed());
    assert_eq!([&a, &b], [&b, &c]);
    assert_eq!(process.operations(), ["GetItem", "PutItem"]);
}

#[tokio::test]
async fn it_is_read_again_after_an_hour() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let first = process.keyed().await;
    process.operations();
    world.clock.advance(Duration::from_secs(3599));
    assert_eq!(process.keyed().await, first);
    assert_eq!(process.operations(), [""; 0]);
    world.clock.advance(Duration::from_secs(1));
    // The second call goes on with what is known.
    let (one, other) = tokio::join!(process.keyed(), process.keyed());
    assert_eq!([one, other], [first.clone(), first]);
    assert_eq!(process.operations(), ["GetItem"]);
    let _ = process.keyed().await;
    assert_eq!(process.operations(), [""; 0]);
}

#[tokio::test]
async fn a_process_that_knows_it_restores_it() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let first = process.keyed().await;
    world.delete_item(SECRET);
    world.clock.advance(HOUR);
    assert_eq!(process.keyed().await, first);
    assert_eq!(world.with_keys(&["k1"]).keyed().await, first);
}

#[tokio::test]
async fn mode_read_does_not_restore_it_and_goes_on_with_it() {
    let world = World::new();
    let first = world.with_keys(&["k1"]).keyed().await;
    let reader = world.in_mode(EncryptionMode::Read);
    assert_eq!(reader.user_keys().await.other, Some(first.clone()));
    world.delete_item(SECRET);
    world.clock.advance(HOUR);
    assert_eq!(reader.user_keys().await.other, Some(first));
    assert_eq!(world.item(SECRET), None);
}

#[tokio::test]
async fn another_secret_is_taken_from_then_on() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let first = process.keyed().await;
    world.delete_item(SECRET);
    let second = world.with_keys(&["k1"]).keyed().await;
    assert_ne!(first, second);
    assert_eq!(process.keyed().await, first);
    world.clock.advance(HOUR);
    assert_eq!(process.keyed().await, second);
    assert_eq!(world.with_keys(&["k1"]).keyed().await, second);
}

#[tokio::test]
async fn who_restores_it_too_late_takes_the_other_one() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let first = process.keyed().await;
    world.delete_item(SECRET);
    world.clock.advance(HOUR);
    let maker = world.with_keys(&["k1"]);
    // Both have read that there is none, and the maker is the first to write.
    let (made, taken) = tokio::join!(maker.keyed(), process.keyed());
    assert_eq!(made, taken);
    assert_ne!(made, first);
}

#[tokio::test]
async fn an_unknown_key_is_an_error_and_nothing_is_written() {
    let world = World::new();
    let _ = world.with_keys(&["k1"]).keyed().await;
    let before = world.item(SECRET);
    for mode in [EncryptionMode::On, EncryptionMode::Read] {
        let process = world.process(|builder| builder.encryption(keys(&["k2"]).mode(mode)));
        let error = process.try_user_keys().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownKey);
        assert_eq!(error.remedy(), Some(Remedy::SetEncryptionKey));
        assert!(error.message().contains("the key k1"), "{error}");
        assert_eq!(process.operations(), ["GetItem"]);
    }
    assert_eq!(world.item(SECRET), before);
    let both = world.with_keys(&["k2", "k1"]);
    let _ = both.keyed().await;
}

/// A provider whose answer changes.
#[derive(Debug)]
struct Provider(Arc<Mutex<Vec<&'static str>>>);

impl KeyProvider for Provider {
    fn keys(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<EncryptionKey>, ProviderError>> + Send + '_>> {
        let keys = self.0.lock().unwrap().iter().map(|id| key(id)).collect();
        Box::pin(async move { Ok(keys) })
    }
}

#[tokio::test]
async fn the_provider_is_asked_for_an_unknown_key() {
    let world = World::new();
    let first = world.with_keys(&["k1"]).keyed().await;
    let says = Arc::new(Mutex::new(vec!["k2"]));
    let provider = EncryptionOptions::from_provider(Provider(Arc::clone(&says)));
    let process = world.process(|builder| builder.encryption(provider));
    process.create("a").await;
    says.lock().unwrap().push("k1");
    // An unknown key has it asked at most every ten seconds.
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(process.keyed().await, first);
}

#[tokio::test]
async fn data_keys_of_kms_seal_it() {
    let world = World::new();
    let kms = FaultServer::start().unwrap();
    let url = kms.urls().http.clone();
    let of_kms = |mode| {
        let variables = [
            ("AWS_ENDPOINT_URL_KMS", url.as_str()),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "KEY"),
            ("AWS_SECRET_ACCESS_KEY", dynamodb_session_faults::SECRET),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = EncryptionOptions::from_kms(KMS_KEYS[0].1).mode(mode);
        world.process(|builder| builder.environment(variables).encryption(options))
    };
    let process = of_kms(EncryptionMode::On);
    let first = process.keyed().await;
    assert_eq!(
        process.operations(),
        ["GetItem", "PutItem", "GetItem", "PutItem"],
        "the data key first"
    );
    assert!(world.item("k2.ja").is_some());
    let other = of_kms(EncryptionMode::On);
    assert_eq!(other.keyed().await, first);
    // It makes no data key, and asks for the one that the secret names.
    let reader = of_kms(EncryptionMode::Read);
    assert_eq!(reader.user_keys().await.other, Some(first.clone()));
    assert_eq!(reader.operations(), ["GetItem", "GetItem"]);
    // The data key of later days opens it by the older one.
    world.clock.advance(32 * 24 * HOUR);
    assert_eq!(of_kms(EncryptionMode::On).keyed().await, first);
}
