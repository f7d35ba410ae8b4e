//! A local DynamoDB, for developing and testing with `dynamodb-session`: no account, no Java, no network.
//!
//! A [`LocalEngine`] is [dynoxide], DynamoDB's operations over SQLite, on a thread of its own with a
//! listener on loopback. Any DynamoDB client reaches it by its URL, with any region and credentials.
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
//! * Web pages are refused with 403: a request with an `Origin` header, an `OPTIONS` request, and one
//!   whose `Host` is not loopback (`localhost`, 127.0.0.0/8, `[::1]`). dynoxide's own server lets any
//!   page in the developer's browser read and write the tables.
//! * Errors at the start say what to do. A data file that another engine has open, or that is another program's
//!   database, is refused.
//! * What fails while it runs, such as a sweep or a disk that is full, is told on standard error, once for each
//!   reason.
//!
//! # What it is not
//!
//! It verifies no signatures (though they must be there), never throttles, and its tables are ready at
//! once. Where dynoxide's own server picks apart a mistyped request to repeat DynamoDB's wording, this
//! one answers with the same status in plainer words, and sometimes with a `ValidationException` for a
//! `SerializationException`. A well-formed request gets the same answer from both.
//!
//! SQLite commits each write to the file before it is acknowledged, and syncs it to the disk.
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

/// How long a sweep under way may hold up a stop. It continues behind it, and harms nothing.
const SWEEP_GRACE: Duration = Duration::from_secs(1);

/// A running engine. Dropping it stops it, as [`LocalEngine::stop`] does.
pub struct LocalEngine {
    addr: SocketAddr,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    db: Database,
    /// Given up when the database is closed: fields are dropped in order.
    _lock: Option<Lock>,
}

impl LocalEngine {
    /// Starts from the defaults: in memory, on any free port of 127.0.0.1.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where clients reach the engine, such as `http://127.0.0.1:8000`, without a slash at the end.
    ///
    /// An engine that listens on all addresses is named by the loopback one.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address the engine listens on, with the port it has got.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether the engine still answers. It ends by [`LocalEngine::stop`] alone, unless it has a bug.
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Deletes what has expired, now, and returns how many items that was.
    ///
    /// Blocks the calling thread while it reads every item of the tables with a time to live; requests
    /// are answered in between. An item whose expiry equals the current second is not expired yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Engine`] if the database fails; the items deleted until then stay deleted.
    pub fn sweep(&self) -> Result<usize, Error> {
        self.db.sweep_ttl().map_err(|error| {
            Error::new(
                ErrorKind::Engine,
                format!("the sweep for expired items failed: {error}"),
            )
            .with_source(error)
        })
    }

    /// Stops the engine: no new connections, then up to two seconds for the requests under way, and one
    /// for a sweep; then the data file is put in order and closed.
    ///
    /// Blocks until that is done.
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
            // A panic over there has been reported there.
            drop(thread.join());
        }
        // `db` goes last, and with the last handle SQLite checkpoints the file and closes it.
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

/// The engine's thread. A runtime of its own, so that neither the application's tasks nor a write to
/// the disk wait for the other.
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
    // Ends the sweeper, and the connections that have not finished in time.
    runtime.shutdown_timeout(SWEEP_GRACE);
}

async fn keep_sweeping(db: Database, failures: Failures, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let db = db.clone();
        let swept = tokio::task::spawn_blocking(move || db.sweep_ttl()).await;
        // The next one tries again. A panic has been reported where it happened.
        if let Ok(Err(error)) = swept {
            failures.tell("the sweep for expired items", &error);
        }
    }
}

/// `addr`, or loopback for "all addresses", which one can listen on but not everywhere connect to.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}
