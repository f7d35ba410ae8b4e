//! The settings of connections.

use std::fmt;
use std::time::Duration;

#[cfg(doc)]
use crate::error::ErrorKind;

/// How the endpoint is reached: time limits, the number of connections, TLS, a proxy.
#[must_use]
#[derive(Clone, Default)]
pub struct ConnectionOptions {
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) first_byte_timeout: Option<Duration>,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_queue: Option<usize>,
    pub(crate) use_fips: Option<bool>,
    pub(crate) use_dual_stack: Option<bool>,
    pub(crate) tls: Option<bool>,
    pub(crate) tls_roots: Option<TlsRoots>,
    pub(crate) proxy: Option<String>,
    pub(crate) proxy_from_environment: Option<bool>,
    pub(crate) user_agent_suffix: Option<String>,
    pub(crate) correct_clock_skew: Option<bool>,
    pub(crate) clock_offset_ms: Option<i64>,
}

impl ConnectionOptions {
    /// How long connecting may take, name resolution and TLS included. Default: 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// How long the first byte of an answer may take. Default: 1 s.
    pub fn first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.first_byte_timeout = Some(timeout);
        self
    }

    /// How many connections may be open at once; at least 1. Further requests wait for one. Default: 128.
    ///
    /// A connection carries one request at a time, so 128 of them at 5 ms a request carry some 25 000 a second.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// How many calls may be under way beyond [`max_connections`](Self::max_connections). Default: 4096.
    ///
    /// Further calls fail at once with [`ErrorKind::Overloaded`], so that calls do not pile up behind a slow service. A
    /// waiting call holds the request that it is going to send.
    pub fn max_queue(mut self, calls: usize) -> Self {
        self.max_queue = Some(calls);
        self
    }

    /// Whether to use the Region's FIPS endpoint. Default: `false`.
    pub fn use_fips(mut self, use_fips: bool) -> Self {
        self.use_fips = Some(use_fips);
        self
    }

    /// Whether to use the Region's dual-stack (IPv6) endpoint. Default: `false`.
    pub fn use_dual_stack(mut self, use_dual_stack: bool) -> Self {
        self.use_dual_stack = Some(use_dual_stack);
        self
    }

    /// Whether a Region's own endpoint, or an [`endpoint_url`](crate::Builder::endpoint_url) without a scheme, is
    /// reached over TLS. Default: `true`.
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Which certificate authorities are trusted. Default: [`TlsRoots::BuiltIn`].
    pub fn tls_roots(mut self, roots: TlsRoots) -> Self {
        self.tls_roots = Some(roots);
        self
    }

    /// The URL of an HTTP proxy, such as `http://user:password@proxy.example:3128`. Default: no proxy.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Whether the environment says which proxy to use, as it does for the AWS CLI. Default: `false`.
    ///
    /// An https endpoint is reached through `HTTPS_PROXY`, an http endpoint through `HTTP_PROXY`. `NO_PROXY` lists hosts
    /// that are reached directly, separated by commas: each stands for its subdomains too, and `*` for all hosts. The
    /// same names in lower case count before them. A [`proxy`](Self::proxy) counts before the environment.
    pub fn proxy_from_environment(mut self, from_environment: bool) -> Self {
        self.proxy_from_environment = Some(from_environment);
        self
    }

    /// Text appended to the `User-Agent` header. Default: empty.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent_suffix = Some(suffix.into());
        self
    }

    /// Whether a wrong host clock is corrected by the service's. Default: `true`.
    pub fn correct_clock_skew(mut self, correct: bool) -> Self {
        self.correct_clock_skew = Some(correct);
        self
    }

    /// The correction of the clock that the store starts with, in milliseconds. Default: 0.
    ///
    /// It also counts with a [`transport`](crate::Builder::transport) of your own.
    pub fn clock_offset_ms(mut self, offset: i64) -> Self {
        self.clock_offset_ms = Some(offset);
        self
    }
}

// The proxy's URL may hold a password.
impl fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("first_byte_timeout", &self.first_byte_timeout)
            .field("max_connections", &self.max_connections)
            .field("max_queue", &self.max_queue)
            .field("use_fips", &self.use_fips)
            .field("use_dual_stack", &self.use_dual_stack)
            .field("tls", &self.tls)
            .field("tls_roots", &self.tls_roots)
            .field("proxy_from_environment", &self.proxy_from_environment)
            .field("user_agent_suffix", &self.user_agent_suffix)
            .field("correct_clock_skew", &self.correct_clock_skew)
            .field("clock_offset_ms", &self.clock_offset_ms)
            .finish_non_exhaustive()
    }
}

/// Which certificate authorities a server's certificate may come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsRoots {
    /// Mozilla's, built in: nothing is read from disk. `AWS_CA_BUNDLE`, or `ca_bundle` in the profile, replaces them and
    /// `NODE_EXTRA_CA_CERTS` adds to them, where set.
    #[default]
    BuiltIn,
    /// Those that the operating system trusts, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name in their place.
    System,
    /// Those in this PEM text, and no others.
    Pem(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_password_of_the_proxy() {
        let options = ConnectionOptions::default().proxy("http://user:hunter2@proxy.example");
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
