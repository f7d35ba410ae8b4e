//! The contract of a tower-sessions store, and what this store promises beyond it.

use std::collections::HashMap;
use std::time::Duration;

use dynamodb_session::options::TableOptions;
use dynamodb_session_tower::Store;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Error;
use tower_sessions::{ExpiredDeletion, MemoryStore, SessionStore};

use crate::support::{self, Crowded, World, block_on};

fn record(data: Value, lives: Duration) -> Record {
    Record {
        id: Id::default(),
        data: serde_json::from_value(data).unwrap(),
        // An expiry is stored in whole seconds.
        expiry_date: (OffsetDateTime::now_utc() + lives)
            .replace_nanosecond(0)
            .unwrap(),
    }
}

const HOUR: Duration = Duration::from_hours(1);

/// Every store must pass this.
async fn expect_contract(store: impl SessionStore) {
    let mut first = record(json!({ "n": 1 }), HOUR);
    store.create(&mut first).await.unwrap();
    assert_eq!(store.load(&first.id).await.unwrap(), Some(first.clone()));

    // A create with an id that exists does not overwrite that session.
    let mut second = first.clone();
    second.data.insert("n".to_owned(), json!(2));
    store.create(&mut second).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(store.load(&first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.load(&second.id).await.unwrap(), Some(second.clone()));

    // A save writes all data and the expiry.
    let mut saved = record(json!({ "m": [true, null, "é", 0.1] }), 2 * HOUR);
    saved.id = first.id;
    store.save(&saved).await.unwrap();
    assert_eq!(store.load(&first.id).await.unwrap(), Some(saved));

    // A session without data is a session.
    let mut empty = record(json!({}), HOUR);
    store.create(&mut empty).await.unwrap();
    assert_eq!(store.load(&empty.id).await.unwrap(), Some(empty));

    // An expired session is not loaded, even one that had expired when it was created.
    for date in [OffsetDateTime::now_utc(), OffsetDateTime::UNIX_EPOCH] {
        let mut expired = record(json!({}), HOUR);
        expired.expiry_date = date - HOUR;
        store.create(&mut expired).await.unwrap();
        assert_eq!(store.load(&expired.id).await.unwrap(), None);
    }

    store.delete(&first.id).await.unwrap();
    store.delete(&first.id).await.unwrap();
    assert_eq!(store.load(&first.id).await.unwrap(), None);
    assert_eq!(store.load(&Id::default()).await.unwrap(), None);
}

#[test]
fn the_store_keeps_the_contract() {
    block_on(expect_contract(MemoryStore::default()));
    let world = World::new();
    block_on(expect_contract(Store::new(world.sessions())));
}

#[test]
fn save_does_not_create_a_session() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone());
    block_on(store.save(&record(json!({ "n": 1 }), HOUR))).unwrap();
    assert!(world.items().is_empty());
    assert_eq!(sessions.stats().conflicts, 1);
}

#[test]
fn create_tries_five_ids() {
    let world = World::new();
    for taken in 0..=5 {
        let transport = Crowded {
            engine: world.addr(),
            taken: taken.into(),
        };
        let store = Store::new(support::open(world.builder().transport(transport)));
        let mut session = record(json!({ "n": taken }), HOUR);
        let first = session.id;
        let created = block_on(store.create(&mut session));
        if taken < 5 {
            created.unwrap();
            assert_eq!(session.id == first, taken == 0);
            assert_eq!(block_on(store.load(&session.id)).unwrap(), Some(session));
        } else {
            assert!(matches!(created, Err(Error::Backend(_))), "{created:?}");
        }
    }
    assert_eq!(world.items().len(), 5);
}

#[test]
fn create_takes_the_id_of_an_expired_session() {
    let world = World::new();
    let store = Store::new(world.sessions());
    let mut expired = record(json!({ "n": 1 }), HOUR);
    block_on(store.create(&mut expired)).unwrap();
    world.clock.advance(2 * HOUR);
    let mut fresh = record(json!({ "n": 2 }), 3 * HOUR);
    fresh.id = expired.id;
    block_on(store.create(&mut fresh)).unwrap();
    assert_eq!(fresh.id, expired.id);
    assert_eq!(block_on(store.load(&fresh.id)).unwrap(), Some(fresh));
}

