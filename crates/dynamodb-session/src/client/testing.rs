//! What the client's unit tests share: settings, and a server that answers from a script.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::config::ClientConfig;
use super::environment::Environment;
use crate::clock::{ManualClock, ServiceClock};
use crate::request::Operation;
use crate::transport::Request;

/// The default settings, in an environment of only these variables.
pub(super) fn config(variables: &[(&str, &str)]) -> ClientConfig {
    let clock = ManualClock::new(UNIX_EPOCH + Duration::from_hours(500_000));
    ClientConfig {
        environment: environment(variables),
        ..ClientConfig::new(ServiceClock::new(Arc::new(clock), 0))
    }
}

/// An environment of only these variables.
pub(super) fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter();
    variables
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// What a scripted server does with the next request of a connection.
pub(super) enum Act {
    Answer(String),
    /// The answer's bytes and, after a moment, the end of the connection.
    AnswerAndClose(String),
    Close,
    Hang,
}

/// A request a scripted server received.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) connection: usize,
    pub(super) first_line: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

/// Serves connections by their scripts; with none left, answers `{}`.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub(super) async fn start(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            let mut scripts = scripts.into_iter();
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let script = scripts.next().unwrap_or_default();
                let server = accepting.clone();
                tokio::spawn(async move { server.serve(connection, stream, script).await });
            }
        });
        server
    }

    pub(super) async fn serve(
        &self,
        connection: usize,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        script: Vec<Act>,
    ) {
        let mut script = script.into_iter();
        while let Some(request) = read_request(connection, &mut stream).await {
            self.received.lock().unwrap().push(request);
            match script.next().unwrap_or_else(|| Act::Answer(ok("{}"))) {
                Act::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                Act::AnswerAndClose(answer) => {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    return;
                }
                Act::Close => return,
                Act::Hang => std::future::pending().await,
            }
        }
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Which connection each request came over.
    pub(super) fn connections(&self) -> Vec<usize> {
        self.received()
            .iter()
            .map(|request| request.connection)
            .collect()
    }

    /// Waits until so many requests have come.
    pub(super) async fn has_received(&self, count: usize) {
        while self.received().len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn read_request(
    connection: usize,
    stream: &mut (impl AsyncRead + Unpin),
) -> Option<Received> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes).unwrap();
    let mut lines = head.lines();
    let first_line = lines.next().unwrap().to_owned();
    let headers: HashMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received {
        connection,
        first_line,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}

pub(super) fn response(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Any\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

pub(super) fn ok(body: &str) -> String {
    response(200, "", body)
}

/// 2027-01-15T08:00:00Z.
pub(super) fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(500_000)
}

/// A client of `server` and the clock it lives by.
pub(super) fn client_config(server: &Server) -> (ClientConfig, ManualClock) {
    let clock = ManualClock::new(start());
    let variables = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
    ];
    let config = ClientConfig {
        endpoint_url: Some(format!("http://{}", server.address)),
        clock: ServiceClock::new(Arc::new(clock.clone()), 0),
        ..config(&variables)
    };
    (config, clock)
}

pub(super) fn request() -> Request {
    Request {
        operation: Operation::GetItem,
        body: Bytes::from_static(b"{\"a\":\"\xc3\xa9\"}"),
        timeout: Duration::from_secs(5),
    }
}
