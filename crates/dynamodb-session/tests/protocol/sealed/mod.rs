//! Sealed sessions: what is in the table, that parallel requests are still merged, the modes of a roll-out, and keys.

mod changes;
mod foreign;
mod keys;
mod migration;
mod modes;
mod reencrypt;
mod scan;
mod size;
mod stats;
mod stored;
mod touch;

use std::sync::LazyLock;

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::{EncryptionKey, EncryptionMode, EncryptionOptions, Layout};
use dynamodb_session::{Builder, SessionStore};
use serde_json::Value;

use crate::support::World;

/// The fields that koa-session keeps in a session.
static KOA: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
        .not_carried_prefixes(["_"])
});

/// The layouts in which every session can be sealed. That of tower-sessions has bytes as well.
const LAYOUTS: [Layout; 3] = [
    Layout::Session,
    Layout::ConnectDynamodb,
    Layout::DynamodbStore,
];

/// A key whose bytes follow from its id.
fn key(id: &str) -> EncryptionKey {
    let bytes: Vec<_> = id.bytes().cycle().take(32).collect();
    EncryptionKey::new(id, &bytes).unwrap()
}

fn with_keys(ids: &[&str]) -> EncryptionOptions {
    EncryptionOptions::new(ids.iter().map(|id| key(id)).collect::<Vec<_>>())
}

fn in_mode(mode: EncryptionMode) -> EncryptionOptions {
    with_keys(&["k1"]).mode(mode)
}

impl World {
    /// Builds a store that encrypts with the key `k1`.
    fn encrypting(&self) -> Builder {
        self.builder().encryption(with_keys(&["k1"]))
    }

    /// A store that encrypts with the key `k1`. Creates its table.
    async fn sealed_store(&self) -> SessionStore {
        self.open(self.encrypting()).await
    }
}

/// Whether an item is sealed: it has both attributes, and `session` is what every version takes for no session.
#[track_caller]
fn is_sealed(item: &Value) -> bool {
    let has = ["sealed", "unit"].map(|name| item.get(name).is_some());
    assert_eq!(has[0], has[1], "{item}");
    has[0]
}

/// The bytes of `sealed` in base64.
#[track_caller]
fn sealed_of(world: &World, id: &str) -> String {
    let item = world.item(id).unwrap();
    item["sealed"]["B"].as_str().unwrap().to_owned()
}
