//! The engine, over raw HTTP.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

mod admission;
mod data_file;
mod fidelity;
mod lifecycle;
mod support;
mod sweeper;
