//! The simple model: the data of each session, the changes that a call may make, and the answers that it may get.
//!
//! The test controls the network, so it knows when each attempt is executed, and for which call. The model compares
//! the item before and after the attempt, and checks that the call allows this change. It does not use expressions,
//! conditions or retries.
//!
//! If each step changes only what its call asked for, no write is lost. An abandoned attempt needs no special case,
//! because the model sees its effect when it is executed.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

mod intent;
mod merge;
mod row;

pub(super) use intent::{Intent, Loaded, Verb};
use merge::{is_seen, merged};
pub(super) use row::{Held, Row};

/// The fields of a session.
pub(super) type Data = BTreeMap<String, Value>;

/// The fields of the expiry unit, in flavours that have one.
pub(super) const EXPIRY_UNIT: [&str; 2] = ["_expire", "_maxAge"];

/// More changed fields than this may take several requests. The first one moves the expiry.
const MOST_FIELDS: usize = 50;

/// The kinds of violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A written value was removed or replaced by a request that should not change it.
    Lost,
    /// A write changed a deleted session, or another one than the loaded one.
    Resurrected,
    /// An expired session was returned.
    Undead,
    /// A live session was overwritten by a create.
    Overwritten,
    /// A write was dropped although its session existed.
    Dropped,
    /// The answer does not match the events.
    WrongAnswer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) kind: Kind,
    pub(super) what: String,
}

