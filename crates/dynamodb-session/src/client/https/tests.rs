use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{SharedCredentialsProvider, future};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::endpoint::tests::config;
use super::super::retry::{Client, RetryPolicy};
use super::*;
use crate::clock::ManualClock;
use crate::request::Operation;

/// What a scripted server does with the next request of a connection.
pub(in crate::client) enum Act {
    Answer(String),
    /// The answer's bytes and, after a moment, the end of the connection.
    AnswerAndClose(String),
    Close,
    Hang,
}

/// A request a scripted server received.
#[derive(Debug, Clone)]
pub(in crate::client) struct Received {
    pub(in crate::client) connection: usize,
    pub(in crate::client) first_line: String,
    pub(in crate::client) headers: HashMap<String, String>,
    pub(in crate::client) body: String,
}

/// Serves connections by their scripts; with none left, answers `{}`.
#[derive(Clone)]
pub(in crate::client) struct Server {
    pub(in crate::client) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub(in crate::client) async fn start(scripts: Vec<Vec<Act>>) -> Self {
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

    pub(in crate::client) async fn serve(
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

    pub(in crate::client) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Which connection each request came over.
    fn connections(&self) -> Vec<usize> {
        self.received()
            .iter()
            .map(|request| request.connection)
            .collect()
    }

    /// Waits until so many requests have come.
    async fn has_received(&self, count: usize) {
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

pub(in crate::client) fn response(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Any\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

pub(in crate::client) fn ok(body: &str) -> String {
    response(200, "", body)
}

/// 2027-01-15T08:00:00Z.
fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(500_000)
}

/// A client of `server` and the clock it lives by.
pub(in crate::client) fn client_config(server: &Server) -> (ClientConfig, ManualClock) {
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

pub(in crate::client) fn request() -> Request {
    Request {
        operation: Operation::GetItem,
        body: Bytes::from_static(b"{\"a\":\"\xc3\xa9\"}"),
        timeout: Duration::from_secs(5),
    }
}

async fn reason(transport: &HttpsTransport) -> (IncompleteReason, String) {
    let incomplete = transport.send(request()).await.unwrap_err();
    (incomplete.reason, incomplete.source.to_string())
}

#[tokio::test]
async fn requests_are_signed_and_share_a_connection() {
    let server = Server::start(vec![]).await;
    let (mut config, clock) = client_config(&server);
    config.user_agent_suffix = Some("app/x".to_owned());
    let transport = HttpsTransport::new(config);
    assert_eq!(transport.endpoint(), None);
    for _ in 0..3 {
        let response = transport.send(request()).await.unwrap();
        assert_eq!((response.status, &response.body[..]), (200, &b"{}"[..]));
        assert_eq!(
            (response.request_id, response.clock_corrected),
            (None, false)
        );
        clock.advance(Duration::from_secs(15));
    }
    assert_eq!(server.connections(), [0, 0, 0]);
    assert_eq!(
        transport.endpoint(),
        Some(format!("http://{}", server.address))
    );

    let received = &server.received()[0];
    assert_eq!(
        (received.first_line.as_str(), received.body.as_str()),
        ("POST / HTTP/1.1", "{\"a\":\"é\"}")
    );
    let header = |name: &str| received.headers[name].as_str();
    assert_eq!(header("host"), server.address.to_string());
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(header("x-amz-target"), "DynamoDB_20120810.GetItem");
    assert_eq!(header("accept-encoding"), "identity");
    assert_eq!(
        header("user-agent"),
        format!("dynamodb-session/{} app/x", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(header("content-length"), "10");
    let credentials = Credentials::new("AKID", "hush", None, None, "");
    let expected = Signer::new(header("host"), "/", "eu-west-1").sign(
        &credentials,
        header("x-amz-target"),
        received.body.as_bytes(),
        start(),
    );
    assert_eq!(header("authorization"), expected.authorization);
    assert_eq!(header("x-amz-date").as_bytes(), expected.date.as_bytes());
    // Each attempt afresh.
    assert_ne!(
        server.received()[1].headers["authorization"],
        expected.authorization
    );
}

#[tokio::test]
async fn a_session_token_is_sent_and_the_path_kept() {
    let server = Server::start(vec![]).await;
    let (mut config, _) = client_config(&server);
    config.endpoint_url = Some(format!("http://{}/a%20b", server.address));
    config.credentials = Some(SharedCredentialsProvider::new(Credentials::new(
        "K",
        "s",
        Some("tok".to_owned()),
        None,
        "",
    )));
    let transport = HttpsTransport::new(config);
    transport
        .send(Request {
            operation: Operation::DescribeTable,
            ..request()
        })
        .await
        .unwrap();
    let received = &server.received()[0];
    assert_eq!(received.first_line, "POST /a%20b HTTP/1.1");
    assert_eq!(received.headers["x-amz-security-token"], "tok");
    assert_eq!(
        received.headers["x-amz-target"],
        "DynamoDB_20120810.DescribeTable"
    );
}

#[tokio::test]
async fn a_connection_idle_too_long_by_either_clock_is_not_used_again() {
    let server = Server::start(vec![]).await;
    let (config, clock) = client_config(&server);
    let transport = HttpsTransport::new(config);
    transport.send(request()).await.unwrap();
    // A thaw: the wall clock alone has moved.
    clock.set_wall(start() + Duration::from_secs(21));
    transport.send(request()).await.unwrap();
    // The wall clock was set back: the monotonic one tells.
    clock.advance(Duration::from_secs(21));
    clock.set_wall(start());
    transport.send(request()).await.unwrap();
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1, 2, 2]);
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_a_reconnect_not_an_error() {
    let closing = || vec![Act::AnswerAndClose(ok("{}"))];
    // On a thread of its own, so that it closes also while this one is blocked.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            sender
                .send(Server::start(vec![closing(), closing()]).await)
                .ok()
                .unwrap();
            std::future::pending::<()>().await;
        });
    });
    let server = receiver.await.unwrap();
    let (config, clock) = client_config(&server);
    let transport = HttpsTransport::new(config);
    transport.send(request()).await.unwrap();
    // Time for the end of the connection to be noticed.
    tokio::time::sleep(Duration::from_millis(100)).await;
    transport.send(request()).await.unwrap();
    // No time to notice.
    std::thread::sleep(Duration::from_millis(100));
    clock.advance(Duration::from_secs(2));
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1, 2]);
}

