//! How a write is prepared, sent, and replaced by another where it cannot be done.

use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use bytes::Bytes;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::{Inner, Write, from_epoch_ms, from_epoch_secs};
use crate::client::retry::Answer;
use crate::client::wire::{self, Condition, Names, NewItem};
use crate::clock::epoch_ms;
use crate::config::Conflict;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, id_hash};
use crate::framework::Framework;
use crate::item::{self, Changes, FieldAt, ItemError, ItemErrorKind, StoredItem, WrittenSession};
use crate::record::{Record, Stamp};
use crate::request::Operation;
use crate::stats::count;

/// The largest item DynamoDB stores, attribute names included.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_ITEM_BYTES: usize = 409_600;

/// Session data of which nothing was loaded.
#[derive(Serialize)]
pub(super) struct NoFields {}

/// A record turned into what is written.
#[derive(Clone)]
pub(super) struct PreparedWrite {
    pub(super) key: String,
    /// The request body up to the end of the session.
    put: Vec<u8>,
    /// Where in it the session begins.
    session_at: usize,
    /// What is compared with what was loaded, if it can be; `None` for no save.
    compared: Option<Compared>,
    pub(super) expires_secs: u64,
    pub(super) created: SystemTime,
}

/// A session's fields, of which a save writes those that changed.
#[derive(Clone)]
struct Compared {
    /// Where they are in the request body, or in `map`.
    fields: Vec<FieldAt>,
    /// The map they are in, where the session is written as text.
    map: Option<Vec<u8>>,
    /// Whether the data came as text, so from a language whose numbers are doubles.
    from_text: bool,
}

/// What a write that is conditional on the loaded session did.
pub(super) type Outcome = Result<Stamp, Gone>;

/// The session loaded was deleted meanwhile, or another one has its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    /// The request that was told so.
    pub(super) operation: Operation,
}

impl PreparedWrite {
    pub(super) fn item(&self) -> NewItem<'_> {
        NewItem {
            id: &self.key,
            expires_secs: self.expires_secs,
            created: self.created,
            session: &self.put[self.session_at..],
        }
    }

    pub(super) fn stamp(&self, created: Option<SystemTime>) -> Stamp {
        Stamp {
            created,
            expires_at: from_epoch_secs(self.expires_secs),
        }
    }

    /// The `PutItem` of it, for which nothing has to be copied.
    pub(super) fn into_put(self, names: Names<'_>, condition: Option<Condition>) -> Bytes {
        wire::close_put(names, self.put, condition)
    }

    /// What a save changes of what was loaded; `None` if they cannot be compared.
    fn changes<B: Serialize>(
        &self,
        loaded: &Record<B>,
        framework: &Framework,
    ) -> Option<Result<Changes<'_>, ItemError>> {
        let compared = self.compared.as_ref()?;
        let map = compared.map.as_deref();
        let changes = Changes::since(
            &loaded.data,
            map.unwrap_or(&self.put),
            &compared.fields,
            framework,
            compared.from_text,
        );
        // Whatever text another package stored can be written over.
        (map.is_none() || changes.is_ok()).then_some(changes)
    }
}

impl Inner {
    pub(super) fn prepare_save<B, T: Serialize>(
        &self,
        loaded: &Record<B>,
        data: &T,
        expires_at: SystemTime,
    ) -> Result<PreparedWrite, Error> {
        let mut record = loaded.with_data(data);
        record.expires_at = Some(expires_at);
        self.prepare_update(&record, loaded.created)
    }

    /// Prepares what is compared with what was loaded.
    pub(super) fn prepare_update<T: Serialize>(
        &self,
        record: &Record<T>,
        created: Option<SystemTime>,
    ) -> Result<PreparedWrite, Error> {
        let mut fields = Vec::with_capacity(16);
        let (mut write, written) =
            self.prepare(Operation::UpdateItem, record, created, Some(&mut fields))?;
        // The request body will be another one, and this is not to take more than it needs.
        write.put.shrink_to_fit();
        let mut map = None;
        if self.table.layout.is_text() {
            let mut out = Vec::with_capacity(write.put.len() * 3 / 2);
            if item::write_fields(&record.data, &mut out, &mut fields).is_err() {
                return Ok(write);
            }
            map = Some(out);
        }
        write.compared = Some(Compared {
            fields,
            map,
            from_text: written.from_text,
        });
        Ok(write)
    }

