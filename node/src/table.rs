//! The table's settings from JavaScript, and its description for JavaScript.

use dynamodb_session::table::{BillingMode, TableDescription, TableSettings, TimeToLive};
use napi_derive::napi;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// The settings for a new table. Those that are set are also applied to a table that exists.
#[napi(object, object_to_js = false)]
pub struct TableOptions {
    /// Read capacity units per second. Default at creation 5.
    pub read_capacity_units: Option<f64>,
    /// Write capacity units per second. Default at creation 5.
    pub write_capacity_units: Option<f64>,
    /// `PROVISIONED` (default) or `PAY_PER_REQUEST`.
    pub billing_mode: Option<String>,
    /// Whether `DynamoDB` deletes expired items. Default at creation `true`.
    pub use_ttl: Option<bool>,
    /// JSON text of an object merged into the `CreateTable` request.
    pub create_table: Option<String>,
}

impl TableOptions {
    pub(crate) fn settings(self) -> Result<TableSettings, Box<Failure>> {
        let billing_mode = match self.billing_mode.as_deref() {
            None => None,
            Some("PROVISIONED") => Some(BillingMode::Provisioned),
            Some("PAY_PER_REQUEST") => Some(BillingMode::PayPerRequest),
            Some(_) => return Err(Failure::internal("billingMode is unknown".to_owned())),
        };
        let create_table = match self.create_table {
            None => Map::new(),
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                Failure::internal(format!("createTable is no JSON object: {error}"))
            })?,
        };
        let mut settings = TableSettings::default().create_table(create_table);
        settings.billing_mode = billing_mode;
        settings.read_capacity_units = self.read_capacity_units.map(units);
        settings.write_capacity_units = self.write_capacity_units.map(units);
        settings.use_ttl = self.use_ttl;
        Ok(settings)
    }
}

/// JavaScript has checked that it is a positive whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked in JavaScript; `as` saturates"
)]
fn units(units: f64) -> u64 {
    units as u64
}

/// The answers of `DescribeTable` and `DescribeTimeToLive`, as far as the store reads them.
pub(crate) fn describe(table: &TableDescription, ttl: &TimeToLive) -> Value {
    let ttl = match ttl {
        TimeToLive::Enabled(attribute) => {
            json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": attribute })
        }
        TimeToLive::Disabling => json!({ "TimeToLiveStatus": "DISABLING" }),
        // `Disabled`, and an engine without TTL.
        _ => json!({ "TimeToLiveStatus": "DISABLED" }),
    };
    json!({
        "describeTable": { "Table": describe_table(table) },
        "describeTimeToLive": { "TimeToLiveDescription": ttl },
    })
}

/// A table description with the service's names.
pub(crate) fn describe_table(table: &TableDescription) -> Value {
    let mut keys = vec![json!({ "AttributeName": table.partition_key, "KeyType": "HASH" })];
    if let Some(sort_key) = &table.sort_key {
        keys.push(json!({ "AttributeName": sort_key, "KeyType": "RANGE" }));
    }
    json!({
        "TableName": table.name,
        "TableArn": table.arn,
        "TableStatus": table.status,
        "KeySchema": keys,
        "BillingModeSummary": { "BillingMode": table.billing_mode.as_str() },
        "ProvisionedThroughput": {
            "ReadCapacityUnits": table.read_capacity_units,
            "WriteCapacityUnits": table.write_capacity_units,
        },
        "ItemCount": table.item_count,
        "TableSizeBytes": table.size_bytes,
    })
}
