//! The protocol: six verbs over one item per session.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_types::SdkConfig;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::retry::{Answer, Client};
use crate::client::wire::{self, Condition, Names, NewItem};
use crate::clock::{ServiceClock, epoch_ms};
use crate::config::{Builder, TableConfig};
use crate::error::{Error, ErrorKind};
use crate::item::{self, ItemError, ItemErrorKind, Stored, StoredItem};
use crate::record::{self, Record, SessionId};
use crate::table::Table;

/// The largest item DynamoDB stores, attribute names included.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_ITEM_BYTES: usize = 409_600;

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
}

/// What [`SessionStore::create`] did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// The session is stored; its `created` is this.
    Created(SystemTime),
    /// A live session has this id already; nothing was written.
    Taken,
}

/// What a write that is conditional on the loaded session did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// It was written.
    Written,
    /// The session loaded was deleted meanwhile, or another one has its id; nothing was written.
    Gone,
}

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
        let write = self.inner.prepare("PutItem", record)?;
        let condition = Condition::Absent { now: self.now() };
        let ttl_attribute = self.ttl_attribute();
        let body = wire::put_item(
            self.inner.names(&ttl_attribute),
            write.item(),
            Some(condition),
        );
        let answer = self.inner.call("PutItem", body).await?;
        // A second attempt whose first one got through meets its own item.
        if answer.condition_failed
            && !(answer.attempts > 1 && self.inner.is_stored(&answer, &write).await?)
        {
            return Ok(Create::Taken);
        }
        Ok(Create::Created(write.created))
    }

    /// Writes data and expiry of a session that was loaded, if that session is still there.
    ///
    /// A session that was deleted since is not brought back, nor is another one overwritten that has its
    /// id now: `record.created` tells. Without `created`, presence alone is checked.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cost
    ///
    /// 1 `UpdateItem`: 1 write capacity unit per started KB, the larger of before and after; 1 per started
    /// KB of what is there when the session has gone, at least 1.
    pub async fn save<T: Serialize + Sync>(&self, record: &Record<T>) -> Result<Write, Error> {
        let write = self.inner.prepare("UpdateItem", record)?;
        let condition = Condition::Present {
            created: record.created,
        };
        let ttl_attribute = self.ttl_attribute();
        let body = wire::replace_session(self.inner.names(&ttl_attribute), write.item(), condition);
        Ok(written(&self.inner.call("UpdateItem", body).await?))
    }

    /// Stores a session whatever is there. Returns its `created`.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cost
    ///
    /// 1 `PutItem`: 1 write capacity unit per started KB, the larger of before and after.
    pub async fn put<T: Serialize + Sync>(&self, record: &Record<T>) -> Result<SystemTime, Error> {
        let write = self.inner.prepare("PutItem", record)?;
        let ttl_attribute = self.ttl_attribute();
        let body = wire::put_item(self.inner.names(&ttl_attribute), write.item(), None);
        self.inner.call("PutItem", body).await?;
        Ok(write.created)
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
        let expires_at = stored
            .expires_ms
            .map(|ms| UNIX_EPOCH + Duration::from_millis(ms));
        if expires_at.is_some_and(|expires_at| expires_at <= self.now()) {
            return Ok(None);
        }
        let created = stored
            .created_ms
            .map(|ms| UNIX_EPOCH + Duration::from_millis(ms));
        Ok(match stored.data {
            Stored::Session(data) => Some(Record {
                id: id.clone(),
                data,
                expires_at,
                created,
            }),
            Stored::Unreadable(_) => None,
        })
    }

    /// Moves the expiry of a live session that was loaded and keeps its data. `created` is the record's.
    ///
    /// # Errors
    ///
    /// What the service or the connection did.
    ///
    /// # Cost
    ///
    /// 1 `UpdateItem`: 1 write capacity unit per started KB of the item, at least 1 when it has gone. A
    /// touch costs as much as a save.
    pub async fn touch(
        &self,
        id: &SessionId,
        created: Option<SystemTime>,
        expires_at: SystemTime,
    ) -> Result<Write, Error> {
        let key = self
            .inner
            .key(id)
            .map_err(|error| error.on("UpdateItem", &self.inner.table.name))?;
        let condition = Condition::Live {
            created,
            now: self.now(),
        };
        let ttl_attribute = self.ttl_attribute();
        let body = wire::move_expiry(
            self.inner.names(&ttl_attribute),
            &key,
            expiry_secs(expires_at),
            condition,
        );
        Ok(written(&self.inner.call("UpdateItem", body).await?))
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
        self.inner.call("DeleteItem", body).await?;
        Ok(())
    }
}

