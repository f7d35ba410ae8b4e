//! Options of single calls.

use std::fmt;
use std::time::SystemTime;

use super::attribute::{self, Attribute, AttributeValue};
use super::{GivenUser, SessionUser};
use crate::framework::Framework;

/// Options of a [`save`](crate::SessionStore::save).
///
/// The default: the session ends after the store's [default TTL](crate::Builder::default_ttl), counted from the write,
/// and all fields belong to the application.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SaveOptions<'a> {
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) framework: Option<&'a Framework>,
    pub(crate) is_limit: bool,
    pub(crate) user: GivenUser<'a>,
    pub(crate) attributes: Vec<Attribute>,
}

impl<'a> SaveOptions<'a> {
    /// Says whose session it is; `None`: nobody's. Default: it stays whose it is.
    ///
    /// A save that makes it another user's is conditional on that no
    /// [`revoke_user`](crate::SessionStore::revoke_user) has taken place meanwhile. Otherwise the session is deleted,
    /// and [`Gone`](crate::SaveOutcome::Gone).
    ///
    /// The store has to be built with [`users`](crate::Builder::users).
    ///
    /// # Cost
    ///
    /// Nothing where the session is this user's already. Otherwise 1 `UpdateItem` and 1 consistent `GetItem` of the
    /// user's item, which has about 100 bytes for each session, and twice that for a user's first session.
    #[must_use]
    pub fn user(mut self, user: Option<&'a SessionUser>) -> Self {
        self.user = user.into();
        self
    }

    /// Sets when the session ends. It is stored in whole seconds, rounded up.
    #[must_use]
    pub fn expires_at(mut self, instant: SystemTime) -> Self {
        self.expires_at = Some(instant);
        self
    }

    /// Whether the expiry is a limit of the application's own, beside what the [`framework`](Self::framework) keeps in the
    /// session. Default: false.
    ///
    /// A save that asks for an earlier expiry than was loaded, although the framework's fields move it forward, usually
    /// comes from a request that began earlier, and does not take the session's time back. A limit does.
    #[must_use]
    pub fn is_limit(mut self, is_limit: bool) -> Self {
        self.is_limit = is_limit;
        self
    }

    /// Names the fields that a web framework keeps in the session.
    #[must_use]
    pub fn framework(mut self, framework: &'a Framework) -> Self {
        self.framework = Some(framework);
        self
    }

    /// Sets an attribute of the item beside the session, such as the key of an index: sessions of one user can then be
    /// found by a `Query` of that index.
    ///
    /// The attribute stays until a save sets or removes it. A touch keeps it, and so does a save that does not name it.
    /// A delete removes it together with the session. It is stored as it is, also beside a sealed session.
    ///
    /// ```
    /// # use dynamodb_session::SaveOptions;
    /// let options = SaveOptions::default().attribute("user_id", "ada").attribute("role", 3);
    /// ```
    ///
    /// # Errors
    ///
    /// The save fails before anything is sent: with [`ErrorKind::Config`](crate::ErrorKind::Config) if the store keeps
    /// something else in an attribute of this name, with [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) if
    /// the value is an empty string or a number that `DynamoDB` does not hold. The service refuses a value that does not
    /// fit an index: one of another type than the index's key, or one of more than 2 048 bytes, or 1 024 for a sort key.
    /// That is [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) too, with the code `ValidationException`.
    ///
    /// # Cost
    ///
    /// It counts with its name towards the size of the item. An index that has the attribute is written when the value
    /// changes, and where it projects attributes that change. A save that sets or removes an attribute is always
    /// written: [`touch_after`](crate::Builder::touch_after) does not skip it. Where `UpdateItem` is not allowed, a save
    /// of a session that has such attributes reads it first: 1 consistent `GetItem`.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<AttributeValue>) -> Self {
        attribute::want(&mut self.attributes, name.into(), Some(value.into()), true);
        self
    }

    /// Removes an attribute of the item beside the session.
    ///
    /// # Errors
    ///
    /// As [`attribute`](Self::attribute).
    #[must_use]
    pub fn remove_attribute(mut self, name: impl Into<String>) -> Self {
        attribute::want(&mut self.attributes, name.into(), None, true);
        self
    }

    /// Says that this save does not change an attribute: the session had this value when it was loaded.
    ///
    /// For adapters that compute attributes from the session. An item that lacks the attribute gets it, unless another
    /// request has written the session since the load. A save that replaces the session whole sets or removes it:
    /// [`Base::Unknown`](crate::Base::Unknown) does, and
    /// [`ParallelChanges::Overwrite`](crate::options::ParallelChanges::Overwrite).
    ///
    /// # Errors
    ///
    /// As [`attribute`](Self::attribute).
    #[must_use]
    pub fn unchanged_attribute(
        mut self,
        name: impl Into<String>,
        value: Option<AttributeValue>,
    ) -> Self {
        attribute::want(&mut self.attributes, name.into(), value, false);
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
    pub(crate) is_limit: bool,
}

impl Default for TouchOptions<'_> {
    fn default() -> Self {
        Self {
            expires_at: None,
            fields: None,
            is_limit: false,
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

    /// Whether the expiry is a limit of the application's own: see [`SaveOptions::is_limit`]. It has an effect together
    /// with [`framework`](Self::framework).
    #[must_use]
    pub fn is_limit(mut self, is_limit: bool) -> Self {
        self.is_limit = is_limit;
        self
    }

    /// Also writes the framework's [expiry fields](Framework::expiry_field), as they are in `data`. Other fields of
    /// `data` are not written.
    #[must_use]
    pub fn framework<U>(self, framework: &'a Framework, data: &'a U) -> TouchOptions<'a, U> {
        TouchOptions {
            expires_at: self.expires_at,
            fields: Some((framework, data)),
            is_limit: self.is_limit,
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
