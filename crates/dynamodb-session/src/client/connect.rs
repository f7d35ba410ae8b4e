//! Connections for DynamoDB and for credential providers: TCP, the proxy's tunnel, TLS.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig as TlsConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::config::ClientConfig;
use super::endpoint::Endpoint;
use super::environment::Environment;
use super::proxy::{Proxies, Proxy};
use super::reason::{BoxError, Failure, InvalidSetting};
use super::stream::Connection;
use super::timeout::within;
use super::{tcp, tls};
use crate::clock::ServiceClock;
use crate::options::TlsRoots;
use crate::remedy::Remedy;

/// Makes connections. The TLS configuration is built for the first connection that needs it.
pub(crate) struct Connector {
    roots: TlsRoots,
    ca_bundle: Option<(&'static str, String)>,
    environment: Environment,
    proxies: Proxies,
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
    /// `ca_bundle` is a setting and its value: the file with the authorities that replace the built-in ones.
    pub(super) fn new(
        config: &ClientConfig,
        ca_bundle: Option<(&'static str, String)>,
    ) -> Result<Self, InvalidSetting> {
        Ok(Self {
            roots: config.tls_roots.clone(),
            ca_bundle,
            environment: config.environment.clone(),
            proxies: Proxies::new(config)?,
            clock: config.clock.clone(),
            tls: OnceLock::new(),
        })
    }

    pub(super) fn clock(&self) -> &ServiceClock {
        &self.clock
    }

    /// Connects within `limit` in all. `direct` bypasses the proxy.
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
        let proxy = if direct {
            None
        } else {
            self.proxies.to(to).map_err(NotConnected::Config)?
        };
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
        let stream = tcp::connect(&self.clock, host, port).await.map_err(
            |error: io::Error| -> BoxError {
                match proxy {
                    Some(_) => Failure::new(format!(
                        "the proxy {host}:{port} cannot be reached: {error}"
                    ))
                    .with_remedy(Remedy::CheckProxy)
                    .into(),
                    None => error.into(),
                }
            },
        )?;
        if let Some(proxy) = proxy {
            proxy.tunnel(&stream, &to.address()).await?;
        }
        let Some(config) = tls else {
            return Ok(Connection::plain(stream));
        };
        let name = ServerName::try_from(to.host.clone())?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        Ok(Connection::tls(stream.map_err(tls::explained)?))
    }

    fn tls_config(&self) -> Result<Arc<TlsConfig>, NotConnected> {
        self.tls
            .get_or_init(|| tls::config(&self.roots, self.ca_bundle.as_ref(), &self.environment))
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
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
