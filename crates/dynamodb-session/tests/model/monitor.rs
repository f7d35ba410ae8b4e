//! The model: one session id as a simple register, and every order of the calls that explains what was seen so far.
//!
//! A call takes effect at one moment between its start and its answer, or not at all if it failed. After each step the
//! monitor applies the open calls in every order, and keeps the outcomes that equal the item. If none is left, no order
//! explains the item or the answer. It knows no conditions, no `rev` and no retries.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

/// The fields of a session, each as JSON text.
pub(super) type Data = BTreeMap<String, String>;

/// The fields of the expiry unit: an instant and a setting.
pub(super) const EXPIRY_UNIT: [&str; 2] = ["_expire", "_maxAge"];

/// More orders than this are not followed.
const MOST_OUTCOMES: usize = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Verb {
    Load,
    Create,
    Put,
    Save,
    CreateOrMerge,
    Touch,
    /// Deletes the session that was loaded.
    Delete,
    /// Deletes whatever session has the id.
    DeleteId,
}

impl Verb {
    fn is_create(self) -> bool {
        matches!(self, Self::Create | Self::CreateOrMerge | Self::Put)
    }

    fn is_delete(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteId)
    }
}

/// The kinds of violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No order of the calls makes the item what it is.
    Item,
    /// No order of the calls explains the answer.
    Answer,
    /// An attempt that was sent before a sign-out took effect makes the id readable after it.
    Revived,
    /// A load returned what was not stored, or a session that had expired.
    Load,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) kind: Kind,
    pub(super) what: String,
}

