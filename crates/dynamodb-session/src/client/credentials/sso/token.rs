//! The token in the cache of the AWS CLI, and its renewal.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hyper::{Method, header};
use ring::digest;
use serde::{Deserialize, Serialize};

use super::super::super::date::{parse_timestamp, timestamp};
use super::super::super::endpoint;
use super::super::super::reason::Failure;
use super::super::super::settings;
use super::super::json;
use super::super::lookup::Lookup;
use super::super::service::{Answer, LIMIT, Query};
use super::config::SsoConfig;
use crate::remedy::Remedy;

/// A token this close to its expiry is renewed, if it can be. As in botocore.
const RENEW_AHEAD: Duration = Duration::from_mins(15);

/// A file of the cache. The AWS CLI reads what is written here.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cached {
    start_url: Option<String>,
    region: Option<String>,
    access_token: String,
    expires_at: String,
    client_id: Option<String>,
    client_secret: Option<String>,
    registration_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// What a token is renewed with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Renewal<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    grant_type: &'static str,
    refresh_token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renewed {
    access_token: String,
    /// In seconds.
    expires_in: u64,
    refresh_token: Option<String>,
}

/// The cached token, renewed if it is about to expire.
pub(super) async fn access_token(
    lookup: &Lookup<'_>,
    config: &SsoConfig<'_>,
) -> Result<String, Failure> {
    let path = path(lookup, config)?;
    let signed_out = |what: &str| {
        let text = format!("the SSO token {what} ({})", path.display());
        Failure::new(text).with_remedy(Remedy::SignIn)
    };
    let bytes =
        std::fs::read(&path).map_err(|error| signed_out(&format!("is not there: {error}")))?;
    let cached: Cached =
        json::parse(&bytes).map_err(|what| signed_out(&format!("cannot be read: {what}")))?;
    let expiry = parse_timestamp(&cached.expires_at)
        .ok_or_else(|| signed_out("has an expiresAt that is not a time with a zone"))?;
    let now = lookup.connector.clock().now();
    let is_left = |limit| expiry.duration_since(now).is_ok_and(|left| left > limit);
    // Only a session's token can be renewed.
    if config.session.is_some() && !is_left(RENEW_AHEAD) {
        let renewed = renewed(lookup, config, &cached, now).await;
        if let Some(renewed) = renewed {
            // Without the file, the next renewal tries the old token again.
            let _ = store(&path, &renewed);
            return Ok(renewed.access_token);
        }
    }
    if is_left(Duration::ZERO) {
        Ok(cached.access_token)
    } else {
        Err(signed_out("has expired"))
    }
}

/// The file is named by the SHA-1 of the session's name, or else of the start URL.
fn path(lookup: &Lookup<'_>, config: &SsoConfig<'_>) -> Result<PathBuf, Failure> {
    let key = config.session.unwrap_or(config.start_url);
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let mut name = ".aws/sso/cache/".to_owned();
    for byte in hash.as_ref() {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".json");
    lookup.environment.below_home(&name).ok_or_else(|| {
        Failure::new("the SSO token cannot be looked for: the environment has no home directory")
    })
}

/// A new token; `None` if this one cannot be renewed.
async fn renewed(
    lookup: &Lookup<'_>,
    config: &SsoConfig<'_>,
    cached: &Cached,
    now: SystemTime,
) -> Option<Cached> {
    let registered_until = parse_timestamp(cached.registration_expires_at.as_deref()?)?;
    if registered_until <= now {
        return None;
    }
    let renewal = Renewal {
        client_id: cached.client_id.as_deref()?,
        client_secret: cached.client_secret.as_deref()?,
        grant_type: "refresh_token",
        refresh_token: cached.refresh_token.as_deref()?,
    };
    let to = endpoint::of_service(&settings::SSO_OIDC, config.region, lookup.configured());
    let to = to.ok()?;
    let mut query = Query::new(Method::POST, &to, &to.below("token")).ok()?;
    query
        .header(header::CONTENT_TYPE, "application/json")
        .ok()?;
    query.body(serde_json::to_string(&renewal).ok()?);
    let answer = query
        .ask_patiently(lookup.connector, LIMIT, Answer::passes)
        .await
        .ok()?;
    let renewed: Renewed = json::parse(&answer.body)
        .ok()
        .filter(|_| answer.status == 200)?;
    let expiry = now.checked_add(Duration::from_secs(renewed.expires_in))?;
    Some(Cached {
        start_url: Some(config.start_url.to_owned()),
        region: Some(config.region.to_owned()),
        access_token: renewed.access_token,
        expires_at: timestamp(expiry),
        client_id: cached.client_id.clone(),
        client_secret: cached.client_secret.clone(),
        registration_expires_at: cached.registration_expires_at.clone(),
        refresh_token: renewed.refresh_token,
    })
}

/// Replaces the file as a whole: the AWS CLI may be reading it.
fn store(path: &Path, token: &Cached) -> std::io::Result<()> {
    let written = path.with_extension(format!("{:016x}.tmp", fastrand::u64(..)));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&written)?;
    let stored = file
        .write_all(&serde_json::to_vec(token)?)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&written, path));
    if stored.is_err() {
        // A leftover would hold the token.
        let _ = std::fs::remove_file(&written);
    }
    stored
}
