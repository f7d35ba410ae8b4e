//! The metadata service of an EC2 instance.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use hyper::Method;
use hyper::header::HeaderName;

use super::super::endpoint::{self, Endpoint};
use super::super::reason::Failure;
use super::super::settings::{self, Setting};
use super::json::{self, JsonKeys};
use super::lookup::{Found, Lookup};
use super::service::{Answer, Query, Unanswered, shown};
use crate::remedy::Remedy;

const ROLES: &str = "latest/meta-data/iam/security-credentials/";
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const TOKEN_TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");

/// Where the service is.
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

/// How much longer credentials are used that the service gives although they have expired. It renews them late when it
/// is in trouble. The next question comes sooner.
const EXTENSION: Duration = Duration::from_mins(10);
const EXTENSION_JITTER: Duration = Duration::from_mins(5);

/// Asks for the credentials of the instance's role: with a token (version 2), or where the service gives none, without
/// (version 1).
pub(super) async fn credentials(lookup: &Lookup<'_>) -> Found {
    let configured = lookup.configured();
    if configured.is_true(&settings::METADATA_DISABLED) {
        return Ok(None);
    }
    let service = Metadata::of(lookup)?;
    lookup.asks_instance.store(true, Ordering::Relaxed);
    let token = match service.token().await {
        Ok(token) => token,
        // This host is no instance.
        Err(Unanswered::Unreachable(_)) => return Ok(None),
        Err(unanswered) => return Err(unanswered.into()),
    };
    if token.is_none() && configured.is_true(&settings::METADATA_V1_DISABLED) {
        return Err(failed(
            "gave no token for version 2, and version 1 is disabled",
        ));
    }
    let role = match service.get(ROLES, token.as_deref()).await? {
        // The instance has no role.
        answer if answer.status == 404 => return Ok(None),
        answer if token.is_none() && answer.status != 200 => {
            return Err(failed(&format!(
                "gave no token for version 2, and answered HTTP {} without one",
                answer.status
            )));
        }
        answer => expect_ok(answer)?,
    };
    let role = String::from_utf8_lossy(&role.body);
    let role = role.trim();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    if role.is_empty() || !role.bytes().all(is_name) {
        return Err(failed("answered with something else than a role's name"));
    }
    let path = format!("{ROLES}{role}");
    let answer = expect_ok(service.get(&path, token.as_deref()).await?)?;
    let answered = |what: &str| failed(&format!("answered {what} for the role {role}"));
    let keys: JsonKeys = json::parse(&answer.body).map_err(answered)?;
    if let (Some(code), Some(message)) = (&keys.code, &keys.message) {
        let text = shown(&format!("{code}: {message}"));
        return Err(answered(&format!("an error ({text})")));
    }
    let keys = keys.temporary("EC2 instance metadata");
    let keys = keys.map_err(|what| answered(&what))?;
    Ok(Some(extended(keys, lookup.connector.clock().now())))
}

fn failed(what: &str) -> Failure {
    Failure::new(format!("the EC2 instance metadata service {what}"))
}

fn expect_ok(answer: Answer) -> Result<Answer, Failure> {
    match answer.status {
        200 => Ok(answer),
        status => Err(failed(&format!("answered HTTP {status}"))),
    }
}

/// The credentials, with a later expiry if they have expired.
fn extended(mut credentials: Credentials, now: SystemTime) -> Credentials {
    if credentials.expiry().is_some_and(|expiry| expiry <= now) {
        let jitter = EXTENSION_JITTER.mul_f64(fastrand::f64());
        *credentials.expiry_mut() = Some(now + EXTENSION + jitter);
    }
    credentials
}

/// The service, and how patiently it is asked.
struct Metadata<'a> {
    lookup: &'a Lookup<'a>,
    to: Endpoint,
    limit: Duration,
    attempts: u64,
}

impl<'a> Metadata<'a> {
    fn of(lookup: &'a Lookup<'a>) -> Result<Self, Failure> {
        let configured = lookup.configured();
        let invalid = |name: &str, what: &str| Failure::new(format!("{name}: {what}"));
        let ipv6 = match configured.named(&settings::METADATA_MODE) {
            Some((_, mode)) if mode.eq_ignore_ascii_case("ipv4") => false,
            Some((_, mode)) if mode.eq_ignore_ascii_case("ipv6") => true,
            Some((name, _)) => return Err(invalid(name, "it must be IPv4 or IPv6")),
            None => configured.is_true(&settings::METADATA_IPV6),
        };
        let own = (
            settings::METADATA_MODE.key(),
            if ipv6 { IPV6 } else { IPV4 },
        );
        let (name, url) = configured
            .named(&settings::METADATA_ENDPOINT)
            .unwrap_or(own);
        let number = |setting: &Setting| match configured.named(setting) {
            Some((name, text)) => match text.trim().parse::<u64>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(invalid(name, "it must be a whole number above zero")),
            },
            None => Ok(1),
        };
        Ok(Self {
            to: endpoint::parse(name, url, "", "", false)
                .map_err(|invalid| Failure::new(invalid.to_string()))?,
            limit: Duration::from_secs(number(&settings::METADATA_TIMEOUT)?),
            attempts: number(&settings::METADATA_ATTEMPTS)?,
            lookup,
        })
    }

    /// The token; `None` if the service does not give one.
    async fn token(&self) -> Result<Option<String>, Unanswered> {
        let mut query = self.query(Method::PUT, "latest/api/token")?;
        query.header(TOKEN_TTL, "21600")?;
        match self.ask(&query).await {
            Ok(answer) if answer.status == 200 => Ok(Some(
                String::from_utf8_lossy(&answer.body).trim().to_owned(),
            )),
            Ok(answer) if matches!(answer.status, 403..=405) => Ok(None),
            Ok(answer) => Err(Unanswered::Silent(failed(&format!(
                "answered HTTP {} when it was asked for a token",
                answer.status
            )))),
            // The answer of version 2 does not pass more than one hop into a container, where version 1 does.
            Err(Unanswered::Silent(_)) => Ok(None),
            Err(unanswered) => Err(unanswered),
        }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Result<Answer, Failure> {
        let mut query = self.query(Method::GET, path)?;
        if let Some(token) = token {
            query.header(TOKEN, token)?;
        }
        self.ask(&query).await.map_err(|unanswered| {
            Failure::from(unanswered).with_remedy(Remedy::DisableInstanceMetadata)
        })
    }

    fn query(&self, method: Method, path: &str) -> Result<Query<'_>, Failure> {
        Query::new(method, &self.to, &self.to.below(path))
    }

    async fn ask(&self, query: &Query<'_>) -> Result<Answer, Unanswered> {
        let mut left = self.attempts;
        loop {
            left -= 1;
            let outcome = query.ask(self.lookup.connector, self.limit).await;
            match &outcome {
                Ok(answer) if left > 0 && answer.status >= 500 => {}
                Err(_) if left > 0 => {}
                _ => return outcome,
            }
        }
    }
}
