//! The protocol: when which request is sent, and what its answer means.
//!
//! * [`rules`] says what follows when a write's condition fails. It sends nothing.
//! * [`prepare`] does what can fail before a request is sent; [`write`] chooses how a session is written.
//! * [`create`] puts a session where there is none. [`delete`] leaves a tombstone in its place.
//! * [`save`] writes a session that was loaded, and [`merge`] puts its changes on another state. [`touch`] moves its
//!   expiry.
//! * [`denied`] remembers that an operation is not allowed.
//! * [`queue`] lets the saves of one session in this process go together.
//! * [`read`] says what an item is by now.
//! * [`sealing`] puts sessions into sealed attributes, and knows when keys are asked for. [`data_keys`] has those that
//!   KMS wraps, and [`delete_key`] deletes one of them.
//! * [`stored_key`] knows which keys the item of a session can have.
//! * [`users`] knows the sessions of each user, and how all of them end. [`user_change`] is what a write says of them. [`user_key`] has the keys of their items, and
//!   [`user_secret`] the secret that these are computed from.
//! * [`scan`] goes through the whole table, and [`reencrypt`] writes what it finds as the store would store it now.
//!   [`parallel`] does several parts of such a verb at a time.

mod create;
mod data_keys;
mod delete;
mod delete_key;
mod denied;
mod merge;
mod parallel;
mod prepare;
mod queue;
mod read;
mod reencrypt;
mod rules;
mod save;
mod scan;
mod sealing;
mod stored_key;
mod touch;
mod user_change;
mod user_key;
mod user_secret;
mod users;
mod write;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

pub(crate) use self::data_keys::Wrapping;
pub(crate) use self::denied::Denied;
pub(crate) use self::queue::Queues;
pub(crate) use self::user_secret::KnownSecret;
use crate::client::retry::{Answer, Client, Fresh};
use crate::clock::{ServiceClock, epoch_ms};
use crate::error::Error;
use crate::item::expiry::{self, ExpiryAttributes};
use crate::request::{Moment, Names, Operation};
use crate::seal::Sealing;
use crate::table::config::TableConfig;
use crate::table::learnt::Learnt;

/// What the clones of a store share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) clock: ServiceClock,
    pub(crate) table: TableConfig,
    pub(crate) sealing: Sealing,
    /// `None`: the keys of the store, if it has any, do not come from KMS.
    pub(crate) wrapping: Option<Wrapping>,
    pub(crate) known_secret: KnownSecret,
    /// Whether credentials go over the network unencrypted.
    pub(crate) is_insecure: bool,
    /// Shared with the other stores of the table, as soon as it is known where requests go.
    pub(crate) learnt: OnceLock<Arc<Learnt>>,
    /// `UpdateItem` was refused: for a while, sessions are written whole.
    pub(crate) update_denied: Denied,
    /// `PutItem` was refused: a sign-out leaves no tombstone.
    pub(crate) put_denied: AtomicBool,
    pub(crate) queues: Queues,
}

impl Inner {
    /// What is known of the table by now. A transport that does not say where requests go shares nothing.
    fn learnt(&self) -> Option<&Learnt> {
        if let Some(learnt) = self.learnt.get() {
            return Some(learnt);
        }
        let endpoint = self.client.endpoint()?;
        let of_table = || Learnt::of(endpoint, &self.table.name);
        Some(self.learnt.get_or_init(of_table))
    }

    /// The same to add to it, after an answer about the table.
    pub(crate) fn learn(&self) -> &Learnt {
        self.learnt()
            .unwrap_or_else(|| self.learnt.get_or_init(Arc::default))
    }

    pub(crate) fn expiry_attributes(&self) -> ExpiryAttributes<'_> {
        let configured = &*self.table.ttl_attribute;
        let ttl_attribute = self.learnt().and_then(Learnt::ttl_attribute);
        let followed = ttl_attribute
            .filter(|attribute| **attribute != *configured && self.table.can_follow(attribute));
        ExpiryAttributes {
            configured,
            followed,
        }
    }

    pub(crate) fn names<'a>(&'a self, expiry: &'a ExpiryAttributes<'a>) -> Names<'a> {
        Names {
            table: &self.table.name,
            partition_key: &self.table.partition_key,
            expiry,
            layout: self.table.layout,
            seen_secs: self.has_users().then(|| epoch_ms(self.clock.now()) / 1000),
        }
    }

    /// Whether `UpdateItem` was refused a short time ago.
    fn is_update_denied(&self) -> bool {
        self.update_denied.holds(|| self.clock.monotonic())
    }

    pub(crate) async fn call(&self, operation: Operation, body: Bytes) -> Result<Answer, Error> {
        self.client.call(operation, &self.table.name, body).await
    }

    /// Makes a call that is a part of an operation.
    pub(crate) async fn call_since(
        &self,
        start: Duration,
        operation: Operation,
        body: impl Into<Fresh<'_>>,
    ) -> Result<Answer, Error> {
        let table = &self.table.name;
        self.client.call_since(start, operation, table, body).await
    }

    pub(crate) fn moment(&self) -> Moment {
        let now = self.clock.now();
        let too_old = self.table.absolute_ttl.map(|ttl| now.checked_sub(ttl));
        Moment {
            now,
            too_old: too_old.map(|time| time.unwrap_or(UNIX_EPOCH)),
        }
    }

    /// The expiry as it is stored: no later than the session's absolute lifetime.
    pub(crate) fn expiry_secs(&self, expires_at: SystemTime, created: Option<SystemTime>) -> u64 {
        let latest = self.table.latest_expiry(created);
        expiry::to_secs(latest.map_or(expires_at, |latest| latest.min(expires_at)))
    }
}

impl TableConfig {
    /// When a session ends at the latest, by its absolute lifetime.
    pub(crate) fn latest_expiry(&self, created: Option<SystemTime>) -> Option<SystemTime> {
        created?.checked_add(self.absolute_ttl?)
    }
}

pub(crate) fn from_epoch_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}
