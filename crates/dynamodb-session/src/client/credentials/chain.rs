//! The order in which credentials are looked for: that of botocore.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_credential_types::Credentials;

use super::super::connect::Connector;
use super::super::environment::Environment;
use super::super::profile::Profiles;
use super::super::reason::Failure;
use super::super::settings;
use super::lookup::{Found, Lookup};
use super::{container, environment, instance, profile, role};
use crate::remedy::Remedy;

const NOT_FOUND: &str = "no credentials found: neither in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), \
     nor in the profile (~/.aws, AWS_PROFILE), nor from web identity, container or EC2 instance metadata";

/// Looks for credentials. It keeps nothing: files are read anew for each renewal, because other programs rewrite them.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) environment: Environment,
    /// A profile that the caller names. Its account counts, whatever the environment holds.
    pub(super) profile: Option<String>,
    pub(super) region: String,
    pub(super) connector: Arc<Connector>,
    pub(super) correct_clock_skew: bool,
    /// Whether the renewal under way has come to the metadata service of an instance.
    pub(super) asks_instance: AtomicBool,
}

impl Chain {
    pub(super) async fn fetch(&self) -> Result<Credentials, Failure> {
        self.asks_instance.store(false, Ordering::Relaxed);
        let environment_counts = self.profile.is_none();
        if environment_counts && let Some(keys) = environment::keys(&self.environment) {
            return Ok(keys);
        }
        let profiles = Profiles::read(&self.environment).map_err(Failure::new)?;
        let selected = profiles
            .selected(self.profile.as_deref(), &self.environment)
            .map_err(|reason| not_found(&format!("{NOT_FOUND} ({reason})")))?;
        let lookup = Lookup {
            environment: &self.environment,
            profiles: &profiles,
            selected,
            region: &self.region,
            connector: &self.connector,
            correct_clock_skew: self.correct_clock_skew,
            asks_instance: &self.asks_instance,
        };
        found(&lookup, environment_counts)
            .await?
            .ok_or_else(|| not_found(NOT_FOUND))
    }
}

async fn found(lookup: &Lookup<'_>, environment_counts: bool) -> Found {
    let found = role::credentials(lookup).await?;
    if found.is_some() {
        return Ok(found);
    }
    let found = profile::credentials(lookup, lookup.selected, environment_counts).await?;
    if found.is_some() || !environment_counts {
        return Ok(found);
    }
    for setting in [&settings::OLD_CREDENTIALS_FILE, &settings::BOTO_CONFIG] {
        if setting.variable(lookup.environment).is_some() {
            let name = setting.name();
            return Err(not_found(&format!(
                "{name} is not read: put the keys into ~/.aws/credentials, or remove the variable"
            )));
        }
    }
    let found = container::credentials(lookup).await?;
    if found.is_some() {
        return Ok(found);
    }
    instance::credentials(lookup).await
}

fn not_found(text: &str) -> Failure {
    Failure::new(text).with_remedy(Remedy::SetCredentials)
}
