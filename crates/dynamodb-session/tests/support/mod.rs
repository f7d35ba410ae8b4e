//! The session store on a real engine, for tests of its public API.
//!
//! Only a test advances the clock. Between the store and the engine is a [`Tap`], which records every request and can
//! imitate failures of the network.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamodb_session::clock::{Clock, ManualClock};
use dynamodb_session::framework::Framework;
use dynamodb_session::options::RetryOptions;
use dynamodb_session::table::TableSettings;
use dynamodb_session::transport::{
    Incomplete, IncompleteReason, Request, Response, Transport, TransportFuture,
};
use dynamodb_session::{
    Base, Builder, CreateOutcome, EncodeSession, Error, Loaded, NewSession, SaveOptions,
    SaveOutcome, SessionId, SessionStore, Stamp, TouchOptions, Version,
};
use dynamodb_session_local::LocalEngine;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::local::Connection;

pub(crate) mod dynalite;
pub(crate) mod engine;

/// The time at which every test begins: a whole second.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The fate of a request.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It is executed and answered, as without a script.
    Pass,
    /// It is executed, but the answer is lost.
    AnswerLost,
    /// The same, and it is only known after [`Tap::release`].
    Held,
    /// It is executed, and answered after [`Tap::release`].
    Slow,
    /// It does not reach the engine.
    Lost(IncompleteReason),
    /// It is executed. The answer does not show the item of a failed condition, as with dynalite.
    NoItem,
    /// This number of writes of the batch are executed. The others come back as unprocessed.
    Partly(usize),
    /// It is not executed, and gets this answer.
    Answer(u16, Value),
}

/// A [`Transport`] to an engine that records every request. Clones share everything. To the stores, each other tap is
/// another endpoint, as in another process.
#[derive(Clone, Default)]
pub(crate) struct Tap(Arc<Inner>);

#[derive(Default)]
struct Inner {
    engine: Option<SocketAddr>,
    number: Number,
    calls: Mutex<Vec<(&'static str, Value)>>,
    script: Mutex<VecDeque<Fate>>,
    units: Mutex<f64>,
    unknown_member: Mutex<Option<&'static str>>,
    is_held: AtomicBool,
    held: Notify,
    released: Notify,
}

/// Numbers taps, so that each has an endpoint of its own.
struct Number(usize);

impl Default for Number {
    fn default() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Tap {
    pub(crate) fn to(engine: SocketAddr) -> Self {
        Self(Arc::new(Inner {
            engine: Some(engine),
            ..Inner::default()
        }))
    }

    /// Sets the fates of the next requests. Later requests pass.
    pub(crate) fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.0.script.lock().unwrap().extend(fates);
    }

    /// Has the engine refuse requests with this member, as one that does not know it.
    pub(crate) fn refuse_member(&self, name: &'static str) {
        *self.0.unknown_member.lock().unwrap() = Some(name);
    }

    /// Waits until a request with [`Fate::Held`] or [`Fate::Slow`] has been executed.
    pub(crate) async fn held(&self) {
        self.0.held.notified().await;
    }

    /// Ends the wait of that request.
    pub(crate) fn release(&self) {
        self.0.released.notify_one();
    }

    /// The requests since the last call.
    pub(crate) fn calls(&self) -> Vec<(&'static str, Value)> {
        std::mem::take(&mut *self.0.calls.lock().unwrap())
    }

    /// The capacity units that the engine charged since the last call.
    pub(crate) fn units(&self) -> f64 {
        std::mem::take(&mut *self.0.units.lock().unwrap())
    }

    pub(crate) fn operations(&self) -> Vec<&'static str> {
        self.calls()
            .into_iter()
            .map(|(operation, _)| operation)
            .collect()
    }

    fn pass(&self, request: &Request) -> Response {
        let engine = self
            .0
            .engine
            .expect("without an engine, the script has every answer");
        let body = std::str::from_utf8(&request.body).unwrap();
        let answer = Connection::open(engine).call_with(request.operation.name(), body, &[]);
        if let Some(units) = answer.json()["ConsumedCapacity"]["CapacityUnits"].as_f64() {
            *self.0.units.lock().unwrap() += units;
        }
        response(answer.status, answer.body)
    }

    fn pass_partly(&self, request: &Request, done: usize) -> Response {
        let mut body: Value = serde_json::from_slice(&request.body).unwrap();
        let writes = body["RequestItems"]["sessions"].as_array_mut().unwrap();
        let undone = json!({ "sessions": writes.split_off(done) });
        // An empty batch is an error, so none is sent.
        if done > 0 {
            let answer = self.pass(&Request::new(
                request.operation,
                body.to_string(),
                request.timeout,
            ));
            assert_eq!(answer.status, 200, "the executed part is a success");
        }
        response(200, json!({ "UnprocessedItems": undone }).to_string())
    }

