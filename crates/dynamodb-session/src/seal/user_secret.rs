//! The secret that hides users in the keys of their items, and in the labels of their sessions.
//!
//! A hash of a user's id alone would not hide it: user ids are numbers or addresses, and who has the table could hash
//! all of them. The encryption keys of the store change, and the keys of items must not. So it is a secret of its own.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};

use super::envelope::{Binding, Part, SealError, head_of, open, seal};
use super::key::{EncryptionKey, KEY_BYTES, KeyId};
use super::ring::KeyRing;

/// The bytes of a hash of a user.
type UserHash = [u8; digest::SHA256_OUTPUT_LEN];

/// Keeps a hash of a user from being one that something else has a use for.
const PLAIN: &[u8] = b"dynamodb-session/user/1\0";

/// What the keys are derived with that the secret is used for.
const FOR_USERS: &[u8] = b"dynamodb-session/user-key/1";
const FOR_LABELS: &[u8] = b"dynamodb-session/label-key/1";

/// The name of the key for labels, in their envelopes. It is derived from the secret, so no other key can have its place.
const LABELS: KeyId = KeyId(*b"u1\0\0");

/// 32 random bytes, and what is derived from them. Its `Debug` output hides all of it.
pub(crate) struct UserSecret {
    bytes: [u8; KEY_BYTES],
    for_users: hmac::Key,
    for_labels: KeyRing,
}

/// The item that an envelope is in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ItemOfUsers<'a> {
    /// The store's `context`.
    pub(crate) context: &'a str,
    /// The item's partition key.
    pub(crate) key: &'a str,
}

impl<'a> ItemOfUsers<'a> {
    fn binding(self, part: Part<'a>) -> Binding<'a> {
        Binding {
            context: self.context,
            key: self.key,
            created_ms: 0,
            part,
        }
    }
}

impl UserSecret {
    pub(crate) fn generate() -> Self {
        let mut bytes = [0; KEY_BYTES];
        SystemRandom::new()
            .fill(&mut bytes)
            .expect("the operating system has random numbers");
        Self::of(bytes)
    }

    fn of(bytes: [u8; KEY_BYTES]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let derive = |label| hmac::sign(&secret, label);
        let label_key = EncryptionKey {
            id: LABELS,
            bytes: bytes_of(derive(FOR_LABELS)),
        };
        Self {
            for_users: hmac::Key::new(hmac::HMAC_SHA256, derive(FOR_USERS).as_ref()),
            for_labels: [label_key].into_iter().collect(),
            bytes,
        }
    }

    /// The secret in an envelope, for this item.
    pub(crate) fn seal(&self, key: &EncryptionKey, item: ItemOfUsers<'_>) -> Vec<u8> {
        let binding = item.binding(Part::UserSecret);
        seal(&self.bytes, false, Some(key), 0, &binding)
    }

    /// The reverse of [`seal`](Self::seal).
    pub(crate) fn open(
        envelope: &[u8],
        keys: &KeyRing,
        item: ItemOfUsers<'_>,
    ) -> Result<Self, SealError> {
        let opened = open_encrypted(envelope, keys, &item.binding(Part::UserSecret))?;
        let bytes = opened.try_into().map_err(|_| SealError::Damaged)?;
        Ok(Self::of(bytes))
    }

    /// The hash of a user. Without the secret, nobody can tell whose it is.
    pub(crate) fn hash_of(&self, user: &str) -> UserHash {
        bytes_of(hmac::sign(&self.for_users, user.as_bytes()))
    }

    /// A label in an envelope, for the session with this reference in this item.
    pub(crate) fn seal_label(
        &self,
        label: &str,
        reference: &str,
        pad: usize,
        item: ItemOfUsers<'_>,
    ) -> Vec<u8> {
        let binding = item.binding(Part::UserLabel { reference });
        seal(
            label.as_bytes(),
            false,
            self.for_labels.first(),
            pad,
            &binding,
        )
    }

