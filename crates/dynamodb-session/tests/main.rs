//! Tests of the store through its public API: on the local engine, on dynalite, on a server that fails as scripted, and
//! on servers of their own.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]
#![expect(
    clippy::print_stdout,
    reason = "skipped tests are printed, and child processes report by printing"
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
