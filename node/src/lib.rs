//! The Node addon: the session store as a class, failures as data, options as one flat object.
//!
//! A call is one synchronous entry that returns a native promise; see `completion.rs` for how it is settled.
//! What crosses to JavaScript and back is defined in `frame.rs`. What JavaScript users see is in `node/lib`.

#![expect(
    unsafe_code,
    reason = "#[napi] expands to it; by hand only in `completion`"
)]
#![allow(
    missing_debug_implementations,
    reason = "#[napi] makes types public that nobody prints; two hold secrets"
)]

mod completion;
mod credentials;
mod events;
mod failure;
mod frame;
mod framework;
mod host;
mod options;
mod pending;
mod runtime;
mod store;
mod table;
