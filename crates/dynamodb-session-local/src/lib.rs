//! A local DynamoDB, for developing and testing with `dynamodb-session`: no account, no Java, no network.
//!
//! A [`LocalEngine`] runs [dynoxide], which implements DynamoDB's operations over SQLite. It has a thread of
//! its own and listens on loopback. Any DynamoDB client can use its URL, with any Region and credentials.
//!
//! ```
//! use dynamodb_session_local::LocalEngine;
//!
//! # fn main() -> Result<(), dynamodb_session_local::Error> {
//! let engine = LocalEngine::builder().start()?;
//! println!("DYNAMODB_ENDPOINT={}", engine.url());
//! engine.stop();
//! # Ok(())
//! # }
//! ```
//!
//! # What it adds to dynoxide
//!
//! * Expired items are deleted: [`Builder::sweep_every`].
//! * Web pages get status 403: every request with an `Origin` header, with the method `OPTIONS`, or with a
//!   `Host` other than loopback (`localhost`, 127.0.0.0/8, `[::1]`). dynoxide's own server lets any page in
//!   the developer's browser read and write the tables.
//! * Errors at the start say what to do. The engine refuses a data file that is open in another engine, or that is
//!   the database of another program.
//! * Failures while it runs, such as a full disk or a failed sweep, are reported on standard error, once for each
//!   reason.
//!
//! # How it differs from DynamoDB
//!
//! It needs a signature in each request, but does not verify it. It never throttles, and its tables are ready
//! at once. For a malformed request, dynoxide's own server repeats DynamoDB's wording. This engine answers
//! with the same status in plainer words, and sometimes with a `ValidationException` instead of a
//! `SerializationException`. A well-formed request gets the same answer from both.
//!
//! SQLite writes and syncs each change to the disk before it is acknowledged.
//!
//! [dynoxide]: https://github.com/nubo-db/dynoxide

#![forbid(unsafe_code)]

mod builder;
mod data_file;
mod error;
mod failure;
mod guard;
mod operation;
mod server;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use dynoxide::Database;
use tokio::sync::oneshot;

pub use builder::Builder;
use data_file::Lock;
pub use error::{Error, ErrorKind};
use failure::Failures;
use server::Server;

/// How long a running sweep may delay a stop. A longer sweep ends afterwards, which is harmless.
const SWEEP_GRACE: Duration = Duration::from_secs(1);

/// A running engine. Dropping it stops it, as [`LocalEngine::stop`] does.
pub struct LocalEngine {
    addr: SocketAddr,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    db: Database,
    /// Released after the database is closed: fields are dropped in order.
    _lock: Option<Lock>,
}

impl LocalEngine {
    /// The default settings: in memory, on any free port of 127.0.0.1.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where clients reach the engine, such as `http://127.0.0.1:8000`, without a slash at the end.
    ///
    /// If the engine listens on all addresses, this is the URL on loopback.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that the engine listens on, with its actual port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether the engine still answers. Without a bug, only [`LocalEngine::stop`] ends it.
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Deletes all expired items now, and returns their number.
    ///
    /// Blocks the calling thread while it reads every item of the tables with a time to live. The engine answers
    /// requests meanwhile. An item whose expiry equals the current second has not expired yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Engine`] if the database fails. Items deleted before the failure stay deleted.
    pub fn sweep(&self) -> Result<usize, Error> {
        self.db.sweep_ttl().map_err(|error| {
            Error::new(
                ErrorKind::Engine,
                format!("the sweep for expired items failed: {error}"),
            )
            .with_source(error)
        })
    }

    /// Stops the engine, and blocks until it has stopped.
    ///
    /// It accepts no new connections, waits up to two seconds for open requests and one second for a sweep, and
    /// then closes the data file.
    pub fn stop(self) {
        drop(self);
    }

    fn launch(
        listener: TcpListener,
        db: Database,
        lock: Option<Lock>,
        sweep_every: Duration,
        allow_remote: bool,
    ) -> Result<Self, Error> {
        let failed = |error: io::Error| {
            Error::new(
                ErrorKind::Engine,
                format!("cannot start the engine's thread: {error}"),
            )
            .with_source(error)
        };
        let addr = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::sync_channel(1);
        let server = Server {
            db: db.clone(),
            allow_remote,
            failures: Failures::default(),
        };
        let thread = thread::Builder::new()
            .name("dynamodb-local".to_owned())
            .spawn(move || run(listener, server, sweep_every, stopped, &ready))
            .map_err(failed)?;
        is_ready
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("it ended early")))
            .map_err(failed)?;
        Ok(Self {
            addr,
            url: format!("http://{}", reachable(addr)),
            stop: Some(stop),
            thread: Some(thread),
            db,
            _lock: lock,
        })
    }
}

impl Drop for LocalEngine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            drop(thread.join());
        }
        // `db` is the last handle: when it is dropped, SQLite checkpoints and closes the file.
    }
}

impl fmt::Debug for LocalEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEngine")
            .field("url", &self.url)
            .field("is_running", &self.is_running())
            .finish_non_exhaustive()
    }
}

/// The engine's thread. It has its own runtime, so that the application's tasks do not wait for writes to the
/// disk, nor these for the tasks.
fn run(
    listener: TcpListener,
    server: Server,
    sweep_every: Duration,
    stopped: oneshot::Receiver<()>,
    ready: &mpsc::SyncSender<io::Result<()>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return drop(ready.send(Err(error))),
        };
        drop(ready.send(Ok(())));
        if !sweep_every.is_zero() {
            let failures = server.failures.clone();
            tokio::spawn(keep_sweeping(server.db.clone(), failures, sweep_every));
        }
        server.serve(listener, stopped).await;
    });
    // Ends the sweeper, and connections that have not finished in time.
    runtime.shutdown_timeout(SWEEP_GRACE);
}

async fn keep_sweeping(db: Database, failures: Failures, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let db = db.clone();
        let swept = tokio::task::spawn_blocking(move || db.sweep_ttl()).await;
        // The next sweep tries again. A panic has been printed already.
        if let Ok(Err(error)) = swept {
            failures.report("the sweep for expired items", &error);
        }
    }
}

/// `addr`, or loopback instead of "all addresses": not every system can connect to the latter.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}
