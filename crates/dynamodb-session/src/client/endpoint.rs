//! Where requests go: service, Region and settings in, host, port and signing Region out. The only I/O is to read the profile.

use std::net::IpAddr;

use super::config::ClientConfig;
use super::configured::Configured;
use super::profile::{Profile, Profiles};
use super::reason::InvalidSetting;
use super::settings::Service;
use super::{authority, settings};

/// An address to connect to and the path to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    /// A lower-case name or an IP address, IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Begins with a slash.
    pub(crate) path: String,
}

/// The endpoint and Region that the settings resolve to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) endpoint: Endpoint,
    pub(crate) signing_region: String,
    /// Whether it is a local engine, which must not see the real credentials of this host.
    pub(crate) local: bool,
    /// The file with the certificate authorities to trust, and the setting that it comes from.
    pub(crate) ca_bundle: Option<(&'static str, String)>,
}

/// A group of Regions that share the names of their endpoints.
struct Partition {
    /// The prefix of its Regions' names.
    prefix: &'static str,
    suffix: &'static str,
    dual_stack_suffix: &'static str,
    /// Whether its FIPS endpoints that are not dual-stack have the plain names, for most services.
    plain_fips: bool,
}

/// From botocore's `partitions.json` and the endpoint rule sets of the services. The last one takes all Regions
/// that the others do not.
const PARTITIONS: [Partition; 8] = [
    partition("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    // All endpoints of GovCloud are FIPS endpoints, under their plain names.
    Partition {
        plain_fips: true,
        ..partition("us-gov-", "amazonaws.com", "api.aws")
    },
    partition("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    partition("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    partition("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    partition("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    partition("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    partition("", "amazonaws.com", "api.aws"),
];

const fn partition(
    prefix: &'static str,
    suffix: &'static str,
    dual_stack_suffix: &'static str,
) -> Partition {
    Partition {
        prefix,
        suffix,
        dual_stack_suffix,
        plain_fips: false,
    }
}

/// The host name of a service's own endpoint in a Region.
fn regional_host(service: &Service, region: &str, fips: bool, dual_stack: bool) -> String {
    let of_region = |partition: &&Partition| region.starts_with(partition.prefix);
    let partition = PARTITIONS
        .iter()
        .find(of_region)
        .unwrap_or(&PARTITIONS[PARTITIONS.len() - 1]);
    let fips = if fips && (dual_stack || service.own_fips_names || !partition.plain_fips) {
        "-fips"
    } else {
        ""
    };
    let suffix = if dual_stack {
        partition.dual_stack_suffix
    } else {
        partition.suffix
    };
    format!("{}{fips}.{region}.{suffix}", service.label).to_ascii_lowercase()
}

/// Where another service than DynamoDB is asked, by the same settings of environment and profile.
pub(super) fn of_service(
    service: &Service,
    region: &str,
    configured: Configured<'_>,
) -> Result<Endpoint, InvalidSetting> {
    let (region, _) = split_fips(region)?;
    if let Some((setting, url)) = configured.endpoint_url(service)? {
        return parse(setting, url, service.label, region, true);
    }
    let fips = configured.is_true(&settings::USE_FIPS);
    let dual_stack = configured.is_true(&settings::USE_DUAL_STACK);
    Ok(Endpoint {
        tls: true,
        host: regional_host(service, region, fips, dual_stack),
        port: default_port(true),
        path: "/".to_owned(),
    })
}

/// Checks Region and endpoint URL, as far as they are set, without I/O.
pub(super) fn check(config: &ClientConfig) -> Result<(), InvalidSetting> {
    if let Some(region) = &config.region {
        split_fips(region)?;
    }
    if let Some(url) = &config.endpoint_url {
        if config.use_fips || config.use_dual_stack {
            return Err(fips_contradiction("endpoint_url"));
        }
        // The Region may come from elsewhere later; here only the URL's form matters.
        parse(
            "endpoint_url",
            url,
            config.service.label,
            config.region.as_deref().unwrap_or("us-east-1"),
            config.tls,
        )?;
    }
    Ok(())
}

fn fips_contradiction(setting: &'static str) -> InvalidSetting {
    InvalidSetting::new(
        setting,
        "FIPS and dual-stack choose among the Region's own endpoints: set them or a URL, not both",
    )
}

/// Whether credentials go over the network unencrypted, which deserves a warning.
///
/// It does no I/O, so what stands in the profile is not seen.
pub(crate) fn is_insecure(config: &ClientConfig) -> bool {
    let region = region(config, None).unwrap_or("us-east-1");
    if is_local(region) {
        return false;
    }
    match custom_url(config, None) {
        Ok(Some((setting, url))) => parse(setting, url, config.service.label, region, config.tls)
            .is_ok_and(|endpoint| !endpoint.tls && !endpoint.is_loopback()),
        Ok(None) => !config.tls,
        Err(_) => false,
    }
}

/// Finds Region and endpoint. A profile that is named and missing is an error, as in the AWS CLI: its endpoint and its
/// Region are unknown. If the caller gave both, the profile is not asked.
pub(crate) fn resolve(config: &ClientConfig) -> Result<Resolved, InvalidSetting> {
    if config.region.is_some() && config.endpoint_url.is_some() {
        return resolve_with(config, None);
    }
    let invalid = |reason: String| InvalidSetting::new("profile", reason);
    let profiles = Profiles::read(&config.environment).map_err(invalid)?;
    let selected = profiles.selected(config.profile.as_deref(), &config.environment);
    resolve_with(config, Some(selected.map_err(invalid)?))
}

fn resolve_with(
    config: &ClientConfig,
    profile: Option<Profile<'_>>,
) -> Result<Resolved, InvalidSetting> {
    let configured = configured(config, profile);
    configured.check()?;
    let region = region(config, profile).ok_or_else(InvalidSetting::missing_region)?;
    let local = is_local(region);
    let (region, fips_region) = split_fips(region)?;
    let endpoint = if let Some((setting, url)) = custom_url(config, profile)? {
        if config.use_fips || config.use_dual_stack {
            return Err(fips_contradiction(setting));
        }
        parse(setting, url, config.service.label, region, config.tls)?
    } else if local && config.service.key != settings::DYNAMODB.key {
        return Err(InvalidSetting::new(
            config.service.url.name(),
            format!(
                "the Region {region} means a local engine, which has no such service: set its URL"
            ),
        ));
    } else if local {
        Endpoint {
            tls: false,
            host: "localhost".to_owned(),
            port: 8000,
            path: "/".to_owned(),
        }
    } else {
        let fips = config.use_fips || fips_region || configured.is_true(&settings::USE_FIPS);
        let dual_stack = config.use_dual_stack || configured.is_true(&settings::USE_DUAL_STACK);
        Endpoint {
            tls: config.tls,
            host: regional_host(config.service, region, fips, dual_stack),
            port: default_port(config.tls),
            path: "/".to_owned(),
        }
    };
    let ca_bundle = configured.named(&settings::CA_BUNDLE);
    Ok(Resolved {
        endpoint,
        signing_region: region.to_owned(),
        local,
        ca_bundle: ca_bundle.map(|(setting, path)| (setting, path.to_owned())),
    })
}

fn configured<'a>(config: &'a ClientConfig, profile: Option<Profile<'a>>) -> Configured<'a> {
    Configured {
        environment: &config.environment,
        profile,
    }
}

/// The Region from the caller, the environment or the profile.
fn region<'a>(config: &'a ClientConfig, profile: Option<Profile<'a>>) -> Option<&'a str> {
    let given = config.region.as_deref();
    given.or_else(|| configured(config, profile).value(&settings::REGION))
}

/// The URL that replaces the Region's own, and the setting that it comes from.
fn custom_url<'a>(
    config: &'a ClientConfig,
    profile: Option<Profile<'a>>,
) -> Result<Option<(&'static str, &'a str)>, InvalidSetting> {
    match &config.endpoint_url {
        Some(url) => Ok(Some(("endpoint_url", url))),
        None => configured(config, profile).endpoint_url(config.service),
    }
}

/// As in version 1 of the npm package: `local` anywhere in the name.
fn is_local(region: &str) -> bool {
    region.contains("local")
}

/// Checks that a Region's name is a label of a host name, and removes `fips` from the pseudo Regions
/// `fips-us-east-1` and `us-east-1-fips`.
fn split_fips(region: &str) -> Result<(&str, bool), InvalidSetting> {
    let plain = region
        .strip_prefix("fips-")
        .or_else(|| region.strip_suffix("-fips"));
    let (name, fips) = plain.map_or((region, false), |name| (name, true));
    let is_label = (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_label {
        Ok((name, fips))
    } else {
        Err(InvalidSetting::new(
            "region",
            "only letters, digits and hyphens",
        ))
    }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Reads an endpoint's URL. Without a scheme, `tls` decides. `{service}`, `{region}` and `{scheme}` are replaced.
pub(crate) fn parse(
    setting: &'static str,
    url: &str,
    service: &str,
    region: &str,
    tls: bool,
) -> Result<Endpoint, InvalidSetting> {
    let invalid = |reason: &str| InvalidSetting::new(setting, reason);
    let scheme = if tls { "https" } else { "http" };
    let url = url
        .trim()
        .replace("{service}", service)
        .replace("{region}", region)
        .replace("{scheme}", scheme);
    let (tls, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
        Some(_) => return Err(invalid("the scheme must be http or https")),
        None => (tls, url.as_str()),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(invalid(
            "credentials do not belong in the URL: use the option for credentials",
        ));
    }
    let (host, port) =
        authority::split(authority).ok_or_else(|| invalid("it has no valid host and port"))?;
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%!$&'()*+,;=:@".contains(&byte);
    if !path.bytes().all(is_plain)
        || path.contains("//")
        || path.split('/').any(|part| part == "." || part == "..")
    {
        return Err(invalid(
            "its path must be plain, without query and fragment",
        ));
    }
    let path = if path.is_empty() { "/" } else { path }.to_owned();
    Ok(Endpoint {
        tls,
        host,
        port: port.unwrap_or_else(|| default_port(tls)),
        path,
    })
}

impl Endpoint {
    /// The path of something below the endpoint's own path.
    pub(super) fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.path.trim_end_matches('/'))
    }

    /// Host and port as in a URL and the `host` header: without the scheme's default port.
    pub(crate) fn authority(&self) -> String {
        if self.port == default_port(self.tls) {
            authority::bracketed(&self.host)
        } else {
            self.address()
        }
    }

    /// Host and port, always both.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", authority::bracketed(&self.host), self.port)
    }

    /// The URL for messages. It never holds credentials.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let path = if self.path == "/" { "" } else { &self.path };
        format!("{scheme}://{}{path}", self.authority())
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(&self.host);
        name == "localhost"
            || name.ends_with(".localhost")
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests;
