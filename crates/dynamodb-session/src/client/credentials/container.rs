//! The services of ECS and of the EKS Pod Identity agent.

use std::net::IpAddr;
use std::time::Duration;

use hyper::{Method, header};

use super::super::endpoint::{self, Endpoint};
use super::super::reason::Failure;
use super::super::settings;
use super::json::{self, JsonKeys};
use super::lookup::{Found, Lookup};
use super::service::{Answer, Query};

/// The address of ECS, which a relative URI is below.
const ECS: &str = "169.254.170.2";

/// Those of the EKS Pod Identity agent, beside the addresses of this host.
const OTHERS: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];

const LIMIT: Duration = Duration::from_secs(2);

pub(super) async fn credentials(lookup: &Lookup<'_>) -> Found {
    let relative = settings::CONTAINER_RELATIVE_URI.set_variable(lookup.environment);
    let full = settings::CONTAINER_FULL_URI.set_variable(lookup.environment);
    let (setting, url) = match (relative, full) {
        (Some((setting, path)), _) => (setting, format!("http://{ECS}{path}")),
        (None, Some((setting, url))) => (setting, url.to_owned()),
        (None, None) => return Ok(None),
    };
    let (to, path) = target(setting, &url)?;
    let mut query = Query::new(Method::GET, &to, path)?;
    query.header(header::ACCEPT, "application/json")?;
    if let Some(token) = authorization(lookup)? {
        query.header(header::AUTHORIZATION, &token)?;
    }
    let failed = |what: &str| {
        Failure::new(format!(
            "the container's service for credentials ({setting}) {what}"
        ))
    };
    let answer = query
        .ask_patiently(lookup.connector, LIMIT, Answer::passes)
        .await?;
    if answer.status != 200 {
        return Err(failed(&format!("answered HTTP {}", answer.status)));
    }
    let keys: JsonKeys =
        json::parse(&answer.body).map_err(|what| failed(&format!("answered {what}")))?;
    let keys = keys.temporary("container");
    keys.map(Some)
        .map_err(|what| failed(&format!("answered {what}")))
}

/// The endpoint of the URL, and the path with its query. Over plain HTTP, the token may only go to this host or to the
/// services of the cluster.
fn target<'a>(setting: &'static str, url: &'a str) -> Result<(Endpoint, &'a str), Failure> {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let path = url[after_scheme..].find(['/', '?']);
    let (authority, path) = match path {
        Some(at) => url.split_at(after_scheme + at),
        None => (url, "/"),
    };
    if after_scheme == 0 {
        let text = format!("{setting}: it is not a URL that begins with http:// or https://");
        return Err(Failure::new(text));
    }
    let to = endpoint::parse(setting, authority, "", "", true)
        .map_err(|invalid| Failure::new(invalid.to_string()))?;
    let address: Option<IpAddr> = to.host.parse().ok();
    let is_allowed = to.tls
        || to.host == "localhost"
        || to.host == ECS
        || OTHERS.contains(&to.host.as_str())
        || address.is_some_and(|address| address.is_loopback());
    if is_allowed {
        Ok((to, path))
    } else {
        Err(Failure::new(format!(
            "{setting}: over http, only localhost, a loopback address, {ECS} and {} are allowed; use https",
            OTHERS.join(" and ")
        )))
    }
}

/// The value of the header `authorization`. The file counts before the variable, and is read each time.
fn authorization(lookup: &Lookup<'_>) -> Result<Option<String>, Failure> {
    let Some((setting, path)) = settings::CONTAINER_TOKEN_FILE.set_variable(lookup.environment)
    else {
        let token = settings::CONTAINER_TOKEN.variable(lookup.environment);
        return Ok(token.map(str::to_owned));
    };
    std::fs::read_to_string(path)
        .map(|token| Some(token.trim_end().to_owned()))
        .map_err(|error| Failure::new(format!("{setting} ({path}): {error}")))
}
