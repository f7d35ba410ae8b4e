//! Takes the steps of a case on a real store. The monitor checks each step.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future as _;
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::clock::{Clock, ManualClock};
use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::{
    EncryptionKey, EncryptionOptions, HashIds, Layout, ParallelChanges, RetryOptions, TableOptions,
};
use dynamodb_session::transport::Transport;
use dynamodb_session::{Loaded, NewSession, SessionId, SessionStore, Version};
use serde_json::{Map, Value, json};

use super::call::{Call, Form, Outcome, begin};
use super::case::{Act, CALLERS, Flavour, Situation, Step};
use super::monitor::{
    Answer, Data, EXPIRY_UNIT, Intent, Kind, Monitor, Number, Session, Verb, Violation,
};
use super::network::{Attempt, Defect, Fate, Network, lost, refusal};
use crate::support::engine::{Direct, response};

/// The fields that callers change.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The only session id.
const ID: &str = "id";

/// The key of a session with this id where ids are hashed.
const HASHED: &str = "h1.WxrWz0QURjTCV8EYxPfMFZbUhISkn-6o2uxi9EVbM9Q";

/// No attempt arrives later than this after it was sent.
const SIGNATURE: u64 = 24 * 60_000;

/// The framework description of koa-session.
pub(super) static WITH_UNIT: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant(EXPIRY_UNIT[0]))
        .expiry_field(ExpiryField::setting(EXPIRY_UNIT[1]))
        .not_carried_prefixes(["_"])
});

struct Caller<D> {
    loaded: Option<Loaded<D>>,
    data: BTreeMap<String, Value>,
    waits: Option<Waiting<D>>,
}

struct Waiting<D> {
    call: Call<D>,
    verb: Verb,
    /// The call in the monitor, if it writes.
    number: Option<Number>,
    may_be_skipped: bool,
    attempts: u32,
    /// What a load read.
    read: Option<Session>,
    /// Calls are numbered as they begin.
    begun: u64,
}

/// An attempt that is not waited for. Its call may still go on with another attempt.
struct Late {
    attempt: Attempt,
    numbers: Vec<Number>,
    sent: Sent,
}

/// When an attempt was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sent {
    at: u64,
    /// How many sign-outs had taken effect.
    deletes: u32,
}

/// The number of each kind of event. It shows whether a run has tested enough.
pub(super) type Tally = BTreeMap<String, u64>;

pub(super) struct Run<'a, D> {
    network: &'a Network,
    flavour: Flavour,
    defect: Defect,
    /// The keys that the session can have. The first item has the last one.
    keys: Vec<String>,
    clock: ManualClock,
    /// Of each caller. Those of one process are clones.
    stores: Vec<SessionStore>,
    /// Opens what is stored, for the model. To it, nothing has expired.
    opener: SessionStore,
    monitor: Monitor,
    /// The session that is stored.
    stored: Option<Session>,
    has_two_items: bool,
    callers: Vec<Caller<D>>,
    late: Vec<Late>,
    /// Saves whose callers have gone although others, of the same process, can still write them.
    abandoned: Vec<Number>,
    begun: u64,
    deletes: u32,
    pub(super) tally: Tally,
    /// What happened, in words; `None` if nobody wants to know.
    pub(super) trace: Option<Vec<String>>,
}

pub(super) fn ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A process's store, with these settings.
fn store(
    transport: impl Transport,
    clock: &ManualClock,
    prefix: &str,
    settings: &Flavour,
) -> SessionStore {
    let mut table_options = TableOptions::default().prefix(prefix);
    if settings.has_two_keys {
        table_options = table_options.hash_ids(HashIds::On);
    }
    let mut builder = SessionStore::builder()
        .clock(clock.clone())
        .transport(transport)
        .table_options(table_options)
        .retry_options(
            RetryOptions::default()
                .base_backoff(Duration::ZERO)
                .max_attempts(settings.max_attempts),
        );
    if settings.is_connect {
        builder = builder.layout(Layout::ConnectDynamodb);
    }
    if settings.is_foreign {
        builder = builder.layout(Layout::DynamodbStore);
    }
    if settings.is_sealed {
        let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
        builder = builder.encryption(EncryptionOptions::new([key]));
    }
    if settings.overwrites {
        builder = builder.parallel_changes(ParallelChanges::Overwrite);
    }
    if let Some(touch_after) = settings.touch_after {
        builder = builder.touch_after(Duration::from_millis(touch_after));
    }
    if let Some(absolute) = settings.absolute {
        builder = builder.absolute_ttl(Duration::from_millis(absolute));
    }
    builder.build().unwrap()
}

