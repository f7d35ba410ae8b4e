//! `TrackLoaded`: what a request has loaded is known when it saves.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_session::storage::{SessionKey, SessionStore as _};
use actix_web::cookie::time;
use actix_web::dev::{Service, Transform};
use dynamodb_session::options::TableOptions;
use dynamodb_session_actix::{Store, TrackLoaded};
use serde_json::json;

use crate::http::{secs_left, view_after_a_late_end};
use crate::site::Site;
use crate::support::{self, World, spent};

const HOUR: time::Duration = time::Duration::HOUR;

/// Two requests of one session change it in parallel. Returns the fields that it has in the end.
fn fields_after_parallel_changes(site: &Site) -> String {
    let mut browser = site.browser();
    browser.read("/set/a");
    let slow = site.slow(&browser, "/slow/set/b");
    browser.read("/set/c");
    slow.finish();
    browser.read("/fields")
}

#[test]
fn requests_in_parallel_keep_each_others_changes() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::tracking(Store::new(sessions.clone()));
    assert_eq!(fields_after_parallel_changes(&site), "abc");
    let stats = sessions.stats();
    assert_eq!((stats.merge_retries, stats.conflicts), (1, 0));
}

/// Shows that the test above can fail.
#[test]
fn without_the_middleware_the_last_update_overwrites_the_other() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    assert_eq!(fields_after_parallel_changes(&site), "ab");
}

#[test]
fn a_change_that_ends_after_a_logout_stays_dropped() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone()).touch_after(Duration::ZERO);
    let site = Site::tracking(store.clone());
    assert_eq!(view_after_a_late_end(&site, "/slow/count"), "empty");
    let site = Site::extending_and_tracking(store, HOUR);
    assert_eq!(view_after_a_late_end(&site, "/slow/view"), "empty");
    assert!(world.items().is_empty(), "{:?}", world.items());
    assert_eq!(sessions.stats().conflicts, 2);
}

/// Another session takes over the key while a request holds the first one. Returns what is seen after that request.
fn view_after_a_late_logout(world: &World, site: &Site) -> String {
    let mut browser = site.browser();
    browser.read("/count");
    let slow = site.slow(&browser, "/slow/logout");
    let mut item = world.items().remove(0);
    let created: u64 = item["created"]["N"].as_str().unwrap().parse().unwrap();
    item["created"] = json!({ "N": (created + 1).to_string() });
    item["rev"] = json!({ "B": "AQIDBAUGBwg=" });
    world.put_item("sessions", &item);
    slow.finish();
    browser.read("/view")
}

#[test]
fn a_logout_deletes_only_the_session_that_was_loaded() {
    let world = World::new();
    let site = Site::tracking(Store::new(world.sessions()));
    assert_eq!(view_after_a_late_logout(&world, &site), "1");
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    assert_eq!(view_after_a_late_logout(&world, &site), "empty");
}

/// Checks the table "Cost" in the crate's documentation.
#[test]
fn the_cost_of_a_page_view_with_the_middleware() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::extending_and_tracking(Store::new(sessions.clone()), HOUR);
    let mut browser = site.browser();
    let mut costs = |path, expected: &[(&str, u64)], units| {
        let view = || drop(browser.read(path));
        assert_eq!(spent(&sessions, view), (expected.to_vec(), units), "{path}");
    };
    costs("/count", &[("PutItem", 1)], 1.0);
    costs("/view", &[("GetItem", 1)], 1.0);
    costs("/count", &[("GetItem", 1), ("UpdateItem", 1)], 2.0);
    world.clock.advance(Duration::from_mins(1));
    costs("/view", &[("GetItem", 1), ("UpdateItem", 1)], 2.0);
    costs("/renew", &[("GetItem", 1), ("PutItem", 2)], 3.0);
    costs("/logout", &[("GetItem", 1), ("PutItem", 1)], 2.0);
    costs("/logout", &[], 0.0);
}

#[test]
fn a_shorter_expiry_is_a_change() {
    let world = World::new();
    let store = Store::new(world.sessions());
    let long = Site::extending_and_tracking(store.clone(), 2 * HOUR);
    let short = Site::extending_and_tracking(store, HOUR);
    let mut browser = long.browser();
    browser.read("/count");
    assert_eq!(short.visited_by(&browser).read("/view"), "1");
    assert_eq!(secs_left(&world), 3600);
    let slow = short.slow(&short.visited_by(&browser), "/slow/view");
    assert_eq!(browser.read("/count"), "2");
    assert_eq!(secs_left(&world), 7200);
    // It was an extension when it was loaded, and the other request has extended it further.
    slow.finish();
    assert_eq!(secs_left(&world), 7200);
    assert_eq!(browser.read("/view"), "2");
}

