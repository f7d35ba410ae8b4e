//! Requests to the services that give credentials. They are few, so each has a connection of its own.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};

use super::super::body::read_body;
use super::super::connect::{Connector, NotConnected};
use super::super::endpoint::Endpoint;
use super::super::reason::{Failure, chain};
use super::super::timeout::within;

/// How long a service of AWS may take: to connect, to begin its answer, and to end it. Three silent attempts end before
/// the renewal does, so that the error names the service.
pub(super) const LIMIT: Duration = Duration::from_secs(4);

/// The largest answer; real ones are a few KB.
const MAX_ANSWER: usize = 1024 * 1024;

/// The pauses before a request is repeated.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// How much of a service's text an error shows.
const MAX_SHOWN: usize = 500;

/// A request that can be repeated.
pub(super) struct Query<'a> {
    to: &'a Endpoint,
    request: Request<Full<Bytes>>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no answer.
pub(super) enum Unanswered {
    /// A setting has to be corrected first.
    Config(Failure),
    /// Nothing was reached at this address.
    Unreachable(Failure),
    /// The connection was silent or broke.
    Silent(Failure),
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Config(failure)
            | Unanswered::Unreachable(failure)
            | Unanswered::Silent(failure) => failure,
        }
    }
}

// A request that cannot be made.
impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Config(failure)
    }
}

impl<'a> Query<'a> {
    /// A request for `path`, which may have a query.
    pub(super) fn new(method: Method, to: &'a Endpoint, path: &str) -> Result<Self, Failure> {
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = path
            .parse::<Uri>()
            .map_err(|_| Failure::new(format!("{}: its path cannot be sent", to.url())))?;
        let mut query = Self { to, request };
        query.header(header::HOST, &to.authority())?;
        let user_agent = concat!("dynamodb-session/", env!("CARGO_PKG_VERSION"));
        query.header(header::USER_AGENT, user_agent)?;
        Ok(query)
    }

    pub(super) fn header(&mut self, name: HeaderName, value: &str) -> Result<(), Failure> {
        let value = HeaderValue::from_str(value).map_err(|_| {
            Failure::new(format!(
                "the header {name} for {} holds characters that cannot be sent",
                self.to.url()
            ))
        })?;
        self.request.headers_mut().insert(name, value);
        Ok(())
    }

    pub(super) fn body(&mut self, body: String) {
        *self.request.body_mut() = Full::new(body.into());
    }

    /// Sends it once.
    pub(super) async fn ask(
        &self,
        connector: &Connector,
        limit: Duration,
    ) -> Result<Answer, Unanswered> {
        // Metadata services use plain HTTP. They are on this host or next to it, so the proxy is bypassed.
        let connection = connector
            .connect(self.to, !self.to.tls, limit)
            .await
            .map_err(|error| match error {
                NotConnected::Config(error) => Unanswered::Config(Failure::new(error.to_string())),
                NotConnected::Failed(error) => {
                    let remedy = Failure::among(&*error).and_then(|failure| failure.remedy);
                    let text = format!("{} cannot be reached: {}", self.to.url(), chain(&*error));
                    Unanswered::Unreachable(Failure::new(text).with_remedy(remedy))
                }
            })?;
        let exchange = async {
            let (mut sender, driver) = http1::handshake(connection).await?;
            tokio::spawn(driver);
            sender.send_request(self.request.clone()).await
        };
        let silent =
            |what: String| Unanswered::Silent(Failure::new(format!("{}: {what}", self.to.url())));
        let clock = connector.clock();
        let (head, body) = within(clock, limit, exchange)
            .await
            .ok_or_else(|| silent(format!("no answer within {limit:?}")))?
            .map_err(|error| silent(chain(&error)))?
            .into_parts();
        let body = within(clock, limit, read_body(body, MAX_ANSWER))
            .await
            .ok_or_else(|| silent("the answer stopped half-way".to_owned()))?
            .map_err(|error| silent(chain(&*error)))?;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    /// Sends it until there is an answer that does not pass by itself, three times at most.
    pub(super) async fn ask_patiently(
        &self,
        connector: &Connector,
        limit: Duration,
        passes: impl Fn(&Answer) -> bool,
    ) -> Result<Answer, Failure> {
        let mut pauses = PAUSES.iter();
        loop {
            let outcome = self.ask(connector, limit).await;
            let is_final = match &outcome {
                Ok(answer) => !passes(answer),
                Err(Unanswered::Config(_)) => true,
                Err(_) => false,
            };
            match pauses.next() {
                Some(pause) if !is_final => connector.clock().sleep(*pause).await,
                _ => return outcome.map_err(Failure::from),
            }
        }
    }
}

impl Answer {
    /// Whether the service is in trouble or too busy.
    pub(super) fn passes(&self) -> bool {
        self.status >= 500 || self.status == 429
    }
}

/// The beginning of a text that a service or a program wrote.
pub(super) fn shown(text: &str) -> String {
    text.trim().chars().take(MAX_SHOWN).collect()
}
