//! A session to be stored.

use std::fmt;
use std::time::SystemTime;

use super::attribute::{self, Attribute, AttributeValue};
use super::{SessionId, SessionUser};

/// A session to be stored by [`create`](crate::SessionStore::create) or [`put`](crate::SessionStore::put).
///
/// `T` is the session data: any type that serialises to a map. Use `&T` to write without cloning.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewSession<T> {
    /// The session's id.
    pub id: SessionId,
    /// The session data.
    pub data: T,
    /// When the session ends, stored in whole seconds, rounded up.
    ///
    /// `None`: after the store's [default TTL](crate::Builder::default_ttl), counted from the write.
    pub expires_at: Option<SystemTime>,
    /// The user whose session it is: see [`SaveOptions::user`](crate::SaveOptions::user). `None`: nobody's.
    pub user: Option<SessionUser>,
    pub(crate) attributes: Vec<Attribute>,
}

impl<T> NewSession<T> {
    /// A session that lives for the store's [default TTL](crate::Builder::default_ttl).
    pub fn new(id: SessionId, data: T) -> Self {
        Self {
            id,
            data,
            expires_at: None,
            user: None,
            attributes: Vec::new(),
        }
    }

    /// Sets the user whose session it is.
    #[must_use]
    pub fn user(mut self, user: SessionUser) -> Self {
        self.user = Some(user);
        self
    }

    /// Sets when the session ends.
    #[must_use]
    pub fn expires_at(mut self, instant: SystemTime) -> Self {
        self.expires_at = Some(instant);
        self
    }

    /// Sets an attribute of the item beside the session: see
    /// [`SaveOptions::attribute`](crate::SaveOptions::attribute), also for errors and costs.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<AttributeValue>) -> Self {
        attribute::want(&mut self.attributes, name.into(), Some(value.into()), true);
        self
    }

    /// Removes an attribute beside the session that [`put`](crate::SessionStore::put) replaces. A new item has only what
    /// is set.
    #[must_use]
    pub fn remove_attribute(mut self, name: impl Into<String>) -> Self {
        attribute::want(&mut self.attributes, name.into(), None, true);
        self
    }
}

// Debug output must not show session ids and session data.
impl<T> fmt::Debug for NewSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_neither_id_nor_data() {
        let session = NewSession::new(SessionId::new("the-id").unwrap(), "the-data");
        let shown = format!("{session:?}");
        assert!(
            !shown.contains("the-id") && !shown.contains("the-data"),
            "{shown}"
        );
    }
}
