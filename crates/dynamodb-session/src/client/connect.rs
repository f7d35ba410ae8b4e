//! Connections: name resolution, TCP, the proxy's CONNECT and TLS; for DynamoDB and for credential providers.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig as TlsConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::endpoint::{Endpoint, split_authority};
use super::reason::{BoxError, InvalidSetting, Remediable};
use super::settings::{ClientConfig, Environment, TlsRoots};
use super::tls;
use crate::clock::ServiceClock;
use crate::remedy::Remedy;

/// How long one address is waited for before the next is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// A proxy's answer to CONNECT is a few lines.
const MAX_PROXY_ANSWER: usize = 16 * 1024;

/// Longer limits are none: nobody waits for a year, and adding it to a clock can overflow.
const FOREVER: Duration = Duration::from_hours(365 * 24);

/// Runs `future` for no longer than `limit`; `None` when the time was up. No timer is made for a future
/// that is ready at once.
pub(super) async fn within<F: Future>(
    clock: &ServiceClock,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if limit >= FOREVER {
            return Poll::Pending;
        }
        timer
            .get_or_insert_with(|| clock.sleep(limit))
            .as_mut()
            .poll(cx)
            .map(|()| None)
    })
    .await
}

/// Makes connections. The TLS configuration is built at the first that needs it.
pub(crate) struct Connector {
    roots: TlsRoots,
    environment: Environment,
    proxy: Option<Proxy>,
    clock: ServiceClock,
    tls: OnceLock<Result<Arc<TlsConfig>, InvalidSetting>>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NotConnected {
    /// A setting has to be corrected first.
    Config(InvalidSetting),
    Failed(BoxError),
}

impl Connector {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, InvalidSetting> {
        Ok(Self {
            roots: config.tls_roots.clone(),
            environment: config.environment.clone(),
            proxy: config.proxy.as_deref().map(Proxy::parse).transpose()?,
            clock: config.clock.clone(),
            tls: OnceLock::new(),
        })
    }

    pub(super) fn clock(&self) -> &ServiceClock {
        &self.clock
    }

    /// Connects within `limit`, in all. `direct` leaves the proxy aside.
    pub(super) async fn connect(
        &self,
        to: &Endpoint,
        direct: bool,
        limit: Duration,
    ) -> Result<Connection, NotConnected> {
        let tls = if to.tls {
            Some(self.tls_config()?)
        } else {
            None
        };
        let proxy = self.proxy.as_ref().filter(|_| !direct);
        within(&self.clock, limit, self.open(to, tls, proxy))
            .await
            .unwrap_or_else(|| Err(too_late(proxy, limit)))
            .map_err(NotConnected::Failed)
    }

