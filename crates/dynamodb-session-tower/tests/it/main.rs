//! The store for tower-sessions on the local engine: its contract, real requests, the suite, and the example.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

mod conformance;
mod contract;
mod example;
mod http;
mod legacy;
mod site;
mod support;
mod tracked;
mod users;
mod users_site;

use dynamodb_session_tower as adapter;
