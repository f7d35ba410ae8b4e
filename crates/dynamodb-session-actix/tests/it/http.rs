//! Tests over real HTTP, with requests that really run in parallel.

use std::time::Duration;

use actix_web::cookie::time;
use dynamodb_session_actix::Store;
use serde_json::json;

use crate::site::Site;
use crate::support::{Slow, World, spent};
use crate::upsert::Upserting;

const DAY: time::Duration = time::Duration::DAY;

/// Ends a request after a logout, though it loaded the session before. Returns what its visitor sees next.
pub(crate) fn view_after_a_late_end(site: &Site, path: &'static str) -> String {
    let mut browser = site.browser();
    assert_eq!(browser.read("/count"), "1");
    let slow = site.slow(&browser, path);
    let mut elsewhere = browser.clone();
    assert_eq!(elsewhere.read("/logout"), "gone");
    assert_eq!(elsewhere.cookie, None);
    let mut late = slow.finish();
    assert_eq!(browser.read("/view"), "empty");
    late.read("/view")
}

#[test]
fn a_change_that_ends_after_a_logout_is_dropped() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::open(Store::new(sessions.clone()));
    assert_eq!(view_after_a_late_end(&site, "/slow/count"), "empty");
    assert!(world.items().is_empty(), "{:?}", world.items());
    assert_eq!(world.tombstones(), 1);
    assert_eq!(sessions.stats().conflicts, 1);
}

#[test]
fn an_extension_that_ends_after_a_logout_is_dropped() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::extending(
        Store::new(sessions.clone()).touch_after(Duration::ZERO),
        DAY,
    );
    assert_eq!(view_after_a_late_end(&site, "/slow/view"), "empty");
    assert!(world.items().is_empty(), "{:?}", world.items());
    assert_eq!(world.tombstones(), 1);
    assert_eq!(sessions.stats().conflicts, 1);
}

/// The logout happens in another store, as in another process, so that this store cannot know of it.
#[test]
fn an_extension_that_is_not_written_does_not_survive_a_logout() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::extending(Store::new(sessions.clone()), DAY);
    let elsewhere = Site::extending(Store::new(sessions.clone()), DAY);
    let mut browser = site.browser();
    browser.read("/count");
    let slow = site.slow(&browser, "/slow/view");
    elsewhere.visited_by(&browser).read("/logout");
    assert_eq!(slow.finish().read("/view"), "empty");
    assert!(world.items().is_empty(), "{:?}", world.items());
}

/// Shows that the tests above can fail: they do with a store that behaves as those of actix-session.
#[test]
fn a_store_that_creates_on_update_brings_a_deleted_session_back() {
    let site = Site::open(Upserting::default());
    assert_eq!(view_after_a_late_end(&site, "/slow/count"), "2");
}

#[test]
fn a_change_that_ends_after_a_new_key_is_dropped() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    let mut browser = site.browser();
    browser.read("/count");
    let old = browser.clone();
    let slow = site.slow(&browser, "/slow/count");
    browser.read("/renew");
    assert_ne!(browser.cookie, old.cookie);
    let mut late = slow.finish();
    assert_eq!(late.cookie, old.cookie);
    assert_eq!(late.read("/view"), "empty");
    assert_eq!(browser.read("/view"), "1");
    assert_eq!(world.items().len(), 1);
}

#[test]
fn each_visitor_in_parallel_has_a_session() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let mut browser = site.browser();
            scope.spawn(move || {
                for views in 1..=5 {
                    assert_eq!(browser.read("/count"), views.to_string());
                }
            });
        }
    });
    assert_eq!(world.items().len(), 8);
}

#[test]
fn an_expired_session_begins_anew() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    let mut browser = site.browser();
    browser.read("/count");
    let before = browser.cookie.clone();
    world.clock.advance(Duration::from_hours(23));
    assert_eq!(browser.read("/view"), "1");
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(world.items().len(), 1, "the item is still stored");
    assert_eq!(browser.read("/view"), "empty");
    assert_eq!(browser.read("/count"), "1");
    assert_ne!(browser.cookie, before);
}

#[test]
fn a_session_that_cannot_be_read_begins_anew_under_its_key() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    let mut browser = site.browser();
    browser.read("/count");
    let mut item = world.items().remove(0);
    item["session"] = json!({ "M": { "views": { "B": "AQID" } } });
    world.put_item("sessions", &item);
    let before = browser.cookie.clone();
    assert_eq!(browser.read("/view"), "empty");
    assert_eq!(browser.read("/count"), "1");
    assert_eq!(browser.cookie, before);
    assert_eq!(browser.read("/count"), "2");
    assert_eq!(world.items().len(), 1);
}

