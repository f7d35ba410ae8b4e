//! What can be told of a store without an engine: its settings, its types, what it shows of itself, where its
//! credentials come from, what time it goes by.
//!
//! The protocol itself is tested on an engine, in the crate `dynamodb-session-local`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::print_stdout,
    reason = "a skipped test says so, and children tell their parents"
)]

mod aws;
mod credentials;
mod first_call;
mod lambda;
mod proxy;
mod rotation;
mod sdk_config;
mod server;
mod settings;
mod shown;
mod time;
mod types;