#[tokio::test]
async fn a_connection_whose_runtime_is_gone_costs_a_reconnect() {
    let server = Server::start(vec![]).await;
    let (config, _) = client_config(&server);
    let transport = Arc::new(HttpsTransport::new(config));
    let elsewhere = Arc::clone(&transport);
    let other = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(elsewhere.send(request())).unwrap();
    });
    tokio::task::spawn_blocking(|| other.join().unwrap())
        .await
        .unwrap();
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_broken_and_its_connection_gone() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}".to_owned();
    let server = Server::start(vec![
        vec![Act::Close],
        vec![Act::AnswerAndClose(half)],
        vec![Act::Answer("nonsense\r\n\r\n".to_owned())],
        vec![Act::Answer(ok("{}")), Act::Close],
    ])
    .await;
    let (config, _) = client_config(&server);
    let transport = HttpsTransport::new(config);
    for _ in 0..3 {
        assert_eq!(reason(&transport).await.0, IncompleteReason::Broken);
    }
    transport.send(request()).await.unwrap();
    // Sent on the kept connection, so it may have been executed: not sent again behind the caller's back.
    assert_eq!(reason(&transport).await.0, IncompleteReason::Stale);
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1, 2, 3, 3, 4]);
}

#[tokio::test]
async fn an_unreachable_endpoint_is_told_apart() {
    let server = Server::start(vec![]).await;
    let (mut config, _) = client_config(&server);
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    config.endpoint_url = Some(format!("http://{unused}"));
    let transport = HttpsTransport::new(config);
    let incomplete = transport.send(request()).await.unwrap_err();
    assert_eq!(incomplete.reason, IncompleteReason::Connect);
    assert_eq!(incomplete.endpoint, Some(format!("http://{unused}")));
}

#[tokio::test]
async fn localhost_works_whichever_family_the_server_listens_on() {
    let server = Server::start(vec![]).await;
    let (mut config, _) = client_config(&server);
    config.endpoint_url = Some(format!("http://localhost:{}", server.address.port()));
    HttpsTransport::new(config).send(request()).await.unwrap();
    assert_eq!(
        server.received()[0].headers["host"],
        format!("localhost:{}", server.address.port())
    );
}

#[tokio::test]
async fn a_wrong_checksum_is_broken_and_is_retried() {
    let body = r#"{"Item":{}}"#;
    let right = format!("x-amz-crc32: {}\r\n", crc32fast::hash(body.as_bytes()));
    let server = Server::start(vec![vec![
        Act::Answer(response(200, "x-amz-crc32: 12345\r\n", body)),
        Act::Answer(response(200, "x-amz-crc32: 12345\r\n", body)),
        Act::Answer(response(200, &right, body)),
    ]])
    .await;
    let (config, _) = client_config(&server);
    let clock = config.clock.clone();
    let transport = Arc::new(HttpsTransport::new(config));
    assert_eq!(
        reason(&transport).await,
        (IncompleteReason::Broken, "CRC32 mismatch".to_owned())
    );
    let policy = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let client = Client::new(transport, clock, policy, None);
    let answer = client
        .call(Operation::GetItem, "sessions", Bytes::new())
        .await
        .unwrap();
    assert_eq!((answer.attempts, &answer.body[..]), (2, body.as_bytes()));
}

