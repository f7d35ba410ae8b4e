//! Requests that land late, when their calls have long ended and others have been answered since. The client cannot call
//! them back.

use std::sync::LazyLock;

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::Layout;
use dynamodb_session::transport::IncompleteReason::Timeout;
use dynamodb_session::{Loaded, SessionStore};
use serde_json::{Value, json};

use crate::support::{
    Fate, MINUTE, World, id, load, new_session, now, save_absent, saved, stored, touch_until, until,
};

static FIELDS: LazyLock<Framework> =
    LazyLock::new(|| Framework::new().expiry_field(ExpiryField::instant("_expire")));

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
        Some(stored(store, "a", json!({ "n": 1, "_expire": 1 })).await)
    };
    let loaded = || loaded.as_ref().unwrap();
    let new = new_session("a", json!({ "n": 1, "_expire": 1 }), MINUTE);
    let later = now() + 2 * MINUTE;
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
    let options = until(now() + 5 * MINUTE).framework(&FIELDS);
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
