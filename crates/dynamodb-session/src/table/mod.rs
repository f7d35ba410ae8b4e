//! The session table: describe, create, wait, TTL, capacity, delete. For programs that create, change or watch it.
//!
//! [`SessionStore::table`](crate::SessionStore::table) returns the [`Table`].
//!
//! Only what the caller set changes a live table; defaults apply to creation alone. Every step asks first and acts on the
//! difference, so that any number of processes can start at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind};
use crate::observe::Event;
use crate::protocol::Inner;
use crate::request::Operation;

pub(crate) mod config;
mod description;
pub(crate) mod learnt;
pub(crate) mod name;
mod settle;

use description::TableAnswer;
pub use description::{BillingMode, TableDescription, TimeToLive};

/// How long a table counts as new: another process may be about to turn its TTL on.
const NEW: Duration = Duration::from_mins(5);

/// What a table is created with.
///
/// A field that is set is also applied to a table that exists, where that can be changed. A field that is not set never
/// changes a live table. How the store *uses* its table is in [`TableOptions`](crate::options::TableOptions).
///
/// ```
/// use dynamodb_session::table::{BillingMode, TableSettings};
///
/// let settings = TableSettings::default().billing_mode(BillingMode::PayPerRequest);
/// assert_eq!(settings.billing_mode, Some(BillingMode::PayPerRequest));
/// ```
#[derive(Clone, Default)]
#[must_use]
#[non_exhaustive]
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

impl TableSettings {
    /// Sets [`billing_mode`](field@Self::billing_mode).
    pub fn billing_mode(mut self, mode: BillingMode) -> Self {
        self.billing_mode = Some(mode);
        self
    }

    /// Sets [`read_capacity_units`](field@Self::read_capacity_units).
    pub fn read_capacity_units(mut self, units: u64) -> Self {
        self.read_capacity_units = Some(units);
        self
    }

    /// Sets [`write_capacity_units`](field@Self::write_capacity_units).
    pub fn write_capacity_units(mut self, units: u64) -> Self {
        self.write_capacity_units = Some(units);
        self
    }

    /// Sets [`use_ttl`](field@Self::use_ttl).
    pub fn use_ttl(mut self, use_ttl: bool) -> Self {
        self.use_ttl = Some(use_ttl);
        self
    }

    /// Sets [`create_table`](field@Self::create_table).
    pub fn create_table(mut self, members: Map<String, Value>) -> Self {
        self.create_table = members;
        self
    }
}

// Tags may hold text that must not be logged.
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

    /// Checks the name of an attribute beside sessions, as
    /// [`SaveOptions::attribute`](crate::SaveOptions::attribute) does with each write. It sends no request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the store keeps something else in an attribute of this name, or when it is no name.
    pub fn check_attribute(&self, name: &str) -> Result<(), Error> {
        self.store.check_beside(name)
    }

    /// The table's description; `None` if the table does not exist.
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
    /// From then on, all stores of the table in this process go by that attribute as well.
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
        let (status, attribute) = (&ttl["TimeToLiveStatus"], &ttl["AttributeName"]);
        Ok(match (status.as_str(), attribute.as_str()) {
            (Some("ENABLED" | "ENABLING"), Some(attribute)) => {
                self.store.learn().set_ttl_attribute(attribute);
                TimeToLive::Enabled(attribute.to_owned())
            }
            (Some("DISABLING"), _) => TimeToLive::Disabling,
            _ => TimeToLive::Disabled,
        })
    }

    /// Makes the table usable for sessions: creates it if it is missing, waits until it is active, turns TTL
    /// on, and applies those settings that are set to a table that was there before.
    ///
    /// A table whose TTL is already on by another attribute keeps it. The stores of this process then write the expiry
    /// to both attributes, and go by the earlier one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the table's key is not a single string of the configured name,
    /// [`ErrorKind::Timeout`] when it does not become active within two minutes; otherwise what the service
    /// did, its refusal to change a setting too often included. If the [`operation`](Error::operation) that failed is
    /// `DescribeTimeToLive`, `UpdateTimeToLive` or `UpdateTable`, the table is there, and sessions work.
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
        self.settle_ttl(Some(enabled)).await.map(drop)
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
        Err(Error::other_key(&reason).on(Operation::DescribeTable, self.name()))
    }

    fn report_ttl_off(&self) {
        if self.store.learn().note_ttl_off() {
            let table = self.name().to_owned();
            self.store.client.emit(|| Event::TtlOff { table });
        }
    }

    fn is_new(&self, description: &TableDescription) -> bool {
        let created = description.created;
        created.is_some_and(|created| self.store.clock.now() < created + NEW)
    }

    async fn update_from(
        &self,
        description: TableDescription,
        settings: &TableSettings,
    ) -> Result<TableDescription, Error> {
        let ttl = self.settle_ttl(settings.use_ttl).await?;
        let is_off = matches!(ttl, TimeToLive::Disabled | TimeToLive::Disabling);
        // The process that creates the table turns TTL on a little later.
        if is_off && settings.use_ttl.is_none() && !self.is_new(&description) {
            self.report_ttl_off();
        }
        self.settle_capacity(description, settings).await
    }
}
