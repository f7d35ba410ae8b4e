//! The suite every store and every engine is tested with: cases as data, and a runner.
//!
//! A case is a list of steps over the six verbs and over raw items. Time never passes in it: `age` moves an
//! item's expiry into the past, so that the suite runs as it is on any engine, AWS included. The cases are
//! in [`CASES`], so that other languages run the same ones.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::client::wire;
use crate::clock::epoch_ms;
use crate::{
    Builder, Create, Error, Record, SessionId, SessionStore, SessionText, TableSettings, Write,
};

/// The cases, as a JSON array of `{ name, needs?, steps }`.
pub const CASES: &str = include_str!("conformance/cases.json");

/// How session data passes through the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DataForm {
    Typed,
    Text,
}

/// What a run found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Names of the cases that passed.
    pub passed: Vec<String>,
    /// Names of the cases that were not run, and the need that was not met.
    pub skipped: Vec<(String, String)>,
    /// Names of the cases that failed, and how.
    pub failed: Vec<(String, String)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, need) in &self.skipped {
            writeln!(f, "skipped: {name} (needs {need})")?;
        }
        for (name, reason) in &self.failed {
            writeln!(f, "FAILED: {name}: {reason}")?;
        }
        write!(
            f,
            "conformance: {} passed, {} failed, {} skipped",
            self.passed.len(),
            self.failed.len(),
            self.skipped.len()
        )
    }
}

/// Runs every case on the engine that `builder` reaches, in a table of its own that it creates and deletes.
///
/// `unmet` names the needs of cases that this engine cannot meet.
///
/// # Errors
///
/// When the table cannot be created or deleted. What a case meets is in the report.
///
/// # Cost
///
/// About 300 requests for items of 1 KB or less, and four for items of 400 KB.
///
/// # Panics
///
/// When [`CASES`] is not what this runner understands.
pub async fn run(builder: impl Fn() -> Builder, unmet: &[&str]) -> Result<Report, Error> {
    let table_name = format!("conformance-{:016x}", fastrand::u64(..));
    let store = builder().table_name(&table_name).build()?;
    store
        .table()
        .create_if_missing(&TableSettings::default())
        .await?;
    let cases: Vec<Value> = serde_json::from_str(CASES).expect("the cases are JSON");
    let mut report = Report::default();
    for case in &cases {
        let name = case["name"].as_str().expect("a case has a name");
        let mut needs = case["needs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        if let Some(need) = needs.find(|need| unmet.contains(need)) {
            report.skipped.push((name.to_owned(), need.to_owned()));
            continue;
        }
        let mut failure = None;
        for form in [DataForm::Typed, DataForm::Text] {
            let prefix = format!("{:016x}:", fastrand::u64(..));
            let store = builder().table_name(&table_name).prefix(&prefix).build()?;
            let mut run = CaseRun {
                store,
                prefix,
                form,
                records: BTreeMap::new(),
            };
            for (index, step) in case["steps"]
                .as_array()
                .expect("a case has steps")
                .iter()
                .enumerate()
            {
                if let Err(reason) = run.step(&expand(step)).await {
                    failure = failure.or(Some(format!("step {} as {form:?}: {reason}", index + 1)));
                    break;
                }
            }
        }
        match failure {
            None => report.passed.push(name.to_owned()),
            Some(reason) => report.failed.push((name.to_owned(), reason)),
        }
    }
    store.table().delete().await?;
    Ok(report)
}

/// Replaces `{"$repeat": [text, n]}` and `{"$nest": n}` by what they stand for.
fn expand(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            if let Some(repeat) = map.get("$repeat") {
                let times =
                    usize::try_from(repeat[1].as_u64().expect("a count")).expect("a small count");
                return Value::String(repeat[0].as_str().expect("a text").repeat(times));
            }
            if let Some(levels) = map.get("$nest").and_then(Value::as_u64) {
                return (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
            }
            Value::Object(
                map.iter()
                    .map(|(name, value)| (name.clone(), expand(value)))
                    .collect(),
            )
        }
        Value::Array(list) => list.iter().map(expand).collect(),
        other => other.clone(),
    }
}

struct CaseRun {
    store: SessionStore,
    prefix: String,
    form: DataForm,
    records: BTreeMap<String, Record<Value>>,
}

