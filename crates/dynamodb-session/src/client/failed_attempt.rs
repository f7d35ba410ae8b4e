//! What a failed attempt means: the error it becomes, and whether to try again.

use bytes::Bytes;
use serde::Deserialize;

use super::kms_error;
use super::reason::{Failure, InvalidSetting, chain};
use super::service_error::{
    CONDITION_FAILED, Retry, ServiceError, is_about_credentials, judge, message, other_key,
    refuses_to_return_item,
};
use crate::error::{Error, ErrorKind};
use crate::remedy::Remedy;
use crate::request::{Api, Operation};
use crate::transport::{Incomplete, IncompleteReason, Response};

/// The repairs that a call tries at most once.
#[derive(Default)]
pub(super) struct Once {
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

/// An attempt without a usable answer.
pub(super) struct FailedAttempt {
    pub(super) error: Error,
    pub(super) retry: Retry,
    /// Whether the request may have been sent.
    pub(super) sent: bool,
    /// Whether the engine does not know how to return the item of a failed condition.
    pub(super) lacks_item: bool,
}

impl FailedAttempt {
    /// Reads an error answer. A condition that was not met is not a failure: its body is returned as `Err`.
    pub(super) fn from_response(
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
        // A body that is not JSON comes from a proxy or a load balancer, in whatever language.
        let answer = serde_json::from_slice::<ServiceError<'_>>(&body).unwrap_or_default();
        let code = answer.code();
        if code == CONDITION_FAILED {
            return Err(body);
        }
        let text = answer.text();
        let (kind, mut retry, remedy) = match operation.api() {
            Api::DynamoDb => judge(code, status, text),
            Api::Kms => kms_error::judge(code, status, text),
        };
        if clock_corrected {
            retry = Once::take(&mut once.corrected_clock);
        } else if is_about_credentials(code) {
            retry = Once::take(&mut once.new_credentials);
        }
        let reason = match operation.api() {
            Api::DynamoDb => message(operation, code, text),
            Api::Kms => kms_error::message(code, text),
        };
        let error = if let Some(reason) = other_key(code, text) {
            Error::other_key(&reason).with_code(code)
        } else if code.is_empty() {
            let message = format!(
                "the endpoint answered HTTP {status} without an error of {}",
                operation.api().name()
            );
            Error::new(kind, message).with_code(format!("Http{status}"))
        } else {
            Error::new(kind, reason).with_code(code)
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
            lacks_item: refuses_to_return_item(status, text),
        })
    }

    /// An answer with status 200 that cannot be the service's.
    pub(super) fn not_of_service(operation: Operation, response: Response) -> Self {
        let message = format!(
            "the endpoint answered with something that is not {}'s",
            operation.api().name()
        );
        let error = Error::new(ErrorKind::Decode, message)
            .with_remedy(Remedy::CheckEndpoint)
            .with_status(response.status)
            .with_request_id(response.request_id);
        Self {
            error,
            retry: Retry::No,
            sent: true,
            lacks_item: false,
        }
    }

    pub(super) fn from_incomplete(incomplete: Incomplete, once: &mut Once) -> Self {
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
            // Their causes need no introduction.
            ErrorKind::Config | ErrorKind::Credentials => cause,
            _ => format!("{incomplete}: {cause}"),
        };
        let source = incomplete.source;
        let mut error = match source.downcast_ref::<InvalidSetting>() {
            Some(invalid) if kind == ErrorKind::Config => Error::from(invalid.clone()),
            _ => Error::new(kind, message),
        };
        if let Some(remedy) = source
            .downcast_ref()
            .and_then(|failure: &Failure| failure.remedy)
        {
            error = error.with_remedy(remedy);
        }
        error = error.with_source(source);
        if let Some(endpoint) = incomplete.endpoint {
            error = error.with_endpoint(endpoint);
        }
        Self {
            error,
            retry,
            sent: retry != Retry::No,
            lacks_item: false,
        }
    }
}

/// Whether the service can have sent this body: its answers are JSON objects.
///
/// The answers of `GetItem` and `Scan` are parsed later anyway, so only their ends are checked. The others are
/// short, and are parsed here.
pub(super) fn is_answer(operation: Operation, body: &[u8]) -> bool {
    // Any fields.
    #[derive(Deserialize)]
    struct Object {}
    let body = body.trim_ascii();
    body.starts_with(b"{")
        && body.ends_with(b"}")
        && (matches!(operation, Operation::GetItem | Operation::Scan)
            || serde_json::from_slice::<Object>(body).is_ok())
}