    async fn open(
        &self,
        to: &Endpoint,
        tls: Option<Arc<TlsConfig>>,
        proxy: Option<&Proxy>,
    ) -> Result<Connection, BoxError> {
        let (host, port) = proxy.map_or((to.host.as_str(), to.port), |proxy| {
            (proxy.host.as_str(), proxy.port)
        });
        let stream = async {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
            let stream = connect_any(&self.clock, by_turns(&addresses)).await?;
            // A request is one small write whose answer is waited for: nothing to coalesce.
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = stream.await.map_err(|error: io::Error| -> BoxError {
            match proxy {
                Some(_) => Remediable::boxed(
                    format!("the proxy {host}:{port} cannot be reached: {error}"),
                    Remedy::CheckProxy,
                ),
                None => error.into(),
            }
        })?;
        if let Some(proxy) = proxy {
            proxy.tunnel(&stream, &to.address()).await?;
        }
        let io = match tls {
            None => Io::Plain(stream),
            Some(config) => {
                let name = ServerName::try_from(to.host.clone())?;
                let stream = TlsConnector::from(config).connect(name, stream).await;
                Io::Tls(Box::new(stream.map_err(tls::explained)?))
            }
        };
        Ok(Connection {
            io,
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
        })
    }

    fn tls_config(&self) -> Result<Arc<TlsConfig>, NotConnected> {
        self.tls
            .get_or_init(|| tls::config(&self.roots, &self.environment))
            .clone()
            .map_err(NotConnected::Config)
    }
}

fn too_late(proxy: Option<&Proxy>, limit: Duration) -> BoxError {
    match proxy {
        Some(Proxy { host, port, .. }) => {
            format!("no connection through the proxy {host}:{port} within {limit:?}").into()
        }
        None => format!("no connection within {limit:?}").into(),
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

/// The addresses with the two families alternating, the first one's first: a family that leads nowhere then
/// costs one head start, not one for each of its addresses.
fn by_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let mut family = addresses
        .iter()
        .filter(|address| address.is_ipv6() == first_is_v6);
    let mut other = addresses
        .iter()
        .filter(|address| address.is_ipv6() != first_is_v6);
    let mut turns = Vec::with_capacity(addresses.len());
    loop {
        let pair = (family.next(), other.next());
        if pair == (None, None) {
            return turns;
        }
        turns.extend(pair.0.into_iter().chain(pair.1));
    }
}

/// Connects to whichever address answers first; the next is tried when one fails or its head start is over.
async fn connect_any(clock: &ServiceClock, addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;
    let mut waiting = addresses.into_iter();
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut head_start: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
    poll_fn(move |cx| {
        loop {
            let mut failed = false;
            let mut at = 0;
            while at < attempts.len() {
                match attempts[at].as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        failure = error;
                        failed = true;
                        drop(attempts.swap_remove(at));
                    }
                    Poll::Pending => at += 1,
                }
            }
            let is_alone = failed || attempts.is_empty();
            if waiting.len() > 0
                && (is_alone
                    || head_start
                        .as_mut()
                        .is_none_or(|timer| timer.as_mut().poll(cx).is_ready()))
            {
                attempts.extend(
                    waiting
                        .next()
                        .map(|address| -> Attempt { Box::pin(TcpStream::connect(address)) }),
                );
                head_start = Some(clock.sleep(HEAD_START));
            } else if attempts.is_empty() {
                let none = io::Error::from(failure.kind());
                return Poll::Ready(Err(std::mem::replace(&mut failure, none)));
            } else {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// An HTTP proxy that is asked to CONNECT, for TLS and plain endpoints alike.
pub(super) struct Proxy {
    host: String,
    port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
}

impl Proxy {
    pub(super) fn parse(url: &str) -> Result<Self, InvalidSetting> {
        let invalid = |reason: &str| InvalidSetting::new("proxy", reason);
        let rest = match url.trim().split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(invalid("the scheme must be http")),
            None => url.trim(),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, authority) = match rest.rsplit_once('@') {
            Some((user, authority)) => (Some(user), authority),
            None => (None, rest),
        };
        let (host, port) = split_authority(authority).ok_or_else(|| {
            invalid("it must be http://host:port or http://user:password@host:port")
        })?;
        let authorization = user
            .map(|user| {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                let mut plain = percent_decoded(name)?;
                plain.push(b':');
                plain.extend(percent_decoded(password)?);
                Some(format!("Basic {}", BASE64.encode(plain)))
            })
            .map(|decoded| {
                decoded.ok_or_else(|| invalid("its user or password has a malformed % escape"))
            })
            .transpose()?;
        Ok(Self {
            host,
            port: port.unwrap_or(80),
            authorization,
        })
    }

    /// Asks for a tunnel to `address`.
    async fn tunnel(&self, stream: &TcpStream, address: &str) -> Result<(), BoxError> {
        let mut request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
        if let Some(authorization) = &self.authorization {
            request.push_str("Proxy-Authorization: ");
            request.push_str(authorization);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");

        let mut unsent = request.as_bytes();
        while !unsent.is_empty() {
            stream.writable().await?;
            match stream.try_write(unsent) {
                Ok(sent) => unsent = &unsent[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut answer = Vec::with_capacity(1024);
        let end_of_head =
            |answer: &[u8]| answer.windows(4).position(|window| window == b"\r\n\r\n");
        while end_of_head(&answer).is_none() {
            stream.readable().await?;
            let mut chunk = [0; 1024];
            match stream.try_read(&mut chunk) {
                Ok(0) => return Err("the proxy closed the connection".into()),
                Ok(read) => answer.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            if answer.len() > MAX_PROXY_ANSWER {
                return Err("the proxy's answer to CONNECT does not end".into());
            }
        }
        let head = answer
            .split(|byte| *byte == b'\r')
            .next()
            .unwrap_or_default();
        match head
            .split(|byte| *byte == b' ')
            .nth(1)
            .filter(|_| head.starts_with(b"HTTP/1."))
        {
            // Whoever is behind the proxy waits for us to speak, so nothing follows.
            Some([b'2', _, _]) if answer.ends_with(b"\r\n\r\n") => Ok(()),
            Some([b'2', _, _]) => Err("the proxy sent more than its answer to CONNECT".into()),
            Some(b"407") if self.authorization.is_some() => Err(Remediable::boxed(
                "the proxy refused its user and password (HTTP 407)",
                Remedy::CorrectProxyPassword,
            )),
            Some(b"407") => Err(Remediable::boxed(
                "the proxy wants a user and a password (HTTP 407)",
                Remedy::AddProxyPassword,
            )),
            Some(status) if status.len() == 3 && status.iter().all(u8::is_ascii_digit) => {
                let status = String::from_utf8_lossy(status);
                Err(Remediable::boxed(
                    format!("the proxy refused to connect (HTTP {status})"),
                    Remedy::AllowInProxy,
                ))
            }
            _ => Err(Remediable::boxed(
                "the proxy's answer to CONNECT is not HTTP",
                Remedy::CheckProxy,
            )),
        }
    }
}

// The authorization is a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

/// As much as hyper asks for at first.
const READ_BUFFER: usize = 8 * 1024;

/// An open connection, as hyper reads and writes it.
pub(super) struct Connection {
    io: Io,
    /// What is read passes through here: filling hyper's uninitialised buffer takes unsafe code, and the
    /// copy of an answer takes nanoseconds.
    buffer: Box<[u8]>,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("tls", &matches!(self.io, Io::Tls(_)))
            .finish_non_exhaustive()
    }
}

impl hyper::rt::Read for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { io, buffer } = self.get_mut();
        let room = into.remaining().min(buffer.len());
        let mut read = ReadBuf::new(&mut buffer[..room]);
        ready!(match io {
            Io::Plain(stream) => Pin::new(stream).poll_read(cx, &mut read),
            Io::Tls(stream) => Pin::new(stream).poll_read(cx, &mut read),
        })?;
        into.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Io::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Io::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(stream) => stream.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().io {
            Io::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Io::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }
}

#[cfg(test)]
mod tests;
