//! Access keys in a profile.

use aws_credential_types::Credentials;

use super::super::profile::Profile;
use super::super::reason::Failure;
use super::lookup::{Found, Lookup};
use crate::remedy::Remedy;

const KEY: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// The profile's keys in the credentials file.
pub(super) fn in_credentials_file(lookup: &Lookup<'_>, profile: Profile<'_>) -> Found {
    let file = || lookup.profiles.credentials_file();
    keys(profile, |key| profile.in_credentials(key), file)
}

/// The profile's keys in the configuration file.
pub(super) fn in_config_file(lookup: &Lookup<'_>, profile: Profile<'_>) -> Found {
    let file = || lookup.profiles.config_file();
    keys(profile, |key| profile.in_config(key), file)
}

/// Whether the profile has keys, or a part of them, in either file.
pub(super) fn are_in(profile: Profile<'_>) -> bool {
    profile.get(KEY).or_else(|| profile.get(SECRET)).is_some()
}

fn keys<'a>(
    profile: Profile<'_>,
    get: impl Fn(&str) -> Option<&'a str>,
    file: impl Fn() -> String,
) -> Found {
    let Some(key) = get(KEY) else {
        return Ok(None);
    };
    let secret = get(SECRET).ok_or_else(|| {
        Failure::new(format!(
            "profile `{}`: {SECRET} is missing in {}",
            profile.name(),
            file()
        ))
        .with_remedy(Remedy::SetCredentials)
    })?;
    // The older name first, as in the AWS CLI.
    let token = get("aws_security_token").or_else(|| get("aws_session_token"));
    let token = token.map(str::to_owned);
    Ok(Some(Credentials::new(key, secret, token, None, "profile")))
}
