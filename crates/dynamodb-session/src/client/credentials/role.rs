//! Roles that a profile assumes, with the credentials of another profile or of this host.

use aws_credential_types::Credentials;

use super::super::profile::Profile;
use super::super::reason::Failure;
use super::super::settings;
use super::lookup::{Found, Lookup};
use super::sts::RoleRequest;
use super::{container, environment, instance, keys, profile};
use crate::remedy::Remedy;

/// Where the credentials come from that the first role is assumed with.
enum Base<'a> {
    Profile(Profile<'a>),
    /// The value of `credential_source`.
    Named(&'a str),
}

/// The credentials of the profile's role; `None` if the profile assumes none.
///
/// A role's source may be a profile with a role of its own. The chain is followed to its end, and then the roles are
/// assumed from there.
pub(super) async fn credentials(lookup: &Lookup<'_>) -> Found {
    let mut at = lookup.selected;
    if !assumes_role(at) {
        return Ok(None);
    }
    let mut roles = Vec::new();
    let base = loop {
        roles.push(at);
        match source(lookup, &roles)? {
            // A profile that is its own source has keys, as may others have beside a role. They count.
            Base::Profile(next) if assumes_role(next) && !keys::are_in(next) => at = next,
            base => break base,
        }
    };
    let mut credentials = of_base(lookup, &base, roles[roles.len() - 1]).await?;
    while let Some(role) = roles.pop() {
        credentials = assume(lookup, role, &credentials).await?;
    }
    Ok(Some(credentials))
}

/// A profile with a token file is a web identity instead.
fn assumes_role(profile: Profile<'_>) -> bool {
    profile.get(&settings::ROLE_ARN).is_some()
        && profile.get(&settings::WEB_IDENTITY_TOKEN_FILE).is_none()
}

fn invalid(profile: Profile<'_>, what: &str) -> Failure {
    Failure::new(format!("profile `{}`: {what}", profile.name()))
        .with_remedy(Remedy::SetCredentials)
}

/// The source of the last of these profiles.
fn source<'a>(lookup: &Lookup<'a>, roles: &[Profile<'a>]) -> Result<Base<'a>, Failure> {
    let profile = roles[roles.len() - 1];
    let name = match (
        profile.get(&settings::SOURCE_PROFILE),
        profile.get(&settings::CREDENTIAL_SOURCE),
    ) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                profile,
                "it has both source_profile and credential_source: keep one of them",
            ));
        }
        (None, None) => {
            return Err(invalid(
                profile,
                "it has role_arn, but neither source_profile nor credential_source, whose credentials assume the role",
            ));
        }
        (None, Some(source)) => return Ok(Base::Named(source)),
        (Some(name), None) => name,
    };
    let next = lookup.profiles.profile(name).map_err(|reason| {
        invalid(
            profile,
            &format!("no credentials found for its role: {reason}"),
        )
    })?;
    let is_visited = roles.iter().any(|role| role.name() == name);
    if is_visited && (name != profile.name() || !keys::are_in(next)) {
        let names: Vec<_> = roles.iter().map(Profile::name).collect();
        return Err(invalid(
            profile,
            &format!(
                "source_profile goes round in a circle: {} -> {name}",
                names.join(" -> ")
            ),
        ));
    }
    Ok(Base::Profile(next))
}

async fn of_base(
    lookup: &Lookup<'_>,
    base: &Base<'_>,
    role: Profile<'_>,
) -> Result<Credentials, Failure> {
    match base {
        Base::Profile(source) => {
            let found = profile::credentials(lookup, *source, false).await?;
            found.ok_or_else(|| {
                let name = source.name();
                invalid(
                    role,
                    &format!("its source_profile `{name}` has no credentials"),
                )
            })
        }
        Base::Named(name) => {
            // As in botocore, their case does not matter.
            let found = match name.to_ascii_lowercase().as_str() {
                "environment" => environment::keys(lookup.environment),
                "ecscontainer" => container::credentials(lookup).await?,
                "ec2instancemetadata" => instance::credentials(lookup).await?,
                _ => {
                    return Err(invalid(
                        role,
                        "credential_source must be Environment, EcsContainer or Ec2InstanceMetadata",
                    ));
                }
            };
            found.ok_or_else(|| {
                invalid(
                    role,
                    &format!("no credentials found in its credential_source {name}"),
                )
            })
        }
    }
}

async fn assume(
    lookup: &Lookup<'_>,
    profile: Profile<'_>,
    source: &Credentials,
) -> Result<Credentials, Failure> {
    if profile.get(&settings::MFA_SERIAL).is_some() {
        return Err(invalid(
            profile,
            "mfa_serial asks for a code that a person types, which no server can: use a role without it, or the line \
             `credential_process = aws configure export-credentials --profile NAME --format process` in another profile",
        ));
    }
    let mut parameters = Vec::new();
    if let Some(id) = profile.get(&settings::EXTERNAL_ID) {
        parameters.push(("ExternalId", id.to_owned()));
    }
    // As in the AWS CLI, what is not a number does not count.
    if let Some(secs) = profile.get(&settings::DURATION_SECONDS)
        && secs.parse::<u32>().is_ok()
    {
        parameters.push(("DurationSeconds", secs.to_owned()));
    }
    let request = RoleRequest {
        action: "AssumeRole",
        role: profile.get(&settings::ROLE_ARN).unwrap_or_default(),
        session_name: profile.get(&settings::ROLE_SESSION_NAME),
        parameters,
        signer: Some(source),
    };
    request.send(lookup).await
}
