//! HTTP proxies: which one leads to an address, and the tunnel through it.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::net::TcpStream;

use super::authority;
use super::config::ClientConfig;
use super::endpoint::Endpoint;
use super::environment::Environment;
use super::reason::{BoxError, Failure, InvalidSetting};
use super::settings;
use crate::remedy::Remedy;

/// The largest accepted answer to CONNECT. Real answers have a few lines.
const MAX_PROXY_ANSWER: usize = 16 * 1024;

/// Which proxy leads to an address.
#[derive(Debug)]
pub(super) enum Proxies {
    /// The same to all addresses, or none.
    Same(Option<Proxy>),
    Named(NamedProxies),
}

/// The proxies that the environment names. It is read as the AWS CLI reads it, which is as Python's `urllib` does.
#[derive(Debug)]
pub(super) struct NamedProxies {
    https: Result<Option<Proxy>, InvalidSetting>,
    http: Result<Option<Proxy>, InvalidSetting>,
    /// The hosts that are reached directly: in lower case, without a leading dot.
    direct: Vec<String>,
}

impl Proxies {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, InvalidSetting> {
        Ok(match &config.proxy {
            None if config.proxy_from_environment => {
                Self::Named(NamedProxies::new(&config.environment))
            }
            url => {
                let url = url.as_deref();
                Self::Same(url.map(|url| Proxy::parse("proxy", url)).transpose()?)
            }
        })
    }

    /// The proxy that leads to `endpoint`, or `None` if it is reached directly.
    pub(super) fn to(&self, endpoint: &Endpoint) -> Result<Option<&Proxy>, InvalidSetting> {
        match self {
            Self::Same(proxy) => Ok(proxy.as_ref()),
            Self::Named(proxies) => proxies.to(endpoint),
        }
    }
}

impl NamedProxies {
    fn new(environment: &Environment) -> Self {
        // In a CGI program, the upper-case variable is a header of the visitor's request.
        let is_cgi = settings::CGI_METHOD.given_variable(environment).is_some();
        let http = settings::HTTP_PROXY.given_variable(environment);
        let direct = settings::NO_PROXY.given_variable(environment);
        let direct = direct.map(|(_, hosts)| hosts).unwrap_or_default();
        Self {
            https: named(settings::HTTPS_PROXY.given_variable(environment)),
            http: named(http.filter(|(name, _)| !is_cgi || *name == settings::HTTP_PROXY.name())),
            direct: direct
                .split(',')
                .map(|host| host.trim().trim_start_matches('.').to_ascii_lowercase())
                .filter(|host| !host.is_empty())
                .collect(),
        }
    }

    fn to(&self, endpoint: &Endpoint) -> Result<Option<&Proxy>, InvalidSetting> {
        let proxy = if endpoint.tls {
            &self.https
        } else {
            &self.http
        };
        match proxy {
            Err(invalid) => Err(invalid.clone()),
            Ok(proxy) => Ok(proxy.as_ref().filter(|_| !self.is_direct(endpoint))),
        }
    }

    fn is_direct(&self, endpoint: &Endpoint) -> bool {
        let host = endpoint.host.to_ascii_lowercase();
        let address = format!("{host}:{}", endpoint.port);
        let ends_with = |name: &str| {
            [&host, &address].into_iter().any(|host| {
                host.strip_suffix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        };
        // Only alone does the star stand for all hosts.
        matches!(self.direct.as_slice(), [all] if all == "*")
            || self.direct.iter().any(|name| ends_with(name))
    }
}

/// The proxy of a variable; `None` if it is empty.
fn named(variable: Option<(&'static str, &str)>) -> Result<Option<Proxy>, InvalidSetting> {
    let set = variable.filter(|(_, url)| !url.trim().is_empty());
    set.map(|(name, url)| Proxy::parse(name, url)).transpose()
}

/// An HTTP proxy. It gets CONNECT requests, for endpoints with and without TLS.
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
}

impl Proxy {
    /// The proxy at this URL, which `setting` holds.
    pub(super) fn parse(setting: &'static str, url: &str) -> Result<Self, InvalidSetting> {
        let invalid = |reason: &str| InvalidSetting::new(setting, reason);
        let url = url.trim();
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(invalid("the scheme must be http")),
            None => url.strip_prefix("//").unwrap_or(url),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, authority) = match rest.rsplit_once('@') {
            Some((user, authority)) => (Some(user), authority),
            None => (None, rest),
        };
        let (host, port) = authority::split(authority).ok_or_else(|| {
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
    pub(super) async fn tunnel(&self, stream: &TcpStream, address: &str) -> Result<(), BoxError> {
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
        let failure = match head
            .split(|byte| *byte == b' ')
            .nth(1)
            .filter(|_| head.starts_with(b"HTTP/1."))
        {
            // Nothing may follow the answer: the server behind the proxy waits for the client's first bytes.
            Some([b'2', _, _]) if answer.ends_with(b"\r\n\r\n") => return Ok(()),
            Some([b'2', _, _]) => {
                return Err("the proxy sent more than its answer to CONNECT".into());
            }
            Some(b"407") if self.authorization.is_some() => {
                Failure::new("the proxy refused its user and password (HTTP 407)")
                    .with_remedy(Remedy::CorrectProxyPassword)
            }
            Some(b"407") => Failure::new("the proxy wants a user and a password (HTTP 407)")
                .with_remedy(Remedy::AddProxyPassword),
            Some(status) if status.len() == 3 && status.iter().all(u8::is_ascii_digit) => {
                let status = String::from_utf8_lossy(status);
                Failure::new(format!("the proxy refused to connect (HTTP {status})"))
                    .with_remedy(Remedy::AllowInProxy)
            }
            _ => Failure::new("the proxy's answer to CONNECT is not HTTP")
                .with_remedy(Remedy::CheckProxy),
        };
        Err(failure.into())
    }
}

// The authorization holds the password.
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

#[cfg(test)]
mod tests;
