//! Over real HTTP, with requests that really are in parallel.

use std::time::Duration;

use actix_web::cookie::time;
use dynamodb_session_actix::Store;
use serde_json::json;

use crate::site::Site;
use crate::support::{Slow, World, spent};
use crate::upsert::Upserting;

const DAY: time::Duration = time::Duration::DAY;

/// What is left of a session when a request that loaded it ends after a logout: what its visitor sees next.
fn after_a_late_end(site: &Site, path: &'static str) -> String {
    let mut browser = site.browser();
    assert_eq!(browser.read("/count"), "1");
    let slow = site.slow(&browser, path);
    let mut elsewhere = browser.clone();
    assert_eq!(elsewhere.read("/logout"), "gone");
    assert_eq!(elsewhere.cookie, None);
    let mut late = slow.finish();
    assert_eq!(browser.read("/view"), "none");
    late.read("/view")
}

#[test]
fn a_change_that_ends_after_a_logout_is_dropped() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::open(Store::new(sessions.clone()));
    assert_eq!(after_a_late_end(&site, "/slow/count"), "none");
    assert!(world.items().is_empty(), "{:?}", world.items());
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
    assert_eq!(after_a_late_end(&site, "/slow/view"), "none");
    assert!(world.items().is_empty(), "{:?}", world.items());
    assert_eq!(sessions.stats().conflicts, 1);
}

/// As the logout of another process, which this one cannot know of.
#[test]
fn an_extension_that_is_not_worth_a_write_is_none_after_a_logout_either() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::extending(Store::new(sessions.clone()), DAY);
    let elsewhere = Site::extending(Store::new(sessions.clone()), DAY);
    let mut browser = site.browser();
    browser.read("/count");
    let slow = site.slow(&browser, "/slow/view");
    elsewhere.visited_by(&browser).read("/logout");
    assert_eq!(slow.finish().read("/view"), "none");
    assert!(world.items().is_empty(), "{:?}", world.items());
}

/// The same test fails on what actix-session's own stores do.
#[test]
fn a_store_that_saves_what_has_gone_brings_it_back() {
    let site = Site::open(Upserting::default());
    assert_eq!(after_a_late_end(&site, "/slow/count"), "2");
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
    assert_eq!(late.read("/view"), "none");
    assert_eq!(browser.read("/view"), "1");
    assert_eq!(world.items().len(), 1);
}

#[test]
fn visitors_in_parallel_have_a_session_each() {
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
fn an_expired_session_is_a_new_one() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    let mut browser = site.browser();
    browser.read("/count");
    let before = browser.cookie.clone();
    world.clock.advance(Duration::from_hours(23));
    assert_eq!(browser.read("/view"), "1");
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(world.items().len(), 1, "nobody has deleted it");
    assert_eq!(browser.read("/view"), "none");
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
    assert_eq!(browser.read("/view"), "none");
    assert_eq!(browser.read("/count"), "1");
    assert_eq!(browser.cookie, before);
    assert_eq!(browser.read("/count"), "2");
    assert_eq!(world.items().len(), 1);
}

#[test]
fn the_visitor_learns_nothing_of_what_went_wrong() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::extending(Store::new(sessions).touch_after(Duration::ZERO), DAY);
    let mut browser = site.browser();
    browser.read("/count");
    let mut shown = vec![browser.get("/big")];
    assert_eq!(browser.read("/view"), "1", "the session is as it was");
    let slow = ["/slow/count", "/slow/view"].map(|path| site.slow(&browser, path));
    world.stop();
    slow.iter().for_each(Slow::let_through);
    shown.extend(slow.map(|slow| slow.end().1));
    shown.extend(["/view", "/count", "/logout", "/renew"].map(|path| browser.get(path)));
    shown.push(site.browser().get("/count"));
    for page in shown {
        assert_eq!((page.status, page.body.as_str()), (500, ""), "{page:?}");
        let known = ["content-length", "connection", "date"];
        let is_known = |(name, _): &(String, String)| known.contains(&name.as_str());
        assert!(page.headers.iter().all(is_known), "{page:?}");
    }
}

/// The expiry of the only session there is, in seconds from now.
fn secs_left(world: &World) -> u64 {
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
        // Another process knows as much: it has just read the expiry.
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

/// The table in the crate's documentation.
#[test]
fn what_a_view_costs() {
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
    costs(
        "/renew",
        &[("GetItem", 1), ("PutItem", 1), ("DeleteItem", 1)],
        3.0,
    );
    costs("/logout", &[("GetItem", 1), ("DeleteItem", 1)], 2.0);
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
    // It has read already.
    let end = spent(&sessions, || drop(slow.finish()));
    assert_eq!(end, (vec![("UpdateItem", 1)], 1.0));
    let gone = spent(&sessions, || drop(late.read("/view")));
    assert_eq!(gone, (vec![("GetItem", 1)], 1.0));
}
