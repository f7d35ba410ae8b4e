//! What a store reports beside the results of its calls: events, statistics and a report of each call.

pub(crate) mod capacity;
mod event;
mod report;
mod stats;

pub(crate) use event::id_hash;
pub use event::{Event, Listener};
pub use report::{CallReport, Observer};
pub(crate) use stats::{Counts, count};
pub use stats::{OperationStats, Stats};
