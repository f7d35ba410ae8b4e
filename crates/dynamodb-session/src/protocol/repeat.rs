//! Requests that may have been executed before: an answer can be lost although the request was not.

use std::time::SystemTime;

use serde::de::IgnoredAny;

use super::{Inner, from_epoch_ms};
use crate::client::retry::Answer;
use crate::clock::epoch_ms;
use crate::error::Error;
use crate::item::StoredItem;
use crate::session::Stamp;

impl Inner {
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

    /// Whether the item a delete's condition failed on was deleted by an earlier attempt: then there is none.
    pub(super) fn was_deleted_before(&self, answer: &Answer, key: &str) -> bool {
        let met: Option<StoredItem<IgnoredAny>> =
            self.item_in(answer, "Item", key).unwrap_or_default();
        answer.attempts > 1 && met.is_none()
    }

    /// The `created` of an item that had none, as an update has left it: a parallel one may have been first.
    pub(super) fn created_in(&self, answer: &Answer, key: &str) -> Option<SystemTime> {
        let updated: Option<StoredItem<IgnoredAny>> =
            self.item_in(answer, "Attributes", key).ok()?;
        updated?.created_ms.map(from_epoch_ms)
    }
}
