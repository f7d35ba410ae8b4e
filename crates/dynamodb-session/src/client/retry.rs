//! Calls: how often each is tried, how long the pauses are, and what is counted and reported.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;

use super::failed_attempt::{FailedAttempt, Once, is_answer};
use super::limit::{Admission, RetryBudget};
use super::service_error::{CONDITION_FAILED, Retry, is_about_credentials};
use super::timeout::within;
use crate::clock::ServiceClock;
use crate::error::Error;
use crate::observe::{CallReport, Counts, Event, Listener, Observer, capacity, count};
use crate::request::{self, Operation};
use crate::transport::{Request, Transport};

/// How much longer the pauses after throttling are: capacity takes at least tens of milliseconds to recover.
const THROTTLED_FACTOR: u32 = 4;

/// The upper bound of the first pause before changes are merged again. It doubles each time.
const MERGE_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_MERGE_PAUSE: Duration = Duration::from_millis(40);

/// How often a call is tried, and how long in all.
#[derive(Debug, Clone)]
pub(crate) struct RetryPolicy {
    pub(crate) max_attempts: u32,
    /// The upper bound of the first pause. It doubles with every retry, and is four times as long after throttling.
    pub(crate) base: Duration,
    /// The longest pause.
    pub(crate) max_backoff: Duration,
    /// The limit of a whole call: all attempts and the pauses between them.
    pub(crate) deadline: Duration,
    /// Retries that all calls together may make before some calls succeed.
    pub(crate) budget: u32,
    /// Calls that may be under way at once.
    pub(crate) max_calls: usize,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            base: Duration::from_millis(25),
            max_backoff: Duration::from_secs(1),
            deadline: Duration::from_secs(5),
            budget: 100,
            max_calls: usize::MAX,
        }
    }
}

impl RetryPolicy {
    /// The longest pause before retry number `retry`, counted from zero.
    fn backoff_bound(&self, retry: u32, throttled: bool) -> Duration {
        let base = if throttled {
            self.base.saturating_mul(THROTTLED_FACTOR)
        } else {
            self.base
        };
        base.saturating_mul(2_u32.saturating_pow(retry))
            .min(self.max_backoff)
    }
}

/// Makes calls over a [`Transport`], as often as it takes and the policy allows.
#[derive(Clone)]
pub(crate) struct Client {
    transport: Arc<dyn Transport>,
    clock: ServiceClock,
    policy: RetryPolicy,
    budget: Arc<RetryBudget>,
    admission: Arc<Admission>,
    observer: Option<Observer>,
    listener: Option<Listener>,
    counts: Arc<Counts>,
    /// Whether the engine does not know how to return the item of a failed condition.
    lacks_item: Arc<AtomicBool>,
    jitter: fn(Duration) -> Duration,
}

/// The body of a request that may be repeated.
pub(crate) enum Fresh<'a> {
    /// Each attempt has the same body.
    Same(Bytes),
    /// Each attempt has a body of its own.
    Each(&'a mut (dyn FnMut() -> Bytes + Send)),
}

impl From<Bytes> for Fresh<'_> {
    fn from(body: Bytes) -> Self {
        Self::Same(body)
    }
}

impl Fresh<'_> {
    fn next(&mut self) -> Bytes {
        match self {
            Self::Same(body) => body.clone(),
            Self::Each(body) => body(),
        }
    }
}

/// The service's answer to a call.
pub(crate) struct Answer {
    /// The JSON body. After a failed condition it holds `Item`, if the request asked for it.
    pub(crate) body: Bytes,
    /// How many requests were sent. With two or more, an earlier one may have been executed as well.
    pub(crate) attempts: u32,
    /// Whether the request's condition was not met, so that nothing was written.
    pub(crate) condition_failed: bool,
}