#[tokio::test]
async fn bodies_in_pieces_are_joined_and_bodies_too_large_are_refused() {
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n1\r\nh\r\n0\r\n\r\n";
    let long = "x".repeat(300_000);
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nx".to_owned();
    let script = vec![
        Act::Answer(chunks.to_owned()),
        Act::Answer(ok(&long)),
        Act::Answer(endless),
    ];
    let server = Server::start(vec![script]).await;
    let (config, _) = client_config(&server);
    let transport = HttpsTransport::new(config);
    assert_eq!(transport.send(request()).await.unwrap().body, "abcdefgh");
    assert_eq!(transport.send(request()).await.unwrap().body, long);
    let (reason, text) = reason(&transport).await;
    assert_eq!(reason, IncompleteReason::Broken);
    assert!(text.contains("larger than"), "{text}");
}

#[tokio::test]
async fn silence_ends_at_the_first_byte_timeout() {
    let server = Server::start(vec![
        vec![Act::Hang],
        vec![Act::Answer(ok("{}")), Act::Hang],
    ])
    .await;
    let (config, clock) = client_config(&server);
    let transport = Arc::new(HttpsTransport::new(config));
    let attempt = |transport: &Arc<HttpsTransport>| {
        let transport = Arc::clone(transport);
        tokio::spawn(async move { reason(&transport).await })
    };
    let first = attempt(&transport);
    server.has_received(1).await;
    clock.advance(Duration::from_millis(999));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(!first.is_finished());
    clock.advance(Duration::from_millis(1));
    assert_eq!(
        first.await.unwrap(),
        (IncompleteReason::Timeout, "no answer within 1s".to_owned())
    );

    // A kept connection that has been idle for a while has less time.
    transport.send(request()).await.unwrap();
    clock.advance(Duration::from_secs(10));
    let second = attempt(&transport);
    server.has_received(3).await;
    clock.advance(Duration::from_millis(500));
    assert_eq!(second.await.unwrap().0, IncompleteReason::Stale);
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1, 1, 2]);
}

#[tokio::test]
async fn further_requests_wait_for_a_connection_in_turn() {
    let server = Server::start(vec![vec![Act::Hang], vec![Act::Hang]]).await;
    let (mut config, clock) = client_config(&server);
    config.max_connections = 2;
    let transport = Arc::new(HttpsTransport::new(config));
    let attempt = |timeout| {
        let transport = Arc::clone(&transport);
        tokio::spawn(async move {
            let request = Request {
                timeout: Duration::from_millis(timeout),
                ..request()
            };
            transport
                .send(request)
                .await
                .map_err(|incomplete| incomplete.source.to_string())
        })
    };
    let (first, second) = (attempt(5000), attempt(5000));
    server.has_received(2).await;
    let (hasty, patient) = (attempt(900), attempt(5000));
    tokio::time::sleep(Duration::from_millis(5)).await;
    clock.advance(Duration::from_millis(900));
    assert_eq!(
        hasty.await.unwrap().err().unwrap(),
        "no connection became free"
    );
    assert_eq!(server.received().len(), 2);
    clock.advance(Duration::from_millis(100));
    for stalled in [first, second] {
        assert_eq!(stalled.await.unwrap().err().unwrap(), "no answer within 1s");
    }
    assert_eq!(patient.await.unwrap().unwrap().status, 200);
    assert_eq!(server.connections()[2..], [2]);
}

#[tokio::test]
async fn an_attempt_has_no_more_time_than_its_caller_gives() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}".to_owned();
    let server = Server::start(vec![vec![Act::Answer(half), Act::Hang]]).await;
    let (config, clock) = client_config(&server);
    let transport = HttpsTransport::new(config);
    let attempt = tokio::spawn(async move {
        transport
            .send(Request {
                timeout: Duration::from_millis(70),
                ..request()
            })
            .await
    });
    server.has_received(1).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    clock.advance(Duration::from_millis(70));
    assert_eq!(
        attempt.await.unwrap().unwrap_err().reason,
        IncompleteReason::Timeout
    );
}

#[tokio::test]
async fn an_attempt_dropped_half_way_leaves_no_connection_behind() {
    let server = Server::start(vec![vec![Act::Answer(ok("{}")), Act::Hang]]).await;
    let (config, _) = client_config(&server);
    let transport = Arc::new(HttpsTransport::new(config));
    transport.send(request()).await.unwrap();
    let dropped = Arc::clone(&transport);
    let task = tokio::spawn(async move { dropped.send(request()).await });
    server.has_received(2).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 0, 1]);
}

/// `Date` of 600 s after the start.
const AHEAD: &str = "date: Fri, 15 Jan 2027 08:10:00 GMT\r\n";

