//! A minimal HTTP client, a table for tests, and temporary directories.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than any step takes: a test that hangs fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// Enough for an engine that does not verify signatures.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=00";

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error's name, without its namespace.
    pub(crate) fn error(&self) -> String {
        let name = self.json()["__type"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        name.rsplit('#').next().unwrap_or_default().to_owned()
    }
}

/// One connection, kept alive.
pub(crate) struct Connection {
    addr: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&addr, DEADLINE).expect("the engine accepts");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self {
            addr,
            stream: BufReader::new(stream),
        }
    }

    pub(crate) fn write(&mut self, bytes: &str) {
        self.stream.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    pub(crate) fn read(&mut self) -> Response {
        let status = self.read_line();
        let status = status
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut headers = Vec::new();
        while let Some((key, value)) = self.read_line().split_once(':') {
            headers.push((key.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response {
            status: status.expect("the answer has a status"),
            headers,
            body: String::new(),
        };
        let length = response
            .header("content-length")
            .expect("the answer has a length")
            .parse()
            .unwrap();
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        response.body = String::from_utf8(body).unwrap();
        response
    }

    /// Whether the engine closes the connection, or has closed it.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.stream.read(&mut [0]).is_ok_and(|read| read == 0)
    }

    /// Sends a request with exactly these headers, and a length.
    pub(crate) fn request(
        &mut self,
        start: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut request = format!("{start} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
        for (key, value) in headers {
            request.extend([key, ": ", value, "\r\n"]);
        }
        self.write(&(request + "\r\n" + body));
        self.read()
    }

    /// Calls an operation as a client does, with these headers in addition or instead.
    pub(crate) fn call_with(
        &mut self,
        operation: &str,
        body: &str,
        also: &[(&str, &str)],
    ) -> Response {
        let host = self.addr.to_string();
        let target = format!("DynamoDB_20120810.{operation}");
        let mut headers = vec![
            ("Host", host.as_str()),
            ("Authorization", AUTHORIZATION),
            ("X-Amz-Date", "20260101T000000Z"),
            ("X-Amz-Target", target.as_str()),
            ("Content-Type", "application/x-amz-json-1.0"),
        ];
        headers.retain(|(name, _)| {
            !also
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
        });
        headers.extend(also);
        self.request("POST /", &headers, body)
    }

    pub(crate) fn call(&mut self, operation: &str, body: &Value) -> Response {
        self.call_with(operation, &body.to_string(), &[])
    }

    /// Calls an operation that must succeed.
    pub(crate) fn ok(&mut self, operation: &str, body: &Value) -> Value {
        let response = self.call(operation, body);
        assert_eq!(response.status, 200, "{operation}: {}", response.body);
        response.json()
    }

    /// Creates the table `sessions`, with `expires` for its time to live.
    pub(crate) fn create_table(&mut self) {
        self.ok("CreateTable", &create_table("sessions"));
        self.ok(
            "UpdateTimeToLive",
            &json!({
                "TableName": "sessions",
                "TimeToLiveSpecification": { "AttributeName": "expires", "Enabled": true },
            }),
        );
    }

    /// Puts an item that expires at this second of the epoch.
    pub(crate) fn put(&mut self, id: &str, expires: u64) {
        let item = json!({ "id": { "S": id }, "expires": { "N": expires.to_string() } });
        self.ok("PutItem", &json!({ "TableName": "sessions", "Item": item }));
    }

    /// Whether the item is stored, expired or not.
    pub(crate) fn has(&mut self, id: &str) -> bool {
        let key = json!({ "TableName": "sessions", "Key": { "id": { "S": id } } });
        self.ok("GetItem", &key).get("Item").is_some()
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .expect("an answer within the deadline");
        line.trim_end().to_owned()
    }
}

pub(crate) fn create_table(name: &str) -> Value {
    json!({
        "TableName": name,
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

/// Waits for another thread, and fails at the deadline.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// A new directory, removed at the end.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dynamodb-session-local-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A leftover directory must not hide the failure of a test.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
