//! Access keys in a profile.

use aws_credential_types::Credentials;

use super::super::profile::Profile;
use super::super::reason::Failure;
use super::super::settings::{self, Setting};
use super::lookup::{Found, Lookup};
use crate::remedy::Remedy;

/// The profile's keys in the credentials file.
pub(super) fn in_credentials_file(lookup: &Lookup<'_>, profile: Profile<'_>) -> Found {
    let file = || lookup.profiles.credentials_file();
    keys(profile, |setting| profile.in_credentials(setting), file)
}

/// The profile's keys in the configuration file.
pub(super) fn in_config_file(lookup: &Lookup<'_>, profile: Profile<'_>) -> Found {
    let file = || lookup.profiles.config_file();
    keys(profile, |setting| profile.in_config(setting), file)
}

/// Whether the profile has keys, or a part of them, in either file.
pub(super) fn are_in(profile: Profile<'_>) -> bool {
    let get = |setting| profile.get(setting);
    get(&settings::ACCESS_KEY)
        .or(get(&settings::SECRET_KEY))
        .is_some()
}

fn keys<'a>(
    profile: Profile<'_>,
    get: impl Fn(&Setting) -> Option<&'a str>,
    file: impl Fn() -> String,
) -> Found {
    let Some(key) = get(&settings::ACCESS_KEY) else {
        return Ok(None);
    };
    let secret = get(&settings::SECRET_KEY).ok_or_else(|| {
        Failure::new(format!(
            "profile `{}`: {} is missing in {}",
            profile.name(),
            settings::SECRET_KEY.key(),
            file()
        ))
        .with_remedy(Remedy::SetCredentials)
    })?;
    // The older name first, as in the AWS CLI.
    let token = get(&settings::SECURITY_TOKEN).or_else(|| get(&settings::SESSION_TOKEN));
    let token = token.map(str::to_owned);
    Ok(Some(Credentials::new(key, secret, token, None, "profile")))
}
