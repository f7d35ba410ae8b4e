//! The sessions of each user: several callers sign in, save, leave, renew and revoke, on several session ids, while
//! attempts are lost and late, processes end, and time passes. After each attempt that is executed it is checked what the
//! registry promises.
//!
//! Cases come from seeds, as those of the other model, and have the same variables.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use fastrand::Rng;

use super::case::shrink;
use super::network::Fate;
use super::of_environment;
use case::{Flavour, Step, Verb};
use defect::Defect;
use desk::Desk;
use monitor::{Kind, Violation};
use run::{Run, Tally};

mod call;
mod case;
mod defect;
mod desk;
mod monitor;
mod run;

const DEFAULT_CASES: u64 = 150;

/// The number of steps of a case.
const STEPS: std::ops::Range<usize> = 30..160;

struct Failure {
    seed: u64,
    flavour: Flavour,
    steps: Vec<Step>,
    violation: Violation,
    trace: Vec<String>,
}

/// A deliberate fault, which the model must find.
#[derive(Clone, Copy)]
struct Weakness {
    defect: Defect,
    /// Restricts the cases to those in which the fault shows.
    only: fn(&mut Flavour),
}

const SOUND: Weakness = Weakness {
    defect: Defect::None,
    only: |_| {},
};

/// Makes a case from a seed and runs it.
fn run_case(desk: &Desk, seed: u64, weakness: Weakness) -> Result<Tally, Box<Failure>> {
    let mut rng = Rng::with_seed(seed);
    let mut flavour = Flavour::any(&mut rng);
    (weakness.only)(&mut flavour);
    let mut run = Run::new(desk, &flavour, weakness.defect, seed);
    run.trace = None;
    let mut steps = Vec::new();
    let mut taken = Ok(());
    for _ in 0..rng.usize(STEPS) {
        let step = case::any_step(
            &mut rng,
            &flavour,
            |caller| run.situation(caller),
            run.late(),
        );
        steps.push(step);
        taken = run.take(step);
        if taken.is_err() {
            break;
        }
    }
    match taken.and_then(|()| run.finish()) {
        Ok(()) => Ok(run.tally),
        Err(violation) => Err(Box::new(Failure {
            seed,
            flavour,
            steps,
            violation,
            trace: Vec::new(),
        })),
    }
}

/// Runs the steps of an earlier case again.
fn replay(
    desk: &Desk,
    seed: u64,
    flavour: &Flavour,
    steps: &[Step],
    defect: Defect,
) -> Result<(), (Violation, Vec<String>)> {
    let mut run = Run::new(desk, flavour, defect, seed);
    let result = steps
        .iter()
        .try_for_each(|step| run.take(*step))
        .and_then(|()| run.finish());
    result.map_err(|violation| (violation, run.trace.unwrap_or_default()))
}

/// Shortens a failure: finds fewer steps and simpler settings that cause the same violation.
fn shrunk(desk: &Desk, mut failure: Failure, defect: Defect) -> Failure {
    let Failure {
        seed,
        flavour,
        steps,
        violation,
        trace,
    } = &mut failure;
    shrink(
        flavour,
        steps,
        Flavour::plainer,
        |flavour, steps| match replay(desk, *seed, flavour, steps, defect) {
            Err((found, told)) if found.kind == violation.kind => {
                (*violation, *trace) = (found, told);
                true
            }
            _ => false,
        },
    );
    failure
}

fn report(failure: &Failure) -> String {
    let mut report = format!("{}\n{:?}\n", failure.violation, failure.flavour);
    for line in &failure.trace {
        writeln!(report, "  {line}").expect("writing to a string cannot fail");
    }
    let (steps, seed) = (failure.steps.len(), failure.seed);
    report
        + &format!(
            "{steps} steps. To repeat: MODEL_SEED={seed} cargo test -p dynamodb-session --test it model::users"
        )
}

/// Runs cases on several threads, each with its own engine, until one fails.
fn run_cases(
    seeds: impl Fn(u64) -> u64 + Sync,
    cases: u64,
    weakness: Weakness,
) -> Result<Tally, Box<Failure>> {
    let next = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let found: Mutex<Option<Box<Failure>>> = Mutex::new(None);
    let total = Mutex::new(Tally::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let desk = Desk::new();
                loop {
                    let case = next.fetch_add(1, Ordering::Relaxed);
                    if case >= cases || is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    match run_case(&desk, seeds(case), weakness) {
                        Ok(tally) => {
                            let mut total = total.lock().unwrap();
                            for (what, count) in tally {
                                *total.entry(what).or_default() += count;
                            }
                        }
                        Err(failure) => {
                            is_over.store(true, Ordering::Relaxed);
                            found.lock().unwrap().get_or_insert(failure);
                        }
                    }
                }
            });
        }
    });
    match found.into_inner().unwrap() {
        Some(failure) => Err(failure),
        None => Ok(total.into_inner().unwrap()),
    }
}

