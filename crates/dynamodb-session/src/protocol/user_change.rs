//! What a write says of the user of its session.

use std::time::SystemTime;

use super::write::Gone;
use crate::request::Operation;
use crate::session::{SessionId, SessionRef, UserKey};

/// A session that the item of its user names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Registered {
    pub(super) user: UserKey,
    pub(super) reference: SessionRef,
}

/// What a write says of the user of its session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum UserChange {
    /// It stays whose it is.
    #[default]
    Keeps,
    /// It becomes a user's.
    Becomes(Registered),
    /// It is nobody's any more.
    Leaves,
}

impl UserChange {
    /// The user whose session it becomes, if it becomes one's.
    pub(super) fn becomes(&self) -> Option<UserKey> {
        match self {
            Self::Becomes(registered) => Some(registered.user),
            Self::Keeps | Self::Leaves => None,
        }
    }
}

/// The session that is to be registered: its id, and when it was created, where that is known.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) id: &'a SessionId,
    pub(super) created: Option<SystemTime>,
    /// Whether it had ended when it was loaded, or has ended since. Then it is forgotten perhaps.
    pub(super) has_ended: bool,
}

/// A session that goes on with one that has been revoked, or that has been revoked itself since it was registered.
pub(super) const NOT_ADMITTED: Gone = Gone {
    operation: Operation::UpdateItem,
    may_be_written: false,
};