    /// The reverse of [`seal_label`](Self::seal_label).
    pub(crate) fn open_label(
        &self,
        envelope: &[u8],
        reference: &str,
        item: ItemOfUsers<'_>,
    ) -> Result<String, SealError> {
        let binding = item.binding(Part::UserLabel { reference });
        let opened = open_encrypted(envelope, &self.for_labels, &binding)?;
        String::from_utf8(opened).map_err(|_| SealError::Damaged)
    }
}

/// The hash of a user where the store has no keys. Who can guess the user can tell it.
pub(crate) fn plain_hash_of(user: &str) -> UserHash {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(PLAIN);
    hash.update(user.as_bytes());
    let hash = hash.finish();
    hash.as_ref().try_into().expect(HASH)
}

/// Opens an envelope. Who can write to the table can make one that is not encrypted, so such a one is refused.
fn open_encrypted(
    envelope: &[u8],
    keys: &KeyRing,
    binding: &Binding<'_>,
) -> Result<Vec<u8>, SealError> {
    let opened = open(envelope.to_vec(), keys, binding)?;
    match head_of(envelope).and_then(|head| head.key) {
        Some(_) => Ok(opened),
        None => Err(SealError::Damaged),
    }
}

fn bytes_of(tag: hmac::Tag) -> [u8; digest::SHA256_OUTPUT_LEN] {
    tag.as_ref().try_into().expect(HASH)
}

const HASH: &str = "a hash of SHA-256 has 32 bytes";

impl fmt::Debug for UserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserSecret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const ITEM: ItemOfUsers<'static> = ItemOfUsers {
        context: "shop:",
        key: "shop:u1.key",
    };

    fn secret() -> UserSecret {
        UserSecret::of(std::array::from_fn(|index| u8::try_from(index).unwrap()))
    }

    /// The expected values are of another program.
    #[test]
    fn hashes_stay_what_they_are() {
        assert_eq!(
            STANDARD.encode(plain_hash_of("größe@example.org")),
            PLAIN_HASH
        );
        assert_eq!(
            STANDARD.encode(secret().hash_of("größe@example.org")),
            KEYED_HASH
        );
        let label_key = &secret().for_labels;
        assert_eq!(label_key.first().unwrap().to_base64(), LABEL_KEY);
    }

    const PLAIN_HASH: &str = "ckVzrs46j+o8J9+1dqtxc2E6fkUe111K3pDv1lRiEYI=";
    const KEYED_HASH: &str = "6b/6umRxDwvLmHF95XLiyfiUXgjcE6N94muMP7jWZ8g=";
    const LABEL_KEY: &str = "iCAyImg7x6Ud3x2JTlQTf3/q57MppNndyxjyuhMJ+dg=";

    #[test]
    fn a_secret_is_opened_in_its_place_only() {
        let key = EncryptionKey::generate("k1").unwrap();
        let ring: KeyRing = [key.clone()].into_iter().collect();
        let envelope = secret().seal(&key, ITEM);
        let opened = UserSecret::open(&envelope, &ring, ITEM).unwrap();
        assert_eq!(opened.bytes, secret().bytes);
        let elsewhere = [
            ItemOfUsers {
                key: "u1.key",
                ..ITEM
            },
            ItemOfUsers {
                context: "",
                ..ITEM
            },
        ];
        for item in elsewhere {
            let error = UserSecret::open(&envelope, &ring, item).unwrap_err();
            assert_eq!(error, SealError::Damaged);
        }
        let error = UserSecret::open(&envelope, &KeyRing::default(), ITEM).unwrap_err();
        assert_eq!(error, SealError::UnknownKey(key.id));
    }

    #[test]
    fn what_is_not_encrypted_is_refused() {
        let binding = ITEM.binding(Part::UserSecret);
        let plain = seal(&[7; KEY_BYTES], false, None, 0, &binding);
        let error = UserSecret::open(&plain, &KeyRing::default(), ITEM).unwrap_err();
        assert_eq!(error, SealError::Damaged);
        let binding = ITEM.binding(Part::UserLabel { reference: "r" });
        let plain = seal(b"Laptop", false, None, 0, &binding);
        let error = secret().open_label(&plain, "r", ITEM).unwrap_err();
        assert_eq!(error, SealError::Damaged);
    }

    #[test]
    fn a_secret_of_another_length_is_refused() {
        let key = EncryptionKey::generate("k1").unwrap();
        let ring: KeyRing = [key.clone()].into_iter().collect();
        let binding = ITEM.binding(Part::UserSecret);
        for length in [0, 31, 33] {
            let envelope = seal(&vec![7; length], false, Some(&key), 0, &binding);
            let error = UserSecret::open(&envelope, &ring, ITEM).unwrap_err();
            assert_eq!(error, SealError::Damaged, "{length}");
        }
    }

    #[test]
    fn a_label_is_opened_in_its_place_only() {
        for pad in [0, 64] {
            let envelope = secret().seal_label("Ada's phone", "r1", pad, ITEM);
            let open = |secret: &UserSecret, reference, item| {
                secret.open_label(&envelope, reference, item)
            };
            assert_eq!(open(&secret(), "r1", ITEM).unwrap(), "Ada's phone");
            let other_item = ItemOfUsers {
                key: "shop:u1.x",
                ..ITEM
            };
            assert_eq!(open(&secret(), "r2", ITEM), Err(SealError::Damaged));
            assert_eq!(open(&secret(), "r1", other_item), Err(SealError::Damaged));
            let other = UserSecret::generate();
            assert_eq!(open(&other, "r1", ITEM), Err(SealError::Damaged));
        }
    }

    #[test]
    fn each_secret_hashes_in_another_way() {
        let (one, other) = (UserSecret::generate(), UserSecret::generate());
        assert_ne!(one.hash_of("ada"), other.hash_of("ada"));
        assert_ne!(one.hash_of("ada"), plain_hash_of("ada"));
        assert_ne!(one.hash_of("ada"), one.hash_of("adb"));
    }

    #[test]
    fn debug_output_hides_the_secret() {
        assert_eq!(format!("{:?}", secret()), "UserSecret(hidden)");
    }
}
