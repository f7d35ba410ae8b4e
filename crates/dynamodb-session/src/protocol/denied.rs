//! An operation that the policy does not allow.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

/// How long an operation is not sent after it was refused. A policy that was changed is in force everywhere within
/// seconds, and a refusal meanwhile says nothing about later.
const PAUSE: Duration = Duration::from_mins(1);

/// Whether an operation was refused, and when it is tried again.
#[derive(Debug, Default)]
pub(crate) struct Denied {
    /// In milliseconds of the monotonic clock; zero before the first refusal.
    until_ms: AtomicU64,
    is_reported: AtomicBool,
}

impl Denied {
    /// Whether the operation is not to be sent. `now` is only called after a refusal.
    pub(super) fn holds(&self, now: impl FnOnce() -> Duration) -> bool {
        let until_ms = self.until_ms.load(Relaxed);
        until_ms > 0 && now().as_millis() < u128::from(until_ms)
    }

    /// Notes a refusal. Returns whether it is to be reported, which is true once.
    pub(super) fn note(&self, now: Duration) -> bool {
        let until = (now + PAUSE).as_millis();
        self.until_ms
            .store(u64::try_from(until).unwrap_or(u64::MAX), Relaxed);
        !self.is_reported.swap(true, Relaxed)
    }
}