    /// Does all that can fail before anything is sent. `created` is that of the session that is written to, if
    /// it is known: otherwise its life begins now.
    pub(super) fn prepare_put<T: Serialize>(
        &self,
        record: &Record<T>,
    ) -> Result<PreparedWrite, Error> {
        Ok(self.prepare(Operation::PutItem, record, None, None)?.0)
    }

    fn prepare<T: Serialize>(
        &self,
        operation: Operation,
        record: &Record<T>,
        created: Option<SystemTime>,
        fields: Option<&mut Vec<FieldAt>>,
    ) -> Result<(PreparedWrite, WrittenSession), Error> {
        let prepared = || {
            let key = self.key(&record.id)?;
            let layout = self.table.layout;
            let now = self.clock.now();
            // A time to live that no clock reaches ends when the latest expiry does.
            let expires_at = record
                .expires_at
                .or_else(|| now.checked_add(self.table.default_ttl))
                .unwrap_or_else(|| from_epoch_secs(wire::MILLISECONDS_FROM - 1));
            let created = created.unwrap_or(now);
            let expires_secs = self.expiry_secs(expires_at, Some(created));
            let ttl_attribute = self.ttl_attribute();
            let names = self.names(&ttl_attribute);
            let mut put = wire::open_put(names, &key, expires_secs, created, 1024);
            let session_at = put.len();
            let written = layout
                .write_session(&record.data, &mut put, fields)
                .map_err(|error| invalid_data(&error))?;
            let (marker, text) = layout.marker().unwrap_or_default();
            // Ten digits, and thirteen: a number takes a byte for two of them and one more.
            let size = item::item_size([
                (self.table.partition_key.as_str(), key.len()),
                (&*ttl_attribute, 6),
                (item::CREATED, 8),
                (layout.session_attribute(), written.size),
                (marker, text.len()),
            ]);
            if size > MAX_ITEM_BYTES {
                let message = format!(
                    "the session item would be {size} bytes; DynamoDB's limit is {MAX_ITEM_BYTES}"
                );
                return Err(Error::new(ErrorKind::RecordTooLarge, message)
                    .with_hint("store less in the session, or keep large values elsewhere and their keys in it"));
            }
            let write = PreparedWrite {
                key,
                put,
                session_at,
                compared: None,
                expires_secs,
                created,
            };
            Ok((write, written))
        };
        prepared().map_err(|error: Error| error.on(operation, &self.table.name))
    }

    /// A `PutItem` where there is no live session. `Err` is the answer that tells what is there instead.
    pub(super) async fn create(
        &self,
        write: PreparedWrite,
    ) -> Result<Result<Stamp, Answer>, Error> {
        let ttl_attribute = self.ttl_attribute();
        let condition = Condition::Absent(self.moment());
        let stamp = write.stamp(Some(write.created));
        let key = write.key.clone();
        let body = write.into_put(self.names(&ttl_attribute), Some(condition));
        let answer = self.call(Operation::PutItem, body).await?;
        // A second attempt whose first one got through meets its own item.
        if answer.condition_failed
            && !(answer.attempts > 1 && self.is_stored(&answer, &key, stamp).await?)
        {
            return Ok(Err(answer));
        }
        Ok(Ok(stamp))
    }

