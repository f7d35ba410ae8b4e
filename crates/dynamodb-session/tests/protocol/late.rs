//! Requests that land late, when their calls have long ended and others have been answered since. The client cannot call
//! them back.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use dynamodb_session::clock::ManualClock;
use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::Layout;
use dynamodb_session::transport::IncompleteReason::Timeout;
use dynamodb_session::{Loaded, SaveOutcome, SessionStore};
use serde_json::{Value, json};

use crate::support::{
    Fate, World, id, load, new_session, now, save_absent, saved, stored, touch_until, until,
};

static FIELDS: LazyLock<Framework> =
    LazyLock::new(|| Framework::new().expiry_field(ExpiryField::instant("_expire")));

/// Longer than clocks differ: no session expires by a clock that is fast.
const LIFE: Duration = Duration::from_mins(10);

/// How wrong the clock of a host may be.
const OFF: Duration = Duration::from_mins(4);

/// How long the service executes a request, by its time and that of the signature.
const SIGNATURE: Duration = Duration::from_mins(15);

/// A call that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Create,
    CreateOrMerge,
    Put,
    Save,
    SaveUnchanged,
    Touch,
    TouchWith,
    Delete,
    DeleteId,
    Clear,
}

const CALLS: [Call; 10] = [
    Call::Create,
    Call::CreateOrMerge,
    Call::Put,
    Call::Save,
    Call::SaveUnchanged,
    Call::Touch,
    Call::TouchWith,
    Call::Delete,
    Call::DeleteId,
    Call::Clear,
];

/// Makes a call, whose first request is delayed and whose second one is answered. Returns all its writes.
async fn writes_of(world: &World, store: &SessionStore, call: Call) -> Vec<(&'static str, Value)> {
    let is_new = matches!(call, Call::Create | Call::CreateOrMerge | Call::Put);
    let loaded = if is_new {
        None
    } else {
        let session = new_session("a", json!({ "n": 1, "_expire": 1 }), LIFE);
        let _ = store.put(&session).await.unwrap();
        Some(load(store, "a").await)
    };
    let loaded = || loaded.as_ref().unwrap();
    let new = new_session("a", json!({ "n": 1, "_expire": 1 }), LIFE);
    let later = now() + 2 * LIFE;
    let rolled = json!({ "n": 1, "_expire": 2 });
    world.tap.calls();
    // The read before a write, of which a late answer is of no consequence.
    if matches!(call, Call::DeleteId | Call::Clear) {
        world.tap.script([Fate::Pass]);
    }
    world.tap.script([Fate::Lost(Timeout)]);
    match call {
        Call::Create => {
            let _ = store.create(&new).await.unwrap();
        }
        Call::CreateOrMerge => {
            let _ = saved(save_absent(store, &new, &FIELDS).await);
        }
        Call::Put => {
            let _ = store.put(&new).await.unwrap();
        }
        Call::Save => {
            let data = json!({ "n": 2, "_expire": 1 });
            let options = until(later).framework(&FIELDS);
            let _ = saved(store.save(loaded(), &data, &options).await);
        }
        Call::SaveUnchanged => {
            let options = until(later).framework(&FIELDS);
            let _ = saved(store.save(loaded(), &rolled, &options).await);
        }
        Call::Touch => {
            let _ = saved(store.touch(loaded(), &touch_until(later)).await);
        }
        Call::TouchWith => {
            let options = touch_until(later).framework(&FIELDS, &rolled);
            let _ = saved(store.touch(loaded(), &options).await);
        }
        Call::Delete => store.delete(loaded()).await.unwrap(),
        Call::DeleteId => store.delete(&id("a")).await.unwrap(),
        Call::Clear => assert_eq!(store.clear().await.unwrap(), 1),
    }
    let mut writes = world.tap.calls();
    writes.retain(|(operation, _)| !["GetItem", "Scan"].contains(operation));
    assert_eq!(writes.len(), 2, "{call:?}");
    writes
}

/// Lands these requests again, and expects that none of them changes the item.
fn expect_no_change(world: &World, writes: &[(&str, Value)], what: &str) {
    let item = world.item("a");
    for (operation, body) in writes {
        assert!(!world.land(operation, body), "{what}");
        assert_eq!(world.item("a"), item, "{what}");
    }
}

async fn changed(store: &SessionStore) -> Loaded<Value> {
    let theirs = load(store, "a").await;
    let data = json!({ "n": 7, "_expire": 7, "theirs": 7 });
    let options = until(now() + 5 * LIFE).framework(&FIELDS);
    let _ = saved(store.save(&theirs, &data, &options).await);
    load(store, "a").await
}

#[tokio::test]
async fn no_write_lands_on_a_later_state() {
    for layout in [Layout::Session, Layout::ConnectDynamodb] {
        let deletes = [Call::Delete, Call::DeleteId, Call::Clear];
        for call in CALLS.into_iter().filter(|call| !deletes.contains(call)) {
            let world = World::new();
            let store = world.open(world.builder().layout(layout)).await;
            let writes = writes_of(&world, &store, call).await;
            changed(&store).await;
            expect_no_change(&world, &writes, &format!("{layout:?} {call:?}"));
        }
    }
}

