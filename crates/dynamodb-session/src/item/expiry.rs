//! The expiry as it is stored: epoch seconds, rounded up.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::codec::number::Number;
use crate::clock::epoch_ms;

/// A stored expiry above this is in milliseconds: predecessors of this store wrote those. As seconds it is the year
/// 5138.
pub(crate) const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// The latest expiry that is stored, in seconds. A later one would be read as milliseconds.
pub(crate) const LATEST_SECS: u64 = MILLISECONDS_FROM - 1;

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