fn opener(network: &Network, prefix: &str, flavour: &Flavour) -> SessionStore {
    let settings = Flavour {
        absolute: None,
        max_attempts: 1,
        ..flavour.clone()
    };
    let clock = ManualClock::new(UNIX_EPOCH);
    let transport = Direct::to(network.engine.clone());
    store(transport, &clock, prefix, &settings)
}

impl<'a, D: Form> Run<'a, D> {
    /// `configured` are the settings of the store, `flavour` those of the model. With `has_session`, a session is there.
    pub(super) fn new(
        network: &'a Network,
        flavour: &Flavour,
        configured: &Flavour,
        defect: Defect,
        has_session: bool,
    ) -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        network.reset(CALLERS);
        let clock = ManualClock::new(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        // Cases share an engine. Different prefixes keep their sessions apart.
        let prefix = format!("{}:", CASES.fetch_add(1, Ordering::Relaxed));
        let store = || store(network.clone(), &clock, &prefix, configured);
        let one = store();
        let opener = opener(network, &prefix, flavour);
        let stores = (0..CALLERS).map(|caller| {
            if caller < flavour.together {
                one.clone()
            } else {
                store()
            }
        });
        let stores = stores.collect();
        let forms = if flavour.has_two_keys {
            &[HASHED, ID][..]
        } else {
            &[ID]
        };
        let keys = forms.iter().map(|form| format!("{prefix}{form}")).collect();
        let callers = (0..CALLERS).map(|_| Caller {
            loaded: None,
            data: BTreeMap::new(),
            waits: None,
        });
        let mut run = Self {
            network,
            flavour: flavour.clone(),
            defect,
            keys,
            clock,
            stores,
            opener,
            monitor: Monitor::new(None, flavour.absolute),
            stored: None,
            has_two_items: false,
            callers: callers.collect(),
            late: Vec::new(),
            abandoned: Vec::new(),
            begun: 0,
            deletes: 0,
            tally: Tally::new(),
            trace: Some(Vec::new()),
        };
        if has_session {
            run.store_raw((!flavour.is_legacy).then(|| run.now() - 1000));
        }
        run
    }

    /// Whether two callers are of one process.
    fn are_together(&self, one: usize, other: usize) -> bool {
        one == other || one.max(other) < self.flavour.together
    }

    pub(super) fn situation(&self, caller: usize) -> Situation {
        let caller = &self.callers[caller];
        if caller.waits.is_some() {
            Situation::Waits
        } else if caller.loaded.is_some() {
            Situation::HasLoaded
        } else {
            Situation::HasNothing
        }
    }

    pub(super) fn waits(&self, caller: usize) -> bool {
        self.callers[caller].waits.is_some()
    }

    pub(super) fn waits_for_write(&self, caller: usize) -> bool {
        self.network
            .waiting(caller)
            .is_some_and(|attempt| attempt.is_write())
    }

    pub(super) fn has_loaded(&self, caller: usize) -> bool {
        self.callers[caller].loaded.is_some()
    }

    pub(super) fn late(&self) -> usize {
        self.late.len()
    }

    /// Takes a step if it is possible.
    pub(super) fn take(&mut self, step: Step) -> Result<(), Violation> {
        self.trace(|_| step.to_string());
        let taken = self.step(step);
        let together = &self.callers[..self.flavour.together];
        if together.iter().all(|caller| caller.waits.is_none()) {
            self.abandoned.clear();
        }
        for number in self.monitor.open_ended() {
            let is_late = self.late.iter().any(|late| late.numbers.contains(&number));
            if !is_late && !self.abandoned.contains(&number) {
                self.monitor.end(number);
            }
        }
        taken
    }

