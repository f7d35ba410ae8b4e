//! Options of single calls.

use std::fmt;
use std::time::SystemTime;

use crate::framework::Framework;

/// Options of a [`save`](crate::SessionStore::save).
///
/// The default: the session ends after the store's [default TTL](crate::Builder::default_ttl), counted from the write,
/// and all fields belong to the application.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SaveOptions<'a> {
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) framework: Option<&'a Framework>,
}

impl<'a> SaveOptions<'a> {
    /// Sets when the session ends. It is stored in whole seconds, rounded up.
    #[must_use]
    pub fn expires_at(mut self, instant: SystemTime) -> Self {
        self.expires_at = Some(instant);
        self
    }

    /// Names the fields that a web framework keeps in the session.
    #[must_use]
    pub fn framework(mut self, framework: &'a Framework) -> Self {
        self.framework = Some(framework);
        self
    }
}

/// Options of a [`touch`](crate::SessionStore::touch).
///
/// The default: the session ends after the store's [default TTL](crate::Builder::default_ttl), counted from the write,
/// and its data stay as they are.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct TouchOptions<'a, T = ()> {
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) fields: Option<(&'a Framework, &'a T)>,
}

impl Default for TouchOptions<'_> {
    fn default() -> Self {
        Self {
            expires_at: None,
            fields: None,
        }
    }
}

impl<'a, T> TouchOptions<'a, T> {
    /// Sets when the session ends. It is stored in whole seconds, rounded up.
    #[must_use]
    pub fn expires_at(mut self, instant: SystemTime) -> Self {
        self.expires_at = Some(instant);
        self
    }

    /// Also writes the framework's [expiry fields](Framework::expiry_field), as they are in `data`. Other fields of
    /// `data` are not written.
    #[must_use]
    pub fn framework<U>(self, framework: &'a Framework, data: &'a U) -> TouchOptions<'a, U> {
        TouchOptions {
            expires_at: self.expires_at,
            fields: Some((framework, data)),
        }
    }
}

// Debug output must not show session data.
impl<T> fmt::Debug for TouchOptions<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TouchOptions")
            .field("expires_at", &self.expires_at)
            .field("framework", &self.fields.map(|(framework, _)| framework))
            .finish_non_exhaustive()
    }
}