    fn meet(&self, request: &Request) -> Result<Response, Incomplete> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let unknown = self.0.unknown_member.lock().unwrap();
        let unknown = unknown.filter(|name| body.get(name).is_some());
        self.0
            .calls
            .lock()
            .unwrap()
            .push((request.operation.name(), body));
        if let Some(name) = unknown {
            let message = format!("Unexpected parameter: {name}");
            let body = json!({ "__type": "x#ValidationException", "message": message });
            return Ok(response(400, body.to_string()));
        }
        let fate = self
            .0
            .script
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Fate::Pass);
        match fate {
            Fate::Pass => Ok(self.pass(request)),
            Fate::Slow => {
                self.0.is_held.store(true, Ordering::SeqCst);
                Ok(self.pass(request))
            }
            fate @ (Fate::AnswerLost | Fate::Held) => {
                let is_held = matches!(fate, Fate::Held);
                self.0.is_held.store(is_held, Ordering::SeqCst);
                let answer = self.pass(request);
                assert_eq!(answer.status, 200, "the lost answer is a success");
                Err(incomplete(IncompleteReason::Broken))
            }
            Fate::Lost(reason) => Err(incomplete(reason)),
            Fate::NoItem => {
                let answer = self.pass(request);
                let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
                body.as_object_mut()
                    .unwrap()
                    .remove("Item")
                    .expect("the answer shows an item");
                Ok(response(answer.status, body.to_string()))
            }
            Fate::Partly(done) => Ok(self.pass_partly(request, done)),
            Fate::Answer(status, body) => Ok(response(status, body.to_string())),
        }
    }
}

// `Debug` of a store shows its transport, which must not show session data.
impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

impl Transport for Tap {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        Box::pin(async move {
            let answer = self.meet(&request);
            if self.0.is_held.swap(false, Ordering::SeqCst) {
                self.0.held.notify_one();
                self.0.released.notified().await;
            }
            answer
        })
    }

    fn endpoint(&self) -> Option<String> {
        Some(format!("http://tap-{}.test", self.0.number.0))
    }
}

fn response(status: u16, body: String) -> Response {
    Response::new(status, body).request_id(Some("REQUEST".to_owned()))
}

fn incomplete(reason: IncompleteReason) -> Incomplete {
    Incomplete::new(reason, io::Error::other("said the test"))
}

/// An error answer of the service.
pub(crate) fn refusal(code: &str, message: &str) -> Fate {
    Fate::Answer(
        400,
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message }),
    )
}

/// A store without an engine, with scripted answers only.
pub(crate) fn scripted(fates: impl IntoIterator<Item = Fate>) -> (SessionStore, Tap) {
    let tap = Tap::default();
    tap.script(fates);
    let builder = SessionStore::builder()
        .transport(tap.clone())
        .clock(ManualClock::new(now()));
    (
        builder
            .retry_options(RetryOptions::default().base_backoff(Duration::ZERO))
            .build()
            .unwrap(),
        tap,
    )
}

/// An engine, a clock, and the tap between the engine and the stores.
pub(crate) struct World {
    engine: LocalEngine,
    pub(crate) clock: ManualClock,
    pub(crate) tap: Tap,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new(now());
        let of_engine = clock.clone();
        let engine = LocalEngine::builder()
            .sweep_every(Duration::ZERO)
            .clock(move || of_engine.now());
        let engine = engine.start().unwrap();
        let tap = Tap::to(engine.addr());
        Self { engine, clock, tap }
    }

    /// Without pauses between attempts, because the clock would not end them.
    pub(crate) fn builder(&self) -> Builder {
        let builder = SessionStore::builder()
            .clock(self.clock.clone())
            .transport(self.tap.clone());
        builder.retry_options(RetryOptions::default().base_backoff(Duration::ZERO))
    }

    /// The same over HTTP.
    pub(crate) fn over_http(&self) -> Builder {
        SessionStore::builder()
            .clock(self.clock.clone())
            .region("local")
            .endpoint_url(self.engine.url())
    }

    /// The same in another process: it has learnt nothing of the table.
    pub(crate) fn other_process(&self) -> Builder {
        self.builder().transport(self.other_tap())
    }

    pub(crate) fn other_tap(&self) -> Tap {
        Tap::to(self.engine.addr())
    }

    /// A store with default settings. Creates its table.
    pub(crate) async fn store(&self) -> SessionStore {
        self.open(self.builder()).await
    }

    pub(crate) async fn open(&self, builder: Builder) -> SessionStore {
        let store = builder.build().unwrap();
        store
            .table()
            .create_if_missing(&TableSettings::default())
            .await
            .unwrap();
        self.tap.calls();
        store
    }

    /// Calls the engine directly, without store and tap.
    pub(crate) fn raw(&self, operation: &str, body: &Value) -> Value {
        Connection::open(self.engine.addr()).ok(operation, body)
    }

    /// Makes the engine execute a request that was sent before. Returns whether it did.
    pub(crate) fn land(&self, operation: &str, body: &Value) -> bool {
        let mut connection = Connection::open(self.engine.addr());
        let answer = connection.call_with(operation, &body.to_string(), &[]);
        answer.status == 200
    }

    /// The stored item with this key.
    pub(crate) fn item(&self, id: &str) -> Option<Value> {
        let key = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": id } } });
        self.raw("GetItem", &key).get("Item").cloned()
    }

    /// The same, unless it is a tombstone.
    pub(crate) fn session(&self, id: &str) -> Option<Value> {
        self.item(id).filter(|item| item.get("gone").is_none())
    }

    /// Deletes an item as other programs do, and earlier versions of this package.
    pub(crate) fn delete_item(&self, id: &str) {
        let key = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": id } } });
        self.raw("DeleteItem", &key);
    }

    pub(crate) fn put_item(&self, id: &str, mut attributes: Value) {
        attributes["sessionId"] = json!({ "S": id });
        self.raw(
            "PutItem",
            &json!({ "TableName": "sessions", "Item": attributes }),
        );
    }
}

