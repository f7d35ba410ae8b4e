//! The six verbs and their conditions.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::observe::Event;
use dynamodb_session::options::TableOptions;
use dynamodb_session::{Base, CreateOutcome, ErrorKind, SaveOutcome, SessionStore, Version};
use serde_json::{Value, json};

use crate::support::{
    MINUTE, MS, WithoutVersion, World, fresh, id, load, loaded_as, new_session, now, refusal,
    save_unknown, saved, secs, stamp, stored, touch_until, until, without_rev,
};

async fn data_of(store: &SessionStore, name: &str) -> Option<Value> {
    store
        .load(&id(name))
        .await
        .unwrap()
        .map(|record| record.data)
}

#[tokio::test]
async fn every_verb_is_one_request() {
    let world = World::new();
    let store = world.store().await;
    let session = new_session("a", json!({ "n": 1 }), MINUTE);
    assert_eq!(
        store.create(&session).await.unwrap().without_version(),
        CreateOutcome::Created(stamp(now(), MINUTE))
    );
    // Each write is made from the state that the one before returned.
    let mut loaded = load(&store, "a").await;
    for verb in 0..3 {
        let expires_at = now() + MINUTE;
        let written = match verb {
            0 => {
                store
                    .save(&loaded, &json!({ "n": 2 }), &until(expires_at))
                    .await
            }
            1 => save_unknown(&store, &loaded).await,
            _ => store.touch(&loaded, &touch_until(expires_at)).await,
        };
        let written = saved(written);
        assert_eq!(written.without_version(), stamp(now(), MINUTE));
        loaded = loaded.with_stamp(written);
    }
    store.delete(&loaded).await.unwrap();
    let other = new_session("b", json!({ "n": 1 }), MINUTE);
    assert_eq!(
        store.put(&other).await.unwrap().without_version(),
        stamp(now(), MINUTE)
    );
    let verbs = [
        "PutItem",
        "GetItem",
        "UpdateItem",
        "UpdateItem",
        "UpdateItem",
        "PutItem",
        "PutItem",
    ];
    assert_eq!(world.tap.operations(), verbs);
}

#[tokio::test]
async fn a_write_to_a_session_that_is_not_known_takes_a_second_request() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    world.tap.calls();
    // A save whose state is not known, a delete of an id, and a put over a session.
    let mut unknown = loaded.clone();
    unknown.version = Version::UNKNOWN;
    let written = store
        .save(&unknown, &json!({ "n": 2 }), &until(now() + MINUTE))
        .await;
    assert!(written.unwrap().is_saved());
    assert_eq!(world.tap.operations(), ["GetItem", "UpdateItem"]);
    let _ = store.put(&fresh(&loaded)).await.unwrap();
    assert_eq!(world.tap.operations(), ["PutItem", "UpdateItem"]);
    store.delete(&loaded.id).await.unwrap();
    assert_eq!(world.tap.operations(), ["GetItem", "PutItem"]);
}

#[tokio::test]
async fn created_is_the_time_of_the_store_and_is_loaded() {
    let world = World::new();
    let store = world.store().await;
    world.clock.advance(123 * MS);
    let mut session = loaded_as("a", json!({}), MINUTE);
    // The `created` of a new session is ignored.
    session.created = Some(now() - MINUTE);
    let created = now() + 123 * MS;
    assert_eq!(
        store
            .create(&fresh(&session))
            .await
            .unwrap()
            .without_version(),
        CreateOutcome::Created(stamp(created, MINUTE))
    );
    let loaded = store.load::<Value>(&session.id).await.unwrap().unwrap();
    assert_eq!(
        (loaded.id, loaded.created, loaded.expires_at),
        (id("a"), Some(created), Some(now() + MINUTE))
    );
    assert_eq!(
        without_rev(world.item("a").unwrap()),
        json!({
            "sessionId": { "S": "a" }, "expires": { "N": secs(60) },
            "created": { "N": "1800000000123" }, "session": { "M": {} },
        })
    );
}

