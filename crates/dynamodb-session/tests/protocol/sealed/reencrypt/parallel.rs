//! Requests of visitors while sessions are written anew: they win, or are kept.

use std::time::SystemTime;

use dynamodb_session::{Loaded, SaveOutcome};

use super::*;
use crate::support::{MS, Tap, until};

/// A table with the session `a` of the old key, and a store with a new key whose requests can be held.
async fn scene() -> (World, SessionStore, SessionStore, Tap) {
    let world = World::new();
    let old = world.open(world.encrypting()).await;
    koa_session(&old, "a").await;
    let tap = world.other_tap();
    let builder = world.builder().transport(tap.clone());
    let store = builder
        .encryption(with_keys(&["k2", "k1"]))
        .build()
        .unwrap();
    let visitor = process(&world, with_keys(&["k1", "k2"]));
    (world, store, visitor, tap)
}

/// What a visitor does between the scan and the write.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Visit {
    Save,
    Touch,
    Shorten,
    SignOut,
    SignInAgain,
    Reencrypt,
    Expire,
}

const VISITS: [Visit; 7] = [
    Visit::Save,
    Visit::Touch,
    Visit::Shorten,
    Visit::SignOut,
    Visit::SignInAgain,
    Visit::Reencrypt,
    Visit::Expire,
];

async fn visit(world: &World, visitor: &SessionStore, visit: Visit) {
    let loaded = load(visitor, "a").await;
    let change = |field: &str, value: Value| {
        let mut data = loaded.data.clone();
        data[field] = value;
        data
    };
    match visit {
        Visit::Save => {
            let options = until(now() + 60 * MINUTE).framework(&KOA);
            let data = change("saved", json!(1));
            let _ = saved(visitor.save(&loaded, &data, &options).await);
        }
        Visit::Touch => koa_touch(visitor, "a", 90).await,
        Visit::Shorten => {
            let options = until(now() + 10 * MINUTE).framework(&KOA);
            let data = change("_maxAge", json!(600));
            let _ = saved(visitor.save(&loaded, &data, &options).await);
        }
        Visit::SignOut => visitor.delete(&loaded).await.unwrap(),
        Visit::SignInAgain => {
            visitor.delete(&loaded).await.unwrap();
            world.clock.advance(MS);
            let session = new_session("a", json!({ "new": 1 }), 60 * MINUTE);
            let _ = visitor.create(&session).await.unwrap();
        }
        Visit::Reencrypt => {
            let other = process(world, with_keys(&["k2", "k1"]));
            assert_eq!(reencrypt(&other).await.rewritten, 1);
        }
        Visit::Expire => world.clock.advance(60 * MINUTE),
    }
}

#[tokio::test]
async fn between_the_scan_and_the_write() {
    for what in VISITS {
        let (world, store, visitor, tap) = scene().await;
        tap.script([Fate::Slow]);
        let (done, after) = tokio::join!(reencrypt(&store), async {
            tap.held().await;
            visit(&world, &visitor, what).await;
            let after = (
                visitor.load::<Value>(&id("a")).await.unwrap(),
                world.item("a"),
            );
            tap.release();
            after
        });
        let (loaded, item) = after;
        match what {
            Visit::SignOut | Visit::Expire => {
                assert_eq!((done.ended, loaded), (1, None), "{what:?}");
                // Neither is written.
                assert_eq!(world.item("a"), item);
            }
            Visit::Reencrypt => {
                assert_eq!(done.right, 1);
                assert_eq!(world.item("a"), item);
            }
            _ => {
                assert_eq!(done.rewritten, 1, "{what:?}");
                same_but_for_the_key(&world, &loaded.unwrap(), &item.unwrap()).await;
            }
        }
    }
}

