//! Compares the protocol with a simple model: several callers of one session id, interleavings of their attempts, and a
//! network that loses, delays and repeats. There are two ways:
//!
//! * Random cases, long and of every setting. A case comes from a seed. One that fails is made as short as possible. It
//!   is printed with its events, and with the command that repeats it. `make test` has the same cases each time;
//!   `MODEL_CASES` draws this number of new ones, `MODEL_SEED` runs only that case.
//! * A search of all interleavings of a few calls. `MODEL_STATES` bounds the states of each.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use dynamodb_session::SessionText;
use fastrand::Rng;
use serde_json::Value;

use call::Form;
use case::{CALLERS, Flavour, Step};
use monitor::{Kind, Violation};
use network::{Defect, Network};
use run::{Run, Tally};
use search::{
    Bounds, CREATE, CREATE_OR_MERGE, DELETE, DELETE_ID, Op, PUT, Scenario, TOUCH, save, search,
};

mod call;
mod case;
mod monitor;
mod network;
mod run;
mod search;
mod users;

const DEFAULT_CASES: u64 = 1500;

const DEFAULT_STATES: usize = 200;

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
    let mut run = Run::<D>::new(network, &flavour, &configured, weakness.defect, true);
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
            let trace = run.trace.unwrap_or_default();
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
        let mut run = Run::<D>::new(network, flavour, &configured, weakness.defect, true);
        let result = steps
            .iter()
            .try_for_each(|step| run.take(*step))
            .and_then(|()| run.finish());
        result.map_err(|violation| (violation, run.trace.unwrap_or_default()))
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
    case::shrink(
        &mut flavour,
        &mut steps,
        Flavour::plainer,
        |flavour, steps| match replay(network, flavour, steps, weakness) {
            Err(found) if found.0.kind == shortest.0.kind => {
                shortest = found;
                true
            }
            _ => false,
        },
    );
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
const SEEN: [&str; 27] = [
    "written",
    "refused",
    "loaded",
    "missed",
    "deleted",
    "failed",
    "skipped",
    "given up",
    "arrived late",
    "deleted by TTL",
    "legacy items",
    "sealed items",
    "items with the other key",
    "buried",
    "waited for another save",
    "AnswerLost",
    "Throttled",
    "Crashed",
    "Late",
    "CreateOrMerge",
    "Touch",
    "Create",
    "Put",
    "Save",
    "Delete",
    "DeleteId",
    "Load",
];

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the result includes the number of cases"
)]
fn acknowledged_writes_stay_and_deleted_sessions_stay_deleted() {
    let (seed, cases) = (of_environment("MODEL_SEED"), of_environment("MODEL_CASES"));
    // The same cases each time, unless a number of them is given.
    let start = seed.unwrap_or_else(|| cases.map_or(0, |_| fastrand::u64(..)));
    let cases = seed.map_or(cases.unwrap_or(DEFAULT_CASES), |_| 1);
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
fn the_model_finds_writes_without_a_condition() {
    let defect = Defect::Unconditional;
    is_found(
        Weakness { defect, ..SOUND },
        &[Kind::Revived, Kind::Item, Kind::Answer],
    );
}

#[test]
fn the_model_finds_lost_updates() {
    let weakness = Weakness {
        defect: Defect::None,
        misconfigure: |flavour| flavour.overwrites = true,
        only: |flavour| flavour.overwrites = false,
    };
    is_found(weakness, &[Kind::Item, Kind::Answer]);
}

#[test]
fn the_model_finds_writes_that_were_not_executed() {
    let defect = Defect::Forgotten;
    is_found(Weakness { defect, ..SOUND }, &[Kind::Answer, Kind::Item]);
}

#[test]
fn the_model_finds_expired_sessions_that_are_returned() {
    let defect = Defect::Undying;
    is_found(Weakness { defect, ..SOUND }, &[Kind::Load]);
}

#[test]
fn the_model_finds_touches_that_should_not_have_been_skipped() {
    let weakness = Weakness {
        defect: Defect::None,
        misconfigure: |flavour| flavour.touch_after = Some(50_000),
        only: |flavour| flavour.touch_after = Some(2000),
    };
    is_found(weakness, &[Kind::Answer, Kind::Item]);
}

#[test]
fn a_reported_failure_is_short() {
    let defect = Defect::Undying;
    let failure = is_found(Weakness { defect, ..SOUND }, &[Kind::Load]);
    assert!(failure.steps.len() <= 6, "{}", report(0, &failure));
}

const fn after(op: Op, after: &'static [usize]) -> Op {
    Op { after, ..op }
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "two saves",
        has_session: true,
        ops: &[save(&[(0, 11), (1, 12)]), save(&[(0, 21)])],
    },
    Scenario {
        name: "three saves",
        has_session: true,
        ops: &[
            save(&[(0, 11), (1, 12)]),
            save(&[(0, 21), (2, 22)]),
            save(&[(1, 31)]),
        ],
    },
    Scenario {
        name: "two saves and a sign-out",
        has_session: true,
        ops: &[save(&[(0, 11)]), save(&[(1, 21)]), DELETE],
    },
    Scenario {
        name: "a save, a touch, a sign-out",
        has_session: true,
        ops: &[save(&[(0, 11)]), TOUCH, DELETE],
    },
    Scenario {
        name: "two sign-outs and a create",
        has_session: true,
        ops: &[DELETE, DELETE_ID, CREATE],
    },
    Scenario {
        name: "a create and a sign-out",
        has_session: false,
        ops: &[CREATE, DELETE],
    },
    Scenario {
        name: "a create, a sign-out, and a later create",
        has_session: false,
        ops: &[CREATE_OR_MERGE, DELETE, after(CREATE, &[1])],
    },
    Scenario {
        name: "a save, a sign-out, and a later create",
        has_session: true,
        ops: &[save(&[(0, 11)]), DELETE, after(CREATE, &[1])],
    },
    Scenario {
        name: "a write of an object that was not loaded, a save and a sign-out",
        has_session: true,
        ops: &[PUT, save(&[(0, 11)]), DELETE_ID],
    },
    Scenario {
        name: "two creates and a sign-out",
        has_session: false,
        ops: &[CREATE, CREATE_OR_MERGE, DELETE],
    },
    Scenario {
        name: "a save, a touch and a save",
        has_session: true,
        ops: &[save(&[(0, 11)]), TOUCH, save(&[(0, 21)])],
    },
];

