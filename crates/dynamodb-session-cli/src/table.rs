//! `table create|describe|delete`.

use dynamodb_session::ErrorKind;
use dynamodb_session::table::{BillingMode, Table, TableDescription, TableSettings, TimeToLive};
use serde::Serialize;

use crate::cli::{self, TableCreateArgs, TableDeleteArgs, TableDescribeArgs};
use crate::connection::Kept;
use crate::exit::{Exit, Failure};
use crate::{confirm, connection, output, progress};

pub(crate) async fn create(args: &TableCreateArgs) -> Result<(), Failure> {
    let settings = settings(args)?;
    let table = connection::store(&args.connection, &args.table, Kept::default())?.table();
    let activity = format!("Waiting for table {}", args.table.table_name);
    let (before, after) = progress::shown(&activity, async {
        let before = State::of(&table).await?;
        table.create_if_missing(&settings).await?;
        Ok::<_, Failure>((before, State::of(&table).await?))
    })
    .await?;
    let after = after
        .ok_or_else(|| Failure::new(Exit::Other, "another process deleted the table again"))?;
    // A table that was being deleted has been created again.
    let before = before.filter(|before| before.description.status != "DELETING");
    let changes = before.as_ref().map(|before| changes(before, &after));
    if args.output.json {
        return output::json(&CreatedJson {
            created: changes.is_none(),
            changes: changes.unwrap_or_default(),
            table: TableJson::from(&after),
        });
    }
    let name = &after.description.name;
    let mut text = match changes {
        None => format!(
            "Created table {name}: {}; TTL {}.",
            billing(&after.description),
            after.ttl()
        ),
        Some(changes) if changes.is_empty() => {
            format!(
                "Table {name} exists; nothing to change: {}; TTL {}.",
                billing(&after.description),
                after.ttl()
            )
        }
        Some(changes) => format!("Changed table {name}: {}.", changes.join("; ")),
    };
    for advice in advice(args, &after) {
        text = text + "\n" + &advice;
    }
    output::line(&text)
}

pub(crate) async fn describe(args: &TableDescribeArgs) -> Result<(), Failure> {
    let table = connection::store(&args.connection, &args.table, Kept::default())?.table();
    let state = progress::shown("Waiting for the description", State::of(&table)).await?;
    let state = state.ok_or_else(|| missing(&args.table.table_name))?;
    if args.output.json {
        return output::json(&TableJson::from(&state));
    }
    let description = &state.description;
    let key_type = if description.string_key {
        "string"
    } else {
        "not a string: it cannot hold sessions"
    };
    let mut rows = vec![
        ("Table", description.name.clone()),
        ("Status", description.status.clone()),
        (
            "Partition key",
            format!("{} ({key_type})", description.partition_key),
        ),
    ];
    if let Some(sort_key) = &description.sort_key {
        rows.push((
            "Sort key",
            format!("{sort_key}: a table with one cannot hold sessions"),
        ));
    }
    rows.push(("Billing", billing(description)));
    rows.push((
        "Items",
        format!("{} (counted about every six hours)", description.item_count),
    ));
    rows.push(("Size", output::bytes(description.size_bytes)));
    rows.push(("TTL", state.ttl()));
    if let Some(arn) = &description.arn {
        rows.push(("ARN", arn.clone()));
    }
    output::line(&output::columns(&rows))
}

pub(crate) async fn delete(args: &TableDeleteArgs) -> Result<(), Failure> {
    let name = &args.table.table_name;
    let table = connection::store(&args.connection, &args.table, Kept::default())?.table();
    if !args.yes {
        let description = progress::shown("Looking at the table", table.describe()).await?;
        let description = description.ok_or_else(|| missing(name))?;
        // The ARN shows account and Region, which may come from the environment.
        let which = description.arn.as_ref().unwrap_or(&description.name);
        confirm::ask(&output::printable(&format!(
            "Delete table {which} (about {} items) with every session in it?",
            description.item_count
        )))?;
    }
    if !progress::shown(&format!("Deleting table {name}"), table.delete()).await? {
        return Err(missing(name));
    }
    if args.output.json {
        return output::json(&serde_json::json!({ "name": name, "deleted": true }));
    }
    output::line(&format!("Deleted table {name}."))
}

fn settings(args: &TableCreateArgs) -> Result<TableSettings, Failure> {
    let on_demand = args.billing_mode == Some(cli::BillingMode::PayPerRequest);
    if on_demand && (args.read_capacity_units.is_some() || args.write_capacity_units.is_some()) {
        let message = "--billing-mode PAY_PER_REQUEST does not reserve capacity units";
        return Err(Failure::new(Exit::Usage, message).hint("leave out the mode or the units"));
    }
    let mut settings = TableSettings::default();
    settings.billing_mode = args.billing_mode.map(|mode| match mode {
        cli::BillingMode::Provisioned => BillingMode::Provisioned,
        cli::BillingMode::PayPerRequest => BillingMode::PayPerRequest,
    });
    settings.read_capacity_units = args.read_capacity_units;
    settings.write_capacity_units = args.write_capacity_units;
    settings.use_ttl = args.no_ttl.then_some(false);
    Ok(settings)
}

