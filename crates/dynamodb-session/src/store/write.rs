//! How a write is prepared, sent, and replaced by another where it cannot be done.

use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use serde::Serialize;
use serde::de::IgnoredAny;

use super::{Inner, Write, from_epoch_ms, from_epoch_secs};
use crate::client::retry::Answer;
use crate::client::wire::{self, Condition, NewItem};
use crate::clock::epoch_ms;
use crate::config::Conflict;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, id_hash};
use crate::item::{self, Changes, Fields, ItemError, ItemErrorKind, StoredItem};
use crate::record::{Record, Stamp};
use crate::stats::count;

/// The largest item DynamoDB stores, attribute names included.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_ITEM_BYTES: usize = 409_600;

/// Session data of which nothing was loaded.
#[derive(Serialize)]
pub(super) struct NoFields {}

/// A save of a framework that did not change the data.
pub(super) struct TouchBySave {
    pub(super) moves_expiry_only: bool,
}

/// What is no map of attribute values counts as changed.
pub(super) fn touch_by_save<B, T>(
    loaded: &Record<B>,
    data: &T,
    fields: &Fields,
) -> Option<TouchBySave>
where
    B: Serialize,
    T: Serialize,
{
    if fields.expiry.is_empty() {
        return None;
    }
    let base = item::write_base(&loaded.data).ok()?;
    let session = item::write_base(data).ok()?;
    let changes = Changes::between(&base, &session, fields, true).ok()?;
    changes.is_of_expiry().then_some(TouchBySave {
        moves_expiry_only: changes.moves_expiry_only(),
    })
}

/// A record turned into what is written.
pub(super) struct PreparedWrite {
    pub(super) key: String,
    pub(super) session: Vec<u8>,
    /// Whether the data came as text, so from a language whose numbers are doubles.
    pub(super) from_text: bool,
    pub(super) expires_secs: u64,
    pub(super) created: SystemTime,
}

