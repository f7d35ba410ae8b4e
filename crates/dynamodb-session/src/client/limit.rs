//! What keeps a slow or failing service from taking the process with it: how many calls may be under way, and how
//! many retries may be made.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use crate::error::{Error, ErrorKind};
use crate::remedy::Remedy;

/// How many calls may be under way: those on a connection, and those that wait for one or for their next attempt.
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

    /// Lets a call in, or refuses it at once: one that waited behind so many would not be in time.
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

/// What a retry takes from the budget, and what a call that succeeds at once gives back.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
const RETRY: u32 = 5;
const SUCCESS: u32 = 1;

/// Retries in store. While nothing succeeds they run out, and an outage is met with one attempt a call; what
/// succeeds fills the store again.
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

    /// Whether there is a retry left, which is then taken.
    pub(super) fn take(&self) -> bool {
        let taken = self
            .tokens
            .fetch_update(Relaxed, Relaxed, |tokens| tokens.checked_sub(RETRY));
        taken.is_ok()
    }

    /// For a call that has succeeded; with a retry, that one costs nothing in the end.
    pub(super) fn give_back(&self, retried: bool) {
        // Full nearly always, and then nothing is written that other threads read.
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