#[tokio::test]
async fn create_takes_only_a_free_id() {
    let world = World::new();
    let store = world.store().await;
    let first = new_session("a", json!({ "n": 1 }), MINUTE);
    assert_eq!(
        store.create(&first).await.unwrap().without_version(),
        CreateOutcome::Created(stamp(now(), MINUTE))
    );
    assert_eq!(
        store
            .create(&new_session("a", json!({ "n": 2 }), MINUTE))
            .await
            .unwrap(),
        CreateOutcome::Taken
    );
    assert_eq!(data_of(&store, "a").await, Some(json!({ "n": 1 })));
    store.delete(&id("a")).await.unwrap();
    // The `created` of the next session differs, although the clock has not moved.
    assert_eq!(
        store
            .create(&new_session("a", json!({ "n": 3 }), MINUTE))
            .await
            .unwrap()
            .without_version(),
        CreateOutcome::Created(stamp(now() + MS, MINUTE))
    );
    assert_eq!(data_of(&store, "a").await, Some(json!({ "n": 3 })));
}

/// Whether a touch, a replace and a save are written if the loaded session has the `created` of `loaded`, and the item
/// the one of `stored`.
async fn are_written(stored: Option<u64>, loaded: Option<SystemTime>) -> [bool; 3] {
    let world = World::new();
    let store = world.store().await;
    let mut item = json!({ "session": { "M": {} }, "expires": { "N": secs(60) } });
    if let Some(ms) = stored {
        item["created"] = json!({ "N": ms.to_string() });
    }
    let (expires_at, data) = (now() + 2 * MINUTE, json!({ "n": 2 }));
    let mut session = loaded_as("a", data.clone(), 2 * MINUTE);
    session.created = loaded;
    let empty = session.with_data(json!({}));
    let mut are_written = [false; 3];
    for (verb, is_written) in are_written.iter_mut().enumerate() {
        world.put_item("a", item.clone());
        let before = world.item("a");
        let written = match verb {
            0 => store
                .touch(&session, &touch_until(expires_at))
                .await
                .unwrap(),
            1 => save_unknown(&store, &session).await.unwrap(),
            _ => store.save(&empty, &data, &until(expires_at)).await.unwrap(),
        };
        if written == SaveOutcome::Gone {
            assert_eq!(world.item("a"), before);
        } else {
            // A save returns the `created` of the item, or the one that it has written.
            let existing = stored.map(|ms| UNIX_EPOCH + Duration::from_millis(ms));
            let returned = (verb == 2).then_some(existing.unwrap_or(now()));
            let expected = stamp(loaded.or(returned), 2 * MINUTE);
            assert_eq!(written.without_version(), SaveOutcome::Saved(expected));
            assert_eq!(
                world.item("a").unwrap()["expires"],
                json!({ "N": secs(120) })
            );
        }
        *is_written = written.is_saved();
    }
    are_written
}

#[tokio::test]
async fn touch_replace_and_save_write_only_to_the_loaded_session() {
    const STORED: u64 = 1_800_000_000_000;
    assert_eq!(are_written(Some(STORED), Some(now())).await, [true; 3]);
    assert_eq!(are_written(Some(STORED + 1), Some(now())).await, [false; 3]);
    assert_eq!(are_written(Some(STORED - 1), Some(now())).await, [false; 3]);
    // Another writer, which does not use `created`, has erased it.
    assert_eq!(are_written(None, Some(now())).await, [true; 3]);
    // A parallel save has added it.
    assert_eq!(are_written(Some(STORED), None).await, [true; 3]);
    assert_eq!(are_written(None, None).await, [true; 3]);
}

