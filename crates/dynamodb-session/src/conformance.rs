//! The suite that every store and every engine passes: cases as data, and a runner. For tests of adapters and engines.
//!
//! A case is a list of steps over the six verbs and over raw items. Time never passes in it: `age` moves an
//! item's expiry into the past, so that the suite runs as it is on any engine, AWS included. The cases are
//! in [`CASES`], so that other languages run the same ones.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use crate::clock::epoch_ms;
use crate::options::TableOptions;
use crate::table::TableSettings;
use crate::{
    Base, Builder, CreateOutcome, Error, ErrorKind, NewSession, Operation, SaveOptions,
    SaveOutcome, SessionId, SessionStore, SessionText, TouchOptions,
};

/// The cases, as a JSON array of `{ name, needs?, steps }`.
pub const CASES: &str = include_str!("conformance/cases.json");

/// What the suite is run on: the store itself, or an adapter that puts it under a web framework.
///
/// A verb that a subject lacks, it does not write: the cases for it are among the needs it declares unmet.
pub trait Subject: Send + Sync {
    /// What the subject knows of a session it loaded.
    type Loaded: Send + Sync;
    /// Why a verb failed.
    type Error: fmt::Display + Send;

    /// Stores a session, whatever is there.
    fn put(
        &mut self,
        id: &str,
        data: &Value,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// The session's data, as long as it lives.
    fn load(
        &mut self,
        id: &str,
    ) -> impl Future<Output = Result<Option<(Value, Self::Loaded)>, Self::Error>> + Send;

    /// Deletes a session, if there is one.
    fn delete(&mut self, id: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Stores a session if no live one has its id. Returns whether it did.
    fn create(
        &mut self,
        _id: &str,
        _data: &Value,
        _ttl: Duration,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        async { unreachable!("a subject without `create` declares the need unmet") }
    }

    /// Writes a session that was loaded, if it is still there. Returns whether it was.
    fn save(
        &mut self,
        _loaded: &Self::Loaded,
        _data: &Value,
        _ttl: Duration,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        async { unreachable!("a subject without `save` declares the need unmet") }
    }

    /// Moves the expiry of a session that was loaded, if it is still there. Returns whether it was.
    fn touch(
        &mut self,
        _loaded: &Self::Loaded,
        _ttl: Duration,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        async { unreachable!("a subject without `touch` declares the need unmet") }
    }

    /// Writes a whole session in place of one that was loaded, if it is still there. Returns whether it was.
    fn replace(
        &mut self,
        _loaded: &Self::Loaded,
        _data: &Value,
        _ttl: Duration,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        async { unreachable!("a subject without `replace` declares the need unmet") }
    }

    /// All live sessions, by the ids the store knows them by.
    fn list(
        &mut self,
    ) -> impl Future<Output = Result<BTreeMap<String, Value>, Self::Error>> + Send {
        async { unreachable!("a subject that cannot list sessions declares the need `scan` unmet") }
    }

    /// How many live sessions there are.
    fn count(&mut self) -> impl Future<Output = Result<u64, Self::Error>> + Send {
        async {
            unreachable!("a subject that cannot count sessions declares the need `scan` unmet")
        }
    }

    /// Deletes all sessions, expired or not. Returns how many.
    fn clear(&mut self) -> impl Future<Output = Result<u64, Self::Error>> + Send {
        async { unreachable!("a subject that cannot clear a table declares the need `scan` unmet") }
    }

    /// The session id that the store knows the case's id by: they differ where a framework draws ids itself.
    fn stored_id(&self, id: &str) -> String {
        id.to_owned()
    }

    /// What kind an error is of; several where a framework does not tell them apart.
    fn kinds(error: &Self::Error) -> Vec<ErrorKind>;
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
/// About 750 requests, for items of 1 KB or less but for a few of up to 400 KB.
///
/// # Panics
///
/// When [`CASES`] is not what this runner understands.
pub async fn run(builder: impl Fn() -> Builder, unmet: &[&str]) -> Result<Report, Error> {
    run_all(
        builder,
        unmet,
        &[(" as typed data", &Core::typed), (" as text", &Core::text)],
    )
    .await
}

/// Runs every case on what `open` makes of a store. `unmet` names the needs that it or the engine cannot meet.
///
/// # Errors
///
/// As [`run`].
///
/// # Cost
///
/// Half of [`run`]'s, if a verb of the subject is one request.
///
/// # Panics
///
/// As [`run`].
pub async fn run_on<S: Subject>(
    builder: impl Fn() -> Builder,
    unmet: &[&str],
    open: impl Fn(SessionStore) -> S + Sync,
) -> Result<Report, Error> {
    run_all(builder, unmet, &[("", &open)]).await
}

type Open<'a, S> = &'a (dyn Fn(SessionStore) -> S + Sync);

/// A case passes if it does on every one of `subjects`, which are named as a failure shows them.
async fn run_all<S: Subject>(
    builder: impl Fn() -> Builder,
    unmet: &[&str],
    subjects: &[(&str, Open<'_, S>)],
) -> Result<Report, Error> {
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
        let steps = case["steps"].as_array().expect("a case has steps");
        let mut failure = None;
        for (subject, open) in subjects {
            let prefix = format!("{:016x}:", fastrand::u64(..));
            let store = builder()
                .table_name(&table_name)
                .table_options(TableOptions::default().prefix(&prefix))
                .build()?;
            let mut run = CaseRun {
                subject: open(store.clone()),
                store,
                prefix,
                loaded: BTreeMap::new(),
            };
            for (index, step) in steps.iter().enumerate() {
                if let Err(reason) = run.step(&expand(step)).await {
                    let reason = format!("step {}{subject}: {reason}", index + 1);
                    failure = failure.or(Some(reason));
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

/// Replaces `{"$repeat": [text, n]}`, `{"$nest": n}` and, among other fields, `"$fields": [name, n, value]` by what
/// they stand for.
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
            let mut fields: Map<String, Value> = map
                .iter()
                .map(|(name, value)| (name.clone(), expand(value)))
                .collect();
            if let Some(many) = fields.remove("$fields") {
                let name = many[0].as_str().expect("a text");
                let numbers = 0..many[1].as_u64().expect("a count");
                fields.extend(numbers.map(|n| (format!("{name}{n}"), many[2].clone())));
            }
            Value::Object(fields)
        }
        Value::Array(list) => list.iter().map(expand).collect(),
        other => other.clone(),
    }
}

/// The store itself, with the data in one of the forms it takes them in.
struct Core {
    store: SessionStore,
    is_text: bool,
}

impl Core {
    fn typed(store: SessionStore) -> Self {
        Self {
            store,
            is_text: false,
        }
    }

    fn text(store: SessionStore) -> Self {
        Self {
            store,
            is_text: true,
        }
    }

    fn expires_at(&self, ttl: Duration) -> SystemTime {
        self.store.now() + ttl
    }

    fn options(&self, ttl: Duration) -> SaveOptions<'static> {
        SaveOptions::default().expires_at(self.expires_at(ttl))
    }

    fn session<T>(&self, id: &str, data: T, ttl: Duration) -> Result<NewSession<T>, Error> {
        let session = NewSession::new(SessionId::new(id)?, data);
        Ok(session.expires_at(self.expires_at(ttl)))
    }
}

impl Subject for Core {
    type Loaded = crate::Loaded<Value>;
    type Error = Error;

    async fn put(&mut self, id: &str, data: &Value, ttl: Duration) -> Result<(), Error> {
        if self.is_text {
            let session = self.session(id, json_text(data), ttl)?;
            self.store.put(&session).await
        } else {
            self.store.put(&self.session(id, data, ttl)?).await
        }
        .map(drop)
    }

    async fn create(&mut self, id: &str, data: &Value, ttl: Duration) -> Result<bool, Error> {
        let outcome = if self.is_text {
            let session = self.session(id, json_text(data), ttl)?;
            self.store.create(&session).await
        } else {
            self.store.create(&self.session(id, data, ttl)?).await
        };
        outcome.map(|outcome| matches!(outcome, CreateOutcome::Created(_)))
    }

    async fn load(&mut self, id: &str) -> Result<Option<(Value, crate::Loaded<Value>)>, Error> {
        let Ok(id) = SessionId::new(id) else {
            return Ok(None);
        };
        let loaded = if self.is_text {
            let loaded = self.store.load::<SessionText>(&id).await?;
            loaded.as_ref().map(from_text)
        } else {
            self.store.load(&id).await?
        };
        Ok(loaded.map(|loaded| (loaded.data.clone(), loaded)))
    }

    async fn save(
        &mut self,
        loaded: &crate::Loaded<Value>,
        data: &Value,
        ttl: Duration,
    ) -> Result<bool, Error> {
        let options = self.options(ttl);
        let outcome = if self.is_text {
            let loaded = loaded.with_data(json_text(&loaded.data));
            self.store.save(&loaded, &json_text(data), &options).await
        } else {
            self.store.save(loaded, data, &options).await
        };
        outcome.map(SaveOutcome::is_saved)
    }

    async fn replace(
        &mut self,
        loaded: &crate::Loaded<Value>,
        data: &Value,
        ttl: Duration,
    ) -> Result<bool, Error> {
        let base = Base::unknown(&loaded.id, loaded.created);
        let options = self.options(ttl);
        let outcome = if self.is_text {
            self.store.save(base, &json_text(data), &options).await
        } else {
            self.store.save(base, data, &options).await
        };
        outcome.map(SaveOutcome::is_saved)
    }

    async fn list(&mut self) -> Result<BTreeMap<String, Value>, Error> {
        let mut sessions = BTreeMap::new();
        let mut after = None;
        loop {
            let (part, next) = if self.is_text {
                let page = self.store.list::<SessionText>(after.as_ref()).await?;
                let part = page.sessions.iter().map(from_text).collect();
                (part, page.next)
            } else {
                let page = self.store.list(after.as_ref()).await?;
                (page.sessions, page.next)
            };
            let listed = part.into_iter();
            sessions.extend(listed.map(|loaded| (loaded.id.as_str().to_owned(), loaded.data)));
            if next.is_none() {
                return Ok(sessions);
            }
            after = next;
        }
    }

    async fn count(&mut self) -> Result<u64, Error> {
        self.store.count().await
    }

    async fn clear(&mut self) -> Result<u64, Error> {
        self.store.clear().await
    }

    async fn touch(&mut self, loaded: &crate::Loaded<Value>, ttl: Duration) -> Result<bool, Error> {
        let options = TouchOptions::default().expires_at(self.expires_at(ttl));
        let outcome = self.store.touch(loaded, &options).await;
        outcome.map(SaveOutcome::is_saved)
    }

    async fn delete(&mut self, id: &str) -> Result<(), Error> {
        match SessionId::new(id) {
            Ok(id) => self.store.delete(&id).await,
            Err(_) => Ok(()),
        }
    }

    fn kinds(error: &Error) -> Vec<ErrorKind> {
        vec![error.kind()]
    }
}

struct CaseRun<S: Subject> {
    subject: S,
    store: SessionStore,
    prefix: String,
    loaded: BTreeMap<String, Loaded<S>>,
}

/// What a case loaded: as its subject knows it, and the item's `created`.
struct Loaded<S: Subject> {
    session: S::Loaded,
    created: Option<Value>,
}

impl<S: Subject> CaseRun<S> {
    async fn step(&mut self, step: &Value) -> Result<(), String> {
        let (id, data, ttl) = (text(step, "id"), &step["data"], ttl(step));
        let expected = &step["expect"];
        match step["do"].as_str().unwrap_or_default() {
            "put" => {
                let outcome = self.subject.put(id, data, ttl).await;
                expect_word::<S>(outcome.map(|()| "written"), expected, "written")
            }
            "create" => {
                let outcome = self.subject.create(id, data, ttl).await;
                let word = outcome.map(|created| if created { "created" } else { "taken" });
                expect_word::<S>(word, expected, "created")
            }
            "save" => {
                let loaded = loaded(&self.loaded, step)?;
                let outcome = self.subject.save(&loaded.session, data, ttl).await;
                expect_word::<S>(outcome.map(write_word), expected, "written")
            }
            "replace" => {
                let loaded = loaded(&self.loaded, step)?;
                let outcome = self.subject.replace(&loaded.session, data, ttl).await;
                expect_word::<S>(outcome.map(write_word), expected, "written")
            }
            "list" => self.list(expected).await,
            "count" => expect_number::<S>(self.subject.count().await, expected),
            "clear" => expect_number::<S>(self.subject.clear().await, expected),
            "touch" => {
                let loaded = loaded(&self.loaded, step)?;
                let outcome = self.subject.touch(&loaded.session, ttl).await;
                expect_word::<S>(outcome.map(write_word), expected, "written")
            }
            "delete" => {
                let outcome = self.subject.delete(id).await;
                expect_word::<S>(outcome.map(|()| "deleted"), expected, "deleted")
            }
            "load" => self.load(step).await,
            "same_created" => self.same_created(step),
            "age" => self.age(step).await,
            "raw_put" => self.raw_put(step).await,
            "raw_get" => self.raw_get(step).await,
            other => Err(format!("unknown step `{other}`")),
        }
    }

    async fn load(&mut self, step: &Value) -> Result<(), String> {
        let expected = &step["expect"];
        let (data, session) = match self.subject.load(text(step, "id")).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) if expected == "none" => return Ok(()),
            Ok(None) => return Err(format!("a miss instead of {expected}")),
            Err(error) => return expect_error::<S>(&error, expected),
        };
        if !same_json(&data, &expected["data"]) {
            return Err(format!("loaded {data} instead of {expected}"));
        }
        if let Some(name) = step["as"].as_str() {
            let item = self.raw_item(step).await?;
            let created = item.and_then(|item| item.get("created").cloned());
            self.loaded
                .insert(name.to_owned(), Loaded { session, created });
        }
        Ok(())
    }

    async fn list(&mut self, expected: &Value) -> Result<(), String> {
        let listed = self.subject.list().await;
        let listed = listed.map_err(|error| format!("{error} instead of {expected}"))?;
        let expected = expected.as_object().ok_or("no sessions to expect")?;
        let is_expected = |(id, data): (&String, &Value)| {
            let id = self.subject.stored_id(id);
            let listed = self.names(&id).iter().find_map(|name| listed.get(name));
            listed.is_some_and(|listed| same_json(listed, data))
        };
        if listed.len() == expected.len() && expected.iter().all(is_expected) {
            Ok(())
        } else {
            Err(format!("the sessions are {listed:?}"))
        }
    }

    /// The names under which a session can be listed.
    fn names(&self, id: &str) -> Vec<String> {
        let id = SessionId::new(id).expect("the suite has ids that a session can have");
        let keys = self.store.inner().keys(&id);
        keys.filter_map(|(key, _)| Some(key.strip_prefix(&self.prefix)?.to_owned()))
            .collect()
    }

    fn same_created(&self, step: &Value) -> Result<(), String> {
        let mut stamps = step["records"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| {
                let loaded = self.loaded.get(name.as_str().unwrap_or_default());
                loaded.and_then(|loaded| loaded.created.as_ref())
            });
        let first = stamps.next().flatten();
        if first.is_some() && stamps.all(|stamp| stamp == first) {
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
        item["sessionId"] = json!({ "S": self.key(step).await? });
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
            return expect_tombstone(&item);
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
        Ok(self.items(step).await?.pop().and_then(|(_, item)| item))
    }

    /// The items that a step can mean, by their keys: a session comes last, and nothing comes before a tombstone.
    async fn items(&self, step: &Value) -> Result<Vec<(String, Option<Value>)>, String> {
        let inner = self.store.inner();
        let id = SessionId::new(self.subject.stored_id(text(step, "id")));
        let id = id.map_err(|error| error.to_string())?;
        let mut items = Vec::new();
        for (key, _) in inner.keys(&id) {
            let of_item = json!({ "sessionId": { "S": key } });
            let body =
                json!({ "TableName": inner.table.name, "Key": of_item, "ConsistentRead": true })
                    .to_string();
            let answer = inner
                .call(Operation::GetItem, body.into())
                .await
                .map_err(|error| error.to_string())?;
            let answer: Value =
                serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
            items.push((key, answer.get("Item").cloned()));
        }
        items.sort_by_key(|(_, item)| item.as_ref().map(|item| item.get("gone").is_none()));
        Ok(items)
    }

    async fn raw_write(&self, item: Value) -> Result<(), String> {
        let inner = self.store.inner();
        let body = json!({ "TableName": inner.table.name, "Item": item }).to_string();
        inner
            .call(Operation::PutItem, body.into())
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// The partition key of the item that a step names. Without one, that of a session from before the ids were hashed.
    async fn key(&self, step: &Value) -> Result<String, String> {
        let key = self.items(step).await?.pop().map(|(key, _)| key);
        key.ok_or_else(|| "no item can have this id".to_owned())
    }
}

fn loaded<'a, S: Subject>(
    all: &'a BTreeMap<String, Loaded<S>>,
    step: &Value,
) -> Result<&'a Loaded<S>, String> {
    let name = text(step, "loaded");
    all.get(name)
        .ok_or_else(|| format!("nothing was loaded as `{name}`"))
}

fn text<'a>(step: &'a Value, name: &str) -> &'a str {
    step[name].as_str().unwrap_or_default()
}

fn ttl(step: &Value) -> Duration {
    Duration::from_millis(step["ttl_ms"].as_u64().unwrap_or_default())
}

fn json_text(data: &Value) -> SessionText {
    SessionText::Json(data.to_string())
}

fn from_text(loaded: &crate::Loaded<SessionText>) -> crate::Loaded<Value> {
    loaded.with_data(match &loaded.data {
        SessionText::Json(text) => serde_json::from_str(text).expect("the store returns JSON"),
        SessionText::Attribute(_) => Value::Null,
    })
}

fn write_word(is_written: bool) -> &'static str {
    if is_written { "written" } else { "gone" }
}

