//! What a save starts from.

use std::fmt;
use std::time::SystemTime;

use super::{Loaded, SessionId};

/// What is known about the stored session before a [`save`](crate::SessionStore::save).
///
/// A `&Loaded` converts into it: `store.save(&loaded, …)`. The constructors [`absent`](Self::absent) and
/// [`unknown`](Self::unknown) make the other two without naming a data type.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Base<'a, B> {
    /// This session was loaded. What changed since is written, if the session is still there, and what other requests
    /// changed meanwhile is kept.
    Loaded(&'a Loaded<B>),
    /// A load found no session. The session is created; if another request has created one meanwhile, all fields of
    /// `data` are merged into that one.
    Absent(&'a SessionId),
    /// It is not known what was loaded. The whole session is written, if one is still there.
    Unknown {
        /// The session's id.
        id: &'a SessionId,
        /// The [`created`](Loaded::created) of the session to write to. `None`: any session of this id.
        created: Option<SystemTime>,
    },
}

impl<'a> Base<'a, ()> {
    /// [`Base::Absent`].
    pub const fn absent(id: &'a SessionId) -> Self {
        Self::Absent(id)
    }

    /// [`Base::Unknown`].
    pub const fn unknown(id: &'a SessionId, created: Option<SystemTime>) -> Self {
        Self::Unknown { id, created }
    }
}

impl<'a, B> From<&'a Loaded<B>> for Base<'a, B> {
    fn from(loaded: &'a Loaded<B>) -> Self {
        Self::Loaded(loaded)
    }
}

// `SessionId` and `Loaded` hide the id and the data.
impl<B> fmt::Debug for Base<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loaded(loaded) => f.debug_tuple("Loaded").field(loaded).finish(),
            Self::Absent(_) => f.write_str("Absent"),
            Self::Unknown { created, .. } => f
                .debug_struct("Unknown")
                .field("created", created)
                .finish_non_exhaustive(),
        }
    }
}
