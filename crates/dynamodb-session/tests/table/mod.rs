//! The table: it is created once, and changed only by explicit settings.

use dynamodb_session::table::{BillingMode, TableDescription, TableSettings, TimeToLive};
use dynamodb_session::{Error, ErrorKind, Operation, Remedy};
use serde_json::{Value, json};

use crate::support::{Fate, World, refusal, scripted};

mod expiry;
mod settling;
mod ttl_off;

fn units(read: u64, write: u64) -> TableSettings {
    TableSettings::default()
        .read_capacity_units(read)
        .write_capacity_units(write)
}

fn units_of(description: &TableDescription) -> (u64, u64) {
    (
        description.read_capacity_units,
        description.write_capacity_units,
    )
}

fn is_change(operation: &str) -> bool {
    !operation.starts_with("Describe")
}

/// The operations since the last call, without those that only read.
fn changes(world: &World) -> Vec<&'static str> {
    world
        .tap
        .operations()
        .into_iter()
        .filter(|operation| is_change(operation))
        .collect()
}

#[tokio::test]
async fn a_table_is_created_as_documented_and_only_once() {
    let world = World::new();
    let store = world.builder().build().unwrap();
    let table = store.table();
    assert_eq!(table.describe().await.unwrap(), None);

    let created = table
        .create_if_missing(&TableSettings::default())
        .await
        .unwrap();
    assert_eq!(
        (created.name.as_str(), created.status.as_str()),
        ("sessions", "ACTIVE")
    );
    assert_eq!(
        (created.partition_key.as_str(), created.string_key),
        ("sessionId", true)
    );
    assert_eq!(
        (created.billing_mode, units_of(&created)),
        (BillingMode::Provisioned, (5, 5))
    );
    assert_eq!(created.sort_key, None);
    assert_eq!(
        table.time_to_live().await.unwrap(),
        TimeToLive::Enabled("expires".to_owned())
    );
    assert_eq!(changes(&world), ["CreateTable", "UpdateTimeToLive"]);

    let again = table
        .create_if_missing(&TableSettings::default())
        .await
        .unwrap();
    assert_eq!(units_of(&again), (5, 5));
    assert_eq!(
        world.tap.operations(),
        ["DescribeTable", "DescribeTimeToLive"]
    );
}

#[tokio::test]
async fn a_table_is_created_with_the_settings() {
    let world = World::new();
    let mut settings = units(3, 2);
    settings.use_ttl = Some(false);
    settings
        .create_table
        .insert("DeletionProtectionEnabled".to_owned(), json!(false));
    let store = world.builder().build().unwrap();
    let created = store.table().create(&settings).await.unwrap();
    assert_eq!(units_of(&created), (3, 2));
    assert_eq!(
        store.table().time_to_live().await.unwrap(),
        TimeToLive::Disabled
    );
    let calls = world.tap.calls();
    let (operation, request) = &calls[0];
    assert_eq!(
        (*operation, &request["DeletionProtectionEnabled"]),
        ("CreateTable", &json!(false))
    );
    assert!(
        !calls
            .iter()
            .any(|(operation, _)| *operation == "UpdateTimeToLive")
    );

    let error = store.table().create(&settings).await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceInUseException"));
}

#[tokio::test]
async fn an_on_demand_table_never_gets_units() {
    let on_demand = TableSettings::default().billing_mode(BillingMode::PayPerRequest);
    let mut merged = TableSettings::default();
    merged
        .create_table
        .insert("BillingMode".to_owned(), json!("PAY_PER_REQUEST"));
    for settings in [on_demand, merged] {
        let world = World::new();
        let store = world.builder().build().unwrap();
        let created = store.table().create_if_missing(&settings).await.unwrap();
        assert_eq!(
            (created.billing_mode, units_of(&created)),
            (BillingMode::PayPerRequest, (0, 0))
        );
        world.tap.calls();
        for settings in [units(7, 7), TableSettings::default()] {
            let description = store.table().create_if_missing(&settings).await.unwrap();
            assert_eq!(description.billing_mode, BillingMode::PayPerRequest);
            let _ = store.table().update(&settings).await.unwrap();
        }
        assert_eq!(changes(&world), [""; 0]);
    }
}

