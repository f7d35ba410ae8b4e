//! How often a call is tried, and what its failure is called.
//!
//! The service's errors are told apart by the type in their body: throttling is HTTP 400, like most others.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use super::fault::{CONDITION_FAILED, Fault, Retry, is_expired_token, judge, message};
use super::limit::{Admission, RetryBudget};
use super::reason::{InvalidSetting, Remediable, chain};
use super::transport::{Incomplete, IncompleteReason, Request, Response, Transport};
use crate::clock::ServiceClock;
use crate::error::{Error, ErrorKind};
use crate::observe::{CallReport, Counts, Event, Listener, Observer, capacity, count};
use crate::remedy::Remedy;
use crate::request::Operation;

/// How much longer the pauses after throttling are: what is short of capacity recovers in tens of milliseconds at best.
const THROTTLED_FACTOR: u32 = 4;

/// How often a call is tried, and how long in all.
#[derive(Debug, Clone)]
pub(crate) struct RetryPolicy {
    pub(crate) max_attempts: u32,
    /// The upper bound of the first pause; it doubles with every further one. Four times this after throttling.
    pub(crate) base: Duration,
    /// No pause is longer.
    pub(crate) max_backoff: Duration,
    /// For the whole call: all attempts and the pauses between them.
    pub(crate) deadline: Duration,
    /// Retries in store, for all calls together.
    pub(crate) budget: u32,
    /// Calls under way at once.
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
    jitter: fn(Duration) -> Duration,
}

