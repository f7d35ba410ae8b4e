//! The keys of users' items, and the labels in them.
//!
//! A key is the prefix and a hash of the user's id. Where the store encrypts, the hash needs the secret of
//! [`user_secret`](super::user_secret), so that nobody who has the table can look for the users that they can guess.

use std::iter;
use std::sync::Arc;

use super::Inner;
use super::save::undecodable;
use crate::error::{Error, ErrorKind};
use crate::item::{ItemError, ItemErrorKind};
use crate::remedy::Remedy;
use crate::request::Operation;
use crate::seal::{ItemOfUsers, SealError, UserSecret, plain_hash_of};
use crate::session::UserKey;

/// The keys of the items in which a user's sessions are registered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UserKeys {
    /// Where new sign-ins are registered.
    pub(super) first: UserKey,
    /// Where other settings may have registered them.
    pub(super) other: Option<UserKey>,
}

impl UserKeys {
    pub(super) fn iter(&self) -> impl Iterator<Item = UserKey> {
        iter::once(self.first).chain(self.other)
    }
}

impl Inner {
    /// The keys of this user's items. The first call of a store that encrypts makes the secret, if there is none.
    pub(super) async fn user_keys(&self, user: &str) -> Result<UserKeys, Error> {
        let plain = UserKey(plain_hash_of(user));
        let secret = match &self.sealing.keys {
            Some(_) => self.user_secret().await?,
            None => None,
        };
        let keyed = secret.map(|secret| UserKey(secret.hash_of(user)));
        Ok(match keyed {
            Some(first) if self.sealing.encrypts() => UserKeys {
                first,
                other: Some(plain),
            },
            other => UserKeys {
                first: plain,
                other,
            },
        })
    }

    /// A label for the session with this reference in this item, in an envelope. `None` where the store does not
    /// encrypt: the label is stored as it is.
    ///
    /// The key of the envelope is derived from the secret, so a change of the encryption keys leaves it as it is.
    pub(super) async fn sealed_label(
        &self,
        item_key: &str,
        reference: &str,
        label: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        if !self.sealing.encrypts() {
            return Ok(None);
        }
        let secret = self.secret_of_labels().await?;
        let (pad, item) = (self.sealing.pad, self.item_of_users(item_key));
        Ok(Some(secret.seal_label(label, reference, pad, item)))
    }

    /// The reverse of [`sealed_label`](Self::sealed_label).
    pub(super) async fn opened_label(
        &self,
        item_key: &str,
        reference: &str,
        envelope: &[u8],
    ) -> Result<String, Error> {
        if self.sealing.keys.is_none() {
            let message =
                "the label of a session is encrypted, and the store has no key: set `encryption`";
            let error = ItemError::new(ItemErrorKind::UnknownKey, message);
            return Err(undecodable(&error).on(Operation::GetItem, &self.table.name));
        }
        let secret = self.secret_of_labels().await?;
        let opened = secret.open_label(envelope, reference, self.item_of_users(item_key));
        opened.map_err(|error| {
            let (kind, message) = match error {
                SealError::Version(_) => (
                    ErrorKind::Decode,
                    "a later version of the package sealed the label of a session",
                ),
                SealError::UnknownKey(_) | SealError::Damaged => (
                    ErrorKind::Decryption,
                    "the label of a session cannot be opened: it was changed or moved in the table, or sealed with \
                     another secret for users' keys",
                ),
            };
            Error::new(kind, message).on(Operation::GetItem, &self.table.name)
        })
    }

    async fn secret_of_labels(&self) -> Result<Arc<UserSecret>, Error> {
        let secret = self.user_secret().await?;
        secret.ok_or_else(|| {
            let message =
                "the label of a session cannot be opened: the table has no secret for users' keys";
            Error::new(ErrorKind::Decryption, message)
                .with_remedy(Remedy::RestoreUserSecret)
                .on(Operation::GetItem, &self.table.name)
        })
    }

    pub(super) fn item_of_users<'a>(&'a self, key: &'a str) -> ItemOfUsers<'a> {
        ItemOfUsers {
            context: &self.sealing.context,
            key,
        }
    }
}

#[cfg(test)]
mod tests;
