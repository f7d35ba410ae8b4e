//! The store for actix-session on the local engine: its contract, real requests, the suite, and the example.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]
#![expect(
    clippy::future_not_send,
    reason = "actix-web keeps a request on its thread"
)]

mod conformance;
mod contract;
mod example;
mod http;
mod site;
#[path = "../../../dynamodb-session-tower/tests/it/support.rs"]
mod support;
mod tracked;
mod upsert;
#[path = "../../../dynamodb-session-tower/tests/it/users.rs"]
mod users;
mod users_site;

use dynamodb_session_actix as adapter;