fn expect_word<S: Subject>(
    outcome: Result<&str, S::Error>,
    expected: &Value,
    default: &str,
) -> Result<(), String> {
    match outcome {
        Ok(word) if expected.as_str().unwrap_or(default) == word && !expected.is_object() => Ok(()),
        Ok(word) => Err(format!("{word} instead of {expected}")),
        Err(error) => expect_error::<S>(&error, expected),
    }
}

fn expect_number<S: Subject>(
    outcome: Result<u64, S::Error>,
    expected: &Value,
) -> Result<(), String> {
    match outcome {
        Ok(number) if expected.as_u64() == Some(number) => Ok(()),
        Ok(number) => Err(format!("{number} instead of {expected}")),
        Err(error) => Err(format!("{error} instead of {expected}")),
    }
}

fn expect_error<S: Subject>(error: &S::Error, expected: &Value) -> Result<(), String> {
    let kinds = S::kinds(error);
    let kind_is = kinds
        .iter()
        .any(|kind| expected["error"] == format!("{kind:?}"));
    let message_has = expected["message"]
        .as_str()
        .is_none_or(|part| error.to_string().contains(part));
    if kind_is && message_has {
        Ok(())
    } else {
        Err(format!("{kinds:?} ({error}) instead of {expected}"))
    }
}

/// What stays of a deleted session has nothing of it.
fn expect_tombstone(item: &Value) -> Result<(), String> {
    let own = ["created", "expires", "gone", "rev", "session", "sessionId"];
    let names = item.as_object().into_iter().flatten();
    let others: Vec<_> = names
        .map(|(name, _)| name.as_str())
        .filter(|name| !own.contains(name))
        .collect();
    // Version 1 takes an item without `session` for a session of its attributes.
    let has_no_session = item
        .get("session")
        .is_none_or(|session| *session == json!({ "M": { "_expire": { "N": "1" } } }));
    if item["gone"]["B"].is_string() && others.is_empty() && has_no_session {
        Ok(())
    } else {
        Err(format!("there is an item, and no tombstone: {item}"))
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
