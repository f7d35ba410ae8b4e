//! A native call that does nothing, as napi-rs has them: what remains of a store's call when the store costs nothing.

#![allow(
    clippy::unused_async,
    reason = "that they are asynchronous is what is measured"
)]

use napi_derive::napi;

/// Resolves with a copy of the text it is given.
#[napi]
pub async fn echo(text: String) -> String {
    text
}

/// Takes a text and resolves with nothing.
#[napi]
pub async fn discard(text: String) {
    drop(text);
}
