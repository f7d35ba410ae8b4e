//! A failure as data. `node/lib/errors.js` makes an error from it.

use std::error::Error as _;

use dynamodb_session::{Error, ErrorKind};
use napi_derive::napi;

/// Why a call failed. Its promise is rejected with this.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Failure {
    /// The name of the error's kind, such as `TableNotFound`.
    pub kind: String,
    /// The service's name for the error.
    pub code: Option<String>,
    /// The reason. It holds no id, no session data and no secret.
    pub message: String,
    /// The setting at fault: the core's name for it, or an environment variable.
    pub setting: Option<String>,
    /// The name of the remedy, such as `CreateTable`.
    pub remedy: Option<String>,
    /// The `DynamoDB` operation, such as `GetItem`.
    pub operation: Option<String>,
    /// The table of the operation.
    pub table: Option<String>,
    /// The endpoint of the request.
    pub endpoint: Option<String>,
    /// The service's id of the last request.
    pub request_id: Option<String>,
    /// The HTTP status of the last answer.
    pub status: Option<u32>,
    /// How many requests were sent.
    pub attempts: u32,
    /// Whether the same call may succeed later without a change.
    pub retryable: bool,
    /// The causes of the failure, the outermost first.
    pub causes: Vec<String>,
}

impl Failure {
    /// A failure of the addon itself.
    pub(crate) fn internal(message: String) -> Box<Self> {
        Box::new(Self {
            kind: "Internal".to_owned(),
            code: None,
            message,
            setting: None,
            remedy: None,
            operation: None,
            table: None,
            endpoint: None,
            request_id: None,
            status: None,
            attempts: 0,
            retryable: false,
            causes: Vec::new(),
        })
    }
}

impl From<Error> for Box<Failure> {
    fn from(error: Error) -> Self {
        let causes = std::iter::successors(error.source(), |&cause| cause.source())
            .map(ToString::to_string)
            .collect();
        Self::new(Failure {
            kind: kind_name(error.kind()).to_owned(),
            code: error.code().map(str::to_owned),
            message: error.message().to_owned(),
            setting: error.setting().map(str::to_owned),
            remedy: error.remedy().map(|remedy| remedy.name().to_owned()),
            operation: error.operation().map(|operation| operation.to_string()),
            table: error.table().map(str::to_owned),
            endpoint: error.endpoint().map(str::to_owned),
            request_id: error.request_id().map(str::to_owned),
            status: error.status().map(u32::from),
            attempts: error.attempts(),
            retryable: error.is_retryable(),
            causes,
        })
    }
}

/// The names that `node/lib/errors.js` uses.
fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Config => "Config",
        ErrorKind::Credentials => "Credentials",
        ErrorKind::AccessDenied => "AccessDenied",
        ErrorKind::TableNotFound => "TableNotFound",
        ErrorKind::InvalidId => "InvalidId",
        ErrorKind::ItemTooLarge => "ItemTooLarge",
        ErrorKind::InvalidData => "InvalidData",
        ErrorKind::Throttled => "Throttled",
        ErrorKind::Overloaded => "Overloaded",
        ErrorKind::Timeout => "Timeout",
        ErrorKind::Transport => "Transport",
        ErrorKind::Decode => "Decode",
        ErrorKind::UnknownKey => "UnknownKey",
        ErrorKind::Decryption => "Decryption",
        ErrorKind::PlaintextRefused => "PlaintextRefused",
        ErrorKind::KeyProvider => "KeyProvider",
        // `Service`, and kinds added later.
        _ => "Service",
    }
}
