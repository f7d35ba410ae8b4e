//! The engine, over raw HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admission;
mod data_file;
mod fidelity;
mod lifecycle;
mod support;
mod sweeper;
