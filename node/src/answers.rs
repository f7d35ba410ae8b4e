//! What JavaScript answers to the questions of a store.

use napi::Env;
use napi_derive::napi;

use crate::completion::Calls;
use crate::credentials::credentials;
use crate::host::Reply;
use crate::keys::{self, GivenKey};

/// Credentials from a provider in JavaScript.
#[napi(object, object_to_js = false)]
pub(crate) struct ProvidedCredentials {
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
    /// When they expire, in epoch milliseconds. Default: never.
    pub expiration: Option<f64>,
}

/// Answers a question for credentials: with the credentials, or with the reason of the failure.
#[napi(catch_unwind)]
pub(crate) fn answer_credentials(
    env: Env,
    question: u32,
    answer: Option<ProvidedCredentials>,
    error: Option<String>,
) -> napi::Result<()> {
    if let Some(Reply::Credentials(reply)) = Calls::of(&env)?.host().take_question(question) {
        let answer = answer
            .ok_or_else(|| error.unwrap_or_else(|| "the provider gave no credentials".to_owned()));
        // Sending fails if the call has stopped waiting.
        drop(reply.send(answer.map(|answer| {
            credentials(
                answer.access_key_id,
                answer.secret_access_key,
                answer.session_token,
                answer.expiration,
            )
        })));
    }
    Ok(())
}

/// Answers a question for encryption keys: with the keys, or without them if the provider failed.
#[napi(catch_unwind)]
pub(crate) fn answer_keys(
    env: Env,
    question: u32,
    answer: Option<Vec<GivenKey>>,
) -> napi::Result<()> {
    if let Some(Reply::Keys(reply)) = Calls::of(&env)?.host().take_question(question) {
        let keys = answer.ok_or_else(|| "the function failed".into());
        let keys = keys.and_then(|keys| keys::parsed(&keys).map_err(Into::into));
        // Sending fails if the call has stopped waiting.
        drop(reply.send(keys));
    }
    Ok(())
}
