//! The core's conformance suite, with tower-sessions' store as its subject.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use dynamodb_session::conformance::{self, Subject};
use dynamodb_session::options::{EncryptionKey, EncryptionOptions, HashIds, TableOptions};
use dynamodb_session::{Builder, ErrorKind, SessionStore};
use dynamodb_session_tower::Store;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower_sessions::SessionStore as TowerStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use crate::support::World;

struct Tower {
    store: Store,
    sessions: SessionStore,
}

/// tower-sessions' ids are numbers. This one is a hash of the case's id.
fn id_of(id: &str) -> Id {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, id).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    Id(((half(0) << 64) | half(1)).cast_signed())
}

impl Tower {
    fn new(sessions: SessionStore) -> Self {
        Self {
            store: Store::new(sessions.clone()),
            sessions,
        }
    }

    fn record(&self, id: Id, data: &Value, ttl: Duration) -> Record {
        Record {
            id,
            data: serde_json::from_value(data.clone()).expect("session data is a map"),
            expiry_date: OffsetDateTime::from(self.sessions.now() + ttl),
        }
    }
}

impl Subject for Tower {
    type Loaded = Id;
    type Error = Error;

    async fn put(&mut self, id: &str, data: &Value, ttl: Duration) -> Result<()> {
        let mut record = self.record(id_of(id), data, ttl);
        if self.store.load(&record.id).await?.is_some() {
            return self.store.save(&record).await;
        }
        self.store.create(&mut record).await
    }

    async fn create(&mut self, id: &str, data: &Value, ttl: Duration) -> Result<bool> {
        let mut record = self.record(id_of(id), data, ttl);
        self.store.create(&mut record).await?;
        Ok(record.id == id_of(id))
    }

    async fn load(&mut self, id: &str) -> Result<Option<(Value, Id)>> {
        let record = self.store.load(&id_of(id)).await?;
        Ok(record.map(|record| (json!(record.data), record.id)))
    }

    async fn save(&mut self, loaded: &Id, data: &Value, ttl: Duration) -> Result<bool> {
        let dropped = self.sessions.stats().conflicts;
        self.store.save(&self.record(*loaded, data, ttl)).await?;
        Ok(self.sessions.stats().conflicts == dropped)
    }

    /// Here each save replaces all data.
    async fn replace(&mut self, loaded: &Id, data: &Value, ttl: Duration) -> Result<bool> {
        self.save(loaded, data, ttl).await
    }

    async fn delete(&mut self, id: &str) -> Result<()> {
        self.store.delete(&id_of(id)).await
    }

    fn stored_id(&self, id: &str) -> String {
        id_of(id).to_string()
    }

    fn kinds(error: &Error) -> Vec<ErrorKind> {
        match error {
            Error::Encode(_) => vec![ErrorKind::InvalidData, ErrorKind::ItemTooLarge],
            Error::Decode(_) => vec![ErrorKind::Decode],
            Error::Backend(_) => vec![],
        }
    }
}

/// tower-sessions chooses the ids. Of a loaded session it passes only the id, so each save writes all data. It has no
/// touch, and no operation on a whole table.
const UNMET: [&str; 5] = ["chosen-ids", "merge", "scan", "successors", "touch"];

async fn expect_conformance(builder: impl Fn() -> Builder, unmet: &[&str], skips: usize) {
    let report = conformance::run_on(builder, unmet, Tower::new)
        .await
        .unwrap();
    #[expect(
        clippy::print_stdout,
        reason = "`.ci/summary` counts the skipped cases in it"
    )]
    {
        println!("{report}");
    }
    assert!(report.failed.is_empty(), "{report}");
    assert!(!report.passed.is_empty());
    assert_eq!(report.skipped.len(), skips, "{report}");
}

#[tokio::test]
async fn the_suite() {
    let world = World::new();
    expect_conformance(|| world.builder(), &UNMET, 25).await;
}

/// The cases that look into the attributes of a session, or change them, are left out.
#[tokio::test]
async fn the_suite_with_encrypted_sessions() {
    let world = World::new();
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    let builder = || {
        world
            .builder()
            .encryption(EncryptionOptions::new([key.clone()]))
    };
    let unmet = [&UNMET[..], &["plain-items"]].concat();
    expect_conformance(builder, &unmet, 31).await;
}

#[tokio::test]
async fn the_suite_with_hashed_ids() {
    let world = World::new();
    for mode in [HashIds::Read, HashIds::On, HashIds::Only] {
        let options = TableOptions::default().hash_ids(mode);
        let builder = || world.builder().table_options(options.clone());
        expect_conformance(builder, &UNMET, 25).await;
    }
}