/// A record turned into what is written.
struct PreparedWrite {
    key: String,
    session: Vec<u8>,
    expires_secs: u64,
    created: SystemTime,
}

impl PreparedWrite {
    fn item(&self) -> NewItem<'_> {
        NewItem {
            id: &self.key,
            expires_secs: self.expires_secs,
            created: self.created,
            session: &self.session,
        }
    }
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
        }
    }

    pub(crate) async fn call(&self, operation: &'static str, body: Bytes) -> Result<Answer, Error> {
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

    /// Does all that can fail before anything is sent.
    fn prepare<T: Serialize>(
        &self,
        operation: &'static str,
        record: &Record<T>,
    ) -> Result<PreparedWrite, Error> {
        let prepared = || {
            let key = self.key(&record.id)?;
            let mut session = Vec::with_capacity(1024);
            let session_bytes = item::write_session(&record.data, &mut session)
                .map_err(|error| invalid_data(&error))?;
            let now = self.clock.now();
            let expires_at = record
                .expires_at
                .unwrap_or_else(|| now + self.table.default_ttl);
            // Ten digits, and thirteen: a number takes a byte for two of them and one more.
            let size = item::item_size([
                (self.table.partition_key.as_str(), key.len()),
                (&*self.ttl_attribute(), 6),
                (item::CREATED, 8),
                (item::SESSION, session_bytes),
            ]);
            if size > MAX_ITEM_BYTES {
                let message = format!(
                    "the session item would be {size} bytes; DynamoDB's limit is {MAX_ITEM_BYTES}"
                );
                return Err(Error::new(ErrorKind::RecordTooLarge, message)
                    .with_hint("store less in the session, or keep large values elsewhere and their keys in it"));
            }
            Ok(PreparedWrite {
                key,
                session,
                expires_secs: expiry_secs(expires_at),
                created: now,
            })
        };
        prepared().map_err(|error: Error| error.on(operation, &self.table.name))
    }

    async fn read<T: DeserializeOwned>(
        &self,
        key: &str,
        consistent_read: bool,
    ) -> Result<Option<StoredItem<T>>, Error> {
        let ttl_attribute = self.ttl_attribute();
        let answer = self
            .call(
                "GetItem",
                wire::get_item(self.names(&ttl_attribute), key, consistent_read),
            )
            .await?;
        self.item_in(&answer)
            .map_err(|error| error.on("GetItem", &self.table.name))
    }

    pub(crate) fn item_in<T: DeserializeOwned>(
        &self,
        answer: &Answer,
    ) -> Result<Option<StoredItem<T>>, Error> {
        item::read_response(&answer.body, "Item", &self.ttl_attribute())
            .map_err(|error| Error::new(ErrorKind::Decode, error.to_string()))
    }

    /// Whether the item a write's condition failed on is what that very write stored at an earlier attempt.
    async fn is_stored(&self, answer: &Answer, write: &PreparedWrite) -> Result<bool, Error> {
        let item: Option<StoredItem<serde::de::IgnoredAny>> = match self.item_in(answer)? {
            Some(item) => Some(item),
            None => self.read(&write.key, true).await?,
        };
        Ok(item.is_some_and(|item| {
            item.created_ms == Some(epoch_ms(write.created))
                && item.expires_ms == Some(write.expires_secs * 1000)
        }))
    }
}

fn written(answer: &Answer) -> Write {
    if answer.condition_failed {
        Write::Gone
    } else {
        Write::Written
    }
}

/// Epoch seconds, rounded up, so that a session never ends before its cookie.
fn expiry_secs(expires_at: SystemTime) -> u64 {
    epoch_ms(expires_at).div_ceil(1000)
}

fn invalid_data(error: &ItemError) -> Error {
    match error.kind {
        ItemErrorKind::UnsupportedVersion(_) | ItemErrorKind::Malformed => {
            Error::new(ErrorKind::Decode, error.to_string())
        }
        _ => Error::new(ErrorKind::InvalidData, error.to_string()),
    }
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
    }
}
