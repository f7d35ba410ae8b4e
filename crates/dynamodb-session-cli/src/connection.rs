//! From flags to a store.

use std::time::Duration;

use dynamodb_session::SessionStore;

use crate::cli::{ConnectionArgs, TableArgs};
use crate::exit::{Exit, Failure};

/// Credentials in the environment come before those of a profile.
const CREDENTIAL_VARIABLES: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AMAZON_ACCESS_KEY_ID"];

/// No request is made yet.
pub(crate) fn store(
    connection: &ConnectionArgs,
    table: &TableArgs,
    prefix: &str,
) -> Result<SessionStore, Failure> {
    // A person is more patient than a web request, and may be far from the Region.
    let mut builder = SessionStore::builder()
        .table_name(&table.table_name)
        .partition_key(&table.partition_key)
        .ttl_attribute(&table.ttl_attribute)
        .prefix(prefix)
        .connect_timeout(Duration::from_secs(5))
        .first_byte_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(20))
        .user_agent_suffix("app/dynamodb-session-cli");
    if let Some(region) = &connection.region {
        builder = builder.region(region);
    }
    if let Some(url) = &connection.endpoint_url {
        builder = builder.endpoint_url(url);
    }
    if let Some(profile) = &connection.profile {
        refuse_two_accounts()?;
        builder = builder.profile(profile);
    }
    Ok(builder.build()?)
}

/// The wrong account would be asked, or its table deleted, if the environment won silently over --profile.
fn refuse_two_accounts() -> Result<(), Failure> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match CREDENTIAL_VARIABLES.iter().find(|name| is_set(name)) {
        Some(name) => {
            let message = format!("--profile and {name} both say whose credentials to use");
            Err(Failure::new(Exit::Config, message)
                .hint(format!("leave out --profile, or unset {name}")))
        }
        None => Ok(()),
    }
}
