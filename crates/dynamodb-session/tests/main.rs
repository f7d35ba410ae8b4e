//! The store through its public API: on the local engine and on dynalite, against a server that fails as scripted, and
//! against servers of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::print_stdout,
    reason = "a skipped test says so, and children report to their parents"
)]

mod client;
mod conformance;
mod faults;
#[path = "../../dynamodb-session-local/tests/it/support.rs"]
#[expect(dead_code, reason = "the engine's own tests use the rest")]
mod local;
mod model;
mod protocol;
mod support;
mod table;
