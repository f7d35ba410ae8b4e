//! Sealed sessions: encrypted, compressed, or both.
//!
//! * [`envelope`] has the bytes of a sealed attribute, and what they are bound to.
//! * [`deflate`] compresses, and inflates up to a limit.
//! * [`key`] is one encryption key, [`ring`] all that a store knows, and [`source`] where they come from: among others,
//!   from KMS, as [`data_keys`].
//! * [`user_secret`] hides users in the keys of their items.
//!
//! This module knows neither items nor requests: `item::sealed` puts a session into envelopes, and takes it out again.

mod data_keys;
mod deflate;
mod envelope;
mod key;
mod ring;
mod source;
mod user_secret;

pub(crate) use data_keys::{DataKey, DataKeys, IfAbsent, WrappedKey, is_outage, may_encrypt};
pub(crate) use deflate::{MAX_INFLATED, compress};
pub(crate) use envelope::{Binding, Part, SealError, head_of, open, seal, size_of};
pub use key::EncryptionKey;
pub(crate) use key::KeyId;
pub(crate) use ring::KeyRing;
pub(crate) use source::{Asking, KeySource, Keys};
pub use source::{KeyProvider, ProviderError};
pub(crate) use user_secret::{ItemOfUsers, UserSecret, plain_hash_of};

/// How the data of an item are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Seal {
    /// As the layout has them.
    #[default]
    Plain,
    Compressed,
    /// Perhaps compressed as well.
    Encrypted,
}

/// What a store does with sessions whose data are not sealed as it seals them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncryptionMode {
    /// Opens sealed sessions, and writes plain ones: the first step of a roll-out, and the way back.
    Read,
    /// Reads plain sessions, and writes sealed ones.
    #[default]
    On,
    /// Refuses plain sessions, so that who can write to the table cannot put a session of theirs into it.
    Only,
}

/// How a store seals sessions, and which it accepts.
#[derive(Debug, Default)]
pub(crate) struct Sealing {
    /// `None`: the store does not encrypt, and cannot open what is encrypted.
    pub(crate) keys: Option<Keys>,
    pub(crate) mode: EncryptionMode,
    /// What keys are bound to beside the session's own key.
    pub(crate) context: String,
    /// The length of encrypted data is rounded up to a multiple of this.
    pub(crate) pad: usize,
    pub(crate) compress: bool,
}

impl Sealing {
    /// Whether each session that is written is encrypted.
    pub(crate) fn encrypts(&self) -> bool {
        self.keys.is_some() && self.mode != EncryptionMode::Read
    }

    pub(crate) fn refuses_plain(&self) -> bool {
        self.keys.is_some() && self.mode == EncryptionMode::Only
    }

    /// Whether a touch may leave the data as they are. Otherwise it writes them as a save would.
    pub(crate) fn keeps(&self, seal: Seal) -> bool {
        match seal {
            Seal::Encrypted => self.encrypts(),
            Seal::Plain => !self.encrypts(),
            Seal::Compressed => !self.encrypts() && self.compress,
        }
    }

    /// The keys known by now. Empty before [`Keys::ready`].
    pub(crate) fn ring(&self) -> KeyRing {
        self.keys.as_ref().map(Keys::ring).unwrap_or_default()
    }
}
