//! A session in sealed attributes: `sealed` has its data, and `unit` its expiry unit, so that a touch can write that
//! alone. In the place of the session is what every version of every package takes for no session.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::changes::{json_string, map_of};
use super::codec::{text, writer::Writer};
use super::data::sealed::Decode;
use super::layout::Form;
use super::read::read_value;
use super::{ItemError, ItemErrorKind, Known, Rev, StoredItem};
use crate::framework::{ExpiryField, Framework};
use crate::seal::{
    self, Binding, EncryptionKey, KeyId, KeyRing, MAX_INFLATED, Part, Seal, SealError, Sealing,
};

/// The attribute value of a map without fields.
const EMPTY_MAP: &str = r#"{"M":{}}"#;

/// The bytes that a write capacity unit pays for.
const UNIT_BYTES: usize = 1024;

/// The sealed attributes of an item, as they were read.
#[derive(Debug)]
pub(crate) struct SealedItem {
    pub(super) session: Vec<u8>,
    /// Empty if the item has none.
    pub(super) unit: Vec<u8>,
    pub(super) rev: Option<Rev>,
}

/// A session that was opened.
pub(crate) struct Opened {
    /// Its attribute value, with the expiry unit.
    pub(crate) value: String,
    pub(crate) seal: Seal,
    /// Whether the expiry unit has fields.
    pub(crate) has_unit: bool,
    /// The attribute value of the expiry unit.
    unit: String,
}

/// A session about to be written in sealed attributes.
pub(crate) struct SealedSession {
    /// The attribute values, in base64.
    pub(crate) session: String,
    pub(crate) unit: String,
    pub(crate) seal: Seal,
    pub(crate) has_unit: bool,
    /// The bytes that both count towards the item's size.
    pub(crate) size: usize,
    /// The write capacity units that compression saves.
    pub(crate) units_saved: usize,
}

/// The bytes of an item's attributes beside the session's data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Others {
    /// Where the data are plain.
    pub(crate) plain: usize,
    /// Where they are sealed, with what stands in their place.
    pub(crate) sealed: usize,
}

/// The item that a session is sealed for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) context: &'a str,
    pub(crate) key: &'a str,
    pub(crate) created_ms: u64,
    pub(crate) expires_secs: u64,
}

impl Place<'_> {
    fn session<'a>(&'a self, rev: &'a [u8]) -> Binding<'a> {
        self.binding(Part::Session { rev })
    }

    fn unit(&self) -> Binding<'_> {
        self.binding(Part::Unit {
            expires_secs: self.expires_secs,
        })
    }

    fn binding<'a>(&'a self, part: Part<'a>) -> Binding<'a> {
        Binding {
            context: self.context,
            key: self.key,
            created_ms: self.created_ms,
            part,
        }
    }
}

impl SealedItem {
    /// The key that the session was encrypted with, if it was.
    pub(crate) fn key(&self) -> Option<KeyId> {
        seal::head_of(&self.session)?.key
    }

    /// The same of the expiry unit: a touch encrypts that alone, perhaps with a later key.
    fn key_of_unit(&self) -> Option<KeyId> {
        seal::head_of(&self.unit)?.key
    }

    pub(crate) fn open(&self, place: &Place<'_>, sealing: &Sealing) -> Result<Opened, ItemError> {
        let ring = sealing.ring();
        if sealing.keys.is_none() && self.key().is_some() {
            let message = "the session is encrypted, and the store has no key: set `encryption`";
            return Err(ItemError::new(ItemErrorKind::UnknownKey, message));
        }
        let rev = self.rev.map(Rev::to_bytes).unwrap_or_default();
        let session = open(self.session.clone(), &ring, &place.session(&rev))?;
        // Otherwise, who writes to the table could give the session another expiry.
        if self.key().is_some() != self.key_of_unit().is_some() {
            return Err(damaged());
        }
        let unit = open(self.unit.clone(), &ring, &place.unit())?;
        let (session, unit) = (text_of(session)?, text_of(unit)?);
        let has_unit = unit != EMPTY_MAP;
        Ok(Opened {
            value: joined(session, &unit).ok_or_else(damaged)?,
            seal: if self.key().is_some() {
                Seal::Encrypted
            } else {
                Seal::Compressed
            },
            has_unit,
            unit,
        })
    }
}