#[tokio::test]
async fn touch_replace_and_save_do_not_bring_a_session_back() {
    let world = World::new();
    let store = world.store().await;
    for created in [None, Some(now())] {
        let mut session = loaded_as("a", json!({}), MINUTE);
        session.created = created;
        assert_eq!(
            save_unknown(&store, &session).await.unwrap(),
            SaveOutcome::Gone
        );
        assert_eq!(
            store
                .save(&session, &json!({ "n": 1 }), &until(now() + MINUTE))
                .await
                .unwrap(),
            SaveOutcome::Gone
        );
        assert_eq!(
            store
                .touch(&session, &touch_until(now() + MINUTE))
                .await
                .unwrap(),
            SaveOutcome::Gone
        );
        assert_eq!(world.item("a"), None);
    }
}

#[tokio::test]
async fn replace_writes_data_and_expiry_and_leaves_the_rest() {
    let world = World::new();
    let store = world.store().await;
    let item = json!({ "session": { "M": { "old": { "N": "1" } } }, "expires": { "N": secs(60) }, "other": { "N": "7" } });
    world.put_item("a", item);
    let session = loaded_as("a", json!({ "n": 1 }), 2 * MINUTE);
    assert_eq!(
        save_unknown(&store, &session)
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(None, 2 * MINUTE))
    );
    assert_eq!(
        without_rev(world.item("a").unwrap()),
        json!({
            "sessionId": { "S": "a" }, "session": { "M": { "n": { "N": "1" } } }, "other": { "N": "7" },
            "expires": { "N": secs(120) }, "created": { "N": "1800000000000" },
        })
    );
}

#[tokio::test]
async fn save_writes_what_changed_and_the_expiry_and_leaves_the_rest() {
    let world = World::new();
    let store = world.store().await;
    let fields = json!({ "old": { "N": "1" }, "same": { "N": "1" }, "theirs": { "N": "1" } });
    let item =
        json!({ "session": { "M": fields }, "expires": { "N": secs(60) }, "other": { "N": "7" } });
    world.put_item("a", item);
    let loaded = loaded_as("a", json!({ "old": 1, "same": 1 }), MINUTE);
    assert_eq!(
        store
            .save(
                &loaded,
                &json!({ "same": 1, "n": 1 }),
                &until(now() + 2 * MINUTE)
            )
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    let fields = json!({ "same": { "N": "1" }, "theirs": { "N": "1" }, "n": { "N": "1" } });
    assert_eq!(
        without_rev(world.item("a").unwrap()),
        json!({
            "sessionId": { "S": "a" }, "session": { "M": fields }, "other": { "N": "7" },
            "expires": { "N": secs(120) }, "created": { "N": "1800000000000" },
        })
    );
}

#[tokio::test]
async fn touch_moves_only_the_expiry() {
    let world = World::new();
    let store = world.store().await;
    let mut session = loaded_as("a", json!({ "n": 1 }), MINUTE);
    session.created = store.put(&fresh(&session)).await.unwrap().created;
    let mut expected = world.item("a").unwrap();
    world.clock.advance(MINUTE / 2);
    assert_eq!(
        store
            .touch(&session, &touch_until(now() + 5 * MINUTE))
            .await
            .unwrap()
            .without_version(),
        SaveOutcome::Saved(stamp(now(), 5 * MINUTE))
    );
    expected["expires"] = json!({ "N": secs(300) });
    assert_eq!(world.item("a").unwrap(), expected);
}

#[tokio::test]
async fn put_and_delete_succeed_whatever_is_there() {
    let world = World::new();
    let store = world.store().await;
    store.delete(&id("a")).await.unwrap();
    // Over a tombstone, and over a session, which stays the same one.
    for n in 1..=2 {
        let session = new_session("a", json!({ "n": n }), MINUTE);
        assert_eq!(
            store.put(&session).await.unwrap().without_version(),
            stamp(now(), MINUTE)
        );
        assert_eq!(data_of(&store, "a").await, Some(json!({ "n": n })));
        world.clock.advance(Duration::from_secs(1));
    }
    // Of a session, and of a tombstone.
    for _ in 0..2 {
        store.delete(&id("a")).await.unwrap();
        assert_eq!(world.session("a"), None);
    }
}

#[tokio::test]
async fn a_delete_leaves_a_tombstone_of_what_it_deleted() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    let mut item = world.item("a").unwrap();
    item["other"] = json!({ "S": "kept by a save, not by a delete" });
    world.put_item("a", item.clone());
    let mut gones = Vec::new();
    let bytes = |value: &Value| STANDARD.decode(value["B"].as_str().unwrap()).unwrap();
    let mut rev = bytes(&item["rev"]);
    for n in 0..2 {
        store.delete(&loaded).await.unwrap();
        let mut tombstone = world.item("a").unwrap();
        gones.push(tombstone["gone"].take());
        assert_eq!(bytes(&tombstone["rev"].take()), rev);
        // One that replaces it keeps its name too.
        rev = [bytes(&gones[n]), rev].concat();
        let expires = secs(25 * 60 + 60 * n as u64);
        assert_eq!(
            tombstone,
            json!({
                "sessionId": { "S": "a" }, "gone": null, "expires": { "N": expires },
                "created": item["created"], "rev": null, "session": { "M": { "_expire": { "N": "1" } } },
            })
        );
        world.clock.advance(MINUTE);
    }
    assert_ne!(gones[0], gones[1]);
    assert_eq!(data_of(&store, "a").await, None);
    // An expired tombstone is replaced as if there were no item.
    world.clock.advance(25 * MINUTE);
    let session = new_session("a", json!({ "n": 2 }), 60 * MINUTE);
    world.tap.calls();
    let _ = store.put(&session).await.unwrap();
    assert_eq!(world.tap.operations(), ["PutItem"]);
    assert_eq!(data_of(&store, "a").await, Some(json!({ "n": 2 })));
}

