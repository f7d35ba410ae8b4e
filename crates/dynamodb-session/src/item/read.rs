//! Reading items out of answers.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::de::StrRead;

use super::attributes::{CREATED, GONE, REV, SEALED, SEEN, UNIT, USER_KEY};
use super::codec::number;
use super::codec::reader::{AttributeSeed, Reading};
use super::codec::{Tag, skip_fields, skip_rest, surrogate};
use super::data::sealed::Decode;
use super::expiry::{self, ExpiryAttributes};
use super::layout::Form;
use super::sealed::SealedItem;
use super::stored::{Stored, Unreadable};
use super::user::user_of_value;
use super::{ItemError, ItemErrorKind, Known, Layout, OwnKey, Rev, Version};
use crate::session::UserKey;

/// An item of an answer.
#[derive(Debug)]
pub(crate) struct StoredItem<T> {
    pub(crate) data: Stored<T>,
    /// When it expires, in milliseconds of the Unix epoch. `None` if no number says so.
    pub(crate) expires_ms: Option<u64>,
    /// When it was created, in milliseconds of the Unix epoch. Items of the legacy package do not say.
    pub(crate) created_ms: Option<u64>,
    /// Whether it is a tombstone: a session was here and has been deleted.
    pub(crate) is_gone: bool,
    /// Which state of the item it is.
    pub(crate) version: Version,
    /// Whether the data are where another package keeps them: see [`Layout`].
    pub(crate) is_foreign: bool,
    /// The data if they are sealed. `data` is then what stands in their place.
    pub(crate) sealed: Option<SealedItem>,
    /// Whose session it is, if it is a user's.
    pub(crate) user: Option<UserKey>,
    /// When it was last written, in seconds of the Unix epoch, if it is a user's.
    pub(crate) seen_secs: Option<u64>,
}

/// Reads the item of a response: its member `Item` or `Attributes`; `None` if it has no such member. An item with another
/// key is an error. An item without a key, as an update returns it, is not.
pub(crate) fn read_response<T: Decode>(
    response: &[u8],
    member: &str,
    key: OwnKey<'_>,
    expiry: &ExpiryAttributes<'_>,
    layout: Layout,
) -> Result<Option<StoredItem<T>>, ItemError> {
    fn read_as<T: Decode>(
        response: &[u8],
        member: &str,
        key: OwnKey<'_>,
        expiry: &ExpiryAttributes<'_>,
        layout: Layout,
    ) -> Result<Option<StoredItem<T>>, ItemError> {
        read(response, |input, reading| {
            let mut seed = ItemSeed::new(key.attribute, expiry, layout, reading);
            seed.key = Some(key);
            input.deserialize_map(Response { member, seed })
        })
    }
    read_as(response, member, key, expiry, layout).or_else(|error| {
        let item = read_as::<IgnoredAny>(response, member, key, expiry, layout);
        let item = item.ok().flatten().and_then(StoredItem::without_data);
        item.map(Some).ok_or(error)
    })
}

impl StoredItem<IgnoredAny> {
    /// The item, if it is a tombstone or sealed. What it has in place of a session need not be of the application's type.
    pub(super) fn without_data<T>(self) -> Option<StoredItem<T>> {
        (self.is_gone || self.sealed.is_some()).then_some(StoredItem {
            data: Stored::Unreadable(Unreadable::Absent),
            expires_ms: self.expires_ms,
            created_ms: self.created_ms,
            is_gone: self.is_gone,
            version: self.version,
            is_foreign: self.is_foreign,
            sealed: self.sealed,
            user: self.user,
            seen_secs: self.seen_secs,
        })
    }
}

/// Reads session data from an attribute value, and whether the type left out a part of it.
pub(super) fn read_value<T: Decode>(
    value: &str,
    form: Form,
) -> Result<(Stored<T>, bool), ItemError> {
    read(value.as_bytes(), |input, reading| {
        let attribute = SessionAttribute {
            form,
            is_foreign: false,
            reading,
            data: PhantomData,
        };
        Ok((input.deserialize_map(attribute)?, reading.has_skipped.get()))
    })
}

pub(super) type Input<'i, 'de> = &'i mut serde_json::Deserializer<StrRead<'de>>;

