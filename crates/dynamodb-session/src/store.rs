//! The protocol: six verbs over one item per session.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_types::SdkConfig;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::retry::{Answer, Client};
use crate::client::wire::{self, Condition, Moment, Names};
use crate::clock::{ServiceClock, epoch_ms};
use crate::config::{Builder, TableConfig};
use crate::error::{Error, ErrorKind};
use crate::event::{Event, id_hash};
use crate::framework::Framework;
use crate::item::{self, OwnKey, Stored, StoredItem};
use crate::record::{self, Record, SessionId, Stamp};
use crate::request::Operation;
use crate::stats::{Stats, count};
use crate::table::Table;

mod write;

use write::{Gone, NoFields, updated};

/// Sessions in a DynamoDB table.
///
/// Cloning is cheap, and clones share connections and credentials. Operations need a running tokio runtime.
#[derive(Debug, Clone)]
pub struct SessionStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) clock: ServiceClock,
    pub(crate) table: TableConfig,
    /// Whether credentials go over the network unencrypted.
    is_insecure: bool,
    /// As configured, until the table turns out to have its TTL on another one.
    ttl_attribute: RwLock<Arc<str>>,
    /// `UpdateItem` was refused: sessions are written whole.
    update_denied: AtomicBool,
}

/// What [`SessionStore::create`] did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// The session is stored.
    Created(Stamp),
    /// A live session has this id already; nothing was written.
    Taken,
}

/// What a write that is conditional on the loaded session did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// What there was to write is stored.
    Written(Stamp),
    /// The session loaded was deleted meanwhile, or another one has its id; nothing was written.
    Gone,
}

impl Write {
    /// Whether the session is still there and holds what was to be written.
    pub fn is_written(self) -> bool {
        matches!(self, Self::Written(_))
    }
}

/// How often [`SessionStore::create_or_merge`] tries, when the session under its id comes and goes.
const CREATE_ATTEMPTS: u32 = 3;

impl SessionStore {
    /// Starts with the default settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts with the settings of the AWS SDK for Rust: Region, endpoint, credentials, timeouts, retries.
    pub fn from_sdk_config(config: &SdkConfig) -> Builder {
        Builder::from_sdk_config(config)
    }

