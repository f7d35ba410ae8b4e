//! Every row of `faults.json`: the caller's result, the number of requests, the time, and what is stored afterwards.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use dynamodb_session::options::RetryOptions;
use dynamodb_session::table::TableSettings;
use dynamodb_session::{CreateOutcome, Error, Loaded, SaveOutcome, SessionStore};
use dynamodb_session_faults::{Entry, FaultServer, Step};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::clock::{GUARD, WatchedClock};
use super::support::{DAY, direct, id, new_session, now, server, store_at};
use crate::support::{save_unknown, touch_until, until};

/// The verbs of a row that does not list its own. `clear` and `create_table` are not here: they always take several
/// requests.
const VERBS: [&str; 7] = [
    "load", "create", "put", "save", "replace", "touch", "delete",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The name of the fault.
    fault: String,
    /// What an app sees of it. Rows with this text are in docs/failures.md.
    sees: Option<String>,
    /// The longest time until then, with default settings.
    after: Option<String>,
    /// The name of a field of `Urls`.
    #[serde(default = "http")]
    endpoint: String,
    #[serde(default)]
    script: Vec<Step>,
    #[serde(default = "pass")]
    default: Step,
    #[serde(default)]
    on: BTreeMap<String, Step>,
    verbs: Option<Vec<String>>,
    /// The expected outcome by verb. `*` stands for all other verbs.
    expect: BTreeMap<String, Expected>,
}

fn http() -> String {
    "http".to_owned()
}

fn pass() -> Step {
    Step::Pass
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The name of an `ErrorKind`. Without one the verb succeeds.
    error: Option<String>,
    /// The value of [`Error::code`].
    code: Option<String>,
    /// The value of `error.code` in JavaScript.
    js: Option<String>,
    /// The number of requests, of all operations together.
    attempts: u32,
    /// The times in milliseconds at which a time limit ends a wait. Default: no limit is reached.
    #[serde(default)]
    at: Vec<u64>,
    /// Whether a verb that failed was executed all the same. A verb that succeeds always was.
    #[serde(default)]
    stored: bool,
}

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("../../../dynamodb-session-faults/faults.json")).unwrap()
}

#[test]
fn rows_are_complete() {
    let rows = rows();
    let mut names: Vec<_> = rows.iter().map(|row| &row.fault).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), rows.len(), "each row has its own name");
    for row in &rows {
        assert_eq!(row.sees.is_some(), row.after.is_some(), "{}", row.fault);
        assert!(row.expect.contains_key("*"), "{}", row.fault);
        for expected in row.expect.values() {
            assert_eq!(
                expected.error.is_some(),
                expected.js.is_some(),
                "{}",
                row.fault
            );
        }
    }
}