#[tokio::test]
async fn a_wrong_clock_is_corrected_and_the_call_repeated() {
    let body = r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired: …"}"#;
    let refusal = || {
        Act::Answer(response(
            400,
            &format!("x-amzn-requestid: R\r\n{AHEAD}"),
            body,
        ))
    };
    let server = Server::start(vec![vec![refusal()]]).await;
    let (config, _) = client_config(&server);
    let clock = config.clock.clone();
    let client = Client::new(
        Arc::new(HttpsTransport::new(config)),
        clock.clone(),
        RetryPolicy::default(),
        None,
    );
    assert_eq!(
        client
            .call(Operation::GetItem, "sessions", Bytes::new())
            .await
            .unwrap()
            .attempts,
        2
    );
    assert_eq!(clock.now(), start() + Duration::from_mins(10));
    assert_eq!(
        server.received()[1].headers["x-amz-date"],
        "20270115T081000Z"
    );
}

#[tokio::test]
async fn a_clock_is_left_alone_by_small_differences_strangers_and_on_request() {
    let near = "date: Fri, 15 Jan 2027 08:03:50 GMT\r\n";
    let with_id = |date: &str| format!("x-amzn-requestid: R\r\n{date}");
    for (status, headers, correct, corrected) in [
        (400, with_id(AHEAD), true, true),
        (400, with_id(AHEAD), false, false),
        (400, with_id(near), true, false),
        (400, AHEAD.to_owned(), true, false),
        (400, with_id("date: soon\r\n"), true, false),
        (200, with_id(AHEAD), true, false),
    ] {
        let server = Server::start(vec![vec![Act::Answer(response(status, &headers, "{}"))]]).await;
        let (mut config, _) = client_config(&server);
        config.correct_clock_skew = correct;
        let clock = config.clock.clone();
        let response = HttpsTransport::new(config).send(request()).await.unwrap();
        assert_eq!(response.clock_corrected, corrected, "{status} {headers}");
        assert_eq!(clock.now() != start(), corrected);
    }
}

#[tokio::test]
async fn of_many_refused_for_the_clock_all_are_told_to_repeat() {
    let refusal = || {
        Act::Answer(response(
            400,
            &format!("x-amzn-requestid: R\r\n{AHEAD}"),
            "{}",
        ))
    };
    let server = Server::start(vec![vec![refusal()], vec![refusal()]]).await;
    let (config, _) = client_config(&server);
    let transport = HttpsTransport::new(config);
    let (one, two) = tokio::join!(transport.send(request()), transport.send(request()));
    assert!(one.unwrap().clock_corrected && two.unwrap().clock_corrected);
}

#[derive(Debug, Default, Clone)]
struct Counting(Arc<AtomicU64>);

impl aws_credential_types::provider::ProvideCredentials for Counting {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        future::ProvideCredentials::ready(Ok(Credentials::new(
            format!("K{count}"),
            "s",
            None,
            None,
            "test",
        )))
    }
}

#[tokio::test]
async fn expired_credentials_are_renewed_once_however_many_say_so() {
    let body = r#"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"expired"}"#;
    let scripts = (0..8)
        .map(|_| vec![Act::Answer(response(400, "", body))])
        .collect();
    let server = Server::start(scripts).await;
    let provider = Counting::default();
    let (mut config, _) = client_config(&server);
    config.credentials = Some(SharedCredentialsProvider::new(provider.clone()));
    let clock = config.clock.clone();
    let client = Client::new(
        Arc::new(HttpsTransport::new(config)),
        clock,
        RetryPolicy::default(),
        None,
    );
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                client
                    .call(Operation::GetItem, "sessions", Bytes::new())
                    .await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().attempts, 2);
    }
    assert_eq!(provider.0.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let transport = HttpsTransport::new(config(&[]));
    let (kind, text) = reason(&transport).await;
    assert_eq!(kind, IncompleteReason::Config);
    assert!(text.starts_with("Missing region in config"), "{text}");
    let transport = HttpsTransport::new(config(&[("AWS_REGION", "eu-west-1")]));
    let (kind, text) = reason(&transport).await;
    assert_eq!(kind, IncompleteReason::Credentials);
    assert!(text.contains("AWS_ACCESS_KEY_ID"), "{text}");
    let bad = [
        ("AWS_REGION", "r"),
        ("AWS_ACCESS_KEY_ID", "a\nb"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
    ];
    let (kind, text) = reason(&HttpsTransport::new(config(&bad))).await;
    assert_eq!(kind, IncompleteReason::Credentials);
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_local_region_gets_made_up_credentials() {
    let server = Server::start(vec![]).await;
    let (mut config, _) = client_config(&server);
    config.region = Some("local".to_owned());
    HttpsTransport::new(config).send(request()).await.unwrap();
    let authorization = &server.received()[0].headers["authorization"];
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=local/20270115/local/"),
        "{authorization}"
    );
}
