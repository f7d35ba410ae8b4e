//! Waiting for a table, and bringing its TTL and its capacity to what is wanted.
//!
//! Other processes may be making the same changes: a change that is refused is a success if the table is then as
//! wanted.

use std::time::Duration;

use serde_json::json;

use super::{BillingMode, Table, TableDescription, TableSettings, TimeToLive};
use crate::error::{Error, ErrorKind};
use crate::request::Operation;

/// How long a table may take to become usable. AWS takes 7 to 16 s, more when many are created at once.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(2);
const FIRST_POLL: Duration = Duration::from_millis(100);
const LONGEST_POLL: Duration = Duration::from_secs(2);

impl Table {
    pub(super) async fn wait_until_usable(&self) -> Result<TableDescription, Error> {
        let mut poll = Poll::new(self);
        loop {
            // A table just created can be unknown to the part of the service that is asked next.
            if let Some(description) = self.describe().await?.filter(TableDescription::is_usable) {
                return Ok(description);
            }
            poll.wait("become active").await?;
        }
    }

    pub(super) async fn wait_until_gone(&self) -> Result<(), Error> {
        let mut poll = Poll::new(self);
        while self.describe().await?.is_some() {
            poll.wait("be deleted").await?;
        }
        Ok(())
    }

    /// Uses the table's TTL attribute if TTL is on, and turns TTL on or off if `wanted` differs from what it is. Returns
    /// what it was.
    pub(super) async fn settle_ttl(&self, wanted: Option<bool>) -> Result<TimeToLive, Error> {
        let mut poll = Poll::new(self);
        loop {
            let ttl = self.time_to_live().await?;
            if let TimeToLive::Enabled(attribute) = &ttl {
                self.check_ttl_attribute(attribute)?;
            }
            let (enabled, attribute) = match (wanted, &ttl) {
                (None, _) | (_, TimeToLive::Unsupported) | (Some(true), TimeToLive::Enabled(_)) => {
                    return Ok(ttl);
                }
                (Some(false), TimeToLive::Disabled | TimeToLive::Disabling) => return Ok(ttl),
                (Some(false), TimeToLive::Enabled(attribute)) => (false, attribute.clone()),
                (Some(true), _) => (true, self.ttl_attribute()),
            };
            let specification = json!({ "AttributeName": attribute, "Enabled": enabled });
            let request =
                json!({ "TableName": self.name(), "TimeToLiveSpecification": specification });
            match self.send(Operation::UpdateTimeToLive, request).await {
                Err(error) if error.code() == Some("UnknownOperationException") => return Ok(ttl),
                // The table is still settling.
                Err(error) if is_settling(&error) => poll.wait("accept a TTL setting").await?,
                // Another process may have been quicker with the same change.
                Err(error) if error.code() == Some("ValidationException") => {
                    let is_so = match self.time_to_live().await? {
                        TimeToLive::Enabled(now) => enabled && now == attribute,
                        TimeToLive::Disabled | TimeToLive::Disabling => !enabled,
                        TimeToLive::Unsupported => true,
                    };
                    return if is_so { Ok(ttl) } else { Err(error) };
                }
                answer => {
                    answer?;
                    if enabled {
                        self.store.learn().set_ttl_attribute(&attribute);
                    }
                    return Ok(ttl);
                }
            }
        }
    }

    /// The attribute that TTL is to be enabled on.
    fn ttl_attribute(&self) -> String {
        let attributes = self.store.expiry_attributes();
        let followed = attributes.followed.as_deref();
        followed.unwrap_or(attributes.configured).to_owned()
    }

    fn check_ttl_attribute(&self, attribute: &str) -> Result<(), Error> {
        if self.store.table.can_follow(attribute) {
            return Ok(());
        }
        let message =
            format!("the table's TTL is on by `{attribute}`, where the store keeps something else");
        Err(Error::new(ErrorKind::Config, message).on(Operation::DescribeTimeToLive, self.name()))
    }

    /// Sets the capacity units that are set and differ. An on-demand table has no units, so it stays as it is.
    pub(super) async fn settle_capacity(
        &self,
        description: TableDescription,
        settings: &TableSettings,
    ) -> Result<TableDescription, Error> {
        let mut description = description;
        let mut poll = Poll::new(self);
        loop {
            let read = settings
                .read_capacity_units
                .unwrap_or(description.read_capacity_units);
            let write = settings
                .write_capacity_units
                .unwrap_or(description.write_capacity_units);
            let is_so = (read, write)
                == (
                    description.read_capacity_units,
                    description.write_capacity_units,
                );
            if is_so || description.billing_mode == BillingMode::PayPerRequest {
                return Ok(description);
            }
            let units = json!({ "ReadCapacityUnits": read, "WriteCapacityUnits": write });
            let request = json!({ "TableName": self.name(), "ProvisionedThroughput": units });
            match self.send(Operation::UpdateTable, request).await {
                Ok(_) => {
                    return Ok(TableDescription {
                        read_capacity_units: read,
                        write_capacity_units: write,
                        ..description
                    });
                }
                // Another process may be making the same change: look again.
                Err(error) if is_settling(&error) => {
                    poll.wait("accept a change of its capacity").await?;
                }
                Err(error) if error.code() == Some("ValidationException") => {
                    let now = self.describe().await?;
                    return now
                        .filter(|now| {
                            (read, write) == (now.read_capacity_units, now.write_capacity_units)
                        })
                        .ok_or(error);
                }
                Err(error) => return Err(error),
            }
            if let Some(now) = self.describe().await? {
                description = now;
            }
        }
    }
}

/// Whether the table is in the middle of another change, or was created too recently to be found everywhere.
fn is_settling(error: &Error) -> bool {
    error.kind() == ErrorKind::TableNotFound || error.code() == Some("ResourceInUseException")
}

/// Waits between looks at a table, twice as long each time, up to [`SETTLE_TIMEOUT`].
struct Poll<'a> {
    table: &'a Table,
    interval: Duration,
    end: Duration,
}

impl<'a> Poll<'a> {
    fn new(table: &'a Table) -> Self {
        Self {
            table,
            interval: FIRST_POLL,
            end: table.store.clock.monotonic() + SETTLE_TIMEOUT,
        }
    }

    async fn wait(&mut self, purpose: &str) -> Result<(), Error> {
        if self.table.store.clock.monotonic() >= self.end {
            let message = format!(
                "the table did not {purpose} within {} s",
                SETTLE_TIMEOUT.as_secs()
            );
            return Err(Error::new(ErrorKind::Timeout, message)
                .on(Operation::DescribeTable, self.table.name()));
        }
        self.table.store.clock.sleep(self.interval).await;
        self.interval = (self.interval * 2).min(LONGEST_POLL);
        Ok(())
    }
}
