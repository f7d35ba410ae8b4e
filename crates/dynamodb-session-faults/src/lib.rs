//! A `DynamoDB` that fails as scripted: for the tests of `dynamodb-session`, over real TCP and TLS.
//!
//! A [`FaultServer`] verifies the signature of each request and then follows the next [`Step`] of its script. A
//! real engine, in memory, executes the requests: if a script loses the answer to a write, the write has really
//! happened. Requests to KMS are answered by an imitation of it, at the same URLs, with the keys of [`KMS_KEYS`].
//!
//! ```
//! use dynamodb_session_faults::{FaultServer, Step};
//!
//! # fn main() -> std::io::Result<()> {
//! let server = FaultServer::start()?;
//! server.script([Step::error("ThrottlingException"), Step::ResetAfter]);
//! println!("DYNAMODB_ENDPOINT={} AWS_SECRET_ACCESS_KEY={}", server.urls().http, dynamodb_session_faults::SECRET);
//! # Ok(())
//! # }
//! ```
//!
//! Tests in other languages run the binary `fault-server` and control it with lines of JSON.

#![forbid(unsafe_code)]

mod answer;
mod connection;
mod http;
mod kms;
mod script;
mod signature;
mod step;
mod tls;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dynamodb_session_local::LocalEngine;
use serde::Serialize;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use connection::Connection;
pub use kms::KEYS as KMS_KEYS;
use kms::Kms;
use script::Shared;
pub use script::{Entry, Log};
pub use step::Step;

/// The secret access key of every signature. The access key id can be any.
pub const SECRET: &str = "faults/secret+access=key";

/// The URLs of the endpoints. They share one script and one log.
#[derive(Debug, Clone, Serialize)]
pub struct Urls {
    /// Answers as scripted.
    pub http: String,
    /// Answers as scripted, over TLS. The certificate is for `localhost` and 127.0.0.1, of the authority [`FaultServer::ca`].
    pub https: String,
    /// Its certificate has expired.
    pub https_expired: String,
    /// Its certificate is another host's.
    pub https_wrong_host: String,
    /// Its certificate is from an unknown authority.
    pub https_unknown_ca: String,
    /// Accepts connections, and never sends a byte.
    pub https_stalled: String,
    /// Refuses connections.
    pub refused: String,
    /// Its name does not resolve. It is too long for a query, so no name server is asked.
    pub unresolvable: String,
    /// The engine itself: without faults, and without checks of signatures.
    pub engine: String,
}

/// A running server. It ends when it is dropped.
#[derive(Debug)]
pub struct FaultServer {
    urls: Urls,
    ca: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _engine: LocalEngine,
}

impl FaultServer {
    /// Starts on free ports of 127.0.0.1, with an empty engine and an empty script.
    ///
    /// # Errors
    ///
    /// The system's error if it has no free port or no thread left.
    pub fn start() -> io::Result<Self> {
        let engine = LocalEngine::builder().sweep_every(Duration::ZERO);
        let engine = engine.start().map_err(io::Error::other)?;
        let kms = Kms::new().map_err(|error| io::Error::other(error.to_string()))?;
        let shared = Arc::new(Shared::new(engine.addr(), kms));
        let certificates = tls::Certificates::new().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listeners = {
            let _entered = runtime.enter();
            Listeners::bind()?
        };
        let urls = listeners.urls(engine.url())?;
        let (stop, stopped) = oneshot::channel::<()>();
        let of_thread = Arc::clone(&shared);
        let ca = certificates.ca.clone();
        let thread = thread::Builder::new()
            .name("faults".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let _idle = listeners.serve(certificates, &of_thread);
                    // Nothing is ever sent: the wait ends when the server is dropped.
                    let _ = stopped.await;
                });
            })?;
        Ok(Self {
            urls,
            ca,
            shared,
            stop: Some(stop),
            thread: Some(thread),
            _engine: engine,
        })
    }

    /// The URLs of its endpoints.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// The authority of [`Urls::https`], as PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Sets the script: one step for each of the next requests. Replaces the rest of the previous script.
    pub fn script(&self, steps: impl IntoIterator<Item = Step>) {
        self.shared.script(steps.into_iter().collect());
    }

    /// Sets the step of all requests after the script; [`Step::Pass`] by default. Removes the steps of [`FaultServer::on`].
    pub fn default(&self, step: Step) {
        self.shared.default(step);
    }

    /// Sets the step of this operation after the script.
    pub fn on(&self, operation: impl Into<String>, step: Step) {
        self.shared.on(operation.into(), step);
    }

    /// The requests since the last call, and the number of steps that are left.
    pub fn log(&self) -> Log {
        self.shared.log()
    }

    /// Waits until the log has this many requests.
    pub async fn received(&self, count: u64) {
        self.shared.received(count).await;
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.shared.open_connections()
    }

    /// Waits until no connection is open.
    pub async fn connections_closed(&self) {
        self.shared.connections_closed().await;
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            drop(thread.join());
        }
    }
}

struct Listeners {
    http: TcpListener,
    https: TcpListener,
    https_expired: TcpListener,
    https_wrong_host: TcpListener,
    https_unknown_ca: TcpListener,
    https_stalled: TcpListener,
    /// Bound but not listening: the port is reserved, and refuses connections.
    refused: TcpSocket,
}

impl Listeners {
    fn bind() -> io::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listen = || {
            let listener = std::net::TcpListener::bind(any)?;
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        let refused = TcpSocket::new_v4()?;
        refused.bind(any)?;
        Ok(Self {
            http: listen()?,
            https: listen()?,
            https_expired: listen()?,
            https_wrong_host: listen()?,
            https_unknown_ca: listen()?,
            https_stalled: listen()?,
            refused,
        })
    }

    fn urls(&self, engine: &str) -> io::Result<Urls> {
        let https = |listener: &TcpListener| {
            Ok::<_, io::Error>(format!("https://{}", listener.local_addr()?))
        };
        Ok(Urls {
            http: format!("http://{}", self.http.local_addr()?),
            https: https(&self.https)?,
            https_expired: https(&self.https_expired)?,
            https_wrong_host: https(&self.https_wrong_host)?,
            https_unknown_ca: https(&self.https_unknown_ca)?,
            https_stalled: https(&self.https_stalled)?,
            refused: format!("http://{}", self.refused.local_addr()?),
            unresolvable: format!("http://{}.invalid", "x".repeat(64)),
            engine: engine.to_owned(),
        })
    }

    /// Returns the sockets that must stay open, although nothing is served there.
    fn serve(
        self,
        certificates: tls::Certificates,
        shared: &Arc<Shared>,
    ) -> (TcpListener, TcpSocket) {
        for (listener, tls) in [
            (self.http, None),
            (self.https, Some(certificates.good)),
            (self.https_expired, Some(certificates.expired)),
            (self.https_wrong_host, Some(certificates.wrong_host)),
            (self.https_unknown_ca, Some(certificates.unknown_ca)),
        ] {
            tokio::spawn(accept(listener, tls, Arc::clone(shared)));
        }
        (self.https_stalled, self.refused)
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _peer)) = listener.accept().await else {
            // Most likely there is no file descriptor left.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Parts of an answer must arrive separately.
        let _ = stream.set_nodelay(true);
        let (tls, opened) = (tls.clone(), shared.opened());
        tokio::spawn(async move {
            // Broken connections are the purpose of this server.
            let _ = match tls {
                None => Connection::new(stream, opened).serve().await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => Connection::new(stream, opened).serve().await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}