    /// Writes what differs from what was loaded, or of that the expiry unit alone.
    pub(super) async fn update<B: Serialize + Sync>(
        &self,
        loaded: &Record<B>,
        write: &PreparedWrite,
        framework: &Framework,
        condition: Condition,
        is_touch: bool,
    ) -> Result<Outcome, Error> {
        let changes = write
            .changes(loaded, framework)
            .transpose()
            .map_err(|error| {
                Error::new(ErrorKind::Decode, error.to_string())
                    .on(Operation::UpdateItem, &self.table.name)
            })?;
        let changed = changes.as_ref();
        let moves_expiry_only = changed.is_some_and(|changes| {
            if is_touch {
                changes.keeps_settings
            } else {
                changes.moves_expiry_only()
            }
        });
        if moves_expiry_only
            && !loaded.is_foreign
            && let Some(stamp) = self.skipped_touch(loaded, write.expires_secs)
        {
            return Ok(Ok(stamp));
        }
        // A framework that saves what it did not change touches it, which does not bring an expired session back.
        let is_touch_by_save = changed.is_some_and(Changes::is_of_expiry);
        let condition = if is_touch_by_save && !framework.expiry().is_empty() {
            condition.while_live(self.moment())
        } else {
            condition
        };
        // One string cannot be written field by field.
        let (changes, is_text) = (changes.unwrap_or_default(), self.table.layout.is_text());
        let changes = if is_touch {
            if is_text {
                return self.move_expiry(write, condition).await;
            }
            changes.of_expiry()
        } else if is_text || self.table.conflict == Conflict::Overwrite {
            return self.replace(write, condition).await;
        } else {
            changes
        };
        if loaded.is_foreign {
            let Some(unstamped) = condition.unstamped() else {
                return self.replace(write, condition).await;
            };
            if self.replace(write, unstamped).await?.is_ok() {
                return Ok(Ok(write.stamp(Some(write.created))));
            }
            // Unless it has gone, a parallel write has given it our layout, and its changes must stay.
        }
        if self.update_denied.load(Relaxed) {
            return self.put_guarded(write, condition).await;
        }
        self.merge(write, &changes, condition).await
    }