/// The write is executed, and nobody knows: its answer is lost, and a visitor comes before it is sent again.
#[tokio::test]
async fn between_a_write_whose_answer_is_lost_and_its_repetition() {
    // The end of the session is later than that of a call.
    let is_in_time = |what: &Visit| ![Visit::Reencrypt, Visit::Expire].contains(what);
    for what in VISITS.into_iter().filter(is_in_time) {
        let (world, store, visitor, tap) = scene().await;
        tap.script([Fate::Pass, Fate::Held]);
        let (done, (loaded, item)) = tokio::join!(reencrypt(&store), async {
            tap.held().await;
            assert_eq!(keys_of(&world, "a"), ["k2", "k2"]);
            visit(&world, &visitor, what).await;
            let after = (
                visitor.load::<Value>(&id("a")).await.unwrap(),
                world.item("a"),
            );
            tap.release();
            after
        });
        if what == Visit::SignOut {
            assert_eq!((done.ended, loaded), (1, None), "{what:?}");
            assert_eq!(world.item("a"), item);
        } else {
            // The visitor's process has the old key first.
            assert_eq!(done.rewritten, 1, "{what:?}");
            same_but_for_the_key(&world, &loaded.unwrap(), &item.unwrap()).await;
        }
    }
}

/// The session is what it was, under the new key.
async fn same_but_for_the_key(world: &World, loaded: &Loaded<Value>, item: &Value) {
    assert_eq!(keys_of(world, "a"), ["k2", "k2"]);
    let last = process(world, with_keys(&["k2"]).mode(Only));
    let after = load(&last, "a").await;
    let of = |loaded: &Loaded<Value>| (loaded.data.clone(), loaded.created, loaded.expires_at);
    assert_eq!(of(&after), of(loaded));
    let now = world.item("a").unwrap();
    for attribute in ["expires", "created"] {
        assert_eq!(now[attribute], item[attribute]);
    }
}

/// Requests that began with the session as it was before are executed on what it is now.
#[tokio::test]
async fn after_the_write() {
    let later = now() + 90 * MINUTE;
    for what in ["save", "touch", "sign out"] {
        let (world, store, visitor, _) = scene().await;
        let loaded = load(&visitor, "a").await;
        assert_eq!(reencrypt(&store).await.rewritten, 1);
        let mut data = loaded.data.clone();
        match what {
            "save" => {
                data["saved"] = json!(1);
                let options = until(now() + 60 * MINUTE).framework(&KOA);
                let _ = saved(visitor.save(&loaded, &data, &options).await);
                assert_eq!(load(&store, "a").await.data, data);
            }
            "touch" => {
                data["_expire"] = json!(90);
                let options = touch_until(later).framework(&KOA, &data);
                let _ = saved(visitor.touch(&loaded, &options).await);
                let after = load(&store, "a").await;
                assert_eq!((after.data, after.expires_at), (data, Some(later)));
            }
            _ => {
                visitor.delete(&loaded).await.unwrap();
                assert_eq!(store.load::<Value>(&id("a")).await.unwrap(), None);
                assert!(world.item("a").unwrap()["gone"]["B"].is_string());
            }
        }
    }
}

/// A write that lands late, after a visitor's request, changes nothing.
#[tokio::test]
async fn a_write_that_lands_late_does_no_harm() {
    for what in VISITS {
        let (world, store, visitor, tap) = scene().await;
        assert_eq!(reencrypt(&store).await.rewritten, 1);
        let calls = tap.calls().into_iter();
        let mut writes = calls.filter(|(operation, _)| *operation == "UpdateItem");
        let (operation, write) = writes.next().unwrap();
        let (world, _, visitor) = {
            // The same session, and the write has not arrived.
            drop((world, store, visitor));
            let (other, store, visitor, _) = scene().await;
            (other, store, visitor)
        };
        // Its state has another name, so that the write is changed to demand that one.
        let write = on_state_of(&world, write);
        visit(&world, &visitor, what).await;
        let before = world.item("a");
        let was_executed = world.land(operation, &write);
        if what == Visit::Expire {
            // It was sent before the end, and moves nothing.
            assert_eq!(visitor.load::<Value>(&id("a")).await.unwrap(), None);
        } else {
            assert!(!was_executed, "{what:?}");
            assert_eq!(world.item("a"), before);
        }
    }
}

