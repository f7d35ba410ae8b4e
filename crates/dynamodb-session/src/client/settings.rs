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
pub(super) const CA_BUNDLE: Setting = setting(&["AWS_CA_BUNDLE"], "ca_bundle");
pub(super) const STS_ENDPOINTS: Setting =
    setting(&["AWS_STS_REGIONAL_ENDPOINTS"], "sts_regional_endpoints");
pub(super) const METADATA_ENDPOINT: Setting = setting(
    &["AWS_EC2_METADATA_SERVICE_ENDPOINT"],
    "ec2_metadata_service_endpoint",
);
pub(super) const METADATA_MODE: Setting = setting(
    &["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"],
    "ec2_metadata_service_endpoint_mode",
);
pub(super) const METADATA_IPV6: Setting = setting(&["AWS_IMDS_USE_IPV6"], "imds_use_ipv6");
pub(super) const METADATA_V1_DISABLED: Setting = setting(
    &["AWS_EC2_METADATA_V1_DISABLED"],
    "ec2_metadata_v1_disabled",
);
pub(super) const METADATA_TIMEOUT: Setting = setting(
    &["AWS_METADATA_SERVICE_TIMEOUT"],
    "metadata_service_timeout",
);
pub(super) const METADATA_ATTEMPTS: Setting = setting(
    &["AWS_METADATA_SERVICE_NUM_ATTEMPTS"],
    "metadata_service_num_attempts",
);
const IGNORE_URLS: Setting = setting(
    &["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"],
    "ignore_configured_endpoint_urls",
);
const ACCOUNT_ENDPOINT: Setting = setting(
    &["AWS_ACCOUNT_ID_ENDPOINT_MODE"],
    "account_id_endpoint_mode",
);

impl Setting {
    /// Its name in a profile.
    pub(super) fn key(&self) -> &'static str {
        self.key
    }

    /// Its value: in the environment, or else in the profile.
    pub(super) fn value<'a>(
        &self,
        environment: &'a Environment,
        profile: Option<Profile<'a>>,
    ) -> Option<&'a str> {
        self.named(environment, profile).map(|(_, value)| value)
    }

    /// Its value, and the name that it has where it stands.
    pub(super) fn named<'a>(
        &self,
        environment: &'a Environment,
        profile: Option<Profile<'a>>,
    ) -> Option<(&'static str, &'a str)> {
        let variables = self.variables.iter();
        let set = variables
            .copied()
            .find_map(|name| Some((name, environment.get(name)?)));
        set.or_else(|| Some((self.key, profile?.get(self.key)?)))
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

/// A service that this crate asks.
pub(super) struct Service {
    /// The environment variable with its URL.
    url_variable: &'static str,
    /// Its name in a services section.
    key: &'static str,
    /// The name of its hosts, without Region and suffix.
    pub(super) label: &'static str,
}

const fn service(url_variable: &'static str, key: &'static str, label: &'static str) -> Service {
    Service {
        url_variable,
        key,
        label,
    }
}

pub(super) const DYNAMODB: Service = service("AWS_ENDPOINT_URL_DYNAMODB", "dynamodb", "dynamodb");
pub(super) const STS: Service = service("AWS_ENDPOINT_URL_STS", "sts", "sts");
pub(super) const SSO: Service = service("AWS_ENDPOINT_URL_SSO", "sso", "portal.sso");
pub(super) const SSO_OIDC: Service = service("AWS_ENDPOINT_URL_SSO_OIDC", "sso_oidc", "oidc");

/// The URL that the environment or the profile gives a service, and the setting that it comes from.
pub(super) fn endpoint_url<'a>(
    service: &Service,
    environment: &'a Environment,
    profile: Option<Profile<'a>>,
) -> Result<Option<(&'static str, &'a str)>, InvalidSetting> {
    if IGNORE_URLS.is_true(environment, profile) {
        return Ok(None);
    }
    for name in [service.url_variable, "AWS_ENDPOINT_URL"] {
        if let Some(url) = environment.get(name) {
            return Ok(Some((name, url)));
        }
    }
    let of_profile = profile.map(|profile| profile.endpoint_url(service.key));
    let of_profile = of_profile
        .transpose()
        .map_err(|reason| InvalidSetting::new("profile", reason))?;
    Ok(of_profile.flatten().map(|url| ("endpoint_url", url)))
}