    /// Moves the expiry alone.
    async fn move_expiry(
        &self,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Outcome, Error> {
        let ttl_attribute = self.ttl_attribute();
        let names = self.names(&ttl_attribute);
        let body = wire::move_expiry(names, &write.key, write.expires_secs, condition);
        match self.call(Operation::UpdateItem, body).await {
            Ok(answer) => Ok(updated(&answer, write.stamp(condition.created()))),
            Err(error) => self.instead_of_update(error, write, condition).await,
        }
    }

    /// Writes what changed, in as many requests as it takes.
    async fn merge(
        &self,
        write: &PreparedWrite,
        changes: &Changes<'_>,
        mut condition: Condition,
    ) -> Result<Outcome, Error> {
        let ttl_attribute = self.ttl_attribute();
        let requests = |condition| {
            wire::merge_session(self.names(&ttl_attribute), write.item(), changes, condition)
        };
        let mut bodies = requests(condition);
        let mut sent = 0;
        while let Some(body) = bodies.get(sent) {
            let answer = match self.call(Operation::UpdateItem, body.clone()).await {
                Ok(answer) if answer.condition_failed => return Ok(Err(GONE)),
                Ok(answer) => answer,
                Err(error) => return self.instead_of_update(error, write, condition).await,
            };
            sent += 1;
            if condition.created().is_none()
                && let Some(created) = self.created_in(&answer, &write.key)
            {
                // What is left of it is for the session that this was.
                condition = condition.stamped(created);
                if sent < bodies.len() {
                    bodies = requests(condition);
                }
            }
        }
        Ok(Ok(write.stamp(condition.created())))
    }

    /// The `created` of an item that had none, as an update has left it: a parallel one may have been first.
    fn created_in(&self, answer: &Answer, key: &str) -> Option<SystemTime> {
        let updated: Option<StoredItem<IgnoredAny>> =
            self.item_in(answer, "Attributes", key).ok()?;
        updated?.created_ms.map(from_epoch_ms)
    }

    /// Writes the whole session.
    pub(super) async fn replace(
        &self,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Outcome, Error> {
        if self.update_denied.load(Relaxed) {
            return self.put_guarded(write, condition).await;
        }
        let ttl_attribute = self.ttl_attribute();
        let body = wire::replace_session(self.names(&ttl_attribute), write.item(), condition);
        match self.call(Operation::UpdateItem, body).await {
            Ok(answer) => Ok(updated(&answer, write.stamp(condition.created()))),
            Err(error) => self.instead_of_update(error, write, condition).await,
        }
    }

    /// What can be done where an `UpdateItem` failed: policies made for the legacy package do not grant it, and
    /// fields can only be set in a map.
    async fn instead_of_update(
        &self,
        error: Error,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Outcome, Error> {
        let is_denied = error.kind() == ErrorKind::AccessDenied;
        // Written whole, what is too large may fit, but without what other requests have stored meanwhile.
        let is_cured_by_put = error.code() == Some("ValidationException")
            && error.kind() != ErrorKind::RecordTooLarge;
        if !is_denied && !is_cured_by_put {
            return Err(error);
        }
        let written = self.put_guarded(write, condition).await?;
        // Who is refused everything, by wrong credentials say, is not to be left without updates for good.
        if is_denied && !self.update_denied.swap(true, Relaxed) {
            self.client.tell(|| Event::UpdateDenied);
        }
        Ok(written)
    }

    async fn put_guarded(
        &self,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Outcome, Error> {
        const GONE: Gone = Gone {
            operation: Operation::PutItem,
        };
        let put = async |item: NewItem<'_>, condition| {
            let ttl_attribute = self.ttl_attribute();
            let body = wire::put_item(self.names(&ttl_attribute), item, Some(condition));
            self.call(Operation::PutItem, body).await
        };
        let mut item = write.item();
        let written = |answer: &Answer, item: NewItem<'_>| {
            if answer.condition_failed {
                Err(GONE)
            } else {
                Ok(write.stamp(Some(item.created)))
            }
        };
        let Some(unstamped) = condition.unstamped() else {
            item.created = condition.created().unwrap_or(item.created);
            return Ok(written(&put(item, condition).await?, item));
        };
        let answer = put(item, unstamped).await?;
        if !answer.condition_failed {
            return Ok(written(&answer, item));
        }
        // A parallel write may have given it a `created`, which others have loaded since: it must stay.
        let there = self.met(&answer, &write.key).await?;
        let Some(created_ms) = there.and_then(|there| there.created_ms) else {
            return Ok(Err(GONE));
        };
        item.created = from_epoch_ms(created_ms);
        let answer = put(item, condition.stamped(item.created)).await?;
        Ok(written(&answer, item))
    }

    /// The state of a session whose touch is not worth a write, if it is not: it moves the expiry forward, and by
    /// little.
    pub(super) fn skipped_touch<B>(&self, loaded: &Record<B>, expires_secs: u64) -> Option<Stamp> {
        let expires_at = from_epoch_secs(expires_secs);
        let was = loaded.expires_at?;
        let left = expires_at.duration_since(self.clock.now()).ok()?;
        let moved = expires_at.duration_since(was).ok()?;
        (moved < self.table.touch_after.min(left / 2)).then(|| {
            count(&self.client.counts().skipped_touches);
            Stamp {
                created: loaded.created,
                expires_at: was,
            }
        })
    }

    /// What came of a write to the session of this key; reports one that was dropped.
    pub(super) fn settled(&self, key: &str, outcome: Outcome) -> Write {
        match outcome {
            Ok(stamp) => Write::Written(stamp),
            Err(Gone { operation }) => {
                count(&self.client.counts().conflicts);
                self.client.tell(|| Event::Conflict {
                    id_hash: id_hash(key),
                    operation,
                });
                Write::Gone
            }
        }
    }

    /// The item that a write's condition failed on, as the answer has it or as it is now.
    pub(super) async fn met(
        &self,
        answer: &Answer,
        key: &str,
    ) -> Result<Option<StoredItem<IgnoredAny>>, Error> {
        match self.item_in(answer, "Item", key)? {
            Some(item) => Ok(Some(item)),
            None => self.read(key, true).await,
        }
    }

    /// Whether the item a write's condition failed on is what that very write stored at an earlier attempt.
    async fn is_stored(&self, answer: &Answer, key: &str, stamp: Stamp) -> Result<bool, Error> {
        Ok(self.met(answer, key).await?.is_some_and(|item| {
            item.created_ms == stamp.created.map(epoch_ms)
                && item.expires_ms == Some(epoch_ms(stamp.expires_at))
        }))
    }
}

const GONE: Gone = Gone {
    operation: Operation::UpdateItem,
};

pub(super) fn updated(answer: &Answer, stamp: Stamp) -> Outcome {
    if answer.condition_failed {
        Err(GONE)
    } else {
        Ok(stamp)
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
