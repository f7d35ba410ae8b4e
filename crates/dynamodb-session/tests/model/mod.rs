//! Compares the protocol with a simple model: several callers, a few session ids, random interleavings of their
//! attempts, and a network that loses, delays and repeats.
//!
//! A case comes from a seed. A case that fails is made as short as possible. It is printed with its events, and with
//! the command that repeats it. `MODEL_CASES` sets the number of cases, `MODEL_SEED` runs only that case.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use dynamodb_session::SessionText;
use fastrand::Rng;
use serde_json::Value;

use case::{Flavour, Step};
use network::{Defect, Network};
use oracle::{Kind, Violation};
use run::{Form, Run, Tally};

mod case;
mod network;
mod oracle;
mod run;

const DEFAULT_CASES: u64 = 4000;

/// The number of steps of a case.
const STEPS: std::ops::Range<usize> = 10..70;

/// A deliberate fault in the store or in its network, which the model must find.
#[derive(Clone, Copy)]
struct Weakness {
    defect: Defect,
    /// Changes the settings of the store, but not those of the model.
    misconfigure: fn(&mut Flavour),
    /// Restricts the cases to those in which the fault shows.
    only: fn(&mut Flavour),
}

const SOUND: Weakness = Weakness {
    defect: Defect::None,
    misconfigure: |_| {},
    only: |_| {},
};

struct Failure {
    flavour: Flavour,
    steps: Vec<Step>,
    violation: Violation,
    trace: Vec<String>,
}

/// Makes a case from a seed and runs it.
fn run_case(network: &Network, seed: u64, weakness: Weakness) -> Result<Tally, Box<Failure>> {
    let mut rng = Rng::with_seed(seed);
    let mut flavour = Flavour::any(&mut rng);
    (weakness.only)(&mut flavour);
    if flavour.is_text {
        explore::<SessionText>(network, flavour, weakness, &mut rng)
    } else {
        explore::<Value>(network, flavour, weakness, &mut rng)
    }
}

fn explore<D: Form>(
    network: &Network,
    flavour: Flavour,
    weakness: Weakness,
    rng: &mut Rng,
) -> Result<Tally, Box<Failure>> {
    let mut configured = flavour.clone();
    (weakness.misconfigure)(&mut configured);
    let mut run = Run::<D>::new(network, &flavour, &configured, weakness.defect);
    let mut steps = Vec::new();
    let mut taken = Ok(());
    for _ in 0..rng.usize(STEPS) {
        let step = case::any_step(rng, &flavour, |caller| run.situation(caller), run.late());
        steps.push(step);
        taken = run.take(step);
        if taken.is_err() {
            break;
        }
    }
    match taken.and_then(|()| run.finish()) {
        Ok(()) => Ok(run.tally),
        Err(violation) => {
            let trace = run.trace;
            Err(Box::new(Failure {
                flavour,
                steps,
                violation,
                trace,
            }))
        }
    }
}

/// Runs the steps of an earlier case again.
fn replay(
    network: &Network,
    flavour: &Flavour,
    steps: &[Step],
    weakness: Weakness,
) -> Result<(), (Violation, Vec<String>)> {
    fn go<D: Form>(
        network: &Network,
        flavour: &Flavour,
        steps: &[Step],
        weakness: Weakness,
    ) -> Result<(), (Violation, Vec<String>)> {
        let mut configured = flavour.clone();
        (weakness.misconfigure)(&mut configured);
        let mut run = Run::<D>::new(network, flavour, &configured, weakness.defect);
        let result = steps
            .iter()
            .try_for_each(|step| run.take(*step))
            .and_then(|()| run.finish());
        result.map_err(|violation| (violation, run.trace))
    }
    if flavour.is_text {
        go::<SessionText>(network, flavour, steps, weakness)
    } else {
        go::<Value>(network, flavour, steps, weakness)
    }
}

/// Shortens a failure: finds fewer steps and simpler settings that cause the same violation.
fn shrunk(network: &Network, failure: Failure, weakness: Weakness) -> Failure {
    let Failure {
        mut flavour,
        mut steps,
        violation,
        trace,
    } = failure;
    let mut shortest = (violation, trace);
    case::shrink(&mut flavour, &mut steps, |flavour, steps| {
        match replay(network, flavour, steps, weakness) {
            Err(found) if found.0.kind == shortest.0.kind => {
                shortest = found;
                true
            }
            _ => false,
        }
    });
    let (violation, trace) = shortest;
    Failure {
        flavour,
        steps,
        violation,
        trace,
    }
}

fn report(seed: u64, failure: &Failure) -> String {
    let mut report = format!("{}\n{:?}\n", failure.violation, failure.flavour);
    for line in &failure.trace {
        writeln!(report, "  {line}").expect("writing to a string cannot fail");
    }
    let steps = failure.steps.len();
    report
        + &format!(
            "{steps} steps. To repeat: MODEL_SEED={seed} cargo test -p dynamodb-session --test it model::"
        )
}