#[tokio::test]
async fn a_delete_of_a_loaded_session_leaves_a_later_one() {
    let world = World::new();
    let store = world.store().await;
    let loaded = stored(&store, "a", json!({ "n": 1 })).await;
    store.delete(&loaded).await.unwrap();
    world.clock.advance(MS);
    let _ = stored(&store, "a", json!({ "n": 2 })).await;
    store.delete(&loaded).await.unwrap();
    assert_eq!(data_of(&store, "a").await, Some(json!({ "n": 2 })));
    // Whatever has happened to the loaded one meanwhile, it is deleted.
    let loaded = load(&store, "a").await;
    let written = store
        .save(&loaded, &json!({ "n": 3 }), &until(now() + MINUTE))
        .await;
    assert!(written.unwrap().is_saved());
    store.delete(&loaded).await.unwrap();
    assert_eq!(data_of(&store, "a").await, None);
}

#[tokio::test]
async fn a_save_that_ends_a_session_is_a_delete() {
    let world = World::new();
    let store = world.store().await;
    for is_known in [true, false] {
        let loaded = stored(&store, "a", json!({ "n": 1 })).await;
        let ended = until(now());
        let written = if is_known {
            store.save(&loaded, &json!({ "n": 2 }), &ended).await
        } else {
            let base = Base::unknown(&loaded.id, loaded.created);
            store.save(base, &json!({ "n": 2 }), &ended).await
        };
        assert_eq!(
            saved(written).without_version(),
            stamp(loaded.created, Duration::ZERO)
        );
        assert_eq!(world.session("a"), None);
        assert_eq!(
            world.item("a").unwrap()["expires"],
            json!({ "N": secs(25 * 60) })
        );
        let again = store
            .save(&loaded, &json!({}), &until(now() + MINUTE))
            .await;
        assert_eq!(again.unwrap(), SaveOutcome::Gone);
    }
}

