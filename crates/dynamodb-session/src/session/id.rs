//! Session ids.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, ErrorKind};

/// The longest partition key DynamoDB takes, in bytes of UTF-8.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(crate) const MAX_ID_BYTES: usize = 2048;

/// The secret name of a session: anyone who knows it can use the session.
///
/// Compared byte for byte and never normalised. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId {
    text: String,
    /// Whether it is the key of an item, in place of an id that is not known.
    is_key: bool,
}

impl SessionId {
    /// Takes an id that a framework chose.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] when it is empty or longer than 2048 bytes.
    pub fn new(id: impl Into<String>) -> Result<Self, Error> {
        let id = id.into();
        if id.is_empty() {
            return Err(Error::new(ErrorKind::InvalidId, "the session id is empty"));
        }
        if id.len() > MAX_ID_BYTES {
            return Err(too_long());
        }
        Ok(Self {
            text: id,
            is_key: false,
        })
    }

    /// A new random id: 256 bits from the operating system, as 43 characters of URL-safe Base64.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness to give.
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .expect("a session id must not be guessable, so there is no other source");
        Self {
            text: URL_SAFE_NO_PAD.encode(bytes),
            is_key: false,
        }
    }

    /// The same text as [the key of an item](Self::is_key), without the prefix.
    ///
    /// For adapters that keep the parts of a listed session elsewhere between two calls. Never use it for a text that a
    /// visitor has sent: it opens the session whose key has been stolen.
    #[must_use]
    pub fn as_key(self) -> Self {
        Self {
            is_key: true,
            ..self
        }
    }

    /// Whether it is the key of an item, in place of an id that is not known: that of a
    /// [listed](crate::SessionStore::list) session whose id is [hashed](crate::options::HashIds) in the table, or whose
    /// key begins as only keys of other items do.
    ///
    /// The store writes to the session and deletes it by that. No visitor can use the session with it.
    pub fn is_key(&self) -> bool {
        self.is_key
    }

    /// The id itself. It is a secret: do not log it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

pub(crate) fn too_long() -> Error {
    Error::new(
        ErrorKind::InvalidId,
        format!("the session id, with its prefix, is longer than {MAX_ID_BYTES} bytes"),
    )
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_bounded_by_bytes_not_characters() {
        assert!(SessionId::new("").is_err());
        assert!(SessionId::new("x".repeat(2048)).is_ok());
        assert_eq!(
            SessionId::new("é".repeat(1025)).unwrap_err().kind(),
            ErrorKind::InvalidId
        );
    }

    #[test]
    fn generated_ids_differ_and_are_url_safe() {
        let (a, b) = (SessionId::generate(), SessionId::generate());
        assert_ne!(a, b);
        assert_eq!(a.as_str().len(), 43);
        assert!(
            a.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        );
    }
}