    pub(crate) fn new(
        client: Client,
        clock: ServiceClock,
        table: TableConfig,
        is_insecure: bool,
    ) -> Self {
        let ttl_attribute = RwLock::new(Arc::from(table.ttl_attribute.as_str()));
        Self {
            inner: Arc::new(Inner {
                client,
                clock,
                table,
                is_insecure,
                ttl_attribute,
                update_denied: AtomicBool::new(false),
            }),
        }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// The table the sessions are in.
    pub fn table(&self) -> Table {
        Table::new(Arc::clone(&self.inner))
    }

    /// The time by the store's clock, corrected by the service's: what to compute an expiry from.
    pub fn now(&self) -> SystemTime {
        self.inner.clock.now()
    }

    /// Whether credentials go over the network unencrypted: plain HTTP to another host. It works, and
    /// deserves a warning. A Region that only the profile knows is not looked at.
    pub fn is_insecure(&self) -> bool {
        self.inner.is_insecure
    }

    /// The attribute that holds the expiry; see [`Builder::ttl_attribute`].
    pub fn ttl_attribute(&self) -> Arc<str> {
        self.inner.ttl_attribute()
    }

    /// What the store has done since it was built; its clones count together.
    pub fn stats(&self) -> Stats {
        self.inner.client.counts().snapshot()
    }

    /// Stores a new session unless a live one has its id.
    ///
    /// An expired item that DynamoDB still holds does not count. `record.created` is not looked at.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] and [`ErrorKind::RecordTooLarge`] before anything is sent; otherwise what
    /// the service or the connection did.
    ///
    /// # Cost
    ///
    /// 1 `PutItem`: 1 write capacity unit per started KB, also when the id is taken. After a lost answer,
    /// on an engine that does not return the item a condition failed on, 1 consistent `GetItem` more.
    pub async fn create<T: Serialize + Sync>(&self, record: &Record<T>) -> Result<Create, Error> {
        let write = self.inner.prepare_put(record)?;
        Ok(match self.inner.create(write).await? {
            Ok(stamp) => Create::Created(stamp),
            Err(_) => Create::Taken,
        })
    }

    /// Writes what changed of a session that was loaded, if that session is still there.
    ///
    /// A session that was deleted since is not brought back, nor is another one touched that has its id now:
    /// `loaded.created` tells. Without it, presence alone is checked, for items of the legacy package.
    ///
    /// With [`Conflict::Merge`](crate::Conflict::Merge) the top-level fields in which `data` differs from
    /// `loaded.data` are set or removed, and requests in parallel keep each other's changes. A field is written
    /// whole: values that must agree belong in one. More than 100 changed fields take several requests. Where single fields cannot be
    /// written (the item's `session` is no map, or `UpdateItem` is not allowed) the whole session is.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cost
    ///
    /// 1 `UpdateItem`: 1 write capacity unit per started KB of the whole item, the larger of before and after; 1 per
    /// started KB of what is there when the session has gone, at least 1. Nothing when
    /// [`touch_after`](Builder::touch_after) says so.
    pub async fn save<B, T>(
        &self,
        loaded: &Record<B>,
        data: &T,
        expires_at: SystemTime,
    ) -> Result<Write, Error>
    where
        B: Serialize + Sync,
        T: Serialize + Sync,
    {
        self.save_with(loaded, data, expires_at, &Framework::new())
            .await
    }

    /// [`save`](Self::save) for a framework that keeps fields of its own in the session.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cost
    ///
    /// As [`save`](Self::save).
    pub async fn save_with<B, T>(
        &self,
        loaded: &Record<B>,
        data: &T,
        expires_at: SystemTime,
        framework: &Framework,
    ) -> Result<Write, Error>
    where
        B: Serialize + Sync,
        T: Serialize + Sync,
    {
        let condition = Condition::Present {
            created: loaded.created,
        };
        let write = self.inner.prepare_save(loaded, data, expires_at)?;
        let outcome = self
            .inner
            .update(loaded, &write, framework, condition, false);
        Ok(self.inner.settled(&write.key, outcome.await?))
    }

    /// Writes a whole session, if one with this id and `record.created` is still there; presence is enough when
    /// that is `None`. It is for adapters that do not know what was loaded: [`save`](Self::save) keeps the
    /// changes of parallel requests.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cost
    ///
    /// As [`save`](Self::save).
    pub async fn replace<T: Serialize + Sync>(&self, record: &Record<T>) -> Result<Write, Error> {
        let condition = Condition::Present {
            created: record.created,
        };
        let write = self.inner.prepare_update(record, record.created)?;
        let outcome = self.inner.replace(&write, condition).await?;
        Ok(self.inner.settled(&write.key, outcome))
    }

    /// [`create`](Self::create), and where a live session has the id already, a [`save`](Self::save) of every field
    /// onto that one: for ids that an application chooses, where nothing was found a moment ago.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cost
    ///
    /// That of a create; when the id is taken, of a save as well, and on an engine that does not return the item a
    /// condition failed on, 1 consistent `GetItem`.
    pub async fn create_or_merge<T: Serialize + Sync>(
        &self,
        record: &Record<T>,
        framework: &Framework,
    ) -> Result<Write, Error> {
        let new = self.inner.prepare_put(record)?;
        let mut gone = Gone {
            operation: Operation::PutItem,
        };
        for _ in 0..CREATE_ATTEMPTS {
            let answer = match self.inner.create(new.clone()).await? {
                Ok(stamp) => return Ok(Write::Written(stamp)),
                Err(answer) => answer,
            };
            let Some(there) = self.inner.met(&answer, &new.key).await? else {
                continue;
            };
            let created = there.created_ms.map(from_epoch_ms);
            let condition = Condition::Present { created };
            let mut loaded = record.with_data(NoFields {});
            loaded.created = created;
            // Nothing is known that would make a write unnecessary.
            loaded.expires_at = None;
            loaded.is_foreign = there.is_foreign;
            // Not to be created with, should that session be gone: it would be taken for it.
            let merge = self.inner.prepare_update(record, created)?;
            let outcome = self
                .inner
                .update(&loaded, &merge, framework, condition, false)
                .await?;
            match outcome {
                Ok(stamp) => return Ok(Write::Written(stamp)),
                Err(meanwhile) => gone = meanwhile,
            }
        }
        Ok(self.inner.settled(&new.key, Err(gone)))
    }

    /// Stores a session whatever is there: nothing guards it against a logout or a parallel request.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cost
    ///
    /// 1 `PutItem`: 1 write capacity unit per started KB, the larger of before and after.
    pub async fn put<T: Serialize + Sync>(&self, record: &Record<T>) -> Result<Stamp, Error> {
        let write = self.inner.prepare_put(record)?;
        let stamp = write.stamp(Some(write.created));
        let ttl_attribute = self.ttl_attribute();
        let body = write.into_put(self.inner.names(&ttl_attribute), None);
        self.inner.call(Operation::PutItem, body).await?;
        count(&self.inner.client.counts().unguarded_writes);
        Ok(stamp)
    }

    /// The session with this id; `None` when there is none or it has expired, whatever DynamoDB's TTL has
    /// deleted. An item whose `session` is missing or not a map is no session either.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when the item cannot be read as a `T`; otherwise what the service or the
    /// connection did.
    ///
    /// # Cost
    ///
    /// 1 `GetItem`: 1 read capacity unit per started 4 KB, half of that when
    /// [`consistent_read`](Builder::consistent_read) is off.
    pub async fn load<T: DeserializeOwned>(
        &self,
        id: &SessionId,
    ) -> Result<Option<Record<T>>, Error> {
        let Ok(key) = self.inner.key(id) else {
            // Longer than any key in the table.
            return Ok(None);
        };
        let Some(stored) = self
            .inner
            .read(&key, self.inner.table.consistent_read)
            .await?
        else {
            return Ok(None);
        };
        Ok(match self.inner.found(id.clone(), stored) {
            Found::Session(record) => Some(record),
            Found::Ended => None,
            Found::Unreadable => {
                self.inner.client.tell(|| Event::Unreadable {
                    id_hash: id_hash(&key),
                });
                None
            }
        })
    }

    /// Moves the expiry of a live session that was loaded and keeps its data.
    ///
    /// # Errors
    ///
    /// What the service or the connection did. Where `UpdateItem` is not allowed, that is the error.
    ///
    /// # Cost
    ///
    /// 1 `UpdateItem`: 1 write capacity unit per started KB of the item, at least 1 when it has gone. A
    /// touch costs as much as a save. Nothing when [`touch_after`](Builder::touch_after) says so.
    pub async fn touch<B: Sync>(
        &self,
        loaded: &Record<B>,
        expires_at: SystemTime,
    ) -> Result<Write, Error> {
        let inner = &self.inner;
        let key = inner
            .key(&loaded.id)
            .map_err(|error| error.on(Operation::UpdateItem, &inner.table.name))?;
        let expires_secs = inner.expiry_secs(expires_at, loaded.created);
        if let Some(stamp) = inner.skipped_touch(loaded, expires_secs) {
            return Ok(Write::Written(stamp));
        }
        let condition = Condition::Live {
            created: loaded.created,
            moment: self.inner.moment(),
        };
        let ttl_attribute = self.ttl_attribute();
        let names = inner.names(&ttl_attribute);
        let body = wire::move_expiry(names, &key, expires_secs, condition);
        let answer = inner.call(Operation::UpdateItem, body).await?;
        let stamp = Stamp {
            created: loaded.created,
            expires_at: from_epoch_secs(expires_secs),
        };
        Ok(inner.settled(&key, updated(&answer, stamp)))
    }

    /// [`touch`](Self::touch) for a framework that keeps fields of the expiry unit in the session: of `data`, those
    /// alone are written. Where single fields cannot be written the whole session is.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    ///
    /// # Cost
    ///
    /// As [`touch`](Self::touch).
    pub async fn touch_with<B, T>(
        &self,
        loaded: &Record<B>,
        data: &T,
        expires_at: SystemTime,
        framework: &Framework,
    ) -> Result<Write, Error>
    where
        B: Serialize + Sync,
        T: Serialize + Sync,
    {
        let condition = Condition::Live {
            created: loaded.created,
            moment: self.inner.moment(),
        };
        let write = self.inner.prepare_save(loaded, data, expires_at)?;
        let outcome = self
            .inner
            .update(loaded, &write, framework, condition, true);
        Ok(self.inner.settled(&write.key, outcome.await?))
    }

    /// Deletes the session. That there is none is a success.
    ///
    /// # Errors
    ///
    /// What the service or the connection did.
    ///
    /// # Cost
    ///
    /// 1 `DeleteItem`: 1 write capacity unit per started KB of the item, 1 when there is none.
    pub async fn delete(&self, id: &SessionId) -> Result<(), Error> {
        let Ok(key) = self.inner.key(id) else {
            return Ok(());
        };
        let ttl_attribute = self.ttl_attribute();
        let body = wire::delete_item(self.inner.names(&ttl_attribute), &key, None);
        self.inner.call(Operation::DeleteItem, body).await?;
        Ok(())
    }
}

/// What an item is to who reads it.
pub(crate) enum Found<T> {
    Session(Record<T>),
    /// Its session has expired.
    Ended,
    /// It holds no session.
    Unreadable,
}

impl Inner {
    pub(crate) fn ttl_attribute(&self) -> Arc<str> {
        Arc::clone(
            &self
                .ttl_attribute
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(crate) fn follow_ttl_attribute(&self, attribute: &str) {
        *self
            .ttl_attribute
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::from(attribute);
    }

    pub(crate) fn names<'a>(&'a self, ttl_attribute: &'a str) -> Names<'a> {
        Names {
            table: &self.table.name,
            partition_key: &self.table.partition_key,
            ttl_attribute,
            layout: self.table.layout,
        }
    }

    pub(crate) async fn call(&self, operation: Operation, body: Bytes) -> Result<Answer, Error> {
        self.client.call(operation, &self.table.name, body).await
    }

    fn key(&self, id: &SessionId) -> Result<String, Error> {
        let key = format!("{}{}", self.table.prefix, id.as_str());
        if key.len() > record::MAX_ID_BYTES {
            Err(record::too_long())
        } else {
            Ok(key)
        }
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
    fn expiry_secs(&self, expires_at: SystemTime, created: Option<SystemTime>) -> u64 {
        let latest = self.table.latest_expiry(created);
        expiry_secs(latest.map_or(expires_at, |latest| latest.min(expires_at)))
    }

    /// What this item of this id is by now.
    pub(crate) fn found<T>(&self, id: SessionId, stored: StoredItem<T>) -> Found<T> {
        let expires_at = stored.expires_ms.map(from_epoch_ms);
        let created = stored.created_ms.map(from_epoch_ms);
        let ends_at = self.table.latest_expiry(created);
        let now = self.clock.now();
        if [expires_at, ends_at]
            .into_iter()
            .flatten()
            .any(|end| end <= now)
        {
            return Found::Ended;
        }
        match stored.data {
            Stored::Session(data) => Found::Session(Record {
                id,
                data,
                expires_at,
                created,
                is_foreign: stored.is_foreign,
            }),
            Stored::Unreadable(_) => Found::Unreadable,
        }
    }

    async fn read<T: DeserializeOwned>(
        &self,
        key: &str,
        consistent_read: bool,
    ) -> Result<Option<StoredItem<T>>, Error> {
        let ttl_attribute = self.ttl_attribute();
        let answer = self
            .call(
                Operation::GetItem,
                wire::get_item(self.names(&ttl_attribute), key, consistent_read),
            )
            .await?;
        self.item_in(&answer, "Item", key)
            .map_err(|error| error.on(Operation::GetItem, &self.table.name))
    }

    pub(crate) fn item_in<T: DeserializeOwned>(
        &self,
        answer: &Answer,
        member: &str,
        key: &str,
    ) -> Result<Option<StoredItem<T>>, Error> {
        let ttl_attribute = self.ttl_attribute();
        let key = OwnKey {
            attribute: &self.table.partition_key,
            value: key,
        };
        item::read_response(&answer.body, member, key, &ttl_attribute, self.table.layout).map_err(
            |error| Error::new(ErrorKind::Decode, error.to_string()).with_attempts(answer.attempts),
        )
    }
}

impl TableConfig {
    /// When a session ends at the latest, by its absolute lifetime.
    fn latest_expiry(&self, created: Option<SystemTime>) -> Option<SystemTime> {
        created?.checked_add(self.absolute_ttl?)
    }
}

fn from_epoch_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

fn from_epoch_secs(secs: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(secs)
}

/// Epoch seconds, rounded up, so that a session never ends before its cookie. Later than the year 5138 there is none:
/// it would be read as milliseconds.
fn expiry_secs(expires_at: SystemTime) -> u64 {
    let secs = epoch_ms(expires_at).div_ceil(1000);
    secs.min(wire::MILLISECONDS_FROM - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_rounded_up_to_seconds() {
        for (ms, secs) in [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2)] {
            assert_eq!(expiry_secs(UNIX_EPOCH + Duration::from_millis(ms)), secs);
        }
        assert_eq!(expiry_secs(UNIX_EPOCH - Duration::from_secs(1)), 0);
        let far = UNIX_EPOCH + Duration::from_secs(100_000_000_000);
        assert_eq!(expiry_secs(far), 99_999_999_999);
    }
}
