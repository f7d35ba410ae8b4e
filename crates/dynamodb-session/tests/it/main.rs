//! What can be told of a store without an engine: its settings, its types, what it shows of itself.
//!
//! The protocol itself is tested on an engine, in the crate `dynamodb-session-local`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod first_call;
mod sdk_config;
mod server;
mod settings;
mod shown;
mod types;