/// Reads all of `json`. Reads it a second time, in a slower way, if the first time shows the need.
pub(super) fn read<T>(
    json: &[u8],
    read: impl Fn(Input<'_, '_>, &Reading) -> Result<T, serde_json::Error>,
) -> Result<T, ItemError> {
    let reading = Reading {
        length: json.len(),
        keeps_digits: *number::IS_ARBITRARY,
        ..Reading::default()
    };
    let mut mended = None;
    loop {
        let was_exact = reading.exact.get();
        // The text is checked once as a whole, not string by string.
        let Ok(text) = str::from_utf8(mended.as_deref().unwrap_or(json)) else {
            return Err(ItemError::new(
                ItemErrorKind::Malformed,
                "not stored as it is to be read: it is not UTF-8",
            ));
        };
        let mut input = serde_json::Deserializer::from_str(text);
        let error = match read(&mut input, &reading).and_then(|value| input.end().map(|()| value)) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if reading.exact.get() && !was_exact {
            continue;
        }
        if mended.is_none() {
            mended = surrogate::mend(json);
            if mended.is_some() {
                continue;
            }
        }
        return Err(match reading.failure.get() {
            Some(ItemErrorKind::UnsupportedVersion(version)) => ItemError::new(
                ItemErrorKind::UnsupportedVersion(version),
                format!(
                    "the session is stored in layout version {version}, which this version of the package cannot read"
                ),
            ),
            Some(kind @ ItemErrorKind::OtherKey) => {
                ItemError::new(kind, "the answer is about another session")
            }
            Some(kind @ ItemErrorKind::NoKey) => {
                ItemError::new(kind, "its items have no attribute of this name")
            }
            Some(kind) => ItemError::new(kind, "the session is not stored as a map"),
            None => malformed(&error),
        });
    }
}

pub(super) fn malformed(error: &serde_json::Error) -> ItemError {
    ItemError::at(
        ItemErrorKind::Malformed,
        "not stored as it is to be read",
        error,
    )
}

struct Response<'m, S> {
    member: &'m str,
    seed: S,
}

impl<'de, T: Decode> Visitor<'de> for Response<'_, ItemSeed<'_, T>> {
    type Value = Option<StoredItem<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a response")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(is_item) = map.next_key_seed(NameIs([(self.member, ())]))? {
            if is_item.is_some() {
                let item = map.next_value_seed(self.seed)?;
                skip_fields(&mut map)?;
                return Ok(Some(item));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }
}

pub(super) struct ItemSeed<'a, T> {
    /// `None`: any item.
    key: Option<OwnKey<'a>>,
    partition_key: &'a str,
    expiry: &'a ExpiryAttributes<'a>,
    layout: Layout,
    reading: &'a Reading,
    data: PhantomData<T>,
}

impl<'a, T> ItemSeed<'a, T> {
    pub(super) fn new(
        partition_key: &'a str,
        expiry: &'a ExpiryAttributes<'a>,
        layout: Layout,
        reading: &'a Reading,
    ) -> Self {
        ItemSeed {
            key: None,
            partition_key,
            expiry,
            layout,
            reading,
            data: PhantomData,
        }
    }
}

