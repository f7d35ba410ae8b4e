//! The keys that a store knows.

use std::fmt;
use std::sync::Arc;

use super::key::{EncryptionKey, KeyId, SETTING};
use crate::error::Error;

/// The keys that a store knows. The first one encrypts, each decrypts. Cloning is cheap.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyRing(Arc<[EncryptionKey]>);

impl KeyRing {
    /// At least one key, and no two of one name.
    pub(crate) fn new(keys: Vec<EncryptionKey>) -> Result<Self, Error> {
        if keys.is_empty() {
            return Err(Error::invalid(SETTING, "there must be at least one key"));
        }
        for (index, key) in keys.iter().enumerate() {
            if keys[..index].iter().any(|other| other.id == key.id) {
                let reason = format!("two keys have the id {}", key.id);
                return Err(Error::invalid(SETTING, reason));
            }
        }
        Ok(Self(keys.into()))
    }

    /// The key that encrypts; `None` if no keys are known yet.
    pub(crate) fn first(&self) -> Option<&EncryptionKey> {
        self.0.first()
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&EncryptionKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

/// Keys whose names are known to differ.
impl FromIterator<EncryptionKey> for KeyRing {
    fn from_iter<I: IntoIterator<Item = EncryptionKey>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> EncryptionKey {
        EncryptionKey::new(id, &[1; 32]).unwrap()
    }

    #[test]
    fn keys_are_found_by_their_ids() {
        let ring = KeyRing::new(vec![key("new"), key("old")]).unwrap();
        assert_eq!(ring.first(), Some(&key("new")));
        assert_eq!(ring.find(KeyId::new("old").unwrap()), Some(&key("old")));
        assert_eq!(ring.find(KeyId::new("none").unwrap()), None);
    }

    #[test]
    fn no_key_and_two_of_one_id_are_refused() {
        let error = |keys| KeyRing::new(keys).unwrap_err().to_string();
        assert!(error(vec![]).contains("at least one key"));
        let twice = vec![key("a"), key("b"), key("a")];
        assert!(error(twice).contains("two keys have the id a"));
    }
}