impl Violation {
    pub(super) fn new(kind: Kind, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { kind, what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Session {
    pub(super) data: Data,
    /// In epoch seconds.
    pub(super) expires: Option<u64>,
    /// In epoch milliseconds.
    pub(super) created: Option<u64>,
}

impl Session {
    /// The session of an item; `None` for a tombstone. `opened` is the data of a sealed one.
    pub(super) fn of(item: &Map<String, Value>, opened: Option<&Value>) -> Option<Self> {
        if item.contains_key("gone") {
            return None;
        }
        let number = |name: &str| item.get(name)?["N"].as_str()?.parse().ok();
        let fields = |session: &Value| -> Data {
            let fields = session["M"].as_object().expect("a map").iter();
            fields
                .map(|(name, value)| (name.clone(), plain(value).to_string()))
                .collect()
        };
        let data = match (opened, item.get("session"), item.get("sess")) {
            (Some(opened), ..) => of_json(opened),
            (None, Some(session), _) => fields(session),
            (None, None, Some(other)) => match other["S"].as_str() {
                Some(text) => of_json(&serde_json::from_str(text).expect("JSON text")),
                None => fields(other),
            },
            (None, None, None) => panic!("an item without a session: {item:?}"),
        };
        Some(Self {
            data,
            expires: number("expires"),
            created: number("created"),
        })
    }

    pub(super) fn is_live(&self, now: u64, absolute: Option<u64>) -> bool {
        let ends = self.created.zip(absolute);
        self.expires.is_none_or(|expires| expires * 1000 > now)
            && ends.is_none_or(|(created, ttl)| created + ttl > now)
    }
}

pub(super) fn of_json(data: &Value) -> Data {
    let fields = data.as_object().expect("session data are an object").iter();
    fields
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

/// The JSON value of an attribute, for the types that are used here.
fn plain(attribute: &Value) -> Value {
    let attribute = attribute.as_object().expect("an attribute value");
    let (tag, value) = attribute.iter().next().expect("an attribute value");
    match (tag.as_str(), value) {
        ("N", Value::String(text)) => serde_json::from_str(text).expect("a number"),
        ("M", Value::Object(fields)) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect()
        }
        ("S", text) => text.clone(),
        other => panic!("the model never writes {other:?}"),
    }
}

/// A call and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate setting")]
pub(super) struct Intent {
    pub(super) verb: Verb,
    /// The `created` and the expiry of the session that was loaded.
    pub(super) loaded: Option<(Option<u64>, Option<u64>)>,
    pub(super) base: Data,
    pub(super) target: Data,
    /// The expiry that is asked for, and when, in milliseconds.
    pub(super) until: u64,
    pub(super) at: u64,
    pub(super) has_unit: bool,
    /// `ParallelChanges::Overwrite`.
    pub(super) overwrites: bool,
    /// In milliseconds after `created`.
    pub(super) absolute: Option<u64>,
    pub(super) touch_after: Option<u64>,
    /// Whether another package wrote what was loaded, whether `UpdateItem` is refused, and whether the state of what was
    /// loaded is not known. Then it is written whole.
    pub(super) is_foreign: bool,
    pub(super) is_update_denied: bool,
    pub(super) is_state_unknown: bool,
    /// A touch of a session whose state was not known: a late attempt may extend it again.
    pub(super) is_blind_touch: bool,
}

/// A field that is set, or removed.
type Change<'a> = (&'a str, Option<&'a String>);

impl Intent {
    fn is_unit(&self, field: &str) -> bool {
        self.has_unit && EXPIRY_UNIT.contains(&field)
    }

    /// The fields that differ between what was loaded and the target, without the expiry unit. The framework does not
    /// carry fields that begin with `_`, so it does not remove them.
    fn changes(&self) -> Vec<Change<'_>> {
        let names: BTreeSet<&String> = self.base.keys().chain(self.target.keys()).collect();
        names
            .into_iter()
            .filter(|name| !self.is_unit(name))
            .filter(|name| {
                let is_kept =
                    self.has_unit && name.starts_with('_') && !self.target.contains_key(*name);
                !is_kept && self.base.get(*name) != self.target.get(*name)
            })
            .map(|name| (name.as_str(), self.target.get(name)))
            .collect()
    }

    fn has_settings_of(&self, data: &Data) -> bool {
        !self.has_unit || data.get(EXPIRY_UNIT[1]) == self.target.get(EXPIRY_UNIT[1])
    }

    /// The stored expiry, in seconds, and whether the absolute lifetime makes it an earlier one.
    fn expires(&self, created: Option<u64>) -> (u64, bool) {
        let latest = created.zip(self.absolute).map(|(at, ttl)| at + ttl);
        let until = self.until.div_ceil(1000);
        let expires = self.until.min(latest.unwrap_or(u64::MAX)).div_ceil(1000);
        (expires, expires < until)
    }

    fn created(&self) -> u64 {
        self.loaded
            .and_then(|(created, _)| created)
            .unwrap_or(self.at)
    }

    fn is_shorter(&self) -> bool {
        let before = self.loaded.and_then(|(_, expires)| expires);
        before.is_some_and(|before| self.expires(Some(self.created())).0 < before)
    }

    /// Whether the expiry that is asked for holds, although another request has asked for a later one.
    fn sets_lifetime(&self) -> bool {
        let (_, is_capped) = self.expires(Some(self.created()));
        match self.verb {
            _ if self.moves_expiry_only() => false,
            Verb::Save | Verb::Touch => {
                !self.has_settings_of(&self.base)
                    || ((is_capped || !self.has_unit) && self.is_shorter())
            }
            verb => verb == Verb::Put,
        }
    }

    /// Whether it only extends a live session. A framework that saves an unchanged session does so.
    fn is_touch(&self) -> bool {
        self.verb == Verb::Touch
            || (self.verb == Verb::Save && self.has_unit && self.changes().is_empty())
    }

    /// Whether it leaves the state of the item, so that the item does not get a `created`.
    fn moves_expiry_only(&self) -> bool {
        let is_whole = self.is_foreign || self.is_update_denied || self.is_state_unknown;
        if self.has_unit {
            self.is_touch() && !is_whole && !self.is_shorter() && self.has_settings_of(&self.base)
        } else {
            self.verb == Verb::Touch
        }
    }

    /// Whether the write may be skipped, because only the expiry moves, and by little.
    pub(super) fn may_be_skipped(&self) -> bool {
        let before = self.loaded.and_then(|(_, expires)| expires);
        let (Some(touch_after), Some(before)) = (self.touch_after, before) else {
            return false;
        };
        let (after, _) = self.expires(self.loaded.and_then(|(created, _)| created));
        let bound = touch_after.min((after * 1000).saturating_sub(self.at) / 2);
        (self.changes().is_empty() || self.verb == Verb::Touch)
            && self.has_settings_of(&self.base)
            && after >= before
            && (after - before) * 1000 < bound
    }

    /// A save whose end has come already.
    pub(super) fn is_over(&self) -> bool {
        let (expires, _) = self.expires(Some(self.created()));
        matches!(self.verb, Verb::Save | Verb::Touch) && expires * 1000 <= self.at
    }

    /// Whether it means this session.
    fn is_for(&self, session: &Session) -> bool {
        let loaded = self.loaded.and_then(|(created, _)| created);
        let both = loaded.zip(session.created);
        both.is_none_or(|(loaded, stored)| loaded == stored)
    }

    /// The expiry that it gives to the session that is there.
    fn expires_on(&self, stored: &Session) -> u64 {
        let created = stored.created.or(Some(self.created()));
        // The session that is there can end earlier than a new one.
        let (new, _) = self.expires(Some(self.created()));
        new.min(self.expires(created).0)
    }

    fn ties_with(&self, stored: &Session) -> bool {
        self.has_unit && stored.expires == Some(self.expires_on(stored))
    }

    /// The session with the changes of this call.
    fn on(&self, stored: &Session, changes: &[Change<'_>], is_tie_ours: bool) -> Session {
        let created = stored.created.or(Some(self.created()));
        let ours = self.expires_on(stored);
        let mut session = Session {
            created,
            ..stored.clone()
        };
        let is_ours = self.sets_lifetime()
            || stored
                .expires
                .is_none_or(|stored| stored < ours || is_tie_ours && stored == ours)
                && self.has_settings_of(&stored.data);
        let is_whole = self.overwrites && !self.is_touch() || self.verb == Verb::Put;
        if is_whole {
            session.data.clone_from(&self.target);
            let stored = stored.expires.filter(|_| !self.sets_lifetime());
            session.expires = Some(stored.map_or(ours, |stored| stored.max(ours)));
            return session;
        }
        if is_ours {
            session.expires = Some(ours);
        }
        let unit = EXPIRY_UNIT.map(|name| (name, self.target.get(name)));
        let unit = unit.iter().filter(|_| is_ours && self.has_unit);
        for (name, value) in changes.iter().chain(unit) {
            match value {
                Some(value) => session.data.insert((*name).to_owned(), (*value).clone()),
                None => session.data.remove(*name),
            };
        }
        session
    }
}

/// The number of a call that writes.
pub(super) type Number = usize;

/// What an order of the calls leads to. The masks have a bit for each call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Outcome {
    session: Option<Session>,
    /// Whether the session got its `created` from a save, because it had lost it. Which one that is depends on what the
    /// save had seen before.
    has_any_created: bool,
    /// The `created` of the session that was deleted last: a new one has a later one.
    after: Option<u64>,
    /// The calls that took effect, and those of them that wrote.
    done: u128,
    wrote: u128,
    /// The calls that cannot take effect any more.
    dead: u128,
}

#[derive(Debug, Clone)]
struct Call {
    intent: Intent,
    is_open: bool,
    has_returned: bool,
    has_failed: bool,
    /// The calls that had failed when this one began.
    failed_before: u128,
}

#[derive(Debug, Clone)]
pub(super) struct Monitor {
    calls: Vec<Call>,
    outcomes: Vec<Outcome>,
    absolute: Option<u64>,
}

/// The answer to a call that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Written,
    /// `Gone`, or `Taken`.
    Refused,
    Failed,
}

impl Monitor {
    pub(super) fn new(session: Option<Session>, absolute: Option<u64>) -> Self {
        let outcome = Outcome {
            session,
            has_any_created: false,
            after: None,
            done: 0,
            wrote: 0,
            dead: 0,
        };
        Self {
            calls: Vec::new(),
            outcomes: vec![outcome],
            absolute,
        }
    }

