//! `TrackLoaded`: what a request has loaded is known when it saves.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use dynamodb_session::options::TableOptions;
use dynamodb_session_tower::{Store, TrackLoaded, tower_sessions_dynamodb_store};
use serde_json::{Value, json};
use tower_layer::{Identity, Layer};
use tower_service::Service;
use tower_sessions::session::{Id, Record};
use tower_sessions::{SessionManagerLayer, SessionStore};

use crate::http::view_after_a_late_end;
use crate::site::Site;
use crate::support::{self, World, block_on, spent};

/// Two requests of one session change it in parallel. Returns the fields that it has in the end.
fn fields_after_parallel_changes(site: &Site, slow: &'static str) -> String {
    let mut browser = site.browser();
    browser.read("/set/a");
    let slow = site.slow(&browser, slow);
    browser.read("/set/c");
    slow.finish();
    browser.read("/fields")
}

#[test]
fn requests_in_parallel_keep_each_others_changes() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::tracking(Store::new(sessions.clone()));
    assert_eq!(fields_after_parallel_changes(&site, "/slow/set/b"), "abc");
    let stats = sessions.stats();
    assert_eq!((stats.merge_retries, stats.conflicts), (1, 0));
}

/// Shows that the test above can fail.
#[test]
fn without_the_layer_the_last_save_overwrites_the_other() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    assert_eq!(fields_after_parallel_changes(&site, "/slow/set/b"), "ab");
}

#[test]
fn a_request_that_saves_twice_keeps_the_changes_of_others() {
    let world = World::new();
    let site = Site::tracking(Store::new(world.sessions()));
    let fields = fields_after_parallel_changes(&site, "/slow/save_and_set/b");
    assert_eq!(fields, "abcd");
}

#[test]
fn items_of_another_crate_are_merged_into() {
    let world = World::new();
    let sessions = support::open(tower_sessions_dynamodb_store(world.builder()));
    let item = include_str!("../fixtures/tower-sessions-dynamodb-store-0.3.json");
    let item: Value = serde_json::from_str(item).unwrap();
    world.put_item("TowerSessions", &item);
    let site = Site::tracking(Store::new(sessions));
    let mut browser = site.browser();
    browser.cookie = Some(format!("id={}", crate::legacy::ID));
    let slow = site.slow(&browser, "/slow/set/b");
    assert_eq!(browser.read("/count"), "4");
    slow.finish();
    assert_eq!(browser.read("/fields"), "b");
    assert_eq!(browser.read("/view"), "4");
}

#[test]
fn a_change_that_ends_after_a_logout_stays_dropped() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::tracking(Store::new(sessions.clone()));
    assert_eq!(view_after_a_late_end(&site, "/slow/count"), "empty");
    assert!(world.items().is_empty(), "{:?}", world.items());
    assert_eq!(sessions.stats().conflicts, 1);

    let layer = SessionManagerLayer::new(Store::new(sessions.clone()));
    let site = Site::tracking_with(layer.with_always_save(true));
    assert_eq!(view_after_a_late_end(&site, "/slow/view"), "empty");
    assert!(world.items().is_empty(), "{:?}", world.items());
    assert_eq!(sessions.stats().conflicts, 2);
}

/// A session is replaced under its id while a request holds it. Returns what its visitor sees after that request.
fn view_after_a_late_logout(site: &Site) -> String {
    let mut browser = site.browser();
    browser.read("/count");
    browser.read("/count");
    let slow = site.slow(&browser, "/slow/logout");
    let before = browser.cookie.clone();
    assert_eq!(browser.read("/logout_and_count"), "1");
    assert_eq!(browser.cookie, before);
    slow.finish();
    browser.read("/view")
}

#[test]
fn a_logout_deletes_only_the_session_that_was_loaded() {
    let world = World::new();
    let site = Site::tracking(Store::new(world.sessions()));
    assert_eq!(view_after_a_late_logout(&site), "1");
    let site = Site::open(Store::new(world.sessions()));
    assert_eq!(view_after_a_late_logout(&site), "empty");
}

#[test]
fn a_late_change_does_not_reach_the_next_session_of_the_id() {
    let world = World::new();
    let site = Site::tracking(Store::new(world.sessions()));
    let mut browser = site.browser();
    browser.read("/count");
    let slow = site.slow(&browser, "/slow/set/a");
    browser.read("/logout_and_count");
    slow.finish();
    assert_eq!(browser.read("/fields"), "");
    assert_eq!(browser.read("/view"), "1");
}

/// Checks the table "Cost" in the crate's documentation.
#[test]
fn the_cost_of_a_page_view_with_the_layer() {
    let world = World::new();
    let sessions = support::open(world.builder().touch_after(Duration::from_mins(1)));
    let layer = SessionManagerLayer::new(Store::new(sessions.clone()));
    for always_save in [false, true] {
        let site = Site::tracking_with(layer.clone().with_always_save(always_save));
        let mut browser = site.browser();
        let mut costs = |path, expected: &[(&str, u64)], units| {
            let view = || assert_eq!(browser.get(path).status, 200);
            assert_eq!(spent(&sessions, view), (expected.to_vec(), units), "{path}");
        };
        costs("/count", &[("PutItem", 1)], 1.0);
        // Within `touch_after` an unchanged session is not written.
        costs("/view", &[("GetItem", 1)], 1.0);
        costs("/count", &[("GetItem", 1), ("UpdateItem", 1)], 2.0);
        costs("/cycle", &[("GetItem", 1), ("PutItem", 2)], 3.0);
        costs("/view_and_logout", &[("GetItem", 1), ("PutItem", 1)], 2.0);
        costs("/count", &[("PutItem", 1)], 1.0);
        // Here nothing was loaded.
        costs("/logout", &[("GetItem", 1), ("PutItem", 1)], 2.0);
    }
}

