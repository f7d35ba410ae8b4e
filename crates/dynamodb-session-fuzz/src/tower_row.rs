//! Rows of `tower-sessions-dynamodb-store`, whose data are `MessagePack`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::options::Layout;
use serde_json::json;
use tower_sessions_core::SessionStore as _;
use tower_sessions_core::session::{Id, Record};

use crate::attribute::{is_same, of_json};
use crate::row::Row;
use crate::world::{builder, now};

/// Takes the bytes of the attribute `data`.
pub fn tower_row(data: &[u8]) {
    let item = json!({ "data": { "B": STANDARD.encode(data) }, "expires": { "N": "1800003600" } });
    let row = Row::of(item.as_object().unwrap().clone());
    let sessions = builder(row.clone())
        .layout(Layout::TowerSessionsDynamodbStore)
        .build()
        .unwrap();
    let store = dynamodb_session_tower::Store::new(sessions);
    let Ok(Some(record)) = now(store.load(&Id(7))) else {
        return;
    };
    assert_eq!(record.expiry_date.unix_timestamp(), 1_800_003_600);
    // Data that DynamoDB cannot store as attribute values stay in `data`.
    if now(store.save(&record)).is_ok() {
        let item = row.item().unwrap();
        assert!(item.contains_key("session") && !item.contains_key("data"));
        let again = now(store.load(&Id(7))).unwrap().unwrap();
        let attribute = |record: &Record| of_json(&json!(record.data));
        // DynamoDB does not keep the sign of zero.
        assert!(
            is_same(&attribute(&again), &attribute(&record)),
            "not the same"
        );
        assert_eq!(again.expiry_date, record.expiry_date);
    }
}
