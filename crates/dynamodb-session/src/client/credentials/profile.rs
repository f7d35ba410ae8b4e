//! The credentials that stand in one profile, or that it leads to without another profile.

use super::super::profile::Profile;
use super::super::reason::Failure;
use super::super::settings;
use super::lookup::{Found, Lookup};
use super::{keys, process, sso, web_identity};

const LOGIN_SESSION: &str = "the profile signs in by `aws login` (login_session), which only the AWS CLI can renew: \
     use a profile with the line `credential_process = aws configure export-credentials --profile NAME --format process`, \
     where NAME is the profile that signs in";

/// Asks in botocore's order. `environment_counts`: whether the variables of a web identity count.
pub(super) async fn credentials(
    lookup: &Lookup<'_>,
    profile: Profile<'_>,
    environment_counts: bool,
) -> Found {
    let found = web_identity::credentials(lookup, profile, environment_counts).await?;
    if found.is_some() {
        return Ok(found);
    }
    let found = sso::credentials(lookup, profile).await?;
    if found.is_some() {
        return Ok(found);
    }
    let found = keys::in_credentials_file(lookup, profile)?;
    if found.is_some() {
        return Ok(found);
    }
    if profile.get(&settings::LOGIN_SESSION).is_some() {
        return Err(Failure::new(LOGIN_SESSION));
    }
    let found = process::credentials(lookup, profile).await?;
    if found.is_some() {
        return Ok(found);
    }
    keys::in_config_file(lookup, profile)
}
