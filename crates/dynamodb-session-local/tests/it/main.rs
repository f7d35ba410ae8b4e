//! The engine, over raw HTTP, and the session store on it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admission;
mod conformance;
mod data_file;
mod dropped;
mod dynalite;
mod engine;
mod fidelity;
mod lifecycle;
mod model;
mod store;
mod support;
mod sweeper;
mod table;
