//! The settings of the table and of the sessions in it. This file imports neither the store nor its builder.

use std::time::Duration;

use super::name;
use crate::error::Error;
use crate::item::Layout;
use crate::item::attributes::OF_USERS;
use crate::options::{HashIds, ParallelChanges, UserOptions};

/// The table, and how sessions are stored in it.
#[derive(Debug, Clone)]
pub(crate) struct TableConfig {
    pub(crate) name: String,
    pub(crate) partition_key: String,
    pub(crate) ttl_attribute: String,
    pub(crate) prefix: String,
    pub(crate) hash_ids: HashIds,
    pub(crate) consistent_read: bool,
    pub(crate) default_ttl: Duration,
    pub(crate) layout: Layout,
    pub(crate) parallel_changes: ParallelChanges,
    /// Zero: every touch is written.
    pub(crate) touch_after: Duration,
    pub(crate) absolute_ttl: Option<Duration>,
    /// `None`: the store does not keep track of users.
    pub(crate) users: Option<UserOptions>,
}

impl TableConfig {
    /// Checks the names of the table and of its attributes.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        name::check_table(&self.name)?;
        name::check_attributes(
            &self.partition_key,
            &self.ttl_attribute,
            self.layout.attributes(),
        )?;
        let Some(users) = &self.users else {
            return Ok(());
        };
        users.validate()?;
        if !self.consistent_read {
            let reason = "it needs consistent reads: otherwise a session that has been revoked \
                          could still be loaded. Leave `consistent_read` on";
            return Err(Error::invalid("users", reason));
        }
        for name in [&self.partition_key, &self.ttl_attribute] {
            if OF_USERS.contains(&&**name) {
                let reason = format!(
                    "the items of users have an attribute {name} for something else than the table"
                );
                return Err(Error::invalid("users", reason));
            }
        }
        Ok(())
    }

    /// Whether sessions can also have their expiry in this attribute, because the table's TTL is on it.
    pub(crate) fn can_follow(&self, attribute: &str) -> bool {
        let taken = self.layout.attributes();
        name::check_attributes(&self.partition_key, attribute, taken).is_ok()
    }
}
