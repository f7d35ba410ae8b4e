//! Cases: the steps of the callers, of the network and of time. Each case comes from a seed. A step that is not possible
//! is skipped, so a list of steps can be made shorter.

use std::fmt;

use fastrand::Rng;

use super::super::network::Fate;

pub(super) const CALLERS: usize = 4;
pub(super) const USERS: usize = 2;
/// The session ids under which sessions are created.
pub(super) const IDS: usize = 5;
/// The ids after them, under which sessions go on that were renewed: each once, because frameworks draw such an id.
pub(super) const RENEWED: usize = 6;

/// As many sessions as no case has: none has to make room.
pub(super) const ENOUGH_SESSIONS: usize = 20;

/// The settings of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate setting")]
pub(super) struct Flavour {
    pub(super) is_sealed: bool,
    pub(super) hashing: Hashing,
    /// Whether the items have the layout of connect-dynamodb, in which the session is one text.
    pub(super) is_connect: bool,
    /// `ParallelChanges::Overwrite`.
    pub(super) overwrites: bool,
    /// How many of the callers are of one process. Each of the others is of its own.
    pub(super) together: usize,
    pub(super) max_sessions: usize,
    /// In milliseconds.
    pub(super) absolute: Option<u64>,
    pub(super) max_attempts: u32,
    /// Nothing is lost, nobody ends, and time passes only between calls.
    pub(super) is_calm: bool,
}

impl Default for Flavour {
    fn default() -> Self {
        Self {
            is_sealed: false,
            hashing: Hashing::Off,
            is_connect: false,
            overwrites: false,
            together: 0,
            max_sessions: ENOUGH_SESSIONS,
            absolute: None,
            max_attempts: 3,
            is_calm: false,
        }
    }
}

/// How the processes store the ids of new sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hashing {
    Off,
    Read,
    On,
    /// Some in one way, some in the other: in the middle of a deployment.
    Mixed,
}

#[expect(
    clippy::option_option,
    reason = "the outer one is whether the call says anything of the user"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Load(usize),
    Create(usize, Option<usize>),
    CreateOrMerge(usize, Option<usize>),
    Put(usize, Option<usize>),
    /// Saves the loaded session. `None`: it stays whose it is.
    Save(Option<Option<usize>>),
    Touch,
    /// Deletes the loaded session.
    Delete,
    DeleteId(usize),
    /// Deletes the loaded session, and goes on with it under this id.
    Regenerate(usize, Option<Option<usize>>),
    /// With `true`, the loaded session is spared.
    RevokeUser(usize, bool),
    Revoke(usize, usize),
    SessionsOf(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Begin {
        caller: usize,
        verb: Verb,
        /// In seconds.
        ttl: u64,
        n: u32,
    },
    /// Ends one of the attempts that a caller waits for.
    Meet(usize, usize, Fate),
    /// Answers all that a caller asks, until its call is done.
    Run(usize),
    /// An attempt arrives that nobody waits for.
    Arrive(usize),
    /// The process of a caller ends in the middle of its call.
    End(usize),
    /// Milliseconds pass.
    Pass(u64),
    /// `DynamoDB`'s TTL deletes an item that has expired.
    Ttl(usize),
    /// A program that knows no users' items stores a session: this id, this user, with a `created` or without.
    Before(usize, usize, bool),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin {
                caller,
                verb,
                ttl,
                n,
            } => write!(f, "caller {caller}: {verb:?}, for {ttl} s, n {n}"),
            step => write!(f, "{step:?}"),
        }
    }
}

impl Flavour {
    pub(super) fn any(rng: &mut Rng) -> Self {
        let together = if rng.u32(..3) == 0 {
            rng.usize(..=CALLERS)
        } else {
            0
        };
        let mut one_in = |n: u32| rng.u32(..n) == 0;
        let is_connect = one_in(8);
        Self {
            is_sealed: one_in(5),
            is_connect,
            overwrites: one_in(5),
            together,
            absolute: one_in(6).then_some(40 * 60_000),
            is_calm: one_in(10),
            hashing: pick(
                rng,
                &[
                    Hashing::Off,
                    Hashing::Off,
                    Hashing::Off,
                    Hashing::Read,
                    Hashing::On,
                    Hashing::Mixed,
                ],
            ),
            max_sessions: pick(rng, &[2, 3, ENOUGH_SESSIONS, ENOUGH_SESSIONS]),
            max_attempts: rng.u32(1..=3),
        }
    }