/// Runs cases on several threads, each with its own engine, until one fails.
fn run_cases(
    seeds: impl Fn(u64) -> u64 + Sync,
    cases: u64,
    weakness: Weakness,
) -> Result<Tally, (u64, Box<Failure>)> {
    let next = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let found = Mutex::new(None);
    let total = Mutex::new(Tally::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let network = Network::new();
                loop {
                    let case = next.fetch_add(1, Ordering::Relaxed);
                    if case >= cases || is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let seed = seeds(case);
                    match run_case(&network, seed, weakness) {
                        Ok(tally) => {
                            let mut total = total.lock().unwrap();
                            for (what, count) in tally {
                                *total.entry(what).or_default() += count;
                            }
                        }
                        Err(failure) => {
                            is_over.store(true, Ordering::Relaxed);
                            let failure = shrunk(&network, *failure, weakness);
                            found.lock().unwrap().get_or_insert((seed, failure));
                        }
                    }
                }
            });
        }
    });
    match found.into_inner().unwrap() {
        Some((seed, failure)) => Err((seed, Box::new(failure))),
        None => Ok(total.into_inner().unwrap()),
    }
}

fn of_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} must be a number, not {value:?}")),
    )
}

/// Events that every long run must include. Without them, it would not have tested anything.
const SEEN: [&str; 23] = [
    "written",
    "written in parts",
    "gone",
    "taken",
    "created",
    "loaded",
    "missed",
    "deleted",
    "failed",
    "skipped",
    "given up",
    "arrived late",
    "deleted by TTL",
    "legacy rows",
    "AnswerLost",
    "Throttled",
    "Crashed",
    "Replace",
    "CreateOrMerge",
    "Touch",
    "Create",
    "Put",
    "Save",
];

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the result includes the number of cases"
)]
fn acknowledged_writes_stay_and_deleted_sessions_stay_deleted() {
    let given = of_environment("MODEL_SEED");
    let start = given.unwrap_or_else(|| fastrand::u64(..));
    let cases = if given.is_some() {
        1
    } else {
        of_environment("MODEL_CASES").unwrap_or(DEFAULT_CASES)
    };
    match run_cases(|case| start.wrapping_add(case), cases, SOUND) {
        Ok(tally) => {
            println!("model: {cases} cases, {tally:?}");
            if cases >= 500 {
                for what in SEEN {
                    assert!(tally.contains_key(what), "never happened: {what}");
                }
            }
        }
        Err((seed, failure)) => panic!("{}", report(seed, &failure)),
    }
}

/// Checks that the model finds this fault.
fn is_found(weakness: Weakness, kinds: &[Kind]) -> Failure {
    const ENOUGH: u64 = 300;
    match run_cases(|case| case, ENOUGH, weakness) {
        Ok(tally) => panic!("not found in {ENOUGH} cases: {tally:?}"),
        Err((seed, failure)) => {
            assert!(
                kinds.contains(&failure.violation.kind),
                "another thing was found: {}",
                report(seed, &failure)
            );
            *failure
        }
    }
}

#[test]
fn the_model_finds_sessions_that_come_back() {
    let defect = Defect::Unconditional;
    is_found(
        Weakness { defect, ..SOUND },
        &[Kind::Resurrected, Kind::Overwritten, Kind::Lost],
    );
}

#[test]
fn the_model_finds_writes_to_another_session_of_the_id() {
    let defect = Defect::PresenceAlone;
    is_found(Weakness { defect, ..SOUND }, &[Kind::Resurrected]);
}

#[test]
fn the_model_finds_lost_updates() {
    let weakness = Weakness {
        defect: Defect::None,
        misconfigure: |flavour| flavour.overwrites = true,
        only: |flavour| {
            flavour.overwrites = false;
            flavour.is_update_denied = false;
        },
    };
    is_found(weakness, &[Kind::Lost]);
}

#[test]
fn the_model_finds_writes_that_were_not_executed() {
    let defect = Defect::Forgotten;
    is_found(Weakness { defect, ..SOUND }, &[Kind::Lost]);
}

#[test]
fn the_model_finds_expired_sessions_that_are_returned() {
    let defect = Defect::Undying;
    is_found(Weakness { defect, ..SOUND }, &[Kind::Undead]);
}

#[test]
fn the_model_finds_touches_that_should_not_have_been_skipped() {
    let weakness = Weakness {
        defect: Defect::None,
        misconfigure: |flavour| flavour.touch_after = Some(50_000),
        only: |flavour| flavour.touch_after = Some(2000),
    };
    is_found(weakness, &[Kind::Lost]);
}

#[test]
fn the_model_finds_a_first_attempt_that_is_not_recognised() {
    let weakness = Weakness {
        defect: Defect::Disguised,
        misconfigure: |_| {},
        // An item that is not shown is read instead, which works.
        only: |flavour| flavour.shows_no_item = false,
    };
    is_found(weakness, &[Kind::WrongAnswer, Kind::Dropped]);
}

#[test]
fn the_model_finds_callers_that_do_not_get_the_created() {
    let weakness = Weakness {
        defect: Defect::Silent,
        misconfigure: |_| {},
        only: |flavour| flavour.is_legacy = true,
    };
    is_found(weakness, &[Kind::WrongAnswer]);
}

#[test]
fn a_reported_failure_is_short() {
    let defect = Defect::Undying;
    let failure = is_found(Weakness { defect, ..SOUND }, &[Kind::Undead]);
    assert!(failure.steps.len() <= 6, "{}", report(0, &failure));
}
