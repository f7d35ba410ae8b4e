//! The client against a `DynamoDB` that fails as scripted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod binary;
mod clock;
mod deadline;
mod overload;
mod server;
mod support;
mod table;
