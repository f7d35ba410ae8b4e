//! Session data of any type that serde can serialise.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use dynamodb_session::{ErrorKind, Loaded, NewSession, Operation};
use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

use crate::support::{MINUTE, World, fresh, id, now, save_unknown, until};

async fn round_trip<T: Serialize + Sync + DeserializeOwned + PartialEq + fmt::Debug>(data: T) {
    let world = World::new();
    let store = world.store().await;
    // By reference: a write does not clone the data.
    let _ = store
        .put(&NewSession::new(id("a"), &data).expires_at(now() + MINUTE))
        .await
        .unwrap();
    let loaded = store
        .load::<T>(&id("a"))
        .await
        .unwrap()
        .expect("the session was just stored");
    assert_eq!(loaded.data, data);
}

/// Bytes that serialise as bytes. A `Vec<u8>` serialises as a list.
#[derive(Debug, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    Start,
    Page(u32),
    Range(i64, i64),
    Paid { cents: u64, note: Option<String> },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Tagged {
    Guest,
    User { name: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    text: String,
    letter: char,
    flag: bool,
    unit: (),
    some: Option<u8>,
    none: Option<u8>,
    ratio: f64,
    small: f32,
    pair: (i8, String),
    list: Vec<u8>,
    bytes: Bytes,
    no_bytes: Bytes,
    steps: Vec<Step>,
    tagged: Vec<Tagged>,
    nested: BTreeMap<String, BTreeMap<String, Vec<Option<bool>>>>,
    by_number: BTreeMap<u32, String>,
    #[serde(flatten)]
    rest: HashMap<String, String>,
}

#[tokio::test]
async fn a_struct_with_every_type() {
    round_trip(Everything {
        text: "a\u{0}\"\\\u{2028}😀".to_owned(),
        letter: 'ß',
        flag: true,
        unit: (),
        some: Some(0),
        none: None,
        ratio: 0.1 + 0.2,
        small: 1.5e-7,
        pair: (-1, String::new()),
        list: vec![0, 255],
        bytes: Bytes((0..=255).collect()),
        no_bytes: Bytes(Vec::new()),
        steps: vec![
            Step::Start,
            Step::Page(7),
            Step::Range(-1, i64::MAX),
            Step::Paid {
                cents: 1,
                note: None,
            },
        ],
        tagged: vec![
            Tagged::Guest,
            Tagged::User {
                name: "ada".to_owned(),
            },
        ],
        nested: BTreeMap::from([(
            "a".to_owned(),
            BTreeMap::from([("b".to_owned(), vec![None, Some(true)])]),
        )]),
        by_number: BTreeMap::from([(1, "one".to_owned()), (u32::MAX, "many".to_owned())]),
        rest: HashMap::from([("more".to_owned(), "fields".to_owned())]),
    })
    .await;
}

#[tokio::test]
async fn a_map_of_any_kind_is_a_session() {
    round_trip(HashMap::from([("n".to_owned(), 1)])).await;
    round_trip(BTreeMap::<String, u8>::new()).await;
    round_trip(Tagged::User {
        name: "ada".to_owned(),
    })
    .await;
    round_trip(Step::Paid {
        cents: 1,
        note: Some(String::new()),
    })
    .await;
    round_trip(json!({ "any": ["json", { "there": null }], "is": 1.5 })).await;
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Integers {
    u64: u64,
    i64: i64,
    u128: u128,
    i128: i128,
}

/// `DynamoDB` stores up to 38 digits.
const LARGEST: u128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

#[tokio::test]
async fn integers_keep_every_digit() {
    let smallest = -i128::try_from(LARGEST).unwrap();
    round_trip(Integers {
        u64: u64::MAX,
        i64: i64::MIN,
        u128: LARGEST,
        i128: smallest,
    })
    .await;
}

#[tokio::test]
async fn data_that_dynamodb_cannot_store_are_refused_without_a_request() {
    let world = World::new();
    let store = world.store().await;
    let too_many_digits = Integers {
        u64: 0,
        i64: 0,
        u128: LARGEST + 2,
        i128: 0,
    };
    let error = store
        .put(&NewSession::new(id("a"), too_many_digits).expires_at(now() + MINUTE))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    assert!(error.to_string().contains("u128"), "{error}");
    assert_eq!(world.tap.operations(), [""; 0]);
}

#[tokio::test]
async fn data_that_are_not_a_map_are_refused_without_a_request() {
    async fn is_refused<T: Serialize + Sync>(data: T) {
        let world = World::new();
        let store = world.store().await;
        let mut loaded = Loaded::new(id("a"), data);
        loaded.expires_at = Some(now() + MINUTE);
        for error in [
            store.put(&fresh(&loaded)).await.unwrap_err(),
            store.create(&fresh(&loaded)).await.unwrap_err(),
            save_unknown(&store, &loaded).await.unwrap_err(),
            store
                .save(&loaded, &loaded.data, &until(now() + MINUTE))
                .await
                .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
            assert_eq!(error.attempts(), 0);
        }
        assert_eq!(world.tap.operations(), [""; 0]);
    }
    is_refused(vec![1, 2]).await;
    is_refused("text").await;
    is_refused(None::<u8>).await;
    is_refused(Bytes(vec![1])).await;
    is_refused(Step::Start).await;
}

#[tokio::test]
async fn the_error_of_a_type_mismatch_does_not_quote_the_data() {
    let world = World::new();
    let store = world.store().await;
    let _ = store
        .put(&NewSession::new(id("a"), json!({ "n": "the-data" })).expires_at(now() + MINUTE))
        .await
        .unwrap();
    let error = store
        .load::<HashMap<String, u8>>(&id("a"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.operation(), Some(Operation::GetItem));
    assert!(
        !format!("{error} {error:?}").contains("the-data"),
        "{error:?}"
    );
}

#[tokio::test]
async fn fields_that_the_type_leaves_out_stay() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Visit {
        views: u32,
    }
    let world = World::new();
    let store = world.store().await;
    let data = json!({ "views": 1, "cart": { "items": [1, 2] } });
    let _ = store
        .put(&NewSession::new(id("a"), &data).expires_at(now() + MINUTE))
        .await
        .unwrap();
    for views in 2..4 {
        let loaded = store.load::<Visit>(&id("a")).await.unwrap().unwrap();
        let outcome = store
            .save(&loaded, &Visit { views }, &until(now() + MINUTE))
            .await
            .unwrap();
        assert!(outcome.is_saved());
        let stored = store
            .load::<serde_json::Value>(&id("a"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            stored.data,
            json!({ "views": views, "cart": { "items": [1, 2] } })
        );
    }
}

#[tokio::test]
async fn a_session_that_was_signed_out_is_a_miss_for_every_type() {
    #[derive(Serialize, Deserialize)]
    struct Visit {
        views: u32,
    }
    let world = World::new();
    let store = world.store().await;
    let visit = NewSession::new(id("a"), Visit { views: 1 }).expires_at(now() + MINUTE);
    let _ = store.put(&visit).await.unwrap();
    store.delete(&id("a")).await.unwrap();
    assert!(store.load::<Visit>(&id("a")).await.unwrap().is_none());
    let page = store.list::<Visit>(None).await.unwrap();
    assert_eq!((page.sessions.len(), page.unreadable), (0, 0));
    let _ = store.put(&visit).await.unwrap();
    assert!(store.load::<Visit>(&id("a")).await.unwrap().is_some());
}