    /// Whether another call can be followed.
    pub(super) fn has_room(&self) -> bool {
        let open = self.calls.iter().filter(|call| call.is_open).count();
        self.calls.len() < 128 && open < 4
    }

    pub(super) fn begin(&mut self, intent: Intent) -> Number {
        let failed = self.calls.iter().enumerate();
        let failed_before = failed
            .filter(|(_, call)| call.has_failed)
            .fold(0, |mask, (number, _)| mask | 1 << number);
        self.calls.push(Call {
            intent,
            is_open: true,
            has_returned: false,
            has_failed: false,
            failed_before,
        });
        self.calls.len() - 1
    }

    /// Another writer, or DynamoDB's TTL, replaces the item.
    pub(super) fn interfere(&mut self, session: Option<&Session>) {
        for outcome in &mut self.outcomes {
            outcome.session = session.cloned();
            outcome.after = None;
        }
        self.tidy();
    }

    /// Compares with the item.
    pub(super) fn observe(&mut self, session: Option<&Session>, now: u64) -> Result<(), Violation> {
        self.close(now);
        for outcome in &mut self.outcomes {
            if std::mem::take(&mut outcome.has_any_created)
                && let (Some(ours), Some(stored)) = (&mut outcome.session, session)
            {
                ours.created = stored.created;
            }
        }
        let is_seen = |outcome: &Outcome| outcome.session.as_ref() == session;
        if !self.outcomes.iter().any(is_seen) {
            let what = format!(
                "{session:?} is made by no order of the calls: {:?}",
                self.outcomes
            );
            return Err(Violation::new(Kind::Item, what));
        }
        self.outcomes.retain(is_seen);
        self.tidy();
        Ok(())
    }