impl Client {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        clock: ServiceClock,
        policy: RetryPolicy,
        observer: Option<Observer>,
    ) -> Self {
        Self {
            transport,
            clock,
            budget: Arc::new(RetryBudget::new(policy.budget)),
            admission: Arc::new(Admission::new(policy.max_calls)),
            policy,
            observer,
            listener: None,
            counts: Arc::default(),
            lacks_item: Arc::default(),
            jitter: full_jitter,
        }
    }

    pub(crate) fn with_listener(mut self, listener: Option<Listener>) -> Self {
        self.listener = listener;
        self
    }

    /// The time that a call, or several that share a deadline, start from.
    pub(crate) fn start(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Makes one call. `table` is only for error messages.
    pub(crate) async fn call(
        &self,
        operation: Operation,
        table: &str,
        body: Bytes,
    ) -> Result<Answer, Error> {
        self.call_since(self.start(), operation, table, body).await
    }

    /// The same as a part of an operation, whose deadline counts from `start`.
    pub(crate) async fn call_since(
        &self,
        start: Duration,
        operation: Operation,
        table: &str,
        body: impl Into<Fresh<'_>>,
    ) -> Result<Answer, Error> {
        let result = self.call_nameless(start, operation, body).await;
        result.map_err(|error| error.on(operation, table))
    }

    /// The same, with errors that name neither the operation nor what it is for.
    pub(crate) async fn call_nameless(
        &self,
        start: Duration,
        operation: Operation,
        body: impl Into<Fresh<'_>>,
    ) -> Result<Answer, Error> {
        let mut body = body.into();
        let begun = self.clock.monotonic();
        let result = match self.admission.enter() {
            Ok(_under_way) => self.attempts(operation, &mut body, start).await,
            Err(overloaded) => Err(overloaded),
        };
        let elapsed = self.clock.monotonic().saturating_sub(begun);
        let report = report(operation, &result, elapsed);
        let milli_units = result.as_ref().map_or(0, |answer| {
            if answer.condition_failed {
                capacity::of_failed_condition(&answer.body)
            } else {
                capacity::reported(&answer.body)
            }
        });
        self.counts.add(&report, milli_units);
        if let Some(observer) = &self.observer {
            observer(&report);
        }
        result
    }

    /// Where requests go, once known.
    pub(crate) fn endpoint(&self) -> Option<String> {
        self.transport.endpoint()
    }

    /// The counts since the client was made.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Passes an event to the listener, if one is set.
    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(listener) = &self.listener {
            listener(&event());
        }
    }

    async fn attempts(
        &self,
        operation: Operation,
        body: &mut Fresh<'_>,
        start: Duration,
    ) -> Result<Answer, Error> {
        let mut attempts = 0;
        let mut retries = 0;
        let mut has_paid = false;
        let mut once = Once::default();
        loop {
            attempts += 1;
            let lacks_item = self.lacks_item.load(Relaxed);
            let mut body = body.next();
            if lacks_item {
                body = request::without_item(&body);
            }
            let request = Request {
                operation,
                body,
                timeout: self.remaining(start),
            };
            let mut failure = match self.transport.send(request).await {
                // The page of a captive portal or a proxy must not count as a successful write.
                Ok(response) if response.status == 200 && !is_answer(operation, &response.body) => {
                    FailedAttempt::not_of_service(operation, response)
                }
                Ok(response) if (200..300).contains(&response.status) => {
                    self.budget.give_back(has_paid);
                    return Ok(Answer {
                        body: response.body,
                        attempts,
                        condition_failed: false,
                    });
                }
                Ok(response) => {
                    match FailedAttempt::from_response(operation, response, &mut once) {
                        Ok(failure) => failure,
                        Err(body) => {
                            self.budget.give_back(has_paid);
                            return Ok(Answer {
                                body,
                                attempts,
                                condition_failed: true,
                            });
                        }
                    }
                }
                Err(incomplete) => FailedAttempt::from_incomplete(incomplete, &mut once),
            };

            if failure.lacks_item && !lacks_item {
                self.lacks_item.store(true, Relaxed);
                failure.retry = Retry::AtOnce;
            }
            let code = || failure.error.code().map(str::to_owned);
            if failure.retry == Retry::Throttled {
                count(&self.counts.throttles);
                self.emit(|| Event::Throttled {
                    operation,
                    code: code().unwrap_or_default(),
                });
            }
            // A failure whose cause is already repaired gets one attempt more than the policy allows.
            let allowed = self.policy.max_attempts.max(1)
                + u32::from(matches!(failure.retry, Retry::AtOnce | Retry::Reconnect));
            let pause = match failure.retry {
                Retry::No => None,
                Retry::AtOnce | Retry::Reconnect => Some(Duration::ZERO),
                Retry::Transient | Retry::Throttled => {
                    let bound = self
                        .policy
                        .backoff_bound(retries, failure.retry == Retry::Throttled);
                    retries += 1;
                    Some((self.jitter)(bound))
                }
            };
            match pause {
                Some(pause) if attempts < allowed && pause < self.remaining(start) => {
                    if failure.retry != Retry::AtOnce {
                        if !self.budget.take() {
                            count(&self.counts.withheld_retries);
                            return Err(self.finish(failure, attempts));
                        }
                        has_paid = true;
                    }
                    count(&self.counts.retries);
                    self.emit(|| Event::Retry {
                        operation,
                        attempt: attempts,
                        code: code(),
                    });
                    if failure.retry == Retry::AtOnce
                        && failure.error.code().is_some_and(is_about_credentials)
                    {
                        self.transport.credentials_expired();
                    }
                    if !pause.is_zero() {
                        self.clock.sleep(pause).await;
                    }
                }
                _ => return Err(self.finish(failure, attempts)),
            }
        }
    }

    /// Pauses after throttling, before retry number `retry`, counted from zero.
    pub(crate) async fn back_off(&self, retry: u32) {
        let pause = (self.jitter)(self.policy.backoff_bound(retry, true));
        self.clock.sleep(pause).await;
    }

    /// Pauses before changes are merged again, so that writers of one session do not keep meeting. The first time they
    /// have met by chance.
    pub(crate) async fn pause_to_merge(&self, merges: u32) {
        if let Some(doublings) = merges.checked_sub(1) {
            let bound = MERGE_PAUSE.saturating_mul(2_u32.saturating_pow(doublings));
            self.clock
                .sleep((self.jitter)(bound.min(LONGEST_MERGE_PAUSE)))
                .await;
        }
    }

    /// How much of a deadline is left.
    pub(crate) fn remaining(&self, start: Duration) -> Duration {
        self.policy
            .deadline
            .saturating_sub(self.clock.monotonic().saturating_sub(start))
    }

    /// Runs `future` for as long as is left of a deadline.
    pub(crate) async fn until_deadline<F: Future>(
        &self,
        start: Duration,
        future: F,
    ) -> Option<F::Output> {
        within(&self.clock, self.remaining(start), future).await
    }

    fn finish(&self, failure: FailedAttempt, attempts: u32) -> Error {
        let mut error = failure
            .error
            .with_attempts(attempts - u32::from(!failure.sent));
        if error.endpoint().is_none()
            && let Some(endpoint) = self.transport.endpoint()
        {
            error = error.with_endpoint(endpoint);
        }
        error
    }
}

// The body holds session data.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("bytes", &self.body.len())
            .field("attempts", &self.attempts)
            .field("condition_failed", &self.condition_failed)
            .finish()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("transport", &self.transport)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

fn full_jitter(bound: Duration) -> Duration {
    bound.mul_f64(fastrand::f64())
}

fn report(operation: Operation, result: &Result<Answer, Error>, elapsed: Duration) -> CallReport {
    let (status, attempts, error, code) = match result {
        Ok(answer) if answer.condition_failed => (
            Some(400),
            answer.attempts,
            None,
            Some(CONDITION_FAILED.to_owned()),
        ),
        Ok(answer) => (Some(200), answer.attempts, None, None),
        Err(error) => (
            error.status(),
            error.attempts(),
            Some(error.kind()),
            error.code().map(str::to_owned),
        ),
    };
    CallReport {
        operation,
        status,
        attempts,
        elapsed,
        error,
        code,
    }
}

#[cfg(test)]
mod tests;
