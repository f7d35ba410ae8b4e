//! The session table: describe, create, wait, TTL, capacity, delete.
//!
//! Only what the caller wrote changes a live table; defaults apply to creation alone. Every step asks
//! first and acts on the difference, so that any number of processes can start at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind};
use crate::item::attributes;
use crate::protocol::Inner;
use crate::remedy::Remedy;
use crate::request::Operation;

mod description;
pub(crate) mod name;

use description::TableAnswer;
pub use description::{BillingMode, TableDescription, TimeToLive};

/// How long a table may take to become usable. AWS takes 7 to 16 s, more when many are created at once.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(2);
const FIRST_POLL: Duration = Duration::from_millis(100);
const LONGEST_POLL: Duration = Duration::from_secs(2);

/// What a table is created with. A field that is set is also applied to a table that exists, where that
/// can be changed; one that is not set never changes a live table.
#[derive(Clone, Default)]
pub struct TableSettings {
    /// Default at creation: provisioned. Never changed on a live table.
    pub billing_mode: Option<BillingMode>,
    /// Read capacity units per second. Default at creation: 5. Not used on demand.
    pub read_capacity_units: Option<u64>,
    /// Write capacity units per second. Default at creation: 5. Not used on demand.
    pub write_capacity_units: Option<u64>,
    /// Whether DynamoDB deletes expired items. Default at creation: `true`.
    pub use_ttl: Option<bool>,
    /// Merged into the `CreateTable` request: tags, table class, encryption, deletion protection.
    pub create_table: Map<String, Value>,
}

// Tags may say what is not for logs.
impl fmt::Debug for TableSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableSettings")
            .field("billing_mode", &self.billing_mode)
            .field("read_capacity_units", &self.read_capacity_units)
            .field("write_capacity_units", &self.write_capacity_units)
            .field("use_ttl", &self.use_ttl)
            .finish_non_exhaustive()
    }
}

/// The table of a [`SessionStore`](crate::SessionStore).
#[derive(Debug, Clone)]
pub struct Table {
    store: Arc<Inner>,
}

impl Table {
    pub(crate) fn new(store: Arc<Inner>) -> Self {
        Self { store }
    }

