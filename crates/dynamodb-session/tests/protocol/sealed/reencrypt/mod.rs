//! `reencrypt`: which sessions are written anew, what stays as it was, and what the counts say.

mod faults;
mod parallel;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::observe::Event;
use dynamodb_session::options::EncryptionMode::{On, Only, Read};
use dynamodb_session::options::{EncryptionOptions, Layout, TableOptions};
use dynamodb_session::{ReencryptOptions, Reencryption, SessionStore};
use serde_json::{Value, json};

use super::{KOA, LAYOUTS, is_sealed, with_keys};
use crate::support::{
    Fate, MINUTE, World, id, load, new_session, now, refusal, save_absent, saved, secs, stored,
    touch_until,
};

/// A store of this world in a process of its own.
fn process(world: &World, options: EncryptionOptions) -> SessionStore {
    world.other_process().encryption(options).build().unwrap()
}

async fn reencrypt(store: &SessionStore) -> Reencryption {
    let done = store.reencrypt(&ReencryptOptions::default()).await.unwrap();
    assert_adds_up(&done);
    done
}

async fn count_only(store: &SessionStore) -> Reencryption {
    let options = ReencryptOptions::default().dry_run(true);
    let counted = store.reencrypt(&options).await.unwrap();
    assert_adds_up(&counted);
    counted
}

fn assert_adds_up(counts: &Reencryption) {
    let parts = [
        counts.rewritten,
        counts.right,
        counts.unreadable,
        counts.skipped,
        counts.ended,
    ];
    assert_eq!(counts.sessions, parts.iter().sum::<u64>(), "{counts:?}");
}

/// The sessions looked at, rewritten, and right before; then those that need each key, and those that are plain.
fn shown(counts: &Reencryption) -> (u64, u64, u64, Vec<(&str, u64)>, u64) {
    let keys = counts.keys.iter().map(|(id, count)| (&**id, *count));
    (
        counts.sessions,
        counts.rewritten,
        counts.right,
        keys.collect(),
        counts.plain,
    )
}

/// Stores a session of koa-session, whose expiry unit is sealed by itself.
async fn koa_session(store: &SessionStore, name: &str) {
    let data = json!({ "name": name, "_expire": 1, "_maxAge": 60_000 });
    let session = new_session(name, data, 60 * MINUTE);
    let _ = saved(save_absent(store, &session, &KOA).await);
}

/// Moves the expiry of that session as koa-session does.
async fn koa_touch(store: &SessionStore, name: &str, minutes: u32) {
    let loaded = load(store, name).await;
    let mut data = loaded.data.clone();
    data["_expire"] = json!(minutes);
    let options = touch_until(now() + minutes * MINUTE).framework(&KOA, &data);
    let _ = saved(store.touch(&loaded, &options).await);
}

/// The ids of the keys of a session and of its expiry unit.
fn keys_of(world: &World, name: &str) -> [String; 2] {
    let item = world.item(name).unwrap();
    ["sealed", "unit"].map(|attribute| {
        let bytes = STANDARD.decode(item[attribute]["B"].as_str().unwrap());
        let bytes = bytes.unwrap();
        assert_eq!(bytes[1] & 2, 2, "it is encrypted");
        let id = str::from_utf8(&bytes[2..6]).unwrap();
        id.trim_end_matches('\0').to_owned()
    })
}

