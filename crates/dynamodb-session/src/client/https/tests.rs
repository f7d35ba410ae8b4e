use aws_credential_types::Credentials;
use aws_credential_types::provider::{SharedCredentialsProvider, future};

use super::super::retry::{Client, RetryPolicy};
use super::super::testing::{Act, Server, client_config, config, ok, request, response, start};
use super::*;
use crate::request::Operation;

mod answers;
mod clock;
mod connections;
mod credentials;
mod requests;

async fn reason(transport: &HttpsTransport) -> (IncompleteReason, String) {
    let incomplete = transport.send(request()).await.unwrap_err();
    (incomplete.reason, incomplete.source.to_string())
}
