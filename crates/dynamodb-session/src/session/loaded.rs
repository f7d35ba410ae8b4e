//! A session as it was loaded.

use std::fmt;
use std::time::SystemTime;

use super::{SessionId, Stamp, UserKey};
use crate::item::Version;

/// A session as [`load`](crate::SessionStore::load) and [`list`](crate::SessionStore::list) return it.
///
/// Keep it and give it to [`save`](crate::SessionStore::save) or [`touch`](crate::SessionStore::touch): it says which
/// session is written to, and what has changed since.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded<T> {
    /// The session's id.
    pub id: SessionId,
    /// The session data.
    pub data: T,
    /// When the session ends, in whole seconds. A session whose expiry equals now has expired.
    ///
    /// `None`: the item has no expiry. The session is live until it is next written.
    pub expires_at: Option<SystemTime>,
    /// When the session was created, to the millisecond. It distinguishes the session from a later one of the same id.
    ///
    /// `None`: the item does not say, as items of the legacy package. A session of the same id cannot be distinguished from
    /// it then.
    pub created: Option<SystemTime>,
    /// Whether another package wrote the item, in a format that the store's [`Layout`](crate::options::Layout) reads.
    /// The next save rewrites it.
    pub is_foreign: bool,
    /// Which state of the session was loaded. A save of changes is made from it, and merges into a later one.
    pub version: Version,
    /// The hash of the [user](crate::SaveOptions::user) whose session it is, if it is a user's.
    pub user: Option<UserKey>,
}

impl<T> Loaded<T> {
    /// A session without an expiry, without `created`, and of an [unknown](Version::UNKNOWN) state.
    ///
    /// For adapters that keep the parts of a loaded session elsewhere between two calls. Set the other fields to what
    /// was loaded, or pass the [`Stamp`] of the last write to [`with_stamp`](Self::with_stamp).
    pub fn new(id: SessionId, data: T) -> Self {
        Self {
            id,
            data,
            expires_at: None,
            created: None,
            is_foreign: false,
            version: Version::UNKNOWN,
            user: None,
        }
    }

    /// The same session with the `created` and the expiry that a write returned.
    #[must_use]
    pub fn with_stamp(mut self, stamp: Stamp) -> Self {
        self.created = stamp.created;
        self.expires_at = Some(stamp.expires_at);
        self.version = stamp.version;
        self.user = stamp.user;
        self
    }

    /// The same session with other data.
    pub fn with_data<U>(&self, data: U) -> Loaded<U> {
        Loaded {
            id: self.id.clone(),
            data,
            expires_at: self.expires_at,
            created: self.created,
            is_foreign: self.is_foreign,
            version: self.version,
            user: self.user,
        }
    }
}

// Debug output must not show session ids and session data.
impl<T> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("expires_at", &self.expires_at)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_neither_id_nor_data() {
        let loaded = Loaded::new(SessionId::new("the-id").unwrap(), "the-data");
        let shown = format!("{loaded:?} {:?}", loaded.id);
        assert!(
            !shown.contains("the-id") && !shown.contains("the-data"),
            "{shown}"
        );
    }

    #[test]
    fn a_stamp_sets_created_and_expiry() {
        let (created, expires_at) = (Some(SystemTime::UNIX_EPOCH), SystemTime::now());
        let loaded = Loaded::new(SessionId::new("a").unwrap(), ());
        let stamped = loaded.with_stamp(Stamp::new(created, expires_at));
        assert_eq!(
            (stamped.created, stamped.expires_at),
            (created, Some(expires_at))
        );
    }
}
