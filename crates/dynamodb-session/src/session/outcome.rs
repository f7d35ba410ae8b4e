//! What a write did.

use std::time::SystemTime;

/// What tells a stored session's state, as a write left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The session's `created`; `None` when it is not known. A save of changed fields tells it whoever has given the
    /// item one; a whole session that was written, or a touch, onto an item without one does not.
    pub created: Option<SystemTime>,
    /// The expiry the item has now.
    pub expires_at: SystemTime,
}

/// What [`SessionStore::create`] did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// The session is stored.
    Created(Stamp),
    /// A live session has this id already; nothing was written.
    Taken,
}

/// What a write that is conditional on the loaded session did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// What there was to write is stored.
    Written(Stamp),
    /// The session loaded was deleted meanwhile, or another one has its id; nothing was written.
    Gone,
}

impl Write {
    /// Whether the session is still there and holds what was to be written.
    pub fn is_written(self) -> bool {
        matches!(self, Self::Written(_))
    }
}
