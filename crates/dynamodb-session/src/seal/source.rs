//! Where keys come from, and when they are asked for again.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex as AsyncMutex;

use super::data_keys::{DataKey, DataKeys, IfAbsent};
use super::key::{EncryptionKey, KeyId, SETTING};
use super::ring::KeyRing;
use crate::error::{Error, ErrorKind};

/// Why a provider has no keys. Its text is not shown, because it could hold a secret.
pub type ProviderError = Box<dyn StdError + Send + Sync>;

/// Where keys come from that are not known when the store is built: a file, or a service for secrets.
///
/// It is asked before the first session is read or written, then every five minutes, and when a session names a key that
/// is not known; for that at most every ten seconds. While it fails, the keys that it returned before stay in use.
pub trait KeyProvider: fmt::Debug + Send + Sync + 'static {
    /// The keys: the first one encrypts, each decrypts.
    fn keys(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<EncryptionKey>, ProviderError>> + Send + '_>>;
}

/// How old keys can be before the provider is asked again.
const MOST_AGE: Duration = Duration::from_mins(5);

/// How often the provider is asked at most, where it failed or a key is not known.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub(crate) enum KeySource {
    List(KeyRing),
    Provider(Arc<dyn KeyProvider>),
    DataKeys(Arc<DataKeys>),
}

/// The keys of a store, and what is known of them by now.
pub(crate) struct Keys {
    source: KeySource,
    known: Mutex<Known>,
    /// Held while the provider is asked, so that it is asked once at a time.
    asking: AsyncMutex<()>,
}

#[derive(Default)]
struct Known {
    ring: KeyRing,
    /// When the keys came, by the monotonic clock.
    came: Option<Duration>,
    /// When the provider was asked last, whatever came of it.
    asked: Option<Duration>,
    /// How often it was asked.
    times_asked: u64,
    /// What came of it, if it failed.
    failure: Option<Error>,
}

/// What asking for keys takes, and what time it is.
pub(crate) trait Asking: Sync {
    /// By the monotonic clock.
    fn now(&self) -> Duration;

    fn time(&self) -> SystemTime;

    /// The data key with this name, unwrapped; `None` if none is stored.
    fn data_key(
        &self,
        id: KeyId,
        if_absent: IfAbsent<'_>,
    ) -> impl Future<Output = Result<Option<DataKey>, Error>> + Send;

    /// `None` if the future did not end in time.
    fn in_time<F: Future + Send>(
        &self,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send
    where
        F::Output: Send;

    /// Keys could not be had, and older ones stay in use.
    fn report_failure(&self);
}

impl Keys {
    pub(crate) fn new(source: KeySource) -> Self {
        let ring = match &source {
            KeySource::List(ring) => ring.clone(),
            KeySource::Provider(_) | KeySource::DataKeys(_) => KeyRing::default(),
        };
        Self {
            source,
            known: Mutex::new(Known {
                ring,
                ..Known::default()
            }),
            asking: AsyncMutex::default(),
        }
    }

    /// Whether no others can come.
    pub(crate) fn are_fixed(&self) -> bool {
        matches!(self.source, KeySource::List(_))
    }

    /// The keys known by now.
    pub(crate) fn ring(&self) -> KeyRing {
        if let KeySource::DataKeys(keys) = &self.source {
            return keys.ring();
        }
        self.with_known(|known| known.ring.clone())
    }

    /// Makes sure that there are keys, and that they are not too old.
    pub(crate) async fn ready(&self, asking: &impl Asking) -> Result<(), Error> {
        // It is rare, and would make the future of every call larger.
        let renewal: Pin<Box<dyn Future<Output = Result<(), Error>> + Send + '_>> =
            match &self.source {
                KeySource::DataKeys(keys) if keys.is_due(asking)? => Box::pin(keys.renew(asking)),
                KeySource::Provider(provider) if !self.is_fresh(asking) => {
                    Box::pin(self.renew(&**provider, asking))
                }
                _ => return Ok(()),
            };
        renewal.await
    }

    async fn renew(&self, provider: &dyn KeyProvider, asking: &impl Asking) -> Result<(), Error> {
        let has_keys = self.ring().first().is_some();
        let _asking = if has_keys {
            // Another call is asking already. Until it has an answer, the older keys will do.
            let Ok(guard) = self.asking.try_lock() else {
                return Ok(());
            };
            guard
        } else {
            let before = self.with_known(|known| known.times_asked);
            let guard = self.asking.lock().await;
            // While this call waited, another one has asked for both.
            let failure = self.with_known(|known| {
                let is_of_other = known.times_asked > before;
                known.failure.clone().filter(|_| is_of_other)
            });
            if let Some(failure) = failure {
                return Err(failure);
            }
            guard
        };
        if self.is_fresh(asking) {
            return Ok(());
        }
        match self.ask(provider, asking).await {
            Err(_) if has_keys => asking.report_failure(),
            result => result?,
        }
        Ok(())
    }

    /// Asks for a key that is not known, if it was not asked a moment ago.
    pub(crate) async fn look_for(&self, id: KeyId, asking: &impl Asking) -> Result<(), Error> {
        let provider = match &self.source {
            KeySource::List(_) => return Ok(()),
            KeySource::DataKeys(keys) => return keys.look_for(id, asking).await,
            KeySource::Provider(provider) => provider,
        };
        let _asking = self.asking.lock().await;
        let is_settled = self.with_known(|known| {
            known.ring.find(id).is_some() || known.was_just_asked(asking.now())
        });
        if is_settled {
            return Ok(());
        }
        self.ask(&**provider, asking).await
    }

    async fn ask(&self, provider: &dyn KeyProvider, asking: &impl Asking) -> Result<(), Error> {
        let result = Self::keys_of(provider, asking).await;
        let now = asking.now();
        self.with_known(|known| {
            known.asked = Some(now);
            known.times_asked += 1;
            known.failure = result.as_ref().err().cloned();
            if let Ok(ring) = &result {
                (known.ring, known.came) = (ring.clone(), Some(now));
            }
        });
        result.map(|_| ())
    }

    async fn keys_of(provider: &dyn KeyProvider, asking: &impl Asking) -> Result<KeyRing, Error> {
        let answer = asking.in_time(provider.keys()).await;
        let failed =
            |message: &str| Error::new(ErrorKind::KeyProvider, message).with_setting(SETTING);
        let keys = answer
            .ok_or_else(|| failed("the provider of encryption keys did not answer in time"))?
            .map_err(|_| failed("the provider of encryption keys failed"))?;
        KeyRing::new(keys).map_err(|error| failed(error.message()))
    }

    fn is_fresh(&self, asking: &impl Asking) -> bool {
        self.with_known(|known| known.is_fresh(asking.now()))
    }

    fn with_known<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
        f(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    /// Whether the provider need not be asked: its keys are new, or it failed a moment ago and older ones are there.
    fn is_fresh(&self, now: Duration) -> bool {
        let is_new = self.came.is_some_and(|came| now < came + MOST_AGE);
        is_new || (self.came.is_some() && self.was_just_asked(now))
    }

    fn was_just_asked(&self, now: Duration) -> bool {
        self.asked.is_some_and(|asked| now < asked + PAUSE)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