impl Opened {
    /// A framework whose fields are those of the expiry unit: with it, they are sealed by themselves again.
    pub(super) fn expiry_unit(&self) -> Framework {
        let fields = map_of(&self.unit).unwrap_or_default();
        let fields = fields.into_iter();
        fields.fold(Framework::new(), |framework, (name, _)| {
            framework.expiry_field(ExpiryField::instant(name))
        })
    }
}

impl<T> StoredItem<T> {
    /// The keys that the session and its expiry unit were encrypted with, if they were.
    pub(crate) fn sealing_keys(&self) -> [Option<KeyId>; 2] {
        let sealed = self.sealed.as_ref();
        sealed.map_or([None; 2], |sealed| [sealed.key(), sealed.key_of_unit()])
    }

    /// The sealed data, opened; `None` if they are not sealed. Encrypted data of another session are an error, and so are
    /// plain data where the store refuses them.
    pub(super) fn opened(&self, key: &str, sealing: &Sealing) -> Result<Option<Opened>, ItemError> {
        let opened = match &self.sealed {
            None => None,
            Some(sealed) => {
                let place = Place {
                    context: &sealing.context,
                    key,
                    created_ms: self.created_ms.unwrap_or_default(),
                    expires_secs: self.expires_ms.unwrap_or_default().div_ceil(1000),
                };
                Some(sealed.open(&place, sealing)?)
            }
        };
        let is_encrypted = opened
            .as_ref()
            .is_some_and(|opened| opened.seal == Seal::Encrypted);
        if sealing.refuses_plain() && !is_encrypted && !self.is_gone {
            let message = "the session is not encrypted, and the store accepts only encrypted ones";
            return Err(ItemError::new(ItemErrorKind::Plaintext, message));
        }
        Ok(opened)
    }
}

impl<T: Decode> StoredItem<T> {
    /// The item with its data opened, if they are sealed.
    pub(crate) fn open(mut self, key: &str, sealing: &Sealing) -> Result<Self, ItemError> {
        let Some(opened) = self.opened(key, sealing)? else {
            return Ok(self);
        };
        let (data, has_skipped) = read_value(&opened.value, Form::of(&opened.value))?;
        self.data = data;
        let rev = self.sealed.as_ref().and_then(|sealed| sealed.rev);
        let rev = rev.filter(|_| !has_skipped);
        self.version.known = rev.map_or(Known::Nothing, Known::Rev);
        self.version.seal = opened.seal;
        self.version.has_unit = opened.has_unit;
        Ok(self)
    }
}

/// Seals a session with this attribute value. `None` if it need not be encrypted, and compression saves no capacity.
pub(crate) fn seal_session(
    value: &str,
    framework: &Framework,
    place: &Place<'_>,
    rev: Rev,
    sealing: &Sealing,
    others: Others,
) -> Result<Option<SealedSession>, ItemError> {
    let key = key_to_seal_with(sealing)?;
    let key = key.as_ref();
    let (session, unit) = split(value, framework);
    let pad = sealing.pad;
    let has_unit = unit.is_some();
    let unit = unit.as_deref().unwrap_or(EMPTY_MAP);
    let unit_size = seal::size_of(unit.len(), key.is_some(), pad);
    let size_with = |data: usize| seal::size_of(data, key.is_some(), pad) + unit_size;
    let mut units_saved = 0;
    let compressed = if sealing.compress && others.sealed + value.len() > UNIT_BYTES {
        let uncompressed = if key.is_some() {
            others.sealed + size_with(session.len())
        } else {
            others.plain + size_of(value).unwrap_or(value.len())
        };
        let compressed = seal::compress(session.as_bytes());
        let size = others.sealed + size_with(compressed.len());
        let units = |size: usize| size.div_ceil(UNIT_BYTES);
        units_saved = units(uncompressed).saturating_sub(units(size));
        Some(compressed).filter(|_| units_saved > 0)
    } else {
        None
    };
    if key.is_none() && compressed.is_none() {
        return Ok(None);
    }
    if session.len() > MAX_INFLATED {
        let length = session.len();
        let message = format!("the session has {length} bytes; at most {MAX_INFLATED} are sealed");
        return Err(ItemError::new(ItemErrorKind::TooLarge, message));
    }
    let data = compressed.as_deref().unwrap_or(session.as_bytes());
    let rev = rev.to_bytes();
    let sealed = seal::seal(data, compressed.is_some(), key, pad, &place.session(&rev));
    let unit = seal::seal(unit.as_bytes(), false, key, pad, &place.unit());
    Ok(Some(SealedSession {
        size: sealed.len() + unit.len(),
        session: STANDARD.encode(sealed),
        unit: STANDARD.encode(unit),
        seal: if key.is_some() {
            Seal::Encrypted
        } else {
            Seal::Compressed
        },
        has_unit,
        units_saved,
    }))
}

