//! The expiry as it is stored: epoch seconds, rounded up.

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::codec::number::Number;
use crate::clock::epoch_ms;

/// A stored expiry above this is in milliseconds: predecessors of this store wrote those. As seconds it is the year
/// 5138.
pub(crate) const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// The latest expiry that is stored, in seconds. A later one would be read as milliseconds.
pub(crate) const LATEST_SECS: u64 = MILLISECONDS_FROM - 1;

/// The attributes that hold the expiry of an item. A process can know only one of them, so an item can have either or
/// both. The earlier one counts. Writes set both to the same value.
#[derive(Debug)]
pub(crate) struct ExpiryAttributes<'a> {
    /// The one that the store is configured with.
    pub(crate) configured: &'a str,
    /// The one that the table's TTL is on, if that is known to be another.
    pub(crate) followed: Option<Arc<str>>,
}

impl ExpiryAttributes<'_> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        iter::once(self.configured).chain(self.followed.as_deref())
    }
}

/// Epoch seconds, rounded up, so that a session never ends before its cookie.
pub(crate) fn to_secs(expires_at: SystemTime) -> u64 {
    epoch_ms(expires_at).div_ceil(1000).min(LATEST_SECS)
}

pub(crate) fn from_secs(secs: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(secs)
}

/// Epoch milliseconds from a stored expiry, as this package and its predecessors wrote it: seconds, seconds with a
/// fraction, or milliseconds.
pub(super) fn parse_ms(text: &str) -> Option<u64> {
    Number::parse(text)?;
    let value: f64 = text.parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "it is far below 2^53")]
    let is_millis = value > MILLISECONDS_FROM as f64;
    let millis = if is_millis { value } else { value * 1000.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates: long ago is the epoch, and absurdly late is late enough"
    )]
    let millis = millis.round() as u64;
    Some(millis)
}

/// The same from the value of an attribute.
pub(super) fn in_attribute(value: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Number<'a> {
        #[serde(borrow, rename = "N")]
        text: Cow<'a, str>,
    }
    let Number { text } = serde_json::from_str(value).ok()?;
    parse_ms(&text)
}

/// Of two instants, those that are there, the one at which the session ends.
pub(super) fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    [one, other].into_iter().flatten().min()
}

#[cfg(test)]
impl ExpiryAttributes<'static> {
    /// As configured by default, in a table whose TTL is on no other attribute.
    pub(crate) const EXPIRES: &'static Self = &Self {
        configured: "expires",
        followed: None,
    };

    /// The same in a table whose TTL is on `ttl`.
    pub(crate) fn expires_and_ttl() -> Self {
        Self {
            configured: "expires",
            followed: Some(Arc::from("ttl")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_rounded_up_to_seconds() {
        for (ms, secs) in [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2)] {
            assert_eq!(to_secs(UNIX_EPOCH + Duration::from_millis(ms)), secs);
        }
        assert_eq!(to_secs(UNIX_EPOCH - Duration::from_secs(1)), 0);
        let far = UNIX_EPOCH + Duration::from_secs(100_000_000_000);
        assert_eq!(to_secs(far), 99_999_999_999);
    }
}
