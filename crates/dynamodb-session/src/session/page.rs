//! A part of the sessions in a table.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Loaded, MAX_ID_BYTES};
use crate::error::{Error, ErrorKind};

/// A part of the sessions in a table.
#[non_exhaustive]
pub struct Page<T> {
    /// The live sessions of this part, in no order. A part can be empty although more follow.
    pub sessions: Vec<Loaded<T>>,
    /// How many more live items of this part hold no session, or none that can be read as a `T`.
    pub unreadable: u64,
    /// Where the next part begins; `None` after the last one.
    pub next: Option<PageToken>,
}

// Debug output must not show session data.
impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("sessions", &self.sessions.len())
            .field("unreadable", &self.unreadable)
            .field("next", &self.next)
            .finish()
    }
}

/// Where a [`Page`] begins.
///
/// It has a text form, so that it can travel, and holds a session id: treat it as one. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct PageToken {
    /// The last key of the page before.
    pub(crate) key: String,
    text: String,
}

impl PageToken {
    pub(crate) fn new(key: String) -> Self {
        let text = URL_SAFE_NO_PAD.encode(&key);
        Self { key, text }
    }

    /// The text, of URL-safe characters, that parses to this token.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for PageToken {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] when it is not the text of a token.
    fn from_str(text: &str) -> Result<Self, Error> {
        let key = URL_SAFE_NO_PAD.decode(text).ok();
        key.and_then(|key| String::from_utf8(key).ok())
            .filter(|key| (1..=MAX_ID_BYTES).contains(&key.len()))
            .map(Self::new)
            .ok_or_else(|| {
                let message = "the page token is not one that a page came with";
                Error::new(ErrorKind::InvalidId, message)
            })
    }
}

impl fmt::Debug for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageToken(hidden)")
    }
}
