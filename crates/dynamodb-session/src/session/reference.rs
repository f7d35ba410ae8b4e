//! The name of a session that may leave the store.

use std::fmt::{self, Write as _};

use std::str::FromStr;

use ring::digest;

use crate::error::{Error, ErrorKind};

/// Keeps the hash from being one that something else has a use for.
const LABEL: &[u8] = b"dynamodb-session/ref/1\0";

/// How much of the hash it has: enough that no two sessions share it.
const BYTES: usize = 12;

/// The name of a session for logs, lists and operators. It opens nothing.
///
/// It is a hash of the item's key: 24 hexadecimal digits, the same in every process. Whoever can guess an id
/// can tell its reference, so choose ids that nobody can guess.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionRef(String);

impl SessionRef {
    /// Of the item with this key.
    pub(crate) fn of_key(key: &str) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(LABEL);
        hash.update(key.as_bytes());
        let hash = hash.finish();
        let text = String::with_capacity(2 * BYTES);
        Self(hash.as_ref()[..BYTES].iter().fold(text, |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a String takes every text");
            hex
        }))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionRef {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] for a text that no reference displays as.
    fn from_str(text: &str) -> Result<Self, Error> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 2 * BYTES && text.bytes().all(is_digit) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("a reference has {} hexadecimal digits", 2 * BYTES);
        Err(Error::new(ErrorKind::InvalidData, message))
    }
}

impl fmt::Display for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_reference_which_does_not_show_it() {
        let reference = SessionRef::of_key("the-key");
        assert_eq!(reference, SessionRef::of_key("the-key"));
        assert_ne!(reference, SessionRef::of_key("the-kez"));
        assert_eq!(reference.as_str(), "fac1d03e826e0f6f1a021de6");
    }
}
