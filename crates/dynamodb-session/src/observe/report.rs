//! Reports of calls.

use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorKind;
use crate::request::Operation;

/// A finished call, for logs and statistics.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallReport {
    /// The operation.
    pub operation: Operation,
    /// The HTTP status of the last answer; `None` without an answer.
    pub status: Option<u16>,
    /// How many requests were sent, retries included.
    pub attempts: u32,
    /// The time the whole call took.
    pub elapsed: Duration,
    /// The kind of the error; `None` after a success, and after a failed condition.
    pub error: Option<ErrorKind>,
    /// The service's name for the error, or `ConditionalCheckFailedException`.
    pub code: Option<String>,
}

/// A function that gets a report of every finished call. A call that is dropped before its end is not reported.
pub type Observer = Arc<dyn Fn(&CallReport) + Send + Sync>;