/// What the service answered to a call.
pub(crate) struct Answer {
    /// The JSON body. When the condition failed it holds `Item`, if the request asked for it.
    pub(crate) body: Bytes,
    /// How many requests were sent: from two on, an earlier one may have been executed as well.
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
            jitter: full_jitter,
        }
    }

    pub(crate) fn with_listener(mut self, listener: Option<Listener>) -> Self {
        self.listener = listener;
        self
    }

    /// Makes one call. `table` is only for error messages.
    pub(crate) async fn call(
        &self,
        operation: Operation,
        table: &str,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let start = self.clock.monotonic();
        let result = match self.admission.enter() {
            Ok(_under_way) => self.attempts(operation, &body, start).await,
            Err(overloaded) => Err(overloaded),
        };
        let result = result.map_err(|error| error.on(operation, table));
        let elapsed = self.clock.monotonic().saturating_sub(start);
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

    /// What was done so far.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Tells the listener, if there is one.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(listener) = &self.listener {
            listener(&event());
        }
    }

    async fn attempts(
        &self,
        operation: Operation,
        body: &Bytes,
        start: Duration,
    ) -> Result<Answer, Error> {
        let mut attempts = 0;
        let mut retries = 0;
        let mut has_paid = false;
        let mut once = Once::default();
        loop {
            attempts += 1;
            let request = Request {
                operation,
                body: body.clone(),
                timeout: self.remaining(start),
            };
            let failure = match self.transport.send(request).await {
                // A captive portal's or a proxy's page must not pass for a write that was done.
                Ok(response) if response.status == 200 && !is_answer(operation, &response.body) => {
                    Failure::not_dynamodb(response)
                }
                Ok(response) if (200..300).contains(&response.status) => {
                    self.budget.give_back(has_paid);
                    return Ok(Answer {
                        body: response.body,
                        attempts,
                        condition_failed: false,
                    });
                }
                Ok(response) => match Failure::from_response(operation, response, &mut once) {
                    Ok(failure) => failure,
                    Err(body) => {
                        self.budget.give_back(has_paid);
                        return Ok(Answer {
                            body,
                            attempts,
                            condition_failed: true,
                        });
                    }
                },
                Err(incomplete) => Failure::from_incomplete(incomplete, &mut once),
            };

            let code = || failure.error.code().map(str::to_owned);
            if failure.retry == Retry::Throttled {
                count(&self.counts.throttles);
                self.tell(|| Event::Throttled {
                    operation,
                    code: code().unwrap_or_default(),
                });
            }
            // One attempt more than the policy has for what a mere repetition certainly cures.
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
                    self.tell(|| Event::Retry {
                        operation,
                        attempt: attempts,
                        code: code(),
                    });
                    if failure.retry == Retry::AtOnce
                        && failure.error.code().is_some_and(is_expired_token)
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

    /// Pauses before what lacked capacity is asked for again, for the `retry`th time, counted from zero.
    pub(crate) async fn back_off(&self, retry: u32) {
        let pause = (self.jitter)(self.policy.backoff_bound(retry, true));
        self.clock.sleep(pause).await;
    }

    fn remaining(&self, start: Duration) -> Duration {
        self.policy
            .deadline
            .saturating_sub(self.clock.monotonic().saturating_sub(start))
    }

    fn finish(&self, failure: Failure, attempts: u32) -> Error {
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

/// Whether this can be DynamoDB's: every answer is a JSON object. Those that somebody reads show by that whether
/// they are one to the end; the others, which are short, are looked at here.
fn is_answer(operation: Operation, body: &[u8]) -> bool {
    // Whatever its fields are.
    #[derive(Deserialize)]
    struct Object {}
    let body = body.trim_ascii();
    body.starts_with(b"{")
        && body.ends_with(b"}")
        && (matches!(operation, Operation::GetItem | Operation::Scan)
            || serde_json::from_slice::<Object>(body).is_ok())
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

/// What is tried at most once in a call.
#[derive(Default)]
struct Once {
    new_credentials: bool,
    corrected_clock: bool,
    new_connection: bool,
}

impl Once {
    fn take(flag: &mut bool) -> Retry {
        if std::mem::replace(flag, true) {
            Retry::No
        } else {
            Retry::AtOnce
        }
    }
}

struct Failure {
    error: Error,
    retry: Retry,
    /// Whether anything was sent, as far as is known.
    sent: bool,
}

impl Failure {
    /// A condition that is not met is no failure: its body comes back as `Err`.
    fn from_response(
        operation: Operation,
        response: Response,
        once: &mut Once,
    ) -> Result<Self, Bytes> {
        let Response {
            status,
            body,
            request_id,
            clock_corrected,
        } = response;
        // Not JSON: a proxy or load balancer answered, in whatever language.
        let fault = serde_json::from_slice::<Fault<'_>>(&body).unwrap_or_default();
        let code = fault.code();
        if code == CONDITION_FAILED {
            return Err(body);
        }
        let text = fault.text();
        let (kind, mut retry, remedy) = judge(code, status, text);
        if clock_corrected {
            retry = Once::take(&mut once.corrected_clock);
        } else if is_expired_token(code) {
            retry = Once::take(&mut once.new_credentials);
        }
        let error = if code.is_empty() {
            let message = format!("the endpoint answered HTTP {status} without a DynamoDB error");
            Error::new(kind, message).with_code(format!("Http{status}"))
        } else {
            Error::new(kind, message(operation, code, text)).with_code(code)
        };
        let mut error = error
            .with_status(status)
            .with_request_id(request_id)
            .with_retryable(matches!(retry, Retry::Transient | Retry::Throttled));
        if let Some(remedy) = remedy {
            error = error.with_remedy(remedy);
        }
        Ok(Self {
            error,
            retry,
            sent: true,
        })
    }

    fn not_dynamodb(response: Response) -> Self {
        let message = "the endpoint answered with something that is not DynamoDB's";
        let error = Error::new(ErrorKind::Decode, message)
            .with_remedy(Remedy::CheckEndpoint)
            .with_status(response.status)
            .with_request_id(response.request_id);
        Self {
            error,
            retry: Retry::No,
            sent: true,
        }
    }

    fn from_incomplete(incomplete: Incomplete, once: &mut Once) -> Self {
        let (kind, retry) = match incomplete.reason {
            IncompleteReason::Config => (ErrorKind::Config, Retry::No),
            IncompleteReason::Credentials => (ErrorKind::Credentials, Retry::No),
            IncompleteReason::Connect | IncompleteReason::Broken => {
                (ErrorKind::Transport, Retry::Transient)
            }
            IncompleteReason::Timeout => (ErrorKind::Timeout, Retry::Transient),
            IncompleteReason::Stale => match Once::take(&mut once.new_connection) {
                Retry::AtOnce => (ErrorKind::Transport, Retry::Reconnect),
                _ => (ErrorKind::Transport, Retry::Transient),
            },
        };
        let cause = chain(&*incomplete.source);
        let message = match kind {
            // These say it all.
            ErrorKind::Config | ErrorKind::Credentials => cause,
            _ => format!("{incomplete}: {cause}"),
        };
        let source = incomplete.source;
        let mut error = match source.downcast_ref::<InvalidSetting>() {
            Some(invalid) if kind == ErrorKind::Config => Error::from(invalid.clone()),
            _ => Error::new(kind, message),
        };
        if let Some(failure) = source.downcast_ref::<Remediable>() {
            error = error.with_remedy(failure.remedy);
        }
        error = error.with_source(source);
        if let Some(endpoint) = incomplete.endpoint {
            error = error.with_endpoint(endpoint);
        }
        Self {
            error,
            retry,
            sent: retry != Retry::No,
        }
    }
}

#[cfg(test)]
mod tests;
