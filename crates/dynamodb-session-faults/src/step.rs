//! What can happen to a request.

use serde::{Deserialize, Serialize};

/// What happens to one request. In JSON: `"reset-after"`, or `{"error": {"code": "ThrottlingException"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// Done and answered.
    Pass,
    /// The connection is reset once the request arrives, which is not read.
    ResetBefore,
    /// Done, and the connection is reset in place of the answer.
    ResetAfter,
    /// Done, and the connection is reset in the middle of the answer.
    ResetMidway,
    /// Done, and the connection is closed in the middle of the answer, in good order.
    Truncated,
    /// Done, with an answer whose checksum is another's.
    WrongCrc32,
    /// Done, with an answer that is compressed though nobody asked for that.
    Gzip,
    /// Done, with half an answer, which is no JSON; its length and checksum are right.
    Malformed,
    /// Done, with the answer that another key would have got.
    OtherKey,
    /// Never answered.
    Hang,
    /// Done, and never answered.
    HangAfter,
    /// Done, and answered one byte at a time, the first at once.
    Drip {
        /// From one byte to the next.
        ms: u64,
    },
    /// Done, and all of the answer's head at once, then its body one byte at a time.
    DripBody {
        /// From one byte to the next.
        ms: u64,
    },
    /// Done and answered with `Connection: close`, and closed.
    Close,
    /// Done and answered, and closed without a word.
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
    /// An answer of something else, such as a load balancer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The `Content-Type`.
        #[serde(default = "html")]
        content_type: String,
        /// All of the body.
        #[serde(default)]
        body: String,
    },
    /// Refused because it was signed this much too early, or, when negative, too late: the `Date` of the answer says so.
    Skew {
        /// By how much the service's clock is ahead of the request's.
        seconds: i64,
    },
    /// A batch of which the first so many writes are done, and the others come back undone.
    Unprocessed {
        /// How many are done.
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
    /// An error of the service with HTTP status 400, as most have.
    pub fn error(code: &str) -> Self {
        Self::Error {
            code: code.to_owned(),
            status: bad_request(),
            message: String::new(),
        }
    }

    /// Whether the engine does what the request asks for.
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
