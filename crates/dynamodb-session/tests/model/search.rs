//! Searches all interleavings of a few calls: each attempt is answered, or arrives late, at any moment after.
//!
//! The calls are those of the real store, which cannot be copied in the middle. So each path is played again from its
//! start, and a state that was seen before is not followed any more.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::case::{Act, Flavour, Step};
use super::monitor::Violation;
use super::network::{Defect, Fate, Network};
use super::run::Run;

/// The lifetime that a call asks for, in seconds. That of the stored session is 60.
const TTL: u64 = 70;

/// A call of one caller.
#[derive(Clone, Copy)]
pub(super) struct Op {
    /// The fields that it changes before, by number.
    pub(super) changes: &'static [(usize, u32)],
    pub(super) act: Act,
    /// The calls that must have returned before it begins.
    pub(super) after: &'static [usize],
}

pub(super) const fn op(act: Act) -> Op {
    Op {
        changes: &[],
        act,
        after: &[],
    }
}

pub(super) const fn save(changes: &'static [(usize, u32)]) -> Op {
    Op {
        changes,
        ..op(Act::Save(TTL))
    }
}

pub(super) const TOUCH: Op = op(Act::Touch(TTL + 10));
pub(super) const DELETE: Op = op(Act::Delete);
pub(super) const DELETE_ID: Op = op(Act::DeleteId);
pub(super) const CREATE: Op = Op {
    changes: &[(0, 3)],
    ..op(Act::Create(TTL))
};
pub(super) const CREATE_OR_MERGE: Op = Op {
    changes: &[(1, 7)],
    ..op(Act::CreateOrMerge(TTL))
};
pub(super) const PUT: Op = Op {
    changes: &[(2, 8)],
    ..op(Act::Put(TTL))
};

pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// Whether a session is there at the start.
    pub(super) has_session: bool,
    pub(super) ops: &'static [Op],
}

/// How far a search goes.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) attempts: u32,
    /// How many attempts may be late at a time.
    pub(super) late: usize,
    pub(super) states: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Load(usize),
    Begin(usize),
    Meet(usize, Fate),
    Arrive(usize),
}

/// What a search found.
pub(super) struct Searched {
    pub(super) states: usize,
    /// Whether it saw every state.
    pub(super) is_complete: bool,
}

/// A path to a violation, in words.
pub(super) struct Path {
    pub(super) violation: Violation,
    pub(super) trace: Vec<String>,
}

struct Walk<'a> {
    run: Run<'a, Value>,
    scenario: &'a Scenario,
    bounds: Bounds,
    has_begun: Vec<bool>,
}

impl<'a> Walk<'a> {
    fn new(
        network: &'a Network,
        scenario: &'a Scenario,
        flavour: &Flavour,
        defect: Defect,
        bounds: Bounds,
    ) -> Self {
        let flavour = Flavour {
            max_attempts: bounds.attempts,
            ..flavour.clone()
        };
        Self {
            run: Run::new(network, &flavour, &flavour, defect, scenario.has_session),
            scenario,
            bounds,
            has_begun: vec![false; scenario.ops.len()],
        }
    }

    fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        for (index, op) in self.scenario.ops.iter().enumerate() {
            let needs_load = matches!(op.act, Act::Save(_) | Act::Touch(_) | Act::Delete);
            if self.run.waits(index) {
                choices.push(Choice::Meet(index, Fate::Answered));
                if self.run.waits_for_write(index) && self.run.late() < self.bounds.late {
                    choices.push(Choice::Meet(index, Fate::Late));
                }
            } else if self.has_begun[index] {
                // It is done.
            } else if needs_load && !self.run.has_loaded(index) {
                choices.push(Choice::Load(index));
            } else if op
                .after
                .iter()
                .all(|other| self.has_begun[*other] && !self.run.waits(*other))
            {
                choices.push(Choice::Begin(index));
            }
        }
        choices.extend((0..self.run.late()).map(Choice::Arrive));
        choices
    }

    fn take(&mut self, choice: Choice) -> Result<(), Violation> {
        match choice {
            Choice::Load(index) => {
                self.run.take(Step::Caller(index, Act::Load))?;
                self.run
                    .take(Step::Caller(index, Act::Meet(Fate::Answered)))?;
                // Without a session it has nothing to do.
                self.has_begun[index] = !self.run.has_loaded(index);
                Ok(())
            }
            Choice::Begin(index) => {
                self.has_begun[index] = true;
                let op = self.scenario.ops[index];
                for (field, value) in op.changes {
                    self.run
                        .take(Step::Caller(index, Act::Change(*field, Some(*value))))?;
                }
                self.run.take(Step::Caller(index, op.act))
            }
            Choice::Meet(index, fate) => self.run.take(Step::Caller(index, Act::Meet(fate))),
            Choice::Arrive(late) => self.run.take(Step::Arrive(late)),
        }
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.has_begun, self.run.fingerprint()).hash(&mut hasher);
        hasher.finish()
    }
}

pub(super) fn search(
    network: &Network,
    scenario: &Scenario,
    flavour: &Flavour,
    defect: Defect,
    bounds: Bounds,
) -> Result<Searched, Path> {
    let mut seen = HashSet::new();
    let mut open: Vec<Vec<Choice>> = vec![Vec::new()];
    while let Some(mut path) = open.pop() {
        if seen.len() >= bounds.states {
            return Ok(Searched {
                states: seen.len(),
                is_complete: false,
            });
        }
        let mut walk = Walk::new(network, scenario, flavour, defect, bounds);
        walk.run.trace = None;
        let mut taken = path.iter().try_for_each(|choice| walk.take(*choice));
        while taken.is_ok() && seen.insert(walk.fingerprint()) {
            let mut choices = walk.choices();
            let Some(first) = choices.pop() else { break };
            for other in choices {
                open.push(path.iter().copied().chain([other]).collect());
            }
            path.push(first);
            taken = walk.take(first);
        }
        if let Err(violation) = taken {
            let mut walk = Walk::new(network, scenario, flavour, defect, bounds);
            // It ends as before, with a trace.
            let _ = path.iter().try_for_each(|choice| walk.take(*choice));
            let trace = walk.run.trace.unwrap_or_default();
            return Err(Path { violation, trace });
        }
    }
    Ok(Searched {
        states: seen.len(),
        is_complete: true,
    })
}
