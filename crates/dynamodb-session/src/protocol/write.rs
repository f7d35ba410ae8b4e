//! Writing a session: what is prepared, and which request is sent.

use std::time::SystemTime;

use super::update::updated;
use super::{Inner, from_epoch_ms};
use crate::client::retry::Answer;
use crate::error::{Error, ErrorKind};
use crate::framework::Framework;
use crate::item::attributes::CREATED;
use crate::item::{EncodeSession, EncodedSession, ItemError, ItemErrorKind, expiry, item_size};
use crate::observe::count;
use crate::remedy::Remedy;
use crate::request::{self, Condition, ItemHead, Operation};
use crate::session::{
    Base, CreateOutcome, Loaded, NewSession, SaveOptions, SaveOutcome, SessionId, Stamp,
    TouchOptions,
};

/// The largest item DynamoDB stores, attribute names included.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_ITEM_BYTES: usize = 409_600;

/// How often [`Inner::create_or_merge`] tries if others keep deleting and creating the session.
const CREATE_ATTEMPTS: u32 = 3;

static NO_FRAMEWORK: Framework = Framework::new();

/// The base of a save where no session was found.
#[derive(serde::Serialize)]
struct NoFields {}

/// A session that is ready to be written.
#[derive(Clone)]
pub(super) struct PreparedWrite {
    pub(super) key: String,
    pub(super) session: EncodedSession,
    pub(super) expires_secs: u64,
    pub(super) created: SystemTime,
}

/// How a prepared session is going to be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Put,
    /// It is put, or merged into the session that is there.
    PutOrUpdate,
    Update,
}

/// The result of a write that is conditional on the loaded session.
pub(super) type Outcome = Result<Stamp, Gone>;

/// The session loaded was deleted meanwhile, or another one has its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    /// The request whose condition failed.
    pub(super) operation: Operation,
}

impl PreparedWrite {
    pub(super) fn head(&self) -> ItemHead<'_> {
        ItemHead {
            id: &self.key,
            expires_secs: self.expires_secs,
            created: self.created,
        }
    }

    pub(super) fn stamp(&self, created: Option<SystemTime>) -> Stamp {
        Stamp {
            created,
            expires_at: expiry::from_secs(self.expires_secs),
        }
    }
}

impl Inner {
    pub(crate) async fn create<T: EncodeSession + Sync>(
        &self,
        new: &NewSession<T>,
    ) -> Result<CreateOutcome, Error> {
        let write = self.prepare(Use::Put, &new.id, &new.data, new.expires_at, None)?;
        Ok(match self.put_where_absent(write).await? {
            Ok(stamp) => CreateOutcome::Created(stamp),
            Err(_) => CreateOutcome::Taken,
        })
    }

    pub(crate) async fn put<T: EncodeSession + Sync>(
        &self,
        new: &NewSession<T>,
    ) -> Result<Stamp, Error> {
        let write = self.prepare(Use::Put, &new.id, &new.data, new.expires_at, None)?;
        let stamp = write.stamp(Some(write.created));
        let ttl_attribute = self.ttl_attribute();
        let PreparedWrite {
            key,
            session,
            expires_secs,
            created,
        } = write;
        let head = ItemHead {
            id: &key,
            expires_secs,
            created,
        };
        let body = request::put_item(self.names(&ttl_attribute), head, session, None);
        self.call(Operation::PutItem, body).await?;
        count(&self.client.counts().unguarded_writes);
        Ok(stamp)
    }

    pub(crate) async fn save<B: EncodeSession + Sync, T: EncodeSession + Sync>(
        &self,
        base: Base<'_, B>,
        data: &T,
        options: &SaveOptions<'_>,
    ) -> Result<SaveOutcome, Error> {
        let expires_at = options.expires_at;
        let framework = options.framework.unwrap_or(&NO_FRAMEWORK);
        match base {
            Base::Loaded(loaded) => {
                self.save_changes(loaded, data, expires_at, framework, false)
                    .await
            }
            Base::Absent(id) => self.create_or_merge(id, data, expires_at, framework).await,
            Base::Unknown { id, created } => self.save_whole(id, created, data, expires_at).await,
        }
    }

