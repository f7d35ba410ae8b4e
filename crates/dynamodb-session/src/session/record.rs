//! Session records.

use std::fmt;
use std::time::SystemTime;

use super::SessionId;

/// A session as it is stored.
///
/// `T` is the session data: any type that serialises to a map. Give `&T` to write without cloning.
#[derive(Clone, PartialEq, Eq)]
pub struct Record<T> {
    /// The session's id.
    pub id: SessionId,
    /// The session data.
    pub data: T,
    /// When the session ends, stored in whole seconds, rounded up. A record whose expiry equals now is expired.
    ///
    /// `None` on a loaded record means that the item has none: it is live until it is next written.
    /// `None` on a record to be written means the store's default TTL from now.
    pub expires_at: Option<SystemTime>,
    /// When the session was created, to the millisecond: what tells it from a later session under the same id.
    ///
    /// `None` when not known, as in items of the legacy package; a write guarded by it then checks presence alone.
    pub created: Option<SystemTime>,
    /// Whether the item is as another package wrote it, which a [`Layout`](crate::Layout) reads; the next save
    /// rewrites it.
    pub is_foreign: bool,
}

impl<T> Record<T> {
    /// A record that was not loaded.
    pub fn new(id: SessionId, data: T, expires_at: SystemTime) -> Self {
        Self {
            id,
            data,
            expires_at: Some(expires_at),
            created: None,
            is_foreign: false,
        }
    }

    /// The same record with other data.
    pub fn with_data<U>(&self, data: U) -> Record<U> {
        Record {
            id: self.id.clone(),
            data,
            expires_at: self.expires_at,
            created: self.created,
            is_foreign: self.is_foreign,
        }
    }
}

// Session data is nobody's business but the application's.
impl<T> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
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
        let record = Record::new(
            SessionId::new("the-id").unwrap(),
            "the-data",
            SystemTime::now(),
        );
        let shown = format!("{record:?} {:?}", record.id);
        assert!(
            !shown.contains("the-id") && !shown.contains("the-data"),
            "{shown}"
        );
    }
}
