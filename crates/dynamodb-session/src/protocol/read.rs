//! Reading one session.

use super::save::undecodable;
use super::{Inner, from_epoch_ms};
use serde::de::IgnoredAny;

use crate::client::retry::Answer;
use crate::error::{Error, ErrorKind};
use crate::item::{self, DecodeSession, OwnKey, Stored, StoredItem};
use crate::observe::Event;
use crate::request::{self, Operation};
use crate::session::{Loaded, SessionId, SessionRef};

/// What a load makes of an item.
pub(crate) enum Found<T> {
    Session(Loaded<T>),
    /// Its session has expired.
    Ended,
    /// It holds no session.
    Unreadable,
}

impl Inner {
    /// The session with this id, if there is a live one.
    pub(crate) async fn load<T: DecodeSession>(
        &self,
        id: &SessionId,
    ) -> Result<Option<Loaded<T>>, Error> {
        // Without a key the id is reserved, or longer than any in the table.
        for (key, is_other) in self.keys(id) {
            self.keys_ready(Operation::GetItem).await?;
            let Some(stored) = self.read_opened(&key).await? else {
                continue;
            };
            match self.found(id.clone(), stored) {
                Found::Session(mut loaded) => {
                    loaded.version.has_other_key = is_other;
                    return Ok(Some(loaded));
                }
                Found::Ended => {}
                Found::Unreadable => self.report_unreadable(&key),
            }
        }
        Ok(None)
    }

    /// Whether a tombstone has this id, and no live session.
    pub(crate) async fn is_signed_out(&self, id: &SessionId) -> Result<bool, Error> {
        let mut is_gone = false;
        for (key, _) in self.keys(id) {
            let stored = self.read::<IgnoredAny>(&key, self.table.consistent_read);
            let Some(stored) = stored.await? else {
                continue;
            };
            // A tombstone under the other key stays when the visitor signs in again.
            if !self.has_ended(&stored) {
                return Ok(false);
            }
            is_gone |= stored.is_gone;
        }
        Ok(is_gone)
    }

    /// The reference of the session with this id, or of the tombstone in its place.
    pub(crate) async fn reference_of(&self, id: &SessionId) -> Result<Option<SessionRef>, Error> {
        let mut found = Vec::new();
        for (key, _) in self.keys(id) {
            let stored = self.read::<IgnoredAny>(&key, self.table.consistent_read);
            let Some(stored) = stored.await? else {
                continue;
            };
            // A sign-out leaves a tombstone under both keys. One of them remembers the session, unless that was of an
            // earlier version, which hashes no id.
            let is_likely = (
                !stored.is_gone,
                stored.version.rev().is_some(),
                key.ends_with(id.as_str()),
            );
            found.push((is_likely, SessionRef::of_key(&key)));
        }
        let found = found.into_iter().max_by_key(|(is_likely, _)| *is_likely);
        Ok(found.map(|(_, reference)| reference))
    }

    pub(crate) fn report_unreadable(&self, key: &str) {
        self.client.emit(|| Event::Unreadable {
            reference: SessionRef::of_key(key),
        });
    }

    /// Whether this item is a tombstone, or of a session that has expired.
    pub(super) fn has_ended<T>(&self, stored: &StoredItem<T>) -> bool {
        let created = stored.created_ms.map(from_epoch_ms);
        let ends = [
            stored.expires_ms.map(from_epoch_ms),
            self.table.latest_expiry(created),
        ];
        let now = self.clock.now();
        stored.is_gone || ends.into_iter().flatten().any(|end| end <= now)
    }

    /// Whether this item is a live session.
    pub(crate) fn found<T>(&self, id: SessionId, stored: StoredItem<T>) -> Found<T> {
        if self.has_ended(&stored) {
            return Found::Ended;
        }
        let expires_at = stored.expires_ms.map(from_epoch_ms);
        let created = stored.created_ms.map(from_epoch_ms);
        match stored.data {
            Stored::Session(data) => Found::Session(Loaded {
                id,
                data,
                expires_at,
                created,
                is_foreign: stored.is_foreign,
                version: stored.version,
                user: stored.user,
            }),
            Stored::Unreadable(_) => Found::Unreadable,
        }
    }

    /// The item with this key. The data of a live session are opened if they are sealed.
    async fn read_opened<T: DecodeSession>(
        &self,
        key: &str,
    ) -> Result<Option<StoredItem<T>>, Error> {
        let Some(stored) = self.read(key, self.table.consistent_read).await? else {
            return Ok(None);
        };
        // Otherwise a session that has ended could be an error.
        if self.has_ended(&stored) {
            return Ok(Some(stored));
        }
        let keys = stored.sealing_keys();
        self.know_keys(keys, Operation::GetItem).await?;
        let opened = stored.open(key, &self.sealing);
        let opened =
            opened.map_err(|error| undecodable(&error).on(Operation::GetItem, &self.table.name))?;
        self.client.counts().add_sealed(keys);
        Ok(Some(opened))
    }

    pub(super) async fn read<T: DecodeSession>(
        &self,
        key: &str,
        consistent_read: bool,
    ) -> Result<Option<StoredItem<T>>, Error> {
        let expiry_attributes = self.expiry_attributes();
        let answer = self
            .call(
                Operation::GetItem,
                request::get_item(self.names(&expiry_attributes), key, consistent_read),
            )
            .await?;
        self.item_in(&answer, "Item", key)
            .map_err(|error| error.on(Operation::GetItem, &self.table.name))
    }

    pub(crate) fn item_in<T: DecodeSession>(
        &self,
        answer: &Answer,
        member: &str,
        key: &str,
    ) -> Result<Option<StoredItem<T>>, Error> {
        let expiry_attributes = self.expiry_attributes();
        let key = OwnKey {
            attribute: &self.table.partition_key,
            value: key,
        };
        item::read_response(
            &answer.body,
            member,
            key,
            &expiry_attributes,
            self.table.layout,
        )
        .map_err(|error| {
            Error::new(ErrorKind::Decode, error.to_string()).with_attempts(answer.attempts)
        })
    }
}
