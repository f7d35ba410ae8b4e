//! Checks settings before the first request.

use super::config::ClientConfig;
use super::proxy::Proxy;
use super::reason::InvalidSetting;
use super::{endpoint, tls};
use crate::error::Error;

/// Checks what needs no I/O: Region, endpoint URL, proxy, user agent and certificate authorities.
pub(crate) fn settings(config: &ClientConfig) -> Result<(), Error> {
    check(config).map_err(Error::from)
}

fn check(config: &ClientConfig) -> Result<(), InvalidSetting> {
    endpoint::check(config)?;
    if let Some(proxy) = &config.proxy {
        Proxy::parse("proxy", proxy)?;
    }
    if let Some(suffix) = &config.user_agent_suffix
        && !suffix.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    {
        return Err(InvalidSetting::new(
            "user_agent_suffix",
            "only printable ASCII can be sent",
        ));
    }
    tls::check_roots(&config.tls_roots)
}

#[cfg(test)]
mod tests;
