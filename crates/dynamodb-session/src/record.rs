//! Session ids and records.

use std::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, ErrorKind};

/// The longest partition key DynamoDB takes, in bytes of UTF-8.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(crate) const MAX_ID_BYTES: usize = 2048;

/// The secret name of a session: whoever knows it has the session.
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

/// A session as it is stored.
///
/// `T` is the session data: any type that serialises to a map. Give `&T` to write without cloning.
#[derive(Clone, PartialEq, Eq)]
pub struct Record<T> {
    /// The session's id.
    pub id: SessionId,
    /// The session data.
    pub data: T,
    /// When the session ends, stored in whole seconds, rounded up. A record whose expiry equals now is expired.
    ///
    /// `None` on a loaded record means that the item has none: it is live until it is next written.
    /// `None` on a record to be written means the store's default TTL from now.
    pub expires_at: Option<SystemTime>,
    /// When the session was created, to the millisecond: what tells it from a later session under the same id.
    ///
    /// `None` when not known, as in items of the legacy package; a write guarded by it then checks presence alone.
    pub created: Option<SystemTime>,
    /// Whether the item is as another package wrote it, which a [`Layout`](crate::Layout) reads; the next save
    /// rewrites it.
    pub is_foreign: bool,
}

/// What tells a stored session's state, as a write left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The session's `created`; `None` when it is not known. A save of changed fields tells it whoever has given the
    /// item one; a whole session that was written, or a touch, onto an item without one does not.
    pub created: Option<SystemTime>,
    /// The expiry the item has now.
    pub expires_at: SystemTime,
}

impl<T> Record<T> {
    /// A record that was not loaded.
    pub fn new(id: SessionId, data: T, expires_at: SystemTime) -> Self {
        Self {
            id,
            data,
            expires_at: Some(expires_at),
            created: None,
            is_foreign: false,
        }
    }

    /// The same record with other data.
    pub fn with_data<U>(&self, data: U) -> Record<U> {
        Record {
            id: self.id.clone(),
            data,
            expires_at: self.expires_at,
            created: self.created,
            is_foreign: self.is_foreign,
        }
    }
}

// Session data is nobody's business but the application's.
impl<T> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("expires_at", &self.expires_at)
            .field("created", &self.created)
            .finish_non_exhaustive()
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

    #[test]
    fn debug_output_shows_neither_id_nor_data() {
        let record = Record::new(
            SessionId::new("the-id").unwrap(),
            "the-data",
            SystemTime::now(),
        );
        let shown = format!("{record:?} {:?}", record.id);
        assert!(
            !shown.contains("the-id") && !shown.contains("the-data"),
            "{shown}"
        );
    }
}
