//! The settings of the table.

use super::HashIds;

/// How a store uses its table: which attributes, which part of a shared table, which reads.
///
/// What a table is *created* with is in [`TableSettings`](crate::table::TableSettings).
#[must_use]
#[derive(Debug, Clone, Default)]
pub struct TableOptions {
    pub(crate) partition_key: Option<String>,
    pub(crate) ttl_attribute: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) consistent_read: Option<bool>,
    pub(crate) hash_ids: Option<HashIds>,
}

impl TableOptions {
    /// The attribute that is the table's partition key, of type string. Default: `sessionId`.
    pub fn partition_key(mut self, attribute: impl Into<String>) -> Self {
        self.partition_key = Some(attribute.into());
        self
    }

    /// The number attribute that holds the expiry in epoch seconds. Default: `expires`.
    ///
    /// If the table's TTL is on another attribute, [`Table::create_if_missing`](crate::table::Table::create_if_missing)
    /// and [`Table::time_to_live`](crate::table::Table::time_to_live) find it. From then on the expiry is written to both,
    /// and the earlier one counts.
    pub fn ttl_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.ttl_attribute = Some(attribute.into());
        self
    }

    /// Prepended to every session id, so that several applications can share a table. Default: empty.
    ///
    /// End it with a separator. Otherwise the store also reads, lists and clears the sessions of a prefix that begins with
    /// this one: `shop` those of `shop-admin:`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Whether reads see every write that was acknowledged before. Default: `true`.
    ///
    /// # Cost
    ///
    /// A consistent read of 4 KB is 1 read capacity unit, an eventually consistent one half of that.
    pub fn consistent_read(mut self, consistent_read: bool) -> Self {
        self.consistent_read = Some(consistent_read);
        self
    }

    /// Whether the table has a hash of each session's id in place of the id. Default: [`HashIds::Off`]. For a new table,
    /// [`HashIds::Only`] is recommended.
    pub fn hash_ids(mut self, hash_ids: HashIds) -> Self {
        self.hash_ids = Some(hash_ids);
        self
    }
}
