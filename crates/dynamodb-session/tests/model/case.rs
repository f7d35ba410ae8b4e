//! Cases: the steps of the callers and of the network. Each case comes from a seed. A list of steps can be made
//! shorter, because a step that is not possible is skipped.

use std::fmt;

use fastrand::Rng;

use super::network::Fate;

/// The number of callers, which share one session id.
pub(super) const CALLERS: usize = 4;

/// The settings of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate setting")]
pub(super) struct Flavour {
    /// Whether the session data are text, as for Node.
    pub(super) is_text: bool,
    /// Whether the sessions have an expiry unit, as those of koa do.
    pub(super) has_unit: bool,
    /// Whether the items have the layout of connect-dynamodb, in which the session is one text.
    pub(super) is_connect: bool,
    /// Whether the first item is one of dynamodb-store, which stores the session in another attribute.
    pub(super) is_foreign: bool,
    /// Whether the store encrypts sessions. The first item is a plain one.
    pub(super) is_sealed: bool,
    /// Whether the ids of new sessions are hashed. The first item has the other key.
    pub(super) has_two_keys: bool,
    /// `ParallelChanges::Overwrite`.
    pub(super) overwrites: bool,
    /// Whether `UpdateItem` is not allowed.
    pub(super) is_update_denied: bool,
    /// Whether the engine does not show the item that a condition failed on.
    pub(super) shows_no_item: bool,
    /// Whether the first item is one of the legacy package.
    pub(super) is_legacy: bool,
    /// How many of the callers are of one process. Each of the others is of its own.
    pub(super) together: usize,
    /// In milliseconds.
    pub(super) touch_after: Option<u64>,
    pub(super) absolute: Option<u64>,
    pub(super) max_attempts: u32,
}

/// An action of one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Load,
    /// Changes a field of the session in its memory. `None` removes it.
    Change(usize, Option<u32>),
    /// Saves the loaded session, with this TTL in seconds.
    Save(u64),
    Touch(u64),
    /// Deletes the loaded session.
    Delete,
    /// Deletes whatever session there is.
    DeleteId,
    Create(u64),
    CreateOrMerge(u64),
    Put(u64),
    /// Stops waiting. Its attempt on the network arrives late.
    GiveUp,
    /// Ends the attempt that it waits for.
    Meet(Fate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Caller(usize, Act),
    /// An attempt whose caller has given up arrives. The oldest is number 0.
    Arrive(usize),
    /// Milliseconds pass.
    Pass(u64),
    /// So much time passes that no attempt can arrive any more that was sent before, and DynamoDB's TTL deletes what
    /// has expired.
    Expire,
    /// The legacy package stores a session.
    Legacy,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller(caller, act) => write!(f, "caller {caller}: {act:?}"),
            step => write!(f, "{step:?}"),
        }
    }
}

impl Flavour {
    pub(super) fn any(rng: &mut Rng) -> Self {
        let together = rng.usize(..=CALLERS);
        let mut one_in = |n: u32| rng.u32(..n) == 0;
        let is_update_denied = one_in(6);
        let is_connect = one_in(12);
        let is_foreign = one_in(8) && !is_connect;
        let is_sealed = one_in(3) && !is_foreign;
        Self {
            is_text: one_in(2),
            // In these layouts a touch only moves the expiry, or writes the whole session.
            has_unit: one_in(2) && !is_connect && !is_foreign,
            is_connect,
            is_foreign,
            is_sealed,
            has_two_keys: one_in(3),
            overwrites: one_in(5),
            is_update_denied,
            shows_no_item: one_in(3),
            // A touch that seals an item gives it a `created`, which the model would have to know of each attempt.
            is_legacy: (one_in(3) || is_foreign) && !is_sealed,
            together,
            touch_after: one_in(3).then_some(20_000),
            absolute: one_in(4).then_some(90_000),
            max_attempts: rng.u32(1..=4),
        }
    }

