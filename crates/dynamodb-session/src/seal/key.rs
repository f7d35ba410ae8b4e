//! One encryption key.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;

/// The bytes of a key.
pub(super) const KEY_BYTES: usize = 32;

/// The name of a key, as it is stored with what the key sealed: one to four characters, and zeros after them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct KeyId(pub(super) [u8; KeyId::BYTES]);

impl KeyId {
    pub(super) const BYTES: usize = 4;

    pub(crate) fn new(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.is_empty() || text.len() > Self::BYTES || !text.bytes().all(is_plain) {
            return None;
        }
        let mut bytes = [0; Self::BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self(bytes))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.iter().rposition(|byte| *byte != 0);
        let text = &self.0[..end.map_or(0, |end| end + 1)];
        match str::from_utf8(text) {
            Ok(text) if Self::new(text).is_some() => f.write_str(text),
            // What is stored need not have been written by this package.
            _ => self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A key for [`EncryptionOptions`](crate::options::EncryptionOptions): 32 random bytes and a name.
///
/// `dynamodb-session keys generate` prints one. Its `Debug` output hides the bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EncryptionKey {
    pub(super) id: KeyId,
    pub(super) bytes: [u8; KEY_BYTES],
}

impl EncryptionKey {
    /// `id` is one to four letters, digits, hyphens or underscores. It is stored with each session, and must not be
    /// given to another key later.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for another `id`, and where `key` does not have 32 bytes.
    pub fn new(id: &str, key: &[u8]) -> Result<Self, Error> {
        let Some(id) = KeyId::new(id) else {
            let reason = "the id of a key must be 1 to 4 letters, digits, hyphens or underscores";
            return Err(Error::invalid(SETTING, reason));
        };
        let bytes = key.try_into().map_err(|_| {
            let found = key.len();
            let reason =
                format!("key {id} has {found} bytes; it must have {KEY_BYTES}. {GENERATE}");
            Error::invalid(SETTING, reason)
        })?;
        Ok(Self { id, bytes })
    }

    /// A new key of random bytes.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// When the operating system has no random numbers: a key of anything else would be worthless.
    pub fn generate(id: &str) -> Result<Self, Error> {
        let mut bytes = [0; KEY_BYTES];
        SystemRandom::new()
            .fill(&mut bytes)
            .expect("the operating system has random numbers");
        Self::new(id, &bytes)
    }

    /// The same from base64, standard or URL-safe, with or without padding.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] where `text` is not 32 bytes in base64. A passphrase is refused: who can read the table
    /// could guess it.
    pub fn from_base64(id: &str, text: &str) -> Result<Self, Error> {
        let any_padding =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let alphabets = [&STANDARD, &URL_SAFE];
        let decoded = alphabets
            .into_iter()
            .find_map(|alphabet| GeneralPurpose::new(alphabet, any_padding).decode(text).ok());
        let Some(key) = decoded else {
            let shown = KeyId::new(id).map_or_else(String::new, |id| format!(" {id}"));
            let reason = format!("key{shown} is not {KEY_BYTES} bytes in base64. {GENERATE}");
            return Err(Error::invalid(SETTING, reason));
        };
        Self::new(id, &key)
    }

    /// The bytes in base64: the secret itself.
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.bytes)
    }

    /// The key's name.
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    pub(crate) fn key_id(&self) -> KeyId {
        self.id
    }
}

pub(super) const SETTING: &str = "encryption";
const GENERATE: &str = "`dynamodb-session keys generate` prints one";

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_as_it_was_given() {
        for text in ["k", "k1", "2611", "a-_Z"] {
            assert_eq!(KeyId::new(text).unwrap().to_string(), text);
        }
        for text in ["", "12345", "ä", "a b", "a\0"] {
            assert_eq!(KeyId::new(text), None, "{text}");
        }
        assert_eq!(KeyId([1, 0, 0, 255]).to_string(), "010000ff");
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert!(EncryptionKey::new("k1", &[0; 32]).is_ok());
        for length in [0, 16, 31, 33] {
            let error = EncryptionKey::new("k1", &vec![9; length]).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains(&format!("key k1 has {length} bytes")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_key_is_base64_of_any_kind() {
        let standard = "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/8=";
        let url_safe = "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8";
        let keys = [standard, url_safe].map(|text| EncryptionKey::from_base64("k1", text).unwrap());
        assert_eq!(keys[0], keys[1]);
        for text in ["", "correct horse battery staple", "AAAA"] {
            let error = EncryptionKey::from_base64("k1", text)
                .unwrap_err()
                .to_string();
            assert!(error.contains("k1"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn debug_output_hides_the_bytes() {
        let key = EncryptionKey::new("k1", b"0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(format!("{key:?}"), "EncryptionKey(k1)");
    }
}
