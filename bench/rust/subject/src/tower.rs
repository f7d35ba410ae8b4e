//! `tower-sessions-dynamodb-store`.

use std::collections::HashMap;

use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions_dynamodb_store::{DynamoDBStore, DynamoDBStoreProps};

use crate::{Place, Result, Subject, aws_sdk};

const ID: Id = Id(1);

pub struct Tower {
    store: DynamoDBStore,
    session: HashMap<String, Value>,
}

impl Subject for Tower {
    type Session = HashMap<String, Value>;
    type Lane = Record;

    async fn open(place: &Place) -> Result<Self> {
        let props = DynamoDBStoreProps {
            table_name: place.table.clone(),
            ..DynamoDBStoreProps::default()
        };
        Ok(Self {
            store: DynamoDBStore::new(aws_sdk::client(place), props),
            session: serde_json::from_str(&std::fs::read_to_string(&place.session)?)?,
        })
    }

    async fn lane(&self) -> Result<Record> {
        Ok(Record {
            id: ID,
            data: self.session.clone(),
            // Years, because a stored session is read during the whole run.
            expiry_date: OffsetDateTime::now_utc() + Duration::days(3650),
        })
    }

    async fn get(&self) -> Result<Option<Self::Session>> {
        let record = self.store.load(&ID).await?;
        Ok(record.map(|record| record.data))
    }

    async fn put(&self, lane: &mut Record) -> Result {
        Ok(self.store.save(lane).await?)
    }

    async fn destroy(&self) -> Result {
        Ok(self.store.delete(&ID).await?)
    }
}