#[test]
fn the_visitor_gets_no_details_of_an_error() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::extending(Store::new(sessions).touch_after(Duration::ZERO), DAY);
    let mut browser = site.browser();
    browser.read("/count");
    let mut shown = vec![browser.get("/big")];
    assert_eq!(browser.read("/view"), "1", "the session is unchanged");
    let slow = ["/slow/count", "/slow/view"].map(|path| site.slow(&browser, path));
    world.stop();
    slow.iter().for_each(Slow::let_through);
    shown.extend(slow.map(|slow| slow.end().1));
    shown.extend(["/view", "/count", "/logout", "/renew"].map(|path| browser.get(path)));
    shown.push(site.browser().get("/count"));
    for page in shown {
        assert_eq!((page.status, page.body.as_str()), (500, ""), "{page:?}");
        let allowed = ["content-length", "connection", "date"];
        let is_allowed = |(name, _): &(String, String)| allowed.contains(&name.as_str());
        assert!(page.headers.iter().all(is_allowed), "{page:?}");
    }
}

/// The expiry of the only stored session, in seconds from now.
pub(crate) fn secs_left(world: &World) -> u64 {
    let expires = world.items()[0]["expires"]["N"].as_str().unwrap().parse();
    let expires = std::time::UNIX_EPOCH + Duration::from_secs(expires.unwrap());
    let now = dynamodb_session::clock::Clock::now(&world.clock);
    expires.duration_since(now).unwrap().as_secs()
}

#[test]
fn an_extension_is_written_once_a_minute() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::extending(Store::new(sessions.clone()), time::Duration::HOUR);
    let mut browser = site.browser();
    browser.read("/count");
    for _ in 0..3 {
        for secs in [0, 58, 1] {
            world.clock.advance(Duration::from_secs(secs));
            let view = spent(&sessions, || drop(browser.read("/view")));
            assert_eq!(view.0, [("GetItem", 1)]);
        }
        // A store in another process sends no touch either: it has just read the expiry.
        let site = Site::extending(Store::new(sessions.clone()), time::Duration::HOUR);
        let mut there = site.visited_by(&browser);
        let view = spent(&sessions, || drop(there.read("/view")));
        assert_eq!(view.0, [("GetItem", 1)]);

        world.clock.advance(Duration::from_secs(1));
        let view = spent(&sessions, || drop(browser.read("/view")));
        assert_eq!(view.0, [("GetItem", 1), ("UpdateItem", 1)]);
        assert_eq!(secs_left(&world), 3600);
    }
}

#[test]
fn an_extension_of_half_the_ttl_is_always_written() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone());
    let site = Site::extending(store, time::Duration::seconds(10));
    let mut browser = site.browser();
    browser.read("/count");
    world.clock.advance(Duration::from_secs(4));
    let view = spent(&sessions, || drop(browser.read("/view")));
    assert_eq!(view.0, [("GetItem", 1)]);
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(5));
        assert_eq!(browser.read("/view"), "1");
    }
    assert_eq!(secs_left(&world), 10);
}

#[test]
fn a_shorter_expiry_is_always_written() {
    let world = World::new();
    let store = Store::new(world.sessions()).touch_after(Duration::from_hours(1));
    let long = Site::extending(store.clone(), DAY);
    let short = Site::extending(store, DAY - time::Duration::seconds(1));
    let mut browser = long.browser();
    browser.read("/count");
    let before = secs_left(&world);
    assert_eq!(short.visited_by(&browser).read("/view"), "1");
    assert_eq!(secs_left(&world), before - 1);
}

/// Checks the table "Cost" in the crate's documentation.
#[test]
fn the_cost_of_a_page_view() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone());
    let site = Site::open(store.clone());
    let mut browser = site.browser();
    let mut costs = |path, expected: &[(&str, u64)], units| {
        let view = || drop(browser.read(path));
        assert_eq!(spent(&sessions, view), (expected.to_vec(), units), "{path}");
    };
    costs("/plain", &[], 0.0);
    costs("/view", &[], 0.0);
    costs("/count", &[("PutItem", 1)], 1.0);
    costs("/plain", &[("GetItem", 1)], 1.0);
    costs("/view", &[("GetItem", 1)], 1.0);
    costs("/count", &[("GetItem", 1), ("UpdateItem", 1)], 2.0);
    // They delete by the key alone, so the store asks again what is there.
    costs("/renew", &[("GetItem", 2), ("PutItem", 2)], 4.0);
    costs("/logout", &[("GetItem", 2), ("PutItem", 1)], 3.0);
    costs("/logout", &[], 0.0);

    let extending = Site::extending(store, DAY);
    let mut browser = extending.browser();
    browser.read("/count");
    let mut view = || spent(&sessions, || drop(browser.read("/view")));
    assert_eq!(view(), (vec![("GetItem", 1)], 1.0));
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(view(), (vec![("GetItem", 1), ("UpdateItem", 1)], 2.0));

    let mut browser = site.browser();
    browser.read("/count");
    let mut late = browser.clone();
    let slow = site.slow(&browser, "/slow/count");
    browser.read("/logout");
    // Only the write is left: the slow request has loaded its session before.
    let end = spent(&sessions, || drop(slow.finish()));
    assert_eq!(end, (vec![("UpdateItem", 1)], 1.0));
    let gone = spent(&sessions, || drop(late.read("/view")));
    assert_eq!(gone, (vec![("GetItem", 1)], 1.0));
}