impl CaseRun {
    async fn step(&mut self, step: &Value) -> Result<(), String> {
        let expected = &step["expect"];
        match step["do"].as_str().unwrap_or_default() {
            "put" => {
                let outcome = self.put(step).await.map(|()| "written");
                expect_word(outcome, expected, "written")
            }
            "create" => {
                let record = self.new_record(step)?;
                let outcome = match self.form {
                    DataForm::Typed => self.store.create(&record).await,
                    DataForm::Text => self.store.create(&as_text(&record)).await,
                };
                let word = outcome.map(|created| match created {
                    Create::Created(_) => "created",
                    Create::Taken => "taken",
                });
                expect_word(word, expected, "created")
            }
            "save" => {
                let loaded = self.loaded(step)?;
                let record = loaded.with_data(step["data"].clone());
                let expires_at = self.store.now() + ttl(step);
                let outcome = match self.form {
                    DataForm::Typed => self.store.save(loaded, &record.data, expires_at).await,
                    DataForm::Text => {
                        let (loaded, record) = (as_text(loaded), as_text(&record));
                        self.store.save(&loaded, &record.data, expires_at).await
                    }
                };
                expect_word(outcome.map(write_word), expected, "written")
            }
            "touch" => {
                let record = self.loaded(step)?;
                let outcome = self.store.touch(record, self.store.now() + ttl(step)).await;
                expect_word(outcome.map(write_word), expected, "written")
            }
            "delete" => match SessionId::new(text(step, "id")) {
                Ok(id) => expect_word(
                    self.store.delete(&id).await.map(|()| "deleted"),
                    expected,
                    "deleted",
                ),
                Err(_) => Ok(()),
            },
            "load" => self.load(step).await,
            "same_created" => self.same_created(step),
            "age" => self.age(step).await,
            "raw_put" => self.raw_put(step).await,
            "raw_get" => self.raw_get(step).await,
            other => Err(format!("unknown step `{other}`")),
        }
    }

    async fn put(&self, step: &Value) -> Result<(), Error> {
        let id = SessionId::new(text(step, "id"))?;
        let record = Record::new(id, step["data"].clone(), self.store.now() + ttl(step));
        match self.form {
            DataForm::Typed => self.store.put(&record).await,
            DataForm::Text => self.store.put(&as_text(&record)).await,
        }
        .map(drop)
    }

    async fn load(&mut self, step: &Value) -> Result<(), String> {
        let expected = &step["expect"];
        let loaded = match SessionId::new(text(step, "id")) {
            Err(_) => Ok(None),
            Ok(id) => self.load_value(&id).await,
        };
        let record = match loaded {
            Ok(Some(record)) => record,
            Ok(None) if expected == "none" => return Ok(()),
            Ok(None) => return Err(format!("a miss instead of {expected}")),
            Err(error) => return expect_error(&error, expected),
        };
        if !same_json(&record.data, &expected["data"]) {
            return Err(format!("loaded {} instead of {expected}", record.data));
        }
        if let Some(name) = step["as"].as_str() {
            self.records.insert(name.to_owned(), record);
        }
        Ok(())
    }

    async fn load_value(&self, id: &SessionId) -> Result<Option<Record<Value>>, Error> {
        if self.form == DataForm::Typed {
            return self.store.load(id).await;
        }
        let record = self.store.load::<SessionText>(id).await?;
        Ok(record.map(|record| {
            let data = match &record.data {
                SessionText::Json(text) => {
                    serde_json::from_str(text).expect("the store returns JSON")
                }
                SessionText::Attribute(_) => Value::Null,
            };
            record.with_data(data)
        }))
    }

    fn same_created(&self, step: &Value) -> Result<(), String> {
        let mut stamps = step["records"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| {
                self.records
                    .get(name.as_str().unwrap_or_default())
                    .map(|record| record.created)
            });
        let first = stamps.next().flatten();
        if first.is_some_and(|created| created.is_some()) && stamps.all(|stamp| stamp == first) {
            Ok(())
        } else {
            Err("`created` differs or is missing".to_owned())
        }
    }

    /// Moves the item's expiry back, as if so much time had passed.
    async fn age(&self, step: &Value) -> Result<(), String> {
        let item = self
            .raw_item(step)
            .await?
            .ok_or("there is no item to age")?;
        let expires: u64 = item["expires"]["N"]
            .as_str()
            .and_then(|n| n.parse().ok())
            .ok_or("no whole expiry")?;
        let aged = expires - step["secs"].as_u64().ok_or("secs")?;
        let mut item = item;
        item["expires"] = json!({ "N": aged.to_string() });
        self.raw_write(item).await
    }

