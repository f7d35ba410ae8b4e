//! Takes the steps of a case on a real store. The model checks each step.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamodb_session::clock::{Clock, ManualClock};
use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::{Layout, ParallelChanges, RetryOptions, TableOptions};
use dynamodb_session::{
    Base, CreateOutcome, DecodeSession, EncodeSession, Error, NewSession, SaveOptions, SaveOutcome,
    SessionId, SessionStore, SessionText, Stamp, TouchOptions,
};
use serde_json::{Value, json};

use crate::support::engine::response;

use crate::model::case::{Act, CALLERS, Flavour, SLOTS, Situation, Step};
use crate::model::network::{Attempt, Defect, Fate, Network, lost, refusal};
use crate::model::oracle::{
    self, Answer, Data, EXPIRY_UNIT, Intent, Loaded, Oracle, Progress, Row, Verb, Violation,
};

mod act;
mod call;

pub(super) use call::Form;
use call::{Outcome, begin};

/// The fields that callers change. A wide change uses other names.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The framework description of koa-session.
static WITH_UNIT: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant(EXPIRY_UNIT[0]))
        .expiry_field(ExpiryField::setting(EXPIRY_UNIT[1]))
        .not_carried_prefixes(["_"])
});

type Call<D> = Pin<Box<dyn Future<Output = Outcome<D>>>>;

struct Caller<D> {
    slot: usize,
    loaded: Option<(dynamodb_session::Loaded<D>, Loaded)>,
    data: Data,
    waits: Option<Waiting<D>>,
}

struct Waiting<D> {
    call: Call<D>,
    intent: Rc<Intent>,
    progress: Rc<RefCell<Progress>>,
}

/// An attempt that is not waited for. Its call may still go on with another attempt.
struct Late {
    attempt: Attempt,
    intent: Rc<Intent>,
    progress: Rc<RefCell<Progress>>,
}

/// The number of each kind of event. It shows whether a run has tested enough.
pub(super) type Tally = BTreeMap<String, u64>;