#[tokio::test]
async fn units_change_only_by_explicit_settings() {
    let world = World::new();
    let store = world.builder().build().unwrap();
    let _ = store.table().create_if_missing(&units(7, 8)).await.unwrap();
    world.tap.calls();

    // Defaults apply only to a new table, and equal settings need no request.
    for settings in [TableSettings::default(), units(7, 8)] {
        let description = store.table().create_if_missing(&settings).await.unwrap();
        assert_eq!(units_of(&description), (7, 8));
        assert_eq!(changes(&world), [""; 0]);
    }
    // If only one of them is set, the other one stays.
    let settings = TableSettings::default().write_capacity_units(9);
    let description = store.table().create_if_missing(&settings).await.unwrap();
    assert_eq!(units_of(&description), (7, 9));
    assert_eq!(changes(&world), ["UpdateTable"]);
    let _ = store.table().update(&units(1, 2)).await.unwrap();
    assert_eq!(
        units_of(&store.table().describe().await.unwrap().unwrap()),
        (1, 2)
    );
    assert_eq!(changes(&world), ["UpdateTable"]);
}

#[tokio::test]
async fn the_refusal_to_change_units_again_is_the_error() {
    let world = World::new();
    let store = world.store().await;
    let refused = "Subscriber limit exceeded: Provisioned throughput decreases are limited";
    world.tap.script([
        Fate::Pass,
        Fate::Pass,
        refusal("LimitExceededException", refused),
    ]);
    let error = store
        .table()
        .create_if_missing(&units(1, 1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.operation()),
        (Some("LimitExceededException"), Some(Operation::UpdateTable))
    );
    assert!(error.to_string().contains(refused), "{error}");
}

#[tokio::test]
async fn ttl_changes_only_by_explicit_settings() {
    let world = World::new();
    let store = world.builder().build().unwrap();
    let without = TableSettings::default().use_ttl(false);
    let with = TableSettings::default().use_ttl(true);
    let enabled = TimeToLive::Enabled("expires".to_owned());
    let table = store.table();
    let _ = table.create_if_missing(&without).await.unwrap();
    world.tap.calls();

    for (settings, requests, state) in [
        (&TableSettings::default(), &[][..], &TimeToLive::Disabled),
        (&without, &[], &TimeToLive::Disabled),
        (&with, &["UpdateTimeToLive"], &enabled),
        (&with, &[], &enabled),
        (&TableSettings::default(), &[], &enabled),
        (&without, &["UpdateTimeToLive"], &TimeToLive::Disabled),
    ] {
        let _ = table.create_if_missing(settings).await.unwrap();
        assert_eq!(changes(&world), requests, "{settings:?}");
        assert_eq!(&table.time_to_live().await.unwrap(), state);
    }
    table.set_time_to_live(true).await.unwrap();
    assert_eq!(table.time_to_live().await.unwrap(), enabled);
    table.set_time_to_live(false).await.unwrap();
    assert_eq!(table.time_to_live().await.unwrap(), TimeToLive::Disabled);
}

fn ttl(status: &str, attribute: &str) -> Fate {
    let ttl = json!({ "TimeToLiveStatus": status, "AttributeName": attribute });
    Fate::Answer(200, json!({ "TimeToLiveDescription": ttl }))
}

#[tokio::test]
async fn every_state_of_ttl_has_a_name() {
    for (answer, state) in [
        (ttl("ENABLED", "x"), TimeToLive::Enabled("x".to_owned())),
        (ttl("ENABLING", "x"), TimeToLive::Enabled("x".to_owned())),
        (ttl("DISABLING", "x"), TimeToLive::Disabling),
        (
            Fate::Answer(
                200,
                json!({ "TimeToLiveDescription": { "TimeToLiveStatus": "DISABLED" } }),
            ),
            TimeToLive::Disabled,
        ),
        (
            refusal("UnknownOperationException", ""),
            TimeToLive::Unsupported,
        ),
    ] {
        let (store, _tap) = scripted([answer]);
        assert_eq!(store.table().time_to_live().await.unwrap(), state);
    }
}