#[test]
fn an_extension_leaves_the_changes_of_others_and_none_has_to_be_repeated() {
    let world = World::new();
    let sessions = world.sessions();
    let layer = SessionManagerLayer::new(Store::new(sessions.clone())).with_always_save(true);
    let site = Site::tracking_with(layer);
    let mut browser = site.browser();
    browser.read("/count");
    let slow = site.slow(&browser, "/slow/count");
    let view = spent(&sessions, || drop(browser.read("/view")));
    assert_eq!(view.0, [("GetItem", 1), ("UpdateItem", 1)]);
    let end = spent(&sessions, || drop(slow.finish()));
    assert_eq!(end.0, [("UpdateItem", 1)]);
    assert_eq!(browser.read("/view"), "2");
}

/// A service whose requests are what it does.
#[derive(Debug, Clone)]
struct Run;

impl<F: Future<Output = ()> + Send + 'static> Service<F> for Run {
    type Response = ();
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<(), Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: F) -> Self::Future {
        Box::pin(async move {
            request.await;
            Ok(())
        })
    }
}

/// Runs `request` inside the layer.
async fn tracked(request: impl Future<Output = ()> + Send + 'static) {
    let mut service = TrackLoaded::new(Identity::new()).layer(Run);
    let Ok(()) = service.call(request).await;
}

async fn load(store: &Store, id: Id) -> Record {
    store.load(&id).await.unwrap().unwrap()
}

async fn change(store: &Store, mut record: Record, field: &str) {
    record.data.insert(field.to_owned(), json!(true));
    store.save(&record).await.unwrap();
}

async fn create(store: &Store) -> Id {
    let mut record = Record {
        id: Id::default(),
        data: [("a".to_owned(), json!(true))].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::HOUR,
    };
    store.create(&mut record).await.unwrap();
    record.id
}

async fn fields(store: &Store, id: Id) -> String {
    let mut names: Vec<_> = load(store, id).await.data.into_keys().collect();
    names.sort();
    names.concat()
}

/// A store whose sessions have ids of their own in the table.
fn prefixed(world: &World, prefix: &str) -> Store {
    let options = TableOptions::default().prefix(prefix);
    Store::new(support::open(world.builder().table_options(options)))
}

#[test]
fn the_sessions_of_two_stores_are_not_mixed() {
    let world = World::new();
    let (one, two) = (prefixed(&world, "one:"), prefixed(&world, "two:"));
    block_on(async {
        let id = create(&one).await;
        let mut record = load(&one, id).await;
        two.create(&mut record).await.unwrap();
        assert_eq!(record.id, id);
        let (first, second) = (one.clone(), two.clone());
        tracked(async move {
            // An inner layer, as of a second session manager, shares what is tracked.
            let (of_one, inner) = (load(&first, id).await, first.clone());
            tracked(async move {
                let of_two = load(&second, id).await;
                tokio::spawn(async move {
                    change(&inner, load(&inner, id).await, "b").await;
                })
                .await
                .unwrap();
                change(&second, of_two, "c").await;
            })
            .await;
            change(&first, of_one, "d").await;
        })
        .await;
        assert_eq!(fields(&one, id).await, "abd");
        assert_eq!(fields(&two, id).await, "ac");
    });
}

#[test]
fn what_is_loaded_in_an_inner_layer_is_known_outside() {
    let world = World::new();
    let store = Store::new(world.sessions());
    block_on(async {
        let id = create(&store).await;
        let inside = store.clone();
        tracked(async move {
            let (sender, loaded) = tokio::sync::oneshot::channel();
            let inner = inside.clone();
            tracked(async move { sender.send(load(&inner, id).await).unwrap() }).await;
            let other = inside.clone();
            tokio::spawn(async move { change(&other, load(&other, id).await, "b").await })
                .await
                .unwrap();
            change(&inside, loaded.await.unwrap(), "c").await;
        })
        .await;
        assert_eq!(fields(&store, id).await, "abc");
    });
}

#[test]
fn a_session_that_was_saved_without_a_load_can_be_saved_again() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone());
    block_on(async {
        let id = create(&store).await;
        let mut record = load(&store, id).await;
        world.clock.advance(Duration::from_secs(1));
        let inside = store.clone();
        tracked(async move {
            for field in ["b", "c"] {
                record.data.insert(field.to_owned(), json!(true));
                inside.save(&record).await.unwrap();
            }
            inside.delete(&id).await.unwrap();
            assert_eq!(inside.load(&id).await.unwrap(), None);
        })
        .await;
    });
    assert_eq!(sessions.stats().conflicts, 0);
}

#[test]
fn a_request_that_panics_or_is_dropped_leaves_nothing_behind() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone());
    block_on(async {
        let id = create(&store).await;
        let seen = load(&store, id).await;
        for panics in [true, false] {
            let inside = store.clone();
            let (sender, loaded) = tokio::sync::oneshot::channel();
            let request = tokio::spawn(tracked(async move {
                load(&inside, id).await;
                sender.send(()).unwrap();
                assert!(!panics, "as a handler may");
                std::future::pending::<()>().await;
            }));
            loaded.await.unwrap();
            request.abort();
            assert_eq!(request.await.unwrap_err().is_panic(), panics);
            change(&store, load(&store, id).await, "b").await;
            // As without the layer: on the same thread, the whole session is written.
            change(&store, seen.clone(), "c").await;
            assert_eq!(fields(&store, id).await, "ac");
        }
    });
    assert_eq!(sessions.stats().merge_retries, 0);
}