pub(crate) fn id(id: &str) -> SessionId {
    SessionId::new(id).unwrap()
}

/// A new session that expires `ttl` after [`now`].
pub(crate) fn new_session(name: &str, data: Value, ttl: Duration) -> NewSession<Value> {
    NewSession::new(id(name), data).expires_at(now() + ttl)
}

/// A session as if it had been loaded, without `created`. It expires `ttl` after [`now`].
pub(crate) fn loaded_as(name: &str, data: Value, ttl: Duration) -> Loaded<Value> {
    let mut loaded = Loaded::new(id(name), data);
    loaded.expires_at = Some(now() + ttl);
    loaded
}

/// A new session with the id, data and expiry of this one.
pub(crate) fn fresh<T>(loaded: &Loaded<T>) -> NewSession<&T> {
    let mut session = NewSession::new(loaded.id.clone(), &loaded.data);
    session.expires_at = loaded.expires_at;
    session
}

pub(crate) fn until(instant: SystemTime) -> SaveOptions<'static> {
    SaveOptions::default().expires_at(instant)
}

pub(crate) fn touch_until(instant: SystemTime) -> TouchOptions<'static> {
    TouchOptions::default().expires_at(instant)
}

fn ending(expires_at: Option<SystemTime>) -> SaveOptions<'static> {
    expires_at.map_or_else(SaveOptions::default, until)
}

/// Stores a session with this data for a minute, and loads it.
pub(crate) async fn stored(store: &SessionStore, name: &str, data: Value) -> Loaded<Value> {
    let _ = store.put(&new_session(name, data, MINUTE)).await.unwrap();
    load(store, name).await
}

/// Loads a session that exists.
pub(crate) async fn load(store: &SessionStore, name: &str) -> Loaded<Value> {
    store.load(&id(name)).await.unwrap().unwrap()
}

/// Saves a session whose load found nothing.
pub(crate) async fn save_absent<T: EncodeSession + Sync>(
    store: &SessionStore,
    session: &NewSession<T>,
    framework: &Framework,
) -> Result<SaveOutcome, Error> {
    let options = ending(session.expires_at).framework(framework);
    let base = Base::absent(&session.id);
    store.save(base, &session.data, &options).await
}

/// Saves a whole session, without a loaded one.
pub(crate) async fn save_unknown<T: EncodeSession + Sync>(
    store: &SessionStore,
    session: &Loaded<T>,
) -> Result<SaveOutcome, Error> {
    let base = Base::unknown(&session.id, session.created);
    let options = ending(session.expires_at);
    store.save(base, &session.data, &options).await
}

/// What a write returned without the state of the item, whose name is random.
pub(crate) trait WithoutVersion {
    fn without_version(self) -> Self;
}

impl WithoutVersion for Stamp {
    fn without_version(mut self) -> Self {
        self.version = Version::UNKNOWN;
        self
    }
}

impl WithoutVersion for SaveOutcome {
    fn without_version(self) -> Self {
        match self {
            Self::Saved(stamp) => Self::Saved(stamp.without_version()),
            Self::Gone => Self::Gone,
        }
    }
}

impl WithoutVersion for CreateOutcome {
    fn without_version(self) -> Self {
        match self {
            Self::Created(stamp) => Self::Created(stamp.without_version()),
            Self::Taken => Self::Taken,
            Self::Revoked => Self::Revoked,
        }
    }
}

/// The stamp of a write that was executed.
#[track_caller]
pub(crate) fn saved(written: Result<SaveOutcome, Error>) -> Stamp {
    match written.unwrap() {
        SaveOutcome::Saved(stamp) => stamp,
        SaveOutcome::Gone => panic!("the session is there"),
    }
}

/// An item without its `rev`, whose names are random.
#[track_caller]
pub(crate) fn without_rev(mut item: Value) -> Value {
    let rev = item.as_object_mut().unwrap().remove("rev").unwrap();
    assert!(rev["B"].is_string(), "{rev}");
    item
}

/// The stamp of a session with this `created` that expires `ttl` after [`now`].
pub(crate) fn stamp(created: impl Into<Option<SystemTime>>, ttl: Duration) -> Stamp {
    Stamp::new(created.into(), now() + ttl)
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const MS: Duration = Duration::from_millis(1);

/// Epoch seconds of the time `more` seconds after [`now`].
pub(crate) fn secs(more: u64) -> String {
    (1_800_000_000 + more).to_string()
}
