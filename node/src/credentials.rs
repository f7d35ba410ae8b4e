//! Credentials from a provider written in JavaScript.

#![deny(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, error::CredentialsError, future};
use tokio::sync::oneshot;

use crate::completion::{Mailbox, Post};
use crate::host::Reply;

/// Takes the provider's answer.
pub(crate) type CredentialsReply = oneshot::Sender<Result<Credentials, String>>;

/// A provider in JavaScript, which is called on the thread of its Node environment.
pub(crate) struct Provider {
    id: u32,
    mailbox: Arc<Mailbox>,
}

impl Provider {
    pub(crate) fn new(id: u32, mailbox: Arc<Mailbox>) -> Self {
        Self { id, mailbox }
    }

    async fn ask(&self) -> provider::Result {
        let (reply, answer) = oneshot::channel();
        self.mailbox.post(Post::Ask {
            provider: self.id,
            reply: Reply::Credentials(reply),
        });
        // JavaScript limits how long a provider may take. So an answer comes, unless the environment ends.
        match answer.await {
            Ok(Ok(credentials)) => Ok(credentials),
            Ok(Err(message)) => Err(CredentialsError::provider_error(message)),
            Err(_) => Err(CredentialsError::provider_error(
                "the thread the credentials provider belongs to has ended",
            )),
        }
    }
}

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.ask())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Credentials from JavaScript, where the expiry is in epoch milliseconds.
pub(crate) fn credentials(
    key: String,
    secret: String,
    token: Option<String>,
    expires_ms: Option<f64>,
) -> Credentials {
    Credentials::new(
        key,
        secret,
        token,
        expires_ms.map(from_epoch_ms),
        "dynamoConfig",
    )
}

/// The time of epoch milliseconds from JavaScript. NaN and times before 1970 become 1970.
pub(crate) fn from_epoch_ms(ms: f64) -> SystemTime {
    // In the year 5138. An expiry with more digits is read as one in milliseconds, which some packages wrote.
    const LATEST_SECS: f64 = 99_999_999_999.0;
    let seconds = if ms.is_nan() {
        0.0
    } else {
        (ms / 1000.0).clamp(0.0, LATEST_SECS)
    };
    UNIX_EPOCH + Duration::from_secs_f64(seconds)
}
