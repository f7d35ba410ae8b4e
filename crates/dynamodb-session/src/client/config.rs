//! The settings of the client, as the caller gave them.

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;

use super::environment::Environment;
use super::settings::{self, Service};
use crate::clock::ServiceClock;
use crate::options::TlsRoots;

/// The settings of the client. The first call looks for everything that is unset.
// No Debug: the proxy's URL may hold a password.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting that the user turns on or off"
)]
pub(crate) struct ClientConfig {
    /// The service that is asked.
    pub(crate) service: &'static Service,
    /// Unset: environment, then the profile.
    pub(crate) region: Option<String>,
    /// The profile in the AWS configuration files. Unset: the environment's, then `default`.
    pub(crate) profile: Option<String>,
    /// The endpoint's URL, in place of the Region's own.
    pub(crate) endpoint_url: Option<String>,
    pub(crate) use_fips: bool,
    pub(crate) use_dual_stack: bool,
    /// Whether a Region's own endpoint is reached over TLS.
    pub(crate) tls: bool,
    /// Unset: environment, then the chain of providers.
    pub(crate) credentials: Option<SharedCredentialsProvider>,
    pub(crate) connect_timeout: Duration,
    /// From the request being sent to the first byte of the answer.
    pub(crate) first_byte_timeout: Duration,
    /// Connections that may be open at once. Further requests wait for one.
    pub(crate) max_connections: usize,
    pub(crate) tls_roots: TlsRoots,
    /// `http://[user:password@]host:port` of a proxy that is asked to CONNECT.
    pub(crate) proxy: Option<String>,
    /// Whether the environment names a proxy where `proxy` is unset.
    pub(crate) proxy_from_environment: bool,
    /// Appended to the `User-Agent` header.
    pub(crate) user_agent_suffix: Option<String>,
    pub(crate) clock: ServiceClock,
    pub(crate) correct_clock_skew: bool,
    /// Default: empty. The builder captures that of the process.
    pub(crate) environment: Environment,
}

impl ClientConfig {
    /// The defaults, as `options` documents them.
    pub(crate) fn new(clock: ServiceClock) -> Self {
        Self {
            service: &settings::DYNAMODB,
            region: None,
            profile: None,
            endpoint_url: None,
            use_fips: false,
            use_dual_stack: false,
            tls: true,
            credentials: None,
            connect_timeout: Duration::from_secs(1),
            first_byte_timeout: Duration::from_secs(1),
            max_connections: 128,
            tls_roots: TlsRoots::BuiltIn,
            proxy: None,
            proxy_from_environment: false,
            user_agent_suffix: None,
            clock,
            correct_clock_skew: true,
            environment: Environment::default(),
        }
    }
}