/// Collects the failures of all rows, instead of stopping at the first.
#[tokio::test]
async fn every_fault_ends_as_the_table_says() {
    let without_faults = without_faults().await;
    let mut wrong = Vec::new();
    let mut tried = 0;
    for row in rows() {
        let server = server().await;
        let verbs = row.verbs.clone();
        let verbs = verbs.unwrap_or_else(|| VERBS.map(str::to_owned).to_vec());
        for verb in verbs {
            // On a new connection, and on a kept one.
            for is_warm in [false, true] {
                if is_warm && !row.endpoint.eq("http") && !row.endpoint.eq("https") {
                    continue;
                }
                tried += 1;
                let trial = Trial {
                    row: &row,
                    server: &server,
                    verb: &verb,
                    is_warm,
                    without_fault: &without_faults[&verb],
                };
                if let Err(reason) = trial.run().await {
                    wrong.push(format!("{}; {verb}, warm: {is_warm}: {reason}", row.fault));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(tried > 500, "{tried}");
}

/// One verb of one row.
struct Trial<'a> {
    row: &'a Row,
    server: &'a FaultServer,
    verb: &'a str,
    is_warm: bool,
    /// The result and the effect of the verb without a fault.
    without_fault: &'a (Value, Value),
}

/// [`Trial::without_fault`] by verb.
async fn without_faults() -> BTreeMap<String, (Value, Value)> {
    let server = server().await;
    let engine = direct(&server).clock(WatchedClock::new()).build().unwrap();
    let mut all = BTreeMap::new();
    for verb in VERBS.into_iter().chain(["clear", "create_table"]) {
        let loaded = prepare(&engine, verb).await;
        let result = perform(engine.clone(), verb.to_owned(), loaded).await;
        all.insert(
            verb.to_owned(),
            (result.unwrap(), effect(&engine, verb).await),
        );
    }
    all
}

impl Trial<'_> {
    /// Runs the trial. The error describes the difference from the expected outcome.
    async fn run(&self) -> Result<(), String> {
        let row = self.row;
        let expected = row.expect.get(self.verb).unwrap_or(&row.expect["*"]);
        let engine = direct(self.server)
            .clock(WatchedClock::new())
            .build()
            .unwrap();
        let (without, after) = self.without_fault;
        let loaded = prepare(&engine, self.verb).await;
        let before = effect(&engine, self.verb).await;

        let clock = WatchedClock::new();
        let store = self.store(&clock);
        if self.is_warm {
            // The table may be missing, so the result does not matter.
            let _ = store.load::<Value>(&id("missing")).await;
        }
        self.server.log();
        self.server.default(row.default.clone());
        for (operation, step) in &row.on {
            self.server.on(operation, step.clone());
        }
        self.server.script(row.script.clone());
        let call = tokio::spawn(perform(store.clone(), self.verb.to_owned(), loaded));
        let outcome = self.in_time(&clock, &expected.at, call).await?;
        let log = self.server.log();
        self.server.script([]);
        self.server.default(Step::Pass);

        check(&log.left, &0, "steps left of the script")?;
        self.check_requests(&log.entries, expected, &outcome)?;
        let is_done = match (&expected.error, &outcome) {
            (None, Ok(value)) => {
                check(value, without, "the result")?;
                true
            }
            (Some(kind), Err(error)) => {
                check(&format!("{:?}", error.kind()), kind, "the kind")?;
                check(&error.code(), &expected.code.as_deref(), "the code")?;
                expected.stored
            }
            _ => return Err(format!("{outcome:?}")),
        };
        let stored = effect(&engine, self.verb).await;
        check(
            &stored,
            if is_done { after } else { &before },
            "what is stored",
        )?;
        if row.endpoint.starts_with("https_")
            || ["refused", "unresolvable"].contains(&row.endpoint.as_str())
        {
            return Ok(());
        }
        self.works_again(&store).await
    }

    /// Advances the clock to each of these times, after checking that the call waits for exactly that time. Returns the
    /// result of the call.
    async fn in_time<T>(
        &self,
        clock: &WatchedClock,
        at: &[u64],
        call: JoinHandle<T>,
    ) -> Result<T, String> {
        for (before, ms) in (1..).zip(at) {
            let time = Duration::from_millis(*ms);
            if ["http", "https"].contains(&self.row.endpoint.as_str()) {
                // Before its request arrives, the call waits for a connection, and that limit may have the same end.
                self.server.received(before).await;
            }
            if !clock.is_awaited(time).await {
                return Err(format!(
                    "no sleep ends at {time:?}, only {clock:?}; call finished: {}",
                    call.is_finished()
                ));
            }
            clock.set(time.saturating_sub(Duration::from_millis(1)));
            turns().await;
            if call.is_finished() || !clock.is_awaited(time).await {
                return Err(format!("the call did not wait until {time:?}"));
            }
            clock.set(time);
        }
        match tokio::time::timeout(GUARD, call).await {
            Ok(result) => Ok(result.unwrap()),
            Err(_) => Err(format!("the call waits longer: {clock:?}")),
        }
    }

    fn store(&self, clock: &WatchedClock) -> SessionStore {
        let urls = serde_json::to_value(self.server.urls()).unwrap();
        let url = urls[&self.row.endpoint].as_str().unwrap();
        // Without pauses between attempts, because their lengths are random.
        let builder = store_at(self.server, url)
            .retry_options(RetryOptions::default().base_backoff(Duration::ZERO));
        builder.clock(clock.clone()).build().unwrap()
    }

    fn check_requests(
        &self,
        entries: &[Entry],
        expected: &Expected,
        outcome: &Result<Value, Error>,
    ) -> Result<(), String> {
        if let Some(entry) = entries.iter().find(|entry| entry.signature.is_err()) {
            return Err(format!("a wrong signature: {entry:?}"));
        }
        let attempts = u32::try_from(entries.len()).unwrap();
        match outcome {
            Err(error) if self.row.endpoint != "http" => {
                check(&error.attempts(), &expected.attempts, "attempts")?;
            }
            _ => check(&attempts, &expected.attempts, "requests")?,
        }
        if let (Err(error), true) = (outcome, VERBS.contains(&self.verb)) {
            check(&error.attempts(), &expected.attempts, "attempts")?;
        }
        if let [
            Entry {
                step: Step::Skew { .. },
                date,
                ..
            },
            again,
            ..,
        ] = entries
            && *date == again.date
        {
            return Err("the clock was not corrected".to_owned());
        }
        Ok(())
    }

    /// Checks that the store works again after the fault, without a restart.
    async fn works_again(&self, store: &SessionStore) -> Result<(), String> {
        if matches!(self.row.default, Step::Close | Step::CloseIdle) {
            self.server.connections_closed().await;
            // The runtime has to notice that its sockets are closed.
            turns().await;
        }
        let session = new_session("afterwards", json!({ "n": 1 }));
        let done = if self.verb == "create_table" {
            store.table().describe().await.map(drop)
        } else {
            store.put(&session).await.map(drop)
        };
        done.map_err(|error| format!("afterwards: {error:?}"))?;
        check(&self.server.log().entries.len(), &1, "requests afterwards")
    }
}

fn check<T: PartialEq + Debug + ?Sized>(got: &T, expected: &T, what: &str) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, not {expected:?}"))
}

/// Lets all other tasks run that are ready.
async fn turns() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

const NAME: &str = "a";

/// Stores what the verb needs, and returns the loaded session.
async fn prepare(engine: &SessionStore, verb: &str) -> Option<Loaded<Value>> {
    if verb == "create_table" {
        engine.table().delete().await.unwrap();
        return None;
    }
    engine.clear_with_tombstones().await.unwrap();
    if verb == "create" || verb == "put" {
        return None;
    }
    for name in [NAME, "b", "c"] {
        let _ = engine
            .put(&new_session(name, json!({ "n": 1, "left": true })))
            .await
            .unwrap();
    }
    engine.load(&id(NAME)).await.unwrap()
}

async fn perform(
    store: SessionStore,
    verb: String,
    loaded: Option<Loaded<Value>>,
) -> Result<Value, Error> {
    let data = json!({ "n": 2, "left": true });
    let fresh = new_session(NAME, data.clone());
    let expires_at = now() + 2 * DAY;
    let loaded = loaded.as_ref();
    let of_loaded = || loaded.unwrap();
    Ok(match verb.as_str() {
        "load" => store
            .load::<Value>(&fresh.id)
            .await?
            .map_or(Value::Null, |record| record.data),
        "create" => json!(matches!(
            store.create(&fresh).await?,
            CreateOutcome::Created(_)
        )),
        "put" => json!(store.put(&fresh).await.map(|_| true)?),
        "save" => json!(matches!(
            store.save(of_loaded(), &data, &until(expires_at)).await?,
            SaveOutcome::Saved(_)
        )),
        "replace" => json!(matches!(
            save_unknown(&store, &of_loaded().with_data(data)).await?,
            SaveOutcome::Saved(_)
        )),
        "touch" => json!(matches!(
            store.touch(of_loaded(), &touch_until(expires_at)).await?,
            SaveOutcome::Saved(_)
        )),
        "delete" => store.delete(of_loaded()).await.map(|()| Value::Null)?,
        "clear" => json!(store.clear().await?),
        "create_table" => {
            let description = store
                .table()
                .create_if_missing(&TableSettings::default())
                .await?;
            json!(description.status)
        }
        verb => unreachable!("no verb: {verb}"),
    })
}

/// What is stored, read without faults.
async fn effect(engine: &SessionStore, verb: &str) -> Value {
    if verb == "create_table" {
        return json!(engine.table().describe().await.unwrap().is_some());
    }
    let item = engine.load::<Value>(&id(NAME)).await.unwrap();
    let item = item.map(|item| format!("{:?} {:?} {:?}", item.data, item.expires_at, item.created));
    json!([item, engine.count().await.unwrap()])
}
