//! Makes a store from the flags.

use std::io::Write;
use std::time::Duration;

use dynamodb_session::options::{
    ConnectionOptions, EncryptionOptions, HashIds, Layout, RetryOptions, TableOptions, UserOptions,
};
use dynamodb_session::{ErrorKind, SessionStore};

use crate::cli::{ConnectionArgs, TableArgs};
use crate::exit::Failure;

/// How the sessions of an application are kept in the table.
#[derive(Default)]
pub(crate) struct Kept<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) layout: Layout,
    pub(crate) encryption: Option<EncryptionOptions>,
    pub(crate) compress: bool,
    /// Whether the command is about the sessions of users.
    pub(crate) has_users: bool,
}

/// The store that the flags describe. It has looked at the table, whose TTL can be on another attribute. If that is not
/// allowed, the flag alone counts.
pub(crate) async fn store_of_table(
    connection: &ConnectionArgs,
    table: &TableArgs,
    kept: Kept<'_>,
) -> Result<SessionStore, Failure> {
    let store = store(connection, table, kept)?;
    match store.table().time_to_live().await {
        // The command itself would wait as long, and fail as well.
        Err(error) if matches!(error.kind(), ErrorKind::Transport | ErrorKind::Timeout) => {
            Err(error.into())
        }
        _ => Ok(store),
    }
}

/// The store that the flags describe. Sends no request yet.
pub(crate) fn store(
    connection: &ConnectionArgs,
    table: &TableArgs,
    kept: Kept<'_>,
) -> Result<SessionStore, Failure> {
    // A person is more patient than a web request, and may be far from the Region.
    let mut builder = SessionStore::builder()
        .table_name(&table.table_name)
        .table_options(
            TableOptions::default()
                .partition_key(&table.partition_key)
                .ttl_attribute(&table.ttl_attribute)
                .prefix(kept.prefix)
                // So no flag has to say which key a session has.
                .hash_ids(HashIds::On),
        )
        .layout(kept.layout)
        .compress(kept.compress)
        .connection_options(
            ConnectionOptions::default()
                .connect_timeout(Duration::from_secs(5))
                .first_byte_timeout(Duration::from_secs(10))
                .proxy_from_environment(true)
                .user_agent_suffix("app/dynamodb-session-cli"),
        )
        .retry_options(RetryOptions::default().operation_timeout(Duration::from_secs(20)));
    if let Some(region) = &connection.region {
        builder = builder.region(region);
    }
    if let Some(url) = &connection.endpoint_url {
        builder = builder.endpoint_url(url);
    }
    if let Some(profile) = &connection.profile {
        builder = builder.profile(profile);
    }
    if let Some(encryption) = kept.encryption {
        builder = builder.encryption(encryption);
    }
    if kept.has_users {
        builder = builder.users(UserOptions::default());
    }
    let store = builder.build()?;
    if store.is_insecure() {
        // An error means that standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "warning: credentials go over the network unencrypted: use an https:// endpoint"
        );
    }
    Ok(store)
}
