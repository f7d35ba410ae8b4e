//! Labels of sessions in users' items.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::{ErrorKind, Remedy};

const LABEL: &str = "Ada's phone, Zürich";

impl Process {
    async fn sealed(&self, item: &str, reference: &str) -> Option<Vec<u8>> {
        let sealed = self.store.inner().sealed_label(item, reference, LABEL);
        sealed.await.unwrap()
    }

    async fn opened(&self, item: &str, reference: &str, envelope: &[u8]) -> Result<String, Error> {
        let inner = self.store.inner();
        inner.opened_label(item, reference, envelope).await
    }
}

#[tokio::test]
async fn a_label_is_sealed_where_the_store_encrypts() {
    for mode in [EncryptionMode::On, EncryptionMode::Only] {
        let world = World::new();
        let process = world.in_mode(mode);
        let envelope = process.sealed("u1.a", "r1").await.unwrap();
        let is_shown = envelope.windows(3).any(|window| window == b"Ada");
        assert!(!is_shown);
        for reader in [world.in_mode(mode), world.in_mode(EncryptionMode::Read)] {
            assert_eq!(reader.opened("u1.a", "r1", &envelope).await.unwrap(), LABEL);
        }
    }
    let world = World::new();
    assert_eq!(
        world.process(|builder| builder).sealed("u1.a", "r1").await,
        None
    );
    let reader = world.in_mode(EncryptionMode::Read);
    assert_eq!(reader.sealed("u1.a", "r1").await, None);
    assert_eq!(world.item(SECRET), None);
}

#[tokio::test]
async fn a_label_that_was_moved_does_not_open() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let envelope = process.sealed("u1.a", "r1").await.unwrap();
    let mut changed = envelope.clone();
    *changed.last_mut().unwrap() ^= 1;
    // Not encrypted, so that who can write to the table could choose it.
    let plain = [&[1, 0][..], LABEL.as_bytes()].concat();
    for (item, reference, envelope) in [
        ("u1.b", "r1", &envelope),
        ("u1.a", "r2", &envelope),
        ("u1.a", "r1", &changed),
        ("u1.a", "r1", &plain),
        ("u1.a", "r1", &Vec::new()),
    ] {
        let error = process.opened(item, reference, envelope).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decryption);
        assert!(!error.to_string().contains("Ada"), "{error}");
    }
}

#[tokio::test]
async fn the_secret_is_no_label_and_no_label_the_secret() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let label = process.sealed(SECRET, "").await.unwrap();
    let secret = STANDARD.decode(world.secret()).unwrap();
    let error = process.opened(SECRET, "", &secret).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decryption);
    world.put_item(SECRET, json!({ "secret": { "B": STANDARD.encode(label) } }));
    assert!(world.with_keys(&["k1"]).try_user_keys().await.is_err());
}

#[tokio::test]
async fn labels_are_padded() {
    let world = World::new();
    let process = world.process(|builder| builder.encryption(keys(&["k1"]).pad(64)));
    let inner = process.store.inner();
    let mut lengths = Vec::new();
    for label in ["a", LABEL] {
        let sealed = inner.sealed_label("u1.a", "r1", label).await.unwrap();
        lengths.push(sealed.unwrap().len());
    }
    assert_eq!(lengths[0], lengths[1]);
}

#[tokio::test]
async fn a_change_of_the_keys_leaves_labels_as_they_are() {
    let world = World::new();
    let envelope = world.with_keys(&["k1"]).sealed("u1.a", "r1").await.unwrap();
    let process = world.with_keys(&["k2", "k1"]);
    let options = crate::ReencryptOptions::default();
    process.store.reencrypt(&options).await.unwrap();
    let after = world.with_keys(&["k2"]);
    assert_eq!(after.opened("u1.a", "r1", &envelope).await.unwrap(), LABEL);
}

#[tokio::test]
async fn without_keys_or_without_the_secret_no_label_opens() {
    let world = World::new();
    let envelope = world.with_keys(&["k1"]).sealed("u1.a", "r1").await.unwrap();
    let without = world.process(|builder| builder);
    let error = without.opened("u1.a", "r1", &envelope).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownKey);
    assert_eq!(error.remedy(), Some(Remedy::SetEncryptionKey));

    world.delete_item(SECRET);
    let reader = world.in_mode(EncryptionMode::Read);
    let error = reader.opened("u1.a", "r1", &envelope).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decryption);
    assert_eq!(error.remedy(), Some(Remedy::RestoreUserSecret));
    // Another secret.
    let maker = world.with_keys(&["k1"]);
    let error = maker.opened("u1.a", "r1", &envelope).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decryption);
}
