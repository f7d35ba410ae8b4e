//! What a delete is for.

use std::fmt;
use std::time::SystemTime;

use super::{Loaded, SessionId, UserKey};
use crate::item::Version;

/// The session that [`delete`](crate::SessionStore::delete) deletes.
///
/// A `&SessionId` means whatever session has the id. A `&Loaded` means the session that was loaded, so that a slow
/// sign-out does not delete a later session of the same id. It also saves a read.
#[derive(Clone, Copy)]
pub struct DeleteTarget<'a> {
    pub(crate) id: &'a SessionId,
    pub(crate) whose: Whose,
    pub(crate) version: Version,
}

/// Which session of an id is meant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Whose {
    /// The one that was created then. `None`: any.
    pub(crate) created: Option<SystemTime>,
    /// The user whose session is revoked: any of this user is meant as well.
    pub(crate) user: Option<RevokedUser>,
}

/// The user whose session is revoked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RevokedUser {
    pub(crate) key: UserKey,
    /// Whether a write can be under way that makes whatever session has the id this user's.
    pub(crate) is_signing_in: bool,
}

impl<'a> From<&'a SessionId> for DeleteTarget<'a> {
    fn from(id: &'a SessionId) -> Self {
        Self {
            id,
            whose: Whose::default(),
            version: Version::UNKNOWN,
        }
    }
}

impl<'a, T> From<&'a Loaded<T>> for DeleteTarget<'a> {
    fn from(loaded: &'a Loaded<T>) -> Self {
        Self {
            id: &loaded.id,
            whose: Whose {
                created: loaded.created,
                user: None,
            },
            version: loaded.version,
        }
    }
}

// It holds the id.
impl fmt::Debug for DeleteTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteTarget")
            .field("created", &self.whose.created)
            .finish_non_exhaustive()
    }
}