impl Violation {
    fn new(kind: Kind, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { kind, what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

/// The events of a call so far.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate event")]
pub(super) struct Progress {
    /// The number of requests that were sent, with any fate.
    pub(super) attempts: u32,
    /// Whether the last request was executed and answered.
    pub(super) was_answered: bool,
    /// Whether one of the attempts did not find the call's session.
    met_gone: bool,
    /// Whether one of the attempts found a live session.
    met_live: bool,
    /// The session that the previous attempt found.
    met: Option<u32>,
    /// Whether an attempt found an item without `created`.
    met_legacy: bool,
    /// Whether the last item that was shown to the store came from an earlier attempt of this call.
    met_own: bool,
    has_updated: bool,
    /// The fields that an attempt of this call has set as requested.
    written: BTreeSet<String>,
    has_written: bool,
    has_created: bool,
    has_deleted: bool,
    /// The item that it last wrote or read.
    seen: Option<Held>,
    read: Option<(Option<Held>, u64)>,
}

/// The store's answer to a call.
#[derive(Debug)]
pub(super) enum Answer {
    Loaded(Option<Row>),
    Created(Stamp),
    Taken,
    Written(Stamp),
    Gone,
    Put(Stamp),
    Deleted,
    /// The error, only for output.
    Failed(#[expect(dead_code, reason = "read by Debug")] String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) created: Option<u64>,
    pub(super) expires: u64,
}

#[derive(Debug)]
pub(super) struct Oracle {
    held: Vec<Option<Held>>,
    sessions: u32,
    /// The numbers of the sessions, by slot and `created`.
    numbers: BTreeMap<(usize, u64), u32>,
}

impl Oracle {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            held: vec![None; slots],
            sessions: 0,
            numbers: BTreeMap::new(),
        }
    }

    pub(super) fn held(&self, slot: usize) -> Option<&Held> {
        self.held[slot].as_ref()
    }

    /// The session that a caller has loaded or written by this call.
    pub(super) fn loaded(
        &self,
        slot: usize,
        progress: &Progress,
        created: Option<u64>,
        expires: Option<u64>,
    ) -> Option<Loaded> {
        let held = progress.seen.as_ref()?;
        let number = created.and_then(|created| self.numbers.get(&(slot, created)));
        Some(Loaded {
            session: number.copied().unwrap_or(held.session),
            created,
            expires,
        })
    }

    /// Records a change that no store made: by the legacy package, by the test, or by DynamoDB's TTL.
    pub(super) fn interfere(&mut self, slot: usize, row: Option<Row>) {
        self.sessions += 1;
        let session = self.sessions;
        if let Some(created) = row.as_ref().and_then(|row| row.created) {
            self.numbers.insert((slot, created), session);
        }
        self.held[slot] = row.map(|row| Held { row, session });
    }

    /// Records an executed attempt, and checks its effect.
    pub(super) fn execute(
        &mut self,
        intent: &Intent,
        progress: &mut Progress,
        now: u64,
        was_done: bool,
        after: Option<Row>,
    ) -> Result<(), Violation> {
        let before = self.held[intent.slot].clone();
        let is_live = |held: &Held| held.row.is_live(now, intent.absolute);
        progress.met_live |= before
            .as_ref()
            .is_some_and(|held| is_live(held) || intent.is_live(held));
        progress.met_gone |= match (&before, intent.loaded) {
            (None, _) => true,
            (Some(held), Some(loaded)) => {
                // The `created` of a session never changes, so a different one means another session.
                let is_other = loaded.created.zip(held.row.created);
                held.session != loaded.session
                    || is_other.is_some_and(|(loaded, held)| loaded != held)
                    || (intent.is_touch() && !(is_live(held) && intent.is_live(held)))
            }
            // A call without a loaded session merges with the session that its first attempt finds.
            (Some(held), None) => progress.met.is_some_and(|met| met != held.session),
        };
        progress.met = before.as_ref().map(|held| held.session);
        progress.met_legacy |= before
            .as_ref()
            .is_some_and(|held| held.row.created.is_none());
        if intent.verb == Verb::Load || !was_done {
            if before.as_ref().map(|held| &held.row) != after.as_ref() {
                return Err(Violation::new(
                    Kind::Lost,
                    "a read or a refused write changed the item",
                ));
            }
            progress.seen.clone_from(&before);
            progress.read = Some((before, now));
            return Ok(());
        }
        let mut session = self.judge(intent, before.as_ref(), now, after.as_ref())?;
        if let (Some(session), Some(created)) =
            (&mut session, after.as_ref().and_then(|after| after.created))
        {
            // An item without `created` is taken for the loaded session of its id, and gets the `created` of that
            // session.
            *session = *self
                .numbers
                .entry((intent.slot, created))
                .or_insert(*session);
        }
        progress.has_written = true;
        progress.has_deleted |= after.is_none();
        progress.has_created |= intent.session.get().is_some() && intent.session.get() == session;
        let after = after
            .zip(session)
            .map(|(row, session)| Held { row, session });
        if let Some(Held {
            row: Row {
                data: Some(data), ..
            },
            ..
        }) = &after
        {
            let names = intent.base.keys().chain(intent.target.keys());
            let as_asked = names.filter(|name| data.get(*name) == intent.target.get(*name));
            progress.written.extend(as_asked.cloned());
        }
        progress.seen.clone_from(&after);
        self.held[intent.slot] = after;
        Ok(())
    }

    /// Checks that the call allows this change. Returns the number of the session in the item afterwards.
    fn judge(
        &mut self,
        intent: &Intent,
        before: Option<&Held>,
        now: u64,
        after: Option<&Row>,
    ) -> Result<Option<u32>, Violation> {
        let Some(after) = after else {
            return match (intent.verb, before) {
                (Verb::Delete, _) | (_, None) => Ok(None),
                (verb, Some(_)) => Err(Violation::new(
                    Kind::Lost,
                    format!("a {verb:?} deleted a session"),
                )),
            };
        };
        let Some(data) = &after.data else {
            return Err(Violation::new(
                Kind::Resurrected,
                format!("a {:?} left an item without a session", intent.verb),
            ));
        };
        let is_all_new = *data == intent.target
            && after.created == Some(intent.at)
            && after.expires == Some(intent.expires(after.created));
        // An attempt that was long on its way may use the time of its call, at which fewer sessions had expired.
        let is_live = |held: &Held| held.row.is_live(now, intent.absolute);
        match intent.verb {
            Verb::Load => unreachable!("a load was judged before"),
            Verb::Delete => Err(Violation::new(
                Kind::WrongAnswer,
                "an executed delete left the item",
            )),
            Verb::Put if is_all_new => Ok(Some(self.created_by(intent))),
            Verb::Put => Err(Violation::new(
                Kind::Lost,
                format!("put {intent:?}, but the item is {after:?}"),
            )),
            Verb::CreateOrMerge
                if before
                    .is_some_and(|held| is_live(held) && held.row.created != after.created)
                    && is_all_new =>
            {
                Err(Violation::new(
                    Kind::Overwritten,
                    format!("a merge changed {before:?} into {after:?}"),
                ))
            }
            Verb::Create if before.is_some_and(is_live) => Err(Violation::new(
                Kind::Overwritten,
                format!("a create changed {before:?} into {after:?}"),
            )),
            Verb::Create if is_all_new => Ok(Some(self.created_by(intent))),
            Verb::Create => Err(Violation::new(
                Kind::Lost,
                format!("created {intent:?}, but the item is {after:?}"),
            )),
            Verb::CreateOrMerge => match before {
                None if is_all_new => Ok(Some(self.created_by(intent))),
                None => Err(Violation::new(
                    Kind::Resurrected,
                    format!("merged with a missing session: {after:?}"),
                )),
                Some(held) if is_all_new && !is_live(held) => Ok(Some(self.created_by(intent))),
                Some(held) => merged(intent, &held.row, after).map(|()| Some(held.session)),
            },
            Verb::Save | Verb::Replace | Verb::Touch => {
                let loaded = intent.loaded.expect("these verbs need a loaded session");
                let Some(held) = before else {
                    return Err(Violation::new(
                        Kind::Resurrected,
                        format!(
                            "a {:?} of a session that is gone left {after:?}",
                            intent.verb
                        ),
                    ));
                };
                // If one of them has no `created`, two sessions cannot be distinguished.
                let is_comparable = loaded.created.is_some() && held.row.created.is_some();
                if is_comparable && held.session != loaded.session {
                    return Err(Violation::new(
                        Kind::Resurrected,
                        format!(
                            "a {:?} changed a session that was not loaded into {after:?}",
                            intent.verb
                        ),
                    ));
                }
                if intent.is_touch() && !intent.is_live(held) {
                    return Err(Violation::new(
                        Kind::Resurrected,
                        "a touch of an expired session",
                    ));
                }
                merged(intent, &held.row, after).map(|()| Some(held.session))
            }
        }
    }

    fn created_by(&mut self, intent: &Intent) -> u32 {
        let session = intent.session.get().unwrap_or_else(|| {
            self.sessions += 1;
            self.sessions
        });
        intent.session.set(Some(session));
        session
    }

    /// Records that a delivered answer showed the item to the store.
    pub(super) fn show(&self, intent: &Intent, progress: &mut Progress) {
        progress.met_own = self.held(intent.slot).is_some_and(|held| {
            let expires = intent.expires(held.row.created);
            intent.session.get() == Some(held.session) && held.row.expires == Some(expires)
        });
    }

    /// Checks that a call which may create is allowed to send an update.
    pub(super) fn update(intent: &Intent, progress: &mut Progress) -> Result<(), Violation> {
        if intent.verb != Verb::CreateOrMerge || std::mem::replace(&mut progress.has_updated, true)
        {
            return Ok(());
        }
        if progress.met_own {
            return Err(Violation::new(
                Kind::WrongAnswer,
                "the call merges with the session that it has created itself",
            ));
        }
        Ok(())
    }

    /// Checks an answer against the recorded events.
    pub(super) fn answer(
        intent: &Intent,
        progress: &Progress,
        answer: &Answer,
    ) -> Result<(), Violation> {
        let wrong = |why: &str| {
            Err(Violation::new(
                Kind::WrongAnswer,
                format!("{answer:?} to {:?}: {why}", intent.verb),
            ))
        };
        match answer {
            Answer::Failed(_) if progress.was_answered => wrong("the last attempt was answered"),
            Answer::Failed(_) => Ok(()),
            Answer::Loaded(row) => {
                let Some((held, now)) = &progress.read else {
                    return wrong("nothing was read");
                };
                let held = held.as_ref().map(|held| &held.row);
                match (held.filter(|row| row.is_live(*now, intent.absolute)), row) {
                    (None, Some(_)) if held.is_some() => Err(Violation::new(
                        Kind::Undead,
                        format!("an expired session was returned: {held:?}"),
                    )),
                    (None, Some(_)) => wrong("the item did not exist"),
                    (Some(_), None) => Err(Violation::new(
                        Kind::Lost,
                        format!("a live session was not returned: {held:?}"),
                    )),
                    (expected, row) if expected == row.as_ref() => Ok(()),
                    (expected, _) => wrong(&format!("the item was {expected:?}")),
                }
            }
            Answer::Taken if progress.met_own => wrong("the id was taken by its own first attempt"),
            Answer::Taken if progress.met_live => Ok(()),
            Answer::Taken => wrong("no live session had the id"),
            Answer::Created(stamp) | Answer::Put(stamp) if progress.has_created => {
                is_seen(intent, progress, *stamp)
            }
            Answer::Created(_) | Answer::Put(_) => wrong("it was not created"),
            Answer::Deleted if progress.has_deleted => Ok(()),
            Answer::Deleted => wrong("it was not deleted"),
            Answer::Gone if progress.met_gone => Ok(()),
            Answer::Gone => Err(Violation::new(
                Kind::Dropped,
                format!("a {:?} was dropped", intent.verb),
            )),
            Answer::Written(stamp) if progress.attempts == 0 => {
                let loaded = intent.loaded.map(|loaded| Stamp {
                    created: loaded.created,
                    expires: loaded.expires.unwrap_or_default(),
                });
                if !intent
                    .loaded
                    .is_some_and(|loaded| intent.may_be_skipped(loaded.created, loaded.expires))
                {
                    Err(Violation::new(
                        Kind::Lost,
                        format!("a {:?} was skipped", intent.verb),
                    ))
                } else if loaded == Some(*stamp) {
                    Ok(())
                } else {
                    wrong(&format!("skipped, so there is {loaded:?}"))
                }
            }
            Answer::Written(stamp) => {
                let missing: Vec<&str> = match intent.verb {
                    _ if progress.has_created => Vec::new(),
                    Verb::Touch => Vec::new(),
                    Verb::CreateOrMerge => intent.target.keys().map(String::as_str).collect(),
                    _ => intent.changed().into_iter().collect(),
                };
                let missing: Vec<&str> = missing
                    .into_iter()
                    .filter(|name| !progress.written.contains(*name))
                    .collect();
                if !progress.has_written || !missing.is_empty() {
                    return Err(Violation::new(
                        Kind::Lost,
                        format!("reported written, and was not: {missing:?}"),
                    ));
                }
                is_seen(intent, progress, *stamp)
            }
        }
    }
}
