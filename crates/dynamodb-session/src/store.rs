//! The store: its verbs.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use aws_types::SdkConfig;

use crate::client::retry::Client;
use crate::clock::ServiceClock;
use crate::config::Builder;
use crate::error::Error;
use crate::framework::Framework;
use crate::item::{DecodeSession, EncodeSession};
use crate::observe::Stats;
use crate::protocol::Inner;
use crate::session::{Create, Page, PageToken, Record, SessionId, Stamp, Write};
use crate::settings::TableConfig;
use crate::table::Table;

/// Sessions in a DynamoDB table.
///
/// Cloning is cheap, and clones share connections and credentials. Operations need a running tokio runtime.
#[derive(Debug, Clone)]
pub struct SessionStore {
    inner: Arc<Inner>,
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
                update_denied: AtomicBool::new(false),
            }),
        }
    }

    #[cfg(feature = "conformance")]
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
    pub async fn create<T: EncodeSession + Sync>(
        &self,
        record: &Record<T>,
    ) -> Result<Create, Error> {
        self.inner.create(record).await
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
        B: EncodeSession + Sync,
        T: EncodeSession + Sync,
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
        B: EncodeSession + Sync,
        T: EncodeSession + Sync,
    {
        self.inner
            .save(loaded, data, expires_at, framework, false)
            .await
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
    pub async fn replace<T: EncodeSession + Sync>(
        &self,
        record: &Record<T>,
    ) -> Result<Write, Error> {
        self.inner.replace_record(record).await
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
    pub async fn create_or_merge<T: EncodeSession + Sync>(
        &self,
        record: &Record<T>,
        framework: &Framework,
    ) -> Result<Write, Error> {
        self.inner.create_or_merge(record, framework).await
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
    pub async fn put<T: EncodeSession + Sync>(&self, record: &Record<T>) -> Result<Stamp, Error> {
        self.inner.put(record).await
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
    pub async fn load<T: DecodeSession>(&self, id: &SessionId) -> Result<Option<Record<T>>, Error> {
        self.inner.load(id).await
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
        self.inner.touch(loaded, expires_at).await
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
        B: EncodeSession + Sync,
        T: EncodeSession + Sync,
    {
        self.inner
            .save(loaded, data, expires_at, framework, true)
            .await
    }

    /// Deletes the session. Succeeds even if the session does not exist.
    ///
    /// # Errors
    ///
    /// What the service or the connection did.
    ///
    /// # Cost
    ///
    /// 1 `DeleteItem`: 1 write capacity unit per started KB of the item, 1 when there is none.
    pub async fn delete(&self, id: &SessionId) -> Result<(), Error> {
        self.inner.delete(id).await
    }

    /// The live sessions under this store's prefix, a part at a time: `None` for the first one, then what the
    /// part before has in [`next`](Page::next).
    ///
    /// A session that is stored, changed or deleted meanwhile may or may not be in a later part. Without a
    /// prefix, sessions of other prefixes are listed too, under their whole ids.
    ///
    /// # Errors
    ///
    /// What the service or the connection did. An item that cannot be read is counted in
    /// [`unreadable`](Page::unreadable) instead.
    ///
    /// # Cost
    ///
    /// 1 `Scan`, of up to 1 MB of items: 1 read capacity unit per started 4 KB of all of them, half of that
    /// when [`consistent_read`](crate::Builder::consistent_read) is off. All parts together read the whole
    /// table, whatever the prefix: see
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html>.
    pub async fn list<T: DecodeSession>(
        &self,
        after: Option<&PageToken>,
    ) -> Result<Page<T>, Error> {
        self.inner.list(after).await
    }

    /// How many live sessions there are under this store's prefix.
    ///
    /// Items that [`list`](Self::list) finds unreadable count as well.
    ///
    /// # Errors
    ///
    /// What the service or the connection did.
    ///
    /// # Cost
    ///
    /// That of [`list`](Self::list) for all parts: the read capacity units of the whole table.
    pub async fn count(&self) -> Result<u64, Error> {
        self.inner.count().await
    }

    /// Deletes every session under this store's prefix, expired or not. Returns how many.
    ///
    /// What counts as a session is an item with the attribute that holds session data, or with a number in
    /// the TTL attribute: other rows of a shared table stay. Without a prefix, that is every session in the
    /// table. One that is stored meanwhile may stay or go.
    ///
    /// # Errors
    ///
    /// What the service or the connection did; [`ErrorKind::Throttled`] when the table's capacity does not
    /// allow a single delete for several seconds. What was deleted by then is gone; calling again goes on.
    ///
    /// # Cost
    ///
    /// A [`list`](Self::list) of all parts, and 1 `BatchWriteItem` per 25 sessions: 1 write capacity unit per
    /// started KB of each session.
    pub async fn clear(&self) -> Result<u64, Error> {
        self.inner.clear().await
    }

    /// Deletes the items under this store's prefix that have expired. Returns how many.
    ///
    /// `DynamoDB` does that by itself and free of charge where the table's TTL is on, within a few days:
    /// this is for tables where it is not. An item that is given a later expiry meanwhile stays.
    ///
    /// # Errors
    ///
    /// What the service or the connection did. What was deleted by then is gone; calling again goes on.
    ///
    /// # Cost
    ///
    /// A [`list`](Self::list) of all parts at half its cost, because no read needs to be consistent here, and
    /// 1 `DeleteItem` for each expired item: 1 write capacity unit per started KB of it.
    pub async fn delete_expired(&self) -> Result<u64, Error> {
        self.inner.delete_expired().await
    }
}
