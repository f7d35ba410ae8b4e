//! Runs every target over its committed corpus, so that the findings of the fuzzer stay fixed and the targets keep
//! working.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use dynamodb_session_fuzz::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(directory: &Path) -> BTreeSet<String> {
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| stem(entry.unwrap().path()))
        .collect()
}

#[test]
fn every_target_has_a_file_and_a_corpus() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), targets);
    assert_eq!(names(&fuzz().join("corpus")), targets);
}

fn holds(target: &str) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let corpus = fuzz().join("corpus").join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        assert!(catch_unwind(|| run(&input)).is_ok(), "{}", path.display());
        inputs += 1;
    }
    assert!(inputs > 0);
}

#[test]
fn answer() {
    holds("answer");
}

#[test]
fn http() {
    holds("http");
}

#[test]
fn item() {
    holds("item");
}

#[test]
fn options() {
    holds("options");
}

#[test]
fn sealed() {
    holds("sealed");
}

#[test]
fn session() {
    holds("session");
}

#[test]
fn tower_row() {
    holds("tower_row");
}
