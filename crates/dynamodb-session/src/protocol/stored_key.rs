//! The keys that the item of a session can have.
//!
//! A key is the prefix and the id, or the prefix and a hash of the id. While a table changes from one to the other, a
//! session can have either key: that of new sessions, or the other one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use super::Inner;
use super::data_keys::DATA_KEY;
use super::save::Save;
use super::write::Outcome;
use crate::error::{Error, ErrorKind};
use crate::item::Version;
use crate::item::attributes::USER_ITEM;
use crate::options::HashIds;
use crate::session::{MAX_ID_BYTES, SessionId, too_long};

/// What a key with a hash begins with, after the prefix.
const HASHED: &str = "h1.";

/// What the keys of other items than sessions begin with, after the prefix: hashed ids, data keys, users. If an id could
/// begin so, a stolen hash would open its session, and a session could be put in the place of another item.
const RESERVED: [&str; 3] = [HASHED, DATA_KEY, USER_ITEM];

/// Keeps a hash of an id from being one that something else has a use for.
const LABEL: &[u8] = b"dynamodb-session/id/1\0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyForm {
    Id,
    Hash,
}

impl HashIds {
    /// The form of the keys of new sessions, and the one that other sessions may have.
    fn forms(self) -> (KeyForm, Option<KeyForm>) {
        match self {
            Self::Off => (KeyForm::Id, None),
            Self::Read => (KeyForm::Id, Some(KeyForm::Hash)),
            Self::On => (KeyForm::Hash, Some(KeyForm::Id)),
            Self::Only => (KeyForm::Hash, None),
        }
    }
}

impl Inner {
    /// The key of a new session. An error if no session can have this id.
    pub(crate) fn key(&self, id: &SessionId) -> Result<String, Error> {
        let (form, _) = self.table.hash_ids.forms();
        self.key_as(form, id)
    }

    /// The key of a session in this state.
    pub(crate) fn key_in(&self, id: &SessionId, version: Version) -> Result<String, Error> {
        let (new, other) = self.forms(id);
        let other = other.filter(|_| version.has_other_key);
        self.key_as(other.unwrap_or(new), id)
    }

    /// The key that a session can have instead of that of this state.
    pub(super) fn other_key(&self, id: &SessionId, version: Version) -> Option<String> {
        let (new, other) = self.forms(id);
        let other = other?;
        let form = if version.has_other_key { new } else { other };
        self.key_as(form, id).ok()
    }

    /// The keys under which a session with this id is looked for, one after the other, and whether each is the other
    /// one.
    pub(crate) fn keys(&self, id: &SessionId) -> impl DoubleEndedIterator<Item = (String, bool)> {
        let (new, other) = self.forms(id);
        let forms = [Some((new, false)), other.map(|other| (other, true))];
        let keys = forms.into_iter().flatten();
        // Reserved, or longer than any key in the table.
        keys.filter_map(|(form, other)| Some((self.key_as(form, id).ok()?, other)))
    }

    /// The id of a session that was found under this key, or the key in its place, and whether it is the other key.
    pub(super) fn listed(&self, key: &str) -> Option<(SessionId, bool)> {
        let text = key.strip_prefix(&self.table.prefix)?;
        let id = SessionId::new(text).ok()?;
        let (new, other) = self.table.hash_ids.forms();
        Some(
            // A session can have a reserved key from before it was reserved. No id leads to it.
            if is_reserved(text) || new == KeyForm::Hash && other.is_none() {
                (id.as_key(), false)
            } else {
                (id, new == KeyForm::Hash)
            },
        )
    }

    /// The form of the key that a new session with this id has, and the one that another session can have.
    fn forms(&self, id: &SessionId) -> (KeyForm, Option<KeyForm>) {
        let (new, other) = self.table.hash_ids.forms();
        (new, other.filter(|_| !id.is_key()))
    }

    fn key_as(&self, form: KeyForm, id: &SessionId) -> Result<String, Error> {
        let prefix = &self.table.prefix;
        let key = if id.is_key() {
            format!("{prefix}{}", id.as_str())
        } else if is_reserved(id.as_str()) {
            return Err(reserved());
        } else if form == KeyForm::Id {
            format!("{prefix}{}", id.as_str())
        } else {
            format!("{prefix}{HASHED}{}", hash_of(id.as_str()))
        };
        if key.len() > MAX_ID_BYTES {
            Err(too_long())
        } else {
            Ok(key)
        }
    }

    /// What came of a guarded write: of the same write under the session's other key, if there was no session under the
    /// one where it was loaded. It may have been moved since.
    pub(super) async fn under_either_key(
        &self,
        save: &Save<'_>,
        id: &SessionId,
        version: Version,
        outcome: Outcome,
    ) -> Result<Outcome, Error> {
        let is_other = version.has_other_key;
        let Err(gone) = outcome else {
            return Ok(at_key(is_other, outcome));
        };
        let Some(key) = self.other_key(id, version) else {
            return Ok(outcome);
        };
        let save = Save { key: &key, ..*save };
        // In line, it would make the future of every save larger.
        let outcome = Box::pin(self.save_moved(&save, gone)).await?;
        Ok(at_key(!is_other, outcome))
    }
}

/// The outcome of a write to the other key of a session, or to that of new sessions.
pub(super) fn at_key(is_other: bool, outcome: Outcome) -> Outcome {
    outcome.map(|mut stamp| {
        stamp.version.has_other_key = is_other;
        stamp
    })
}

/// Whether no session has this id: see [`RESERVED`].
fn is_reserved(id: &str) -> bool {
    RESERVED.iter().any(|start| id.starts_with(start))
}

/// Whether a key, without the prefix, is that of an item that holds no session.
pub(super) fn is_other_item(key: &str) -> bool {
    key.starts_with(DATA_KEY) || key.starts_with(USER_ITEM)
}

/// The id by which the item with this key, without the prefix, is found: the key itself, where the id is hashed in it.
pub(super) fn stored_id(key: SessionId) -> SessionId {
    if key.as_str().starts_with(HASHED) {
        key.as_key()
    } else {
        key
    }
}

fn hash_of(id: &str) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(LABEL);
    hash.update(id.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finish())
}

fn reserved() -> Error {
    let starts = RESERVED.join(", ");
    let message = format!("the session id is reserved: it begins with one of {starts}");
    Error::new(ErrorKind::InvalidId, message)
}
