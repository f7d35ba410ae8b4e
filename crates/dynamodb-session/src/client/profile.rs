//! The profile in the AWS configuration files, as far as the endpoint needs it.

use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::ProfileFileRegionProvider;

use super::config::ClientConfig;

/// The Region of the profile.
pub(super) async fn region(config: &ClientConfig) -> Option<String> {
    if config.environment.is_stand_in() {
        return None;
    }
    let mut builder = ProfileFileRegionProvider::builder();
    if let Some(profile) = &config.profile {
        builder = builder.profile_name(profile.clone());
    }
    builder
        .build()
        .region()
        .await
        .map(|region| region.to_string())
}