#[tokio::test]
async fn without_permission_for_puts_a_delete_leaves_no_tombstone() {
    let world = World::new();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let reported = Arc::clone(&reported);
        Arc::new(move |event: &Event| reported.lock().unwrap().push(event.clone()))
    };
    let store = world.open(world.builder().on_event(listener)).await;
    for _ in 0..2 {
        let loaded = stored(&store, "a", json!({ "n": 1 })).await;
        world.tap.calls();
        world
            .tap
            .script([refusal("AccessDeniedException", "no PutItem for you")]);
        store.delete(&loaded).await.unwrap();
        assert_eq!(world.tap.operations(), ["PutItem", "DeleteItem"]);
        assert_eq!(world.item("a"), None);
    }
    assert_eq!(*reported.lock().unwrap(), [Event::PutDenied]);
}

#[tokio::test]
async fn prefixes_keep_applications_apart() {
    let world = World::new();
    let plain = world.store().await;
    let one = world
        .builder()
        .table_options(TableOptions::default().prefix("one:"))
        .build()
        .unwrap();
    let two = world
        .builder()
        .table_options(TableOptions::default().prefix("two:"))
        .build()
        .unwrap();
    for (store, n) in [(&plain, 0), (&one, 1), (&two, 2)] {
        let session = new_session("a", json!({ "n": n }), MINUTE);
        assert_eq!(
            store.create(&session).await.unwrap().without_version(),
            CreateOutcome::Created(stamp(now(), MINUTE))
        );
    }
    one.delete(&id("a")).await.unwrap();
    assert_eq!(data_of(&one, "a").await, None);
    assert_eq!(data_of(&two, "a").await, Some(json!({ "n": 2 })));
    assert_eq!(data_of(&plain, "a").await, Some(json!({ "n": 0 })));
    assert_eq!(data_of(&plain, "two:a").await, Some(json!({ "n": 2 })));
    let loaded = two.load::<Value>(&id("a")).await.unwrap().unwrap();
    assert_eq!(loaded.id, id("a"));
    let written = SaveOutcome::Saved(stamp(now(), MINUTE));
    assert_eq!(
        save_unknown(&two, &loaded).await.unwrap().without_version(),
        written
    );
    let changed = json!({ "n": 3 });
    let written_again = two.save(&loaded, &changed, &until(now() + MINUTE)).await;
    assert_eq!(written_again.unwrap().without_version(), written);
    assert_eq!(
        two.touch(&loaded, &touch_until(now() + MINUTE))
            .await
            .unwrap()
            .without_version(),
        written
    );
    assert_eq!(data_of(&two, "a").await, Some(json!({ "n": 3 })));
    assert_eq!(data_of(&plain, "a").await, Some(json!({ "n": 0 })));
}

#[tokio::test]
async fn an_id_that_is_too_long_with_the_prefix_is_invalid() {
    let world = World::new();
    let store = world
        .open(
            world
                .builder()
                .table_options(TableOptions::default().prefix("p:")),
        )
        .await;
    let longest = "x".repeat(2046);
    let _ = store
        .put(&new_session(&longest, json!({}), MINUTE))
        .await
        .unwrap();
    assert!(data_of(&store, &longest).await.is_some());

    world.tap.calls();
    let longer = "x".repeat(2047);
    let session = loaded_as(&longer, json!({}), MINUTE);
    assert_eq!(data_of(&store, &longer).await, None);
    store.delete(&session.id).await.unwrap();
    for error in [
        store.put(&fresh(&session)).await.unwrap_err(),
        store.create(&fresh(&session)).await.unwrap_err(),
        save_unknown(&store, &session).await.unwrap_err(),
        store
            .save(&session, &session.data, &until(now() + MINUTE))
            .await
            .unwrap_err(),
        store
            .touch(&session, &touch_until(now() + MINUTE))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidId);
        assert_eq!(error.table(), Some("sessions"));
    }
    assert_eq!(world.tap.operations(), [""; 0]);
}
