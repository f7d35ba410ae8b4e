//! The settings of the environment and of a profile that say where requests go.
//!
//! The variable counts before the profile's setting, as in the AWS CLI.

use super::environment::Environment;
use super::profile::Profile;
use super::reason::InvalidSetting;

/// A setting that can stand in the environment and in a profile.
pub(super) struct Setting {
    /// Environment variables. The first that is set counts.
    variables: &'static [&'static str],
    /// Its name in a profile.
    key: &'static str,
}

const fn setting(variables: &'static [&'static str], key: &'static str) -> Setting {
    Setting { variables, key }
}

pub(super) const REGION: Setting = setting(
    &["AWS_REGION", "AMAZON_REGION", "AWS_DEFAULT_REGION"],
    "region",
);
pub(super) const USE_FIPS: Setting = setting(&["AWS_USE_FIPS_ENDPOINT"], "use_fips_endpoint");
pub(super) const USE_DUAL_STACK: Setting =
    setting(&["AWS_USE_DUALSTACK_ENDPOINT"], "use_dualstack_endpoint");
const IGNORE_URLS: Setting = setting(
    &["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"],
    "ignore_configured_endpoint_urls",
);
const ACCOUNT_ENDPOINT: Setting = setting(
    &["AWS_ACCOUNT_ID_ENDPOINT_MODE"],
    "account_id_endpoint_mode",
);

impl Setting {
    /// Its value: in the environment, or else in the profile.
    pub(super) fn value<'a>(
        &self,
        environment: &'a Environment,
        profile: Option<Profile<'a>>,
    ) -> Option<&'a str> {
        let set = self.variables.iter().find_map(|name| environment.get(name));
        set.or_else(|| profile?.get(self.key))
    }

    pub(super) fn is_true(&self, environment: &Environment, profile: Option<Profile<'_>>) -> bool {
        self.value(environment, profile)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Refuses a setting that means another endpoint than the Region's.
pub(super) fn check(
    environment: &Environment,
    profile: Option<Profile<'_>>,
) -> Result<(), InvalidSetting> {
    match ACCOUNT_ENDPOINT.value(environment, profile) {
        Some("required") => Err(InvalidSetting::new(
            "account_id_endpoint_mode",
            "endpoints of an account are not supported: set it to preferred, for the Region's endpoint",
        )),
        _ => Ok(()),
    }
}

/// The URL that the environment or the profile gives DynamoDB, and the setting that it comes from.
pub(super) fn endpoint_url<'a>(
    environment: &'a Environment,
    profile: Option<Profile<'a>>,
) -> Result<Option<(&'static str, &'a str)>, InvalidSetting> {
    if IGNORE_URLS.is_true(environment, profile) {
        return Ok(None);
    }
    for name in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"] {
        if let Some(url) = environment.get(name) {
            return Ok(Some((name, url)));
        }
    }
    let of_profile = profile.map(|profile| profile.endpoint_url("dynamodb"));
    let of_profile = of_profile
        .transpose()
        .map_err(|reason| InvalidSetting::new("profile", reason))?;
    Ok(of_profile.flatten().map(|url| ("endpoint_url", url)))
}
