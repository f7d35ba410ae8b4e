//! The simple model: what each session holds, who may change what of it, and what may be answered.
//!
//! The test owns the network, so it knows at which moment each attempt is executed and on whose behalf. The model
//! looks at the item before and after, and says whether the request that was made by the caller allows the step.
//! It knows nothing of expressions, conditions and retries. From steps that change nothing but what their request
//! asked for follows that nothing written is lost; values that may or may not be there are no matter, because
//! what an abandoned attempt did is seen when it is done.

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

/// The expiry unit in the sessions of those who have one.
pub(super) const EXPIRY_UNIT: [&str; 2] = ["_expire", "_maxAge"];

/// More changed fields than this may be written in several requests, of which the first moves the expiry.
const MOST_FIELDS: usize = 50;

/// What must never happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something that was written is gone or was replaced by a request that did not write it.
    Lost,
    /// A write landed on no session, or on another one than was loaded.
    Resurrected,
    /// An expired session was returned.
    Undead,
    /// A live session was overwritten by a create.
    Overwritten,
    /// A write was dropped although its session was there.
    Dropped,
    /// The answer is not what happened.
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

/// What has become of a call so far.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something of its own that may have happened"
)]
pub(super) struct Progress {
    /// Requests that were sent, whatever became of them.
    pub(super) attempts: u32,
    /// Whether the last one was executed and answered.
    pub(super) was_answered: bool,
    /// Whether its session was not there for one of the attempts.
    met_none: bool,
    /// Whether a live session was there for one.
    met_live: bool,
    /// Which session was there for the attempt before, and whether it had no `created`.
    met: Option<u32>,
    met_legacy: bool,
    /// Whether the store was last shown what an earlier attempt of this very call had stored.
    met_own: bool,
    has_updated: bool,
    /// The fields that are as asked for since an attempt of it.
    written: BTreeSet<String>,
    has_written: bool,
    has_created: bool,
    has_deleted: bool,
    /// What it last wrote, or read, and when.
    seen: Option<Held>,
    read: Option<(Option<Held>, u64)>,
}

/// What the store answered to a call.
#[derive(Debug)]
pub(super) enum Answer {
    Loaded(Option<Row>),
    Created(Stamp),
    Taken,
    Written(Stamp),
    Gone,
    Put(Stamp),
    Deleted,
    /// The error is only shown.
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
    /// By slot and `created`.
    known: BTreeMap<(usize, u64), u32>,
}

