//! Items of any program that writes to the table: read in every layout, as every kind of type, and saved again.

use std::collections::BTreeMap;

use dynamodb_session::options::{Layout, RetryOptions, TableOptions};
use dynamodb_session::{DecodeSession, ErrorKind, Loaded, SaveOptions, SaveOutcome, SessionText};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tower_sessions_core::SessionStore as _;
use tower_sessions_core::session::Id;

use crate::attribute::is_same;
use crate::row::Row;
use crate::session::attribute_of;
use crate::unique;
use crate::world::{Answers, LAYOUTS, SECRET, builder, id, later, now};

/// Takes the answer to a `GetItem`.
pub fn item(answer: &[u8]) {
    for layout in LAYOUTS {
        load::<SessionText>(answer, layout);
        load::<Value>(answer, layout);
        load::<BTreeMap<String, String>>(answer, layout);
        load::<Typed>(answer, layout);
        load::<Keyed>(answer, layout);
        load::<IgnoredAny>(answer, layout);
        list(answer, layout);
    }
    let store = builder(Answers::new([(200, answer.to_vec())]))
        .layout(Layout::TowerSessionsDynamodbStore)
        .build()
        .unwrap();
    // The errors of this type are text.
    let _ = now(dynamodb_session_tower::Store::new(store).load(&Id(7)));

    if let Some(Value::Object(mut answer)) = unique::parse(answer)
        && let Some(Value::Object(item)) = answer.remove("Item")
    {
        for layout in LAYOUTS {
            save_again(item.clone(), layout);
        }
    }
}

/// The types that serde can ask for.
#[derive(Debug, Serialize, Deserialize)]
struct Typed {
    #[serde(default)]
    integer: i64,
    #[serde(default)]
    large: Option<u128>,
    #[serde(default)]
    small: i8,
    #[serde(default)]
    double: f64,
    #[serde(default)]
    bytes: Vec<u8>,
    #[serde(default)]
    choice: Option<Choice>,
    #[serde(default)]
    list: Vec<Option<Box<Typed>>>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Choice {
    Unit,
    One(bool),
    Two(char, f32),
    Named { name: String },
}

/// Names that are not strings in the application.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Keyed(BTreeMap<i32, (u8, String)>);

fn load<T: DecodeSession>(answer: &[u8], layout: Layout) -> Option<Loaded<T>> {
    let store = builder(Answers::new([(200, answer.to_vec())]))
        .layout(layout)
        .retry_options(RetryOptions::default().max_attempts(1))
        .build()
        .unwrap();
    match now(store.load(&id())) {
        Ok(record) => record,
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains(SECRET) || contains(answer, SECRET),
                "the id in an error"
            );
            // DynamoDB answers with JSON objects only.
            assert!(
                matches!(error.kind(), ErrorKind::Decode | ErrorKind::Service),
                "{error:?}"
            );
            None
        }
    }
}

fn list(answer: &[u8], layout: Layout) {
    let mut page = br#"{"Items":["#.to_vec();
    page.extend_from_slice(answer);
    page.extend_from_slice(b"]}");
    for answer in [answer.to_vec(), page] {
        let store = builder(Answers::new([(200, answer)]))
            .layout(layout)
            .table_options(TableOptions::default().prefix("p"))
            .retry_options(RetryOptions::default().max_attempts(1))
            .build()
            .unwrap();
        let _ = now(store.list::<SessionText>(None));
    }
}

/// A loaded session can be saved unchanged, and is then an item of this package with the same content.
fn save_again(mut item: Map<String, Value>, layout: Layout) {
    item.insert("sessionId".to_owned(), json!({ "S": SECRET }));
    let row = Row::of(item);
    let store = builder(row.clone()).layout(layout).build().unwrap();
    let Ok(Some(loaded)) = now(store.load::<SessionText>(&id())) else {
        return;
    };
    // DynamoDB would not have stored this item.
    let Ok(SaveOutcome::Saved(_)) = now(store.save(
        &loaded,
        &loaded.data,
        &SaveOptions::default().expires_at(later()),
    )) else {
        return;
    };
    let again = now(store.load::<SessionText>(&id())).unwrap().unwrap();
    assert!(!again.is_foreign, "still foreign");
    assert!(again.created.is_some(), "no created");
    assert_eq!(again.expires_at, Some(later()));
    if let (Some(before), Some(after)) = (attribute_of(&loaded.data), attribute_of(&again.data)) {
        assert!(
            is_same(&before, &after),
            "not the same: {before} and {after}"
        );
    }
}

pub(crate) fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
