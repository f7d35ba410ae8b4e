//! tower-sessions' store on the local engine: its contract, real requests, the suite, and the example.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conformance;
mod contract;
mod example;
mod http;
mod legacy;
mod site;
mod support;
