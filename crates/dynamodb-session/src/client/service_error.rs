//! The service's error answers: their kind, whether repeating helps, and which text may be shown.
//!
//! The type in the body decides, because HTTP 400 is the status of throttling as well as of most other errors.

use std::borrow::Cow;

use serde::Deserialize;

use crate::error::ErrorKind;
use crate::remedy::Remedy;
use crate::request::{self, Operation};

/// The type of an answer to a request whose condition was not met.
pub(super) const CONDITION_FAILED: &str = "ConditionalCheckFailedException";

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    No,
    /// The cause is repaired.
    AtOnce,
    /// A kept connection was dead; the next attempt makes a new one.
    Reconnect,
    Transient,
    Throttled,
}

/// The fields of an error answer that are used.
#[derive(Deserialize, Default)]
pub(super) struct ServiceError<'a> {
    #[serde(borrow, default, rename = "__type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    // A field of its own, not an alias: a body with both spellings is not a duplicate.
    #[serde(borrow, default, rename = "Message")]
    capital_message: Option<Cow<'a, str>>,
}

impl ServiceError<'_> {
    /// The type without its namespace (`com.amazonaws.dynamodb.v20120810#`). Empty if it is not the name of a type.
    pub(super) fn code(&self) -> &str {
        let kind = self.kind.as_deref().unwrap_or_default();
        let name = kind.rsplit('#').next().unwrap_or_default();
        let is_name = name.len() <= 128
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if is_name { name } else { "" }
    }

    pub(super) fn text(&self) -> &str {
        self.message
            .as_deref()
            .or(self.capital_message.as_deref())
            .unwrap_or_default()
    }
}

/// Whether the service refuses the credentials, and others may be found: keys that have expired, or been deleted, may
/// have been replaced in a file.
pub(super) fn is_about_credentials(code: &str) -> bool {
    matches!(
        code,
        "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
    )
}

/// Whether the service refuses a signature, which a wrong clock can be the reason for.
pub(super) fn is_about_signature(code: &str) -> bool {
    matches!(
        code,
        "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "RequestTimeTooSkewed"
            | "RequestExpired"
            | "RequestInTheFuture"
    )
}

/// The kind of an error answer, whether repeating helps, and what to do about it.
pub(super) fn judge(code: &str, status: u16, text: &str) -> (ErrorKind, Retry, Option<Remedy>) {
    match code {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete" => (ErrorKind::Throttled, Retry::Throttled, None),

        "ReplicatedWriteConflictException"
        | "TransactionInProgressException"
        | "TransactionConflictException"
        | "InternalServerError"
        | "InternalServerErrorException"
        | "InternalFailure"
        | "InternalError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout"
        | "RequestTimeoutException" => (ErrorKind::Service, Retry::Transient, None),

        "AccessDeniedException" | "AccessDenied" => (
            ErrorKind::AccessDenied,
            Retry::No,
            Some(Remedy::ExtendPolicy),
        ),
        "ResourceNotFoundException" => (
            ErrorKind::TableNotFound,
            Retry::No,
            Some(Remedy::CreateTable),
        ),

        "ExpiredTokenException" | "ExpiredToken" => (
            ErrorKind::Credentials,
            Retry::No,
            Some(Remedy::RenewCredentials),
        ),
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => {
            (ErrorKind::Credentials, Retry::No, Some(Remedy::SetClock))
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure" => (
            ErrorKind::Credentials,
            Retry::No,
            Some(Remedy::CheckSignature),
        ),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException" => (
            ErrorKind::Credentials,
            Retry::No,
            Some(Remedy::CheckAccessKey),
        ),

        "ValidationException" if is_item_too_large(text) => {
            (ErrorKind::ItemTooLarge, Retry::No, None)
        }
        // The codec looks first, so this is for limits that the service has moved.
        "ValidationException" if is_data_refused(text) => (ErrorKind::InvalidData, Retry::No, None),
        _ => match status {
            413 => (ErrorKind::ItemTooLarge, Retry::No, None),
            429 => (ErrorKind::Throttled, Retry::Throttled, None),
            500.. => (ErrorKind::Service, Retry::Transient, None),
            _ => (ErrorKind::Service, Retry::No, None),
        },
    }
}

