//! How a data key is deleted: only where nothing needs it, and nobody encrypts with it.

use serde::de::IgnoredAny;

use super::Inner;
use super::scan::Pages;
use crate::error::Error;
use crate::item::StoredItem;
use crate::request::{self, Operation, Wanted};
use crate::seal::{KeyId, head_of, may_encrypt};
use crate::session::DataKeyOutcome;
use crate::table::config::TableConfig;

impl Inner {
    pub(crate) async fn delete_data_key(&self, id: &str) -> Result<DataKeyOutcome, Error> {
        let Some(id) = KeyId::new(id) else {
            return Ok(DataKeyOutcome::Absent);
        };
        if self.stored_data_key(id).await?.is_none() {
            return Ok(DataKeyOutcome::Absent);
        }
        // By the time of the service, which the answer has brought.
        if may_encrypt(id, self.clock.now()) {
            return Ok(DataKeyOutcome::Encrypts);
        }
        let sessions = self.sessions_that_need(id).await?;
        if sessions > 0 {
            return Ok(DataKeyOutcome::Needed { sessions });
        }
        let secret = self.stored_user_secret().await?;
        if secret.and_then(|envelope| head_of(&envelope)?.key) == Some(id) {
            return Ok(DataKeyOutcome::SealsUserSecret);
        }
        let expiry_attributes = self.expiry_attributes();
        let key = self.key_of_data_key(id);
        let body = request::delete_data_key(self.names(&expiry_attributes), &key);
        self.call_patiently(Operation::DeleteItem, body).await?;
        Ok(DataKeyOutcome::Deleted)
    }

    /// How many live sessions, or their expiry units, are sealed with this key.
    async fn sessions_that_need(&self, id: KeyId) -> Result<u64, Error> {
        let TableConfig {
            partition_key,
            layout,
            ..
        } = &self.table;
        let mut sessions = 0;
        let mut pages = Pages::new(self, Wanted::Sealed);
        loop {
            let expiry_attributes = self.expiry_attributes();
            let page = pages.next(|item| {
                let stored: StoredItem<IgnoredAny> =
                    item.read(partition_key, &expiry_attributes, *layout)?;
                Ok(stored.sealing_keys().contains(&Some(id)))
            });
            let Some(page) = page.await? else {
                return Ok(sessions);
            };
            sessions += page.items.into_iter().filter(|needs| *needs).count() as u64;
        }
    }
}