impl Oracle {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            held: vec![None; slots],
            sessions: 0,
            known: BTreeMap::new(),
        }
    }

    pub(super) fn held(&self, slot: usize) -> Option<&Held> {
        self.held[slot].as_ref()
    }

    /// What a caller knows that has loaded or written a session, its last call being this one.
    pub(super) fn loaded(
        &self,
        slot: usize,
        progress: &Progress,
        created: Option<u64>,
        expires: Option<u64>,
    ) -> Option<Loaded> {
        let held = progress.seen.as_ref()?;
        let known = created.and_then(|created| self.known.get(&(slot, created)));
        Some(Loaded {
            session: known.copied().unwrap_or(held.session),
            created,
            expires,
        })
    }

    /// Takes note of what somebody else did: who stored a session past the store, or DynamoDB's TTL.
    pub(super) fn interfere(&mut self, slot: usize, row: Option<Row>) {
        self.sessions += 1;
        let session = self.sessions;
        if let Some(created) = row.as_ref().and_then(|row| row.created) {
            self.known.insert((slot, created), session);
        }
        self.held[slot] = row.map(|row| Held { row, session });
    }

    /// Takes note of an attempt that was executed, and judges what it did.
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
        progress.met_none |= match (&before, intent.loaded) {
            (None, _) => true,
            (Some(held), Some(loaded)) => {
                // The `created` of a session stays, so one that differs is another's.
                let is_other = loaded.created.zip(held.row.created);
                held.session != loaded.session
                    || is_other.is_some_and(|(loaded, held)| loaded != held)
                    || (intent.is_touch() && !(is_live(held) && intent.is_live(held)))
            }
            // It merges onto what it finds at its first attempt.
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
                    "what was refused, or only read, changed the item",
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
            // Who loaded a session takes an item of the legacy package under its id for that session, and gives
            // it that `created`.
            *session = *self.known.entry((intent.slot, created)).or_insert(*session);
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

    /// Whether the step is one that the request allows. Returns which session the item is then.
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
        // An attempt that was long on its way may know the time of its call alone, by which fewer have expired.
        let is_live = |held: &Held| held.row.is_live(now, intent.absolute);
        match intent.verb {
            Verb::Load => unreachable!("a load was judged before"),
            Verb::Delete => Err(Violation::new(
                Kind::WrongAnswer,
                "a delete that was done left the item",
            )),
            Verb::Put if is_all_new => Ok(Some(self.created_by(intent))),
            Verb::Put => Err(Violation::new(
                Kind::Lost,
                format!("put {intent:?} and there is {after:?}"),
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
                format!("created {intent:?} and there is {after:?}"),
            )),
            Verb::CreateOrMerge => match before {
                None if is_all_new => Ok(Some(self.created_by(intent))),
                None => Err(Violation::new(
                    Kind::Resurrected,
                    format!("merged onto nothing: {after:?}"),
                )),
                Some(held) if is_all_new && !is_live(held) => Ok(Some(self.created_by(intent))),
                Some(held) => merged(intent, &held.row, after).map(|()| Some(held.session)),
            },
            Verb::Save | Verb::Replace | Verb::Touch => {
                let loaded = intent
                    .loaded
                    .expect("who writes what was loaded has loaded it");
                let Some(held) = before else {
                    return Err(Violation::new(
                        Kind::Resurrected,
                        format!(
                            "a {:?} of a session that has gone left {after:?}",
                            intent.verb
                        ),
                    ));
                };
                // Without `created` on either side there is nothing to tell two sessions apart by.
                let is_known = loaded.created.is_some() && held.row.created.is_some();
                if is_known && held.session != loaded.session {
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

    /// Takes note of what the store is shown of the item: an answer that is delivered and says what there is.
    pub(super) fn show(&self, intent: &Intent, progress: &mut Progress) {
        progress.met_own = self.held(intent.slot).is_some_and(|held| {
            let expires = intent.expires(held.row.created);
            intent.session.get() == Some(held.session) && held.row.expires == Some(expires)
        });
    }

    /// Judges that a call which may create goes on to update.
    pub(super) fn update(intent: &Intent, progress: &mut Progress) -> Result<(), Violation> {
        if intent.verb != Verb::CreateOrMerge || std::mem::replace(&mut progress.has_updated, true)
        {
            return Ok(());
        }
        if progress.met_own {
            return Err(Violation::new(
                Kind::WrongAnswer,
                "it merges onto what it has created itself",
            ));
        }
        Ok(())
    }

    /// Judges an answer by what was seen to happen.
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
                    (None, Some(_)) => wrong("there was none"),
                    (Some(_), None) => Err(Violation::new(
                        Kind::Lost,
                        format!("a live session was not returned: {held:?}"),
                    )),
                    (expected, row) if expected == row.as_ref() => Ok(()),
                    (expected, _) => wrong(&format!("there was {expected:?}")),
                }
            }
            Answer::Taken if progress.met_own => wrong("it was its own first attempt"),
            Answer::Taken if progress.met_live => Ok(()),
            Answer::Taken => wrong("no live session was there"),
            Answer::Created(stamp) | Answer::Put(stamp) if progress.has_created => {
                is_seen(intent, progress, *stamp)
            }
            Answer::Created(_) | Answer::Put(_) => wrong("it was not created"),
            Answer::Deleted if progress.has_deleted => Ok(()),
            Answer::Deleted => wrong("it was not deleted"),
            Answer::Gone if progress.met_none => Ok(()),
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
