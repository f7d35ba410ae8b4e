//! A role that is assumed with a token of an identity provider, as EKS gives one to a pod.

use super::super::profile::Profile;
use super::super::reason::Failure;
use super::super::settings::{self, Setting};
use super::lookup::{Found, Lookup};
use super::sts::RoleRequest;
use crate::remedy::Remedy;

/// Each setting comes from the environment, if that counts, or else from the profile.
pub(super) async fn credentials(
    lookup: &Lookup<'_>,
    profile: Profile<'_>,
    environment_counts: bool,
) -> Found {
    let get = |setting: &Setting| {
        let set = setting.variable(lookup.environment);
        set.filter(|_| environment_counts)
            .or_else(|| profile.get(setting))
    };
    let Some(path) = get(&settings::WEB_IDENTITY_TOKEN_FILE) else {
        return Ok(None);
    };
    let role = get(&settings::ROLE_ARN).ok_or_else(|| {
        let text = format!(
            "a web identity token is configured ({path}), but no role: set AWS_ROLE_ARN, or role_arn in the profile"
        );
        Failure::new(text).with_remedy(Remedy::SetCredentials)
    })?;
    // It is renewed in its file, so it is read each time.
    let token = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("the web identity token {path}: {error}")))?;
    let request = RoleRequest {
        action: "AssumeRoleWithWebIdentity",
        role,
        session_name: get(&settings::ROLE_SESSION_NAME),
        parameters: vec![("WebIdentityToken", token.trim().to_owned())],
        signer: None,
    };
    request.send(lookup).await.map(Some)
}