pub(super) struct Run<'a, D> {
    network: &'a Network,
    flavour: &'a Flavour,
    defect: Defect,
    prefix: String,
    clock: ManualClock,
    store: SessionStore,
    oracle: Oracle,
    callers: Vec<Caller<D>>,
    late: Vec<Late>,
    pub(super) tally: Tally,
    pub(super) trace: Vec<String>,
}

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn at(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

fn stamp(stamp: Stamp) -> oracle::Stamp {
    oracle::Stamp {
        created: stamp.created.map(ms),
        expires: ms(stamp.expires_at).div_ceil(1000),
    }
}

impl<'a, D: Form> Run<'a, D> {
    /// `configured` are the settings of the store, `flavour` those of the model.
    pub(super) fn new(
        network: &'a Network,
        flavour: &'a Flavour,
        configured: &Flavour,
        defect: Defect,
    ) -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        network.reset(CALLERS);
        let clock = ManualClock::new(start());
        // Cases share an engine. Different prefixes keep their sessions apart.
        let prefix = format!("{}:", CASES.fetch_add(1, Ordering::Relaxed));
        let mut builder = SessionStore::builder()
            .clock(clock.clone())
            .transport(network.clone())
            .table_options(TableOptions::default().prefix(&prefix))
            .retry_options(
                RetryOptions::default()
                    .base_backoff(Duration::ZERO)
                    .max_attempts(configured.max_attempts),
            );
        if configured.is_connect {
            builder = builder.layout(Layout::ConnectDynamodb);
        }
        if configured.is_foreign {
            builder = builder.layout(Layout::DynamodbStore);
        }
        if configured.overwrites {
            builder = builder.parallel_changes(ParallelChanges::Overwrite);
        }
        if let Some(touch_after) = configured.touch_after {
            builder = builder.touch_after(Duration::from_millis(touch_after));
        }
        if let Some(absolute) = configured.absolute {
            builder = builder.absolute_ttl(Duration::from_millis(absolute));
        }
        let callers = (0..CALLERS).map(|_| Caller {
            slot: 0,
            loaded: None,
            data: Data::new(),
            waits: None,
        });
        let mut run = Self {
            network,
            flavour,
            defect,
            prefix,
            clock,
            store: builder.build().unwrap(),
            oracle: Oracle::new(SLOTS),
            callers: callers.collect(),
            late: Vec::new(),
            tally: Tally::new(),
            trace: Vec::new(),
        };
        // At the start only one of the ids has a session.
        run.store_raw(0, (!flavour.is_legacy).then(|| run.now() - 1000));
        run
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
        self.late.len()
    }

    /// Takes a step if it is possible.
    pub(super) fn take(&mut self, step: Step) -> Result<(), Violation> {
        self.trace.push(step.to_string());
        match step {
            Step::Caller(caller, act) => self.act(caller, act),
            Step::Arrive(index) if index < self.late.len() => self.arrive(index),
            Step::Arrive(_) => Ok(()),
            Step::Pass(ms) => {
                self.clock.advance(Duration::from_millis(ms));
                Ok(())
            }
            Step::Expire(slot) => {
                let now = self.now();
                if self
                    .oracle
                    .held(slot)
                    .is_some_and(|held| held.row.is_expired(now))
                {
                    self.count("deleted by TTL");
                    self.network.engine.delete(&self.key(slot));
                    self.oracle.interfere(slot, None);
                }
                Ok(())
            }
            Step::Legacy(slot) => {
                // If the layout stores sessions in another attribute, a merge with such an item is not promised.
                if self.oracle.held(slot).is_none() && !self.flavour.is_foreign {
                    self.store_raw(slot, None);
                }
                Ok(())
            }
        }
    }

    /// Lets all attempts arrive, and then reads every session.
    pub(super) fn finish(&mut self) -> Result<(), Violation> {
        for caller in 0..CALLERS {
            while self.callers[caller].waits.is_some() {
                self.take(Step::Caller(caller, Act::Meet(Fate::Answered)))?;
            }
        }
        while !self.late.is_empty() {
            self.take(Step::Arrive(0))?;
        }
        for slot in 0..SLOTS {
            self.take(Step::Caller(0, Act::Load(slot)))?;
            self.take(Step::Caller(0, Act::Meet(Fate::Answered)))?;
        }
        Ok(())
    }

    /// Ensures that two actions never have the same millisecond, which distinguishes sessions of one id.
    fn tick(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    fn now(&self) -> u64 {
        ms(self.clock.now())
    }

    fn key(&self, slot: usize) -> String {
        format!("{}{slot}", self.prefix)
    }

    fn row(&self, slot: usize) -> Option<Row> {
        self.network
            .engine
            .item(&self.key(slot))
            .as_ref()
            .map(Row::of)
    }

    /// Applies a fate to the waiting attempt, and lets the caller go on.
    fn meet(&mut self, index: usize, fate: Fate) -> Result<(), Violation> {
        self.tick();
        let attempt = self
            .network
            .take(index)
            .expect("a waiting call has an attempt");
        let waiting = self.callers[index]
            .waits
            .as_ref()
            .expect("only a waiting caller is chosen");
        let (intent, progress) = (Rc::clone(&waiting.intent), Rc::clone(&waiting.progress));
        progress.borrow_mut().attempts += 1;
        self.count(format!("{fate:?}"));
        if attempt.operation == "UpdateItem" {
            Oracle::update(&intent, &mut progress.borrow_mut())?;
        }
        let (answer, is_answer) = match fate {
            _ if attempt.operation == "UpdateItem" && self.flavour.is_update_denied => {
                (Ok(refusal(400, "AccessDeniedException")), false)
            }
            Fate::Throttled => (Ok(refusal(400, "ThrottlingException")), false),
            Fate::Lost => (Err(lost()), false),
            Fate::Late => {
                let progress = Rc::clone(&progress);
                self.late.push(Late {
                    attempt,
                    intent,
                    progress,
                });
                (Err(lost()), false)
            }
            Fate::Answered | Fate::AnswerLost | Fate::Crashed => {
                let (status, answer) = self.execute(&attempt, &intent, &progress)?;
                match fate {
                    Fate::Answered => {
                        let shows_item = status == 400 && !self.flavour.shows_no_item;
                        // Only for a plain create: a merge may read the item again later, and find it as it was.
                        let is_look = !attempt.is_write() && intent.verb == Verb::Create;
                        if shows_item || is_look {
                            self.oracle.show(&intent, &mut progress.borrow_mut());
                        }
                        (Ok(response(status, &answer)), true)
                    }
                    Fate::Crashed => (Ok(refusal(500, "InternalServerError")), false),
                    _ => (Err(lost()), false),
                }
            }
        };
        progress.borrow_mut().was_answered = is_answer;
        self.network.answer(index, answer);
        self.go_on(index)
    }

    fn arrive(&mut self, index: usize) -> Result<(), Violation> {
        let Late {
            attempt,
            intent,
            progress,
        } = self.late.remove(index);
        if attempt.operation == "UpdateItem" && self.flavour.is_update_denied {
            return Ok(());
        }
        self.count("arrived late");
        self.trace
            .push(format!("    a {:?} arrives late", intent.verb));
        self.execute(&attempt, &intent, &progress).map(drop)
    }

    fn execute(
        &mut self,
        attempt: &Attempt,
        intent: &Intent,
        progress: &RefCell<Progress>,
    ) -> Result<(u16, Value), Violation> {
        let (status, mut answer) = self.network.execute(attempt, self.defect, self.now());
        if self.flavour.shows_no_item && status == 400 {
            answer.as_object_mut().unwrap().remove("Item");
        }
        let row = if attempt.is_write() {
            self.row(intent.slot)
        } else {
            self.oracle.held(intent.slot).map(|held| held.row.clone())
        };
        self.trace.push(format!(
            "    {} of {:?}: {status}, {row:?}",
            attempt.operation, intent.verb
        ));
        let is_done = status == 200 && attempt.is_write();
        self.oracle
            .execute(intent, &mut progress.borrow_mut(), self.now(), is_done, row)?;
        Ok((status, answer))
    }

    /// Runs a call until it waits for the network, or is done.
    fn go_on(&mut self, index: usize) -> Result<(), Violation> {
        let caller = &mut self.callers[index];
        let waiting = caller
            .waits
            .as_mut()
            .expect("the call was just stored there");
        self.network.call_for(index);
        let Poll::Ready(outcome) = waiting
            .call
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        else {
            return Ok(());
        };
        let Waiting {
            intent, progress, ..
        } = caller.waits.take().expect("the call is stored there");
        let progress = progress.borrow();
        self.trace
            .push(format!("    {:?} -> {:?}", intent.verb, outcome.answer));
        let kind = match &outcome.answer {
            Answer::Written(_) if progress.attempts == 0 => "skipped",
            Answer::Written(_) if intent.is_wide() => "written in parts",
            Answer::Written(_) => "written",
            Answer::Gone => "gone",
            Answer::Taken => "taken",
            Answer::Created(_) | Answer::Put(_) => "created",
            Answer::Loaded(Some(_)) => "loaded",
            Answer::Loaded(None) => "missed",
            Answer::Deleted => "deleted",
            Answer::Failed(_) => "failed",
        };
        self.count(kind);
        Oracle::answer(&intent, &progress, &outcome.answer)?;

        let caller = &mut self.callers[index];
        match outcome {
            Outcome {
                answer: Answer::Deleted,
                ..
            } => caller.loaded = None,
            Outcome {
                record: Some(record),
                answer,
            } => {
                let loaded = match (&answer, intent.loaded) {
                    (Answer::Written(_), Some(loaded)) if progress.attempts == 0 => Some(loaded),
                    _ => self.oracle.loaded(
                        intent.slot,
                        &progress,
                        record.created.map(ms),
                        record.expires_at.map(|at| ms(at) / 1000),
                    ),
                };
                if matches!(answer, Answer::Loaded(_)) {
                    caller.data = record.data.data();
                    if self.flavour.has_unit {
                        // koa-session does not carry these fields into the session that the application gets.
                        caller.data.retain(|name, _| !name.starts_with('_'));
                    }
                }
                caller.loaded = loaded.map(|loaded| (record, loaded));
            }
            Outcome {
                answer: Answer::Loaded(None),
                ..
            } => {
                caller.loaded = None;
                caller.data.clear();
            }
            // The caller still has the session that it loaded before. Another try with it must be harmless.
            Outcome { .. } => {}
        }
        Ok(())
    }
}
