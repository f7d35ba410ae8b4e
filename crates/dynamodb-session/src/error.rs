//! The one error type, its kinds, and the names the service gives its errors.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::remedy::Remedy;
use crate::request::Operation;

/// What went wrong, by what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or contradicts another. Correct the configuration.
    Config,
    /// No credentials could be had, or the service does not accept them.
    Credentials,
    /// The credentials are valid but may not do this. Extend the IAM policy.
    AccessDenied,
    /// The table does not exist in this account and Region. Create it.
    TableNotFound,
    /// The session id is empty, too long for a partition key, or not valid Unicode.
    InvalidId,
    /// The item is over DynamoDB's limit of 409 600 bytes. Store less in the session.
    ItemTooLarge,
    /// The session data holds what DynamoDB cannot: see the path in the message.
    InvalidData,
    /// The service or the table's capacity refused for now, after all retries.
    Throttled,
    /// So many calls are under way that this one was not begun. Nothing was sent; calls come in faster than
    /// the service answers.
    Overloaded,
    /// The deadline passed. For a write, it is unknown whether it happened.
    ///
    /// Also: the answer to a write was lost, and other requests have written the session so often since that nobody can
    /// tell any more. Load the session again before you repeat the write.
    Timeout,
    /// The endpoint was not reached, or the connection broke. For a write, it is unknown whether it happened.
    Transport,
    /// A stored item, or the service's answer, could not be read.
    Decode,
    /// A session is sealed with a key that the store does not have. It is not a missing session: give the store the
    /// key.
    UnknownKey,
    /// A sealed session cannot be opened: it was changed or moved in the table, or sealed with another key of the same
    /// name, or in another context.
    Decryption,
    /// A session is not encrypted, and the store accepts only encrypted ones.
    PlaintextRefused,
    /// The provider of encryption keys failed, or what it returned are no keys.
    KeyProvider,
    /// Any other error of the service; see [`Error::code`].
    Service,
}

/// Why an operation failed.
///
/// Displays what was tried, on which table, how often, and why it failed. It never holds a session id,
/// session data or a secret.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    code: Option<String>,
    message: String,
    setting: Option<&'static str>,
    remedy: Option<Remedy>,
    operation: Option<Operation>,
    table: Option<String>,
    endpoint: Option<String>,
    request_id: Option<String>,
    status: Option<u16>,
    attempts: u32,
    retryable: bool,
    /// Shared by the errors of calls that one request was made for.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retryable = matches!(
            kind,
            ErrorKind::Throttled
                | ErrorKind::Overloaded
                | ErrorKind::Timeout
                | ErrorKind::Transport
        );
        Self(Box::new(Inner {
            kind,
            code: None,
            message: message.into(),
            setting: None,
            remedy: None,
            operation: None,
            table: None,
            endpoint: None,
            request_id: None,
            status: None,
            attempts: 0,
            retryable,
            source: None,
        }))
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The service's name for the error, such as `ProvisionedThroughputExceededException`, when it is the service's.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The bare reason, without operation, table, setting and remedy.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The setting at fault: a method of [`Builder`](crate::Builder) or of one of its groups, such as
    /// `endpoint_url`, an environment variable, such as `AWS_CA_BUNDLE`, or `attribute` for the name of one.
    pub fn setting(&self) -> Option<&'static str> {
        self.0.setting
    }

    /// What to do next, when there is more to say than the [`kind`](Self::kind) does.
    pub fn remedy(&self) -> Option<Remedy> {
        self.0.remedy
    }

    /// Displays the error without its remedy, for programs that word remedies themselves.
    pub fn summary(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| self.fmt_summary(f))
    }

    /// The operation that failed, such as `GetItem`.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// The table the operation was for.
    pub fn table(&self) -> Option<&str> {
        self.0.table.as_deref()
    }

    /// The endpoint that was asked, without credentials.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// The service's id of the last request, to give to AWS support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The HTTP status of the last answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How many requests were sent, retries included; zero when none was.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the same call may succeed later without a change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    pub(crate) fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// A setting that cannot be used.
    pub(crate) fn invalid(setting: &'static str, reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, reason).with_setting(setting)
    }

    /// A table whose key is not a single string of the configured name.
    pub(crate) fn other_key(reason: &str) -> Self {
        let message = format!("the table cannot hold sessions: {reason}");
        Self::invalid("partition_key", message).with_remedy(Remedy::CorrectPartitionKey)
    }

    pub(crate) fn with_setting(mut self, setting: &'static str) -> Self {
        self.0.setting = Some(setting);
        self
    }

    pub(crate) fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.0.remedy = Some(remedy);
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.0.request_id = request_id;
        self
    }

    pub(crate) fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.0.endpoint = Some(endpoint.into());
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Names the operation and table, where the error passes the one place that knows both.
    pub(crate) fn on(mut self, operation: Operation, table: &str) -> Self {
        self.0.operation = Some(operation);
        self.0.table = Some(table.to_owned());
        self
    }

    /// Names an operation of KMS, its key and the encryption context, as [`on`](Self::on) does a table.
    pub(crate) fn on_key(
        mut self,
        operation: Operation,
        key: &str,
        context: &[(&str, &str)],
    ) -> Self {
        let pairs = context.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let inner = &mut *self.0;
        inner.message = format!(
            "kms:{operation} with the key {key} and the encryption context {{{}}}: {}",
            pairs.join(", "),
            inner.message
        );
        inner.operation = Some(operation);
        self
    }

    fn fmt_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}")?;
            if let Some(table) = &inner.table {
                write!(f, " on table {table}")?;
            }
            if inner.attempts > 1 {
                write!(f, ", tried {} times", inner.attempts)?;
            }
            write!(f, ": ")?;
        }
        if let Some(code) = &inner.code {
            write!(f, "{code}: ")?;
        }
        if let Some(setting) = inner.setting {
            write!(f, "{setting}: ")?;
        }
        f.write_str(&inner.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_summary(f)?;
        if let Some(remedy) = self.0.remedy {
            write!(f, " ({remedy})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("code", &inner.code)
            .field("message", &inner.message)
            .field("setting", &inner.setting)
            .field("remedy", &inner.remedy)
            .field("operation", &inner.operation)
            .field("table", &inner.table)
            .field("endpoint", &inner.endpoint)
            .field("status", &inner.status)
            .field("request_id", &inner.request_id)
            .field("attempts", &inner.attempts)
            .field("retryable", &inner.retryable)
            .field("source", &inner.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
