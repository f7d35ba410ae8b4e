//! The steps: what can happen to a request.

use serde::{Deserialize, Serialize};

/// What happens to one request. In JSON: `"reset-after"`, or `{"error": {"code": "ThrottlingException"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// The request is executed and answered.
    Pass,
    /// The connection is reset when the request arrives. The request is not read.
    ResetBefore,
    /// Executed, and the connection is reset instead of the answer.
    ResetAfter,
    /// Executed, and the connection is reset in the middle of the answer.
    ResetMidway,
    /// Executed, and the connection is closed without a reset in the middle of the answer.
    Truncated,
    /// Executed, with an answer whose checksum is wrong.
    WrongCrc32,
    /// Executed, with a compressed answer that the client did not ask for.
    Gzip,
    /// Executed, with half an answer, which is not valid JSON. Length and checksum are right.
    Malformed,
    /// Executed, with the answer for another key.
    OtherKey,
    /// Never answered.
    Hang,
    /// Executed, and never answered.
    HangAfter,
    /// Executed, and answered one byte at a time. The first byte is sent at once.
    Drip {
        /// Milliseconds from one byte to the next.
        ms: u64,
    },
    /// Executed, and answered with the whole head at once, then the body one byte at a time.
    DripBody {
        /// Milliseconds from one byte to the next.
        ms: u64,
    },
    /// Executed and answered with `Connection: close`, and closed.
    Close,
    /// Executed and answered, and closed without `Connection: close`.
    CloseIdle,
    /// An error of the service.
    Error {
        /// Its type, such as `ThrottlingException`.
        code: String,
        /// The HTTP status.
        #[serde(default = "bad_request")]
        status: u16,
        /// The service's reason.
        #[serde(default)]
        message: String,
    },
    /// An answer of another program, such as a load balancer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The `Content-Type`.
        #[serde(default = "html")]
        content_type: String,
        /// The whole body.
        #[serde(default)]
        body: String,
    },
    /// Refused because the service's clock differs from the request's. The `Date` of the answer has the service's time.
    Skew {
        /// How many seconds the service's clock is ahead of the request's; negative if it is behind.
        seconds: i64,
    },
    /// A batch whose first writes are executed. The others come back as unprocessed.
    Unprocessed {
        /// The number of executed writes.
        done: usize,
    },
}

fn bad_request() -> u16 {
    400
}

fn html() -> String {
    "text/html".to_owned()
}

impl Step {
    /// An error of the service with HTTP status 400, the most frequent one.
    pub fn error(code: &str) -> Self {
        Self::Error {
            code: code.to_owned(),
            status: bad_request(),
            message: String::new(),
        }
    }

    /// Whether the engine executes the request.
    pub(crate) fn is_applied(&self) -> bool {
        !matches!(
            self,
            Self::ResetBefore
                | Self::Hang
                | Self::Error { .. }
                | Self::Answer { .. }
                | Self::Skew { .. }
        )
    }
}
