//! The binary, an engine, a minimal HTTP client, and temporary directories.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dynamodb_session::options::EncryptionKey;
use serde_json::{Value, json};

/// Longer than anything here takes: a test that hangs fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The binary, without the environment's settings for AWS and its proxies.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dynamodb-session"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let is_proxy = name.to_ascii_lowercase().ends_with("_proxy");
        if name.starts_with("AWS_") || name.starts_with("AMAZON_") || is_proxy {
            command.env_remove(&*name);
        }
    }
    command
        .args(arguments)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .stdin(Stdio::null());
    command
}

/// How a run ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn assert_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        // Results go to standard output, errors to standard error.
        assert_eq!(self.stderr.is_empty(), code == 0, "{self:?}");
        assert_eq!(self.stdout.is_empty(), code != 0, "{self:?}");
        self
    }

    pub(crate) fn ok(self) -> String {
        self.assert_code(0).stdout
    }

    pub(crate) fn fails(self, code: i32) -> String {
        self.assert_code(code).stderr
    }

    pub(crate) fn json(self) -> Value {
        let text = self.ok();
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

pub(crate) fn run(arguments: &[&str]) -> Run {
    finish(&mut command(arguments))
}

pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs it with this standard input.
pub(crate) fn run_with(arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end without reading.
    drop(child.stdin.take().unwrap().write_all(input.as_ref()));
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `dynamodb-session local`, killed at the end.
pub(crate) struct Engine {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: Option<BufReader<ChildStderr>>,
    pub(crate) line: String,
    pub(crate) addr: SocketAddr,
}

impl Engine {
    /// In memory.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_by(command(&["local", "--port", "0"]).args(arguments))
    }

    /// By a command that replaces itself with the engine.
    pub(crate) fn start_by(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line
            .split(' ')
            .find_map(|word| word.strip_prefix("http://"));
        let addr = url
            .unwrap_or_else(|| panic!("no URL in {line:?}"))
            .parse()
            .unwrap();
        Self {
            stderr: child.stderr.take().map(BufReader::new),
            child,
            stdout: Some(stdout),
            line,
            addr,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The flags that connect to it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let url = self.url();
        run(&with_endpoint(arguments, &url))
    }

    pub(crate) fn run_with(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
        let url = self.url();
        run_with(&with_endpoint(arguments, &url), input)
    }

    pub(crate) fn call(&self, operation: &str, body: &Value) -> Value {
        let (status, answer) = Connection::open(self.addr)
            .unwrap()
            .call(operation, body)
            .unwrap();
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// A session as the legacy package stores one, with `created`.
    pub(crate) fn put_session(&self, id: &str, expires: u64) {
        let item = json!({
            "sessionId": { "S": id },
            "expires": { "N": expires.to_string() },
            "created": { "N": "1767225600000" },
            "session": { "M": { "name": { "S": "Zoë" }, "views": { "N": "12345678901234567890123" } } },
        });
        self.call("PutItem", &json!({ "TableName": "sessions", "Item": item }));
    }

    pub(crate) fn has_item(&self, id: &str) -> bool {
        let request = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": id } } });
        self.call("GetItem", &request).get("Item").is_some()
    }

    /// Whether a session was here and has been deleted.
    pub(crate) fn has_tombstone(&self, id: &str) -> bool {
        let request = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": id } } });
        self.call("GetItem", &request)["Item"]["gone"].is_object()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard error, if it is piped.
    pub(crate) fn stderr_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// The rest of standard error, once it has ended.
    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        let stderr = self.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut text).unwrap();
        text
    }

    /// Sends a signal by its name, such as `TERM`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Waits for its end. Returns the status and what it wrote after the first line.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let mut status = None;
        eventually("the engine ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let mut rest = String::new();
        if let Some(mut stdout) = self.stdout.take() {
            stdout.read_to_string(&mut rest).unwrap();
        }
        (status.unwrap(), rest)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn with_endpoint<'a>(arguments: &[&'a str], url: &'a str) -> Vec<&'a str> {
    [arguments, &["--region", "local", "--endpoint-url", url]].concat()
}

/// HTTP over a socket, without a DynamoDB client in between.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The answer's status and body, if all of it came.
    pub(crate) fn call(&mut self, operation: &str, body: &Value) -> io::Result<(u16, Value)> {
        let body = body.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
             Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n\
             X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=dummy/20260101/local/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature=0\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let status = status
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut length = 0;
        while let Some((name, value)) = self.line()?.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((
            status.ok_or(io::ErrorKind::InvalidData)?,
            serde_json::from_slice(&body)?,
        ))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line)
    }
}

/// A server that gives this answer to every request, for cases that no engine can be made to answer.
pub(crate) fn answering(status: &'static str, body: &'static str) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // The client may close the connection.
            drop(stream.and_then(|stream| answer(stream, status, body)));
        }
    });
    addr
}

fn answer(stream: TcpStream, status: &str, body: &str) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])?;
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    reader.get_mut().write_all(answer.as_bytes())
}

/// Waits for another process, and fails at the deadline.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// A key as `keys generate` prints it.
pub(crate) fn key_of(json: &Value) -> EncryptionKey {
    let [id, key] = ["id", "key"].map(|name| json[name].as_str().unwrap());
    EncryptionKey::from_base64(id, key).unwrap()
}

/// A directory of its own, removed at the end.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!(
            "dynamodb-session-cli-{}-{count}",
            std::process::id()
        ));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).into_os_string().into_string().unwrap()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A leftover directory must not hide the failure of a test.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A pseudo-terminal: the user's end, and the end for a process.
#[cfg(unix)]
pub(crate) fn terminal() -> (impl std::os::fd::AsFd, Stdio) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
    let process = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(name)
        .unwrap();
    (person, process.into())
}