#[tokio::test]
async fn a_key_is_changed_and_the_old_one_removed() {
    let world = World::new();
    let old = world.open(world.encrypting()).await;
    let plain = world.builder().build().unwrap();
    let _ = stored(&plain, "plain", json!({ "name": "plain" })).await;
    let _ = stored(&old, "of rust", json!({ "name": "of rust" })).await;
    for name in ["koa", "touched", "signed out"] {
        koa_session(&old, name).await;
    }
    old.delete(&id("signed out")).await.unwrap();
    let ended = new_session("ended", json!({}), MINUTE / 2);
    let _ = old.put(&ended).await.unwrap();
    world.clock.advance(MINUTE / 2);

    // The new key is known everywhere before it is the first one.
    let both = process(&world, with_keys(&["k2", "k1"]));
    koa_touch(&both, "touched", 90).await;
    assert_eq!(keys_of(&world, "touched"), ["k1", "k2"]);
    let _ = stored(&both, "new", json!({ "name": "new" })).await;
    // An instance that has the new key behind the old one touches what the others have saved.
    koa_session(&both, "touched back").await;
    koa_touch(
        &process(&world, with_keys(&["k1", "k2"])),
        "touched back",
        90,
    )
    .await;
    assert_eq!(keys_of(&world, "touched back"), ["k2", "k1"]);
    let names = ["plain", "of rust", "koa", "touched", "touched back", "new"];
    let mut before = Vec::new();
    for name in names {
        before.push((load(&both, name).await, world.item(name).unwrap()));
    }

    let counted = count_only(&both).await;
    let left = vec![("k1", 4), ("k2", 3)];
    assert_eq!(shown(&counted), (6, 5, 1, left, 1));
    for (name, (_, item)) in names.iter().zip(&before) {
        assert_eq!(world.item(name).as_ref(), Some(item), "nothing is written");
    }
    let done = reencrypt(&both).await;
    assert_eq!(shown(&done), (6, 5, 1, vec![("k2", 6)], 0));
    let again = reencrypt(&both).await;
    assert_eq!(shown(&again), (6, 0, 6, vec![("k2", 6)], 0));

    // The old key is gone, and no plain session is accepted: all are as they were, and end when they would have ended.
    let last = process(&world, with_keys(&["k2"]).mode(Only));
    for (name, (loaded, item)) in names.iter().zip(before) {
        assert_eq!(keys_of(&world, name), ["k2", "k2"]);
        let after = load(&last, name).await;
        assert_eq!(after.data, loaded.data);
        let times = (after.created, after.expires_at);
        assert_eq!(times, (loaded.created, loaded.expires_at));
        assert_eq!(world.item(name).unwrap()["expires"], item["expires"]);
    }
    assert_eq!(last.load::<Value>(&id("signed out")).await.unwrap(), None);
    assert!(world.item("signed out").unwrap()["gone"]["B"].is_string());
    assert_eq!(last.load::<Value>(&id("ended")).await.unwrap(), None);
}

#[tokio::test]
async fn an_expiry_unit_stays_by_itself_so_that_a_touch_writes_it_alone() {
    let world = World::new();
    koa_session(&world.sealed_store().await, "a").await;
    let store = process(&world, with_keys(&["k2", "k1"]));
    assert_eq!(reencrypt(&store).await.rewritten, 1);
    let sealed = world.item("a").unwrap()["sealed"].take();
    koa_touch(&store, "a", 90).await;
    assert_eq!(world.item("a").unwrap()["sealed"], sealed);
    let expected = json!({ "name": "a", "_expire": 90, "_maxAge": 60_000 });
    assert_eq!(load(&store, "a").await.data, expected);
}

#[tokio::test]
async fn it_goes_by_the_mode() {
    let world = World::new();
    let store = world.sealed_store().await;
    let _ = stored(&store, "sealed", json!({ "n": 1 })).await;
    let plain = world.builder().build().unwrap();
    let _ = stored(&plain, "plain", json!({ "n": 2 })).await;

    // Plain ones are refused, as they are by a load.
    let only = process(&world, with_keys(&["k2", "k1"]).mode(Only));
    let done = reencrypt(&only).await;
    assert_eq!(shown(&done), (2, 1, 0, vec![("k2", 1)], 1));
    assert_eq!(done.unreadable, 1);
    assert!(!is_sealed(&world.item("plain").unwrap()));

    // The way back.
    let reading = process(&world, with_keys(&["k2"]).mode(Read));
    assert_eq!(shown(&reencrypt(&reading).await), (2, 1, 1, vec![], 2));
    let item = world.item("sealed").unwrap();
    assert!(!is_sealed(&item));
    assert_eq!(item["session"], json!({ "M": { "n": { "N": "1" } } }));
    assert_eq!(load(&plain, "sealed").await.data, json!({ "n": 1 }));

    let on = process(&world, with_keys(&["k2"]).mode(On));
    let done = reencrypt(&on).await;
    assert_eq!(shown(&done), (2, 2, 0, vec![("k2", 2)], 0));
    // A store without keys opens none of them, and leaves them alone.
    let done = reencrypt(&plain).await;
    assert_eq!((done.unreadable, done.rewritten), (2, 0));
    assert_eq!(shown(&done).3, [("k2", 2)]);
}