/// The write as if it had been made from what is stored now.
fn on_state_of(world: &World, mut write: Value) -> Value {
    let item = world.item("a").unwrap();
    write["ExpressionAttributeValues"][":rev"] = item["rev"].clone();
    write["ExpressionAttributeValues"][":loaded"] = item["created"].clone();
    write
}

/// Many visitors at once, while it runs again and again with one key and the other first.
#[tokio::test]
async fn under_load_nothing_is_lost_and_nobody_comes_back() {
    const SESSIONS: usize = 12;
    const VISITS: u32 = 8;
    let world = World::new();
    let old = world.open(world.encrypting()).await;
    let name = |n: usize| format!("s{n}");
    for n in 0..SESSIONS {
        koa_session(&old, &name(n)).await;
    }
    let visitors = ["k1", "k2"].map(|first| {
        let second = if first == "k1" { "k2" } else { "k1" };
        process(&world, with_keys(&[first, second]))
    });
    let running = std::sync::atomic::AtomicBool::new(true);
    let is_running = || running.load(std::sync::atomic::Ordering::Relaxed);
    let rotations = async {
        let mut rewritten = 0;
        for round in 0.. {
            if !is_running() {
                break;
            }
            rewritten += reencrypt(&visitors[round % 2]).await.rewritten;
            tokio::task::yield_now().await;
        }
        rewritten
    };
    let visits = async {
        for turn in 0..VISITS {
            for n in 0..SESSIONS {
                let store = &visitors[(n + turn as usize) % 2];
                // Each fourth one signs out in the middle, with what it loaded a moment ago.
                if n % 4 == 0 && turn > VISITS / 2 {
                    assert_eq!(store.load::<Value>(&id(&name(n))).await.unwrap(), None);
                    continue;
                }
                let loaded = load(store, &name(n)).await;
                tokio::task::yield_now().await;
                if n % 4 == 0 && turn == VISITS / 2 {
                    store.delete(&loaded).await.unwrap();
                    continue;
                }
                let mut data = loaded.data.clone();
                if n % 4 == 1 {
                    data["_expire"] = json!(60 + turn);
                    let options = touch_until(now() + (60 + turn) * MINUTE);
                    let options = options.framework(&KOA, &data);
                    let _ = saved(store.touch(&loaded, &options).await);
                } else {
                    data[format!("turn{turn}")] = json!(turn);
                    let options = until(now() + 60 * MINUTE).framework(&KOA);
                    let outcome = store.save(&loaded, &data, &options).await.unwrap();
                    assert!(matches!(outcome, SaveOutcome::Saved(_)));
                }
            }
        }
        running.store(false, std::sync::atomic::Ordering::Relaxed);
    };
    let (rewritten, ()) = tokio::join!(rotations, visits);
    assert!(rewritten > SESSIONS as u64, "{rewritten}");
    reencrypt(&visitors[1]).await;
    let last = process(&world, with_keys(&["k2"]).mode(Only));
    for n in 0..SESSIONS {
        let found = last.load::<Value>(&id(&name(n))).await.unwrap();
        if n % 4 == 0 {
            assert_eq!(found, None);
            continue;
        }
        let found = found.unwrap();
        let mut expected = json!({ "name": name(n), "_expire": 1, "_maxAge": 60_000 });
        let mut expires: SystemTime = now() + 60 * MINUTE;
        if n % 4 == 1 {
            expected["_expire"] = json!(60 + VISITS - 1);
            expires = now() + (60 + VISITS - 1) * MINUTE;
        } else {
            for turn in 0..VISITS {
                expected[format!("turn{turn}")] = json!(turn);
            }
        }
        assert_eq!((found.data, found.expires_at), (expected, Some(expires)));
    }
}
