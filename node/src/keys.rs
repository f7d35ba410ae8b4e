//! Encryption keys: as a list in the options, from a provider written in JavaScript, or wrapped by KMS.

#![deny(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use dynamodb_session::Error;
use dynamodb_session::options::{EncryptionKey, EncryptionOptions, KeyProvider, ProviderError};
use napi_derive::napi;
use tokio::sync::oneshot;

use crate::completion::{Mailbox, Post};
use crate::host::Reply;

/// How sessions are encrypted.
#[napi(object, object_to_js = false)]
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Encryption {
    /// The keys: the first one encrypts, each decrypts.
    pub keys: Option<Vec<GivenKey>>,
    /// The number of a provider of keys in JavaScript.
    pub provider: Option<u32>,
    /// KMS keys: the first one wraps data keys, each unwraps them.
    pub kms: Option<Vec<String>>,
    /// `read`, `on` or `only`. Default `on`.
    pub mode: Option<String>,
    /// What the keys are bound to. Default: the prefix.
    pub context: Option<String>,
    /// The length of encrypted data is rounded up to a multiple of this, in bytes. Default 0.
    pub pad: Option<u32>,
}

/// An encryption key.
#[napi(object, object_to_js = false)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GivenKey {
    /// One to four characters.
    pub id: String,
    /// 32 bytes in base64.
    pub key: String,
}

/// Takes the answer of a provider of keys.
pub(crate) type KeysReply = oneshot::Sender<Result<Vec<EncryptionKey>, ProviderError>>;

impl Encryption {
    pub(crate) fn options(&self, mailbox: &Arc<Mailbox>) -> Result<EncryptionOptions, Error> {
        let mut options = match (self.provider, self.kms.as_deref()) {
            (Some(id), _) => EncryptionOptions::from_provider(Provider {
                id,
                mailbox: Arc::clone(mailbox),
            }),
            (None, Some([key, older @ ..])) => {
                EncryptionOptions::from_kms(key).older_kms_keys(older)
            }
            _ => EncryptionOptions::new(parsed(self.keys.as_deref().unwrap_or_default())?),
        };
        if let Some(mode) = &self.mode {
            options = options.mode(mode.parse()?);
        }
        if let Some(context) = &self.context {
            options = options.context(context);
        }
        Ok(options.pad(self.pad.unwrap_or_default() as usize))
    }
}

pub(crate) fn parsed(keys: &[GivenKey]) -> Result<Vec<EncryptionKey>, Error> {
    keys.iter()
        .map(|key| EncryptionKey::from_base64(&key.id, &key.key))
        .collect()
}

/// A provider in JavaScript, which is called on the thread of its Node environment.
struct Provider {
    id: u32,
    mailbox: Arc<Mailbox>,
}

impl KeyProvider for Provider {
    fn keys(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<EncryptionKey>, ProviderError>> + Send + '_>> {
        Box::pin(async {
            let (reply, answer) = oneshot::channel();
            self.mailbox.post(Post::Ask {
                provider: self.id,
                reply: Reply::Keys(reply),
            });
            let ended = "the thread that the provider of keys belongs to has ended";
            answer.await.unwrap_or_else(|_| Err(ended.into()))
        })
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