fn is_item_too_large(text: &str) -> bool {
    let text = reason(text);
    text.starts_with("Item size") && text.contains("exceeded the maximum")
}

/// Why the table cannot hold sessions, if its key is not the partition key that the store is configured with.
pub(super) fn other_key(code: &str, text: &str) -> Option<String> {
    let text = reason(text);
    let is_refused = REFUSED_KEY.iter().any(|start| text.starts_with(start));
    (code == "ValidationException" && is_refused).then(|| {
        format!("its partition key has another name or is no string, or it has a sort key: {text}")
    })
}

/// Whether an engine refuses a request because it does not know how to return the item of a failed condition.
pub(super) fn refuses_to_return_item(status: u16, text: &str) -> bool {
    status == 400 && text.contains(request::RETURN_ITEM_NAME)
}

fn is_data_refused(text: &str) -> bool {
    let text = reason(text);
    REFUSED_DATA.iter().any(|start| text.starts_with(start))
}

/// A validation's reason without the count that most Regions have put before it since 2026.
fn reason(text: &str) -> &str {
    text.strip_prefix("1 validation error detected: ")
        .unwrap_or(text)
}

/// The beginnings of refusals of data: those that the codec also checks, and those of an index whose key an attribute is.
/// They quote names of attributes and indexes, and never a value.
const REFUSED_DATA: [&str; 11] = [
    "Nesting Levels have exceeded supported limits",
    "Number overflow. Attempting to store a number with magnitude larger than supported range",
    "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    "Attempting to store more than 38 significant digits in a Number",
    "Empty attribute name",
    "One or more parameter values were invalid: Type mismatch for Index Key ",
    "One or more parameter values were invalid: Size of hashkey has exceeded",
    "One or more parameter values were invalid: Aggregated size of all range keys has exceeded",
    "One or more parameter values are not valid. A value specified for a secondary index key is not supported",
    "One or more parameter values are not valid. The update expression attempted to update a secondary index key",
    "The update expression attempted to update the secondary index key to ",
];

/// The service's own text if it may be shown, and otherwise ours.
///
/// Fastify sends messages to the browser and everyone logs them, so only texts that cannot quote an id, an
/// item or a token pass. Calls that concern the table carry none of these. For the others, the types listed
/// are known by what they quote, and a `ValidationException` by how it begins: it may quote any value. The
/// text of a signature error is not among them: it shows the signed headers, and thereby the session token.
pub(super) fn message(operation: Operation, code: &str, text: &str) -> String {
    let about_table = operation.is_about_table();
    let shown = match code {
        "ValidationException" => {
            about_table
                || is_data_refused(text)
                || HARMLESS_VALIDATION
                    .iter()
                    .any(|start| reason(text).starts_with(start))
        }
        "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "SerializationException" => false,
        "AccessDeniedException"
        | "ResourceNotFoundException"
        | "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "ReplicatedWriteConflictException"
        | "ItemCollectionSizeLimitExceededException"
        | "InternalServerError" => true,
        _ => about_table,
    };
    if shown && !text.is_empty() {
        return text.to_owned();
    }
    match code {
        "ValidationException" | "SerializationException" => {
            "the service finds the request invalid (its reason may quote session data and is not shown)".to_owned()
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            "the service finds the request's signature wrong".to_owned()
        }
        _ => "the service refused the request".to_owned(),
    }
}

/// The beginnings of refusals of a key. They quote names of attributes, and never values.
const REFUSED_KEY: [&str; 4] = [
    "The provided key element does not match the schema",
    "The number of conditions on the keys is invalid",
    "One or more parameter values were invalid: Missing the key ",
    "One or more parameter values were invalid: Type mismatch for key ",
];

/// The beginnings of reasons that quote names from the table's schema or the expression, and never values.
const HARMLESS_VALIDATION: [&str; 6] = [
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value",
    "Item size ",
    "Invalid UpdateExpression: ",
    "Invalid ConditionExpression: ",
    "Invalid ProjectionExpression: ",
    "The document path provided in the update expression is invalid for update",
];
