//! What fuzzing feeds to dynamodb-session, and what must hold of whatever comes out.
//!
//! A target is a function of bytes that panics when something does not hold. It goes through the public API: a store
//! over a [`Transport`](dynamodb_session::Transport) of its own, or over a socket. `fuzz/` hands it to libFuzzer; the
//! test in `tests/` runs it over the committed corpus with every `make test`.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a panic is how a target tells what it has found"
)]

mod answer;
mod attribute;
mod http;
mod item;
mod options;
mod row;
mod session;
mod tower_row;
mod unique;
mod world;

pub use answer::answer;
pub use http::http;
pub use item::item;
pub use options::options;
pub use session::session;
pub use tower_row::tower_row;

/// A target: it panics when something does not hold.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus and of its file in `fuzz/fuzz_targets`.
pub const TARGETS: [(&str, Target); 6] = [
    ("answer", answer),
    ("http", http),
    ("item", item),
    ("options", options),
    ("session", session),
    ("tower_row", tower_row),
];
