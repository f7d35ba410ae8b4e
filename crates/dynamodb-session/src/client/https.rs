//! One attempt of one request over HTTP: signed, sent, and its answer checked. Kept connections are used first.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Uri};
use tokio::sync::{OnceCell, Semaphore};

use super::body::read_body;
use super::config::ClientConfig;
use super::connect::{Connector, NotConnected};
use super::credentials::{CredentialCache, Current};
use super::endpoint::{self, Endpoint};
use super::pool::{Pool, Sender};
use super::reason::{BoxError, InvalidSetting};
use super::service_error::{ServiceError, is_about_credentials, is_about_signature};
use super::sign::Signer;
use super::skew::correct_clock;
use super::timeout::within;
use crate::clock::ServiceClock;
use crate::transport::{
    Incomplete, IncompleteReason, Request, Response, Transport, TransportFuture,
};

/// A connection that was idle for no longer than this is assumed to be alive.
const SURELY_ALIVE: Duration = Duration::from_secs(1);

/// How soon a connection that was idle for longer must answer.
///
/// A connection can be cut off without notice, as when AWS Lambda thaws an environment. This limit detects it early.
const REUSED_FIRST_BYTE: Duration = Duration::from_millis(500);

/// DynamoDB answers with 16 MB at most, plus framing and escapes.
const MAX_BODY: usize = 17 * 1024 * 1024;

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const AMZ_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const AMZ_CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");
const AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Carries requests to a service over HTTP or HTTPS.
pub(crate) struct HttpsTransport {
    config: ClientConfig,
    target: OnceCell<Target>,
}

/// The result of the settings, resolved at the first request.
struct Target {
    endpoint: Endpoint,
    /// The Region that requests are signed for.
    region: String,
    url: String,
    uri: Uri,
    host: HeaderValue,
    user_agent: HeaderValue,
    signer: Signer,
    credentials: CredentialCache,
    /// The generation of the credentials that the service last refused. Zero: not yet.
    refused: AtomicU64,
    connector: Arc<Connector>,
    pool: Pool,
    /// One permit for each connection that may be open.
    connections: Semaphore,
}

impl HttpsTransport {
    /// Does no I/O: the first request resolves and reads everything.
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self {
            config,
            target: OnceCell::new(),
        }
    }

    /// Resolves the settings if no request has done so yet. `None` if they are wrong, which a request reports.
    fn known(&self) -> Option<&Target> {
        if self.target.get().is_none()
            && let Ok(target) = Target::resolve(&self.config)
        {
            // An error means that a request has been quicker.
            drop(self.target.set(target));
        }
        self.target.get()
    }

    /// The Region that requests are signed for, once the settings can be resolved.
    pub(crate) fn signing_region(&self) -> Option<&str> {
        self.known().map(|target| target.region.as_str())
    }

    async fn attempt(&self, request: Request) -> Result<Response, Incomplete> {
        let clock = &self.config.clock;
        let deadline = Deadline {
            clock,
            end: clock.monotonic().saturating_add(request.timeout),
        };
        let target = match self.target.get() {
            Some(target) => target,
            None => self
                .target
                .get_or_try_init(|| async { Target::resolve(&self.config) })
                .await
                .map_err(|invalid| Incomplete {
                    reason: IncompleteReason::Config,
                    endpoint: None,
                    source: Box::new(invalid),
                })?,
        };
        let outcome = target.exchange(&self.config, &deadline, request).await;
        outcome.map_err(|(reason, source)| Incomplete {
            reason,
            endpoint: Some(target.url.clone()),
            source,
        })
    }
}

impl Transport for HttpsTransport {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        Box::pin(self.attempt(request))
    }

    fn credentials_expired(&self) {
        if let Some(target) = self.target.get() {
            target
                .credentials
                .forget(target.refused.load(Ordering::Relaxed));
        }
    }

    fn endpoint(&self) -> Option<String> {
        self.known().map(|target| target.url.clone())
    }
}

impl fmt::Debug for HttpsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsTransport")
            .field("endpoint", &self.target.get().map(|target| &target.url))
            .finish_non_exhaustive()
    }
}

/// When an attempt has to end.
struct Deadline<'a> {
    clock: &'a ServiceClock,
    end: Duration,
}

impl Deadline<'_> {
    fn left(&self) -> Duration {
        self.end.saturating_sub(self.clock.monotonic())
    }
}

