//! Items of other packages are opened as before, and become sealed at their next save.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::options::{EncryptionMode, Layout};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{KOA, LAYOUTS, in_mode, is_sealed};
use crate::support::{MINUTE, World, load, now, saved, secs, touch_until, until};

/// The attributes of an item of the package whose layout it is, with the session `{"n":1}`.
fn item_of(layout: Layout) -> Value {
    let mut item = match layout {
        Layout::ConnectDynamodb => {
            json!({ "sess": { "S": "{\"n\":1}" }, "type": { "S": "connect-session" } })
        }
        Layout::DynamodbStore => json!({ "sess": { "M": { "n": { "N": "1" } } } }),
        _ => json!({ "session": { "M": { "n": { "N": "1" } } } }),
    };
    item["expires"] = json!({ "N": secs(60) });
    item
}

/// The attribute that holds the session, and what is there beside sealed data.
fn in_place(layout: Layout) -> (&'static str, Value) {
    match layout {
        Layout::ConnectDynamodb => ("sess", json!({ "S": "null" })),
        _ => ("session", json!({ "M": { "_expire": { "N": "1" } } })),
    }
}

#[tokio::test]
async fn they_become_sealed_at_their_next_save_and_plain_again_on_the_way_back() {
    for layout in LAYOUTS {
        let world = World::new();
        let store = world.open(world.encrypting().layout(layout)).await;
        world.put_item("a", item_of(layout));
        let loaded = load(&store, "a").await;
        assert_eq!(loaded.data, json!({ "n": 1 }), "{layout:?}");
        let options = until(now() + MINUTE);
        let _ = saved(store.save(&loaded, &json!({ "n": 2 }), &options).await);
        let item = world.item("a").unwrap();
        assert!(is_sealed(&item));
        let (attribute, value) = in_place(layout);
        assert_eq!(item[attribute], value, "{layout:?}");
        assert_eq!(
            item.get("type").is_some(),
            layout == Layout::ConnectDynamodb
        );
        assert_eq!(
            item.get("sess").is_some(),
            layout == Layout::ConnectDynamodb
        );
        let loaded = load(&store, "a").await;
        assert_eq!(
            (&loaded.data, loaded.is_foreign),
            (&json!({ "n": 2 }), false)
        );

        // Two requests in parallel are merged.
        for data in [json!({ "n": 2, "x": 1 }), json!({ "n": 3 })] {
            let _ = saved(store.save(&loaded, &data, &options).await);
        }
        let loaded = load(&store, "a").await;
        assert_eq!(loaded.data, json!({ "n": 3, "x": 1 }));

        let builder = world.builder().encryption(in_mode(EncryptionMode::Read));
        let reading = builder.layout(layout).build().unwrap();
        let loaded = load(&reading, "a").await;
        let _ = saved(reading.save(&loaded, &json!({ "n": 4 }), &options).await);
        let item = world.item("a").unwrap();
        assert!(!is_sealed(&item));
        let plain = match layout {
            Layout::ConnectDynamodb => json!({ "S": "{\"n\":4}" }),
            _ => json!({ "M": { "n": { "N": "4" } } }),
        };
        assert_eq!(item[attribute], plain, "{layout:?}");
        assert_eq!(load(&store, "a").await.data, json!({ "n": 4 }));
    }
}

#[tokio::test]
async fn they_become_sealed_at_their_next_touch() {
    for layout in LAYOUTS {
        for has_fields in [false, true] {
            let world = World::new();
            let store = world.open(world.encrypting().layout(layout)).await;
            world.put_item("a", item_of(layout));
            let loaded = load(&store, "a").await;
            let touched = json!({ "n": 1, "_expire": 7 });
            let later = now() + 2 * MINUTE;
            let expected = if has_fields {
                let options = touch_until(later).framework(&KOA, &touched);
                let _ = saved(store.touch(&loaded, &options).await);
                touched.clone()
            } else {
                let _ = saved(store.touch(&loaded, &touch_until(later)).await);
                json!({ "n": 1 })
            };
            let item = world.item("a").unwrap();
            assert!(is_sealed(&item), "{layout:?} {has_fields}");
            assert_eq!(item[in_place(layout).0], in_place(layout).1);
            let after = load(&store, "a").await;
            assert_eq!((after.data, after.expires_at), (expected, Some(later)));
        }
    }
}

/// The session's type is given the bytes of a row of `tower-sessions-dynamodb-store`, and saves what it made of them.
#[tokio::test]
async fn rows_of_bytes_become_sealed_too() {
    #[derive(Debug, Clone, PartialEq, serde::Serialize)]
    struct Row {
        bytes: Vec<u8>,
    }
    impl<'de> serde::Deserialize<'de> for Row {
        fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Row;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes, or a map with them")
                }
                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Row, E> {
                    Ok(Row {
                        bytes: bytes.to_vec(),
                    })
                }
                fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Row, E> {
                    Ok(Row { bytes })
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Row, A::Error> {
                    let mut bytes = Vec::new();
                    while let Some(name) = map.next_key::<String>()? {
                        if name != "bytes" {
                            return Err(serde::de::Error::custom("not a row"));
                        }
                        bytes = map.next_value()?;
                    }
                    Ok(Row { bytes })
                }
            }
            input.deserialize_any(Visitor)
        }
    }
    let world = World::new();
    let layout = Layout::TowerSessionsDynamodbStore;
    let store = world.open(world.encrypting().layout(layout)).await;
    world.put_item(
        "a",
        json!({ "data": { "B": STANDARD.encode([1, 2, 3]) }, "expires": { "N": secs(60) } }),
    );
    let loaded = store
        .load::<Row>(&crate::support::id("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        loaded.data,
        Row {
            bytes: vec![1, 2, 3]
        }
    );
    assert!(loaded.is_foreign);
    let options = until(now() + MINUTE);
    let _ = saved(store.save(&loaded, &loaded.data, &options).await);
    let item = world.item("a").unwrap();
    assert!(is_sealed(&item) && item.get("data").is_none());
    let again = store.load::<Row>(&loaded.id).await.unwrap().unwrap();
    assert_eq!((again.data, again.is_foreign), (loaded.data, false));
}

/// Only the session's type knows what the bytes mean, and a touch without fields has no session to write.
#[tokio::test]
async fn a_touch_leaves_bytes_as_they_are() {
    let world = World::new();
    let layout = Layout::TowerSessionsDynamodbStore;
    let store = world.open(world.encrypting().layout(layout)).await;
    let data = json!({ "B": STANDARD.encode([1, 2, 3]) });
    world.put_item("a", json!({ "data": data, "expires": { "N": secs(60) } }));
    let a = crate::support::id("a");
    let loaded = store.load::<IgnoredAny>(&a).await.unwrap().unwrap();
    assert!(loaded.is_foreign);
    let loaded = loaded.with_data(json!({}));
    let later = now() + 2 * MINUTE;
    let _ = saved(store.touch(&loaded, &touch_until(later)).await);
    let item = world.item("a").unwrap();
    assert_eq!(item["data"], data);
    assert_eq!(item["expires"], json!({ "N": secs(120) }));
}
