//! The conformance suite of the core, on the local engine, on dynalite, and on the endpoint in the environment.

use std::time::Duration;

use dynamodb_session::options::{
    EncryptionKey, EncryptionMode, EncryptionOptions, HashIds, Layout, ParallelChanges,
    TableOptions,
};
use dynamodb_session::{Builder, SessionStore, conformance};
use dynamodb_session_local::{Builder as EngineBuilder, LocalEngine};
use serde_json::Value;

use crate::local::TempDir;
use crate::support::dynalite::Dynalite;

/// Each engine states what it cannot do, and how many cases are skipped for it.
#[expect(
    clippy::print_stdout,
    reason = "`.ci/summary` counts the skipped cases in it"
)]
async fn expect_conformance(builder: impl Fn() -> Builder, unmet: &[&str], skips: usize) {
    let report = conformance::run(builder, unmet).await.unwrap();
    println!("{report}");
    assert!(report.failed.is_empty(), "{report}");
    assert!(!report.passed.is_empty());
    assert_eq!(report.skipped.len(), skips, "{report}");
}

/// An engine that does not delete expired items, because the suite counts them.
fn engine() -> EngineBuilder {
    LocalEngine::builder().sweep_every(Duration::ZERO)
}

fn local(url: &str) -> Builder {
    SessionStore::builder().region("local").endpoint_url(url)
}

#[tokio::test]
async fn dynoxide_in_memory() {
    let engine = engine().start().unwrap();
    expect_conformance(|| local(engine.url()), &[], 0).await;
}

#[tokio::test]
async fn dynoxide_with_saves_that_overwrite_each_other() {
    let engine = engine().start().unwrap();
    let builder = || local(engine.url()).parallel_changes(ParallelChanges::Overwrite);
    expect_conformance(builder, &["merge"], 10).await;
}

#[tokio::test]
async fn dynoxide_with_items_of_another_package() {
    let engine = engine().start().unwrap();
    for layout in [Layout::DynamodbStore, Layout::TowerSessionsDynamodbStore] {
        expect_conformance(|| local(engine.url()).layout(layout), &[], 0).await;
    }
}

/// The cases that look into the attributes of a session, or change them, are left out, and so are those of the size
/// limit where sessions are compressed.
#[tokio::test]
async fn dynoxide_with_sealed_sessions() {
    let engine = engine().start().unwrap();
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    let sealed = |mode| EncryptionOptions::new([key.clone()]).mode(mode).pad(64);
    for compress in [false, true] {
        let all: &[&str] = if compress { &["size-limit"] } else { &[] };
        for (mode, unmet) in [
            (EncryptionMode::On, [all, &["plain-items"]].concat()),
            (EncryptionMode::Read, all.to_vec()),
        ] {
            let builder = || {
                let builder = local(engine.url()).compress(compress);
                builder.encryption(sealed(mode))
            };
            expect_conformance(builder, &unmet, cases_that_need(&unmet)).await;
        }
    }
    let builder = || {
        let builder = local(engine.url()).layout(Layout::DynamodbStore);
        builder.encryption(sealed(EncryptionMode::On))
    };
    expect_conformance(builder, &["plain-items"], cases_that_need(&["plain-items"])).await;
}

/// In the modes with two keys, the suite puts its own items under the key that new sessions do not have.
#[tokio::test]
async fn dynoxide_with_hashed_ids() {
    let engine = engine().start().unwrap();
    for mode in [HashIds::Read, HashIds::On, HashIds::Only] {
        let builder = || {
            let options = TableOptions::default().hash_ids(mode);
            local(engine.url()).table_options(options)
        };
        expect_conformance(builder, &[], 0).await;
    }
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    let builder = || {
        let builder = local(engine.url()).encryption(EncryptionOptions::new([key.clone()]));
        builder.table_options(TableOptions::default().hash_ids(HashIds::On))
    };
    expect_conformance(builder, &["plain-items"], cases_that_need(&["plain-items"])).await;
}

#[tokio::test]
async fn dynoxide_in_a_file() {
    let directory = TempDir::new();
    let engine = engine()
        .data_file(directory.path().join("sessions.db"))
        .start()
        .unwrap();
    expect_conformance(|| local(engine.url()), &[], 0).await;
}

#[tokio::test]
async fn dynalite() {
    let engine = Dynalite::start();
    // dynalite drops `__proto__` attributes, and counts characters where DynamoDB counts bytes.
    expect_conformance(|| local(&engine.url()), &["proto-keys"], 1).await;
}

/// `make test-endpoint`: any DynamoDB API, with the Region and the credentials of the environment.
#[tokio::test]
#[ignore = "needs DYNAMODB_ENDPOINT: run by make test-endpoint"]
async fn the_endpoint_in_the_environment() {
    let endpoint =
        std::env::var("DYNAMODB_ENDPOINT").expect("DYNAMODB_ENDPOINT names the endpoint to test");
    let builder = || {
        let builder = SessionStore::builder().endpoint_url(&endpoint);
        if std::env::var("AWS_REGION").is_ok() {
            builder
        } else {
            builder.region("local")
        }
    };
    // What the endpoint cannot do, such as `proto-keys`, separated by commas.
    let unmet = std::env::var("CONFORMANCE_UNMET").unwrap_or_default();
    let unmet: Vec<&str> = unmet.split(',').filter(|need| !need.is_empty()).collect();
    expect_conformance(builder, &unmet, cases_that_need(&unmet)).await;
}

fn cases_that_need(needs: &[&str]) -> usize {
    let cases: Vec<Value> = serde_json::from_str(conformance::CASES).unwrap();
    let needs_one = |case: &&Value| {
        let mut of_case = case["needs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        of_case.any(|need| needs.contains(&need))
    };
    cases.iter().filter(needs_one).count()
}