#[tokio::test]
async fn compressed_sessions_are_encrypted_and_compressed_ones_again() {
    let world = World::new();
    let large = json!({ "text": "tea ".repeat(2000) });
    let compressing = world.open(world.builder().compress(true)).await;
    let _ = stored(&compressing, "a", large.clone()).await;
    assert!(is_sealed(&world.item("a").unwrap()));
    let builder = world.encrypting().compress(true);
    let store = builder.build().unwrap();
    assert_eq!(
        shown(&reencrypt(&store).await),
        (1, 1, 0, vec![("k1", 1)], 0)
    );
    assert_eq!(keys_of(&world, "a"), ["k1", "k1"]);
    assert_eq!(load(&store, "a").await.data, large);
    let reading = world.builder().compress(true);
    let reading = reading.encryption(with_keys(&["k1"]).mode(Read));
    let reading = reading.build().unwrap();
    assert_eq!(shown(&reencrypt(&reading).await), (1, 1, 0, vec![], 1));
    assert_eq!(load(&compressing, "a").await.data, large);
    // Without compression, it is not stored as this store would store it.
    let plain = world.store().await;
    assert_eq!(shown(&reencrypt(&plain).await), (1, 1, 0, vec![], 1));
    assert!(!is_sealed(&world.item("a").unwrap()));
}

#[tokio::test]
async fn what_does_not_open_or_cannot_be_written_is_counted_and_stays() {
    let world = World::new();
    let reported = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reported);
    let listener = Arc::new(move |event: &Event| {
        let is_unreadable = matches!(event, Event::Unreadable { .. });
        counted.fetch_add(usize::from(is_unreadable), Relaxed);
    });
    let store = world.builder().encryption(with_keys(&["k1", "k0"]));
    let store = world.open(store.on_event(listener)).await;
    let _ = stored(&store, "a", json!({ "n": 1 })).await;
    let expires = json!({ "N": secs(60) });
    let old = process(&world, with_keys(&["k0"]));
    let _ = stored(&old, "changed", json!({ "n": 1 })).await;
    let mut changed = world.item("changed").unwrap();
    changed["created"] = json!({ "N": "1" });
    world.put_item("changed", changed);
    let _ = stored(&process(&world, with_keys(&["k9"])), "of others", json!({})).await;
    let session = json!({ "M": { "n": { "N": "1" } } });
    world.put_item("endless", json!({ "session": session.clone() }));
    world.put_item(
        "later",
        json!({ "session": { "B": "CQ==" }, "expires": expires.clone() }),
    );
    world.put_item(
        "no map",
        json!({ "session": { "S": "x" }, "expires": expires.clone() }),
    );
    let large = json!({ "M": { "text": { "S": "x".repeat(409_400) } } });
    world.put_item("large", json!({ "session": large, "expires": expires }));
    world.put_item("of a program", json!({ "other": { "S": "x" } }));
    let names = [
        "changed",
        "of others",
        "endless",
        "later",
        "no map",
        "large",
    ];
    let items = names.map(|name| world.item(name).unwrap());

    let counted = count_only(&store).await;
    // How large a session will be is known when it is written.
    assert_eq!((counted.rewritten, counted.skipped), (1, 1));
    assert_eq!(reported.swap(0, Relaxed), 4);
    let done = reencrypt(&store).await;
    assert_eq!(
        shown(&done),
        (7, 0, 1, vec![("k0", 1), ("k1", 1), ("k9", 1)], 4)
    );
    assert_eq!((done.unreadable, done.skipped), (4, 2));
    assert_eq!(names.map(|name| world.item(name).unwrap()), items);
}

#[tokio::test]
async fn items_of_every_layout_are_sealed_and_others_stay_in_them() {
    for layout in LAYOUTS {
        let world = World::new();
        let store = world.open(world.encrypting().layout(layout)).await;
        let mut item = match layout {
            Layout::ConnectDynamodb => {
                json!({ "sess": { "S": "{\"n\":1}" }, "type": { "S": "connect-session" } })
            }
            Layout::DynamodbStore => json!({ "sess": { "M": { "n": { "N": "1" } } } }),
            _ => json!({ "session": { "M": { "n": { "N": "1" } } } }),
        };
        item["expires"] = json!({ "N": secs(60) });
        item["other"] = json!({ "S": "of another program" });
        world.put_item("a", item);
        let done = reencrypt(&store).await;
        assert_eq!(shown(&done), (1, 1, 0, vec![("k1", 1)], 0), "{layout:?}");
        let item = world.item("a").unwrap();
        assert!(is_sealed(&item));
        assert_eq!(item["expires"], json!({ "N": secs(60) }));
        assert_eq!(item["other"], json!({ "S": "of another program" }));
        assert_eq!(load(&store, "a").await.data, json!({ "n": 1 }));
    }
    // Only the application knows what such bytes mean.
    let world = World::new();
    let builder = world
        .encrypting()
        .layout(Layout::TowerSessionsDynamodbStore);
    let store = world.open(builder).await;
    let item = json!({ "data": { "B": "AQID" }, "expires": { "N": secs(60) } });
    world.put_item("a", item);
    let before = world.item("a");
    let done = reencrypt(&store).await;
    assert_eq!((done.skipped, done.plain), (1, 1));
    assert_eq!(world.item("a"), before);
}

