//! This crate's connections for the AWS SDK's credential providers, so that there is one TLS stack.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Uri};

use super::body::read_body;
use super::connect::{Connector, NotConnected};
use super::endpoint;
use super::timeout::within;

/// The limit for a provider that sets none of its own.
const DEFAULT_LIMIT: Duration = Duration::from_secs(5);

/// The largest answer of a provider's service; real ones are a few KB.
const MAX_ANSWER: usize = 1024 * 1024;

/// A connection for each request: providers make one or two in an hour.
#[derive(Debug, Clone)]
pub(super) struct SdkHttp {
    connector: Arc<Connector>,
    connect_limit: Duration,
    read_limit: Duration,
}

impl SdkHttp {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        Self {
            connector,
            connect_limit: DEFAULT_LIMIT,
            read_limit: DEFAULT_LIMIT,
        }
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let (mut parts, body) = request.into_parts();
        let body = body
            .bytes()
            .ok_or_else(|| ConnectorError::user("the body is a stream".into()))?;
        let body = Full::new(Bytes::copy_from_slice(body));

        let (scheme, authority) = (
            parts.uri.scheme_str().unwrap_or("https"),
            parts.uri.authority(),
        );
        let authority =
            authority.ok_or_else(|| ConnectorError::user("the URL has no host".into()))?;
        let to = endpoint::parse(
            "credential provider",
            &format!("{scheme}://{authority}"),
            "",
            true,
        )
        .map_err(|error| ConnectorError::user(error.into()))?;
        if !parts.headers.contains_key(header::HOST) {
            let host = HeaderValue::try_from(to.authority())
                .map_err(|error| ConnectorError::user(error.into()))?;
            parts.headers.insert(header::HOST, host);
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = path
            .parse::<Uri>()
            .map_err(|error| ConnectorError::user(error.into()))?;

        // Metadata services use plain HTTP. They are on this host or next to it, so the proxy is bypassed.
        let connection = self
            .connector
            .connect(&to, !to.tls, self.connect_limit)
            .await
            .map_err(|error| match error {
                NotConnected::Config(error) => ConnectorError::user(error.into()),
                NotConnected::Failed(error) => ConnectorError::io(error),
            })?;
        let exchange = async {
            let (mut sender, driver) = http1::handshake(connection).await?;
            tokio::spawn(driver);
            sender.send_request(Request::from_parts(parts, body)).await
        };
        let clock = self.connector.clock();
        let response = within(clock, self.read_limit, exchange)
            .await
            .ok_or_else(|| {
                ConnectorError::timeout(format!("no answer within {:?}", self.read_limit).into())
            })?
            .map_err(|error| ConnectorError::io(error.into()))?;
        let (parts, body) = response.into_parts();
        let body = within(clock, self.read_limit, read_body(body, MAX_ANSWER))
            .await
            .ok_or_else(|| ConnectorError::timeout("the answer stopped half-way".into()))?
            .map_err(ConnectorError::io)?;
        HttpResponse::try_from(hyper::Response::from_parts(parts, body.into()))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl HttpClient for SdkHttp {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Self {
            connector: Arc::clone(&self.connector),
            connect_limit: settings.connect_timeout().unwrap_or(self.connect_limit),
            read_limit: settings.read_timeout().unwrap_or(self.read_limit),
        })
    }
}

impl HttpConnector for SdkHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}
