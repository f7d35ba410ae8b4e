//! The engine, over raw HTTP: no DynamoDB client comes between the test and the bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admission;
mod conformance;
mod data_file;
mod dynalite;
mod fidelity;
mod lifecycle;
mod support;
mod sweeper;
