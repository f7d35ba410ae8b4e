//! Limits that protect the process from a slow or failing service: calls under way, and retries.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use crate::error::{Error, ErrorKind};
use crate::remedy::Remedy;

/// Limits the calls under way: those on a connection, and those that wait for one or for their next attempt.
#[derive(Debug)]
pub(super) struct Admission {
    under_way: AtomicUsize,
    limit: usize,
}

/// A call under way, until it is dropped.
pub(super) struct UnderWay<'a>(&'a AtomicUsize);

impl Admission {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            under_way: AtomicUsize::new(0),
            limit,
        }
    }

    /// Admits a call, or refuses it at once: behind `limit` other calls it would not finish in time.
    pub(super) fn enter(&self) -> Result<UnderWay<'_>, Error> {
        let under_way = UnderWay(&self.under_way);
        if self.under_way.fetch_add(1, Relaxed) < self.limit {
            return Ok(under_way);
        }
        let message = format!(
            "{} calls are under way already, so this one was not begun",
            self.limit
        );
        Err(Error::new(ErrorKind::Overloaded, message).with_remedy(Remedy::ReduceLoad))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The tokens that a retry takes from the budget, and those that a call without a retry gives back.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
const RETRY: u32 = 5;
const SUCCESS: u32 = 1;

/// The retries that all calls together may still make.
///
/// In an outage they run out, and then each call is one attempt. Calls that succeed fill the budget again.
#[derive(Debug)]
pub(super) struct RetryBudget {
    tokens: AtomicU32,
    capacity: u32,
}

impl RetryBudget {
    pub(super) fn new(retries: u32) -> Self {
        let capacity = retries.saturating_mul(RETRY);
        Self {
            tokens: AtomicU32::new(capacity),
            capacity,
        }
    }

    /// Takes a retry; `false` if the budget is empty.
    pub(super) fn take(&self) -> bool {
        let taken = self
            .tokens
            .fetch_update(Relaxed, Relaxed, |tokens| tokens.checked_sub(RETRY));
        taken.is_ok()
    }

    /// Refills the budget after a successful call. The retry of a call that succeeds is refunded.
    pub(super) fn give_back(&self, retried: bool) {
        // The budget is nearly always full. This check avoids a write to memory that all threads share.
        if self.tokens.load(Relaxed) < self.capacity {
            let tokens = if retried { RETRY } else { SUCCESS };
            let _ = self.tokens.fetch_update(Relaxed, Relaxed, |now| {
                Some(now.saturating_add(tokens).min(self.capacity))
            });
        }
    }
}

#[cfg(test)]
mod tests;
