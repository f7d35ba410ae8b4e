//! The seam between the requests to DynamoDB and the network.

use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::request::Operation;

/// One DynamoDB request, before it is signed.
#[derive(Clone)]
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

    /// Forgets cached credentials, after the service reported that they have expired.
    fn credentials_expired(&self) {}

    /// Where requests go, without credentials, once known.
    fn endpoint(&self) -> Option<String> {
        None
    }
}
