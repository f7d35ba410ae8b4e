//! Takes the steps of a case on real stores. The monitor checks each step.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dynamodb_session::clock::{Clock, ManualClock};
use dynamodb_session::options::{
    EncryptionKey, EncryptionOptions, HashIds, Layout, ParallelChanges, RetryOptions, TableOptions,
    UserOptions,
};
use dynamodb_session::transport::Transport;
use dynamodb_session::{
    CreateOutcome, ErrorKind, Loaded, NewSession, SessionId, SessionStore, SessionUser,
};
use ring::digest;
use serde_json::{Value, json};

use super::super::network::{Fate, lost, refusal};
use super::super::run::ms;
use super::call::{Call, Order, Outcome, Session, begin, data_of, user_id, user_in};
use super::case::{CALLERS, Flavour, Hashing, Situation, Step, USERS, Verb};
use super::defect::{Defect, Sender, Weakened};
use super::desk::{Attempt, AttemptId, Desk, SIGNATURE};
use super::monitor::{Item, Kind, LAST, Monitor, Place, UserItem, Violation, ids};
use crate::support::engine::{Direct, response};

/// More requests than any call makes.
const MANY: usize = 500;

/// The number of each kind of event. It shows whether a run has tested enough.
pub(super) type Tally = BTreeMap<String, u64>;

#[derive(Default)]
struct Caller {
    loaded: Option<Loaded<Value>>,
    waits: Option<Waiting>,
}

struct Waiting {
    call: Call,
    number: usize,
}

pub(super) struct Run<'a> {
    desk: &'a Desk,
    flavour: Flavour,
    defect: Defect,
    weakened: Weakened,
    prefix: String,
    clock: ManualClock,
    /// Of each caller. Those of one process are clones.
    stores: Vec<SessionStore>,
    /// Open what is stored, by id and by its hash, for the model. To them, nothing has expired.
    openers: [SessionStore; 2],
    callers: Vec<Caller>,
    monitor: Monitor,
    /// The calls that have begun revocations, by their names.
    taken: BTreeMap<String, usize>,
    /// Whether anything has happened that explains an error.
    has_faults: bool,
    pub(super) tally: Tally,
    pub(super) trace: Option<Vec<String>>,
}

fn id_of(id: usize) -> SessionId {
    SessionId::new(format!("id{id}")).unwrap()
}

fn hashed(id: &SessionId) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(b"dynamodb-session/id/1\0");
    hash.update(id.as_str().as_bytes());
    format!("h1.{}", URL_SAFE_NO_PAD.encode(hash.finish()))
}

/// A process's store, with these settings.
fn store(
    transport: impl Transport,
    clock: &ManualClock,
    prefix: &str,
    settings: &Flavour,
    hash_ids: HashIds,
) -> SessionStore {
    let table_options = TableOptions::default().prefix(prefix).hash_ids(hash_ids);
    let mut builder = SessionStore::builder()
        .clock(clock.clone())
        .transport(transport)
        .table_options(table_options)
        .users(UserOptions::default().max_sessions(settings.max_sessions))
        .retry_options(
            RetryOptions::default()
                .base_backoff(Duration::ZERO)
                .max_attempts(settings.max_attempts),
        );
    if settings.is_connect {
        builder = builder.layout(Layout::ConnectDynamodb);
    }
    if settings.is_sealed {
        let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
        builder = builder.encryption(EncryptionOptions::new([key]));
    }
    if settings.overwrites {
        builder = builder.parallel_changes(ParallelChanges::Overwrite);
    }
    if let Some(absolute) = settings.absolute {
        builder = builder.absolute_ttl(Duration::from_millis(absolute));
    }
    builder.build().unwrap()
}

