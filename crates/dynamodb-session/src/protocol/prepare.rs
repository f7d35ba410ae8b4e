//! What a write needs, prepared before anything is sent: the session in the form it is stored in, and when it ends.

use std::time::SystemTime;

use super::save::undecodable;
use super::sealing::check_item_size;
use super::user_change::UserChange;
use super::{Inner, from_epoch_ms};
use crate::clock::epoch_ms;
use crate::error::{Error, ErrorKind};
use crate::item::{
    AttributeChange, EncodeSession, EncodedSession, ItemError, ItemErrorKind, expiry,
    size_of_changes,
};
use crate::request::Operation;
use crate::session::{Attribute, GivenUser, NewSession, SaveOptions, Stamp, UserKey};
use crate::table::name;

/// The largest item DynamoDB stores, attribute names included.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(super) const MAX_ITEM_BYTES: usize = 409_600;

/// A session without fields.
#[derive(serde::Serialize)]
pub(super) struct NoFields {}

/// A session that is ready to be written.
#[derive(Clone)]
pub(super) struct PreparedWrite {
    pub(super) key: String,
    pub(super) session: EncodedSession,
    pub(super) expires_secs: u64,
    pub(super) created: SystemTime,
    /// Whether its expiry is a limit: that of its absolute lifetime, or one that the call says.
    pub(super) is_limit: bool,
    /// What is wanted beside the session.
    pub(super) beside: Vec<AttributeChange>,
    pub(super) owner: Owner,
    pub(super) user: UserChange,
}

/// Whose session it is that a write meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// This user's, or nobody's, when it was loaded.
    Loaded(Option<UserKey>),
    /// The write replaces a session that was not loaded.
    Unknown,
}

/// What a call wants of a write, beside the session's data.
#[derive(Clone, Copy, Default)]
pub(super) struct WriteOptions<'a> {
    pub(super) expires_at: Option<SystemTime>,
    pub(super) is_limit: bool,
    pub(super) attributes: &'a [Attribute],
    pub(super) user: GivenUser<'a>,
}

/// How a prepared session is going to be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Put,
    /// It is put, or merged into the session that is there.
    PutOrUpdate,
    Update,
}

impl PreparedWrite {
    pub(super) fn stamp(&self, created: Option<SystemTime>) -> Stamp {
        Stamp::new(created, expiry::from_secs(self.expires_secs))
    }

    /// Whether the call changes something beside the session.
    pub(super) fn changes_beside(&self) -> bool {
        self.beside.iter().any(|attribute| attribute.is_changed)
    }

    /// Whether the session becomes a user's.
    pub(super) fn becomes_users(&self) -> bool {
        matches!(self.user, UserChange::Becomes(_))
    }

    /// Whether the item can get attributes beside the session from it.
    pub(super) fn sets_beside(&self) -> bool {
        self.beside
            .iter()
            .any(|attribute| attribute.value.is_some())
    }
}

impl<'a> From<&'a SaveOptions<'_>> for WriteOptions<'a> {
    fn from(options: &'a SaveOptions<'_>) -> Self {
        Self {
            expires_at: options.expires_at,
            is_limit: options.is_limit,
            attributes: &options.attributes,
            user: options.user,
        }
    }
}

/// What a new session says of its user.
fn user_of<T>(new: &NewSession<T>) -> GivenUser<'_> {
    let user = new.user.as_ref();
    user.map_or(GivenUser::Unstated, GivenUser::User)
}

impl<'a, T> From<&'a NewSession<T>> for WriteOptions<'a> {
    fn from(new: &'a NewSession<T>) -> Self {
        Self {
            expires_at: new.expires_at,
            is_limit: false,
            attributes: &new.attributes,
            user: user_of(new),
        }
    }
}