    fn step(&mut self, step: Step) -> Result<(), Violation> {
        match step {
            Step::Caller(caller, act) => self.act(caller, act),
            Step::Arrive(index) if index < self.late.len() => self.arrive(index),
            Step::Arrive(_) => Ok(()),
            Step::Pass(ms) => {
                self.pass(ms);
                Ok(())
            }
            Step::Expire => {
                self.expire();
                Ok(())
            }
            Step::Legacy => {
                // Its items have no `rev`, so an attempt that is under way cannot be distinguished from one before it.
                // Where sessions are stored in another attribute, a merge with such an item is not promised.
                let is_quiet =
                    self.late.is_empty() && self.callers.iter().all(|c| c.waits.is_none());
                // It knows no hashed ids.
                let is_hidden = self.flavour.has_two_keys && self.stored.is_some();
                if is_quiet && !is_hidden && !self.flavour.is_foreign {
                    self.store_raw(None);
                }
                Ok(())
            }
        }
    }

    /// Lets all attempts arrive, and then loads the session.
    pub(super) fn finish(&mut self) -> Result<(), Violation> {
        while let Some(caller) = (0..CALLERS).find(|caller| self.network.waiting(*caller).is_some())
        {
            self.take(Step::Caller(caller, Act::Meet(Fate::Answered)))?;
        }
        while !self.late.is_empty() {
            self.take(Step::Arrive(0))?;
        }
        self.take(Step::Caller(0, Act::Load))?;
        self.take(Step::Caller(0, Act::Meet(Fate::Answered)))
    }

    /// Everything that decides what can happen from here on. Names of states and times are renamed in the order in
    /// which they appear.
    pub(super) fn fingerprint(&self) -> String {
        let items: Vec<_> = self.keys.iter().map(|key| self.item(key)).collect();
        let callers = self.callers.iter().enumerate().map(|(index, caller)| {
            let loaded = caller.loaded.as_ref().map(|loaded| {
                let version = loaded.version.to_string();
                json!([loaded.created.map(ms), { "B": version }, loaded.data.json()])
            });
            let waits = caller.waits.as_ref().map(|waits| {
                let waiting = self.network.waiting(index).map(|attempt| attempt.body);
                let others = self.callers.iter().filter_map(|other| other.waits.as_ref());
                let place = others.filter(|other| other.begun < waits.begun).count();
                json!([format!("{:?}", waits.verb), waits.attempts, waiting, place])
            });
            json!([loaded, caller.data, waits])
        });
        let mut late: Vec<String> = self
            .late
            .iter()
            .map(|late| json!([late.attempt.body, late.sent.deletes == self.deletes]).to_string())
            .collect();
        late.sort();
        let state = json!([items, callers.collect::<Vec<_>>(), late]).to_string();
        let state = state + &self.monitor.fingerprint();
        let by_number = |state: String, (number, key): (usize, &String)| {
            state.replace(key, &format!("key {number}"))
        };
        renamed(&self.keys.iter().enumerate().fold(state, by_number))
    }

    /// Ensures that two actions never have the same millisecond, which distinguishes sessions of one id.
    fn tick(&self) {
        self.clock.advance(Duration::from_millis(7));
    }

    fn trace(&mut self, line: impl FnOnce(&Self) -> String) {
        if let Some(mut trace) = self.trace.take() {
            trace.push(line(self));
            self.trace = Some(trace);
        }
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    fn now(&self) -> u64 {
        ms(self.clock.now())
    }

    fn item(&self, key: &str) -> Map<String, Value> {
        self.network.engine.item(key).unwrap_or_default()
    }

    /// Looks at the items after one has changed.
    fn look(&mut self) {
        self.stored = None;
        self.has_two_items = false;
        for key in self.keys.clone() {
            if let Some(session) = self.session_at(&key) {
                self.has_two_items = self.stored.is_some();
                self.stored = Some(session);
            }
        }
    }

    /// The session with this key.
    fn session_at(&mut self, key: &str) -> Option<Session> {
        let item = self.item(key);
        let is_sealed = item.contains_key("sealed") && !item.contains_key("gone");
        let opened = is_sealed.then(|| {
            self.count("sealed items");
            self.opened()
        });
        if item.is_empty() {
            return None;
        }
        if key != self.keys[0] {
            self.count("items with the other key");
        }
        Session::of(&item, opened.as_ref())
    }

    /// The data of the sealed session that is stored.
    fn opened(&self) -> Value {
        let id = SessionId::new(ID).unwrap();
        let load = pin!(self.opener.load::<Value>(&id));
        let Poll::Ready(loaded) = load.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("the engine answers at once");
        };
        loaded.unwrap().expect("it is stored").data
    }

    fn pass(&mut self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
        let now = self.now();
        self.late.retain(|late| now - late.sent.at < SIGNATURE);
    }

