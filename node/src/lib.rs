//! The Node addon: the session store as a class, failures as data, options as one flat object.
//!
//! A call is one synchronous entry that returns a native promise; see `completion.rs` for how it is settled.
//! `frame.rs` defines the form in which a session crosses. The JavaScript API is in `node/lib`.

#![expect(
    unsafe_code,
    reason = "the expansion of #[napi] needs it; the rest is in `completion` alone"
)]
#![allow(
    missing_debug_implementations,
    reason = "#[napi] makes types public that are never printed; two hold secrets"
)]

mod answers;
mod beside;
mod completion;
mod credentials;
mod events;
mod failure;
mod frame;
mod framework;
mod host;
mod keys;
mod options;
mod pending;
mod runtime;
mod store;
mod table;
mod users;

/// The version of the addon. A package loads the addon of its own version only.
#[napi_derive::napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