/// Seals an expiry unit by itself: fields with their values, the names as JSON strings. In base64.
pub(crate) fn seal_unit(
    fields: &[(String, Option<Cow<'_, str>>)],
    place: &Place<'_>,
    sealing: &Sealing,
) -> Result<String, ItemError> {
    let key = key_to_seal_with(sealing)?;
    let mut members = Members::default();
    for (name, value) in fields {
        if let Some(value) = value {
            members.push(name, value);
        }
    }
    let unit = members.into_map();
    let binding = place.unit();
    let sealed = seal::seal(unit.as_bytes(), false, key.as_ref(), sealing.pad, &binding);
    Ok(STANDARD.encode(sealed))
}

/// The key that encrypts what is written now; `None` if the store does not encrypt. One that encrypts writes nothing
/// without a key.
pub(crate) fn key_to_seal_with(sealing: &Sealing) -> Result<Option<EncryptionKey>, ItemError> {
    if !sealing.encrypts() {
        return Ok(None);
    }
    let key = sealing.ring().first().cloned();
    key.map(Some).ok_or_else(|| {
        let message = "the store encrypts sessions, and has no key by now";
        ItemError::new(ItemErrorKind::UnknownKey, message)
    })
}

/// The bytes that an attribute value counts towards the item's size.
pub(crate) fn size_of(value: &str) -> Option<usize> {
    let mut out = Vec::with_capacity(value.len());
    let mut writer = Writer::new(&mut out, false);
    text::write_attribute(value, &mut writer).ok()?;
    Some(writer.size)
}

fn open(envelope: Vec<u8>, ring: &KeyRing, binding: &Binding<'_>) -> Result<Vec<u8>, ItemError> {
    seal::open(envelope, ring, binding).map_err(|error| match error {
        SealError::Version(version) => ItemError::new(
            ItemErrorKind::UnsupportedVersion(version),
            "a later version of the package sealed the session",
        ),
        SealError::UnknownKey(id) => ItemError::new(
            ItemErrorKind::UnknownKey,
            format!("the session is sealed with the key {id}, which the store does not have"),
        ),
        SealError::Damaged => damaged(),
    })
}

fn damaged() -> ItemError {
    let message = "the sealed session cannot be opened: it was changed or moved in the table, or sealed with another key \
         of the same id, or in another context";
    ItemError::new(ItemErrorKind::Damaged, message)
}

fn text_of(data: Vec<u8>) -> Result<String, ItemError> {
    String::from_utf8(data).map_err(|_| damaged())
}

/// The members of a map under construction.
#[derive(Default)]
struct Members(String);

impl Members {
    /// The name is a JSON string.
    fn push(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        for part in [name, ":", value] {
            self.0.push_str(part);
        }
    }

    fn into_map(self) -> String {
        format!(r#"{{"M":{{{}}}}}"#, self.0)
    }
}

/// The attribute value of a session without its expiry unit, and that of the unit if it has fields. One string cannot
/// be split.
fn split<'a>(value: &'a str, framework: &Framework) -> (Cow<'a, str>, Option<String>) {
    let names = framework.expiry();
    let is_of_unit = |name: &str| names.iter().any(|field| field.name == name);
    let whole = (Cow::Borrowed(value), None);
    if names.is_empty() {
        return whole;
    }
    let Some(fields) = map_of(value) else {
        return whole;
    };
    let (mut session, mut unit) = (Members::default(), Members::default());
    for (name, value) in fields {
        let part = if is_of_unit(&name) {
            &mut unit
        } else {
            &mut session
        };
        part.push(&json_string(&name), value.get());
    }
    if unit.0.is_empty() {
        return whole;
    }
    (Cow::Owned(session.into_map()), Some(unit.into_map()))
}

/// The reverse of [`split`]; `None` if they cannot be joined.
fn joined(mut session: String, unit: &str) -> Option<String> {
    if unit == EMPTY_MAP {
        return Some(session);
    }
    let members = unit.strip_prefix(r#"{"M":{"#)?;
    let is_empty = session == EMPTY_MAP;
    if !session.starts_with(r#"{"M":{"#) || !session.ends_with("}}") {
        return None;
    }
    session.truncate(session.len() - 2);
    if !is_empty {
        session.push(',');
    }
    session.push_str(members);
    Some(session)
}
