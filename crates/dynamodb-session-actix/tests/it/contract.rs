//! The contract of an actix-session store, and what this store promises beyond it.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore as _, UpdateError, generate_session_key,
};
use actix_web::cookie::time;
use dynamodb_session_actix::Store;
use serde_json::{Value, json};

use crate::support::{self, Crowded, World, block_on};

const HOUR: time::Duration = time::Duration::HOUR;

fn state(values: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    values.iter().map(owned).collect()
}

fn key(text: impl Into<String>) -> SessionKey {
    text.into().try_into().unwrap()
}

#[test]
fn the_store_keeps_the_contract() {
    let world = World::new();
    let store = Store::new(world.sessions());
    let (one, two) = (state(&[("n", "1")]), state(&[("m", "\"two\"")]));
    block_on(async {
        let first = store.save(one.clone(), &HOUR).await.unwrap();
        let second = store.save(two.clone(), &HOUR).await.unwrap();
        assert_ne!(first, second);
        assert_eq!(store.load(&first).await.unwrap(), Some(one));

        // An update writes the whole state, and keeps the key.
        let id = first.as_ref().to_owned();
        let first = store.update(first, two.clone(), &HOUR).await.unwrap();
        assert_eq!(first.as_ref(), id);
        assert_eq!(store.load(&first).await.unwrap(), Some(two.clone()));

        // A session with an empty state is a session.
        let first = store.update(first, state(&[]), &HOUR).await.unwrap();
        assert_eq!(store.load(&first).await.unwrap(), Some(state(&[])));

        store.delete(&first).await.unwrap();
        store.delete(&first).await.unwrap();
        assert_eq!(store.load(&first).await.unwrap(), None);
        assert_eq!(store.load(&second).await.unwrap(), Some(two));
    });
}

#[test]
fn a_ttl_sets_the_expiry() {
    let world = World::new();
    let store = Store::new(world.sessions()).touch_after(Duration::ZERO);
    let load = |key: &SessionKey| block_on(store.load(key)).unwrap();
    let session = block_on(store.save(state(&[]), &HOUR)).unwrap();
    world.clock.advance(Duration::from_mins(59));
    assert!(load(&session).is_some());
    block_on(store.update_ttl(&session, &HOUR)).unwrap();
    world.clock.advance(Duration::from_mins(59));
    assert!(load(&session).is_some());
    let session = block_on(store.update(session, state(&[]), &HOUR)).unwrap();
    world.clock.advance(Duration::from_mins(59));
    assert!(load(&session).is_some());
    world
        .clock
        .advance(Duration::from_mins(1) + Duration::from_secs(1));
    assert!(load(&session).is_none());
    assert_eq!(world.items().len(), 1);

    // An extension does not bring an expired session back.
    block_on(store.update_ttl(&session, &HOUR)).unwrap();
    assert!(load(&session).is_none());
}

#[test]
fn any_ttl_is_accepted() {
    let world = World::new();
    let store = Store::new(world.sessions());
    for (ttl, lives) in [
        (time::Duration::ZERO, false),
        (time::Duration::MIN, false),
        (time::Duration::MAX, true),
    ] {
        let session = block_on(store.save(state(&[]), &ttl)).unwrap();
        assert_eq!(
            block_on(store.load(&session)).unwrap().is_some(),
            lives,
            "{ttl}"
        );
        block_on(store.update_ttl(&session, &ttl)).unwrap();
        let session = block_on(store.update(session, state(&[]), &ttl)).unwrap();
        assert_eq!(
            block_on(store.load(&session)).unwrap().is_some(),
            lives,
            "{ttl}"
        );
    }
}

#[test]
fn a_session_that_is_gone_is_not_created() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone());
    let missing = generate_session_key();
    block_on(store.update_ttl(&missing, &HOUR)).unwrap();
    let id = missing.as_ref().to_owned();
    let same = block_on(store.update(missing, state(&[("n", "1")]), &HOUR)).unwrap();
    assert_eq!(same.as_ref(), id);
    assert!(world.items().is_empty());
    assert_eq!(sessions.stats().conflicts, 2);

    // A delete also forgets the remembered expiry: the touch after it is sent, and finds that the session is gone.
    let session = block_on(store.save(state(&[]), &HOUR)).unwrap();
    block_on(store.delete(&session)).unwrap();
    block_on(store.update_ttl(&session, &HOUR)).unwrap();
    assert_eq!(sessions.stats().conflicts, 3);
    assert!(world.items().is_empty());
}

#[test]
fn an_extension_leaves_the_state_of_a_parallel_request() {
    let world = World::new();
    let store = Store::new(world.sessions()).touch_after(Duration::ZERO);
    let session = block_on(store.save(state(&[("n", "1")]), &HOUR)).unwrap();
    block_on(store.load(&session)).unwrap();
    let session = block_on(store.update(session, state(&[("n", "2")]), &HOUR)).unwrap();
    block_on(store.update_ttl(&session, &(2 * HOUR))).unwrap();
    let loaded = block_on(store.load(&session)).unwrap();
    assert_eq!(loaded, Some(state(&[("n", "2")])));
}