/// A service whose requests are what it does, and a middleware that changes nothing.
struct Run;

impl<F: Future<Output = ()> + 'static> Service<F> for Run {
    type Response = ();
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<(), Infallible>>>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, request: F) -> Self::Future {
        Box::pin(async move {
            request.await;
            Ok(())
        })
    }
}

struct Plain;

impl<F: Future<Output = ()> + 'static> Transform<Run, F> for Plain {
    type Response = ();
    type Error = Infallible;
    type Transform = Run;
    type InitError = ();
    type Future = Ready<Result<Run, ()>>;

    fn new_transform(&self, service: Run) -> Self::Future {
        ready(Ok(service))
    }
}

/// Runs `request` inside the middleware.
async fn tracked<F: Future<Output = ()> + 'static>(request: F) {
    let service = Transform::<Run, F>::new_transform(&TrackLoaded::new(Plain), Run);
    let service = service.await.unwrap();
    let Ok(()) = service.call(request).await;
}

type State = std::collections::HashMap<String, String>;

fn copy(key: &SessionKey) -> SessionKey {
    key.as_ref().to_owned().try_into().unwrap()
}

fn state(fields: &str) -> State {
    let fields = fields.chars().map(String::from);
    fields.map(|name| (name, "true".to_owned())).collect()
}

async fn load(store: &Store, key: &SessionKey) -> State {
    store.load(key).await.unwrap().unwrap()
}

async fn change(store: &Store, key: &SessionKey, mut seen: State, field: &str) {
    seen.extend(state(field));
    store.update(copy(key), seen, &HOUR).await.unwrap();
}

async fn fields(store: &Store, key: &SessionKey) -> String {
    let mut names: Vec<_> = load(store, key).await.into_keys().collect();
    names.sort();
    names.concat()
}

fn prefixed(world: &World, prefix: &str) -> Store {
    let options = TableOptions::default().prefix(prefix);
    Store::new(support::open(world.builder().table_options(options)))
}

/// Changes a session as another request does, whose task is another one.
async fn change_elsewhere(store: &Store, key: &SessionKey, field: &'static str) {
    let (store, key) = (store.clone(), copy(key));
    let request = async move { change(&store, &key, load(&store, &key).await, field).await };
    tokio::task::spawn_local(request).await.unwrap();
}

#[test]
fn the_sessions_of_two_stores_are_not_mixed() {
    let world = World::new();
    let (one, two) = (prefixed(&world, "one:"), prefixed(&world, "two:"));
    let rt = actix_web::rt::System::new();
    rt.block_on(async {
        let key = one.save(state("a"), &HOUR).await.unwrap();
        let mut item = world.items().remove(0);
        item["sessionId"] = json!({ "S": format!("two:{}", key.as_ref()) });
        item["rev"] = json!({ "B": "AQIDBAUGBwg=" });
        item["created"] = json!({ "N": "1" });
        world.put_item("sessions", &item);
        let (first, second, id) = (one.clone(), two.clone(), copy(&key));
        tracked(async move {
            let of_one = load(&first, &id).await;
            let (outer, outer_id) = (first.clone(), copy(&id));
            // An inner middleware, as of a second session, shares what is tracked.
            tracked(Box::pin(async move {
                let of_two = load(&second, &id).await;
                change_elsewhere(&first, &id, "b").await;
                change(&second, &id, of_two, "c").await;
            }))
            .await;
            change(&outer, &outer_id, of_one, "d").await;
        })
        .await;
        assert_eq!(fields(&one, &key).await, "abd");
        assert_eq!(fields(&two, &key).await, "ac");
    });
}

#[test]
fn a_request_that_panics_or_is_dropped_leaves_nothing_behind() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone());
    let rt = actix_web::rt::System::new();
    rt.block_on(async {
        let key = store.save(state("a"), &HOUR).await.unwrap();
        let seen = load(&store, &key).await;
        for panics in [true, false] {
            let (inside, id) = (store.clone(), copy(&key));
            let (sender, loaded) = tokio::sync::oneshot::channel();
            let request = tokio::task::spawn_local(tracked(async move {
                load(&inside, &id).await;
                sender.send(()).unwrap();
                assert!(!panics, "as a handler may");
                std::future::pending::<()>().await;
            }));
            loaded.await.unwrap();
            request.abort();
            assert_eq!(request.await.unwrap_err().is_panic(), panics);
            change_elsewhere(&store, &key, "b").await;
            // As without the middleware: on the same thread, the whole session is written.
            change(&store, &key, seen.clone(), "c").await;
            assert_eq!(fields(&store, &key).await, "ac");
        }
    });
    assert_eq!(sessions.stats().merge_retries, 0);
}
