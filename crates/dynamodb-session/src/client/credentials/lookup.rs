//! What the providers share.

use std::sync::atomic::AtomicBool;

use aws_credential_types::Credentials;

use super::super::configured::Configured;
use super::super::connect::Connector;
use super::super::environment::Environment;
use super::super::profile::{Profile, Profiles};
use super::super::reason::Failure;

/// What a provider found. `Ok(None)`: it is not configured, so the next one is asked.
pub(super) type Found = Result<Option<Credentials>, Failure>;

/// What one renewal goes by. The files are read anew for each.
pub(super) struct Lookup<'a> {
    pub(super) environment: &'a Environment,
    pub(super) profiles: &'a Profiles,
    /// The profile that a setting or the environment selects. Endpoints come from it.
    pub(super) selected: Profile<'a>,
    /// The store's Region, which is also that of STS.
    pub(super) region: &'a str,
    pub(super) connector: &'a Connector,
    pub(super) correct_clock_skew: bool,
    /// Set before the metadata service of an instance is asked.
    pub(super) asks_instance: &'a AtomicBool,
}

impl<'a> Lookup<'a> {
    /// The settings of the environment and of the selected profile.
    pub(super) fn configured(&self) -> Configured<'a> {
        Configured {
            environment: self.environment,
            profile: Some(self.selected),
        }
    }
}
