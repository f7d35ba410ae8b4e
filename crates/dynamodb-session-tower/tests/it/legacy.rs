//! Items of `tower-sessions-dynamodb-store` 0.3.

use std::time::Duration;

use dynamodb_session::SessionStore;
use dynamodb_session::options::Layout;
use dynamodb_session_tower::{Store, tower_sessions_dynamodb_store};
use serde_json::{Value, json};
use tower_sessions::SessionStore as _;
use tower_sessions::session::Id;
use tower_sessions::session_store::Error;

use crate::site::Site;
use crate::support::{self, World, block_on};

/// An item that the published crate wrote with its default settings: [`ID`], [`data`], and an expiry in 2100.
/// It is a file, because the crate itself would bring the whole AWS SDK.
const ITEM: &str = include_str!("../fixtures/tower-sessions-dynamodb-store-0.3.json");

fn data() -> Value {
    json!({
        "views": 3, "user": { "name": "Ada", "roles": ["admin", "é😀"] }, "ratio": 0.1, "big": u64::MAX,
        "negative": -7, "none": null, "ok": true, "empty": "", "list": [],
    })
}

pub(crate) const ID: Id = Id(123_456_789_012_345_678_901_234_567_890);

fn open(world: &World) -> SessionStore {
    let sessions = support::open(tower_sessions_dynamodb_store(world.builder()));
    let item: Value = serde_json::from_str(ITEM).unwrap();
    world.put_item("TowerSessions", &item);
    sessions
}

#[test]
fn the_items_are_read() {
    let world = World::new();
    let store = Store::new(open(&world));
    let record = block_on(store.load(&ID)).unwrap().unwrap();
    assert_eq!(record.id, ID);
    assert_eq!(json!(record.data), data());
    assert_eq!(record.expiry_date.unix_timestamp(), 4_102_444_800);
}

#[test]
fn a_save_over_http_rewrites_the_item() {
    let world = World::new();
    let sessions = open(&world);
    let site = Site::open(Store::new(sessions));
    let mut browser = site.browser();
    browser.cookie = Some(format!("id={ID}"));
    assert_eq!(browser.read("/view"), "3");
    assert_eq!(browser.read("/count"), "4");
    assert_eq!(browser.read("/count"), "5");
    let items = world.items_of("TowerSessions");
    let [item] = items.as_slice() else {
        panic!("{items:?}");
    };
    let mut names: Vec<_> = item.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        ["created", "expire_at", "rev", "session", "session_id"]
    );
    assert_eq!(item["session_id"]["S"], format!("SESSIONS::TOWER::{ID}"));
    assert_eq!(item["session"]["M"]["views"]["N"], "5");
    assert_eq!(item["session"]["M"]["user"]["M"]["name"]["S"], "Ada");
    assert_eq!(browser.get("/logout").status, 200);
    assert!(world.items_of("TowerSessions").is_empty());
}

#[test]
fn a_request_that_ends_after_a_logout_does_not_bring_the_item_back() {
    let world = World::new();
    let site = Site::open(Store::new(open(&world)));
    let mut browser = site.browser();
    browser.cookie = Some(format!("id={ID}"));
    let slow = site.slow(&browser, "/slow/count");
    assert_eq!(browser.get("/logout").status, 200);
    assert_eq!(slow.finish().read("/view"), "empty");
    assert!(world.items_of("TowerSessions").is_empty());
}

#[test]
fn expired_items_are_not_loaded() {
    let world = World::new();
    let store = Store::new(open(&world));
    world
        .clock
        .set_wall(std::time::UNIX_EPOCH + Duration::from_secs(4_102_444_800));
    assert_eq!(block_on(store.load(&ID)).unwrap(), None);
    assert_eq!(world.items_of("TowerSessions").len(), 1);
}

#[test]
fn invalid_bytes_are_an_error_that_does_not_quote_them() {
    let world = World::new();
    let store = Store::new(open(&world));
    let mut item: Value = serde_json::from_str(ITEM).unwrap();
    // The string "secret", and a list that ends too early.
    for data in ["pnNlY3JldA==", "kw=="] {
        item["data"] = json!({ "B": data });
        world.put_item("TowerSessions", &item);
        let error = block_on(store.load(&ID)).unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

/// Found by the fuzzer: a thousand nested lists, read recursively, exhausted the stack.
#[test]
fn data_that_are_too_deep_are_an_error() {
    let world = World::new();
    let store = Store::new(open(&world));
    let mut item: Value = serde_json::from_str(ITEM).unwrap();
    // An id of zeros, and in the data `a`, a list in a list in a list.
    let data = format!("k8QQ{}AIGhYZGR{}", "AAAA".repeat(5), "kZGR".repeat(500));
    item["data"] = json!({ "B": data });
    world.put_item("TowerSessions", &item);
    let error = block_on(store.load(&ID)).unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
}

/// Without the layout such an item is not read as a session.
#[test]
fn a_store_without_the_layout_does_not_read_the_items() {
    let world = World::new();
    open(&world);
    let builder = tower_sessions_dynamodb_store(world.builder());
    let plain = builder.layout(Layout::Session).build();
    assert_eq!(
        block_on(Store::new(plain.unwrap()).load(&ID)).unwrap(),
        None
    );
}
