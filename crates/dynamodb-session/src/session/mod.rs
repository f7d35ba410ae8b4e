//! Sessions as the verbs take and return them.

mod id;
mod outcome;
mod page;
mod record;

pub use id::SessionId;
pub(crate) use id::{MAX_ID_BYTES, too_long};
pub use outcome::{Create, Stamp, Write};
pub use page::{Page, PageToken};
pub use record::Record;