    /// The table as it is; `None` when there is none.
    ///
    /// # Errors
    ///
    /// What the service or the connection did. Not being allowed to describe a table is an error, not `None`.
    ///
    /// # Cost
    ///
    /// 1 `DescribeTable`; no capacity units.
    pub async fn describe(&self) -> Result<Option<TableDescription>, Error> {
        match self
            .send(
                Operation::DescribeTable,
                json!({ "TableName": self.name() }),
            )
            .await
        {
            Ok(answer) => self.read_description(answer).map(Some),
            Err(error) if error.kind() == ErrorKind::TableNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether and by which attribute expired items are deleted.
    ///
    /// # Errors
    ///
    /// What the service or the connection did.
    ///
    /// # Cost
    ///
    /// 1 `DescribeTimeToLive`; no capacity units.
    pub async fn time_to_live(&self) -> Result<TimeToLive, Error> {
        let answer = match self
            .send(
                Operation::DescribeTimeToLive,
                json!({ "TableName": self.name() }),
            )
            .await
        {
            Err(error) if error.code() == Some("UnknownOperationException") => {
                return Ok(TimeToLive::Unsupported);
            }
            answer => answer?,
        };
        let ttl = &answer["TimeToLiveDescription"];
        Ok(
            match (
                ttl["TimeToLiveStatus"].as_str(),
                ttl["AttributeName"].as_str(),
            ) {
                (Some("ENABLED" | "ENABLING"), Some(attribute)) => {
                    TimeToLive::Enabled(attribute.to_owned())
                }
                (Some("DISABLING"), _) => TimeToLive::Disabling,
                _ => TimeToLive::Disabled,
            },
        )
    }

    /// Makes the table usable for sessions: creates it if it is missing, waits until it is active, turns TTL
    /// on, and applies those settings that are set to a table that was there before.
    ///
    /// A table whose TTL is already on by another attribute keeps it, and the store writes expiries there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the table's key is not a single string of the configured name,
    /// [`ErrorKind::Timeout`] when it does not become active within two minutes; otherwise what the service
    /// did, its refusal to change a setting too often included.
    ///
    /// # Cost
    ///
    /// A table that is as it should be: `DescribeTable` and `DescribeTimeToLive`; no capacity units.
    pub async fn create_if_missing(
        &self,
        settings: &TableSettings,
    ) -> Result<TableDescription, Error> {
        let (mut description, mut is_new) = if let Some(description) = self.describe().await? {
            let is_new = description.status == "CREATING";
            (description, is_new)
        } else {
            self.request_creation(settings).await?;
            (self.wait_until_usable().await?, true)
        };
        if !description.is_usable() {
            if description.status == "DELETING" {
                self.wait_until_gone().await?;
                self.request_creation(settings).await?;
                is_new = true;
            }
            description = self.wait_until_usable().await?;
        }
        self.check_key(&description)?;
        if is_new {
            self.settle_ttl(Some(settings.use_ttl.unwrap_or(true)))
                .await?;
            return Ok(description);
        }
        self.update_from(description, settings).await
    }

    /// Creates the table, waits until it is active and turns TTL on.
    ///
    /// # Errors
    ///
    /// `ResourceInUseException` when it exists; otherwise as [`create_if_missing`](Self::create_if_missing).
    ///
    /// # Cost
    ///
    /// `CreateTable`, some `DescribeTable`, `DescribeTimeToLive`, `UpdateTimeToLive`; no capacity units.
    pub async fn create(&self, settings: &TableSettings) -> Result<TableDescription, Error> {
        self.send(Operation::CreateTable, self.creation(settings))
            .await?;
        let description = self.wait_until_usable().await?;
        self.settle_ttl(Some(settings.use_ttl.unwrap_or(true)))
            .await?;
        Ok(description)
    }

    /// Applies those settings that are set to the table as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TableNotFound`]; otherwise as [`create_if_missing`](Self::create_if_missing).
    ///
    /// # Cost
    ///
    /// `DescribeTable` and `DescribeTimeToLive`, and one request for each difference; no capacity units.
    pub async fn update(&self, settings: &TableSettings) -> Result<TableDescription, Error> {
        let answer = self
            .send(
                Operation::DescribeTable,
                json!({ "TableName": self.name() }),
            )
            .await?;
        let description = self.read_description(answer)?;
        self.check_key(&description)?;
        self.update_from(description, settings).await
    }

    /// Turns the deletion of expired items on or off.
    ///
    /// # Errors
    ///
    /// What the service did; it refuses a second change within about an hour.
    ///
    /// # Cost
    ///
    /// `DescribeTimeToLive`, and `UpdateTimeToLive` for a difference; no capacity units.
    pub async fn set_time_to_live(&self, enabled: bool) -> Result<(), Error> {
        self.settle_ttl(Some(enabled)).await
    }

    /// Deletes the table with every session in it, and waits until it is gone. `false`: there was none.
    ///
    /// # Errors
    ///
    /// What the service did, deletion protection included; [`ErrorKind::Timeout`] after two minutes.
    ///
    /// # Cost
    ///
    /// `DeleteTable` and some `DescribeTable`; no capacity units.
    pub async fn delete(&self) -> Result<bool, Error> {
        match self
            .send(Operation::DeleteTable, json!({ "TableName": self.name() }))
            .await
        {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::TableNotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        self.wait_until_gone().await?;
        Ok(true)
    }

    fn name(&self) -> &str {
        &self.store.table.name
    }

    async fn send(&self, operation: Operation, body: Value) -> Result<Value, Error> {
        let answer = self.store.call(operation, body.to_string().into()).await?;
        serde_json::from_slice(&answer.body).map_err(|_| {
            Error::new(ErrorKind::Decode, "the service's answer is not JSON")
                .on(operation, self.name())
        })
    }

    fn read_description(&self, answer: Value) -> Result<TableDescription, Error> {
        let answer: TableAnswer = serde_json::from_value(answer).map_err(|_| {
            Error::new(
                ErrorKind::Decode,
                "the service's description of the table cannot be read",
            )
            .on(Operation::DescribeTable, self.name())
        })?;
        Ok(answer.table.into())
    }

    fn creation(&self, settings: &TableSettings) -> Value {
        let key = &self.store.table.partition_key;
        let billing_mode = settings.billing_mode.unwrap_or_default();
        let mut request = json!({
            "TableName": self.name(),
            "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
            "BillingMode": billing_mode.as_str(),
        });
        if billing_mode == BillingMode::Provisioned {
            request["ProvisionedThroughput"] = json!({
                "ReadCapacityUnits": settings.read_capacity_units.unwrap_or(5),
                "WriteCapacityUnits": settings.write_capacity_units.unwrap_or(5),
            });
        }
        for (member, value) in &settings.create_table {
            request[member] = value.clone();
        }
        // What the caller merged in may have switched to on-demand, which takes no units.
        if request["BillingMode"] == BillingMode::PayPerRequest.as_str()
            && !settings.create_table.contains_key("ProvisionedThroughput")
        {
            request
                .as_object_mut()
                .map(|request| request.remove("ProvisionedThroughput"));
        }
        request
    }

    /// Asks for the table; that another process just did the same is a success.
    async fn request_creation(&self, settings: &TableSettings) -> Result<(), Error> {
        match self
            .send(Operation::CreateTable, self.creation(settings))
            .await
        {
            Err(error) if error.code() != Some("ResourceInUseException") => Err(error),
            _ => Ok(()),
        }
    }

    async fn wait_until_usable(&self) -> Result<TableDescription, Error> {
        let mut poll = Poll::new(self);
        loop {
            // A table just created can be unknown to the part of the service that is asked next.
            if let Some(description) = self.describe().await?.filter(TableDescription::is_usable) {
                return Ok(description);
            }
            poll.wait("become active").await?;
        }
    }

    async fn wait_until_gone(&self) -> Result<(), Error> {
        let mut poll = Poll::new(self);
        while self.describe().await?.is_some() {
            poll.wait("be deleted").await?;
        }
        Ok(())
    }

    fn check_key(&self, description: &TableDescription) -> Result<(), Error> {
        let expected = &self.store.table.partition_key;
        let reason = if description.partition_key != *expected {
            format!(
                "its partition key is `{}`, not `{expected}`",
                description.partition_key
            )
        } else if !description.string_key {
            format!("its partition key `{expected}` is not a string")
        } else if let Some(sort_key) = &description.sort_key {
            format!("it has a sort key, `{sort_key}`")
        } else {
            return Ok(());
        };
        Err(Error::new(
            ErrorKind::Config,
            format!("the table cannot hold sessions: {reason}"),
        )
        .with_setting("partition_key")
        .with_remedy(Remedy::CorrectPartitionKey)
        .on(Operation::DescribeTable, self.name()))
    }

    async fn update_from(
        &self,
        description: TableDescription,
        settings: &TableSettings,
    ) -> Result<TableDescription, Error> {
        self.settle_ttl(settings.use_ttl).await?;
        self.settle_capacity(description, settings).await
    }

    /// Follows the table's TTL attribute, and turns TTL on or off if that is wanted and not yet so.
    async fn settle_ttl(&self, wanted: Option<bool>) -> Result<(), Error> {
        let mut poll = Poll::new(self);
        loop {
            let ttl = self.time_to_live().await?;
            if let TimeToLive::Enabled(attribute) = &ttl {
                self.follow(attribute)?;
            }
            let (enabled, attribute) = match (wanted, ttl) {
                (None, _) | (_, TimeToLive::Unsupported) | (Some(true), TimeToLive::Enabled(_)) => {
                    return Ok(());
                }
                (Some(false), TimeToLive::Disabled | TimeToLive::Disabling) => return Ok(()),
                (Some(false), TimeToLive::Enabled(attribute)) => (false, attribute),
                (Some(true), _) => (true, self.store.ttl_attribute().to_string()),
            };
            let specification = json!({ "AttributeName": attribute, "Enabled": enabled });
            let request =
                json!({ "TableName": self.name(), "TimeToLiveSpecification": specification });
            match self.send(Operation::UpdateTimeToLive, request).await {
                Err(error) if error.code() == Some("UnknownOperationException") => return Ok(()),
                // The table is still settling.
                Err(error) if is_settling(&error) => poll.wait("accept a TTL setting").await?,
                // Another process may have been quicker with the same change.
                Err(error) if error.code() == Some("ValidationException") => {
                    let is_so = match self.time_to_live().await? {
                        TimeToLive::Enabled(now) => enabled && now == attribute,
                        TimeToLive::Disabled | TimeToLive::Disabling => !enabled,
                        TimeToLive::Unsupported => true,
                    };
                    return if is_so { Ok(()) } else { Err(error) };
                }
                answer => return answer.map(drop),
            }
        }
    }

    fn follow(&self, attribute: &str) -> Result<(), Error> {
        if attributes::RESERVED.contains(&attribute) || attribute == self.store.table.partition_key
        {
            let message = format!(
                "the table's TTL is on by `{attribute}`, where the store keeps something else"
            );
            return Err(Error::new(ErrorKind::Config, message)
                .on(Operation::DescribeTimeToLive, self.name()));
        }
        self.store.follow_ttl_attribute(attribute);
        Ok(())
    }

    /// Sets those units that were asked for and differ; an on-demand table has none.
    async fn settle_capacity(
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

/// The table exists but is in the middle of another change, or not yet known everywhere.
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