#[tokio::test]
async fn no_write_lands_after_a_sign_out() {
    for layout in [Layout::Session, Layout::ConnectDynamodb] {
        // A clear has no conditions, and leaves a tombstone whatever is there.
        for call in CALLS.into_iter().filter(|call| *call != Call::Clear) {
            let world = World::new();
            let store = world.open(world.builder().layout(layout)).await;
            let writes = writes_of(&world, &store, call).await;
            store.delete(&id("a")).await.unwrap();
            expect_no_change(&world, &writes, &format!("{layout:?} {call:?}"));
            assert_eq!(world.session("a"), None);
        }
    }
}

#[tokio::test]
async fn no_write_lands_on_the_next_session_of_its_id() {
    for layout in [Layout::Session, Layout::ConnectDynamodb] {
        for call in CALLS.into_iter().filter(|call| *call != Call::Clear) {
            let world = World::new();
            let store = world.open(world.builder().layout(layout)).await;
            let writes = writes_of(&world, &store, call).await;
            store.delete(&id("a")).await.unwrap();
            let _ = stored(&store, "a", json!({ "n": 9 })).await;
            expect_no_change(&world, &writes, &format!("{layout:?} {call:?}"));
            assert_eq!(load(&store, "a").await.data, json!({ "n": 9 }));
        }
    }
}

/// Two hosts, whose clocks are wrong by as much as they may be, in opposite directions. The service's is right.
async fn hosts_apart(world: &World, layout: Layout, first_is_fast: bool) -> [SessionStore; 2] {
    let (fast, slow) = (now() + OFF, now() - OFF);
    let clocks = if first_is_fast {
        [fast, slow]
    } else {
        [slow, fast]
    };
    let mut hosts = Vec::new();
    for clock in clocks {
        let builder = world.builder().layout(layout);
        hosts.push(world.open(builder.clock(ManualClock::new(clock))).await);
    }
    hosts.try_into().unwrap()
}

fn expiry_of(item: &Value) -> SystemTime {
    let secs = item["expires"]["N"].as_str().unwrap().parse().unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
}

#[tokio::test]
async fn no_write_of_a_host_whose_clock_is_wrong_lands_after_a_sign_out_on_another() {
    for (layout, first_is_fast) in [
        (Layout::Session, true),
        (Layout::Session, false),
        (Layout::ConnectDynamodb, true),
        (Layout::ConnectDynamodb, false),
    ] {
        for call in CALLS.into_iter().filter(|call| *call != Call::Clear) {
            let what = format!("{layout:?} {call:?} {first_is_fast}");
            let world = World::new();
            let [first, second] = hosts_apart(&world, layout, first_is_fast).await;
            let writes = writes_of(&world, &first, call).await;
            second.delete(&id("a")).await.unwrap();
            expect_no_change(&world, &writes, &what);
            // Nor later, as long as the service accepts the signature of a clock that is fast.
            let tombstone = world.item("a").unwrap();
            assert!(expiry_of(&tombstone) > now() + OFF + SIGNATURE, "{what}");
            // Nor if the next visitor has signed in and out again on the other host.
            let next = new_session("a", json!({ "n": 9 }), LIFE);
            let _ = second.put(&next).await.unwrap();
            expect_no_change(&world, &writes, &what);
            second.delete(&id("a")).await.unwrap();
            expect_no_change(&world, &writes, &what);
            assert_eq!(world.session("a"), None, "{what}");
        }
    }
}

#[tokio::test]
async fn hosts_whose_clocks_are_wrong_keep_each_other_s_changes() {
    for first_is_fast in [true, false] {
        let world = World::new();
        let [first, second] = hosts_apart(&world, Layout::Session, first_is_fast).await;
        let _ = first
            .put(&new_session("a", json!({ "n": 1 }), LIFE))
            .await
            .unwrap();
        let [mine, theirs] = [load(&first, "a").await, load(&second, "a").await];
        let options = until(now() + LIFE);
        let _ = saved(
            second
                .save(&theirs, &json!({ "n": 1, "b": 2 }), &options)
                .await,
        );
        let _ = saved(
            first
                .save(&mine, &json!({ "n": 1, "a": 1 }), &options)
                .await,
        );
        assert_eq!(
            load(&second, "a").await.data,
            json!({ "n": 1, "a": 1, "b": 2 })
        );
        // The next session of the id is another one, also if the clock that created it is behind.
        first.delete(&id("a")).await.unwrap();
        let _ = second
            .create(&new_session("a", json!({ "n": 5 }), LIFE))
            .await
            .unwrap();
        let outcome = first
            .save(&mine, &json!({ "n": 2 }), &options)
            .await
            .unwrap();
        assert_eq!(outcome, SaveOutcome::Gone);
        assert_eq!(load(&first, "a").await.data, json!({ "n": 5 }));
    }
}
