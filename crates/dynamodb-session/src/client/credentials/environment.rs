//! Access keys in the environment.

use aws_credential_types::Credentials;

use super::super::environment::Environment;

/// `AWS_…`, then `AMAZON_…`, which the JavaScript SDK 2 reads. A key without its secret is ignored.
pub(super) fn keys(environment: &Environment) -> Option<Credentials> {
    ["AWS", "AMAZON"].iter().find_map(|prefix| {
        let get = |name: &str| {
            let value = environment.get(&format!("{prefix}_{name}"))?;
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let (key, secret) = (get("ACCESS_KEY_ID")?, get("SECRET_ACCESS_KEY")?);
        // The older name first, as in the AWS CLI.
        let token = get("SECURITY_TOKEN").or_else(|| get("SESSION_TOKEN"));
        Some(Credentials::new(key, secret, token, None, "environment"))
    })
}