    fn expire(&mut self) {
        // A waiting attempt would arrive after its signature's life as well.
        if self.callers.iter().any(|caller| caller.waits.is_some()) {
            return;
        }
        self.pass(SIGNATURE + 60_000);
        let now = self.now();
        for key in self.keys.clone() {
            let item = self.network.engine.item(&key);
            let expires = item.and_then(|item| item["expires"]["N"].as_str()?.parse::<u64>().ok());
            if expires.is_some_and(|expires| expires * 1000 <= now) {
                self.count("deleted by TTL");
                self.network.engine.delete(&key);
                self.look();
                self.monitor.interfere(self.stored.as_ref());
            }
        }
    }

    /// Stores an item without the store: one of this package, or one of the legacy package, which has no `created`.
    fn store_raw(&mut self, created: Option<u64>) {
        let expires = self.now() / 1000 + 60;
        let mut session = json!({ "a": { "N": "1" }, "d": { "N": "2" } });
        if self.flavour.has_unit {
            session["_expire"] = json!({ "N": (expires * 1000).to_string() });
            session["_maxAge"] = json!({ "N": "60000" });
            if !self.flavour.overwrites {
                session["_kept"] = json!({ "N": "3" });
            }
        }
        let mut item = json!({ "expires": { "N": expires.to_string() } });
        if self.flavour.is_connect {
            item["sess"] = json!({ "S": "{\"a\":1,\"d\":2}" });
        } else if self.flavour.is_foreign && created.is_none() {
            item["sess"] = json!({ "M": session });
        } else {
            item["session"] = json!({ "M": session });
        }
        if let Some(created) = created {
            item["created"] = json!({ "N": created.to_string() });
            item["rev"] = json!({ "B": "c3RhcnRpbmc=" });
        } else {
            self.count("legacy items");
        }
        let key = self.keys.last().expect("a session has a key");
        assert!(self.network.engine.put(key, item));
        self.look();
        self.monitor.interfere(self.stored.as_ref());
    }

    fn act(&mut self, index: usize, act: Act) -> Result<(), Violation> {
        let caller = &mut self.callers[index];
        match act {
            Act::Meet(fate) if caller.waits.is_some() => self.meet(index, fate),
            Act::GiveUp => self.give_up(index),
            Act::Meet(_) => Ok(()),
            // A caller that waits does nothing else.
            _ if caller.waits.is_some() => Ok(()),
            Act::Change(field, value) => {
                let name = NAMES[field].to_owned();
                let changed = value.map(|value| match value % 5 {
                    // Sometimes an object, which is still one field.
                    0 => json!({ "n": value, "o": { "p": 1 } }),
                    // Often the same value that others write.
                    1 => json!(value % 3),
                    _ => json!(value),
                });
                match changed {
                    Some(value) => caller.data.insert(name, value),
                    None => caller.data.remove(&name),
                };
                Ok(())
            }
            act => self.call(index, act),
        }
    }

