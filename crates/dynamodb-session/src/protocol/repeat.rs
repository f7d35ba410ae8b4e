//! Finding out whether an earlier attempt was executed. A request can be executed although its answer is lost.

use std::time::SystemTime;

use serde::de::IgnoredAny;

use super::{Inner, from_epoch_ms};
use crate::client::retry::Answer;
use crate::clock::epoch_ms;
use crate::error::Error;
use crate::item::StoredItem;
use crate::session::Stamp;

impl Inner {
    /// The item on which a write's condition failed: from the answer, or read again if the answer does not have it.
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

    /// Whether a write's condition failed because an earlier attempt of the same write had stored the item.
    pub(super) async fn was_stored_before(
        &self,
        answer: &Answer,
        key: &str,
        stamp: Stamp,
    ) -> Result<bool, Error> {
        if answer.attempts == 1 {
            return Ok(false);
        }
        Ok(self.met(answer, key).await?.is_some_and(|item| {
            item.created_ms == stamp.created.map(epoch_ms)
                && item.expires_ms == Some(epoch_ms(stamp.expires_at))
        }))
    }

    /// Whether a delete's condition failed because an earlier attempt had deleted the item.
    pub(super) fn was_deleted_before(&self, answer: &Answer, key: &str) -> bool {
        let met: Option<StoredItem<IgnoredAny>> =
            self.item_in(answer, "Item", key).unwrap_or_default();
        answer.attempts > 1 && met.is_none()
    }

    /// The `created` of an item after an update of an item without it. A parallel update may have added it first.
    pub(super) fn created_in(&self, answer: &Answer, key: &str) -> Option<SystemTime> {
        let updated: Option<StoredItem<IgnoredAny>> =
            self.item_in(answer, "Attributes", key).ok()?;
        updated?.created_ms.map(from_epoch_ms)
    }
}
