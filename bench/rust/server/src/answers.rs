//! Fixed answers with the HTTP framing of DynamoDB.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_rustls::TlsAcceptor;

use crate::Result;

/// How long an answer takes.
#[derive(Clone, Copy)]
pub struct Delay {
    pub mean: Duration,
    /// The largest difference from the mean, in both directions.
    pub jitter: Duration,
}

impl Delay {
    pub const NONE: Self = Self {
        mean: Duration::ZERO,
        jitter: Duration::ZERO,
    };

    async fn pass(self) {
        if !self.mean.is_zero() {
            let shortest = self.mean.saturating_sub(self.jitter);
            tokio::time::sleep(shortest + (self.jitter * 2).mul_f64(fastrand::f64())).await;
        }
    }
}

/// Whole responses by operation. The first one is for operations without their own.
#[derive(Clone)]
pub struct Answers(Arc<Vec<(String, Mutex<Bytes>)>>);

impl Answers {
    /// Reads a JSON object of bodies by operation. The body of `*` is for all others.
    pub fn parse(text: &str) -> Result<Self> {
        let mut bodies: HashMap<String, Box<RawValue>> = serde_json::from_str(text)?;
        let other = bodies.remove("*").ok_or("no answer for `*`")?;
        let all = [("*".to_owned(), other)].into_iter().chain(bodies);
        let answers = Self(Arc::new(
            all.map(|(operation, body)| (operation, Mutex::new(response(body.get()))))
                .collect(),
        ));
        tokio::task::spawn_local(answers.clone().keep_time());
        Ok(answers)
    }

    fn of(&self, operation: &str) -> Bytes {
        let answer = self.0.iter().find(|(name, _)| name == operation);
        let (_, bytes) = answer.unwrap_or(&self.0[0]);
        bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the date of the answers right, because clients correct their clocks by it.
    async fn keep_time(self) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            for (_, bytes) in self.0.iter() {
                let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                let mut response = bytes.to_vec();
                response[DATE_AT..][..DATE_LENGTH].copy_from_slice(now().as_bytes());
                *bytes = response.into();
            }
        }
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nDate: ";
const DATE_AT: usize = HEAD.len();
const DATE_LENGTH: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();

fn now() -> String {
    httpdate::fmt_http_date(SystemTime::now())
}

fn response(body: &str) -> Bytes {
    let date = now();
    let length = body.len();
    let crc32 = crc32fast::hash(body.as_bytes());
    format!(
        "{HEAD}{date}\r\n\
         Content-Type: application/x-amz-json-1.0\r\n\
         Content-Length: {length}\r\n\
         Connection: keep-alive\r\n\
         x-amzn-RequestId: 00000000000000000000000000000000000000000000000000AA\r\n\
         x-amz-crc32: {crc32}\r\n\
         \r\n\
         {body}"
    )
    .into()
}

/// The number of connections that may wait to be accepted. A thousand come at once, and a refused one is only tried
/// again after a second.
const BACKLOG: u32 = 4096;

/// Serves on any free port of loopback. Returns the port.
pub fn listen(answers: Answers, tls: Option<TlsAcceptor>, delay: Delay) -> Result<u16> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    let port = listener.local_addr()?.port();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answers, tls) = (answers.clone(), tls.clone());
            tokio::task::spawn_local(async move {
                stream.set_nodelay(true)?;
                match tls {
                    None => serve(stream, answers, delay).await,
                    Some(tls) => serve(tls.accept(stream).await?, answers, delay).await,
                }
            });
        }
    });
    Ok(port)
}

/// Answers a connection's requests one after the other until it is closed.
async fn serve<S>(mut stream: S, answers: Answers, delay: Delay) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let Some(request) = Request::parse(&buffer)? else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        // While the rest of a long body arrives, the head is not parsed again.
        while buffer.len() < request.length {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        buffer.drain(..request.length);
        delay.pass().await;
        stream.write_all(&answers.of(&request.operation)).await?;
        stream.flush().await?;
    }
}

struct Request {
    /// The operation, such as `GetItem`.
    operation: String,
    /// The length of head and body.
    length: usize,
}

impl Request {
    /// `None` while the head is incomplete.
    fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let httparse::Status::Complete(head_length) = head.parse(bytes).map_err(invalid)? else {
            return Ok(None);
        };
        let value = |name: &str| {
            let header = head
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name));
            header
                .and_then(|header| std::str::from_utf8(header.value).ok())
                .unwrap_or_default()
        };
        let target = value("x-amz-target");
        Ok(Some(Self {
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            length: head_length + value("content-length").parse().unwrap_or(0),
        }))
    }
}
