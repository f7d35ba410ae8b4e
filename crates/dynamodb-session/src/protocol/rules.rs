//! What follows when the condition of a write fails. The item it met says whether the write was executed before: an
//! answer can be lost although the request was not, and a request can land after later ones.
//!
//! These rules were found by a search of all interleavings, which `tests/model` repeats on the whole store. A change of
//! one needs a scenario there.

use std::time::{Duration, SystemTime};

use crate::item::{Known, Rev, StateName};

/// A request lives as long as its signature and the clocks of two hosts allow. A session created so much before a call
/// was made by another one.
const OLDER: Duration = Duration::from_mins(10);

/// What a write does after its condition has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// An earlier attempt was executed.
    Written,
    /// The session is not there any more, and the write was never executed.
    Gone,
    /// The write was not executed and never will be: it is made again, from what was met.
    Again,
    /// Nobody can tell whether an earlier attempt was executed.
    Unknown,
}

/// The item that a write met.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) created: Option<SystemTime>,
    pub(super) rev: Option<Rev>,
    /// Whether it holds a session.
    pub(super) has_session: bool,
    /// Whether it is a tombstone.
    pub(super) is_gone: bool,
}

/// The attempts of a write since its last answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempts {
    /// The state they make.
    pub(super) name: StateName,
    /// The state they demand.
    pub(super) from: Known,
    /// Whether each was answered.
    pub(super) all_answered: bool,
}

impl Attempts {
    fn were_executed(&self, met: &Met) -> bool {
        met.rev.is_some_and(|rev| rev.has(self.name))
    }

    /// Whether what they demand has been replaced by another write, which would be remembered. Of an item without
    /// `created`, what is met may be a later session, which remembers nothing.
    fn are_void(&self, created: Option<SystemTime>, met: &Met) -> bool {
        match (self.from, met.rev) {
            (Known::Rev(from), Some(rev)) => rev.has(from.newest()),
            (Known::Unversioned, Some(rev)) => created.is_some() && !rev.is_full(),
            (Known::Unversioned, None) => true,
            (Known::Rev(_), None) | (Known::Nothing, _) => false,
        }
    }
}

/// After a save of the session with this `created`.
pub(super) fn after_save(
    attempts: &Attempts,
    created: Option<SystemTime>,
    met: Option<Met>,
) -> Next {
    match met {
        Some(met) if met.has_session && is_same(created, met.created) => {
            if attempts.were_executed(&met) {
                Next::Written
            } else if attempts.all_answered || attempts.are_void(created, &met) {
                Next::Again
            } else {
                Next::Unknown
            }
        }
        _ => Next::Gone,
    }
}

/// After an attempt to create a session with this `created`, by a call that began at `begin`. If the session `has_ended`
/// meanwhile, another one may have taken its place, which remembers nothing of it.
pub(super) fn after_create(
    attempts: &Attempts,
    created: SystemTime,
    begin: SystemTime,
    has_ended: bool,
    met: Met,
) -> Next {
    if attempts.were_executed(&met) {
        // Under another `created` it is the state that a later session was made from.
        return if met.created == Some(created) && !met.is_gone {
            Next::Written
        } else {
            Next::Gone
        };
    }
    let is_older = |other: SystemTime| other + OLDER <= begin;
    let was_not_executed = attempts.all_answered
        || (!has_ended && met.rev.is_none_or(|rev| !rev.is_full()))
        || met.created.is_some_and(is_older);
    if was_not_executed {
        Next::Again
    } else if met.created == Some(created) && met.is_gone {
        Next::Gone
    } else if met.created == Some(created) {
        Next::Written
    } else {
        Next::Unknown
    }
}

/// After a touch of the session with this `created`. `is_extended` says whether the stored expiry is as late as the
/// touch asks for, or belongs to a lifetime that another request has set.
pub(super) fn after_touch(
    created: Option<SystemTime>,
    met: Option<Met>,
    has_expired: bool,
    is_extended: bool,
) -> Next {
    match met {
        Some(met) if met.has_session && is_same(created, met.created) && !has_expired => {
            if is_extended {
                Next::Written
            } else {
                Next::Again
            }
        }
        _ => Next::Gone,
    }
}

/// After a delete of the session with this `created`, or of whatever session there is. `gones` are the names of the
/// tombstones that its attempts put; `gone` is that of the tombstone that it met.
pub(super) fn after_delete(
    gones: &[StateName],
    created: Option<SystemTime>,
    met: Option<Met>,
    gone: Option<StateName>,
) -> Next {
    let Some(met) = met else {
        return Next::Again;
    };
    // A tombstone that replaced ours keeps its name, as a session does that was created over it.
    let is_ours =
        |name: &StateName| gone == Some(*name) || met.rev.is_some_and(|rev| rev.has(*name));
    if gones.iter().any(is_ours) {
        Next::Written
    } else if !met.is_gone && !is_same(created, met.created) {
        Next::Gone
    } else {
        Next::Again
    }
}

/// Whether an item is of the session that was loaded. Writers that do not know `created` erase it.
fn is_same(loaded: Option<SystemTime>, met: Option<SystemTime>) -> bool {
    loaded.is_none() || met.is_none() || loaded == met
}
