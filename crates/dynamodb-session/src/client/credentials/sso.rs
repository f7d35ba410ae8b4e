//! IAM Identity Center (SSO): the credentials of a role, for a token that `aws sso login` has stored.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use hyper::Method;
use hyper::header::HeaderName;
use serde::Deserialize;

use super::super::endpoint;
use super::super::percent::encoded;
use super::super::profile::Profile;
use super::super::reason::Failure;
use super::super::settings;
use super::json;
use super::lookup::{Found, Lookup};
use super::service::{Answer, LIMIT, Query, shown};
use crate::remedy::Remedy;

mod config;
mod token;

use config::SsoConfig;

const BEARER_TOKEN: HeaderName = HeaderName::from_static("x-amz-sso_bearer_token");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    role_credentials: RoleCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// In milliseconds of the epoch.
    expiration: u64,
}

#[derive(Deserialize, Default)]
struct Refusal {
    message: Option<String>,
}

/// Asks only if the profile names an account or a role of SSO.
pub(super) async fn credentials(lookup: &Lookup<'_>, profile: Profile<'_>) -> Found {
    let failed = |what: &str| Failure::new(format!("profile `{}`: {what}", profile.name()));
    let invalid = |what: &str| failed(what).with_remedy(Remedy::SetCredentials);
    let Some(config) = SsoConfig::of(lookup, profile).map_err(|what| invalid(&what))? else {
        return Ok(None);
    };
    let token = token::access_token(lookup, &config)
        .await
        .map_err(|failure| failed(&failure.to_string()).with_remedy(failure.remedy))?;
    let to = endpoint::of_service(&settings::SSO, config.region, lookup.configured())
        .map_err(|error| invalid(&format!("sso_region: {error}")))?;
    let path = format!(
        "{}?role_name={}&account_id={}",
        to.below("federation/credentials"),
        encoded(config.role, b""),
        encoded(config.account, b"")
    );
    let mut query = Query::new(Method::GET, &to, &path)?;
    query.header(BEARER_TOKEN, &token)?;
    let answer = query
        .ask_patiently(lookup.connector, LIMIT, Answer::passes)
        .await?;
    let answered = |what: &str| {
        let (role, account) = (config.role, config.account);
        failed(&format!(
            "SSO answered {what} for the role {role} of the account {account}"
        ))
    };
    match answer.status {
        200 => {
            let given: Given = json::parse(&answer.body).map_err(answered)?;
            let given = given.role_credentials;
            let expiry = UNIX_EPOCH + Duration::from_millis(given.expiration);
            Ok(Some(Credentials::new(
                given.access_key_id,
                given.secret_access_key,
                Some(given.session_token),
                Some(expiry),
                "SSO",
            )))
        }
        status => {
            let refusal: Refusal = json::parse(&answer.body).unwrap_or_default();
            let remedy = (status == 401).then_some(Remedy::SignIn);
            let reason = shown(&refusal.message.unwrap_or_default());
            Err(answered(&format!("HTTP {status} ({reason})")).with_remedy(remedy))
        }
    }
}
