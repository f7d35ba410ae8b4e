//! Sessions as the verbs take and return them.

mod attribute;
mod base;
mod id;
mod loaded;
mod new;
mod options;
mod outcome;
mod page;
mod reencryption;
mod reference;
mod target;
mod user;

pub(crate) use attribute::Attribute;
pub use attribute::AttributeValue;
pub use base::Base;
pub use id::SessionId;
pub(crate) use id::{MAX_ID_BYTES, too_long};
pub use loaded::Loaded;
pub use new::NewSession;
pub use options::{SaveOptions, TouchOptions};
pub use outcome::{CreateOutcome, DataKeyOutcome, SaveOutcome, Stamp};
pub use page::{Page, PageToken};
pub use reencryption::{ReencryptOptions, Reencryption};
pub use reference::SessionRef;
pub use target::DeleteTarget;
pub(crate) use target::{RevokedUser, Whose};
pub(crate) use user::{GivenUser, Spared};
pub use user::{RevokeOptions, SessionUser, UserId, UserKey, UserSession};