/// Events that every long run must include. Without them, it would not have tested anything.
const SEEN: [&str; 38] = [
    "loaded",
    "missed",
    "written",
    "refused",
    "put",
    "deleted",
    "revoked all",
    "revoked one",
    "listed",
    "failed",
    "ended",
    "arrived late",
    "deleted by TTL",
    "a long time passed",
    "sessions from before",
    "sealed items",
    "registered at a load",
    "forgotten",
    "had to make room",
    "other revocations",
    "spared",
    "AnswerLost",
    "Lost",
    "Late",
    "Throttled",
    "Crashed",
    "Load",
    "Create",
    "CreateOrMerge",
    "Put",
    "Save",
    "Touch",
    "Delete",
    "DeleteId",
    "Regenerate",
    "RevokeUser",
    "Revoke",
    "SessionsOf",
];

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the result includes the number of cases"
)]
fn revoked_sessions_are_not_accepted_and_all_others_are() {
    let (seed, cases) = (of_environment("MODEL_SEED"), of_environment("MODEL_CASES"));
    // The same cases each time, unless a number of them is given.
    let start = seed.unwrap_or_else(|| cases.map_or(0, |_| fastrand::u64(..)));
    // They take longer than those of the other model.
    let cases = seed.map_or(cases.map_or(DEFAULT_CASES, |cases| cases / 4), |_| 1);
    match run_cases(|case| start.wrapping_add(case), cases, SOUND) {
        Ok(tally) => {
            println!("model of users: {cases} cases, {tally:?}");
            if cases >= 100 {
                for what in SEEN {
                    assert!(tally.contains_key(what), "never happened: {what}");
                }
            }
        }
        Err(failure) => {
            let desk = Desk::new();
            panic!("{}", report(&shrunk(&desk, *failure, Defect::None)))
        }
    }
}

/// Checks that the model finds this fault.
fn is_found(defect: Defect, only: fn(&mut Flavour), kinds: &[Kind]) {
    const ENOUGH: u64 = 1000;
    match run_cases(|case| case, ENOUGH, Weakness { defect, only }) {
        Ok(tally) => panic!("not found in {ENOUGH} cases: {tally:?}"),
        Err(failure) => {
            if !kinds.contains(&failure.violation.kind) {
                let desk = Desk::new();
                let failure = shrunk(&desk, *failure, defect);
                panic!("another thing was found: {}", report(&failure));
            }
        }
    }
}

/// The simplest cases, which are also the fastest.
fn plain(flavour: &mut Flavour) {
    *flavour = Flavour {
        max_sessions: flavour.max_sessions,
        max_attempts: flavour.max_attempts,
        ..Flavour::default()
    };
}

#[test]
fn the_model_finds_sign_ins_that_do_not_look_whether_they_were_revoked() {
    is_found(Defect::NoThirdStep, plain, &[Kind::Unregistered]);
}

#[test]
fn the_model_finds_sign_ins_over_tombstones_of_revocations() {
    is_found(Defect::NoAdmission, plain, &[Kind::Unregistered]);
}

#[test]
fn the_model_finds_revocations_that_read_the_list_first() {
    let kinds = [Kind::Unregistered, Kind::Accepted];
    is_found(Defect::ReadDeleteForget, plain, &kinds);
}

#[test]
fn the_model_finds_revocations_without_tombstones() {
    is_found(Defect::NoTombstone, plain, &[Kind::Unregistered]);
}

#[test]
fn the_model_finds_renewals_of_revoked_sessions() {
    is_found(Defect::Continues, plain, &[Kind::Accepted]);
}

#[test]
fn the_model_finds_sessions_from_before_that_outlive_a_revocation() {
    is_found(Defect::NoBefore, plain, &[Kind::Accepted]);
}

/// Every sign-in looks which sessions have ended.
fn with_one_session(flavour: &mut Flavour) {
    plain(flavour);
    flavour.max_sessions = 1;
}

/// It needs a session that has ended long ago, and two sign-ins that meet. That is too rare for random cases.
#[test]
fn the_model_finds_sessions_that_are_forgotten_at_their_next_sign_in() {
    let begin = |caller, id, ttl| Step::Begin {
        caller,
        verb: Verb::CreateOrMerge(id, Some(0)),
        ttl,
        n: 1,
    };
    let meet = |caller| Step::Meet(caller, 0, Fate::Answered);
    let mut steps = vec![begin(0, 0, 30), Step::Run(0), Step::Pass(26 * 60_000)];
    // The one is registered, written and confirmed, and has looked at both sessions.
    steps.push(begin(1, 1, 30));
    steps.extend([meet(1); 5]);
    // The other one is registered, forgotten by the first one, and written.
    steps.extend([begin(2, 0, 7200), meet(2), meet(1), meet(2)]);
    let flavour = Flavour {
        max_sessions: 1,
        ..Flavour::default()
    };
    let desk = Desk::new();
    let run = |defect| replay(&desk, 0, &flavour, &steps, defect);
    assert!(run(Defect::None).is_ok());
    let (violation, _) = run(Defect::NoGuard).unwrap_err();
    assert_eq!(violation.kind, Kind::Unregistered, "{violation}");
}

#[test]
fn the_model_finds_sessions_that_are_forgotten_before_they_are_written() {
    is_found(Defect::Young, with_one_session, &[Kind::Unregistered]);
}