    async fn raw_put(&self, step: &Value) -> Result<(), String> {
        let mut item = step["attributes"].clone();
        item["sessionId"] = json!({ "S": format!("{}{}", self.prefix, text(step, "id")) });
        if let Some(secs) = step["expires_in_secs"].as_i64() {
            let now_ms =
                i64::try_from(epoch_ms(self.store.now())).map_err(|error| error.to_string())?;
            let expires_ms = now_ms + secs * 1000;
            let expires = match step["expires_unit"].as_str() {
                Some("ms") => expires_ms.to_string(),
                Some("fraction") => format!("{}.25", expires_ms / 1000),
                _ => (expires_ms / 1000).to_string(),
            };
            item["expires"] = json!({ "N": expires });
        }
        self.raw_write(item).await
    }

    async fn raw_get(&self, step: &Value) -> Result<(), String> {
        let expected = &step["expect"];
        let Some(item) = self.raw_item(step).await? else {
            return if expected == "none" {
                Ok(())
            } else {
                Err("there is no item".to_owned())
            };
        };
        if expected == "none" {
            return Err("there is an item".to_owned());
        }
        let empty = Map::new();
        for (name, value) in expected["attributes"].as_object().unwrap_or(&empty) {
            if item.get(name) != Some(value) {
                return Err(format!(
                    "attribute {name} is {} instead of {value}",
                    item[name]
                ));
            }
        }
        for name in expected["numbers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if item[name]["N"]
                .as_str()
                .and_then(|n| n.parse::<u64>().ok())
                .is_none()
            {
                return Err(format!("attribute {name} is not a whole number"));
            }
        }
        if let Some(only) = expected["only"].as_array() {
            let mut names: Vec<&str> = item
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            let mut only: Vec<&str> = only.iter().filter_map(Value::as_str).collect();
            names.sort_unstable();
            only.sort_unstable();
            if names != only {
                return Err(format!("the item has the attributes {names:?}"));
            }
        }
        Ok(())
    }

    async fn raw_item(&self, step: &Value) -> Result<Option<Value>, String> {
        let inner = self.store.inner();
        let id = format!("{}{}", self.prefix, text(step, "id"));
        let ttl_attribute = self.store.ttl_attribute();
        let body = wire::get_item(inner.names(&ttl_attribute), &id, true);
        let answer = inner
            .call("GetItem", body)
            .await
            .map_err(|error| error.to_string())?;
        let answer: Value =
            serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        Ok(answer.get("Item").cloned())
    }

    async fn raw_write(&self, item: Value) -> Result<(), String> {
        let inner = self.store.inner();
        let body = json!({ "TableName": inner.table.name, "Item": item }).to_string();
        inner
            .call("PutItem", body.into())
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }

    fn new_record(&self, step: &Value) -> Result<Record<Value>, String> {
        let id = SessionId::new(text(step, "id")).map_err(|error| error.to_string())?;
        Ok(Record::new(
            id,
            step["data"].clone(),
            self.store.now() + ttl(step),
        ))
    }

    fn loaded(&self, step: &Value) -> Result<&Record<Value>, String> {
        let name = step["loaded"].as_str().unwrap_or_default();
        self.records
            .get(name)
            .ok_or_else(|| format!("nothing was loaded as `{name}`"))
    }
}

fn text<'a>(step: &'a Value, name: &str) -> &'a str {
    step[name].as_str().unwrap_or_default()
}

fn ttl(step: &Value) -> Duration {
    Duration::from_millis(step["ttl_ms"].as_u64().unwrap_or_default())
}

fn as_text(record: &Record<Value>) -> Record<SessionText> {
    record.with_data(SessionText::Json(record.data.to_string()))
}

fn write_word(write: Write) -> &'static str {
    match write {
        Write::Written(_) => "written",
        Write::Gone => "gone",
    }
}

fn expect_word(
    outcome: Result<&str, Error>,
    expected: &Value,
    default: &str,
) -> Result<(), String> {
    match outcome {
        Ok(word) if expected.as_str().unwrap_or(default) == word && !expected.is_object() => Ok(()),
        Ok(word) => Err(format!("{word} instead of {expected}")),
        Err(error) => expect_error(&error, expected),
    }
}

fn expect_error(error: &Error, expected: &Value) -> Result<(), String> {
    let kind_is = expected["error"] == format!("{:?}", error.kind());
    let message_has = expected["message"]
        .as_str()
        .is_none_or(|part| error.to_string().contains(part));
    if kind_is && message_has {
        Ok(())
    } else {
        Err(format!(
            "{:?} ({error}) instead of {expected}",
            error.kind()
        ))
    }
}

/// Equality with numbers compared as doubles, the way JSON's readers hold them.
fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, value)| b.get(name).is_some_and(|other| same_json(value, other)))
        }
        _ => a == b,
    }
}
