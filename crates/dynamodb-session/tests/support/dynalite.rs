//! dynalite: a second, independent engine, in a Node process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::json;

use crate::local::{Connection, eventually};

/// A running dynalite. It is stopped when it is dropped.
///
/// A client that closes its connection during a request makes dynalite exit. It is then started again on its port, and
/// is empty.
pub(crate) struct Dynalite {
    port: u16,
    running: Arc<Running>,
    keeper: Option<JoinHandle<()>>,
}

struct Running {
    process: Mutex<Child>,
    is_stopped: AtomicBool,
    restarts: AtomicUsize,
}

const LAUNCHER: &str = "
    const [port, createTableMs] = process.argv.slice(1).map(Number);
    const server = require('dynalite')({ createTableMs, updateTableMs: 50, deleteTableMs: 100 });
    server.listen(port, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('end', () => process.exit()).resume();
";

impl Dynalite {
    /// Its tables take 100 ms to become active.
    pub(crate) fn start() -> Self {
        Self::with_creating(Duration::from_millis(100))
    }

    /// Its tables take this long to become active.
    pub(crate) fn with_creating(creating: Duration) -> Self {
        let (process, port) = launch(0, creating);
        let running = Arc::new(Running {
            process: Mutex::new(process),
            is_stopped: AtomicBool::new(false),
            restarts: AtomicUsize::new(0),
        });
        let keeper = {
            let running = Arc::clone(&running);
            thread::spawn(move || running.keep(port, creating))
        };
        Self {
            port,
            running,
            keeper: Some(keeper),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn kill(&self) {
        self.running.process.lock().unwrap().kill().unwrap();
    }

    pub(crate) fn restarts(&self) -> usize {
        self.running.restarts.load(Ordering::SeqCst)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.addr())
    }
}

impl Running {
    /// Starts the process again whenever it has exited, until it is stopped.
    fn keep(&self, port: u16, creating: Duration) {
        while !self.is_stopped.load(Ordering::SeqCst) {
            let mut process = self.process.lock().unwrap();
            // Checked again under the lock, because `drop` holds the lock while it stops the process.
            if !self.is_stopped.load(Ordering::SeqCst) && process.try_wait().unwrap().is_some() {
                *process = launch(port, creating).0;
                self.restarts.fetch_add(1, Ordering::SeqCst);
            }
            drop(process);
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Dynalite {
    fn drop(&mut self) {
        self.running.is_stopped.store(true, Ordering::SeqCst);
        // A panic of the thread has been printed already.
        drop(self.keeper.take().map(JoinHandle::join));
        if let Ok(mut process) = self.running.process.lock() {
            // The process may have exited already.
            drop(process.kill());
            drop(process.wait());
        }
    }
}

fn launch(port: u16, creating: Duration) -> (Child, u16) {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../node");
    assert!(
        package.join("node_modules/dynalite").exists(),
        "dynalite is not installed: run `npm ci` in the folder `node`, or `make test`, which does"
    );
    let mut process = Command::new("node")
        .args([
            "--eval",
            LAUNCHER,
            "--",
            &port.to_string(),
            &creating.as_millis().to_string(),
        ])
        .current_dir(package)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("stdout is piped"))
        .read_line(&mut line)
        .unwrap();
    let port = line.trim().parse().expect("dynalite prints its port");
    (process, port)
}

#[test]
fn a_dynalite_that_exits_is_started_again_on_its_port() {
    let engine = Dynalite::start();
    engine.connection().ok("ListTables", &json!({}));
    engine.kill();
    eventually("dynalite runs again", || engine.restarts() == 1);
    assert_eq!(
        engine.connection().ok("ListTables", &json!({})),
        json!({ "TableNames": [] })
    );
}
