//! HTTP: from a request to an operation on the database, and back.
//!
//! dynoxide's own server takes a socket, so requests cannot be checked first. Behind a proxy it would still
//! listen on a second port, open to every web page. Therefore this is the listener, and it calls the database
//! directly. The crate's documentation lists the differences, and `tests/it/fidelity.rs` checks them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dynoxide::Database;
use dynoxide::auth_material::{self, AuthMaterial};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::failure::Failures;
use crate::{guard, operation};

/// DynamoDB's limit for a request. It also limits the memory that a request can take.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// How long open requests may take when the engine stops.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// The pause before the next connection is accepted if the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const AMZ_JSON: &str = "application/x-amz-json-1.0";

/// Answers requests with a database.
pub(crate) struct Server {
    pub(crate) db: Database,
    pub(crate) allow_remote: bool,
    pub(crate) failures: Failures,
}

impl Server {
    /// Serves until `stopped` fires or its sender is dropped, and then lets open requests finish.
    pub(crate) async fn serve(self, listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
        let server = Arc::new(self);
        let connections = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut stopped => break,
            };
            let Ok((stream, _peer)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // Answers are small: send each at once. A socket that does not support this is served anyway.
            let _ = stream.set_nodelay(true);
            let server = Arc::clone(&server);
            let service = service_fn(move |request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(server.answer(request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            let connection = connections.watch(connection);
            // The client may break the connection.
            tokio::spawn(async move { drop(connection.await) });
        }
        // Close the listener first: new clients are refused at once, and do not wait.
        drop(listener);
        drop(tokio::time::timeout(STOP_GRACE, connections.shutdown()).await);
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if let Some(reason) = guard::refusal(&request, self.allow_remote) {
            return coral_error(StatusCode::FORBIDDEN, "AccessDeniedException", reason);
        }
        let (parts, body) = request.into_parts();
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/") => reply(
                StatusCode::OK,
                "text/plain",
                "healthy: dynamodb.local ".into(),
            ),
            (&Method::POST, "/") => match Limited::new(body, MAX_BODY_BYTES).collect().await {
                Ok(body) => self.call(&parts, &body.to_bytes()),
                // The other error is a client that has gone, and reads no answer.
                Err(_) => coral_error(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "RequestEntityTooLargeException",
                    "a request is at most 16 MiB",
                ),
            },
            _ => not_found(),
        }
    }

    /// Runs the operation that a POST names. The checks have DynamoDB's order.
    ///
    /// The database is called on the runtime's thread. It has one lock, so a pool of threads would only wait for
    /// each other.
    fn call(&self, parts: &Parts, body: &[u8]) -> Response<Full<Bytes>> {
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let content_type = header(CONTENT_TYPE.as_str()).unwrap_or("");
        let content_type = match content_type.split(';').next().unwrap_or("").trim() {
            given if given.eq_ignore_ascii_case(AMZ_JSON) => AMZ_JSON,
            given if given.eq_ignore_ascii_case("application/json") => "application/json",
            "" if body.is_empty() => "application/json",
            _ => return not_found(),
        };
        let fail = |error: &str| {
            let body = format!(r#"{{"__type":"com.amazon.coral.service#{error}"}}"#);
            reply(StatusCode::BAD_REQUEST, content_type, body)
        };
        let Some((name, run)) = header("x-amz-target").and_then(operation::find) else {
            return fail("UnknownOperationException");
        };
        if let Some(error) = auth_material::validate(AuthMaterial {
            authorization: header(AUTHORIZATION.as_str()),
            query: parts.uri.query().unwrap_or(""),
            has_date_header: header("x-amz-date").or(header(DATE.as_str())).is_some(),
        }) {
            return reply(StatusCode::BAD_REQUEST, content_type, error);
        }
        let Ok(body) = std::str::from_utf8(body) else {
            return fail("SerializationException");
        };
        match run(&self.db, body) {
            Ok(answer) => reply(StatusCode::OK, content_type, answer),
            Err(error) => {
                self.failures.report(name, &error);
                let status = StatusCode::from_u16(error.status_code());
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                reply(status, content_type, error.to_json())
            }
        }
    }
}

fn not_found() -> Response<Full<Bytes>> {
    let body = "<UnknownOperationException/>\n".to_owned();
    reply(StatusCode::NOT_FOUND, "application/xml", body)
}

/// An error before any operation runs. `error` and `message` must not need escaping.
fn coral_error(status: StatusCode, error: &str, message: &str) -> Response<Full<Bytes>> {
    let body = format!(r#"{{"__type":"com.amazon.coral.service#{error}","message":"{message}"}}"#);
    reply(status, AMZ_JSON, body)
}

fn reply(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    /// The id distinguishes requests in a log, so a counter is enough.
    static REQUESTS: AtomicU64 = AtomicU64::new(1);

    let request_id = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let crc32 = crc32fast::hash(body.as_bytes());
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("x-amz-crc32", crc32.into());
    if let Ok(request_id) = format!("{request_id:052}").parse() {
        headers.insert("x-amzn-requestid", request_id);
    }
    response
}