fn missing(name: &str) -> Failure {
    Failure::new(Exit::NotFound, format!("no table {name} in this account and Region"))
        .hint("check --table-name, --region and --profile, or create it with `dynamodb-session table create`")
}

/// A table and its TTL. The TTL is `None` if the credentials lack the permission to read it.
struct State {
    description: TableDescription,
    time_to_live: Option<TimeToLive>,
}

impl State {
    async fn of(table: &Table) -> Result<Option<Self>, Failure> {
        let Some(description) = table.describe().await? else {
            return Ok(None);
        };
        let time_to_live = match table.time_to_live().await {
            Err(error) if error.kind() == ErrorKind::AccessDenied => None,
            // The table is being deleted and has lost its TTL already.
            Err(error) if error.kind() == ErrorKind::TableNotFound => None,
            answer => Some(answer?),
        };
        Ok(Some(Self {
            description,
            time_to_live,
        }))
    }

    fn ttl(&self) -> String {
        match &self.time_to_live {
            Some(TimeToLive::Enabled(attribute)) => format!("on, attribute {attribute}"),
            Some(TimeToLive::Disabled) => "off".to_owned(),
            Some(TimeToLive::Disabling) => "being turned off".to_owned(),
            Some(TimeToLive::Unsupported) => "not supported by this engine".to_owned(),
            _ => "unknown".to_owned(),
        }
    }
}

fn billing(description: &TableDescription) -> String {
    match description.billing_mode {
        BillingMode::PayPerRequest => "on demand (PAY_PER_REQUEST)".to_owned(),
        _ => format!(
            "provisioned, {} read and {} write capacity units",
            description.read_capacity_units, description.write_capacity_units
        ),
    }
}

fn changes(before: &State, after: &State) -> Vec<String> {
    let units = [
        (
            "read",
            before.description.read_capacity_units,
            after.description.read_capacity_units,
        ),
        (
            "write",
            before.description.write_capacity_units,
            after.description.write_capacity_units,
        ),
    ];
    let mut changes: Vec<String> = units
        .iter()
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name} capacity units from {before} to {after}"))
        .collect();
    if before.time_to_live != after.time_to_live {
        changes.push(format!("TTL {}", after.ttl()));
    }
    changes
}

/// Where an existing table differs from what the user asked for.
fn advice(args: &TableCreateArgs, after: &State) -> Vec<String> {
    let name = &args.table.table_name;
    let mut advice = Vec::new();
    let is_on_demand = after.description.billing_mode == BillingMode::PayPerRequest;
    let other_mode = args
        .billing_mode
        .is_some_and(|mode| (mode == cli::BillingMode::PayPerRequest) != is_on_demand);
    if other_mode {
        advice.push(format!(
            "The billing mode was not changed; to change it: aws dynamodb update-table --table-name {name} --billing-mode …"
        ));
    } else if is_on_demand
        && (args.read_capacity_units.is_some() || args.write_capacity_units.is_some())
    {
        advice.push("Capacity units do not apply: the table is on demand.".to_owned());
    }
    match &after.time_to_live {
        Some(TimeToLive::Enabled(attribute)) if *attribute != args.table.ttl_attribute => advice.push(format!(
            "Its TTL attribute is {attribute}, not {}: set this name in every store. One that does not look at the table \
             may end sessions early.",
            args.table.ttl_attribute
        )),
        Some(TimeToLive::Disabled) if !args.no_ttl => advice.push(format!(
            "Expired sessions stay in the table; to have them deleted: aws dynamodb update-time-to-live --table-name {name} \
             --time-to-live-specification Enabled=true,AttributeName={}",
            args.table.ttl_attribute
        )),
        _ => {}
    }
    advice
}

#[derive(Serialize)]
struct CreatedJson<'a> {
    created: bool,
    changes: Vec<String>,
    table: TableJson<'a>,
}

#[derive(Serialize)]
struct TableJson<'a> {
    name: &'a str,
    arn: Option<&'a str>,
    status: &'a str,
    partition_key: &'a str,
    sort_key: Option<&'a str>,
    billing_mode: &'static str,
    read_capacity_units: u64,
    write_capacity_units: u64,
    item_count: u64,
    size_bytes: u64,
    ttl_status: &'static str,
    ttl_attribute: Option<&'a str>,
}

impl<'a> From<&'a State> for TableJson<'a> {
    fn from(
        State {
            description,
            time_to_live,
        }: &'a State,
    ) -> Self {
        let (ttl_status, ttl_attribute) = match time_to_live {
            Some(TimeToLive::Enabled(attribute)) => ("ENABLED", Some(attribute.as_str())),
            Some(TimeToLive::Disabled) => ("DISABLED", None),
            Some(TimeToLive::Disabling) => ("DISABLING", None),
            Some(TimeToLive::Unsupported) => ("UNSUPPORTED", None),
            _ => ("UNKNOWN", None),
        };
        Self {
            name: &description.name,
            arn: description.arn.as_deref(),
            status: &description.status,
            partition_key: &description.partition_key,
            sort_key: description.sort_key.as_deref(),
            billing_mode: description.billing_mode.as_str(),
            read_capacity_units: description.read_capacity_units,
            write_capacity_units: description.write_capacity_units,
            item_count: description.item_count,
            size_bytes: description.size_bytes,
            ttl_status,
            ttl_attribute,
        }
    }
}
