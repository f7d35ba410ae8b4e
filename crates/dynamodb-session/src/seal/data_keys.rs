//! Data keys: keys that are made, and then found one by one. Which of them encrypts, and how long each may be used.
//!
//! This file asks no service: see [`Asking::data_key`].

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex as AsyncMutex;

use super::key::{EncryptionKey, KeyId};
use super::ring::KeyRing;
use super::source::Asking;
use crate::error::{Error, ErrorKind};
use crate::remedy::Remedy;

/// How long one data key encrypts. The periods count from the Unix epoch, so that all processes agree without asking.
const PERIOD: Duration = Duration::from_hours(30 * 24);

/// How old the key that encrypts may be before it is unwrapped again, and its last use once that is refused.
const RENEWAL: Duration = Duration::from_hours(1);

/// The longest use of a key that cannot be unwrapped again, because nobody answers.
const OUTAGE: Duration = Duration::from_hours(24);

/// How long calls go on with the key that encrypts while another call renews it.
const GRACE: Duration = Duration::from_mins(1);

/// How often a key is asked for at most that cannot be had: without it calls go on, or fail.
const PAUSE: Duration = Duration::from_secs(10);
const SHORT_PAUSE: Duration = Duration::from_secs(1);

/// A data key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WrappedKey {
    /// The key, encrypted by KMS.
    pub(crate) bytes: Vec<u8>,
    /// The ARN of the KMS key that wrapped it. It is for people: see `docs/design/client.md`.
    pub(crate) arn: String,
}

/// A data key that can be used.
#[derive(Clone)]
pub(crate) struct DataKey {
    pub(crate) key: EncryptionKey,
    pub(crate) wrapped: WrappedKey,
}

/// What to do about a data key that is not stored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum IfAbsent<'a> {
    Leave,
    Make,
    /// It was stored before: the table has been made anew, or somebody has deleted it.
    Restore(&'a WrappedKey),
}

/// The data keys of a store, as far as they are known by now.
pub(crate) struct DataKeys {
    /// Whether the store encrypts. Otherwise it makes no keys, and asks only for those that sessions name.
    encrypts: bool,
    known: Mutex<Known>,
    /// Held while a key is asked for, so that one is asked for at a time.
    asking: AsyncMutex<()>,
}

#[derive(Default)]
struct Known {
    /// The first one encrypts. It is never removed: without it, what is to be encrypted would be written as it is.
    keys: Vec<Held>,
    ring: KeyRing,
    /// Why the key that encrypts could not be had the last time.
    failure: Option<Failure>,
    /// The keys that sessions named, and that could not be had a moment ago.
    missing: Vec<Missing>,
}

struct Held {
    data_key: DataKey,
    /// When it was unwrapped, by the monotonic clock.
    came: Duration,
}

struct Failure {
    at: Duration,
    error: Error,
}

struct Missing {
    id: KeyId,
    until: Duration,
    /// `None`: it is not stored.
    error: Option<Error>,
}

/// The name of the key that encrypts at this time: the number of its period, in base 36. Without an allocation, because
/// every call compares it.
fn id_at(time: SystemTime) -> KeyId {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // The last one begins in the year 139 000.
    const LAST: u64 = 36_u64.pow(4) - 1;
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut rest = (since_epoch.as_secs() / PERIOD.as_secs()).min(LAST);
    let count = 1 + (1..4).filter(|&digits| 36_u64.pow(digits) <= rest).count();
    let mut id = [0; KeyId::BYTES];
    for place in id[..count].iter_mut().rev() {
        *place = DIGITS[(rest % 36) as usize];
        rest /= 36;
    }
    KeyId(id)
}

/// Whether a process may encrypt with this key: it is that of this time or of a later one, or was it so short a time ago
/// that a process without an answer of KMS goes on with it.
pub(crate) fn may_encrypt(id: KeyId, now: SystemTime) -> bool {
    let earliest = now.checked_sub(OUTAGE + RENEWAL).unwrap_or(UNIX_EPOCH);
    // Names of fewer digits are of earlier periods. No store makes other names than those of periods.
    let rank = |id: KeyId| (id.to_string().len(), id);
    rank(id) >= rank(id_at(earliest))
}

impl DataKeys {
    pub(crate) fn new(encrypts: bool) -> Self {
        Self {
            encrypts,
            known: Mutex::default(),
            asking: AsyncMutex::default(),
        }
    }

    pub(super) fn ring(&self) -> KeyRing {
        self.with_known(|known| known.ring.clone())
    }

    /// Whether the key that encrypts now has to be asked for. The error of the last time if it may not be used, and that
    /// was a moment ago.
    pub(super) fn is_due(&self, asking: &impl Asking) -> Result<bool, Error> {
        let now = asking.now();
        self.with_known(|known| {
            known.forget_old(now, self.encrypts);
            if self.encrypts {
                known.is_due(id_at(asking.time()), now)
            } else {
                Ok(false)
            }
        })
    }

