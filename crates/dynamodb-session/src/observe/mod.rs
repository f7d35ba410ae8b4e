//! What a store reports beside the results of its calls, for programs that log or count it.
//!
//! * A report of each call goes to [`Builder::on_call`](crate::Builder::on_call).
//! * Events, such as a write that was dropped, go to [`Builder::on_event`](crate::Builder::on_event).
//! * [`SessionStore::stats`](crate::SessionStore::stats) returns the counts since the store was built.

pub(crate) mod capacity;
mod event;
mod report;
mod stats;

pub use event::{Event, Listener};
pub use report::{CallReport, Observer};
pub(crate) use stats::{Counts, count};
pub use stats::{OperationStats, Stats};