#[test]
fn delete_expired_deletes_only_expired_sessions() {
    let world = World::new();
    let one = Store::new(support::open(
        world
            .builder()
            .table_options(TableOptions::default().prefix("one:")),
    ));
    let two = Store::new(support::open(
        world
            .builder()
            .table_options(TableOptions::default().prefix("two:")),
    ));
    let mut long = record(json!({ "n": 1 }), 3 * HOUR);
    block_on(one.create(&mut long)).unwrap();
    for store in [&one, &one, &two] {
        block_on(store.create(&mut record(json!({}), HOUR))).unwrap();
    }
    block_on(one.delete_expired()).unwrap();
    assert_eq!(world.items().len(), 4);
    world.clock.advance(2 * HOUR);
    block_on(one.delete_expired()).unwrap();
    assert_eq!(world.items().len(), 2);
    assert_eq!(block_on(one.load(&long.id)).unwrap(), Some(long));
    block_on(two.delete_expired()).unwrap();
    assert_eq!(world.items().len(), 1);

    world.stop();
    let error = block_on(one.delete_expired()).unwrap_err();
    assert!(matches!(error, Error::Backend(_)), "{error:?}");
}

#[test]
fn a_fraction_of_a_second_is_rounded_up() {
    let world = World::new();
    let store = Store::new(world.sessions());
    let mut session = record(json!({}), HOUR);
    let whole = session.expiry_date;
    session.expiry_date = whole + Duration::from_millis(1);
    block_on(store.create(&mut session)).unwrap();
    let loaded = block_on(store.load(&session.id)).unwrap().unwrap();
    assert_eq!(loaded.expiry_date, whole + Duration::from_secs(1));
}

/// `Expiry::AtDateTime` takes any date. Above 10¹¹ an expiry would be read as milliseconds.
#[test]
fn the_latest_expiry_is_in_the_year_5138() {
    let world = World::new();
    let store = Store::new(world.sessions());
    let mut session = record(json!({ "n": 1 }), HOUR);
    session.expiry_date = time::PrimitiveDateTime::MAX.assume_utc();
    block_on(store.create(&mut session)).unwrap();
    let loaded = block_on(store.load(&session.id)).unwrap().unwrap();
    assert_eq!(loaded.data, session.data);
    assert_eq!(loaded.expiry_date.year(), 5138);
}

#[test]
fn an_item_without_a_usable_expiry_is_live() {
    let world = World::new();
    let store = Store::new(world.sessions());
    for expires in [None, Some("99999999999999999999999999")] {
        let id = Id::default();
        let mut item = json!({ "sessionId": { "S": id.to_string() }, "session": { "M": {} } });
        if let Some(expires) = expires {
            item["expires"] = json!({ "N": expires });
        }
        world.put_item("sessions", &item);
        let loaded = block_on(store.load(&id)).unwrap().unwrap();
        assert!(loaded.expiry_date.year() > 5000, "{}", loaded.expiry_date);
    }
}

#[test]
fn errors_have_the_right_kind_and_hold_no_session() {
    let world = World::new();
    let store = Store::new(world.sessions());
    let mut session = record(json!({ "n": 1 }), HOUR);
    block_on(store.create(&mut session)).unwrap();

    let with_field = |value: Value| Record {
        data: HashMap::from([("field".to_owned(), value)]),
        ..session.clone()
    };
    let mut shown = Vec::new();
    for value in [
        json!({ "": "confidential" }),
        json!("confidential".repeat(100_000)),
    ] {
        let mut bad = with_field(value);
        for result in [block_on(store.save(&bad)), block_on(store.create(&mut bad))] {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::Encode(_)), "{error:?}");
            shown.push(error);
        }
    }
    assert!(
        shown[0].to_string().contains("session.field"),
        "{}",
        shown[0]
    );

    let binary = Id::default();
    world.put_item(
        "sessions",
        &json!({ "sessionId": { "S": binary.to_string() }, "session": { "M": { "field": { "B": "Y29uZmlkZW50aWFs" } } } }),
    );
    let error = block_on(store.load(&binary)).unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    shown.push(error);

    world.stop();
    for result in [
        block_on(store.save(&session)),
        block_on(store.create(&mut session)),
        block_on(store.delete(&session.id)),
        block_on(store.load(&session.id)).map(drop),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Backend(_)), "{error:?}");
        shown.push(error);
    }
    for error in &shown {
        let shown = format!("{error} {error:?} {store:?}");
        for hidden in ["confidential", &session.id.to_string(), &binary.to_string()] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
