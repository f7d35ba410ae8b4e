//! Native calls of napi-rs that do nothing. They show the cost of a call to a store that itself costs nothing.

#![allow(
    clippy::unused_async,
    reason = "that they are asynchronous is what is measured"
)]

use napi_derive::napi;

/// Resolves with a copy of the text.
#[napi]
pub async fn echo(text: String) -> String {
    text
}

/// Takes a text and resolves with undefined.
#[napi]
pub async fn discard(text: String) {
    drop(text);
}
