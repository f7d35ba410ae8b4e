//! Lost answers, a table without capacity, and a run that is interrupted.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use dynamodb_session::options::RetryOptions;
use dynamodb_session::table::TableSettings;
use dynamodb_session::transport::IncompleteReason;
use dynamodb_session::{ErrorKind, NewSession, SaveOptions, TouchOptions};
use dynamodb_session_faults::{FaultServer, SECRET, Step};

use super::*;

fn throttled() -> Fate {
    refusal("ProvisionedThroughputExceededException", "slow down")
}

/// A table with the session `a` of the old key, and a store with a new key.
async fn scene() -> (World, SessionStore) {
    let world = World::new();
    let old = world.open(world.encrypting()).await;
    koa_session(&old, "a").await;
    world.tap.calls();
    let builder = world.builder().encryption(with_keys(&["k2", "k1"]));
    let store = builder.build().unwrap();
    (world, store)
}

#[tokio::test]
async fn a_lost_answer_is_no_second_write() {
    for (fate, came) in [
        // The repetition meets what the first attempt wrote.
        (Fate::AnswerLost, "right"),
        (Fate::Lost(IncompleteReason::Broken), "rewritten"),
    ] {
        let (world, store) = scene().await;
        world.tap.script([Fate::Pass, fate]);
        let done = reencrypt(&store).await;
        let found = if done.right == 1 {
            "right"
        } else {
            "rewritten"
        };
        assert_eq!((found, done.keys["k2"]), (came, 1));
        let operations = world.tap.operations();
        assert_eq!(operations, ["Scan", "UpdateItem", "UpdateItem", "GetItem"]);
        let data = load(&process(&world, with_keys(&["k2"])), "a").await.data;
        assert_eq!(data["name"], "a");
    }
}

#[tokio::test]
async fn engines_that_do_not_show_the_item_are_asked_for_it() {
    let (world, store) = scene().await;
    let visitor = process(&world, with_keys(&["k1", "k2"]));
    world.tap.script([Fate::Slow, Fate::NoItem]);
    let (done, ()) = tokio::join!(reencrypt(&store), async {
        world.tap.held().await;
        let loaded = load(&visitor, "a").await;
        let mut data = loaded.data.clone();
        data["saved"] = json!(1);
        let options = crate::support::until(now() + 60 * MINUTE).framework(&KOA);
        let _ = saved(visitor.save(&loaded, &data, &options).await);
        world.tap.release();
    });
    assert_eq!(done.rewritten, 1);
    let operations = world.tap.operations();
    assert_eq!(
        operations,
        ["Scan", "UpdateItem", "GetItem", "UpdateItem", "GetItem"]
    );
    let data = load(&process(&world, with_keys(&["k2"])), "a").await.data;
    assert_eq!(data["saved"], 1);
}

#[tokio::test]
async fn a_table_without_capacity_is_waited_for() {
    let (world, _) = scene().await;
    let once = RetryOptions::default().max_attempts(1);
    let builder = world.builder().encryption(with_keys(&["k2", "k1"]));
    let store = builder.retry_options(once.base_backoff(Duration::ZERO));
    let store = store.build().unwrap();
    let refusals = (0..6).map(|_| throttled());
    world.tap.script(refusals.chain([Fate::Pass]));
    world.tap.script((0..6).map(|_| throttled()));
    assert_eq!(reencrypt(&store).await.rewritten, 1);
    assert_eq!(keys_of(&world, "a"), ["k2", "k2"]);

    // Not for ever.
    let back = process(&world, with_keys(&["k1", "k2"]));
    assert_eq!(reencrypt(&back).await.rewritten, 1);
    world.tap.script([Fate::Pass]);
    world.tap.script((0..20).map(|_| throttled()));
    let error = store.reencrypt(&ReencryptOptions::default()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Throttled);
    assert_eq!(keys_of(&world, "a"), ["k1", "k1"]);
}

#[tokio::test]
async fn an_error_of_the_service_ends_it_and_the_next_run_goes_on() {
    let (world, store) = scene().await;
    koa_session(&process(&world, with_keys(&["k1"])), "b").await;
    let denied = || refusal("AccessDeniedException", "not allowed");
    world.tap.script([Fate::Pass]);
    world.tap.script((0..4).map(|_| denied()));
    let error = store.reencrypt(&ReencryptOptions::default()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::AccessDenied);
    assert_eq!(reencrypt(&store).await.rewritten, 2);
}

const SESSIONS: usize = 60;

/// A store at this URL of a fault server.
fn store_at(url: &str, keys: &[&str]) -> SessionStore {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "KEY"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let builder = SessionStore::builder()
        .environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .region("eu-central-1")
        .endpoint_url(url)
        .encryption(with_keys(keys));
    let retries = RetryOptions::default().base_backoff(Duration::from_millis(1));
    builder.retry_options(retries).build().unwrap()
}

/// A store at a fault server, whose table has many sessions of the old key.
async fn at_fault_server() -> (FaultServer, SessionStore) {
    let server = FaultServer::start().unwrap();
    let url = server.urls().http.clone();
    let old = store_at(&url, &["k1"]);
    let settings = TableSettings::default();
    old.table().create_if_missing(&settings).await.unwrap();
    for n in 0..SESSIONS {
        let session = NewSession::new(id(&n.to_string()), json!({ "n": n }));
        let _ = old.put(&session).await.unwrap();
    }
    server.log();
    let store = store_at(&url, &["k2", "k1"]);
    (server, store)
}

