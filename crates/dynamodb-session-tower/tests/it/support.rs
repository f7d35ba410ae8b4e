//! A local engine whose items the tests can inspect, and a browser. The tests of the actix adapter use them too.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, UNIX_EPOCH};

use dynamodb_session::clock::{Clock, ManualClock};
use dynamodb_session::options::{ConnectionOptions, RetryOptions};
use dynamodb_session::table::TableSettings;
use dynamodb_session::transport::{Request, Response, Transport, TransportFuture};
use dynamodb_session::{Builder, Operation, SessionStore};
use dynamodb_session_local::LocalEngine;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Longer than any step takes: a step that hangs fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Complete enough for an engine that does not verify signatures.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=00";

/// An engine whose clock only a test advances. The clock starts at the current second, because frameworks read the
/// system's clock.
pub(crate) struct World {
    engine: LocalEngine,
    pub(crate) clock: ManualClock,
}

impl World {
    pub(crate) fn new() -> Self {
        let now = UNIX_EPOCH.elapsed().unwrap();
        let clock = ManualClock::new(UNIX_EPOCH + Duration::from_secs(now.as_secs()));
        let of_engine = clock.clone();
        let engine = LocalEngine::builder()
            .sweep_every(Duration::ZERO)
            .clock(move || of_engine.now());
        let engine = engine.start().unwrap();
        Self { engine, clock }
    }

    pub(crate) fn builder(&self) -> Builder {
        SessionStore::builder()
            .region("local")
            .endpoint_url(self.engine.url())
            .clock(self.clock.clone())
            // The engine's answers are dated by the system's clock.
            .connection_options(ConnectionOptions::default().correct_clock_skew(false))
            // A second attempt would wait forever: its pause is on a clock that stands still.
            .retry_options(RetryOptions::default().max_attempts(1))
    }

    /// A store with default settings. Creates its table.
    pub(crate) fn sessions(&self) -> SessionStore {
        open(self.builder())
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.engine.addr()
    }

    /// Stops the engine: every later request fails.
    pub(crate) fn stop(self) {
        self.engine.stop();
    }

    pub(crate) fn call(&self, operation: &str, body: &Value) -> Value {
        let (status, body) = call(self.addr(), operation, &body.to_string());
        assert_eq!(status, 200, "{operation}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The sessions and the tombstones of a table, expired or not.
    fn scan(&self, table: &str) -> (Vec<Value>, Vec<Value>) {
        let found = self.call("Scan", &json!({ "TableName": table }));
        let items = found["Items"].as_array().unwrap().iter().cloned();
        items.partition(|item| item["gone"].is_null())
    }

    /// The items of a table that are sessions, expired or not.
    pub(crate) fn items_of(&self, table: &str) -> Vec<Value> {
        self.scan(table).0
    }

    pub(crate) fn items(&self) -> Vec<Value> {
        self.items_of("sessions")
    }

    /// How many sessions have been deleted.
    pub(crate) fn tombstones(&self) -> usize {
        self.scan("sessions").1.len()
    }

    pub(crate) fn put_item(&self, table: &str, item: &Value) {
        self.call("PutItem", &json!({ "TableName": table, "Item": item }));
    }
}

/// A store, with its table created.
pub(crate) fn open(builder: Builder) -> SessionStore {
    let store = builder.build().unwrap();
    let created = async {
        let settings = TableSettings::default();
        store.table().create_if_missing(&settings).await
    };
    block_on(created).unwrap();
    store
}

/// Runs a future to its end on a thread of its own, so that it also works inside another runtime.
pub(crate) fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> T {
    let run = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(future)
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap())
}

/// Calls an engine directly, without a store. Returns the status and the body.
pub(crate) fn call(engine: SocketAddr, operation: &str, body: &str) -> (u16, String) {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {engine}\r\nAuthorization: {AUTHORIZATION}\r\n\
         X-Amz-Date: 20260101T000000Z\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let answer = exchange(engine, &(head + body));
    (answer.status, answer.body)
}

/// A [`Transport`] to an engine that refuses the next `taken` new ids, as if they existed.
#[derive(Debug)]
pub(crate) struct Crowded {
    pub(crate) engine: SocketAddr,
    pub(crate) taken: AtomicUsize,
}

impl Transport for Crowded {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        let fewer = |taken: usize| taken.checked_sub(1);
        let is_taken = request.operation == Operation::PutItem
            && self
                .taken
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
                .is_ok();
        let (status, body) = if is_taken {
            let refusal = json!({
                "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                "message": "The conditional request failed",
            });
            (400, refusal.to_string())
        } else {
            let body = std::str::from_utf8(&request.body).unwrap();
            call(self.engine, request.operation.name(), body)
        };
        let response = Response::new(status, body);
        Box::pin(async { Ok(response) })
    }
}

/// An answer to a browser.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