type Failed = (IncompleteReason, BoxError);

fn broken(source: impl Into<BoxError>) -> Failed {
    (IncompleteReason::Broken, source.into())
}

impl Target {
    fn resolve(config: &ClientConfig) -> Result<Self, InvalidSetting> {
        let resolved = endpoint::resolve(config)?;
        let endpoint = resolved.endpoint;
        let invalid = |setting: &'static str| {
            InvalidSetting::new(setting, "it cannot be sent in an HTTP header")
        };
        let host = endpoint.authority();
        let mut user_agent = concat!("dynamodb-session/", env!("CARGO_PKG_VERSION")).to_owned();
        if let Some(suffix) = &config.user_agent_suffix {
            user_agent.push(' ');
            user_agent.push_str(suffix);
        }
        let connector = Arc::new(Connector::new(config, resolved.ca_bundle)?);
        let (region, local) = (&resolved.signing_region, resolved.local);
        Ok(Self {
            url: endpoint.url(),
            uri: endpoint
                .path
                .parse()
                .map_err(|error| InvalidSetting::new("endpoint_url", error))?,
            host: HeaderValue::try_from(&host).map_err(|_| invalid("endpoint_url"))?,
            user_agent: HeaderValue::try_from(user_agent)
                .map_err(|_| invalid("user_agent_suffix"))?,
            signer: Signer::new(&host, &endpoint.path, region, config.service.key),
            credentials: CredentialCache::new(config, local, region, Arc::clone(&connector)),
            refused: AtomicU64::new(0),
            connector,
            pool: Pool::default(),
            connections: Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)),
            region: resolved.signing_region,
            endpoint,
        })
    }

    async fn exchange(
        &self,
        config: &ClientConfig,
        deadline: &Deadline<'_>,
        request: Request,
    ) -> Result<Response, Failed> {
        let current = within(deadline.clock, deadline.left(), self.credentials.get())
            .await
            .unwrap_or_else(|| Err(self.credentials.too_late()))
            .map_err(|failure| (IncompleteReason::Credentials, failure.into()))?;
        // Held until the connection is idle or closed. The semaphore is never closed.
        let _connection = within(deadline.clock, deadline.left(), self.connections.acquire())
            .await
            .ok_or_else(|| timed_out("no connection became free"))?;
        let signed_at = deadline.clock.now();
        let signed = self.signed(&current, request, signed_at)?;
        let (response, sender) = self.answer(config, deadline, signed).await?;
        let (head, body) = response.into_parts();
        let body = within(deadline.clock, deadline.left(), read_body(body, MAX_BODY))
            .await
            .ok_or_else(|| timed_out("the answer stopped half-way"))?
            .map_err(broken)?;
        // The whole answer was read, so the connection can be used again. Until here, a failure closes it.
        self.pool.put(sender, deadline.clock);

        check_crc32(&head.headers, &body)?;
        let request_id = text(&head.headers, &AMZN_REQUEST_ID).map(str::to_owned);
        let status = head.status.as_u16();
        let mut clock_corrected = false;
        if status >= 400 {
            // The clock of a proxy or a load balancer is not to be trusted, and its answer has no such id. An answer about
            // anything else shows that the time was right.
            let error = serde_json::from_slice::<ServiceError<'_>>(&body).unwrap_or_default();
            if is_about_credentials(error.code()) {
                self.refused.store(current.generation, Ordering::Relaxed);
            }
            if config.correct_clock_skew && request_id.is_some() && is_about_signature(error.code())
            {
                clock_corrected = correct_clock(
                    deadline.clock,
                    signed_at,
                    text(&head.headers, &header::DATE),
                );
            }
        }
        Ok(Response {
            status,
            body,
            request_id,
            clock_corrected,
        })
    }

    fn signed(
        &self,
        current: &Current,
        request: Request,
        time: SystemTime,
    ) -> Result<hyper::Request<Full<Bytes>>, Failed> {
        let unsendable = |_| -> Failed {
            (
                IncompleteReason::Credentials,
                "the credentials hold characters that cannot be sent".into(),
            )
        };
        let target = request.operation.target();
        let signature = self
            .signer
            .sign(&current.credentials, Some(target), &request.body, time);
        let mut authorization =
            HeaderValue::from_maybe_shared(Bytes::from(signature.authorization))
                .map_err(unsendable)?;
        authorization.set_sensitive(true);

        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(header::HOST, self.host.clone());
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(request.operation.api().media_type()),
        );
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        headers.insert(AMZ_TARGET, HeaderValue::from_static(target));
        headers.insert(
            AMZ_DATE,
            HeaderValue::from_bytes(signature.date.as_bytes()).map_err(unsendable)?,
        );
        headers.insert(header::AUTHORIZATION, authorization);
        if let Some(token) = current.credentials.session_token() {
            let mut token = HeaderValue::from_str(token).map_err(unsendable)?;
            token.set_sensitive(true);
            headers.insert(AMZ_TOKEN, token);
        }
        let mut signed = hyper::Request::new(Full::new(request.body));
        *signed.method_mut() = Method::POST;
        *signed.uri_mut() = self.uri.clone();
        *signed.headers_mut() = headers;
        Ok(signed)
    }

    /// Sends the request and waits for the head of the answer.
    async fn answer(
        &self,
        config: &ClientConfig,
        deadline: &Deadline<'_>,
        mut request: hyper::Request<Full<Bytes>>,
    ) -> Result<(hyper::Response<Incoming>, Sender), Failed> {
        while let Some((mut sender, idle)) = self.pool.take(deadline.clock) {
            let mut limit = config.first_byte_timeout.min(deadline.left());
            if idle > SURELY_ALIVE {
                // The service may have closed it while this thread was busy or frozen. Before it is written to, the
                // runtime looks at its sockets.
                tokio::task::yield_now().await;
                limit = limit.min(REUSED_FIRST_BYTE);
            }
            match within(deadline.clock, limit, send_again(&mut sender, request)).await {
                Some(Ok(response)) => return Ok((response, sender)),
                // On to the next connection.
                Some(Err(Unanswered::Unsent(unsent))) => request = *unsent,
                // Whatever cut this one off has most likely cut off the others.
                Some(Err(Unanswered::Broken(error))) => {
                    self.pool.clear();
                    return Err((IncompleteReason::Stale, error.into()));
                }
                None => {
                    self.pool.clear();
                    let silence = format!("no answer within {limit:?} on a kept connection");
                    return Err(if idle > SURELY_ALIVE && !deadline.left().is_zero() {
                        (IncompleteReason::Stale, silence.into())
                    } else {
                        timed_out(silence)
                    });
                }
            }
        }

        let limit = config.connect_timeout.min(deadline.left());
        let connection = self
            .connector
            .connect(&self.endpoint, false, limit)
            .await
            .map_err(|error| match error {
                NotConnected::Config(error) => (IncompleteReason::Config, error.into()),
                NotConnected::Failed(error) => (IncompleteReason::Connect, error),
            })?;
        let (mut sender, driver) = http1::handshake(connection)
            .await
            .map_err(|error| (IncompleteReason::Connect, error.into()))?;
        // The driver ends with the connection: when its sender is dropped, or when the service closes it.
        tokio::spawn(driver);
        let limit = config.first_byte_timeout.min(deadline.left());
        match within(deadline.clock, limit, sender.send_request(request)).await {
            Some(Ok(response)) => Ok((response, sender)),
            Some(Err(error)) => Err(broken(error)),
            None => Err(timed_out(format!("no answer within {limit:?}"))),
        }
    }
}

/// Why a kept connection did not answer.
enum Unanswered {
    /// It was closed before any of the request was written, so the service cannot have seen it.
    Unsent(Box<hyper::Request<Full<Bytes>>>),
    Broken(hyper::Error),
}

async fn send_again(
    sender: &mut Sender,
    request: hyper::Request<Full<Bytes>>,
) -> Result<hyper::Response<Incoming>, Unanswered> {
    if sender.ready().await.is_err() {
        return Err(Unanswered::Unsent(Box::new(request)));
    }
    sender
        .try_send_request(request)
        .await
        .map_err(|mut error| match error.take_message() {
            Some(request) => Unanswered::Unsent(Box::new(request)),
            None => Unanswered::Broken(error.into_error()),
        })
}

fn timed_out(what: impl Into<BoxError>) -> Failed {
    (IncompleteReason::Timeout, what.into())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn check_crc32(headers: &HeaderMap, body: &[u8]) -> Result<(), Failed> {
    match text(headers, &AMZ_CRC32) {
        Some(expected) if expected.trim().parse() != Ok(crc32fast::hash(body)) => {
            Err(broken("CRC32 mismatch"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