#[test]
fn save_tries_five_keys() {
    let world = World::new();
    for taken in 0..=5 {
        let transport = Crowded {
            engine: world.addr(),
            taken: taken.into(),
        };
        let store = Store::new(support::open(world.builder().transport(transport)));
        let saved = block_on(store.save(state(&[("n", "1")]), &HOUR));
        if taken < 5 {
            let loaded = block_on(store.load(&saved.unwrap())).unwrap();
            assert_eq!(loaded, Some(state(&[("n", "1")])));
        } else {
            assert!(matches!(saved, Err(SaveError::Other(_))), "{saved:?}");
        }
    }
    assert_eq!(world.items().len(), 5);
}

#[test]
fn an_invalid_key_has_no_session() {
    let world = World::new();
    let sessions = world.sessions();
    let store = Store::new(sessions.clone());
    let before = sessions.stats().operations;
    for bad in [String::new(), "x".repeat(2049), "é".repeat(2032)] {
        assert_eq!(block_on(store.load(&key(&bad))).unwrap(), None);
        block_on(store.update_ttl(&key(&bad), &HOUR)).unwrap();
        block_on(store.delete(&key(&bad))).unwrap();
        let updated = block_on(store.update(key(&bad), state(&[]), &HOUR));
        assert!(matches!(updated, Err(UpdateError::Other(_))), "{updated:?}");
    }
    assert_eq!(sessions.stats().operations, before);
}

/// The texts are equal as JSON, and their numbers to the last digit.
#[test]
fn values_come_back_as_they_were() {
    let texts = [
        "null",
        "true",
        "0",
        "-1",
        "18446744073709551615",
        "-9223372036854775808",
        "99999999999999999999999999999999999999",
        "0.30000000000000004",
        "1e21",
        "-2.5e-100",
        "\"\"",
        r#""quote \" backslash \\ nul \u0000 line \n é 😀""#,
        "[]",
        "[1,[2,[\"3\"]],{}]",
        r#"{"b":1,"a":{"S":"x"},"M":[null]}"#,
    ];
    let world = World::new();
    let store = Store::new(world.sessions());
    let named: Vec<_> = (0..texts.len()).map(|n| format!("value {n}")).collect();
    let pairs: Vec<_> = named.iter().map(String::as_str).zip(texts).collect();
    let session = block_on(store.save(state(&pairs), &HOUR)).unwrap();
    let loaded = block_on(store.load(&session)).unwrap().unwrap();
    assert_eq!(loaded.len(), texts.len());
    for (name, text) in pairs {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            parsed(&loaded[name]),
            parsed(text),
            "{} {text}",
            loaded[name]
        );
        if let Ok(number) = text.parse::<u128>() {
            assert_eq!(loaded[name].parse(), Ok(number));
        } else if let Ok(number) = text.parse::<f64>() {
            assert_eq!(
                loaded[name].parse::<f64>().unwrap().to_bits(),
                number.to_bits()
            );
        }
    }
    let item = &world.items()[0]["session"]["M"];
    assert_eq!(item["value 4"], json!({ "N": "18446744073709551615" }));
    assert_eq!(item["value 10"], json!({ "S": "" }));
}

#[test]
fn errors_have_the_right_kind_and_hold_no_session() {
    let world = World::new();
    let store = Store::new(world.sessions());
    let session = block_on(store.save(state(&[("n", "1")]), &HOUR)).unwrap();
    let id = session.as_ref().to_owned();
    let mut shown = vec![format!("{store:?}")];
    // Debug output of actix-session's errors holds the causes too.
    let mut see = |error: &dyn fmt::Debug| shown.push(format!("{error:?}"));

    let big = json!("confidential".repeat(100_000)).to_string();
    for bad in [
        r#"{"":"confidential"}"#,
        "confidential",
        "1e300",
        big.as_str(),
    ] {
        let error = block_on(store.save(state(&[("n", bad)]), &HOUR)).unwrap_err();
        assert!(matches!(error, SaveError::Serialization(_)), "{error:?}");
        see(&error);
        let error = block_on(store.update(key(&id), state(&[("n", bad)]), &HOUR)).unwrap_err();
        assert!(matches!(error, UpdateError::Serialization(_)), "{error:?}");
        see(&error);
    }
    let mut item = world.items().remove(0);
    for unreadable in [
        json!({ "B": "AXNlY3JldA==" }),
        json!({ "M": { "n": { "SS": ["confidential"] } } }),
    ] {
        item["session"] = unreadable;
        world.put_item("sessions", &item);
        let error = block_on(store.load(&session)).unwrap_err();
        assert!(matches!(error, LoadError::Deserialization(_)), "{error:?}");
        see(&error);
    }

    world.stop();
    let error = block_on(store.load(&session)).unwrap_err();
    assert!(matches!(error, LoadError::Other(_)), "{error:?}");
    see(&error);
    let error = block_on(store.save(state(&[]), &HOUR)).unwrap_err();
    assert!(matches!(error, SaveError::Other(_)), "{error:?}");
    see(&error);
    let error = block_on(store.update(key(&id), state(&[]), &HOUR)).unwrap_err();
    assert!(matches!(error, UpdateError::Other(_)), "{error:?}");
    see(&error);
    for error in [
        block_on(store.update_ttl(&session, &(2 * HOUR))).unwrap_err(),
        block_on(store.delete(&session)).unwrap_err(),
    ] {
        see(&error);
    }
    for shown in shown {
        assert!(
            !shown.contains("confidential") && !shown.contains(&id),
            "{shown}"
        );
    }
}