impl PreparedWrite {
    pub(super) fn item(&self) -> NewItem<'_> {
        NewItem {
            id: &self.key,
            expires_secs: self.expires_secs,
            created: self.created,
            session: &self.session,
        }
    }

    pub(super) fn stamp(&self, created: Option<SystemTime>) -> Stamp {
        Stamp {
            created,
            expires_at: from_epoch_secs(self.expires_secs),
        }
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
        self.prepare("UpdateItem", &record, loaded.created)
    }

    /// Does all that can fail before anything is sent. `created` is that of the session that is written to, if
    /// it is known: otherwise its life begins now.
    pub(super) fn prepare<T: Serialize>(
        &self,
        operation: &'static str,
        record: &Record<T>,
        created: Option<SystemTime>,
    ) -> Result<PreparedWrite, Error> {
        let prepared = || {
            let key = self.key(&record.id)?;
            let layout = self.table.layout;
            let mut session = Vec::with_capacity(1024);
            let written = layout
                .write_session(&record.data, &mut session)
                .map_err(|error| invalid_data(&error))?;
            let now = self.clock.now();
            let expires_at = record
                .expires_at
                .unwrap_or_else(|| now + self.table.default_ttl);
            let (marker, text) = layout.marker().unwrap_or_default();
            // Ten digits, and thirteen: a number takes a byte for two of them and one more.
            let size = item::item_size([
                (self.table.partition_key.as_str(), key.len()),
                (&*self.ttl_attribute(), 6),
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
            let created = created.unwrap_or(now);
            Ok(PreparedWrite {
                key,
                session,
                from_text: written.from_text,
                expires_secs: self.expiry_secs(expires_at, Some(created)),
                created,
            })
        };
        prepared().map_err(|error: Error| error.on(operation, &self.table.name))
    }

    /// A `PutItem` where there is no live session. `Err` is the answer that tells what is there instead.
    pub(super) async fn create(
        &self,
        write: &PreparedWrite,
    ) -> Result<Result<Stamp, Answer>, Error> {
        let ttl_attribute = self.ttl_attribute();
        let condition = Condition::Absent(self.moment());
        let body = wire::put_item(self.names(&ttl_attribute), write.item(), Some(condition));
        let answer = self.call("PutItem", body).await?;
        // A second attempt whose first one got through meets its own item.
        if answer.condition_failed
            && !(answer.attempts > 1 && self.is_stored(&answer, write).await?)
        {
            return Ok(Err(answer));
        }
        Ok(Ok(write.stamp(Some(write.created))))
    }

    /// Writes what differs from what was loaded, or of that the expiry unit alone.
    pub(super) async fn update<B: Serialize + Sync>(
        &self,
        loaded: &Record<B>,
        write: &PreparedWrite,
        fields: &Fields,
        condition: Condition,
        is_touch: bool,
    ) -> Result<Write, Error> {
        let ttl_attribute = self.ttl_attribute();
        let names = self.names(&ttl_attribute);
        if self.table.layout.is_text() {
            if !is_touch {
                return self.replace(write, condition).await;
            }
            if let Some(stamp) = self.skipped_touch(loaded, write.expires_secs) {
                return Ok(Write::Written(stamp));
            }
            let body = wire::move_expiry(names, &write.key, write.expires_secs, condition);
            return match self.call("UpdateItem", body).await {
                Ok(answer) => Ok(written(&answer, write.stamp(loaded.created))),
                Err(error) => self.instead_of_update(error, write, condition).await,
            };
        }
        let read = |error: ItemError| {
            Error::new(ErrorKind::Decode, error.to_string()).on("UpdateItem", &self.table.name)
        };
        let base = item::write_base(&loaded.data).map_err(read)?;
        let mut changes =
            Changes::between(&base, &write.session, fields, write.from_text).map_err(read)?;
        let moves_expiry_only = if is_touch {
            changes.keeps_settings
        } else {
            changes.moves_expiry_only()
        };
        if moves_expiry_only
            && !loaded.is_foreign
            && let Some(stamp) = self.skipped_touch(loaded, write.expires_secs)
        {
            return Ok(Write::Written(stamp));
        }
        // A framework that saves what it did not change touches it, which does not bring an expired session back.
        let condition = if changes.is_of_expiry() && !fields.expiry.is_empty() {
            condition.while_live(self.moment())
        } else {
            condition
        };
        if is_touch {
            changes = changes.of_expiry();
        } else if self.table.conflict == Conflict::Overwrite {
            return self.replace(write, condition).await;
        }
        if loaded.is_foreign {
            let Some(unstamped) = condition.unstamped() else {
                return self.replace(write, condition).await;
            };
            if self.replace(write, unstamped).await?.is_written() {
                return Ok(Write::Written(write.stamp(Some(write.created))));
            }
            // Unless it has gone, a parallel write has given it our layout, and its changes must stay.
        }
        if self.update_denied.load(Relaxed) {
            return self.put_guarded(write, condition).await;
        }
        self.merge(write, &changes, condition).await
    }

    /// Writes what changed, in as many requests as it takes.
    async fn merge(
        &self,
        write: &PreparedWrite,
        changes: &Changes<'_>,
        mut condition: Condition,
    ) -> Result<Write, Error> {
        let ttl_attribute = self.ttl_attribute();
        let requests = |condition| {
            wire::merge_session(self.names(&ttl_attribute), write.item(), changes, condition)
        };
        let mut bodies = requests(condition);
        let mut sent = 0;
        while let Some(body) = bodies.get(sent) {
            let answer = match self.call("UpdateItem", body.clone()).await {
                Ok(answer) if answer.condition_failed => return Ok(Write::Gone),
                Ok(answer) => answer,
                Err(error) => return self.instead_of_update(error, write, condition).await,
            };
            sent += 1;
            if condition.created().is_none()
                && let Some(created) = self.created_in(&answer)
            {
                // What is left of it is for the session that this was.
                condition = condition.stamped(created);
                if sent < bodies.len() {
                    bodies = requests(condition);
                }
            }
        }
        Ok(Write::Written(write.stamp(condition.created())))
    }

    /// The `created` of an item that had none, as an update has left it: a parallel one may have been first.
    fn created_in(&self, answer: &Answer) -> Option<SystemTime> {
        let updated: Option<StoredItem<IgnoredAny>> = self.item_in(answer, "Attributes").ok()?;
        updated?.created_ms.map(from_epoch_ms)
    }

    /// Writes the whole session.
    pub(super) async fn replace(
        &self,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Write, Error> {
        if self.update_denied.load(Relaxed) {
            return self.put_guarded(write, condition).await;
        }
        let ttl_attribute = self.ttl_attribute();
        let body = wire::replace_session(self.names(&ttl_attribute), write.item(), condition);
        match self.call("UpdateItem", body).await {
            Ok(answer) => Ok(written(&answer, write.stamp(condition.created()))),
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
    ) -> Result<Write, Error> {
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
    ) -> Result<Write, Error> {
        let put = async |item: NewItem<'_>, condition| {
            let ttl_attribute = self.ttl_attribute();
            let body = wire::put_item(self.names(&ttl_attribute), item, Some(condition));
            self.call("PutItem", body).await
        };
        let mut item = write.item();
        let Some(unstamped) = condition.unstamped() else {
            item.created = condition.created().unwrap_or(item.created);
            let answer = put(item, condition).await?;
            return Ok(written(&answer, write.stamp(Some(item.created))));
        };
        let answer = put(item, unstamped).await?;
        if !answer.condition_failed {
            return Ok(Write::Written(write.stamp(Some(item.created))));
        }
        // A parallel write may have given it a `created`, which others have loaded since: it must stay.
        let there = self.met(&answer, write).await?;
        let Some(created_ms) = there.and_then(|there| there.created_ms) else {
            return Ok(Write::Gone);
        };
        item.created = from_epoch_ms(created_ms);
        let answer = put(item, condition.stamped(item.created)).await?;
        Ok(written(&answer, write.stamp(Some(item.created))))
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

    /// Reports a write that was dropped.
    pub(super) fn settled(&self, write: &PreparedWrite, written: Write) -> Write {
        if written == Write::Gone {
            self.conflict(&write.key);
        }
        written
    }

    pub(super) fn conflict(&self, key: &str) {
        count(&self.client.counts().conflicts);
        self.client.tell(|| Event::Conflict {
            id_hash: id_hash(key),
            operation: if self.update_denied.load(Relaxed) {
                "PutItem"
            } else {
                "UpdateItem"
            },
        });
    }

    /// The item that a write's condition failed on, as the answer has it or as it is now.
    pub(super) async fn met(
        &self,
        answer: &Answer,
        write: &PreparedWrite,
    ) -> Result<Option<StoredItem<IgnoredAny>>, Error> {
        match self.item_in(answer, "Item")? {
            Some(item) => Ok(Some(item)),
            None => self.read(&write.key, true).await,
        }
    }

    /// Whether the item a write's condition failed on is what that very write stored at an earlier attempt.
    async fn is_stored(&self, answer: &Answer, write: &PreparedWrite) -> Result<bool, Error> {
        Ok(self.met(answer, write).await?.is_some_and(|item| {
            item.created_ms == Some(epoch_ms(write.created))
                && item.expires_ms == Some(write.expires_secs * 1000)
        }))
    }
}

fn written(answer: &Answer, stamp: Stamp) -> Write {
    if answer.condition_failed {
        Write::Gone
    } else {
        Write::Written(stamp)
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
