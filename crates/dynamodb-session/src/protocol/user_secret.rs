//! The secret for the keys of users' items: an item of the table has it, sealed. When it is made, and read again.
//!
//! All processes must have the same one, so it is settled by one conditional write, and it never changes. The encryption
//! keys do: [`reencrypt`](super::reencrypt) seals it with the first one.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Mutex as AsyncMutex;

use super::Inner;
use super::save::undecodable;
use super::scan::PATIENCE;
use super::sealing::kind_of;
use crate::error::{Error, ErrorKind};
use crate::item::attributes::USER_ITEM;
use crate::item::sealed::key_to_seal_with;
use crate::item::{ItemError, ItemErrorKind, read_user_secret};
use crate::remedy::Remedy;
use crate::request::{self, Operation};
use crate::seal::{KeyId, SealError, UserSecret, head_of, is_outage};

/// What follows [`USER_ITEM`] in the key of the item. No hash is so short.
const NAME: &str = "key";

/// How long the secret is used before it is read again: it could have been deleted, or the table made anew.
const MOST_AGE: Duration = Duration::from_hours(1);

/// How often it is read at most where that fails: without an older one calls fail, otherwise they go on.
const PAUSE: Duration = Duration::from_secs(10);
const SHORT_PAUSE: Duration = Duration::from_secs(1);

/// The secret, as far as it is known by now.
#[derive(Default)]
pub(crate) struct KnownSecret {
    known: Mutex<Known>,
    /// Held while the table is asked, so that it is asked once at a time.
    asking: AsyncMutex<()>,
}

#[derive(Default)]
struct Known {
    secret: Option<Arc<UserSecret>>,
    /// When it is read again, by the monotonic clock.
    due: Duration,
    /// Why it could not be had, and until when that is not tried again.
    failure: Option<(Error, Duration)>,
}

impl KnownSecret {
    /// The secret, if it need not be read again.
    fn fresh(&self, now: Duration) -> Option<Arc<UserSecret>> {
        self.with_known(|known| known.secret.clone().filter(|_| now < known.due))
    }

    fn known(&self) -> Option<Arc<UserSecret>> {
        self.with_known(|known| known.secret.clone())
    }

    fn hold(&self, secret: &Arc<UserSecret>, due: Duration) {
        self.with_known(|known| {
            *known = Known {
                secret: Some(Arc::clone(secret)),
                due,
                failure: None,
            };
        });
    }

    fn fail(&self, error: &Error, until: Duration) {
        self.with_known(|known| known.failure = Some((error.clone(), until)));
    }

    /// The error of the last time, if that was a moment ago.
    fn failure(&self, now: Duration) -> Option<Error> {
        self.with_known(|known| {
            let failure = known.failure.as_ref();
            failure.and_then(|(error, until)| (now < *until).then(|| error.clone()))
        })
    }

    fn with_known<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
        f(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    /// The secret. `None` if the table has none, and the store does not encrypt: then it makes none.
    pub(super) async fn user_secret(&self) -> Result<Option<Arc<UserSecret>>, Error> {
        let fresh = self.known_secret.fresh(self.clock.monotonic());
        if fresh.is_some() {
            return Ok(fresh);
        }
        // It is rare, and would make the future of every call larger.
        Box::pin(self.read_again()).await
    }

    async fn read_again(&self) -> Result<Option<Arc<UserSecret>>, Error> {
        let holder = &self.known_secret;
        let _asking = match holder.known() {
            // Another call is asking already. Until it has an answer, the secret that is known will do.
            known @ Some(_) => match holder.asking.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(known),
            },
            None => holder.asking.lock().await,
        };
        // While this call waited, another one may have asked.
        let now = self.clock.monotonic();
        let fresh = holder.fresh(now);
        if fresh.is_some() {
            return Ok(fresh);
        }
        if let Some(failure) = holder.failure(now) {
            return Err(failure);
        }
        let known = holder.known();
        let current = self.current_user_secret(known.as_ref()).await;
        let now = self.clock.monotonic();
        match (current, known) {
            (Ok(Some(secret)), _) => {
                holder.hold(&secret, now + MOST_AGE);
                Ok(Some(secret))
            }
            // The store makes no item. Those that do restore it.
            (Ok(None), Some(known)) => {
                holder.hold(&known, now + MOST_AGE);
                Ok(Some(known))
            }
            // Another process may make it at any time, so this is not remembered.
            (Ok(None), None) => Ok(None),
            (Err(error), Some(known)) if is_unanswered(&error) => {
                holder.hold(&known, now + PAUSE);
                Ok(Some(known))
            }
            (Err(error), _) => {
                holder.fail(&error, now + SHORT_PAUSE);
                Err(error)
            }
        }
    }

    /// The secret that the table has. If it has none, that which was known before is stored again, or a new one.
    async fn current_user_secret(
        &self,
        known: Option<&Arc<UserSecret>>,
    ) -> Result<Option<Arc<UserSecret>>, Error> {
        self.keys_ready(Operation::GetItem).await?;
        if let Some(stored) = self.stored_user_secret().await? {
            return self.opened_user_secret(&stored).await.map(Some);
        }
        let secret = known.map_or_else(|| Arc::new(UserSecret::generate()), Arc::clone);
        let Some(envelope) = self.sealed_user_secret(&secret)? else {
            return Ok(None);
        };
        if self.put_user_secret(&envelope, None).await? {
            return Ok(Some(secret));
        }
        // Another process was faster. Its secret counts.
        let Some(stored) = self.stored_user_secret().await? else {
            let message = "the item of the secret for users' keys was deleted as it was stored";
            let error = Error::new(ErrorKind::Timeout, message);
            return Err(error.on(Operation::PutItem, &self.table.name));
        };
        self.opened_user_secret(&stored).await.map(Some)
    }