#[tokio::test]
async fn only_sessions_of_the_prefix_are_looked_at() {
    let world = World::new();
    for prefix in ["a:", "b:"] {
        let table = TableOptions::default().prefix(prefix);
        let store = world.open(world.encrypting().table_options(table)).await;
        let _ = stored(&store, "one", json!({ "n": 1 })).await;
    }
    let table = TableOptions::default().prefix("a:");
    let builder = world.builder().table_options(table);
    let store = builder
        .encryption(with_keys(&["k2", "k1"]))
        .build()
        .unwrap();
    assert_eq!(
        shown(&reencrypt(&store).await),
        (1, 1, 0, vec![("k2", 1)], 0)
    );
    assert_eq!(load(&store, "one").await.data, json!({ "n": 1 }));
    assert_eq!(keys_of(&world, "b:one"), ["k1", "k1"]);
}

#[tokio::test]
async fn progress_is_reported_after_each_page() {
    let world = World::new();
    let store = world.sealed_store().await;
    let count = 30;
    for n in 0..count {
        let data = json!({ "text": "x".repeat(100_000) });
        let _ = store
            .put(&new_session(&n.to_string(), data, MINUTE))
            .await
            .unwrap();
    }
    let store = process(&world, with_keys(&["k2", "k1"]));
    let reported = Mutex::new(Vec::new());
    let report = |counts: &Reencryption| reported.lock().unwrap().push(counts.clone());
    let options = ReencryptOptions::default().on_page(&report);
    let done = store.reencrypt(&options).await.unwrap();
    let reported = reported.into_inner().unwrap();
    // A page has at most 1 MB.
    assert!(reported.len() >= 3, "{}", reported.len());
    assert!(
        reported
            .windows(2)
            .all(|two| two[0].sessions < two[1].sessions)
    );
    assert_eq!(reported.last(), Some(&done));
    assert_eq!((done.sessions, done.rewritten), (count, count));
}

#[tokio::test]
async fn what_it_costs() {
    let world = World::new();
    let store = world.sealed_store().await;
    for name in ["a", "b", "c"] {
        let _ = stored(&store, name, json!({ "n": 1 })).await;
    }
    let store = world.builder().encryption(with_keys(&["k2", "k1"]));
    let store = store.build().unwrap();
    world.tap.calls();
    reencrypt(&store).await;
    let operations = world.tap.operations();
    assert_eq!(
        operations,
        ["Scan", "UpdateItem", "UpdateItem", "UpdateItem", "GetItem"],
        "the last one looks for the secret for users' keys"
    );
    reencrypt(&store).await;
    assert_eq!(world.tap.operations(), ["Scan", "GetItem"]);
}

#[tokio::test]
async fn where_an_update_is_not_allowed_the_whole_item_is_put() {
    let world = World::new();
    let store = world.sealed_store().await;
    let _ = stored(&store, "a", json!({ "n": 1 })).await;
    let mut item = world.item("a").unwrap();
    item["other"] = json!({ "S": "of another program" });
    world.put_item("a", item.clone());
    let store = world.builder().encryption(with_keys(&["k2", "k1"]));
    let store = store.build().unwrap();
    let denied = refusal("AccessDeniedException", "not allowed");
    world.tap.script([Fate::Pass, denied]);
    assert_eq!(reencrypt(&store).await.rewritten, 1);
    assert_eq!(keys_of(&world, "a"), ["k2", "k2"]);
    let after = world.item("a").unwrap();
    for attribute in ["other", "created", "expires"] {
        assert_eq!(after[attribute], item[attribute]);
    }
    assert_eq!(load(&store, "a").await.data, json!({ "n": 1 }));
}