/// The result of a call of a store whose engine answers at once.
fn at_once<T>(call: impl Future<Output = T>) -> T {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the engine answers at once"),
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(desk: &'a Desk, flavour: &Flavour, defect: Defect, seed: u64) -> Self {
        // The names of states and the pauses are drawn from it.
        fastrand::seed(seed);
        desk.reset();
        let clock = ManualClock::new(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let prefix = format!("{seed:x}:");
        let of_process = |process: usize| {
            let hash_ids = match flavour.hashing {
                Hashing::Off => HashIds::Off,
                Hashing::Read => HashIds::Read,
                Hashing::Mixed if process.is_multiple_of(2) => HashIds::Read,
                Hashing::On | Hashing::Mixed => HashIds::On,
            };
            store(desk.clone(), &clock, &prefix, flavour, hash_ids)
        };
        let one = of_process(0);
        let stores = (0..CALLERS).map(|caller| {
            if caller < flavour.together {
                one.clone()
            } else {
                of_process(caller)
            }
        });
        let stores = stores.collect();
        let endless = Flavour {
            absolute: None,
            max_attempts: 1,
            ..flavour.clone()
        };
        let start = ManualClock::new(UNIX_EPOCH);
        let openers = [HashIds::Off, HashIds::Only].map(|hash_ids| {
            let direct = Direct::to(desk.engine.clone());
            store(direct, &start, &prefix, &endless, hash_ids)
        });
        let mut monitor = Monitor::default();
        monitor.max_sessions = flavour.max_sessions;
        monitor.absolute = flavour.absolute;
        for id in ids() {
            let (name, loaded) = (id_of(id), Loaded::new(id_of(id), ()));
            let keys = [name.as_str().to_owned(), hashed(&name)];
            for (key, opener) in keys.into_iter().zip(&openers) {
                let reference = opener.reference(&loaded).unwrap().to_string();
                let place = Place { id, reference };
                monitor.places.insert(format!("{prefix}{key}"), place);
            }
        }
        let mut run = Self {
            desk,
            flavour: flavour.clone(),
            defect,
            weakened: Weakened::default(),
            prefix,
            clock,
            stores,
            openers,
            callers: (0..CALLERS).map(|_| Caller::default()).collect(),
            monitor,
            taken: BTreeMap::new(),
            has_faults: false,
            tally: Tally::new(),
            trace: Some(Vec::new()),
        };
        run.clear();
        run.learn_users();
        run
    }

    /// Removes what an earlier run of this case has left.
    fn clear(&self) {
        for key in self.monitor.places.keys() {
            self.desk.engine.delete(key);
        }
        self.desk.engine.delete(&format!("{}u1.key", self.prefix));
    }

    /// Learns what the users' items are called, from a session of each.
    fn learn_users(&mut self) {
        let plain = Flavour {
            is_sealed: false,
            ..self.flavour.clone()
        };
        for settings in [&self.flavour, &plain] {
            let direct = Direct::to(self.desk.engine.clone());
            let store = store(direct, &self.clock, &self.prefix, settings, HashIds::Off);
            for user in 0..USERS {
                let id = SessionId::new("probe").unwrap();
                let probe = format!("{}probe", self.prefix);
                self.desk.engine.delete(&probe);
                let new = NewSession::new(id, json!({}));
                let new = new.user(SessionUser::new(user_id(user)));
                let CreateOutcome::Created(stamp) = at_once(store.create(&new)).unwrap() else {
                    panic!("there is no such session");
                };
                let name = format!("u1.{}", stamp.user.unwrap());
                self.desk.engine.delete(&probe);
                self.desk.engine.delete(&format!("{}{name}", self.prefix));
                self.monitor.users.insert(name, user);
            }
        }
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

    pub(super) fn late(&self) -> usize {
        self.desk.late().len()
    }

    fn now(&self) -> u64 {
        ms(self.clock.now())
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    fn trace(&mut self, line: impl FnOnce(&Self) -> String) {
        if let Some(mut trace) = self.trace.take() {
            trace.push(line(self));
            self.trace = Some(trace);
        }
    }

    /// Takes a step if it is possible.
    pub(super) fn take(&mut self, step: Step) -> Result<(), Violation> {
        self.trace(|_| step.to_string());
        // Two actions never have the same millisecond.
        self.clock.advance(Duration::from_millis(7));
        match step {
            Step::Begin {
                caller,
                verb,
                ttl,
                n,
            } => self.begin(caller, verb, ttl, n),
            Step::Meet(caller, index, fate) => {
                let awaited = self.desk.awaited(caller);
                if !awaited.is_empty() {
                    self.meet(awaited[index % awaited.len()], fate)?;
                }
            }
            Step::Run(caller) => self.run(caller)?,
            Step::Arrive(index) => {
                let late = self.desk.late();
                if !late.is_empty() {
                    self.count("arrived late");
                    let attempt = self.desk.take(late[index % late.len()]);
                    self.execute(&attempt)?;
                }
            }
            Step::End(caller) => {
                if let Some(waiting) = self.callers[caller].waits.take() {
                    self.count("ended");
                    self.has_faults = true;
                    self.monitor.end(waiting.number, false);
                    drop(waiting.call);
                    self.callers[caller].loaded = None;
                }
            }
            Step::Pass(ms) => self.pass(ms),
            Step::Ttl(index) => self.delete_expired(index),
            Step::Before(id, user, has_created) => self.store_before(id, user, has_created),
        }
        self.go_on()?;
        self.desk.drop_reads();
        self.monitor.check(self.now())
    }

    fn pass(&mut self, ms: u64) {
        let waits = self.callers.iter().any(|caller| caller.waits.is_some());
        if self.flavour.is_calm && waits {
            return;
        }
        self.has_faults |= waits;
        self.clock.advance(Duration::from_millis(ms));
        let now = self.now();
        self.desk.drop_old(now);
        if ms > SIGNATURE {
            self.count("a long time passed");
        }
    }

    fn delete_expired(&mut self, index: usize) {
        let now = self.now();
        let expired = |key: &String| {
            let item = self.desk.engine.item(key)?;
            let expires: u64 = item.get("expires")?["N"].as_str()?.parse().ok()?;
            (expires * 1000 <= now).then(|| key.clone())
        };
        let users = self.monitor.users.keys();
        let users = users.map(|name| format!("{}{name}", self.prefix));
        let keys = self.monitor.places.keys().cloned().chain(users);
        let expired: Vec<_> = keys.filter_map(|key| expired(&key)).collect();
        if !expired.is_empty() {
            let key = &expired[index % expired.len()];
            self.desk.engine.delete(key);
            self.count("deleted by TTL");
            self.look(key);
        }
    }

    /// Stores a session as a program does that knows no users' items.
    fn store_before(&mut self, id: usize, user: usize, has_created: bool) {
        let key = format!("{}id{id}", self.prefix);
        let mut places = self
            .monitor
            .places
            .iter()
            .filter(|(_, place)| place.id == id);
        if places.any(|(key, _)| self.monitor.items.contains_key(key)) {
            return;
        }
        let data = data_of(Some(user), 1);
        let expires = self.now() / 1000 + 7200;
        let mut item = json!({ "expires": { "N": expires.to_string() } });
        if self.flavour.is_connect {
            item["sess"] = json!({ "S": data.to_string() });
        } else {
            item["session"] = json!({ "M": { "user": { "S": data["user"] }, "n": { "N": "1" } } });
        }
        if has_created {
            item["created"] = json!({ "N": self.now().to_string() });
            item["rev"] = json!({ "B": "c3RhcnRpbmc=" });
        }
        assert!(self.desk.engine.put(&key, item));
        self.count("sessions from before");
        self.look(&key);
        self.monitor.stored_before(user, id);
    }

    /// Looks at an item after it has changed.
    fn look(&mut self, key: &str) {
        let item = self.desk.engine.item(key);
        let name = key.strip_prefix(&self.prefix).unwrap_or_default();
        if self.monitor.users.contains_key(name) {
            match item {
                Some(item) => {
                    let user_item = UserItem::of(&item);
                    self.monitor.user_items.insert(name.to_owned(), user_item);
                }
                None => {
                    self.monitor.user_items.remove(name);
                }
            }
            return;
        }
        let Some(place) = self.monitor.places.get(key) else {
            return;
        };
        let Some(item) = item else {
            self.monitor.items.remove(key);
            return;
        };
        let is_sealed = item.contains_key("sealed") && !item.contains_key("gone");
        let opened = is_sealed.then(|| {
            let opener = &self.openers[usize::from(name.starts_with("h1."))];
            let loaded = at_once(opener.load::<Value>(&id_of(place.id)));
            loaded.unwrap().expect("it is stored").data
        });
        let item = Item::of(&item, opened.as_ref());
        self.monitor.put(key, item);
        if is_sealed {
            self.count("sealed items");
        }
    }

    fn begin(&mut self, index: usize, verb: Verb, ttl: u64, n: u32) {
        let caller = &self.callers[index];
        if caller.waits.is_some() {
            return;
        }
        let loaded = caller.loaded.clone();
        let until = self.clock.now() + Duration::from_secs(ttl);
        let owner = |loaded: &Loaded<Value>| user_in(&loaded.data);
        let new = |id: usize, user| Session {
            id: id_of(id),
            data: data_of(user, n),
        };
        let order = match (verb, loaded.clone()) {
            (Verb::Load(id), _) => Order::Load(id_of(id)),
            (Verb::Create(id, user), _) => Order::Create(new(id, user)),
            (Verb::CreateOrMerge(id, user), _) => Order::CreateOrMerge(new(id, user)),
            (Verb::Put(id, user), _) => Order::Put(new(id, user)),
            (Verb::DeleteId(id), _) => Order::DeleteId(id_of(id)),
            (Verb::Save(change), Some(loaded)) => {
                let user = change.unwrap_or_else(|| owner(&loaded));
                Order::Save(loaded, data_of(user, n))
            }
            (Verb::Touch, Some(loaded)) => Order::Touch(loaded),
            (Verb::Delete, Some(loaded)) => Order::Delete(loaded),
            (Verb::Regenerate(id, change), Some(loaded)) if self.monitor.is_unused(id) => {
                let user = change.unwrap_or_else(|| owner(&loaded));
                Order::Regenerate(loaded, new(id, user))
            }
            (Verb::RevokeUser(user, is_spared), loaded) => {
                let spared = loaded.filter(|_| is_spared);
                Order::RevokeUser(user, spared.map(|loaded| loaded.id))
            }
            (Verb::Revoke(user, id), _) => {
                // As a user does who sees the session in a list.
                let items = self.monitor.user_items.iter();
                let items = items.filter(|(name, _)| self.monitor.users[*name] == user);
                let mut places = self.monitor.places.values().filter(|place| place.id == id);
                let is_there = |place: &&Place| items.clone().any(|(_, item)| item.names(place));
                let Some(place) = places.find(is_there) else {
                    return;
                };
                Order::Revoke(user, place.reference.parse().unwrap())
            }
            (Verb::SessionsOf(user), _) => Order::SessionsOf(user),
            _ => return,
        };
        let number_of = |id: &SessionId| ids().find(|number| id_of(*number) == *id).unwrap();
        let loaded = loaded.map(|loaded| (number_of(&loaded.id), owner(&loaded)));
        let now = self.now();
        let number = self.monitor.begin(verb, loaded, ms(until), now);
        let name = format!("{verb:?}");
        self.count(name.split('(').next().unwrap_or_default());
        let call = begin(self.stores[index].clone(), order, until);
        self.callers[index].waits = Some(Waiting { call, number });
    }

    /// Answers all that a caller asks, until its call is done.
    fn run(&mut self, caller: usize) -> Result<(), Violation> {
        for _ in 0..MANY {
            self.go_on()?;
            let awaited = self.desk.awaited(caller);
            let Some(first) = awaited.first() else {
                return Ok(());
            };
            self.clock.advance(Duration::from_millis(7));
            self.meet(*first, Fate::Answered)?;
            self.monitor.check(self.now())?;
        }
        panic!("a call does not end");
    }

    /// Lets all calls end, and all attempts arrive. Then nothing is under way.
    fn settle(&mut self) -> Result<(), Violation> {
        for _ in 0..MANY {
            self.go_on()?;
            if let Some(caller) = (0..CALLERS).find(|caller| !self.desk.awaited(*caller).is_empty())
            {
                self.take(Step::Run(caller))?;
            } else if self.callers.iter().any(|caller| caller.waits.is_some()) {
                self.clock.advance(Duration::from_secs(1));
            } else if self.late() > 0 {
                self.take(Step::Arrive(0))?;
            } else {
                return Ok(());
            }
        }
        panic!("calls do not end");
    }

    fn at_last(&mut self, caller: usize, verb: Verb) -> Result<(), Violation> {
        self.take(Step::Begin {
            caller,
            verb,
            ttl: 7200,
            n: 1,
        })?;
        self.settle()
    }

    pub(super) fn finish(&mut self) -> Result<(), Violation> {
        self.settle()?;
        for user in 0..USERS {
            self.at_last(0, Verb::SessionsOf(user))?;
            self.at_last(user, Verb::Create(LAST + user, Some(user)))?;
            self.monitor.count(user, self.now())?;
        }
        self.at_last(2, Verb::RevokeUser(0, false))?;
        for id in ids() {
            self.at_last(3, Verb::Load(id))?;
        }
        self.at_last(1, Verb::SessionsOf(1))
    }

    /// Applies a fate to an attempt that is waited for.
    fn meet(&mut self, id: AttemptId, fate: Fate) -> Result<(), Violation> {
        let attempt = self.desk.take(id);
        self.count(format!("{fate:?}"));
        self.has_faults |= fate != Fate::Answered;
        let answer = match fate {
            Fate::Throttled => Ok(refusal(400, "ThrottlingException")),
            Fate::Lost | Fate::Late => Err(lost()),
            Fate::Answered | Fate::AnswerLost | Fate::Crashed => {
                let (status, answer) = self.execute(&attempt)?;
                match fate {
                    Fate::Answered => Ok(response(status, &answer)),
                    Fate::Crashed => Ok(refusal(500, "InternalServerError")),
                    _ => Err(lost()),
                }
            }
        };
        self.desk.answer(id, answer);
        if fate == Fate::Late && attempt.is_write() {
            self.desk.put_back(attempt);
        }
        Ok(())
    }

    fn execute(&mut self, attempt: &Attempt) -> Result<(u16, Value), Violation> {
        let key = attempt.key().to_owned();
        let name = key.strip_prefix(&self.prefix).unwrap_or_default();
        let is_of_user = self.monitor.users.contains_key(name);
        let written = self.monitor.calls[attempt.call].written();
        let registers = written.filter(|(_, user)| user.is_some());
        let places = self.monitor.places.iter();
        let places = places.filter(|(_, place)| registers.is_some_and(|(id, _)| id == place.id));
        let registers = places.map(|(key, place)| {
            let key = key.strip_prefix(&self.prefix).unwrap_or_default();
            (place.reference.clone(), key.to_owned())
        });
        let sender = Sender {
            registers: registers.collect(),
            has_written: self.monitor.calls[attempt.call].has_written,
        };
        let engine = &self.desk.engine;
        let (status, answer) =
            self.weakened
                .execute(engine, attempt, self.defect, &sender, is_of_user);
        let is_done = attempt.is_write() && status == 200;
        if attempt.is_write() {
            let user = self.monitor.users.get(name).copied();
            self.monitor.act(attempt.call, user, self.now());
        }
        if is_of_user && is_done {
            self.count_update(attempt);
        }
        if is_done {
            self.look(&key);
            if !is_of_user && !attempt.puts_tombstone() {
                self.monitor.calls[attempt.call].has_written = true;
            }
        }
        self.trace(|run| {
            let item = run.desk.engine.item(&key);
            let caller = attempt.caller;
            let shown = attempt.is_write().then(|| json!(item).to_string());
            let shown = shown.unwrap_or_default();
            let name = key.strip_prefix(&run.prefix).unwrap_or_default();
            format!(
                "    {caller}: {} {name}: {status} {shown}",
                attempt.operation
            )
        });
        self.monitor.check(self.now())?;
        Ok((status, answer))
    }

    /// Counts what was done to the item of a user.
    fn count_update(&mut self, attempt: &Attempt) {
        let update = attempt.body["UpdateExpression"]
            .as_str()
            .unwrap_or_default();
        let verb = self.monitor.calls[attempt.call].verb;
        let is_revocation = matches!(verb, Verb::RevokeUser(..) | Verb::Revoke(..));
        if update.contains("#x = :spared") {
            self.count("spared");
        } else if update.contains("#g = :name") && !is_revocation {
            self.count("had to make room");
        } else if update.contains("#n = :left") && update.contains("REMOVE") {
            self.count("forgotten");
        } else if matches!(verb, Verb::Load(_)) {
            self.count("registered at a load");
        }
        let condition = attempt.body["ConditionExpression"].as_str();
        if condition == Some("#g = :name") {
            let name = attempt.body["ExpressionAttributeValues"][":name"].clone();
            let was_taken = self.taken.insert(name.to_string(), attempt.call);
            if was_taken.is_some_and(|call| call != attempt.call) {
                self.count("other revocations");
            }
        } else if update.contains("#g = :name") {
            let name = attempt.body["ExpressionAttributeValues"][":name"].clone();
            self.taken.insert(name.to_string(), attempt.call);
        }
    }

    /// Runs all calls until each waits for the network, or for another one, or is done.
    fn go_on(&mut self) -> Result<(), Violation> {
        let mut pauses = 0;
        while pauses < 5 {
            let mut has_moved = false;
            for caller in 0..CALLERS {
                has_moved |= self.poll(caller)?;
            }
            let is_idle = |caller: usize| {
                self.callers[caller].waits.is_some() && self.desk.awaited(caller).is_empty()
            };
            if has_moved {
                pauses = 0;
            } else if (0..CALLERS).any(is_idle) {
                // It pauses before a merge, or waits for another save.
                self.clock.advance(Duration::from_millis(10));
                pauses += 1;
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs a call. Returns whether it sent an attempt, or is done.
    fn poll(&mut self, index: usize) -> Result<bool, Violation> {
        let now = self.now();
        let before = self.desk.awaited(index).len();
        let Some(waiting) = self.callers[index].waits.as_mut() else {
            return Ok(false);
        };
        self.desk.call_for(index, waiting.number, now);
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(outcome) = waiting.call.as_mut().poll(&mut context) else {
            return Ok(self.desk.awaited(index).len() > before);
        };
        let number = waiting.number;
        self.callers[index].waits = None;
        let verb = self.monitor.calls[number].verb;
        self.count(outcome.name());
        self.trace(|_| match &outcome {
            Outcome::Failed(error) => format!("    {verb:?} -> {:?}: {error}", error.kind()),
            outcome => format!("    {verb:?} -> {}", outcome.name()),
        });
        self.done(index, number, outcome)?;
        Ok(true)
    }

    fn done(&mut self, index: usize, number: usize, outcome: Outcome) -> Result<(), Violation> {
        let now = self.now();
        let is_done = matches!(outcome, Outcome::Revoked | Outcome::RevokedOne(true));
        self.monitor.end(number, is_done);
        let caller = &mut self.callers[index];
        match outcome {
            Outcome::Found(Some(loaded)) | Outcome::Stored(loaded) => {
                let told = user_in(&loaded.data).zip(loaded.expires_at);
                let id = loaded.id.clone();
                caller.loaded = Some(loaded);
                if let Some((user, until)) = told {
                    let id = ids().find(|number| id_of(*number) == id).unwrap();
                    let others = self.desk.calls();
                    self.monitor.tell(number, id, user, ms(until), &others)?;
                }
            }
            Outcome::Found(None) | Outcome::Put | Outcome::Deleted => caller.loaded = None,
            Outcome::Sessions(sessions) => {
                let references = sessions.iter().map(|session| session.reference.to_string());
                let references: Vec<_> = references.collect();
                self.monitor.listed(number, &references, now)?;
            }
            Outcome::Failed(error) => {
                let kinds = [
                    ErrorKind::Timeout,
                    ErrorKind::Transport,
                    ErrorKind::Throttled,
                    ErrorKind::Service,
                ];
                if !self.has_faults || !kinds.contains(&error.kind()) {
                    let what = format!("{:?}: {error}", error.kind());
                    return Err(Violation::new(Kind::Failed, what));
                }
            }
            // The caller still has the session that it loaded before. Another try with it must be harmless.
            Outcome::Refused | Outcome::Revoked | Outcome::RevokedOne(_) => {}
        }
        Ok(())
    }
}