    pub(crate) async fn touch<B: EncodeSession + Sync, T: EncodeSession + Sync>(
        &self,
        loaded: &Loaded<B>,
        options: &TouchOptions<'_, T>,
    ) -> Result<SaveOutcome, Error> {
        let expires_at = options.expires_at;
        match options.fields {
            Some((framework, data)) => {
                self.save_changes(loaded, data, expires_at, framework, true)
                    .await
            }
            None => self.touch_item(loaded, expires_at).await,
        }
    }

    /// Writes the fields that differ from the loaded session. As a touch, only those of the expiry unit.
    async fn save_changes<B: EncodeSession + Sync, T: EncodeSession + Sync>(
        &self,
        loaded: &Loaded<B>,
        data: &T,
        expires_at: Option<SystemTime>,
        framework: &Framework,
        is_touch: bool,
    ) -> Result<SaveOutcome, Error> {
        let created = loaded.created;
        let condition = if is_touch {
            let moment = self.moment();
            Condition::Live { created, moment }
        } else {
            Condition::Present { created }
        };
        let write = self.prepare(Use::Update, &loaded.id, data, expires_at, created)?;
        let outcome = self.update(loaded, &write, framework, condition, is_touch);
        Ok(self.settled(&write.key, outcome.await?))
    }

    /// Writes the whole session if one is there.
    async fn save_whole<T: EncodeSession + Sync>(
        &self,
        id: &SessionId,
        created: Option<SystemTime>,
        data: &T,
        expires_at: Option<SystemTime>,
    ) -> Result<SaveOutcome, Error> {
        let write = self.prepare(Use::Update, id, data, expires_at, created)?;
        let condition = Condition::Present { created };
        let outcome = self.replace(&write, condition).await?;
        Ok(self.settled(&write.key, outcome))
    }

    /// Creates the session, or merges all its fields into the one that is there.
    async fn create_or_merge<T: EncodeSession + Sync>(
        &self,
        id: &SessionId,
        data: &T,
        expires_at: Option<SystemTime>,
        framework: &Framework,
    ) -> Result<SaveOutcome, Error> {
        let new = self.prepare(Use::PutOrUpdate, id, data, expires_at, None)?;
        let mut gone = Gone {
            operation: Operation::PutItem,
        };
        for _ in 0..CREATE_ATTEMPTS {
            let answer = match self.put_where_absent(new.clone()).await? {
                Ok(stamp) => return Ok(SaveOutcome::Saved(stamp)),
                Err(answer) => answer,
            };
            let Some(there) = self.met(&answer, &new.key).await? else {
                continue;
            };
            let created = there.created_ms.map(from_epoch_ms);
            let condition = Condition::Present { created };
            // It has no expiry, so that the write is never skipped as a touch that is not due.
            let mut loaded = Loaded::new(id.clone(), NoFields {});
            loaded.created = created;
            loaded.is_foreign = there.is_foreign;
            // The data with the `created` and the expiry of the session that is there. Its own `created` would make the
            // next attempt mistake that session for one that an earlier attempt created.
            let (merged_created, expires_secs) = self.life(expires_at, created);
            let merge = PreparedWrite {
                expires_secs,
                created: merged_created,
                ..new.clone()
            };
            let outcome = self
                .update(&loaded, &merge, framework, condition, false)
                .await?;
            match outcome {
                Ok(stamp) => return Ok(SaveOutcome::Saved(stamp)),
                Err(meanwhile) => gone = meanwhile,
            }
        }
        Ok(self.settled(&new.key, Err(gone)))
    }

    /// Moves the expiry of the item and keeps the data.
    async fn touch_item<B: Sync>(
        &self,
        loaded: &Loaded<B>,
        expires_at: Option<SystemTime>,
    ) -> Result<SaveOutcome, Error> {
        let created = loaded.created;
        let expires_at = expires_at.unwrap_or_else(|| self.default_expiry(self.clock.now()));
        let key = self
            .key(&loaded.id)
            .map_err(|error| error.on(Operation::UpdateItem, &self.table.name))?;
        let expires_secs = self.expiry_secs(expires_at, created);
        if let Some(stamp) = self.skipped_touch(loaded, expires_secs) {
            return Ok(SaveOutcome::Saved(stamp));
        }
        let moment = self.moment();
        let condition = Condition::Live { created, moment };
        let ttl_attribute = self.ttl_attribute();
        let names = self.names(&ttl_attribute);
        let body = request::move_expiry(names, &key, expires_secs, condition);
        let answer = self.call(Operation::UpdateItem, body).await?;
        let stamp = Stamp {
            created,
            expires_at: expiry::from_secs(expires_secs),
        };
        Ok(self.settled(&key, updated(&answer, stamp)))
    }

