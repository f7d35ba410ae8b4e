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
}

/// Keys as they were given. A list is checked when the store is built.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    List(Vec<EncryptionKey>),
    Source(KeySource),
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

    fn with(keys: Given) -> Self {
        Self {
            keys,
            mode: EncryptionMode::default(),
            context: None,
            pad: 0,
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
