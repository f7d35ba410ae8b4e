//! Data keys: KMS makes and unwraps them, and the table keeps them wrapped, an item for each.

use super::Inner;
use super::sealing::kind_of;
use crate::client::kms::Kms;
use crate::error::{Error, ErrorKind};
use crate::item::read_data_key;
use crate::remedy::Remedy;
use crate::request::{self, Operation};
use crate::seal::{DataKey, EncryptionKey, IfAbsent, KeyId, WrappedKey};

/// What the keys of these items begin with, after the store's prefix.
pub(crate) const DATA_KEY: &str = "k2.";

/// The names in the encryption context. Policies of KMS keys can have conditions on them.
const CONTEXT: &str = "dynamodb-session:context";
const KEY: &str = "dynamodb-session:key";

/// KMS, as a store of data keys needs it.
#[derive(Debug)]
pub(crate) struct Wrapping {
    pub(crate) kms: Kms,
    /// The KMS key that wraps new data keys.
    pub(crate) key: String,
    /// Others that wrapped data keys before.
    pub(crate) older: Vec<String>,
}

impl Inner {
    /// The data key with this name, unwrapped. Only the KMS keys in the settings unwrap it.
    ///
    /// Who loses the race to store a new data key takes that of the winner.
    pub(super) async fn unwrapped_data_key(
        &self,
        id: KeyId,
        if_absent: IfAbsent<'_>,
    ) -> Result<Option<DataKey>, Error> {
        let Some(wrapping) = &self.wrapping else {
            return Ok(None);
        };
        let stored = match (self.stored_data_key(id).await?, if_absent) {
            (Some(stored), _) => stored,
            (None, IfAbsent::Leave) => return Ok(None),
            (None, IfAbsent::Restore(wrapped)) => self.store_data_key(id, wrapped).await?,
            (None, IfAbsent::Make) => {
                let name = id.to_string();
                let made = wrapping
                    .kms
                    .generate_data_key(&wrapping.key, &self.encryption_context(&name))
                    .await?;
                let wrapped = WrappedKey {
                    bytes: made.wrapped,
                    arn: made.key_arn,
                };
                let stored = self.store_data_key(id, &wrapped).await?;
                if stored == wrapped {
                    let key = EncryptionKey::new(&name, &made.plaintext)?;
                    return Ok(Some(DataKey { key, wrapped }));
                }
                stored
            }
        };
        let key = self.unwrap(wrapping, id, &stored).await?;
        Ok(Some(DataKey {
            key,
            wrapped: stored,
        }))
    }

    async fn unwrap(
        &self,
        wrapping: &Wrapping,
        id: KeyId,
        wrapped: &WrappedKey,
    ) -> Result<EncryptionKey, Error> {
        let name = id.to_string();
        let context = self.encryption_context(&name);
        let decrypt = |key| wrapping.kms.decrypt(key, &wrapped.bytes, &context);
        let mut result = decrypt(&wrapping.key).await;
        for key in &wrapping.older {
            // Whatever else is wrong, another key does not mend.
            match &result {
                Err(error) if error.remedy() == Some(Remedy::NameWrappingKey) => {
                    result = decrypt(key).await;
                }
                _ => break,
            }
        }
        EncryptionKey::new(&name, &result?)
    }

    /// An empty value could not be told from a missing one in every tool of AWS, so it is left out.
    fn encryption_context<'a>(&'a self, id: &'a str) -> Vec<(&'static str, &'a str)> {
        let pairs = [(CONTEXT, &*self.sealing.context), (KEY, id)];
        let pairs = pairs.into_iter();
        pairs.filter(|(_, value)| !value.is_empty()).collect()
    }

    pub(super) async fn stored_data_key(&self, id: KeyId) -> Result<Option<WrappedKey>, Error> {
        let key = self.key_of_data_key(id);
        let item = self.read_item(self.client.start(), &key).await?;
        self.data_key_in(&item, Operation::GetItem)
    }

    /// Stores a data key where there is none, and returns the one that is stored then.
    async fn store_data_key(&self, id: KeyId, wrapped: &WrappedKey) -> Result<WrappedKey, Error> {
        let key = self.key_of_data_key(id);
        let expiry_attributes = self.expiry_attributes();
        let body = request::put_data_key(self.names(&expiry_attributes), &key, wrapped);
        let answer = self.call(Operation::PutItem, body).await?;
        if !answer.condition_failed {
            return Ok(wrapped.clone());
        }
        // Engines need not show the item that is there.
        let shown = self.data_key_in(&answer.body, Operation::PutItem)?;
        let stored = match shown {
            None => self.stored_data_key(id).await?,
            shown => shown,
        };
        stored.ok_or_else(|| {
            let message = format!("the item of the data key {id} was deleted as it was stored");
            Error::new(ErrorKind::Timeout, message).on(Operation::PutItem, &self.table.name)
        })
    }

    fn data_key_in(
        &self,
        answer: &[u8],
        operation: Operation,
    ) -> Result<Option<WrappedKey>, Error> {
        read_data_key(answer).map_err(|error| {
            Error::new(kind_of(&error), error.to_string())
                .with_remedy(Remedy::CheckWrappedKey)
                .on(operation, &self.table.name)
        })
    }

    pub(super) fn key_of_data_key(&self, id: KeyId) -> String {
        format!("{}{DATA_KEY}{id}", self.table.prefix)
    }
}