async fn assert_all_open(store: &SessionStore) {
    for n in 0..SESSIONS {
        assert_eq!(load(store, &n.to_string()).await.data, json!({ "n": n }));
    }
    let counted = count_only(store).await;
    assert_eq!(shown(&counted).3, [("k2", SESSIONS as u64)]);
}

/// So many steps, of which most are faults.
fn faults(count: usize) -> impl Iterator<Item = Step> {
    let faults = [
        Step::ResetAfter,
        Step::Pass,
        Step::ResetBefore,
        Step::Truncated,
        Step::Pass,
        Step::error("ThrottlingException"),
        Step::Malformed,
        Step::WrongCrc32,
        Step::Pass,
        Step::Error {
            code: "InternalServerError".to_owned(),
            status: 500,
            message: String::new(),
        },
    ];
    faults.into_iter().cycle().take(count)
}

#[tokio::test]
async fn faults_of_the_network_lose_no_session() {
    let (server, store) = at_fault_server().await;
    // The scan comes through.
    server.script([Step::Pass].into_iter().chain(faults(60)));
    let mut runs = 0;
    loop {
        runs += 1;
        assert!(runs < 10);
        match store.reencrypt(&ReencryptOptions::default()).await {
            Ok(done) if done.rewritten == 0 => break,
            // So many faults can use up the retries.
            _ => {}
        }
    }
    assert!(server.log().entries.len() > SESSIONS + 20);
    assert_all_open(&store).await;
}

#[tokio::test]
async fn killed_in_the_middle_and_run_again() {
    let (server, store) = at_fault_server().await;
    let mut seen = 0;
    for requests in [1, 9, 14, 10] {
        let options = ReencryptOptions::default();
        tokio::select! {
            done = store.reencrypt(&options) => panic!("it was not killed: {done:?}"),
            () = server.received(requests) => {}
        }
        server.log();
        let left = count_only(&store).await;
        assert_eq!(left.sessions, SESSIONS as u64);
        let done = left.keys.get("k2").copied().unwrap_or_default();
        assert!(
            done >= seen && done < SESSIONS as u64,
            "{done} after {seen}"
        );
        seen = done;
        server.log();
    }
    assert!(seen > 20, "{seen}");
    let done = reencrypt(&store).await;
    assert_eq!((done.rewritten + seen, done.right), (SESSIONS as u64, seen));
    assert_all_open(&store).await;
}

/// The faults are those of the program; visitors have none.
#[tokio::test]
async fn with_visitors_meanwhile() {
    const TURNS: usize = 4;
    let (server, store) = at_fault_server().await;
    let visitor = store_at(&server.urls().engine, &["k1", "k2"]);
    let later = visitor.now() + Duration::from_hours(100);
    let is_over = AtomicBool::new(false);
    let runs = async {
        let (mut rounds, mut errors) = (0, 0);
        while !is_over.load(Relaxed) {
            server.script([Step::Pass].into_iter().chain(faults(40)));
            let done = store.reencrypt(&ReencryptOptions::default()).await;
            rounds += 1;
            errors += u32::from(done.is_err());
        }
        server.script([]);
        (rounds, errors)
    };
    let visits = async {
        for turn in 0..TURNS {
            for n in 0..SESSIONS {
                let loaded = load(&visitor, &n.to_string()).await;
                tokio::task::yield_now().await;
                if n % 5 == 0 {
                    if turn == TURNS - 1 {
                        visitor.delete(&loaded).await.unwrap();
                    }
                } else if n % 5 == 1 {
                    let options = TouchOptions::default().expires_at(later);
                    let _ = saved(visitor.touch(&loaded, &options).await);
                } else {
                    let mut data = loaded.data.clone();
                    data[format!("turn{turn}")] = json!(n);
                    let options = SaveOptions::default().expires_at(later);
                    let _ = saved(visitor.save(&loaded, &data, &options).await);
                }
            }
        }
        is_over.store(true, Relaxed);
    };
    let ((rounds, errors), ()) = tokio::join!(runs, visits);
    let done = reencrypt(&store).await;
    let left = (SESSIONS - SESSIONS / 5) as u64;
    assert_eq!(shown(&done).3, [("k2", left)], "after {errors} errors");
    assert!(rounds > 2, "{rounds}");
    let last = store_at(&server.urls().engine, &["k2"]);
    for n in 0..SESSIONS {
        let found = last.load::<Value>(&id(&n.to_string())).await.unwrap();
        if n % 5 == 0 {
            assert_eq!(found, None);
            continue;
        }
        let found = found.unwrap();
        let mut expected = json!({ "n": n });
        for turn in (0..TURNS).filter(|_| n % 5 > 1) {
            expected[format!("turn{turn}")] = json!(n);
        }
        assert_eq!(found.data, expected);
        let expires_at = found.expires_at.unwrap();
        assert!(expires_at >= later && expires_at < later + Duration::from_secs(1));
    }
}
