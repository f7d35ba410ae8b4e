//! Tests over real HTTP, with requests that really run in parallel.

use dynamodb_session_tower::Store;
use tower_sessions::{MemoryStore, SessionManagerLayer, SessionStore};

use crate::site::Site;
use crate::support::{World, spent};

/// Ends a request after a logout, though it loaded the session before. Returns what its visitor sees next.
pub(crate) fn view_after_a_late_end(site: &Site, path: &'static str) -> String {
    let mut browser = site.browser();
    assert_eq!(browser.read("/count"), "1");
    let slow = site.slow(&browser, path);
    let mut elsewhere = browser.clone();
    assert_eq!(elsewhere.get("/logout").status, 200);
    assert_eq!(elsewhere.cookie, None);
    let mut late = slow.finish();
    // A browser that kept the old cookie sees the same.
    assert_eq!(browser.read("/view"), late.read("/view"));
    late.read("/view")
}

fn always_saving(store: impl SessionStore + Clone) -> Site {
    Site::with_layer(SessionManagerLayer::new(store).with_always_save(true))
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
    let site = always_saving(Store::new(sessions.clone()));
    assert_eq!(view_after_a_late_end(&site, "/slow/view"), "empty");
    assert!(world.items().is_empty(), "{:?}", world.items());
    assert_eq!(world.tombstones(), 1);
    assert_eq!(sessions.stats().conflicts, 1);
}

/// Shows that the two tests above can fail: they do with the memory store of tower-sessions.
#[test]
fn the_memory_store_brings_a_deleted_session_back() {
    let store = MemoryStore::default();
    assert_eq!(
        view_after_a_late_end(&Site::open(store), "/slow/count"),
        "2"
    );
    let store = MemoryStore::default();
    assert_eq!(
        view_after_a_late_end(&always_saving(store), "/slow/view"),
        "1"
    );
}

#[test]
fn a_change_that_ends_after_a_new_id_is_dropped() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    let mut browser = site.browser();
    browser.read("/count");
    let old = browser.clone();
    let slow = site.slow(&browser, "/slow/count");
    assert_eq!(browser.get("/cycle").status, 200);
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
    // A session without an expiry lasts two weeks in tower-sessions.
    world
        .clock
        .advance(std::time::Duration::from_hours(14 * 24 - 1));
    assert_eq!(browser.read("/view"), "1");
    world.clock.advance(std::time::Duration::from_hours(2));
    assert_eq!(world.items().len(), 1, "the item is still stored");
    assert_eq!(browser.read("/view"), "empty");
    assert_eq!(browser.read("/count"), "1");
    assert_ne!(browser.cookie, before);
}

#[test]
fn an_invented_cookie_finds_no_session() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    for id in ["x", "AAAAAAAAAAAAAAAAAAAAAA", &"A".repeat(3000)] {
        let mut browser = site.browser();
        browser.cookie = Some(format!("id={id}"));
        assert_eq!(browser.read("/view"), "empty");
        assert_eq!(browser.read("/count"), "1");
        assert_ne!(browser.cookie, Some(format!("id={id}")));
    }
}

#[test]
fn the_visitor_gets_no_details_of_an_error() {
    let world = World::new();
    let site = Site::open(Store::new(world.sessions()));
    let mut browser = site.browser();
    browser.read("/count");
    let mut shown = vec![browser.get("/big")];
    assert_eq!(browser.read("/view"), "1", "the session is unchanged");
    world.stop();
    shown.extend(["/view", "/count", "/logout", "/cycle"].map(|path| browser.get(path)));
    for page in shown {
        assert_eq!((page.status, page.body.as_str()), (500, ""), "{page:?}");
        let names: Vec<_> = page.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            names
                .iter()
                .all(|name| ["content-length", "connection", "date"].contains(name)),
            "{page:?}"
        );
    }
}

/// Checks the table "Cost" in the crate's documentation.
#[test]
fn the_cost_of_a_page_view() {
    let world = World::new();
    let sessions = world.sessions();
    let site = Site::open(Store::new(sessions.clone()));
    let mut browser = site.browser();
    let mut costs = |path, expected: &[(&str, u64)], units| {
        let view = || assert_eq!(browser.get(path).status, 200);
        assert_eq!(spent(&sessions, view), (expected.to_vec(), units), "{path}");
    };
    costs("/plain", &[], 0.0);
    costs("/view", &[], 0.0);
    costs("/count", &[("PutItem", 1)], 1.0);
    costs("/plain", &[], 0.0);
    costs("/view", &[("GetItem", 1)], 1.0);
    costs("/count", &[("GetItem", 1), ("UpdateItem", 1)], 2.0);
    // It deletes by the id alone, so the store asks first what is there.
    costs("/cycle", &[("GetItem", 2), ("PutItem", 2)], 4.0);
    costs("/logout", &[("GetItem", 1), ("PutItem", 1)], 2.0);
    costs("/logout", &[], 0.0);

    let mut browser = site.browser();
    browser.read("/count");
    let mut late = browser.clone();
    let slow = site.slow(&browser, "/slow/count");
    browser.get("/logout");
    // Only the write is left: the slow request has loaded its session before.
    let end = spent(&sessions, || drop(slow.finish()));
    assert_eq!(end, (vec![("UpdateItem", 1)], 1.0));
    let gone = spent(&sessions, || drop(late.read("/view")));
    assert_eq!(gone, (vec![("GetItem", 1)], 1.0));
}