    /// Begins a call.
    fn call(&mut self, index: usize, act: Act) -> Result<(), Violation> {
        self.tick();
        let now = self.now();
        let caller = &mut self.callers[index];
        if act == Act::Load {
            caller.loaded = None;
        }
        let (verb, ttl) = match (act, &caller.loaded) {
            (Act::Load, _) => (Verb::Load, 0),
            (Act::Delete, Some(_)) => (Verb::Delete, 0),
            (Act::DeleteId, _) => (Verb::DeleteId, 0),
            (Act::Save(ttl), Some(_)) => (Verb::Save, ttl),
            (Act::Touch(ttl), Some(_)) => (Verb::Touch, ttl),
            (Act::Create(ttl), _) => (Verb::Create, ttl),
            (Act::CreateOrMerge(ttl), _) => (Verb::CreateOrMerge, ttl),
            (Act::Put(ttl), _) => (Verb::Put, ttl),
            _ => return Ok(()),
        };
        if verb != Verb::Load && !self.monitor.has_room() {
            return Ok(());
        }
        let until = now + ttl * 1000;
        if self.flavour.has_unit && ttl != 0 {
            // In whole seconds: of two instants in the same second, either may stay.
            let instant = until.div_ceil(1000) * 1000;
            caller.data.insert("_expire".to_owned(), json!(instant));
            caller.data.insert("_maxAge".to_owned(), json!(ttl * 1000));
        }
        let of_data = |data: &BTreeMap<String, Value>| -> Data {
            data.iter()
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect()
        };
        let is_of_loaded = matches!(verb, Verb::Save | Verb::Touch | Verb::Delete);
        let loaded = caller.loaded.clone().filter(|_| is_of_loaded);
        let intent = Intent {
            verb,
            loaded: loaded.as_ref().map(|loaded| {
                let expires = loaded.expires_at.map(|at| ms(at) / 1000);
                (loaded.created.map(ms), expires)
            }),
            base: loaded
                .as_ref()
                .map(|loaded| loaded.data.fields())
                .unwrap_or_default(),
            target: of_data(&caller.data),
            until,
            at: now,
            has_unit: self.flavour.has_unit,
            overwrites: self.flavour.overwrites,
            absolute: self.flavour.absolute,
            touch_after: self.flavour.touch_after,
            is_foreign: loaded.as_ref().is_some_and(|loaded| loaded.is_foreign),
            is_update_denied: self.flavour.is_update_denied,
            // By its text: it may know, all the same, that other programs have put attributes beside.
            is_state_unknown: loaded
                .as_ref()
                .is_some_and(|loaded| loaded.version.to_string().ends_with('?')),
            is_blind_touch: verb == Verb::Touch
                && !self.flavour.has_unit
                // It is read, to be sealed again.
                && !self.flavour.is_sealed
                && loaded
                    .as_ref()
                    .is_some_and(|loaded| loaded.version == Version::UNKNOWN),
        };
        let session = NewSession::new(SessionId::new(ID).unwrap(), D::of(&caller.data))
            .expires_at(UNIX_EPOCH + Duration::from_millis(until));
        let call = begin(
            self.stores[index].clone(),
            verb,
            session,
            loaded,
            self.flavour.has_unit,
        );
        let may_be_skipped = intent.may_be_skipped();
        let number = (verb != Verb::Load).then(|| self.monitor.begin(intent));
        self.callers[index].waits = Some(Waiting {
            call,
            verb,
            number,
            may_be_skipped,
            attempts: 0,
            read: None,
            begun: self.begun,
        });
        self.begun += 1;
        self.count(format!("{verb:?}"));
        self.go_on(index)
    }

    /// The caller does not wait any longer. Its attempt may still arrive.
    fn give_up(&mut self, index: usize) -> Result<(), Violation> {
        let Some(waiting) = self.callers[index].waits.take() else {
            return Ok(());
        };
        // The answer is still waited for if other saves go together with this one.
        let numbers = self.numbers(index, waiting.number);
        drop(waiting.call);
        self.leave(index, numbers);
        self.count("given up");
        let now = self.now();
        if let Some(number) = waiting.number {
            self.abandon(index, number);
            self.monitor.answer(number, Answer::Failed, now)?;
        }
        self.go_on(index)
    }

    /// What becomes of the attempt of a caller that does not wait any longer.
    fn leave(&mut self, index: usize, numbers: Vec<Number>) {
        if let Some((id, attempt)) = self.network.take(index) {
            if self.network.is_awaited(id) {
                let mut others = (0..CALLERS).filter(|other| self.are_together(index, *other));
                let heir = others
                    .find(|other| self.waits(*other) && self.network.waiting(*other).is_none())
                    .expect("another caller waits for the answer");
                self.network.hand_over(id, attempt, heir);
            } else {
                let sent = self.sent();
                self.late.push(Late {
                    attempt,
                    numbers,
                    sent,
                });
            }
        }
    }

    /// The calls whose changes an attempt of this caller can hold.
    fn numbers(&self, index: usize, own: Option<Number>) -> Vec<Number> {
        let mut numbers: Vec<Number> = own.into_iter().collect();
        if index < self.flavour.together {
            let together = &self.callers[..self.flavour.together];
            let others = together.iter().filter_map(|caller| caller.waits.as_ref());
            let saves = others.filter(|waits| waits.verb == Verb::Save);
            numbers.extend(saves.filter_map(|waits| waits.number));
            numbers.extend(&self.abandoned);
        }
        numbers
    }

    fn abandon(&mut self, index: usize, number: Number) {
        if index < self.flavour.together {
            self.abandoned.push(number);
        }
    }

    fn sent(&self) -> Sent {
        Sent {
            at: self.now(),
            deletes: self.deletes,
        }
    }

