//! Data keys that KMS wraps, and the table keeps. The table is on the local engine, KMS is the imitation of the fault
//! server.

mod delete;
mod first;
mod renewal;
mod table;
mod writer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynamodb_session::observe::Event;
use dynamodb_session::options::EncryptionOptions;
use dynamodb_session::{Builder, Error, NewSession, SessionStore};
use dynamodb_session_faults::{FaultServer, KMS_KEYS, SECRET, Step};
use serde_json::{Value, json};

use crate::support::{Tap, World, id, load};

pub(super) const ALIAS: &str = KMS_KEYS[0].1;
pub(super) const ANOTHER: &str = KMS_KEYS[1].1;

pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// The names of the data key of this period, and of the next one.
pub(super) const NOW: &str = "k2.ja";
pub(super) const NEXT: &str = "k2.jb";

/// A table, KMS, and the clock of all stores.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) kms: FaultServer,
    kept: Arc<Mutex<u32>>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self {
            world: World::new(),
            kms: FaultServer::start().unwrap(),
            kept: Arc::default(),
        }
    }

    pub(super) fn builder(&self) -> Builder {
        self.builder_at(&self.kms.urls().http)
    }

    pub(super) fn builder_at(&self, kms_url: &str) -> Builder {
        let variables = [
            ("AWS_ENDPOINT_URL_KMS", kms_url),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "KEY"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        let kept = Arc::clone(&self.kept);
        let listener = Arc::new(move |event: &Event| {
            *kept.lock().unwrap() += u32::from(matches!(event, Event::KeysNotRenewed));
        });
        self.world
            .builder()
            .environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .on_event(listener)
            .encryption(EncryptionOptions::from_kms(ALIAS))
    }

    /// A store in a process of its own, and its tap.
    pub(super) fn process(&self) -> (SessionStore, Tap) {
        self.process_with(self.builder())
    }

    pub(super) fn process_with(&self, builder: Builder) -> (SessionStore, Tap) {
        let tap = self.world.other_tap();
        (builder.transport(tap.clone()).build().unwrap(), tap)
    }

    /// The same after its table is created.
    pub(super) async fn first_process(&self) -> (SessionStore, Tap) {
        self.world.store().await;
        self.process()
    }

    /// The requests to KMS since the last call.
    pub(super) fn asked(&self) -> Vec<String> {
        let log = self.kms.log();
        assert!(log.entries.iter().all(|entry| entry.signature.is_ok()));
        let operations = log.operations();
        operations.into_iter().map(str::to_owned).collect()
    }

    /// How often keys were not renewed since the last call.
    pub(super) fn kept(&self) -> u32 {
        std::mem::take(&mut *self.kept.lock().unwrap())
    }

    pub(super) fn fail(&self, operation: &str, code: &str, status: u16) {
        let step = Step::Error {
            code: code.to_owned(),
            status,
            message: String::new(),
        };
        self.kms.on(operation, step);
    }

    pub(super) fn recover(&self) {
        self.kms.default(Step::Pass);
    }
}

pub(super) async fn create(store: &SessionStore, name: &str) -> Result<(), Error> {
    let session = NewSession::new(id(name), json!({ "name": name }));
    let session = session.expires_at(store.now() + 100 * DAY);
    store.create(&session).await.map(|_| ())
}

/// Stores a session that is sealed.
pub(super) async fn created(scene: &Scene, store: &SessionStore, name: &str) {
    assert_eq!(scene.world.item(name), None);
    create(store, name).await.unwrap();
    let item = scene.world.item(name).unwrap();
    assert!(item["sealed"]["B"].is_string(), "{item}");
}

/// Loads a session that [`created`] has stored.
pub(super) async fn opens(store: &SessionStore, name: &str) {
    assert_eq!(load(store, name).await.data, json!({ "name": name }));
}

pub(super) async fn refused(store: &SessionStore, name: &str) -> Error {
    store.load::<Value>(&id(name)).await.unwrap_err()
}
