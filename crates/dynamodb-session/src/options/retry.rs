//! The settings of retries.

use std::time::Duration;

/// How often an operation is tried, and how long in all.
///
/// Only failures that may pass are retried: throttling, errors of the service with a status of 500 or above, and
/// failures of the network.
#[must_use]
#[derive(Debug, Clone, Default)]
pub struct RetryOptions {
    pub(crate) max_attempts: Option<u32>,
    pub(crate) base_backoff: Option<Duration>,
    pub(crate) budget: Option<u32>,
    pub(crate) operation_timeout: Option<Duration>,
}

impl RetryOptions {
    /// How often an operation is tried in all; at least 1. Default: 4.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// The longest pause before the first retry. Default: 25 ms.
    ///
    /// The pause is random, between zero and this. The limit doubles with each retry, up to 1 s, and is four times as
    /// long after throttling.
    pub fn base_backoff(mut self, backoff: Duration) -> Self {
        self.base_backoff = Some(backoff);
        self
    }

    /// How many retries all calls of the store together may make while nothing succeeds. Default: 100.
    ///
    /// Five successful calls restore the budget for one failed retry; a successful retry is refunded. When the budget
    /// is used up, a call has one attempt, so that retries do not make an outage worse. The
    /// [AWS SDKs](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html) do the same.
    pub fn budget(mut self, retries: u32) -> Self {
        self.budget = Some(retries);
        self
    }

    /// How long an operation may take in all, retries included. Default: 5 s.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = Some(timeout);
        self
    }
}