    /// All flavours with one special setting less.
    pub(super) fn plainer(&self) -> Vec<Self> {
        let changes: [fn(&mut Self); 14] = [
            |flavour| flavour.is_text = false,
            |flavour| flavour.has_unit = false,
            |flavour| flavour.is_connect = false,
            |flavour| flavour.is_foreign = false,
            |flavour| flavour.is_sealed = false,
            |flavour| flavour.has_two_keys = false,
            |flavour| flavour.overwrites = false,
            |flavour| flavour.is_update_denied = false,
            |flavour| flavour.shows_no_item = false,
            |flavour| flavour.is_legacy = false,
            |flavour| flavour.together = 0,
            |flavour| flavour.touch_after = None,
            |flavour| flavour.absolute = None,
            |flavour| flavour.max_attempts = 4,
        ];
        let plainer = changes.map(|change| {
            let mut flavour = self.clone();
            change(&mut flavour);
            flavour
        });
        plainer
            .into_iter()
            .filter(|flavour| flavour != self)
            .collect()
    }
}

/// The state of a caller, which decides what it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Situation {
    Waits,
    HasLoaded,
    HasNothing,
}

/// A random next step that is possible.
pub(super) fn any_step(
    rng: &mut Rng,
    flavour: &Flavour,
    situation: impl Fn(usize) -> Situation,
    late: usize,
) -> Step {
    if late > 0 && rng.u32(..8) == 0 {
        return Step::Arrive(rng.usize(..late));
    }
    match rng.u32(..40) {
        0..=2 => {
            return Step::Pass(pick(
                rng,
                &[1, 400, 1000, 2000, 29_000, 31_000, 61_000, 100_000],
            ));
        }
        3 if rng.u32(..4) == 0 => return Step::Expire,
        4 if flavour.is_legacy && rng.u32(..4) == 0 => return Step::Legacy,
        _ => {}
    }
    let caller = rng.usize(..CALLERS);
    let act = match situation(caller) {
        Situation::Waits => any_fate(rng),
        Situation::HasLoaded => any_use(rng),
        Situation::HasNothing => match rng.u32(..10) {
            0 => Act::Create(any_ttl(rng)),
            1 => Act::CreateOrMerge(any_ttl(rng)),
            2 => Act::Put(any_ttl(rng)),
            3..=4 => any_change(rng),
            5 => Act::DeleteId,
            _ => Act::Load,
        },
    };
    Step::Caller(caller, act)
}

fn any_fate(rng: &mut Rng) -> Act {
    Act::Meet(match rng.u32(..32) {
        0..=2 => Fate::AnswerLost,
        3..=4 => Fate::Lost,
        5..=6 => Fate::Late,
        7 => Fate::Throttled,
        8 => Fate::Crashed,
        9 => return Act::GiveUp,
        _ => Fate::Answered,
    })
}

fn any_use(rng: &mut Rng) -> Act {
    match rng.u32(..20) {
        0..=6 => any_change(rng),
        7..=8 => Act::Touch(any_ttl(rng)),
        9 => Act::Delete,
        10 => Act::DeleteId,
        11..=12 => Act::Load,
        13 => match rng.u32(..3) {
            0 => Act::Create(any_ttl(rng)),
            1 => Act::CreateOrMerge(any_ttl(rng)),
            _ => Act::Put(any_ttl(rng)),
        },
        _ => Act::Save(any_ttl(rng)),
    }
}

fn any_change(rng: &mut Rng) -> Act {
    let value = rng.u32(..1_000_000);
    match rng.u32(..4) {
        0 => Act::Change(rng.usize(..4), None),
        _ => Act::Change(rng.usize(..4), Some(value)),
    }
}

fn any_ttl(rng: &mut Rng) -> u64 {
    pick(rng, &[1, 30, 60, 61, 65, 75])
}

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

/// Removes steps and settings while the case still `fails`.
pub(super) fn shrink<F, S: Clone>(
    flavour: &mut F,
    steps: &mut Vec<S>,
    plainer: impl Fn(&F) -> Vec<F>,
    mut fails: impl FnMut(&F, &[S]) -> bool,
) {
    let mut chunk = steps.len().div_ceil(2);
    loop {
        let mut has_shrunk = false;
        let mut start = 0;
        while start < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(start..(start + chunk).min(steps.len()));
            if fails(flavour, &fewer) {
                *steps = fewer;
                has_shrunk = true;
            } else {
                start += chunk;
            }
        }
        if let Some(plainer) = plainer(flavour)
            .into_iter()
            .find(|plainer| fails(plainer, steps))
        {
            *flavour = plainer;
            has_shrunk = true;
        }
        if chunk > 1 {
            chunk = chunk.div_ceil(2);
        } else if !has_shrunk {
            return;
        }
    }
}