    /// Compares with the answer of a call.
    pub(super) fn answer(
        &mut self,
        number: Number,
        answer: Answer,
        now: u64,
    ) -> Result<(), Violation> {
        let bit = 1 << number;
        self.close(now);
        let verb = self.calls[number].intent.verb;
        self.calls[number].has_returned = true;
        if answer == Answer::Failed {
            self.calls[number].has_failed = true;
            return Ok(());
        }
        let intent = &self.calls[number].intent;
        let absolute = self.absolute;
        let mut left = self.outcomes.clone();
        left.retain_mut(|outcome| {
            let (is_done, has_written) = (outcome.done & bit != 0, outcome.wrote & bit != 0);
            match answer {
                Answer::Written => is_done && has_written,
                Answer::Refused if !is_done => {
                    let is_dead = outcome.dead & bit != 0;
                    outcome.dead |= bit;
                    // A touch that finds its session extended may also say that it has gone by now.
                    is_dead || verb == Verb::Touch
                }
                // It was written, and is not there any more.
                Answer::Refused if has_written => outcome.session.as_ref().is_none_or(|session| {
                    let own = match verb {
                        Verb::Create | Verb::CreateOrMerge => Some(intent.at),
                        _ => intent.loaded.and_then(|(created, _)| created),
                    };
                    session.created != own || !session.is_live(now, absolute)
                }),
                Answer::Refused => true,
                Answer::Failed => unreachable!("returned above"),
            }
        });
        if left.is_empty() {
            let what = format!(
                "{answer:?} to a {verb:?} is explained by no order of the calls: {:?}",
                self.outcomes
            );
            return Err(Violation::new(Kind::Answer, what));
        }
        self.outcomes = left;
        let intent = &self.calls[number].intent;
        self.calls[number].is_open = intent.is_blind_touch || verb.is_create();
        self.tidy();
        Ok(())
    }

    fn tidy(&mut self) {
        self.outcomes.sort();
        self.outcomes.dedup();
    }

    /// None of the call's attempts can arrive any more.
    pub(super) fn end(&mut self, number: Number) {
        self.calls[number].is_open = false;
        for outcome in &mut self.outcomes {
            outcome.dead |= !outcome.done & 1 << number;
        }
        self.tidy();
    }

    /// The calls that have returned, and may take effect yet: those that failed, some touches, and creates.
    pub(super) fn open_ended(&self) -> Vec<Number> {
        let calls = self.calls.iter().enumerate();
        calls
            .filter(|(_, call)| call.is_open && call.has_returned)
            .map(|(number, _)| number)
            .collect()
    }

    /// What the search compares states by.
    pub(super) fn fingerprint(&self) -> String {
        let open: Vec<bool> = self.calls.iter().map(|call| call.is_open).collect();
        format!("{open:?} {:?}", self.outcomes)
    }

    /// Adds all outcomes of open calls that take effect now, in every order.
    fn close(&mut self, now: u64) {
        let mut found: BTreeSet<Outcome> = self.outcomes.drain(..).collect();
        let mut next: Vec<Outcome> = found.iter().cloned().collect();
        while let Some(outcome) = next.pop() {
            for (number, call) in self.calls.iter().enumerate() {
                let bit: u128 = 1 << number;
                // An item does not say which touches it had, so a repeated one may extend it again. Nor does it say
                // which creates were before an expired session, so a late one may take the place of that.
                let is_live = |session: &Session| session.is_live(now, self.absolute);
                let is_vacant = !outcome.session.as_ref().is_some_and(is_live);
                let may_be_repeated =
                    call.intent.moves_expiry_only() || (call.intent.verb.is_create() && is_vacant);
                let is_over = outcome.done & bit != 0 && !may_be_repeated;
                if !call.is_open || is_over || outcome.dead & bit != 0 {
                    continue;
                }
                // Without a `created` it cannot be said whether the session that is there is the one that was loaded.
                if matches!(call.intent.loaded, Some((None, _))) {
                    let mut after = outcome.clone();
                    after.done |= bit;
                    if found.insert(after.clone()) {
                        next.push(after);
                    }
                }
                // A condition cannot read the clock of the service: an attempt says when it was made. Of two expiries in
                // the same second, either may stay.
                let stored = outcome.session.as_ref();
                let moments = match stored {
                    Some(session)
                        if session.is_live(call.intent.at, self.absolute)
                            != session.is_live(now, self.absolute) =>
                    {
                        vec![call.intent.at, now]
                    }
                    _ => vec![now],
                };
                let can_tie = stored.is_some_and(|session| call.intent.ties_with(session));
                let ties = if can_tie {
                    &[false, true][..]
                } else {
                    &[false]
                };
                let variants = moments
                    .iter()
                    .flat_map(|now| ties.iter().map(|tie| (*now, *tie)));
                for (now, is_tie_ours) in variants {
                    let after = self.apply(number, &outcome, now, is_tie_ours);
                    if found.insert(after.clone()) {
                        assert!(found.len() < MOST_OUTCOMES, "too many orders to follow");
                        next.push(after);
                    }
                }
            }
        }
        self.outcomes = found.into_iter().collect();
    }

