//! The bytes of HTTP answers, sent over a socket to the real client.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use dynamodb_session::options::{ConnectionOptions, RetryOptions};
use dynamodb_session::{ErrorKind, NewSession, SessionId, SessionStore, SessionText};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;

use crate::item::contains;
use crate::world::{SECRET, id, later};

/// Separates the answers of a connection to one request and to the next.
const NEXT: &[u8] = b"\n---\n";

/// Longer than any answer takes, even on a busy machine: every connection is closed before.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// Takes the answer to the first request of a connection, a line `---`, the answer to its second request, and so on.
/// Then the connection is closed. Every connection gives the same answers.
pub fn http(input: &[u8]) {
    let url = Peer::server(parts(input));
    let store = SessionStore::builder()
        .region("eu-central-1")
        .endpoint_url(url)
        .credentials_provider(Credentials::new("key", "5ecret-key", None, None, "fuzz"))
        .retry_options(
            RetryOptions::default()
                .max_attempts(2)
                .base_backoff(Duration::ZERO)
                .operation_timeout(TIMEOUT),
        )
        .connection_options(
            ConnectionOptions::default()
                .connect_timeout(TIMEOUT)
                .first_byte_timeout(TIMEOUT),
        )
        .build()
        .unwrap();
    on_the_network(async {
        let session = NewSession::new(id(), SessionText::Json("{}".to_owned())).expires_at(later());
        let outcomes = [
            store.load::<SessionText>(&id()).await.map(drop),
            store.put(&session).await.map(drop),
            store.delete(&SessionId::new("other").unwrap()).await,
        ];
        for outcome in outcomes {
            match outcome {
                Ok(()) => {
                    // Hyper accepts several forms of status line, which all begin like this.
                    assert!(
                        contains(input, "HTTP/1"),
                        "a success without an HTTP answer"
                    );
                }
                Err(error) => {
                    let shown = format!("{error} {error:?}");
                    for secret in [SECRET, "5ecret-key"] {
                        assert!(
                            !shown.contains(secret) || contains(input, secret),
                            "{secret}"
                        );
                    }
                    assert_ne!(
                        error.kind(),
                        ErrorKind::Timeout,
                        "the connection was closed"
                    );
                }
            }
        }
    });
}

fn parts(input: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    let mut rest = input;
    while let Some(&byte) = rest.first() {
        if rest.starts_with(NEXT) {
            rest = &rest[NEXT.len()..];
            parts.push(Vec::new());
        } else {
            rest = &rest[1..];
            parts.last_mut().unwrap().push(byte);
        }
    }
    parts
}

thread_local! {
    /// One thread for both sides, so that no input costs a switch between threads.
    static RUNTIME: Runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    /// One listener for all inputs, because ports would run out.
    static PEER: Peer = Peer::listen();
}

/// The output of a future that connects to a [`Peer`].
pub(crate) fn on_the_network<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// The server: reads requests, and gives the answers of its script.
pub(crate) struct Peer {
    url: String,
    script: Arc<Mutex<Script>>,
}

/// The answers of each connection, until another script replaces them.
#[derive(Clone, Default)]
struct Script {
    /// Whether the first request asks for a tunnel.
    is_proxy: bool,
    answers: Vec<Vec<u8>>,
    /// The heads of the requests.
    heads: Heads,
}

/// The heads of the requests that were received, in order.
pub(crate) type Heads = Arc<Mutex<Vec<String>>>;

impl Peer {
    /// Starts to give these answers. Returns the server's URL.
    fn server(answers: Vec<Vec<u8>>) -> String {
        Self::follow(Script {
            answers,
            ..Script::default()
        })
    }

    /// A proxy that opens every tunnel, and gives this answer inside.
    pub(crate) fn proxy(answer: Vec<u8>) -> (String, Heads) {
        let heads = Heads::default();
        let url = Self::follow(Script {
            is_proxy: true,
            answers: vec![answer],
            heads: Arc::clone(&heads),
        });
        (url, heads)
    }

    fn follow(script: Script) -> String {
        PEER.with(|peer| {
            *peer.script.lock().unwrap() = script;
            peer.url.clone()
        })
    }

    fn listen() -> Self {
        let listener = on_the_network(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script: Arc<Mutex<Script>> = Arc::default();
        let current = Arc::clone(&script);
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = current.lock().unwrap().clone();
                tokio::spawn(async move {
                    // The client notices if the connection breaks.
                    let _ = script.play(BufReader::new(stream)).await;
                });
            }
        };
        RUNTIME.with(|runtime| runtime.spawn(accept));
        Self { url, script }
    }
}

impl Script {
    async fn play(self, mut stream: BufReader<TcpStream>) -> io::Result<()> {
        stream.get_ref().set_nodelay(true)?;
        if self.is_proxy {
            self.read(&mut stream).await?;
            let opened = b"HTTP/1.1 200 Connection established\r\n\r\n";
            stream.write_all(opened).await?;
            let is_tls = stream.fill_buf().await?.first() == Some(&0x16);
            if is_tls {
                return Ok(());
            }
        }
        let mut patience = TIMEOUT;
        for answer in &self.answers {
            timeout(patience, self.read(&mut stream)).await??;
            stream.write_all(answer).await?;
            // A client that waits for the rest of this answer sends no further request.
            patience = IMPATIENCE;
        }
        Ok(())
    }

    async fn read(&self, stream: &mut BufReader<TcpStream>) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_until(b'\n', &mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let head = String::from_utf8(head).expect("the head is ASCII");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().unwrap());
        self.heads.lock().unwrap().push(head);
        tokio::io::copy(&mut stream.take(length), &mut tokio::io::sink()).await?;
        Ok(())
    }
}

const IMPATIENCE: Duration = Duration::from_millis(5);