fn exchange(addr: SocketAddr, request: &str) -> Page {
    let mut stream = TcpStream::connect_timeout(&addr, DEADLINE).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .expect("the answer is complete");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| line.split_once(':'));
    Page {
        status: status.and_then(|status| status.parse().ok()).unwrap(),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

/// A visitor's browser. Each request has a connection of its own.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    addr: SocketAddr,
    /// The session cookie, as `name=value`. There are no other cookies.
    pub(crate) cookie: Option<String>,
}

impl Browser {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, cookie: None }
    }

    pub(crate) fn get(&mut self, path: &str) -> Page {
        let cookie = self.cookie.as_deref();
        let cookie = cookie.map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
        let page = exchange(
            self.addr,
            &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookie}Connection: close\r\n\r\n"),
        );
        for (name, value) in &page.headers {
            if name == "set-cookie" {
                let is_removal = value.contains("Max-Age=0");
                let cookie = value.split(';').next().unwrap_or_default();
                self.cookie = (!is_removal).then(|| cookie.to_owned());
            }
        }
        page
    }

    /// The body of a page, which must have the status 200.
    pub(crate) fn read(&mut self, path: &str) -> String {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{path}: {page:?}");
        page.body
    }
}

/// Slow requests wait here after they have loaded their session, until a test lets them through.
#[derive(Debug)]
pub(crate) struct Gate {
    arrived: mpsc::Sender<()>,
    open: Semaphore,
}

impl Gate {
    /// The receiver gets a message for each request that arrives.
    pub(crate) fn new() -> (Self, mpsc::Receiver<()>) {
        let (arrived, arrivals) = mpsc::channel();
        let open = Semaphore::new(0);
        (Self { arrived, open }, arrivals)
    }

    pub(crate) async fn pass(&self) {
        self.arrived.send(()).unwrap();
        self.open.acquire().await.unwrap().forget();
    }
}

/// A request that waits at the gate.
pub(crate) struct Slow<'a> {
    gate: &'a Gate,
    request: JoinHandle<(Browser, Page)>,
}

impl<'a> Slow<'a> {
    /// Returns when the request has arrived at the gate.
    pub(crate) fn start(
        gate: &'a Gate,
        arrivals: &mpsc::Receiver<()>,
        browser: &Browser,
        path: &'static str,
    ) -> Self {
        let mut browser = browser.clone();
        let request = thread::spawn(move || {
            let page = browser.get(path);
            (browser, page)
        });
        arrivals
            .recv_timeout(DEADLINE)
            .expect("the request arrives");
        Self { gate, request }
    }

    /// Lets one request through: the first one, if several wait.
    pub(crate) fn let_through(&self) {
        self.gate.open.add_permits(1);
    }

    /// Waits for the end of the request. Returns its browser and its page.
    pub(crate) fn end(self) -> (Browser, Page) {
        self.request.join().unwrap()
    }

    /// Lets the request through and waits for its end, which must be a success. Returns its browser.
    pub(crate) fn finish(self) -> Browser {
        self.let_through();
        let (browser, page) = self.end();
        assert_eq!(page.status, 200, "{page:?}");
        browser
    }
}

/// An example of this package, running until it is dropped.
pub(crate) struct Example(Child);

impl Example {
    /// Starts the program that `cargo test` has built, on a free port, and reads the address it prints.
    pub(crate) fn start(name: &str) -> (Self, SocketAddr) {
        // The tests are in `target/*/deps`, the examples in `target/*/examples`.
        let mut path: PathBuf = std::env::current_exe().unwrap();
        path.pop();
        path.pop();
        path.extend([
            "examples",
            &format!("{name}{}", std::env::consts::EXE_SUFFIX),
        ]);
        assert!(
            path.exists(),
            "the example is not built: run `cargo test` without `--test`, or `cargo build --examples`"
        );
        let mut program = Command::new(path)
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = program.stdout.take().expect("stdout is piped");
        let example = Self(program);
        let (sender, line) = mpsc::channel();
        thread::spawn(move || {
            let mut line = Vec::new();
            let mut byte = [0];
            while output.read(&mut byte).is_ok_and(|read| read == 1) && byte != *b"\n" {
                line.extend(byte);
            }
            sender.send(String::from_utf8(line).unwrap())
        });
        let line = line
            .recv_timeout(DEADLINE)
            .expect("the example prints its address");
        let addr = line.strip_prefix("http://").unwrap_or(&line).trim().parse();
        (
            example,
            addr.unwrap_or_else(|error| panic!("{error}: {line:?}")),
        )
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The requests that a store sends during `spend`, by operation, and their capacity units.
pub(crate) fn spent(store: &SessionStore, spend: impl FnOnce()) -> (Vec<(&'static str, u64)>, f64) {
    let before = store.stats();
    spend();
    let after = store.stats();
    let of = |operation| {
        let mut operations = before.operations.iter();
        let found = operations.find(|before| before.operation == operation);
        found.map_or(0, |before| before.requests)
    };
    let requests = after
        .operations
        .iter()
        .map(|now| (now.operation.name(), now.requests - of(now.operation)))
        .filter(|(_, requests)| *requests > 0)
        .collect();
    (requests, after.capacity_units - before.capacity_units)
}
