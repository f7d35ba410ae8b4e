//! Access keys in the environment.

use aws_credential_types::Credentials;

use super::super::environment::Environment;
use super::super::settings::{self, Setting};

/// `AWS_…`, then `AMAZON_…`, which the JavaScript SDK 2 reads. A key without its secret is ignored.
pub(super) fn keys(environment: &Environment) -> Option<Credentials> {
    // The older name of the token first, as in the AWS CLI.
    let tokens = [&settings::SECURITY_TOKEN, &settings::SESSION_TOKEN];
    let aws = (&settings::ACCESS_KEY, &settings::SECRET_KEY, &tokens[..]);
    let amazon = (
        &settings::AMAZON_ACCESS_KEY,
        &settings::AMAZON_SECRET_KEY,
        &[&settings::AMAZON_SESSION_TOKEN][..],
    );
    let get = |setting: &Setting| {
        let value = setting.variable(environment)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    [aws, amazon].into_iter().find_map(|(key, secret, tokens)| {
        let (key, secret) = (get(key)?, get(secret)?);
        let token = tokens.iter().find_map(|token| get(token));
        Some(Credentials::new(key, secret, token, None, "environment"))
    })
}