    pub(super) async fn renew(&self, asking: &impl Asking) -> Result<(), Error> {
        let _asking = if self.with_known(|known| known.is_usable(asking.now())) {
            // Another call is asking already. Until it has an answer, the older key will do.
            let Ok(guard) = self.asking.try_lock() else {
                return Ok(());
            };
            guard
        } else {
            self.asking.lock().await
        };
        // While this call waited, another one may have asked.
        if !self.is_due(asking)? {
            return Ok(());
        }
        let id = id_at(asking.time());
        let stored = self.with_known(|known| known.wrapped(id));
        let if_absent = stored.as_ref().map_or(IfAbsent::Make, IfAbsent::Restore);
        let result = ask(id, if_absent, asking).await;
        let result = result.and_then(|key| key.ok_or_else(|| not_stored(id)));
        let now = asking.now();
        let failed = self.with_known(|known| match result {
            Ok(key) => {
                known.take(key, now, true);
                known.failure = None;
                None
            }
            Err(error) => {
                let failure = Failure {
                    at: now,
                    error: error.clone(),
                };
                known.failure = Some(failure);
                Some((error, known.is_usable(now)))
            }
        });
        match failed {
            None => Ok(()),
            Some((_, true)) => {
                asking.report_failure();
                Ok(())
            }
            Some((error, false)) => Err(error),
        }
    }

    /// Asks for a key that a session names, if that was not done a moment ago.
    pub(super) async fn look_for(&self, id: KeyId, asking: &impl Asking) -> Result<(), Error> {
        // Keys of other sources can have other names.
        if KeyId::new(&id.to_string()) != Some(id) {
            return Ok(());
        }
        let _asking = self.asking.lock().await;
        let now = asking.now();
        let settled = self.with_known(|known| {
            known.missing.retain(|missing| now < missing.until);
            let missing = known.missing.iter().find(|missing| missing.id == id);
            match missing {
                Some(missing) => Some(missing.error.clone()),
                None => known.ring.find(id).map(|_| None),
            }
        });
        if let Some(failure) = settled {
            return failure.map_or(Ok(()), Err);
        }
        let result = ask(id, IfAbsent::Leave, asking).await;
        let now = asking.now();
        self.with_known(|known| match result {
            Ok(Some(key)) => {
                known.take(key, now, false);
                Ok(())
            }
            Ok(None) => {
                known.miss(id, now + PAUSE, None);
                Ok(())
            }
            Err(error) => {
                known.miss(id, now + SHORT_PAUSE, Some(error.clone()));
                Err(error)
            }
        })
    }

    fn with_known<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
        f(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn is_due(&self, id: KeyId, now: Duration) -> Result<bool, Error> {
        let is_fresh = |held: &Held| held.id() == id && now < held.came + RENEWAL;
        if self.keys.first().is_some_and(is_fresh) {
            return Ok(false);
        }
        let is_usable = self.is_usable(now);
        let pause = if is_usable { PAUSE } else { SHORT_PAUSE };
        match &self.failure {
            Some(failure) if now < failure.at + pause => {
                if is_usable {
                    Ok(false)
                } else {
                    Err(failure.error.clone())
                }
            }
            _ => Ok(true),
        }
    }

    /// Whether calls can go on with the key that encrypted before, although it is due to be renewed.
    fn is_usable(&self, now: Duration) -> bool {
        let limit = match &self.failure {
            None => RENEWAL + GRACE,
            Some(failure) if is_outage(&failure.error) => OUTAGE,
            Some(_) => RENEWAL,
        };
        let first = self.keys.first();
        first.is_some_and(|held| now < held.came + limit)
    }

    fn wrapped(&self, id: KeyId) -> Option<WrappedKey> {
        let held = self.keys.iter().find(|held| held.id() == id)?;
        Some(held.data_key.wrapped.clone())
    }

    /// Removes keys that were unwrapped too long ago. They are asked for again if a session names them.
    fn forget_old(&mut self, now: Duration, encrypts: bool) {
        let mut stays = encrypts;
        let count = self.keys.len();
        self.keys
            .retain(|held| std::mem::take(&mut stays) || now < held.came + OUTAGE);
        if self.keys.len() < count {
            self.arrange();
        }
    }

    fn take(&mut self, data_key: DataKey, came: Duration, encrypts: bool) {
        let held = Held { data_key, came };
        let id = held.id();
        self.keys.retain(|other| other.id() != id);
        self.missing.retain(|missing| missing.id != id);
        let at = if encrypts { 0 } else { self.keys.len() };
        self.keys.insert(at, held);
        self.arrange();
    }

    fn miss(&mut self, id: KeyId, until: Duration, error: Option<Error>) {
        self.missing.push(Missing { id, until, error });
    }

    fn arrange(&mut self) {
        let keys = self.keys.iter();
        self.ring = keys.map(|held| held.data_key.key.clone()).collect();
    }
}

impl Held {
    fn id(&self) -> KeyId {
        self.data_key.key.id
    }
}

async fn ask(
    id: KeyId,
    if_absent: IfAbsent<'_>,
    asking: &impl Asking,
) -> Result<Option<DataKey>, Error> {
    let answer = asking.in_time(asking.data_key(id, if_absent)).await;
    answer.unwrap_or_else(|| {
        let message = format!("the data key {id} did not come in time from KMS and the table");
        Err(Error::new(ErrorKind::Timeout, message))
    })
}

fn not_stored(id: KeyId) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("the data key {id} was not stored"),
    )
}

/// Whether an error says nothing about who may use the key: nobody answered, or something else than KMS did.
pub(crate) fn is_outage(error: &Error) -> bool {
    error.is_retryable()
        || error.status().is_some_and(|status| status >= 500)
        || error.remedy() == Some(Remedy::CheckEndpoint)
}

// What is wrapped need not be shown, and the key must not be.
impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedKey")
            .field("arn", &self.arn)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKeys")
            .field("ring", &self.ring())
            .finish_non_exhaustive()
    }
}
