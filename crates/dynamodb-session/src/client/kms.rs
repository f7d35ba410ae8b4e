//! What a store needs of KMS: data keys, and to unwrap them again.
//!
//! A data key is random. KMS gives it in plain and wrapped: encrypted under a key that never leaves KMS, together with an
//! encryption context, which must be the same when it is unwrapped. The context is no secret: the logs of AWS show it.
//!
//! The requests go the way of those to DynamoDB, by the same settings, over connections of their own. They are counted
//! apart, because they cost no capacity.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::config::ClientConfig;
use super::endpoint;
use super::https::HttpsTransport;
use super::retry::{Client, RetryPolicy};
use super::settings;
use crate::error::{Error, ErrorKind};
use crate::observe::Listener;
use crate::remedy::Remedy;
use crate::request::Operation;

/// A process makes a few requests an hour, so they seldom overlap.
const MAX_CONNECTIONS: usize = 4;

/// A client of KMS.
#[derive(Debug, Clone)]
pub(crate) struct Kms {
    client: Client,
    transport: Arc<HttpsTransport>,
    is_insecure: bool,
}

/// A new data key.
pub(crate) struct DataKey {
    pub(crate) plaintext: [u8; 32],
    /// The same, encrypted by KMS.
    pub(crate) wrapped: Vec<u8>,
    /// The ARN of the key of KMS that wrapped it. An alias can lead to another key later; this tells which one it was.
    /// Where it was kept, somebody may have changed it: never pass it to [`decrypt`](Kms::decrypt) from there.
    pub(crate) key_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GenerateDataKey<'a> {
    key_id: &'a str,
    key_spec: &'static str,
    encryption_context: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt<'a> {
    key_id: &'a str,
    ciphertext_blob: String,
    encryption_context: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Generated {
    plaintext: String,
    ciphertext_blob: String,
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: String,
}

impl Kms {
    /// A client by the settings of the client of DynamoDB, except what is only about DynamoDB: its URL, and whether it is
    /// reached without TLS. Does no I/O.
    pub(crate) fn new(
        dynamodb: &ClientConfig,
        policy: RetryPolicy,
        listener: Option<Listener>,
    ) -> Self {
        let config = ClientConfig {
            service: &settings::KMS,
            endpoint_url: None,
            tls: true,
            max_connections: dynamodb.max_connections.min(MAX_CONNECTIONS),
            ..dynamodb.clone()
        };
        let clock = config.clock.clone();
        let is_insecure = endpoint::is_insecure(&config);
        let transport = Arc::new(HttpsTransport::new(config));
        let client = Client::new(
            Arc::<HttpsTransport>::clone(&transport),
            clock,
            policy,
            None,
        );
        Self {
            client: client.with_listener(listener),
            transport,
            is_insecure,
        }
    }

    /// Whether data keys go over the network unencrypted: plain HTTP to another host.
    pub(crate) fn is_insecure(&self) -> bool {
        self.is_insecure
    }

    /// Makes a data key of 256 bits, wrapped by `key`: an id, an alias (`alias/…`), or the ARN of either.
    ///
    /// # Errors
    ///
    /// All of them name the key and the encryption context, and none holds any part of a data key.
    ///
    /// * [`ErrorKind::Config`]: there is no such key in this account and Region, it is of another Region, or it is not
    ///   for encryption.
    /// * [`ErrorKind::AccessDenied`]: `kms:GenerateDataKey` is not allowed.
    /// * [`ErrorKind::Service`]: the key is disabled or about to be deleted; or another error of KMS.
    /// * The errors of every request: `Credentials`, `Throttled`, `Timeout`, `Transport`, `Decode`.
    pub(crate) async fn generate_data_key(
        &self,
        key: &str,
        context: &[(&str, &str)],
    ) -> Result<DataKey, Error> {
        let request = GenerateDataKey {
            key_id: key,
            key_spec: "AES_256",
            encryption_context: context.iter().copied().collect(),
        };
        self.ask(
            Operation::GenerateDataKey,
            key,
            context,
            &request,
            |answer| {
                let answer: Generated = serde_json::from_slice(answer).ok()?;
                Some(DataKey {
                    plaintext: key_in(&answer.plaintext)?,
                    wrapped: BASE64_STANDARD.decode(answer.ciphertext_blob).ok()?,
                    key_arn: answer.key_id,
                })
                .filter(|made| !made.wrapped.is_empty())
            },
        )
        .await
    }

    /// Unwraps a data key that `key` wrapped with this encryption context.
    ///
    /// # Errors
    ///
    /// As [`generate_data_key`](Self::generate_data_key), and:
    ///
    /// * [`ErrorKind::Config`]: another key of KMS wrapped it.
    /// * [`ErrorKind::Decode`], with [`Remedy::CheckWrappedKey`]: it was wrapped with another context, or has changed.
    pub(crate) async fn decrypt(
        &self,
        key: &str,
        wrapped: &[u8],
        context: &[(&str, &str)],
    ) -> Result<[u8; 32], Error> {
        let request = Decrypt {
            key_id: key,
            ciphertext_blob: BASE64_STANDARD.encode(wrapped),
            encryption_context: context.iter().copied().collect(),
        };
        self.ask(Operation::Decrypt, key, context, &request, |answer| {
            let answer: Decrypted = serde_json::from_slice(answer).ok()?;
            key_in(&answer.plaintext)
        })
        .await
    }

    /// Makes one call. `read` finds in the answer what was asked for.
    async fn ask<T>(
        &self,
        operation: Operation,
        key: &str,
        context: &[(&str, &str)],
        request: &(impl Serialize + Sync),
        read: impl FnOnce(&[u8]) -> Option<T> + Send,
    ) -> Result<T, Error> {
        let asked = async {
            self.check_region(key)?;
            let body = serde_json::to_vec(request)
                .map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
            let start = self.client.start();
            let answer = self
                .client
                .call_nameless(start, operation, Bytes::from(body))
                .await?;
            read(&answer.body).ok_or_else(|| {
                let error = Error::new(ErrorKind::Decode, "the answer holds no data key");
                error
                    .with_remedy(Remedy::CheckEndpoint)
                    .with_attempts(answer.attempts)
            })
        };
        let result: Result<T, Error> = asked.await;
        result.map_err(|error| error.on_key(operation, key, context))
    }

    /// Refuses the ARN of another Region, which KMS answers with a text that does not say which Region is right.
    fn check_region(&self, key: &str) -> Result<(), Error> {
        let (Some(of_key), Some(ours)) = (region_of(key), self.transport.signing_region()) else {
            return Ok(());
        };
        if of_key == ours {
            return Ok(());
        }
        let reason = format!(
            "it is in the Region {of_key}, and requests go to {ours}: name a key of {ours}, such as the replica of a \
             multi-Region key"
        );
        Err(Error::new(ErrorKind::Config, reason).with_remedy(Remedy::CheckKmsKey))
    }
}

/// The Region in the ARN of a key or an alias: `arn:aws:kms:eu-west-1:111122223333:alias/name`.
fn region_of(key: &str) -> Option<&str> {
    match key.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "kms", region, ..] => Some(region),
        _ => None,
    }
}

/// A key of 256 bits, in base64.
fn key_in(text: &str) -> Option<[u8; 32]> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

// The key must not be shown.
impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey")
            .field("key_arn", &self.key_arn)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
