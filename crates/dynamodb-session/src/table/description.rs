//! What the service says of a table.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

/// How a table's capacity is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BillingMode {
    /// By the capacity units reserved.
    #[default]
    Provisioned,
    /// By the capacity units consumed.
    PayPerRequest,
}

impl BillingMode {
    /// AWS's own name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::PayPerRequest => "PAY_PER_REQUEST",
        }
    }
}

/// Whether DynamoDB deletes expired items, and by which attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeToLive {
    /// It does not.
    Disabled,
    /// It does, or is about to, by this attribute.
    Enabled(String),
    /// It is being turned off; the attribute can be changed only afterwards.
    Disabling,
    /// The engine has no TTL.
    Unsupported,
}

/// What a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableDescription {
    /// The table's name.
    pub name: String,
    /// The table's ARN.
    pub arn: Option<String>,
    /// `CREATING`, `UPDATING`, `ACTIVE`, `DELETING` …
    pub status: String,
    /// The partition key attribute.
    pub partition_key: String,
    /// The sort key attribute; a session table has none.
    pub sort_key: Option<String>,
    /// Whether the partition key is a string.
    pub string_key: bool,
    /// How capacity is paid for.
    pub billing_mode: BillingMode,
    /// Read capacity units per second; 0 on demand.
    pub read_capacity_units: u64,
    /// Write capacity units per second; 0 on demand.
    pub write_capacity_units: u64,
    /// Items, as counted by the service about every six hours.
    pub item_count: u64,
    /// Bytes, as counted by the service about every six hours.
    pub size_bytes: u64,
    /// When it was created; `None` if the engine does not say so.
    pub created: Option<SystemTime>,
}

impl TableDescription {
    pub(super) fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    /// An `UPDATING` table serves requests like an `ACTIVE` one.
    pub(super) fn is_usable(&self) -> bool {
        self.is_active() || self.status == "UPDATING"
    }
}

#[derive(Deserialize)]
pub(super) struct TableAnswer {
    #[serde(rename = "Table")]
    pub(super) table: WireTable,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WireTable {
    table_name: String,
    table_arn: Option<String>,
    table_status: String,
    #[serde(default)]
    key_schema: Vec<WireKey>,
    #[serde(default)]
    attribute_definitions: Vec<WireAttribute>,
    billing_mode_summary: Option<WireBillingMode>,
    provisioned_throughput: Option<WireThroughput>,
    #[serde(default)]
    item_count: u64,
    #[serde(default)]
    table_size_bytes: u64,
    /// Seconds of the epoch, from most engines.
    #[serde(default)]
    creation_date_time: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireKey {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireAttribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireBillingMode {
    billing_mode: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct WireThroughput {
    #[serde(default)]
    read_capacity_units: u64,
    #[serde(default)]
    write_capacity_units: u64,
}

impl From<WireTable> for TableDescription {
    fn from(table: WireTable) -> Self {
        let key = |key_type: &str| {
            table
                .key_schema
                .iter()
                .find(|key| key.key_type == key_type)
                .map(|key| key.attribute_name.clone())
        };
        let partition_key = key("HASH").unwrap_or_default();
        let string_key = table.attribute_definitions.iter().any(|attribute| {
            attribute.attribute_name == partition_key && attribute.attribute_type == "S"
        });
        let on_demand = table.billing_mode_summary.as_ref().is_some_and(|summary| {
            summary.billing_mode.as_deref() == Some(BillingMode::PayPerRequest.as_str())
        });
        let throughput = table.provisioned_throughput.unwrap_or_default();
        Self {
            sort_key: key("RANGE"),
            partition_key,
            string_key,
            name: table.table_name,
            arn: table.table_arn,
            status: table.table_status,
            billing_mode: if on_demand {
                BillingMode::PayPerRequest
            } else {
                BillingMode::Provisioned
            },
            read_capacity_units: throughput.read_capacity_units,
            write_capacity_units: throughput.write_capacity_units,
            item_count: table.item_count,
            size_bytes: table.table_size_bytes,
            created: table.creation_date_time.as_f64().and_then(from_epoch_secs),
        }
    }
}

fn from_epoch_secs(secs: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(secs).ok()?)
}