    /// Applies a fate to the waiting attempt, and lets the caller go on.
    fn meet(&mut self, index: usize, fate: Fate) -> Result<(), Violation> {
        self.tick();
        let Some((id, attempt)) = self.network.take(index) else {
            // It waits for another save of its process.
            return Ok(());
        };
        let sent = self.sent();
        let waiting = self.callers[index]
            .waits
            .as_mut()
            .expect("only a waiting caller is chosen");
        waiting.attempts += 1;
        let own = waiting.number;
        let numbers = self.numbers(index, own);
        self.count(format!("{fate:?}"));
        let answer = match fate {
            _ if attempt.operation == "UpdateItem" && self.flavour.is_update_denied => {
                Ok(refusal(400, "AccessDeniedException"))
            }
            Fate::Throttled => Ok(refusal(400, "ThrottlingException")),
            Fate::Lost => Err(lost()),
            Fate::Late => {
                if attempt.is_write() {
                    self.late.push(Late {
                        attempt,
                        numbers,
                        sent,
                    });
                }
                Err(lost())
            }
            Fate::Answered | Fate::AnswerLost | Fate::Crashed => {
                let (status, answer) = self.execute(&attempt, sent)?;
                if let Some(key) = attempt.key_read() {
                    let read = self.session_at(key);
                    let waiting = self.callers[index].waits.as_mut().expect("it still waits");
                    waiting.read = read;
                }
                match fate {
                    Fate::Answered => Ok(response(status, &answer)),
                    Fate::Crashed => Ok(refusal(500, "InternalServerError")),
                    _ => Err(lost()),
                }
            }
        };
        self.network.answer(id, answer);
        self.go_on(index)
    }

    fn arrive(&mut self, index: usize) -> Result<(), Violation> {
        self.tick();
        let Late { attempt, sent, .. } = self.late.remove(index);
        if attempt.operation == "UpdateItem" && self.flavour.is_update_denied {
            return Ok(());
        }
        self.count("arrived late");
        self.execute(&attempt, sent).map(drop)
    }

    fn execute(&mut self, attempt: &Attempt, sent: Sent) -> Result<(u16, Value), Violation> {
        let now = self.now();
        let (status, mut answer) = self.network.execute(attempt, self.defect, now);
        if self.flavour.shows_no_item && status == 400 {
            answer.as_object_mut().unwrap().remove("Item");
        }
        let had_session = self.stored.is_some();
        let has_ended = |session: &Session| !session.is_live(now, self.flavour.absolute);
        let had_ended = self.stored.as_ref().is_some_and(has_ended);
        let is_done = attempt.is_write() && status == 200;
        if is_done {
            self.look();
        }
        self.trace(|run| format!("    {}: {status}, {:?}", attempt.operation, run.stored));
        if is_done && !had_session && self.stored.is_some() && sent.deletes < self.deletes {
            let what = "an attempt that was sent before a sign-out took effect makes the id readable after it";
            return Err(Violation::new(Kind::Revived, what));
        }
        if self.has_two_items {
            return Err(Violation::new(Kind::Item, "a session has two items"));
        }
        let is_ended = is_done && had_session && self.stored.is_none();
        if is_ended && had_ended && attempt.buries() {
            self.count("buried");
            self.monitor.interfere(None);
        } else if is_ended {
            self.deletes += 1;
        }
        if attempt.is_write() {
            self.monitor.observe(self.stored.as_ref(), now)?;
        }
        Ok((status, answer))
    }

    /// Runs the calls of a caller's process until each waits for the network, or for another one, or is done.
    fn go_on(&mut self, index: usize) -> Result<(), Violation> {
        let mut pauses = 0;
        loop {
            let idle = |run: &Self, caller: &usize| {
                run.are_together(index, *caller)
                    && run.waits(*caller)
                    && run.network.waiting(*caller).is_none()
            };
            let callers: Vec<_> = (0..CALLERS).filter(|caller| idle(self, caller)).collect();
            let mut has_moved = false;
            for caller in &callers {
                has_moved |= self.poll(*caller)?;
            }
            if has_moved {
                pauses = 0;
            } else if callers.is_empty() {
                return Ok(());
            } else if pauses == 5 {
                let mut together = (0..CALLERS).filter(|other| self.are_together(index, *other));
                let is_sent = together.any(|caller| self.network.waiting(caller).is_some());
                assert!(is_sent, "nobody goes on");
                self.count("waited for another save");
                return Ok(());
            } else {
                // It pauses before a merge, or waits for another save.
                self.clock.advance(Duration::from_millis(10));
                pauses += 1;
            }
        }
    }

