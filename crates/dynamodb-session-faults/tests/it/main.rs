//! The fault server itself. The store against it is tested with the crate `dynamodb-session`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod binary;
mod server;
mod support;