impl Inner {
    /// A write that changes no field of the session with this key.
    pub(super) fn unchanged(
        &self,
        key: &str,
        expires_at: SystemTime,
        created: Option<SystemTime>,
    ) -> Result<PreparedWrite, Error> {
        let session = EncodedSession::encode(self.written_form(), &NoFields {}, true)
            .map_err(|error| undecodable(&error).on(Operation::UpdateItem, &self.table.name))?;
        let (created, expires_secs, is_capped) = self.life(Some(expires_at), created);
        Ok(PreparedWrite {
            key: key.to_owned(),
            session,
            expires_secs,
            created,
            is_limit: is_capped,
            beside: Vec::new(),
            owner: Owner::Loaded(None),
            user: UserChange::Keeps,
        })
    }

    /// The `created` and the expiry, in seconds, of a session that is written now. Without a `created`, the session is
    /// created now.
    fn life(
        &self,
        expires_at: Option<SystemTime>,
        created: Option<SystemTime>,
    ) -> (SystemTime, u64, bool) {
        let now = self.clock.now();
        let expires_at = expires_at.unwrap_or_else(|| self.default_expiry(now));
        // As it is stored, so that an item that was met can be compared with it.
        let created = created.unwrap_or_else(|| from_epoch_ms(epoch_ms(now)));
        let secs = self.expiry_secs(expires_at, Some(created));
        (created, secs, secs < expiry::to_secs(expires_at))
    }

    /// Whether the session ends before it is written.
    pub(super) fn is_over(&self, write: &PreparedWrite) -> bool {
        expiry::from_secs(write.expires_secs) <= self.clock.now()
    }

    pub(super) fn default_expiry(&self, now: SystemTime) -> SystemTime {
        // A TTL beyond the range of the clock means the latest expiry.
        now.checked_add(self.table.default_ttl)
            .unwrap_or_else(|| expiry::from_secs(expiry::LATEST_SECS))
    }

    /// The attributes that a call wants beside the session.
    fn beside(&self, attributes: &[Attribute]) -> Result<Vec<AttributeChange>, Error> {
        if attributes.is_empty() {
            return Ok(Vec::new());
        }
        let changes = attributes.iter().map(|attribute| {
            self.check_beside(&attribute.name)?;
            attribute.to_change()
        });
        changes.collect()
    }

    /// Whether an application can have an attribute of this name beside the session.
    pub(crate) fn check_beside(&self, name: &str) -> Result<(), Error> {
        let expiry = self.expiry_attributes();
        let is_taken = name == self.table.partition_key
            || expiry.iter().any(|taken| taken == name)
            || self.table.layout.attributes().any(|taken| taken == name);
        name::check_beside(name, is_taken)
    }

    /// Does everything that can fail before a request is sent.
    pub(super) fn prepare<T: EncodeSession>(
        &self,
        purpose: Use,
        key: Result<String, Error>,
        data: &T,
        options: WriteOptions<'_>,
        created: Option<SystemTime>,
    ) -> Result<PreparedWrite, Error> {
        let prepared = || {
            let key = key?;
            let (created, expires_secs, is_capped) = self.life(options.expires_at, created);
            let beside = self.beside(options.attributes)?;
            let session = EncodedSession::encode(self.written_form(), data, purpose != Use::Put)
                .map_err(|error| invalid_data(&error))?;
            // The size of sealed data is known when they are sealed.
            if !self.sealing.encrypts() && !self.sealing.compress {
                let others = self.size_of_others(&key) + size_of_changes(&beside);
                check_item_size(others + session.size)?;
            }
            Ok(PreparedWrite {
                key,
                session,
                expires_secs,
                created,
                is_limit: is_capped || options.is_limit,
                beside,
                owner: Owner::Loaded(None),
                user: UserChange::Keeps,
            })
        };
        let operation = if purpose == Use::Update {
            Operation::UpdateItem
        } else {
            Operation::PutItem
        };
        prepared().map_err(|error: Error| error.on(operation, &self.table.name))
    }
}

fn invalid_data(error: &ItemError) -> Error {
    match error.kind {
        ItemErrorKind::UnsupportedVersion(_) | ItemErrorKind::Malformed => undecodable(error),
        _ => Error::new(ErrorKind::InvalidData, error.to_string()),
    }
}
