//! What a table's sessions are configured with. It imports neither the store nor what builds it.

use std::time::Duration;

use crate::error::Error;
use crate::item::Layout;
use crate::table::name;

/// The table, and how sessions are stored in it.
#[derive(Debug, Clone)]
pub(crate) struct TableConfig {
    pub(crate) name: String,
    pub(crate) partition_key: String,
    pub(crate) ttl_attribute: String,
    pub(crate) prefix: String,
    pub(crate) consistent_read: bool,
    pub(crate) default_ttl: Duration,
    pub(crate) layout: Layout,
    pub(crate) parallel_changes: ParallelChanges,
    /// Zero: every touch is written.
    pub(crate) touch_after: Duration,
    pub(crate) absolute_ttl: Option<Duration>,
}

impl TableConfig {
    /// Checks the names of the table and of its attributes.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        name::check_table(&self.name)?;
        name::check_attributes(
            &self.partition_key,
            &self.ttl_attribute,
            self.layout.attributes(),
        )
    }
}

/// What a [`save`](crate::SessionStore::save) does about requests that change the same session in parallel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParallelChanges {
    /// Each writes the top-level fields that it changed, so disjoint changes all survive.
    #[default]
    Merge,
    /// Each writes the whole session: the last one wins. A session that was deleted stays deleted.
    Overwrite,
}
