//! The error answers of KMS: what is different from those of DynamoDB.
//!
//! The errors of its two operations:
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>,
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>.

use super::service_error::{self, Retry};
use crate::error::ErrorKind;
use crate::remedy::Remedy;

/// The kind of an error answer, whether repeating helps, and what to do about it.
pub(super) fn judge(code: &str, status: u16, text: &str) -> (ErrorKind, Retry, Option<Remedy>) {
    let never = |kind, remedy| (kind, Retry::No, Some(remedy));
    match code {
        "NotFoundException" | "InvalidArnException" | "InvalidKeyUsageException" => {
            never(ErrorKind::Config, Remedy::CheckKmsKey)
        }
        "IncorrectKeyException" => never(ErrorKind::Config, Remedy::NameWrappingKey),
        "AccessDeniedException" | "AccessDenied" => {
            never(ErrorKind::AccessDenied, Remedy::AllowKmsKey)
        }
        "DisabledException" | "KMSInvalidStateException" => {
            never(ErrorKind::Service, Remedy::EnableKmsKey)
        }
        "InvalidCiphertextException" => never(ErrorKind::Decode, Remedy::CheckWrappedKey),
        // KMS asks for a retry, whatever the status.
        "KeyUnavailableException" | "DependencyTimeoutException" | "KMSInternalException" => {
            (ErrorKind::Service, Retry::Transient, None)
        }
        "LimitExceededException" => (ErrorKind::Throttled, Retry::Throttled, None),
        // What these mean for DynamoDB, they do not mean here.
        "ResourceNotFoundException" | "ValidationException" => {
            (ErrorKind::Service, Retry::No, None)
        }
        _ => match service_error::judge(code, status, text) {
            (ErrorKind::ItemTooLarge, retry, _) => (ErrorKind::Service, retry, None),
            judged => judged,
        },
    }
}

/// The service's own text if it may be shown, and otherwise ours.
///
/// The texts of the types listed name keys, users and actions. Those of other types may quote the request, and with it a
/// wrapped key or, for a signature, the session token.
pub(super) fn message(code: &str, text: &str) -> String {
    let is_shown = matches!(
        code,
        "AccessDeniedException"
            | "DisabledException"
            | "ExpiredTokenException"
            | "IncorrectKeyException"
            | "InvalidArnException"
            | "InvalidKeyUsageException"
            | "KeyUnavailableException"
            | "KMSInvalidStateException"
            | "LimitExceededException"
            | "NotFoundException"
            | "ThrottlingException"
            | "UnrecognizedClientException"
    );
    if is_shown && !text.is_empty() {
        return text.to_owned();
    }
    match code {
        "InvalidCiphertextException" => {
            "the wrapped data key and the encryption context do not belong together, or one of them has changed"
        }
        "IncorrectKeyException" => "another KMS key has wrapped the data key",
        "DisabledException" => "the KMS key is disabled",
        "NotFoundException" => "there is no such KMS key",
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            "the service finds the request's signature wrong"
        }
        "ValidationException" | "SerializationException" => {
            "the service finds the request invalid (its reason may quote the data key and is not shown)"
        }
        _ => "the service refused the request",
    }
    .to_owned()
}