#[tokio::test]
async fn the_same_change_of_ttl_by_another_process_is_a_success() {
    let refused = || refusal("ValidationException", "TimeToLive is already enabled");
    let (store, _tap) = scripted([ttl("DISABLED", ""), refused(), ttl("ENABLING", "expires")]);
    store.table().set_time_to_live(true).await.unwrap();
    // If the other process made a different change, the service's refusal is the error.
    let (store, _tap) = scripted([
        ttl("DISABLING", "expires"),
        refused(),
        ttl("DISABLING", "expires"),
    ]);
    let error = store.table().set_time_to_live(true).await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn a_ttl_on_an_attribute_of_other_content_is_refused() {
    for attribute in ["created", "session", "rev", "sessionId"] {
        let (store, _tap) = scripted([ttl("ENABLED", attribute)]);
        let error = store.table().set_time_to_live(true).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(attribute), "{error}");
    }
}

async fn errors_with_table(schema: &Value, attributes: &Value) -> [Error; 2] {
    let world = World::new();
    world.raw(
        "CreateTable",
        &json!({
            "TableName": "sessions", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": schema, "AttributeDefinitions": attributes,
        }),
    );
    let table = world.builder().build().unwrap().table();
    let errors = [
        table.create_if_missing(&units(9, 9)).await.unwrap_err(),
        table.update(&TableSettings::default()).await.unwrap_err(),
    ];
    assert_eq!(changes(&world), [""; 0]);
    errors
}

#[tokio::test]
async fn a_table_with_another_key_is_refused_and_not_changed() {
    let key = |name| json!({ "AttributeName": name, "KeyType": "HASH" });
    let attribute = |name, kind| json!({ "AttributeName": name, "AttributeType": kind });
    let sort = json!({ "AttributeName": "at", "KeyType": "RANGE" });
    for (schema, attributes, named) in [
        (json!([key("id")]), json!([attribute("id", "S")]), "`id`"),
        (
            json!([key("sessionId")]),
            json!([attribute("sessionId", "N")]),
            "not a string",
        ),
        (
            json!([key("sessionId")]),
            json!([attribute("sessionId", "B")]),
            "not a string",
        ),
        (
            json!([key("sessionId"), sort]),
            json!([attribute("sessionId", "S"), attribute("at", "N")]),
            "sort key, `at`",
        ),
    ] {
        for error in errors_with_table(&schema, &attributes).await {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert_eq!(error.table(), Some("sessions"));
            assert!(
                error.to_string().contains(named)
                    && error.remedy() == Some(Remedy::CorrectPartitionKey),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_denied_describe_is_an_error_and_not_a_missing_table() {
    let denied = || {
        refusal(
            "AccessDeniedException",
            "User: x is not authorized to perform: dynamodb:DescribeTable",
        )
    };
    let (store, tap) = scripted([denied(), denied()]);
    assert_eq!(
        store.table().describe().await.unwrap_err().kind(),
        ErrorKind::AccessDenied
    );
    let error = store
        .table()
        .create_if_missing(&TableSettings::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(
        error.to_string().contains("dynamodb:DescribeTable"),
        "{error}"
    );
    assert_eq!(tap.operations(), ["DescribeTable", "DescribeTable"]);

    let (store, _tap) = scripted([refusal("ResourceNotFoundException", "")]);
    assert_eq!(store.table().describe().await.unwrap(), None);
}

#[tokio::test]
async fn a_missing_table_cannot_be_updated() {
    let world = World::new();
    let table = world.builder().build().unwrap().table();
    let error = table.update(&TableSettings::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TableNotFound);
}

#[tokio::test]
async fn delete_returns_whether_the_table_existed() {
    let world = World::new();
    let table = world.store().await.table();
    assert!(table.delete().await.unwrap());
    assert_eq!(table.describe().await.unwrap(), None);
    assert!(!table.delete().await.unwrap());
}
