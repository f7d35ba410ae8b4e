//! The Node addon: the session store as a class, failures as data, options as one flat object.
//!
//! A call is one synchronous entry that returns a native promise; see `completion.rs` for how it is settled.
//! What JavaScript users see is made of this by `node/index.js` and `node/lib`.

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
mod face;
mod failure;
mod loaded;
mod options;
mod runtime;
mod store;
mod table;