impl<'de, T: Decode> DeserializeSeed<'de> for ItemSeed<'_, T> {
    type Value = StoredItem<T>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<StoredItem<T>, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de, T: Decode> Visitor<'de> for ItemSeed<'_, T> {
    type Value = StoredItem<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StoredItem<T>, A::Error> {
        let mut item = StoredItem {
            data: Stored::Unreadable(Unreadable::Absent),
            expires_ms: None,
            created_ms: None,
            is_gone: false,
            version: Version::UNVERSIONED,
            is_foreign: false,
            sealed: None,
            user: None,
            seen_secs: None,
        };
        let (mut sealed, mut unit) = (None, None);
        let mut foreign = None;
        let mut has_others = false;
        let foreign_attribute = self.layout.description().foreign;
        let names = NameIs([
            (self.layout.session_attribute(), Role::Session),
            (self.expiry.configured, Role::Expiry),
            (CREATED, Role::Created),
            (REV, Role::Rev),
            (GONE, Role::Gone),
            (SEALED, Role::Sealed),
            (UNIT, Role::Unit),
            (USER_KEY, Role::UserKey),
            (SEEN, Role::Seen),
            // No attribute has the empty name.
            (
                self.expiry.followed.as_deref().unwrap_or_default(),
                Role::Expiry,
            ),
            (
                foreign_attribute.map_or("", |foreign| foreign.name),
                Role::Foreign,
            ),
            (self.partition_key, Role::Key),
            (
                self.layout.marker().map_or("", |(name, _)| name),
                Role::Marker,
            ),
        ]);
        let data = |form, is_foreign| SessionAttribute {
            form,
            is_foreign,
            reading: self.reading,
            data: self.data,
        };
        while let Some(role) = map.next_key_seed(names)? {
            match (role, self.key, foreign_attribute) {
                (Some(Role::Key), Some(key), _) => {
                    if !map.next_value_seed(key)? {
                        return self.reading.fail(ItemErrorKind::OtherKey);
                    }
                }
                (Some(Role::Session), ..) => {
                    let form = Form::Written(self.layout.description().session.form);
                    item.data = map.next_value_seed(data(form, false))?;
                }
                (Some(Role::Foreign), _, Some(attribute)) => {
                    foreign = Some(map.next_value_seed(data(attribute.form, true))?);
                }
                (Some(Role::Expiry), ..) => {
                    let expires_ms = map
                        .next_value_seed(TextOf(Tag::N))?
                        .as_deref()
                        .and_then(expiry::parse_ms);
                    item.expires_ms = expiry::earlier(item.expires_ms, expires_ms);
                }
                // Any other value was not written by us, and counts as absent.
                (Some(Role::Created), ..) => {
                    item.created_ms = map
                        .next_value_seed(TextOf(Tag::N))?
                        .and_then(|text| text.parse().ok());
                }
                (Some(Role::Gone), ..) => {
                    map.next_value::<IgnoredAny>()?;
                    item.is_gone = true;
                }
                (Some(Role::Sealed), ..) => {
                    sealed = map.next_value_seed(TextOf(Tag::B))?;
                    has_others |= sealed.is_none();
                }
                (Some(Role::Unit), ..) => {
                    unit = Some(map.next_value_seed(TextOf(Tag::B))?);
                }
                // A write of the whole item has to carry it over, as it does attributes of others.
                (Some(Role::UserKey), ..) => {
                    let text = map.next_value_seed(TextOf(Tag::S))?;
                    item.user = text.as_deref().and_then(user_of_value);
                    has_others = true;
                }
                (Some(Role::Seen), ..) => {
                    item.seen_secs = map
                        .next_value_seed(TextOf(Tag::N))?
                        .and_then(|text| text.parse().ok());
                    has_others |= item.seen_secs.is_none();
                }
                // Another writer's: each write has to look at it first.
                (Some(Role::Rev), ..) => {
                    let rev = map.next_value_seed(TextOf(Tag::B))?;
                    let rev = rev.as_deref().and_then(Rev::from_base64);
                    item.version = rev.map_or(Version::UNKNOWN, Version::from);
                }
                (Some(Role::Marker), ..) | (Some(Role::Key), None, _) => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    has_others = true;
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let bytes = |base64: Option<String>| base64.and_then(|text| STANDARD.decode(text).ok());
        item.sealed = sealed.map(|sealed| SealedItem {
            session: bytes(Some(sealed)).unwrap_or_default(),
            unit: bytes(unit.take().flatten()).unwrap_or_default(),
            rev: item.version.rev(),
        });
        // Beside a session that is not sealed, it is another program's.
        item.version.has_others = has_others || unit.is_some();
        // What is written is the whole session, and this type would write a part.
        if self.reading.has_skipped.get() {
            item.version.known = Known::Nothing;
        }
        if let (Stored::Unreadable(_), Some(data @ Stored::Session(_))) = (&item.data, foreign) {
            item.data = data;
            item.is_foreign = true;
        }
        Ok(item)
    }
}

/// What an attribute of an item is.
#[derive(Clone, Copy)]
enum Role {
    Key,
    Session,
    /// The session in the attribute of another package.
    Foreign,
    Expiry,
    Created,
    Rev,
    Gone,
    Sealed,
    Unit,
    UserKey,
    Seen,
    /// The one that every item of the layout has beside the session's.
    Marker,
}

/// Finds the role of a field by its name.
#[derive(Clone, Copy)]
pub(super) struct NameIs<'n, R, const N: usize>(pub(super) [(&'n str, R); N]);

impl<'de, R: Copy, const N: usize> DeserializeSeed<'de> for NameIs<'_, R, N> {
    type Value = Option<R>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Option<R>, D::Error> {
        input.deserialize_str(self)
    }
}

impl<R: Copy, const N: usize> Visitor<'_> for NameIs<'_, R, N> {
    type Value = Option<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<R>, E> {
        let found = self.0.iter().find(|(candidate, _)| *candidate == name);
        Ok(found.map(|(_, role)| *role))
    }
}

/// The attribute value that holds a session's data.
struct SessionAttribute<'c, T> {
    form: Form,
    /// Whether it is the attribute of another package.
    is_foreign: bool,
    reading: &'c Reading,
    data: PhantomData<T>,
}

impl<'de, T: Decode> DeserializeSeed<'de> for SessionAttribute<'_, T> {
    type Value = Stored<T>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Stored<T>, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de, T: Decode> Visitor<'de> for SessionAttribute<'_, T> {
    type Value = Stored<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stored<T>, A::Error> {
        let reading = self.reading;
        let Some(tag) = map.next_key()? else {
            return Ok(Stored::Unreadable(Unreadable::NotAMap));
        };
        if let Some(data) = self.form.read(tag, &mut map, reading)? {
            return Ok(data);
        }
        if tag == Tag::B && !self.is_foreign {
            let seed = PhantomData::<Vec<u8>>;
            let tag = Some(tag);
            let bytes = map.next_value_seed(AttributeSeed { seed, tag, reading })?;
            let version = bytes.first().copied().unwrap_or_default();
            return reading.fail(ItemErrorKind::UnsupportedVersion(version));
        }
        skip_rest(&mut map)?;
        Ok(Stored::Unreadable(Unreadable::NotAMap))
    }
}

/// The text of an attribute value of this type, which JSON has as a string.
struct TextOf(Tag);

impl<'de> DeserializeSeed<'de> for TextOf {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Option<String>, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TextOf {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        match map.next_key::<Tag>()? {
            Some(tag) if tag == self.0 => map.next_value().map(Some),
            Some(_) => skip_rest(&mut map).map(|()| None),
            None => Ok(None),
        }
    }
}
