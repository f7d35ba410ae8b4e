//! Credentials of a role, from the Security Token Service.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use hyper::Method;
use hyper::header::{self, HeaderName};

use super::super::date::parse_timestamp;
use super::super::endpoint::{self, Endpoint};
use super::super::percent::encoded;
use super::super::reason::Failure;
use super::super::service_error::{Retry, is_about_signature, judge};
use super::super::settings;
use super::super::sign::Signer;
use super::super::skew::correct_clock;
use super::lookup::Lookup;
use super::service::{Answer, LIMIT, Query, shown};
use super::xml;

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Errors whose text quotes the request as it should have been signed, with the session token.
const QUOTES_REQUEST: [&str; 4] = [
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "IncompleteSignatureException",
];

/// The Regions that `sts_regional_endpoints = legacy` sends to the global endpoint. From botocore.
const LEGACY_REGIONS: [&str; 15] = [
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// A request for the credentials of a role.
pub(super) struct RoleRequest<'a> {
    pub(super) action: &'static str,
    pub(super) role: &'a str,
    /// The name of the session in AWS's logs. Default: one of this crate with the time.
    pub(super) session_name: Option<&'a str>,
    /// Further parameters.
    pub(super) parameters: Vec<(&'static str, String)>,
    /// Who signs it. A token of the parameters may stand for a signature.
    pub(super) signer: Option<&'a Credentials>,
}

impl RoleRequest<'_> {
    pub(super) async fn send(&self, lookup: &Lookup<'_>) -> Result<Credentials, Failure> {
        let (to, region) = target(lookup)?;
        let path = to.below("");
        let signer = Signer::new(&to.authority(), &path, &region, "sts");
        let clock = lookup.connector.clock();
        let body = self.body(clock.now());
        let mut is_corrected = false;
        loop {
            let signed_at = clock.now();
            let query = self.query(&to, &path, &body, &signer, signed_at)?;
            let answer = query.ask_patiently(lookup.connector, LIMIT, passes).await?;
            if answer.status == 200 {
                let xml = String::from_utf8_lossy(&answer.body);
                return credentials(&xml).ok_or_else(|| {
                    self.failed("the answer holds no credentials that can be read", &to)
                });
            }
            let error = StsError::of(&answer);
            let clock_corrected = lookup.correct_clock_skew
                && is_about_signature(&error.code)
                && answer.headers.contains_key(AMZN_REQUEST_ID)
                && correct_clock(clock, signed_at, date(&answer));
            if !clock_corrected || std::mem::replace(&mut is_corrected, true) {
                return Err(self.refused(&to, answer.status, &error));
            }
        }
    }

    fn body(&self, now: SystemTime) -> String {
        let default = || {
            let since = now.duration_since(SystemTime::UNIX_EPOCH);
            format!(
                "dynamodb-session-{}",
                since.map_or(0, |since| since.as_secs())
            )
        };
        let session_name = self.session_name.map_or_else(default, str::to_owned);
        let mut body = format!("Action={}&Version=2011-06-15", self.action);
        let given = self.parameters.iter();
        let given = given.map(|(name, value)| (*name, value.as_str()));
        for (name, value) in [("RoleArn", self.role), ("RoleSessionName", &session_name)]
            .into_iter()
            .chain(given)
        {
            body.push('&');
            body.push_str(name);
            body.push('=');
            body.push_str(&encoded(value, b""));
        }
        body
    }

    fn query<'t>(
        &self,
        to: &'t Endpoint,
        path: &str,
        body: &str,
        signer: &Signer,
        time: SystemTime,
    ) -> Result<Query<'t>, Failure> {
        let mut query = Query::new(Method::POST, to, path)?;
        query.header(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=utf-8",
        )?;
        if let Some(credentials) = self.signer {
            let signature = signer.sign(credentials, None, body.as_bytes(), time);
            query.header(
                AMZ_DATE,
                &String::from_utf8_lossy(signature.date.as_bytes()),
            )?;
            query.header(header::AUTHORIZATION, &signature.authorization)?;
            if let Some(token) = credentials.session_token() {
                query.header(AMZ_TOKEN, token)?;
            }
        }
        query.body(body.to_owned());
        Ok(query)
    }

    fn failed(&self, what: &str, to: &Endpoint) -> Failure {
        let (role, url) = (self.role, to.url());
        Failure::new(format!(
            "{} of the role {role} at {url}: {what}",
            self.action
        ))
    }

    fn refused(&self, to: &Endpoint, status: u16, error: &StsError) -> Failure {
        let code = error.code.as_str();
        let what = if code.is_empty() {
            format!("HTTP {status} without an error of STS")
        } else if QUOTES_REQUEST.contains(&code) {
            format!("{code}; the text is not shown, because it may quote the session token")
        } else {
            shown(&format!("{code}: {}", error.message))
        };
        self.failed(&what, to)
    }
}

/// The parts of an error answer. They are empty if it is not one of STS.
struct StsError {
    code: String,
    message: String,
}

impl StsError {
    fn of(answer: &Answer) -> Self {
        let xml = String::from_utf8_lossy(&answer.body);
        let error = xml::element(&xml, "Error").unwrap_or_default();
        let text = |name: &str| xml::text(error, name).unwrap_or_default();
        Self {
            code: text("Code"),
            message: text("Message"),
        }
    }
}

/// Whether repeating the request may help: STS is in trouble, too busy, or cannot reach the identity provider.
fn passes(answer: &Answer) -> bool {
    let error = StsError::of(answer);
    let retry = judge(&error.code, answer.status, &error.message).1;
    error.code == "IDPCommunicationError" || matches!(retry, Retry::Transient | Retry::Throttled)
}

/// Where STS is asked, and the Region that the request is signed for.
fn target(lookup: &Lookup<'_>) -> Result<(Endpoint, String), Failure> {
    let configured = lookup.configured();
    let failed = |what: &dyn std::fmt::Display| Failure::new(format!("STS: {what}"));
    let mut to = endpoint::of_service(&settings::STS, lookup.region, configured)
        .map_err(|invalid| failed(&invalid))?;
    let is_legacy = match configured.value(&settings::STS_ENDPOINTS) {
        None | Some("regional") => false,
        Some("legacy") => true,
        Some(_) => return Err(failed(&"sts_regional_endpoints must be regional or legacy")),
    };
    let region = lookup.region;
    let is_plain = to.host == format!("sts.{region}.amazonaws.com");
    if is_legacy && is_plain && LEGACY_REGIONS.contains(&region) {
        "sts.amazonaws.com".clone_into(&mut to.host);
        return Ok((to, "us-east-1".to_owned()));
    }
    Ok((to, region.to_owned()))
}

fn date(answer: &Answer) -> Option<&str> {
    answer.headers.get(header::DATE)?.to_str().ok()
}

fn credentials(xml: &str) -> Option<Credentials> {
    let keys = xml::element(xml, "Credentials")?;
    let filled = |name: &str| xml::text(keys, name).filter(|text| !text.is_empty());
    Some(Credentials::new(
        filled("AccessKeyId")?,
        filled("SecretAccessKey")?,
        Some(filled("SessionToken")?),
        Some(parse_timestamp(&filled("Expiration")?)?),
        "STS",
    ))
}
