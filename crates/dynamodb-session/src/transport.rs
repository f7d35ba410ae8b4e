//! The seam between the requests to DynamoDB and the network.
//!
//! For programs that carry the requests themselves, and for tests: a [`Transport`] that answers from memory needs no
//! network. Give it to [`Builder::transport`](crate::Builder::transport). The store retries, so a transport does not.
//!
//! ```
//! use dynamodb_session::SessionStore;
//! use dynamodb_session::transport::{Request, Response, Transport, TransportFuture};
//!
//! /// Answers every request as if the table were empty.
//! #[derive(Debug)]
//! struct Empty;
//!
//! impl Transport for Empty {
//!     fn send(&self, _: Request) -> TransportFuture<'_> {
//!         Box::pin(async { Ok(Response::new(200, "{}")) })
//!     }
//! }
//!
//! # fn main() -> Result<(), dynamodb_session::Error> {
//! let store = SessionStore::builder().transport(Empty).build()?;
//! # Ok(())
//! # }
//! ```

use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::request::Operation;

/// One DynamoDB request, before it is signed.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The operation.
    pub operation: Operation,
    /// The JSON body.
    pub body: Bytes,
    /// How long this attempt may take in all.
    pub timeout: Duration,
}

/// The service's answer, which may be an error.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The whole body. It is verified if the service sent a checksum.
    pub body: Bytes,
    /// `x-amzn-requestid`.
    pub request_id: Option<String>,
    /// Whether the clock was wrong and has been corrected from this answer. The service may accept the same request
    /// if it is signed again.
    pub clock_corrected: bool,
}

impl Request {
    /// A request of this JSON body, whose attempt may take this long in all.
    pub fn new(operation: Operation, body: impl Into<Bytes>, timeout: Duration) -> Self {
        Self {
            operation,
            body: body.into(),
            timeout,
        }
    }
}

impl Response {
    /// An answer of this HTTP status and this whole body, without a request id.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            body: body.into(),
            request_id: None,
            clock_corrected: false,
        }
    }

    /// Sets the service's id of the request.
    #[must_use]
    pub fn request_id(mut self, id: Option<String>) -> Self {
        self.request_id = id;
        self
    }

    /// Sets whether the clock was wrong and has been corrected from this answer.
    #[must_use]
    pub fn clock_corrected(mut self, corrected: bool) -> Self {
        self.clock_corrected = corrected;
        self
    }
}

impl Incomplete {
    /// An attempt that ended at this stage with this error, without an endpoint.
    pub fn new(
        reason: IncompleteReason,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            reason,
            endpoint: None,
            source: source.into(),
        }
    }

    /// Sets where the request was going, without credentials.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }
}

// Bodies hold session ids and data, so neither is ever printed.
impl Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no whole answer to an attempt.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incomplete {
    /// The stage at which it ended.
    pub reason: IncompleteReason,
    /// Where the request was going, without credentials.
    pub endpoint: Option<String>,
    /// The error at that stage.
    pub source: Box<dyn StdError + Send + Sync>,
}

/// The stage at which an attempt ended without a whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IncompleteReason {
    /// The Region or another setting is missing. Not retried.
    Config,
    /// There are no credentials. Not retried.
    Credentials,
    /// No connection was made, so the request was not executed.
    Connect,
    /// The connection broke or the answer was damaged: the request may have been executed.
    Broken,
    /// The attempt's time was up: the request may have been executed.
    Timeout,
    /// A kept connection broke or stayed silent: the request may have been executed. It is repeated at once, because
    /// a new connection most likely works.
    Stale,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            IncompleteReason::Config => "the configuration is incomplete",
            IncompleteReason::Credentials => "no credentials could be had",
            IncompleteReason::Connect => "the endpoint could not be reached",
            IncompleteReason::Broken => "the connection broke before the answer was complete",
            IncompleteReason::Timeout => "the answer did not come in time",
            IncompleteReason::Stale => "a connection that had been kept was dead",
        })
    }
}

impl StdError for Incomplete {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// A future that a [`Transport`] returns.
pub type TransportFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response, Incomplete>> + Send + 'a>>;

/// Carries one attempt of one request to a DynamoDB API and its answer back.
///
/// An answer with an error status is a [`Response`]; [`Incomplete`] means that there is no whole answer.
/// Implementations sign each attempt anew. They never retry, because the caller decides that.
pub trait Transport: Debug + Send + Sync + 'static {
    /// Makes one attempt.
    fn send(&self, request: Request) -> TransportFuture<'_>;

    /// Forgets cached credentials, after the service refused them as expired or unknown.
    fn credentials_expired(&self) {}

    /// Where requests go, without credentials, once known.
    fn endpoint(&self) -> Option<String> {
        None
    }
}
