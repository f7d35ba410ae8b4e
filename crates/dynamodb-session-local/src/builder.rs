//! The settings of an engine, and their checks before it starts.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynoxide::Database;
use dynoxide::storage_backend::Clock;

use crate::data_file::{self, Lock};
use crate::{Error, ErrorKind, LocalEngine};

type Now = dyn Fn() -> SystemTime + Send + Sync;

/// Configures a [`LocalEngine`]; made by [`LocalEngine::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use dynamodb_session_local::LocalEngine;
///
/// # fn main() -> Result<(), dynamodb_session_local::Error> {
/// let engine = LocalEngine::builder()
///     .port(0)
///     .sweep_every(Duration::from_secs(1))
///     .start()?;
/// assert!(engine.is_running());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    host: IpAddr,
    port: u16,
    data_file: Option<PathBuf>,
    sweep_every: Duration,
    allow_remote: bool,
    clock: Option<Arc<Now>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            data_file: None,
            sweep_every: Duration::from_secs(10),
            allow_remote: false,
            clock: None,
        }
    }
}

impl Builder {
    /// The address to listen on; 127.0.0.1 by default.
    ///
    /// Any other address than loopback needs [`Builder::allow_remote`] too.
    pub fn host(mut self, host: impl Into<IpAddr>) -> Self {
        self.host = host.into();
        self
    }

    /// The TCP port to listen on. The default, 0, chooses any free port: see [`LocalEngine::addr`].
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Keeps the tables in this file instead of in memory. While the engine runs, files with `-wal`, `-shm` and
    /// `-lock` after the name stand beside it. One engine at a time can use the file.
    ///
    /// The file is created if it is missing, readable by its owner only where the system has such
    /// permissions. Its directory must exist. An acknowledged write survives the death of the process.
    pub fn data_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_file = Some(path.into());
        self
    }

    /// The pause between two sweeps for expired items; 10 seconds by default.
    ///
    /// A failed sweep is reported on standard error, once for each reason, and repeated after the pause.
    ///
    /// With zero, only [`LocalEngine::sweep`] sweeps. DynamoDB itself takes up to days to delete an expired
    /// item, so code must not rely on the deletion.
    pub fn sweep_every(mut self, interval: Duration) -> Self {
        self.sweep_every = interval;
        self
    }

    /// Allows a host other than loopback, and requests with another `Host`; `false` by default.
    ///
    /// The engine does not verify signatures, so anyone who reaches it can read and write all data. Use it in
    /// containers whose network keeps others out. Requests of web pages are still refused.
    pub fn allow_remote(mut self, allow: bool) -> Self {
        self.allow_remote = allow;
        self
    }

    /// Uses `now` instead of the system's clock to find expired items. For tests, and without a data file only.
    ///
    /// Times are compared in whole seconds, as DynamoDB's time to live does. The pause between sweeps is still
    /// measured with the system's clock.
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(now));
        self
    }

    /// Starts the engine. It answers requests when this returns.
    ///
    /// # Errors
    ///
    /// * [`ErrorKind::Config`] if the host is not loopback and [`Builder::allow_remote`] is not set, or if a clock and
    ///   a data file are both set.
    /// * [`ErrorKind::AddressInUse`] and [`ErrorKind::Bind`] if the engine cannot listen on the address.
    /// * [`ErrorKind::DataFile`] if the file cannot be opened for writing, is not a database of this engine, or is
    ///   open in another engine.
    /// * [`ErrorKind::Engine`] if the system refuses a thread.
    pub fn start(self) -> Result<LocalEngine, Error> {
        if !self.host.is_loopback() && !self.allow_remote {
            let message = format!(
                "refusing to listen on {}: the engine does not verify signatures, so anyone who reaches it can \
                 read and write all data; listen on 127.0.0.1, or allow remote clients explicitly",
                self.host
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        // The address comes before the file: a failed start must not leave a new file behind.
        let listener = self.listen()?;
        let (db, lock) = self.open()?;
        LocalEngine::launch(listener, db, lock, self.sweep_every, self.allow_remote)
    }

    fn listen(&self) -> Result<TcpListener, Error> {
        let address = SocketAddr::new(self.host, self.port);
        let listener = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        listener.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => Error::new(
                ErrorKind::AddressInUse,
                format!(
                    "cannot listen on {address}: another program does; stop it, or choose another port \
                     (port 0, `--port 0` on the command line, chooses any free port)"
                ),
            )
            .with_source(error),
            _ => Error::new(ErrorKind::Bind, format!("cannot listen on {address}: {error}"))
                .with_source(error),
        })
    }

    fn open(&self) -> Result<(Database, Option<Lock>), Error> {
        let db = match (&self.data_file, &self.clock) {
            (None, None) => Database::memory(),
            (None, Some(now)) => {
                Database::memory_with_clock(Arc::new(InjectedClock(Arc::clone(now))))
            }
            (Some(path), None) => {
                let (db, lock) = data_file::open(path)?;
                return Ok((db, Some(lock)));
            }
            (Some(_), Some(_)) => {
                let message =
                    "a data file and a clock cannot be set together: leave out one of them";
                return Err(Error::new(ErrorKind::Config, message));
            }
        };
        let db = db.map_err(|error| {
            let message = format!("cannot create the database in memory: {error}");
            Error::new(ErrorKind::Engine, message).with_source(error)
        })?;
        Ok((db, None))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("data_file", &self.data_file)
            .field("sweep_every", &self.sweep_every)
            .field("allow_remote", &self.allow_remote)
            .field("clock", &self.clock.as_ref().map(|_| "injected"))
            .finish()
    }
}

struct InjectedClock(Arc<Now>);

impl InjectedClock {
    fn since_epoch(&self) -> Duration {
        (self.0)().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl Clock for InjectedClock {
    fn now_unix_secs(&self) -> u64 {
        self.since_epoch().as_secs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.since_epoch().as_secs_f64()
    }
}