    pub(crate) async fn delete(&self, id: &SessionId) -> Result<(), Error> {
        let Ok(key) = self.key(id) else {
            return Ok(());
        };
        let ttl_attribute = self.ttl_attribute();
        let body = request::delete_item(self.names(&ttl_attribute), &key, None);
        self.call(Operation::DeleteItem, body).await?;
        Ok(())
    }

    /// The `created` and the expiry, in seconds, of a session that is written now. Without a `created`, the session is
    /// created now.
    fn life(
        &self,
        expires_at: Option<SystemTime>,
        created: Option<SystemTime>,
    ) -> (SystemTime, u64) {
        let now = self.clock.now();
        let expires_at = expires_at.unwrap_or_else(|| self.default_expiry(now));
        let created = created.unwrap_or(now);
        (created, self.expiry_secs(expires_at, Some(created)))
    }

    fn default_expiry(&self, now: SystemTime) -> SystemTime {
        // A TTL beyond the range of the clock means the latest expiry.
        now.checked_add(self.table.default_ttl)
            .unwrap_or_else(|| expiry::from_secs(expiry::LATEST_SECS))
    }

    /// Does everything that can fail before a request is sent.
    fn prepare<T: EncodeSession>(
        &self,
        purpose: Use,
        id: &SessionId,
        data: &T,
        expires_at: Option<SystemTime>,
        created: Option<SystemTime>,
    ) -> Result<PreparedWrite, Error> {
        let prepared = || {
            let key = self.key(id)?;
            let (created, expires_secs) = self.life(expires_at, created);
            let room = if purpose == Use::Update {
                0
            } else {
                request::put_room(&key)
            };
            let session =
                EncodedSession::encode(self.table.layout, data, room, purpose != Use::Put)
                    .map_err(|error| invalid_data(&error))?;
            self.check_size(&key, &session)?;
            // The stage between encoding and requesting. After it, only `changes` reads the session. Data would be sealed
            // here.
            Ok(PreparedWrite {
                key,
                session,
                expires_secs,
                created,
            })
        };
        let operation = if purpose == Use::Update {
            Operation::UpdateItem
        } else {
            Operation::PutItem
        };
        prepared().map_err(|error: Error| error.on(operation, &self.table.name))
    }

    fn check_size(&self, key: &str, session: &EncodedSession) -> Result<(), Error> {
        let layout = self.table.layout;
        let (marker, text) = layout.marker().unwrap_or_default();
        // Numbers of 10 and 13 digits. A number takes a byte for two digits, and one more.
        let size = item_size([
            (self.table.partition_key.as_str(), key.len()),
            (&*self.ttl_attribute(), 6),
            (CREATED, 8),
            (layout.session_attribute(), session.size),
            (marker, text.len()),
        ]);
        if size <= MAX_ITEM_BYTES {
            return Ok(());
        }
        let message =
            format!("the session item would be {size} bytes; DynamoDB's limit is {MAX_ITEM_BYTES}");
        Err(Error::new(ErrorKind::ItemTooLarge, message).with_remedy(Remedy::StoreLess))
    }

    /// A `PutItem` if there is no live session. Otherwise `Err`, with the answer that holds the existing item.
    async fn put_where_absent(&self, write: PreparedWrite) -> Result<Result<Stamp, Answer>, Error> {
        let ttl_attribute = self.ttl_attribute();
        let condition = Condition::Absent(self.moment());
        let stamp = write.stamp(Some(write.created));
        let PreparedWrite {
            key,
            session,
            expires_secs,
            created,
        } = write;
        let head = ItemHead {
            id: &key,
            expires_secs,
            created,
        };
        let body = request::put_item(self.names(&ttl_attribute), head, session, Some(condition));
        let answer = self.call(Operation::PutItem, body).await?;
        if answer.condition_failed && !self.was_stored_before(&answer, &key, stamp).await? {
            return Ok(Err(answer));
        }
        Ok(Ok(stamp))
    }
}

fn invalid_data(error: &ItemError) -> Error {
    match error.kind {
        ItemErrorKind::UnsupportedVersion(_) | ItemErrorKind::Malformed => {
            Error::new(ErrorKind::Decode, error.to_string())
        }
        _ => Error::new(ErrorKind::InvalidData, error.to_string()),
    }
}
