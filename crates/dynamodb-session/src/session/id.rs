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
pub struct SessionId(String);

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
        Ok(Self(id))
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
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The id itself. It is a secret: do not log it.
    pub fn as_str(&self) -> &str {
        &self.0
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
