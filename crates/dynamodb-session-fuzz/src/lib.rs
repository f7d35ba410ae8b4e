//! The fuzz targets of dynamodb-session.
//!
//! A target is a function of bytes that panics if a promise of the store is broken. It uses the public API: a store
//! with its own [`Transport`](dynamodb_session::transport::Transport), or with a socket. `fuzz/` runs the targets with libFuzzer. The
//! test in `tests/` runs them over the committed corpus with every `make test`.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target reports its finding by a panic"
)]

mod answer;
mod attribute;
mod http;
mod item;
mod options;
mod row;
mod sealed;
mod session;
mod tower_row;
mod unique;
mod world;

pub use answer::answer;
pub use http::http;
pub use item::item;
pub use options::options;
pub use sealed::sealed;
pub use session::session;
pub use tower_row::tower_row;

/// A target: panics if a promise of the store is broken.
pub type Target = fn(&[u8]);

/// Every target, with the name of its corpus and of its file in `fuzz/fuzz_targets`.
pub const TARGETS: [(&str, Target); 7] = [
    ("answer", answer),
    ("http", http),
    ("item", item),
    ("options", options),
    ("sealed", sealed),
    ("session", session),
    ("tower_row", tower_row),
];
