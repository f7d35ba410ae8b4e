//! What a write did.

use std::time::SystemTime;

use super::UserKey;
use crate::item::Version;

/// The state of a stored session after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stamp {
    /// The session's [`created`](crate::Loaded::created).
    ///
    /// `None` if it is not known: a touch and a [`Base::Unknown`](crate::Base::Unknown) do not learn the `created` of
    /// an item that they loaded without one.
    pub created: Option<SystemTime>,
    /// The expiry the item has now.
    pub expires_at: SystemTime,
    /// The state the item has now. It is not known after changes were merged: what is stored is then not what the
    /// application sees.
    pub version: Version,
    /// The session's [`user`](crate::Loaded::user).
    pub user: Option<UserKey>,
}

impl Stamp {
    /// The time of creation and the expiry of a session, for adapters that keep them between two calls.
    pub const fn new(created: Option<SystemTime>, expires_at: SystemTime) -> Self {
        Self {
            created,
            expires_at,
            version: Version::UNKNOWN,
            user: None,
        }
    }
}

/// What [`create`](crate::SessionStore::create) did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The session is stored.
    Created(Stamp),
    /// A live session already has this id. Nothing was written.
    Taken,
    /// The sessions of its [user](crate::NewSession::user) have been revoked meanwhile. It is not stored.
    Revoked,
}

/// What [`save`](crate::SessionStore::save) or [`touch`](crate::SessionStore::touch) did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveOutcome {
    /// The change is stored.
    Saved(Stamp),
    /// The session was deleted since it was loaded, or another one has its id now. Nothing was written.
    Gone,
}

impl SaveOutcome {
    /// Whether the session is still there and holds the change.
    pub fn is_saved(self) -> bool {
        matches!(self, Self::Saved(_))
    }
}

/// What [`delete_data_key`](crate::SessionStore::delete_data_key) did.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataKeyOutcome {
    /// The data key is deleted.
    Deleted,
    /// There is no data key with this id.
    Absent,
    /// Live sessions need it, so it stays. [`reencrypt`](crate::SessionStore::reencrypt) seals them with another one.
    Needed {
        /// How many.
        sessions: u64,
    },
    /// No session needs it, but the secret for the keys of users' items is sealed with it, so it stays.
    /// [`reencrypt`](crate::SessionStore::reencrypt) seals the secret with another one.
    SealsUserSecret,
    /// Processes may encrypt with it, so it stays: it is the data key of these 30 days, or was it within the last
    /// 25 hours, so that a process that KMS did not answer may go on with it.
    Encrypts,
}
