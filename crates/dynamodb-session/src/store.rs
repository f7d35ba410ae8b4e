//! The store: its verbs.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use aws_types::SdkConfig;

use crate::builder::Builder;
use crate::client::retry::Client;
use crate::clock::ServiceClock;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::item::{DecodeSession, EncodeSession};
use crate::observe::Stats;
use crate::protocol::{Denied, Inner, KnownSecret, Queues, Wrapping};
use crate::seal::Sealing;
use crate::session::{
    Base, CreateOutcome, DataKeyOutcome, DeleteTarget, Loaded, NewSession, Page, PageToken,
    ReencryptOptions, Reencryption, SaveOptions, SaveOutcome, SessionId, SessionRef, Stamp,
    TouchOptions,
};
use crate::table::Table;
use crate::table::config::TableConfig;

/// Sessions in a DynamoDB table.
///
/// Cloning is cheap, and clones share connections and credentials. Operations need a running tokio runtime.
#[derive(Debug, Clone)]
pub struct SessionStore {
    pub(crate) inner: Arc<Inner>,
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
        sealing: Sealing,
        wrapping: Option<Wrapping>,
        is_insecure: bool,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                client,
                clock,
                table,
                sealing,
                wrapping,
                known_secret: KnownSecret::default(),
                is_insecure,
                learnt: OnceLock::new(),
                update_denied: Denied::default(),
                put_denied: AtomicBool::new(false),
                queues: Queues::default(),
            }),
        }
    }

    #[cfg(any(test, feature = "conformance"))]
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

    /// The attribute from which DynamoDB's TTL deletes: the one that the table's TTL is on, if a store of this process
    /// has seen it on another than
    /// [`TableOptions::ttl_attribute`](crate::options::TableOptions::ttl_attribute).
    pub fn ttl_attribute(&self) -> Arc<str> {
        let attributes = self.inner.expiry_attributes();
        let configured = || Arc::from(attributes.configured);
        attributes.followed.unwrap_or_else(configured)
    }

    /// Reports that a framework cannot work with what was loaded, as the event
    /// [`Unreadable`](crate::observe::Event::Unreadable). For adapters: the store itself reports what it cannot read.
    pub fn report_unreadable<T>(&self, loaded: &Loaded<T>) {
        if let Ok(key) = self.inner.key_in(&loaded.id, loaded.version) {
            self.inner.report_unreadable(&key);
        }
    }

    /// The name of a session for logs, lists and operators. It opens nothing.
    ///
    /// It costs no request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] when no session can have the id.
    pub fn reference<T>(&self, loaded: &Loaded<T>) -> Result<SessionRef, Error> {
        let key = self.inner.key_in(&loaded.id, loaded.version)?;
        Ok(SessionRef::of_key(&key))
    }

    /// The reference of the session with this id, expired or not, or of the tombstone in its place. `None` if the table
    /// has neither.
    ///
    /// For operators who have an id, and look for the session in logs. It needs no key of a sealed session.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection.
    ///
    /// # Cost
    ///
    /// As [`is_signed_out`](Self::is_signed_out).
    pub async fn reference_of(&self, id: &SessionId) -> Result<Option<SessionRef>, Error> {
        self.inner.reference_of(id).await
    }

    /// What the store has done since it was built; its clones count together.
    pub fn stats(&self) -> Stats {
        self.inner.client.counts().snapshot()
    }

    /// Stores a new session unless a live one has its id.
    ///
    /// An expired item that `DynamoDB` has not deleted yet counts as absent and is overwritten. So does a tombstone of
    /// an earlier session.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] and [`ErrorKind::ItemTooLarge`] before anything is sent; otherwise an error of the
    /// service or the connection. [`ErrorKind::Timeout`] also when an answer was lost and other requests have written
    /// the session so often since that nobody can tell whether this write was executed.
    ///
    /// # Cost
    ///
    /// 1 `PutItem`: 1 write capacity unit per started KB, also when the id is taken. Over a tombstone, 1 `PutItem`
    /// more. When the condition fails, engines that do not return the item need 1 consistent `GetItem` more.
    ///
    /// With [`HashIds::Read`](crate::options::HashIds::Read) and [`On`](crate::options::HashIds::On), 1 consistent
    /// `GetItem` before it. If that finds a session that has expired, 1 `PutItem` more.
    pub async fn create<T: EncodeSession + Sync>(
        &self,
        session: &NewSession<T>,
    ) -> Result<CreateOutcome, Error> {
        self.inner.create(session).await
    }

    /// Writes a session if the one that was loaded is still there.
    ///
    /// The usual `base` is the loaded session: `store.save(&loaded, &data, &SaveOptions::default())`. A session that
    /// was deleted since is not brought back, and a later session of the same id is not changed:
    /// [`loaded.created`](Loaded::created) distinguishes them. Items of the legacy package have no `created` before
    /// their first save.
    ///
    /// | base | condition | writes |
    /// |---|---|---|
    /// | [`&loaded`](Base::Loaded) | the loaded session is there | the changes, on what is stored |
    /// | [`Base::Absent`] | none | a new session; all fields into the one that is there, if one is |
    /// | [`Base::Unknown`] | a session with this `created` is there; any session if it is `None` | the whole session |
    ///
    /// With [`ParallelChanges::Merge`](crate::options::ParallelChanges::Merge), parallel requests keep each other's
    /// changes: if another request has changed the session since the load, the top-level fields in which `data` differs
    /// from `loaded.data` are set or removed in what it stored. A field is taken whole: keep values that must agree in
    /// one field. All changes are stored at once, or none.
    ///
    /// Fields that the type of `data` leaves out stay, at the cost of a consistent `GetItem` before each save. That does
    /// not hold in a layout of JSON text: there, `#[serde(flatten)]` a map of them.
    ///
    /// After such a merge [`Stamp::version`] is unknown, because the stored session holds more than `data`. A save from
    /// it reads the session first. Where `UpdateItem` is not allowed, a `PutItem` does the same.
    ///
    /// [`Base::Absent`] is for ids that the application chooses. [`Base::Unknown`] is for adapters whose framework does
    /// not pass on what was loaded; changes of parallel requests are lost, and [`SaveOptions::framework`] has no
    /// effect.
    ///
    /// ```no_run
    /// # use dynamodb_session::{Base, Error, SaveOptions, SaveOutcome, SessionId, SessionStore};
    /// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
    /// struct Visit {
    ///     views: u32,
    /// }
    ///
    /// # async fn run(store: SessionStore, id: SessionId) -> Result<(), Error> {
    /// let loaded = store.load::<Visit>(&id).await?;
    /// let mut visit = loaded.as_ref().map(|loaded| loaded.data.clone()).unwrap_or_default();
    /// visit.views += 1;
    ///
    /// let options = SaveOptions::default();
    /// let outcome = match &loaded {
    ///     Some(loaded) => store.save(loaded, &visit, &options).await?,
    ///     None => store.save(Base::absent(&id), &visit, &options).await?,
    /// };
    /// if outcome == SaveOutcome::Gone {
    ///     // The visitor has signed out meanwhile: nothing was written.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create). [`ErrorKind::Decode`] when `loaded.data` is not session data.
    /// [`ErrorKind::Timeout`] also when other requests kept changing the session until the deadline, and
    /// [`ErrorKind::Overloaded`] when 1 000 saves of the session wait already.
    ///
    /// # Cost
    ///
    /// 1 `UpdateItem`: 1 write capacity unit per started KB of the whole item, the larger of before and after. For each
    /// change of another request that it meets, 1 `UpdateItem` more, at the same cost. When the session is gone: 1 per
    /// started KB of the item that is there, at least 1. No request when [`touch_after`](crate::Builder::touch_after)
    /// allows to skip it. For a [`Loaded`] of an unknown [`version`](Loaded::version), 1 consistent `GetItem` before
    /// it. When the session is gone, [`HashIds::Read`](crate::options::HashIds::Read) and
    /// [`On`](crate::options::HashIds::On) add 1 consistent `GetItem`, and 1 `UpdateItem` if the session has been moved.
    ///
    /// [`Base::Absent`]: as [`create`](Self::create). When the id is taken, 1 `UpdateItem` more. When a condition
    /// fails, engines that do not return the item need 1 consistent `GetItem` more.
    ///
    /// When the new expiry has passed already: as [`delete`](Self::delete).
    ///
    /// Saves of one session that begin while this store, or a clone of it, is saving it wait, and then go together in one
    /// request.
    pub async fn save<'a, B, T>(
        &self,
        base: impl Into<Base<'a, B>>,
        data: &T,
        options: &SaveOptions<'_>,
    ) -> Result<SaveOutcome, Error>
    where
        B: EncodeSession + Sync + 'a,
        T: EncodeSession + Sync,
    {
        self.inner.save(base.into(), data, options).await
    }

    /// Stores a session in place of whatever is there: a change of a parallel request is lost.
    ///
    /// It is for adapters that do not know what was loaded. A call that begins after a delete stores a new session. A
    /// repeated or late request of one call undoes neither later writes nor a delete.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cost
    ///
    /// As [`create`](Self::create). When the id is taken, 1 `UpdateItem` more.
    pub async fn put<T: EncodeSession + Sync>(
        &self,
        session: &NewSession<T>,
    ) -> Result<Stamp, Error> {
        self.inner.put(session).await
    }

    /// Loads the session with this id.
    ///
    /// `None` if there is no such item or it has expired, even if `DynamoDB`'s TTL has not deleted it yet. An item
    /// whose `session` is missing or not a map is not a session either.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when the item cannot be read as a `T`; otherwise an error of the service or the
    /// connection.
    ///
    /// # Cost
    ///
    /// 1 `GetItem`: 1 read capacity unit per started 4 KB, half of that when
    /// [`consistent_read`](crate::options::TableOptions::consistent_read) is off. With
    /// [`HashIds::Read`](crate::options::HashIds::Read) and [`On`](crate::options::HashIds::On), 1 `GetItem` more if
    /// the session does not have the key that is looked for first.
    pub async fn load<T: DecodeSession>(&self, id: &SessionId) -> Result<Option<Loaded<T>>, Error> {
        self.inner.load(id).await
    }

    /// Whether the session with this id was deleted within the last 25 minutes, and not stored again since.
    ///
    /// Its tombstone says so. A [`load`](Self::load) finds nothing in either case.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection.
    ///
    /// # Cost
    ///
    /// As [`load`](Self::load).
    pub async fn is_signed_out(&self, id: &SessionId) -> Result<bool, Error> {
        self.inner.is_signed_out(id).await
    }

    /// Moves the expiry of a live session that was loaded and keeps its data.
    ///
    /// It does not move the expiry back if another request has extended it further. Some frameworks keep the expiry in
    /// the session too. [`TouchOptions::framework`] writes these fields as well.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection, also [`ErrorKind::AccessDenied`] where `UpdateItem` is not allowed.
    /// With [`TouchOptions::framework`], as [`save`](Self::save).
    ///
    /// # Cost
    ///
    /// 1 `UpdateItem`: 1 write capacity unit per started KB of the item, at least 1 when the session is gone. A touch
    /// costs as much as a save. No request when [`touch_after`](crate::Builder::touch_after) allows to skip it. When the
    /// session is gone, [`HashIds::Read`](crate::options::HashIds::Read) and [`On`](crate::options::HashIds::On) add 1
    /// consistent `GetItem`, and 1 `UpdateItem` if the session has been moved.
    pub async fn touch<B, T>(
        &self,
        loaded: &Loaded<B>,
        options: &TouchOptions<'_, T>,
    ) -> Result<SaveOutcome, Error>
    where
        B: EncodeSession + Sync,
        T: EncodeSession + Sync,
    {
        self.inner.touch(loaded, options).await
    }

    /// Deletes the session. Succeeds even if the session does not exist.
    ///
    /// A tombstone of some 130 bytes stays in its place for 25 minutes, so that a request that was sent before does not
    /// bring the session back, however late it lands.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection.
    ///
    /// # Cost
    ///
    /// 1 `PutItem`: 1 write capacity unit per started KB of the item that was there, at least 1. For a `&SessionId`,
    /// and for a [`Loaded`] whose [`version`](Loaded::version) is unknown or without `rev`, 1 consistent `GetItem`
    /// before it. 1 `PutItem` more each time that another request changes the session meanwhile.
    ///
    /// With [`HashIds::Read`](crate::options::HashIds::Read) and [`On`](crate::options::HashIds::On), 1 `PutItem` more
    /// under the other key: 1 write capacity unit. For a `&SessionId` whose session has the other key, 2 `PutItem` more,
    /// and one of them is refused at the cost of the item.
    pub async fn delete<'a>(&self, target: impl Into<DeleteTarget<'a>>) -> Result<(), Error> {
        self.inner.delete(target.into()).await.map(|_| ())
    }

    /// The live sessions under this store's prefix, a part at a time: `None` for the first one, then what the
    /// part before has in [`next`](Page::next).
    ///
    /// A session that is stored, changed or deleted meanwhile may or may not be in a later part. Without a
    /// prefix, sessions of other prefixes are listed too, under their whole ids.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection. An item that cannot be read is counted in
    /// [`unreadable`](Page::unreadable) instead.
    ///
    /// # Cost
    ///
    /// 1 `Scan`, of up to 1 MB of items: 1 read capacity unit per started 4 KB of all of them, half of that when
    /// [`consistent_read`](crate::options::TableOptions::consistent_read) is off. All parts together read the whole
    /// table, whatever the prefix: see <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html>.
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
    /// An error of the service or the connection.
    ///
    /// # Cost
    ///
    /// That of [`list`](Self::list) for all parts: the read capacity units of the whole table.
    pub async fn count(&self) -> Result<u64, Error> {
        self.inner.count().await
    }

    /// Deletes every session under this store's prefix, expired or not. Returns how many.
    ///
    /// Each leaves a tombstone, as after [`delete`](Self::delete). An item counts as a session if it has the attribute
    /// for session data, or a number in the TTL attribute. Other items of a shared table stay. Without a prefix, that
    /// is every session in the table. One that is stored meanwhile may stay or go.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection; [`ErrorKind::Throttled`] when the table's capacity does not
    /// allow a single delete for several seconds. What was deleted by then is gone; calling again goes on.
    ///
    /// # Cost
    ///
    /// A [`list`](Self::list) of all parts, and 1 `BatchWriteItem` per 25 sessions: 1 write capacity unit per
    /// started KB of each session.
    pub async fn clear(&self) -> Result<u64, Error> {
        self.inner.clear().await
    }

    /// The same, and deletes tombstones too. Under this store's prefix nothing stays but
    /// [data keys](crate::options::EncryptionOptions::from_kms), and the secret for the keys of users' items.
    ///
    /// A request that was sent before, and lands within the next 25 minutes, may bring its session back.
    ///
    /// # Errors
    ///
    /// As [`clear`](Self::clear).
    ///
    /// # Cost
    ///
    /// That of [`clear`](Self::clear).
    pub async fn clear_with_tombstones(&self) -> Result<u64, Error> {
        self.inner.clear_with_tombstones().await
    }

    /// Deletes the expired sessions and tombstones under this store's prefix. Returns how many.
    ///
    /// `DynamoDB` does that by itself and free of charge where the table's TTL is on, within a few days:
    /// this is for tables where it is not. An item that is given a later expiry meanwhile stays.
    ///
    /// A session is deleted 25 minutes after it has expired, when no request can land any more that was sent while it
    /// was live. Tombstones are deleted, and counted, as soon as they have expired.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection. What was deleted by then is gone; calling again goes on.
    ///
    /// # Cost
    ///
    /// A [`list`](Self::list) of all parts at half its cost, because no read needs to be consistent here, and
    /// 1 `DeleteItem` for each expired item: 1 write capacity unit per started KB of it.
    pub async fn delete_expired(&self) -> Result<u64, Error> {
        self.inner.delete_expired().await
    }

    /// Writes each live session under this store's prefix anew that is not stored as the store would store it now.
    ///
    /// Such are sessions sealed with another key than the first, and plain ones where the store encrypts. In
    /// [`EncryptionMode::Read`](crate::options::EncryptionMode::Read), they are the encrypted ones. After it,
    /// [`Reencryption::keys`] says which keys are still needed. In
    /// [`EncryptionMode::Only`](crate::options::EncryptionMode::Only), plain sessions are refused, and counted as
    /// unreadable.
    ///
    /// Requests of visitors go on meanwhile. A session that another request has changed, moved the expiry of, or deleted
    /// keeps that: each write demands the state that it was made from. No expiry is moved. Data of a framework that were
    /// sealed by themselves, so that a touch can write them alone, stay so.
    ///
    /// Without a prefix, these are the sessions of all prefixes in the table. Those of an application with keys or a
    /// context of its own do not open and stay. **Its plain sessions become encrypted**, and then it cannot read them.
    ///
    /// # Errors
    ///
    /// An error of the service, the connection or the source of keys; [`ErrorKind::Throttled`] when the table's capacity
    /// does not allow a single write for several seconds. What was rewritten by then stays so; calling again goes on.
    /// A session that cannot be opened is counted in [`unreadable`](Reencryption::unreadable) instead.
    ///
    /// # Cost
    ///
    /// A [`list`](Self::list) of all parts, and 1 `UpdateItem` for each session that is rewritten: 1 write capacity unit
    /// per started KB of the item, the larger of before and after. For each change of another request that it meets,
    /// 1 `UpdateItem` more. 1 consistent `GetItem` of the secret for users' keys, and 1 `PutItem` if that is sealed anew.
    pub async fn reencrypt(&self, options: &ReencryptOptions<'_>) -> Result<Reencryption, Error> {
        self.inner.reencrypt(options).await
    }

    /// Deletes a [data key](crate::options::EncryptionOptions::from_kms) of this store's prefix that no session needs any
    /// more: `id` is what follows `k2.` in the key of its item.
    ///
    /// It stays where live sessions or the secret for users' keys need it, and where processes may encrypt with it. This
    /// store needs no keys for it.
    /// Sessions of a backup of the table need the data keys of the backup.
    ///
    /// Without a prefix, a session of another prefix that needs a data key of the same id, of its own prefix, counts too.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection.
    ///
    /// # Cost
    ///
    /// 2 consistent `GetItem`, a [`list`](Self::list) of all parts with consistent reads, and 1 `DeleteItem` of 1 unit.
    pub async fn delete_data_key(&self, id: &str) -> Result<DataKeyOutcome, Error> {
        self.inner.delete_data_key(id).await
    }
}
