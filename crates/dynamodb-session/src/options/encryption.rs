//! The settings of encryption.

use std::str::FromStr;
use std::sync::Arc;

use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::seal::KeySource;
pub use crate::seal::{EncryptionKey, EncryptionMode, KeyProvider, ProviderError};

/// How sessions are encrypted. See `docs/at-rest.md`.
///
/// Who reads the table then learns the ids and the expiry of sessions, and nothing of their data. Who writes to it can
/// delete sessions and put older states back, and cannot change one.
#[must_use]
#[derive(Debug, Clone)]
pub struct EncryptionOptions {
    pub(crate) keys: Given,
    pub(crate) mode: EncryptionMode,
    pub(crate) context: Option<String>,
    pub(crate) pad: usize,
    pub(crate) older_kms_keys: Vec<String>,
}

/// Keys as they were given. A list is checked when the store is built.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    List(Vec<EncryptionKey>),
    Source(KeySource),
    /// A KMS key by its id, its alias, or the ARN of either.
    Kms(String),
}

impl EncryptionOptions {
    /// Encrypts with the first of these keys. Each of them decrypts: to change the key, put a new one before the old ones.
    pub fn new(keys: impl Into<Vec<EncryptionKey>>) -> Self {
        Self::with(Given::List(keys.into()))
    }

    /// The same with the keys of a provider.
    pub fn from_provider(provider: impl KeyProvider) -> Self {
        Self::with(Given::Source(KeySource::Provider(Arc::new(provider))))
    }

    /// The same with data keys that the store makes itself, a new one every 30 days. AWS KMS wraps each with this KMS key:
    /// its id, its alias (`alias/…`), or the ARN of either. Wrapped they are kept in the table, an item for each.
    ///
    /// Region, credentials and connections are set as for DynamoDB. `AWS_ENDPOINT_URL_KMS` is another URL of KMS. Also a
    /// store with a [transport](crate::Builder::transport) of its own asks KMS by these settings.
    ///
    /// Each process unwraps the data key in use once an hour, so a KMS key that is disabled, or denied to it, is in use for
    /// an hour at most. If KMS does not answer, known data keys stay in use for 24 hours after they were unwrapped last.
    /// With [`EncryptionMode::Read`], the store makes no data keys, and asks for those that sessions name.
    ///
    /// # Cost
    ///
    /// Once an hour and process, 1 `Decrypt` of KMS and 1 consistent `GetItem` of 1 read capacity unit. The same again for
    /// each other data key that sessions name, at most once a day. Every 30 days, 1 `GenerateDataKey` and 1 `PutItem` of
    /// 1 write capacity unit. No request for each session.
    pub fn from_kms(key: impl Into<String>) -> Self {
        Self::with(Given::Kms(key.into()))
    }

    /// Other KMS keys that wrapped data keys before. Default: none.
    ///
    /// It is for [`from_kms`](Self::from_kms) with an alias that has been pointed at another KMS key, or with another key
    /// than before. No other KMS key unwraps a data key: otherwise, who can write to the table could put one there that a
    /// KMS key of theirs has wrapped.
    pub fn older_kms_keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.older_kms_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    fn with(keys: Given) -> Self {
        Self {
            keys,
            mode: EncryptionMode::default(),
            context: None,
            pad: 0,
            older_kms_keys: Vec::new(),
        }
    }

    /// What the store does with sessions that are not encrypted, and whether it encrypts. Default:
    /// [`EncryptionMode::On`].
    pub fn mode(mut self, mode: EncryptionMode) -> Self {
        self.mode = mode;
        self
    }

    /// What the keys are bound to: sessions sealed in one context cannot be opened in another one. Default: the
    /// store's [`prefix`](crate::options::TableOptions::prefix). The table's name has no part in it, because a restored
    /// backup has another name.
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// The length of encrypted data is rounded up to a multiple of this, in bytes. Default: 0, lengths are kept.
    ///
    /// Lengths can tell what a session holds, those of compressed sessions more so.
    pub fn pad(mut self, bytes: usize) -> Self {
        self.pad = bytes;
        self
    }
}

impl FromStr for EncryptionMode {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::Config`] for any text but `read`, `on` and `only`.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "read" => Ok(Self::Read),
            "on" => Ok(Self::On),
            "only" => Ok(Self::Only),
            _ => Err(Error::invalid(
                "encryption",
                "mode must be read, on or only",
            )),
        }
    }
}