/// What the search tries in each of the scenarios.
fn flavours() -> Vec<(&'static str, Flavour)> {
    let plain = Flavour::default;
    vec![
        ("plain", plain()),
        (
            "legacy item",
            Flavour {
                is_legacy: true,
                ..plain()
            },
        ),
        (
            "JSON text",
            Flavour {
                is_connect: true,
                ..plain()
            },
        ),
        (
            "without UpdateItem",
            Flavour {
                is_update_denied: true,
                ..plain()
            },
        ),
        (
            "without the item that was met",
            Flavour {
                shows_no_item: true,
                ..plain()
            },
        ),
        (
            "one process",
            Flavour {
                together: CALLERS,
                ..plain()
            },
        ),
        (
            "with an expiry unit",
            Flavour {
                has_unit: true,
                ..plain()
            },
        ),
        (
            "two keys",
            Flavour {
                has_two_keys: true,
                ..plain()
            },
        ),
        (
            "sealed, with an expiry unit",
            Flavour {
                is_sealed: true,
                has_unit: true,
                ..plain()
            },
        ),
    ]
}

/// Does this for each of the jobs, on several threads, each with its own engine.
fn for_each<T: Sync>(jobs: &[T], job: impl Fn(&Network, &T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let network = Network::new();
                while let Some(one) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    job(&network, one);
                }
            });
        }
    });
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the result includes the number of states"
)]
fn every_order_of_a_few_calls_keeps_the_promises() {
    let bounds = match of_environment("MODEL_STATES") {
        Some(states) => Bounds {
            attempts: 3,
            late: 2,
            states: usize::try_from(states).unwrap(),
        },
        None => Bounds {
            attempts: 2,
            late: 1,
            states: DEFAULT_STATES,
        },
    };
    let jobs: Vec<_> = SCENARIOS
        .iter()
        .flat_map(|scenario| {
            flavours()
                .into_iter()
                .map(move |flavour| (scenario, flavour))
        })
        .collect();
    for_each(&jobs, |network, (scenario, (setting, flavour))| {
        let name = scenario.name;
        match search(network, scenario, flavour, Defect::None, bounds) {
            Ok(searched) => {
                let all = if searched.is_complete {
                    "all"
                } else {
                    "the first"
                };
                println!("model: {name}, {setting}: {all} {} states", searched.states);
            }
            Err(path) => {
                let trace = path.trace.join("\n  ");
                panic!("{name}, {setting}: {}\n  {trace}", path.violation);
            }
        }
    });
}

/// Each rule that is left out, and a scenario in which that shows.
const DEFECTS: [(Defect, &str); 7] = [
    (Defect::Unconditional, "two saves"),
    (Defect::NoRev, "two saves"),
    (Defect::NoCreated, "a save, a sign-out, and a later create"),
    (Defect::NoGone, "a save, a touch, a sign-out"),
    (Defect::NoExpiry, "a save, a touch and a save"),
    (Defect::NoTombstone, "a create and a sign-out"),
    (Defect::NoChain, "a create, a sign-out, and a later create"),
];

#[test]
fn the_search_finds_each_rule_that_is_left_out() {
    let bounds = Bounds {
        attempts: 2,
        late: 1,
        states: 20_000,
    };
    let jobs =
        [false, true].map(|is_sealed| DEFECTS.map(|(defect, name)| (defect, name, is_sealed)));
    for_each(jobs.as_flattened(), |network, (defect, name, is_sealed)| {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == *name);
        let scenario = scenario.expect("a scenario of this name");
        let flavour = Flavour {
            is_sealed: *is_sealed,
            ..Flavour::default()
        };
        let found = search(network, scenario, &flavour, *defect, bounds);
        assert!(
            found.is_err(),
            "{defect:?} was not found in {name:?}, sealed: {is_sealed}"
        );
    });
}