    /// All flavours with one special setting less.
    pub(super) fn plainer(&self) -> Vec<Self> {
        let changes: [fn(&mut Self); 9] = [
            |flavour| flavour.is_sealed = false,
            |flavour| flavour.hashing = Hashing::Off,
            |flavour| flavour.is_connect = false,
            |flavour| flavour.overwrites = false,
            |flavour| flavour.together = 0,
            |flavour| flavour.max_sessions = ENOUGH_SESSIONS,
            |flavour| flavour.absolute = None,
            |flavour| flavour.max_attempts = 3,
            |flavour| flavour.is_calm = false,
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
    match rng.u32(..60) {
        0..=1 => {
            let short = [1, 400, 2000, 31_000];
            let long = [61_000, 300_000, 26 * 60_000, 26 * 60_000];
            let is_long = rng.u32(..2) == 0;
            return Step::Pass(pick(rng, if is_long { &long } else { &short }));
        }
        2..=3 => return Step::Ttl(rng.usize(..IDS)),
        4 => return Step::Before(rng.usize(..IDS), any_user(rng), rng.bool()),
        _ => {}
    }
    let caller = rng.usize(..CALLERS);
    match situation(caller) {
        Situation::Waits => match rng.u32(..40) {
            0 => Step::End(caller),
            1..=2 => Step::Run(caller),
            _ => Step::Meet(caller, rng.usize(..8), any_fate(rng, flavour)),
        },
        Situation::HasLoaded => begin(rng, caller, any_use),
        Situation::HasNothing => begin(rng, caller, any_verb),
    }
}

fn begin(rng: &mut Rng, caller: usize, verb: fn(&mut Rng) -> Verb) -> Step {
    Step::Begin {
        caller,
        verb: verb(rng),
        ttl: pick(rng, &[30, 120, 1200, 7200, 7200]),
        n: rng.u32(..1000),
    }
}

fn any_fate(rng: &mut Rng, flavour: &Flavour) -> Fate {
    if flavour.is_calm {
        return Fate::Answered;
    }
    match rng.u32(..40) {
        0..=1 => Fate::AnswerLost,
        2 => Fate::Lost,
        3..=4 => Fate::Late,
        5 => Fate::Throttled,
        6 => Fate::Crashed,
        _ => Fate::Answered,
    }
}

fn any_user(rng: &mut Rng) -> usize {
    usize::from(rng.u32(..5) == 0)
}

fn any_owner(rng: &mut Rng) -> Option<usize> {
    (rng.u32(..5) > 0).then(|| any_user(rng))
}

/// What a caller without a session does.
fn any_verb(rng: &mut Rng) -> Verb {
    let id = rng.usize(..IDS);
    let ids = if rng.bool() { IDS } else { IDS + RENEWED };
    let any_id = rng.usize(..ids);
    match rng.u32(..20) {
        0..=2 => Verb::Create(id, any_owner(rng)),
        3..=5 => Verb::CreateOrMerge(id, any_owner(rng)),
        6 => Verb::Put(id, any_owner(rng)),
        7..=13 => Verb::Load(any_id),
        14 => Verb::DeleteId(any_id),
        15 => Verb::Revoke(any_user(rng), any_id),
        16 => Verb::SessionsOf(any_user(rng)),
        _ => Verb::RevokeUser(any_user(rng), false),
    }
}

/// What a caller with a session does.
fn any_use(rng: &mut Rng) -> Verb {
    match rng.u32(..20) {
        0..=4 => Verb::Save(Some(Some(any_user(rng)))),
        5 => Verb::Save(Some(None)),
        6..=8 => Verb::Save(None),
        9 => Verb::Touch,
        10 => Verb::Delete,
        11..=12 => Verb::Regenerate(IDS + rng.usize(..RENEWED), None),
        13 => Verb::Regenerate(IDS + rng.usize(..RENEWED), Some(any_owner(rng))),
        14..=15 => Verb::RevokeUser(any_user(rng), true),
        _ => any_verb(rng),
    }
}

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}
