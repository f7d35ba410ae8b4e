//! The real binary, against the engine that it contains.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod data_file;
mod help;
mod keys;
mod local;
mod proxy;
mod reencrypt;
mod session;
mod support;
mod sweep;
mod table;
mod user;
