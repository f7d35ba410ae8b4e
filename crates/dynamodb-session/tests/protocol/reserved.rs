//! Ids that no session has, because other items of the table begin like them.

use dynamodb_session::framework::Framework;
use dynamodb_session::options::{HashIds, TableOptions};
use dynamodb_session::{DeleteTarget, ErrorKind, NewSession, SaveOptions};
use serde_json::{Value, json};

use crate::support::{
    MINUTE, World, id, loaded_as, new_session, now, save_absent, save_unknown, saved, secs, stored,
    touch_until, until,
};

#[tokio::test]
async fn a_reserved_id_is_nobodys_session() {
    for prefix in ["", "app:"] {
        let world = World::new();
        let options = TableOptions::default().prefix(prefix);
        let store = world.open(world.builder().table_options(options)).await;
        for name in ["k2.ja", "h1.", "u1.x"] {
            let key = format!("{prefix}{name}");
            let item = json!({ "session": { "M": {} }, "expires": { "N": secs(60) } });
            world.put_item(&key, item.clone());
            let before = world.item(&key);

            assert_eq!(store.load::<Value>(&id(name)).await.unwrap(), None);
            assert!(!store.is_signed_out(&id(name)).await.unwrap());
            assert_eq!(store.reference_of(&id(name)).await.unwrap(), None);
            store.delete(&id(name)).await.unwrap();
            let session: NewSession<Value> = new_session(name, json!({}), MINUTE);
            let loaded = loaded_as(name, json!({}), MINUTE);
            let touch = touch_until(now() + 2 * MINUTE);
            store.delete(DeleteTarget::from(&loaded)).await.unwrap();
            let framework = Framework::default();
            for error in [
                store.create(&session).await.unwrap_err(),
                store.put(&session).await.unwrap_err(),
                store
                    .save(&loaded, &json!({ "a": 1 }), &until(now() + MINUTE))
                    .await
                    .unwrap_err(),
                save_absent(&store, &session, &framework).await.unwrap_err(),
                save_unknown(&store, &loaded).await.unwrap_err(),
                store.touch(&loaded, &touch).await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidId);
                let text = error.to_string();
                assert!(
                    text.contains("is reserved: it begins with one of h1., k2., u1."),
                    "{text}"
                );
                assert!(!text.contains(name) || name == "h1.", "{text}");
            }
            assert_eq!(world.tap.operations(), [""; 0], "no request");
            assert_eq!(world.item(&key), before);
        }
    }
}

#[tokio::test]
async fn only_the_beginning_of_an_id_is_reserved() {
    let world = World::new();
    let store = world.store().await;
    for name in ["k2", "k2x", "K2.ja", "ak2.ja", "k1.a", "h2.", "koa:k2.ja"] {
        let loaded = stored(&store, name, json!({ "a": 1 })).await;
        let options = SaveOptions::default();
        saved(store.save(&loaded, &json!({ "a": 2 }), &options).await);
    }
}

#[tokio::test]
async fn a_session_from_before_its_id_was_reserved_is_listed_by_its_key() {
    for hash_ids in [HashIds::Off, HashIds::Read, HashIds::On, HashIds::Only] {
        for prefix in ["", "app:"] {
            let world = World::new();
            let options = TableOptions::default().prefix(prefix).hash_ids(hash_ids);
            let store = world.open(world.builder().table_options(options)).await;
            for name in ["k2.ja", "h1.", "u1.x"] {
                let key = format!("{prefix}{name}");
                let item = json!({ "session": { "M": {} }, "expires": { "N": secs(60) } });
                world.put_item(&key, item);

                let page = store.list::<Value>(None).await.unwrap();
                let [listed] = &page.sessions[..] else {
                    panic!("{} sessions", page.sessions.len());
                };
                assert_eq!((listed.id.as_str(), listed.id.is_key()), (name, true));
                let reference = store.reference(listed).unwrap();
                assert_eq!(
                    store.reference_of(&listed.id).await.unwrap(),
                    Some(reference)
                );
                assert!(store.load::<Value>(&listed.id).await.unwrap().is_some());
                assert_eq!(store.load::<Value>(&id(name)).await.unwrap(), None);
                store.delete(&id(name)).await.unwrap();
                assert!(world.session(&key).is_some());

                store.delete(DeleteTarget::from(listed)).await.unwrap();
                assert!(world.session(&key).is_none());
                assert_eq!(store.count().await.unwrap(), 0);
                assert!(!store.is_signed_out(&id(name)).await.unwrap());
            }
        }
    }
}