    fn apply(&self, number: Number, outcome: &Outcome, now: u64, is_tie_ours: bool) -> Outcome {
        let call = &self.calls[number];
        let intent = &call.intent;
        let bit = 1 << number;
        let mut after = outcome.clone();
        after.done |= bit;
        let had_written = outcome.wrote & bit != 0;
        let stored = outcome.session.as_ref();
        let live = stored.filter(|session| session.is_live(now, self.absolute));
        let own = stored.filter(|session| intent.is_for(session));
        let mut has_created = false;
        // A delete of a session whose id another one has writes nothing.
        let is_met = intent.verb == Verb::DeleteId || stored.is_none() || own.is_some();
        let is_delete = intent.verb.is_delete() || intent.is_over();
        let wrote = match intent.verb {
            Verb::Load => false,
            Verb::Delete | Verb::DeleteId => {
                if is_met && let Some(session) = after.session.take() {
                    after.after = session.created;
                }
                true
            }
            Verb::Save | Verb::Touch if intent.is_over() => {
                if own.is_some()
                    && let Some(session) = after.session.take()
                {
                    after.after = session.created;
                }
                true
            }
            Verb::Save | Verb::Touch => {
                let met = if intent.is_touch() {
                    live.filter(|session| intent.is_for(session))
                } else {
                    own
                };
                if let Some(session) = met {
                    let changes = match intent.verb {
                        Verb::Touch => Vec::new(),
                        _ => intent.changes(),
                    };
                    let mut written = intent.on(session, &changes, is_tie_ours);
                    if intent.moves_expiry_only() {
                        written.created = session.created;
                    }
                    after.session = Some(written);
                }
                met.is_some()
            }
            Verb::Create | Verb::CreateOrMerge | Verb::Put => match live {
                Some(_) if intent.verb == Verb::Create => false,
                Some(session) => {
                    let all: Vec<Change<'_>> = intent
                        .target
                        .iter()
                        .filter(|(name, _)| !intent.is_unit(name))
                        .map(|(name, value)| (name.as_str(), Some(value)))
                        .collect();
                    after.session = Some(intent.on(session, &all, is_tie_ours));
                    true
                }
                None => {
                    has_created = true;
                    let created = outcome
                        .after
                        .map_or(intent.at, |after| intent.at.max(after + 1));
                    after.after = None;
                    after.session = Some(Session {
                        data: intent.target.clone(),
                        expires: Some(intent.expires(Some(intent.at)).0),
                        created: Some(created),
                    });
                    true
                }
            },
        };
        let had_created = stored.is_none_or(|session| session.created.is_some());
        let has_created_now = after
            .session
            .as_ref()
            .is_some_and(|session| session.created.is_some());
        after.has_any_created |= !had_created && has_created_now && !has_created;
        if wrote && !had_written {
            after.wrote |= bit;
            if is_met || !is_delete {
                self.bury(call, has_created, &mut after);
            }
        }
        after
    }

    /// A call that had failed before another one began does not take effect after that one: its condition is not met
    /// any more. A late delete may still come, unless the session is a new one.
    fn bury(&self, call: &Call, has_created: bool, outcome: &mut Outcome) {
        if call.intent.is_touch() {
            return;
        }
        for (number, other) in self.calls.iter().enumerate() {
            let bit = 1 << number;
            if call.failed_before & bit & !outcome.done != 0
                && (has_created || !other.intent.verb.is_delete())
            {
                outcome.dead |= bit;
            }
        }
    }
}
