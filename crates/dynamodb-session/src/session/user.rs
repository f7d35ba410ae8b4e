//! The users that sessions belong to.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{SessionId, SessionRef};
use crate::error::{Error, ErrorKind};

/// The longest user id, in bytes of UTF-8.
const MAX_USER_BYTES: usize = 2048;

/// The longest label, in bytes of UTF-8. What is longer is cut: a label is often what a browser says of itself.
const MAX_LABEL_BYTES: usize = 256;

/// The name that an application has for a user, such as the primary key of its table of users.
///
/// The store keeps a hash of it. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserId(String);

impl UserId {
    /// Takes the id of a user.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] when it is empty or longer than 2048 bytes.
    pub fn new(id: impl Into<String>) -> Result<Self, Error> {
        let id = id.into();
        let reason = if id.is_empty() {
            "the user id is empty: leave the user out of a session that belongs to nobody"
                .to_owned()
        } else if id.len() > MAX_USER_BYTES {
            format!("the user id is longer than {MAX_USER_BYTES} bytes")
        } else {
            return Ok(Self(id));
        };
        Err(Error::new(ErrorKind::InvalidData, reason))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(hidden)")
    }
}

/// The user that a session belongs to from a write on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionUser {
    pub(crate) id: UserId,
    pub(crate) label: Option<String>,
    pub(crate) continues: Option<SessionId>,
}

impl SessionUser {
    /// A session of this user.
    pub fn new(id: UserId) -> Self {
        Self {
            id,
            label: None,
            continues: None,
        }
    }

    /// A text that the user recognises the session by, such as the name of the browser. It is kept as it was when the
    /// session became the user's. More than 256 bytes are cut.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        let mut label = label.into();
        label.truncate(label.floor_char_boundary(MAX_LABEL_BYTES));
        self.label = Some(label).filter(|label| !label.is_empty());
        self
    }

    /// The session goes on with another one of the same user, under a new id: `regenerate`, `cycle_id`. If that one
    /// has been [revoked](crate::SessionStore::revoke_user) meanwhile, this one is not stored.
    #[must_use]
    pub fn continues(mut self, id: SessionId) -> Self {
        self.continues = Some(id);
        self
    }

    /// The user's id.
    pub fn id(&self) -> &UserId {
        &self.id
    }
}

/// What a write says of the user of its session.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum GivenUser<'a> {
    /// It stays whose it is.
    #[default]
    Unstated,
    Nobody,
    User(&'a SessionUser),
}

impl<'a> From<Option<&'a SessionUser>> for GivenUser<'a> {
    fn from(user: Option<&'a SessionUser>) -> Self {
        user.map_or(Self::Nobody, Self::User)
    }
}

/// The hash of a user's id that is stored with the user's sessions. It names the item that knows all of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserKey(pub(crate) [u8; UserKey::BYTES]);

impl UserKey {
    pub(crate) const BYTES: usize = 32;
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserKey({self})")
    }
}

impl FromStr for UserKey {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] for a text that no `UserKey` displays as.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let invalid = || Error::new(ErrorKind::InvalidData, "not the key of a user");
        bytes.map(Self).ok_or_else(invalid)
    }
}

/// A live session of a user, as [`sessions_of`](crate::SessionStore::sessions_of) lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserSession {
    /// The session's name, which opens nothing. [`revoke`](crate::SessionStore::revoke) takes it.
    pub reference: SessionRef,
    /// When the session was created, to the millisecond.
    pub created: Option<SystemTime>,
    /// When it became this user's, to the millisecond.
    pub signed_in: SystemTime,
    /// When it was last written, to the second. A view that writes nothing does not count: see
    /// [`touch_after`](crate::Builder::touch_after).
    pub last_seen: Option<SystemTime>,
    /// When it ends, to the second.
    pub expires_at: Option<SystemTime>,
    /// The [label](SessionUser::label).
    pub label: Option<String>,
}

/// Options of a [`revoke_user`](crate::SessionStore::revoke_user).
///
/// The default: every session of the user ends.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RevokeOptions<'a> {
    pub(crate) spared: Option<Spared<'a>>,
}

/// The session that a [`revoke_user`](crate::SessionStore::revoke_user) spares.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spared<'a> {
    Id(&'a SessionId),
    Reference(&'a SessionRef),
}

impl<'a> RevokeOptions<'a> {
    /// Spares the session with this id, if it is one of the user: the one in which the user asks for it.
    #[must_use]
    pub fn except(mut self, id: &'a SessionId) -> Self {
        self.spared = Some(Spared::Id(id));
        self
    }

    /// Spares the session with this reference, as [`except`](Self::except) does by an id: for operators, who do not
    /// know ids. The last call of the two counts.
    #[must_use]
    pub fn except_reference(mut self, reference: &'a SessionRef) -> Self {
        self.spared = Some(Spared::Reference(reference));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_are_bounded_and_hidden() {
        assert_eq!(UserId::new("").unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(UserId::new("x".repeat(2048)).is_ok());
        assert!(UserId::new("x".repeat(2049)).is_err());
        let user = SessionUser::new(UserId::new("alice").unwrap()).label("phone");
        assert!(!format!("{user:?}").contains("alice"));
    }

    #[test]
    fn long_labels_are_cut_between_characters() {
        let user = |label: &str| SessionUser::new(UserId::new("a").unwrap()).label(label);
        assert_eq!(user("").label, None);
        assert_eq!(user(&"é".repeat(200)).label.unwrap(), "é".repeat(128));
        assert_eq!(
            user(&format!("x{}", "é".repeat(200))).label.unwrap().len(),
            255
        );
    }

    #[test]
    fn a_user_key_is_read_as_it_is_shown() {
        let key = UserKey([7; 32]);
        assert_eq!(key.to_string().len(), 43);
        assert_eq!(key.to_string().parse::<UserKey>().unwrap(), key);
        assert!("x".parse::<UserKey>().is_err());
    }
}
