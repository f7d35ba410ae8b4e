//! `sweep`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::support::Engine;

/// An engine that leaves expired items where they are, with three that expired long ago, one that did now, and two live
/// sessions.
fn engine_with_expired() -> Engine {
    let engine = Engine::start_with(&["--sweep", "0"]);
    engine.run(&["table", "create"]).ok();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    for (id, expires) in [
        ("shop:old", now - 1501),
        ("shop:older", now - 86_400),
        ("shop:ended", now - 60),
        ("blog:old", now - 1501),
        ("shop:live", now + 600),
        ("blog:live", now + 600),
    ] {
        engine.put_session(id, expires);
    }
    engine
}

#[test]
fn it_deletes_the_expired_sessions_of_the_prefix_and_says_how_many() {
    let engine = engine_with_expired();
    let sweep = ["sweep", "--once", "--prefix", "shop:"];
    assert_eq!(engine.run(&sweep).ok(), "Deleted 2 expired items.\n");
    for (id, is_left) in [
        ("shop:old", false),
        ("shop:older", false),
        // A request that was sent before its end could still bring it back.
        ("shop:ended", true),
        ("shop:live", true),
        ("blog:old", true),
        ("blog:live", true),
    ] {
        assert_eq!(engine.has_item(id), is_left, "{id}");
    }
    assert_eq!(engine.run(&sweep).ok(), "Deleted 0 expired items.\n");
    let rest = engine.run(&["sweep", "--once"]).ok();
    assert_eq!(rest, "Deleted 1 expired item.\n");
}

#[test]
fn as_json() {
    let engine = engine_with_expired();
    let run = engine.run(&["sweep", "--once", "--json"]);
    assert_eq!(run.json(), serde_json::json!({ "deleted": 3 }));
}

#[test]
fn where_ttl_is_on_another_attribute_the_earlier_one_counts() {
    let engine = Engine::start_with(&["--sweep", "0"]);
    engine
        .run(&["table", "create", "--ttl-attribute", "ttl"])
        .ok();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (past, future) = (now.as_secs() - 1501, now.as_secs() + 600);
    for (id, expires, ttl) in [
        ("of expires", Some(past), None),
        ("of ttl", None, Some(past)),
        ("expires first", Some(past), Some(future)),
        ("ttl first", Some(future), Some(past)),
        ("live", Some(future), None),
    ] {
        let mut item = json!({ "sessionId": { "S": id }, "session": { "M": {} } });
        for (name, value) in [("expires", expires), ("ttl", ttl)] {
            if let Some(value) = value {
                item[name] = json!({ "N": value.to_string() });
            }
        }
        let request = json!({ "TableName": "sessions", "Item": item });
        engine.call("PutItem", &request);
        let code = i32::from(id != "live");
        assert_eq!(engine.run(&["session", "get", id]).code, Some(code), "{id}");
    }
    let swept = engine.run(&["sweep", "--once"]).ok();
    assert_eq!(swept, "Deleted 4 expired items.\n");
    // TTL is to delete the tombstone.
    engine.run(&["session", "delete", "live"]).ok();
    let key = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": "live" } } });
    let item = engine.call("GetItem", &key)["Item"].take();
    assert!(item["gone"].is_object());
    assert_eq!(item["ttl"], item["expires"]);
}

#[test]
fn without_a_table_the_hint_says_how_to_get_one() {
    let engine = Engine::start();
    let error = engine.run(&["sweep", "--once"]).fails(1);
    assert!(error.contains("table create"), "{error}");
}