    /// Runs a call. Returns whether it sent an attempt, or is done.
    fn poll(&mut self, index: usize) -> Result<bool, Violation> {
        self.network.call_for(index);
        let caller = &mut self.callers[index];
        let Some(waiting) = caller.waits.as_mut() else {
            return Ok(false);
        };
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(outcome) = waiting.call.as_mut().poll(&mut context) else {
            return Ok(self.network.waiting(index).is_some());
        };
        let number = waiting.number;
        let numbers = self.numbers(index, number);
        let waiting = self.callers[index]
            .waits
            .take()
            .expect("it was just polled");
        // Its deadline can pass while it drives the write of several saves.
        self.leave(index, numbers);
        self.trace(|_| format!("    {:?} -> {outcome}", waiting.verb));
        let now = self.now();
        match (&outcome, waiting.number) {
            (Outcome::Found(found), _) => {
                let is_live = |session: &&Session| session.is_live(now, self.flavour.absolute);
                let read = waiting.read.as_ref().filter(is_live);
                let fields = found.as_ref().map(|found| found.data.fields());
                if fields.as_ref() != read.map(|read| &read.data) {
                    let what = format!("{fields:?} was loaded, but {read:?} is stored");
                    return Err(Violation::new(Kind::Load, what));
                }
            }
            (Outcome::Stored(_) | Outcome::Deleted, Some(number)) => {
                if waiting.attempts == 0 && waiting.may_be_skipped {
                    self.count("skipped");
                    self.monitor.end(number);
                } else {
                    self.monitor.answer(number, Answer::Written, now)?;
                }
            }
            (Outcome::Refused, Some(number)) => {
                self.monitor.answer(number, Answer::Refused, now)?;
            }
            (Outcome::Failed(_), Some(number)) => {
                self.abandon(index, number);
                self.monitor.answer(number, Answer::Failed, now)?;
            }
            _ => {}
        }
        self.count(outcome.name());
        let caller = &mut self.callers[index];
        match outcome {
            Outcome::Found(Some(found)) => {
                let fields = found.data.json();
                caller.data = serde_json::from_value(fields).unwrap();
                if self.flavour.has_unit {
                    // koa-session does not carry these fields into the session that the application gets.
                    caller.data.retain(|name, _| !name.starts_with('_'));
                }
                caller.loaded = Some(found);
            }
            Outcome::Found(None) => {
                caller.loaded = None;
                caller.data.clear();
            }
            Outcome::Stored(loaded) => caller.loaded = Some(loaded),
            Outcome::Deleted => caller.loaded = None,
            // The caller still has the session that it loaded before. Another try with it must be harmless.
            Outcome::Refused | Outcome::Failed(_) => {}
        }
        Ok(true)
    }
}

/// The most bytes of a `rev`: four names of states.
const NAMES_BYTES: usize = 32;

/// Replaces the bytes and the long numbers of a text by the order in which they appear.
fn renamed(text: &str) -> String {
    let mut names: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut rename = |out: &mut String, name: &[u8]| {
        let next = names.len();
        write!(out, "~{}", names.entry(name.to_vec()).or_insert(next))
            .expect("a String takes every text");
    };
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit() || c == '{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(bytes) = rest.strip_prefix("{\"B\":\"") {
            let end = bytes.find('"').expect("a closed string");
            let known = bytes[..end].trim_start_matches(['*', '!', '.']);
            let decoded = STANDARD.decode(known).unwrap_or_default();
            if decoded.is_empty() {
                out.push_str(&bytes[..end]);
            } else if decoded.len() > NAMES_BYTES {
                // Sealed data are never the same twice. What they are follows from the names of states beside.
                write!(out, "{} bytes", decoded.len()).expect("a String takes every text");
            } else {
                out.push_str(&bytes[..end - known.len()]);
                for name in decoded.chunks(8) {
                    rename(&mut out, name);
                }
            }
            rest = &bytes[end..];
        } else {
            let end = rest[1..]
                .find(|c: char| !c.is_ascii_digit())
                .map_or(rest.len(), |end| end + 1);
            if end >= 10 {
                rename(&mut out, &rest.as_bytes()[..end]);
            } else {
                out.push_str(&rest[..end]);
            }
            rest = &rest[end..];
        }
    }
    out + rest
}
