//! The fault server itself. The store against it is tested with the crate `dynamodb-session`.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

mod binary;
mod server;
mod support;