    /// Seals the secret with the first key, if it is not, and returns the key that it is sealed with then.
    ///
    /// One that cannot be opened stays as it is, and still needs its key.
    pub(super) async fn reencrypt_user_secret(
        &self,
        is_dry_run: bool,
    ) -> Result<Option<KeyId>, Error> {
        let mut refused = 0;
        loop {
            match self.user_secret_with_first_key(is_dry_run).await {
                Err(error) if error.kind() == ErrorKind::Throttled && refused < PATIENCE => {
                    self.client.back_off(refused).await;
                    refused += 1;
                }
                result => return result,
            }
        }
    }

    async fn user_secret_with_first_key(&self, is_dry_run: bool) -> Result<Option<KeyId>, Error> {
        let mut sealed_with = None;
        for _ in 0..PATIENCE {
            let stored = match self.stored_user_secret().await {
                Err(error) if error.kind() == ErrorKind::Decryption => return Ok(None),
                stored => stored?,
            };
            let Some(stored) = stored else {
                return Ok(None);
            };
            sealed_with = head_of(&stored).and_then(|head| head.key);
            let first = self.key_to_seal_with();
            if is_dry_run || first.is_none() || sealed_with.is_none() || sealed_with == first {
                break;
            }
            let secret = match self.opened_user_secret(&stored).await {
                Err(error) if is_unanswered(&error) => return Err(error),
                Err(_) => break,
                Ok(secret) => secret,
            };
            let Some(envelope) = self.sealed_user_secret(&secret)? else {
                break;
            };
            if self.put_user_secret(&envelope, Some(&stored)).await? {
                return Ok(head_of(&envelope).and_then(|head| head.key));
            }
            // Another process has sealed it meanwhile, perhaps with this key.
        }
        Ok(sealed_with)
    }

    /// The envelope with the secret that the table has.
    pub(crate) async fn stored_user_secret(&self) -> Result<Option<Vec<u8>>, Error> {
        let key = self.key_of_user_secret();
        let answer = self.read_item(self.client.start(), &key).await?;
        read_user_secret(&answer).map_err(|error| {
            Error::new(kind_of(&error), error.to_string())
                .with_remedy(Remedy::RestoreUserSecret)
                .on(Operation::GetItem, &self.table.name)
        })
    }

    async fn opened_user_secret(&self, envelope: &[u8]) -> Result<Arc<UserSecret>, Error> {
        let key = head_of(envelope).and_then(|head| head.key);
        self.know_keys([key, None], Operation::GetItem).await?;
        let item_key = self.key_of_user_secret();
        let item = self.item_of_users(&item_key);
        let secret = UserSecret::open(envelope, &self.sealing.ring(), item)
            .map_err(|error| unopened(error).on(Operation::GetItem, &self.table.name))?;
        self.client.counts().add_sealed([key, None]);
        Ok(Arc::new(secret))
    }

    /// An envelope with the secret; `None` if the store does not encrypt.
    fn sealed_user_secret(&self, secret: &UserSecret) -> Result<Option<Vec<u8>>, Error> {
        let key = key_to_seal_with(&self.sealing)
            .map_err(|error| undecodable(&error).on(Operation::PutItem, &self.table.name))?;
        let Some(key) = key else {
            return Ok(None);
        };
        let item_key = self.key_of_user_secret();
        let envelope = secret.seal(&key, self.item_of_users(&item_key));
        self.client.counts().add_sealed([Some(key.key_id()), None]);
        Ok(Some(envelope))
    }

    /// Stores the envelope in place of another one, or where there is no item. Returns whether it is stored.
    async fn put_user_secret(
        &self,
        envelope: &[u8],
        replaced: Option<&[u8]>,
    ) -> Result<bool, Error> {
        let (envelope, replaced) = (
            STANDARD.encode(envelope),
            replaced.map(|bytes| STANDARD.encode(bytes)),
        );
        let expiry_attributes = self.expiry_attributes();
        let body = request::put_user_secret(
            self.names(&expiry_attributes),
            &self.key_of_user_secret(),
            &envelope,
            replaced.as_deref(),
        );
        let answer = self.call(Operation::PutItem, body).await?;
        Ok(!answer.condition_failed)
    }

    fn key_of_user_secret(&self) -> String {
        format!("{}{USER_ITEM}{NAME}", self.table.prefix)
    }
}

/// Whether an error says nothing about the secret and its key: nobody answered, or nobody had time.
fn is_unanswered(error: &Error) -> bool {
    is_outage(error) || error.kind() == ErrorKind::KeyProvider
}

fn unopened(error: SealError) -> Error {
    let error = match error {
        SealError::Version(version) => ItemError::new(
            ItemErrorKind::UnsupportedVersion(version),
            "a later version of the package sealed the secret for users' keys",
        ),
        SealError::UnknownKey(id) => ItemError::new(
            ItemErrorKind::UnknownKey,
            format!(
                "the secret for users' keys is sealed with the key {id}, which the store does not have"
            ),
        ),
        SealError::Damaged => ItemError::new(
            ItemErrorKind::Damaged,
            "the secret for users' keys cannot be opened: it was changed or moved in the table, or sealed with another \
             key of the same id, or in another context",
        ),
    };
    match error.kind {
        ItemErrorKind::Damaged => {
            Error::new(kind_of(&error), error.to_string()).with_remedy(Remedy::RestoreUserSecret)
        }
        _ => undecodable(&error),
    }
}

impl fmt::Debug for KnownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownSecret").finish_non_exhaustive()
    }
}
