//! The one place that knows how a session is stored.
//!
//! An item is `{ <partition key>: S id, <TTL attribute>: N epoch seconds, "session": M …, "created": N epoch ms }`, which
//! is the layout of the JavaScript package this project replaces and `created`, which that package ignores. Session
//! data become an attribute value the way its document client did it: structs and maps are M, sequences L, strings S,
//! numbers N, bytes B. So tables need no migration, and both packages can serve one table.
//!
//! The codec streams. Writing is a serde `Serializer` that appends `DynamoDB` JSON to the request's bytes
//! ([`Layout::write_session`]); reading is a `Deserializer` over the response's ([`read_item`]). [`SessionText`] takes the same
//! road for callers in another language: their JSON is carried over piece by piece. Nobody builds a tree, because a
//! tree costs more than all the rest of a request's work.
//!
//! What `DynamoDB` would refuse is refused here, by a path into the session, before anything is sent:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>

mod changes;
mod compound;
mod deserialize;
mod error;
mod json;
mod layout;
mod name;
mod number;
mod own;
mod page;
mod serialize;
mod surrogate;
#[cfg(test)]
mod tests;
mod text;
mod transfer;
mod variant;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor,
};
use serde::{Deserialize, Serialize};
use serde_json::de::StrRead;

use deserialize::{AttributeSeed, Reading};
use serialize::{FieldSink, Writer};

pub(crate) use changes::{Changes, FieldAt, size_of_item, write_fields};
pub(crate) use error::{ItemError, ItemErrorKind};
pub use layout::Layout;
pub(crate) use own::OwnKey;
pub(crate) use page::{Scanned, ScannedItem, unprocessed};
pub use text::SessionText;

/// The attribute that holds the session's data.
pub(crate) const SESSION: &str = "session";
/// The attribute that holds when the session was created, in milliseconds of the Unix epoch.
pub(crate) const CREATED: &str = "created";

/// An item as it was found.
#[derive(Debug)]
pub(crate) struct StoredItem<T> {
    pub(crate) data: Stored<T>,
    /// When it expires, in milliseconds of the Unix epoch. `None` if no number says so.
    pub(crate) expires_ms: Option<u64>,
    /// When it was created, in milliseconds of the Unix epoch. Items of the legacy package do not say.
    pub(crate) created_ms: Option<u64>,
    /// Whether the data are where another package keeps them: see [`Layout`].
    pub(crate) is_foreign: bool,
}

/// The session's data, if the item holds any.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored<T> {
    Session(T),
    Unreadable(Unreadable),
}

/// Why an item holds no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It has no attribute `session`: an `UpdateItem` after a delete leaves such items.
    Absent,
    /// `session` is neither a map nor one of our own later layouts.
    NotAMap,
}

/// The types of attribute values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "UPPERCASE")]
enum Tag {
    S,
    N,
    B,
    Bool,
    Null,
    M,
    L,
    Ss,
    Ns,
    Bs,
    #[serde(other)]
    Unknown,
}

/// What holds other values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Map,
    List,
    /// A set, by the type of its members.
    Set(Tag),
}

/// What was written of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrittenSession {
    /// The bytes it counts towards the item's size.
    pub(crate) size: usize,
    /// Whether it came as a [`SessionText`], so from a language whose numbers are doubles.
    pub(crate) from_text: bool,
}

/// Appends session data as a map (`{"M":{…}}`), which they must be: anything else would be unreadable once stored.
///
/// On error nothing is appended. `limits` says whether what `DynamoDB` would refuse is refused here. `told` hears of
/// each field.
fn write_session_map<'w, T: Serialize + ?Sized>(
    session: &T,
    out: &'w mut Vec<u8>,
    limits: bool,
    told: Option<&'w mut dyn FieldSink>,
) -> Result<WrittenSession, ItemError> {
    let start = out.len();
    let mut writer = Writer::new(out, limits);
    writer.told = told;
    let written = session.serialize(&mut writer);
    let Writer {
        out,
        size,
        from_text,
        ..
    } = writer;
    let written = written.and_then(|()| {
        if out[start..].starts_with(br#"{"M":"#) {
            Ok(WrittenSession { size, from_text })
        } else {
            Err(ItemError::new(
                ItemErrorKind::NotAMap,
                "session data must be a map",
            ))
        }
    });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

const EMPTY_FIELD_NAME: &str = "an empty field name, which DynamoDB refuses";

/// Appends `{"S":"…"}`; returns the bytes it counts towards the item's size.
pub(crate) fn write_str_attribute(value: &str, out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(br#"{"S":"#);
    write_json_string(value, out);
    out.push(b'}');
    value.len()
}

/// Appends a JSON string, quotes included.
pub(crate) fn write_json_string(value: &str, out: &mut Vec<u8>) {
    if json::needs_escape(value) {
        serde_json::to_writer(out, value).expect("strings are JSON, and a Vec takes every byte");
    } else {
        write_plain_string(value, out);
    }
}

/// Appends a JSON string in which nothing has to be escaped.
fn write_plain_string(value: &str, out: &mut Vec<u8>) {
    out.reserve(value.len() + 2);
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

/// The size `DynamoDB` charges for an item, in bytes, from its attributes' names and sizes of values.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
pub(crate) fn item_size<'a>(attributes: impl IntoIterator<Item = (&'a str, usize)>) -> usize {
    attributes
        .into_iter()
        .map(|(name, size)| name.len() + size)
        .sum()
}

/// Reads the item out of a whole response, where it is the member `Item` or `Attributes`; `None` if there is none.
/// One with another key is an error; one without a key, as an update returns it, is not.
pub(crate) fn read_response<T: DeserializeOwned>(
    response: &[u8],
    member: &str,
    key: OwnKey<'_>,
    ttl_attribute: &str,
    layout: Layout,
) -> Result<Option<StoredItem<T>>, ItemError> {
    read(response, |input, reading| {
        let mut seed = ItemSeed::new(ttl_attribute, layout, reading);
        seed.key = Some(key);
        input.deserialize_map(Response { member, seed })
    })
}

type Input<'i, 'de> = &'i mut serde_json::Deserializer<StrRead<'de>>;

/// Reads all of `json`; a second time if the first shows that it takes the slower way.
fn read<T>(
    json: &[u8],
    read: impl Fn(Input<'_, '_>, &Reading) -> Result<T, serde_json::Error>,
) -> Result<T, ItemError> {
    let reading = Reading {
        length: json.len(),
        ..Reading::default()
    };
    let mut mended = None;
    loop {
        let was_exact = reading.exact.get();
        // Text is looked at once, not string by string.
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
            Some(kind) => ItemError::new(kind, "the session is not stored as a map"),
            None => malformed(&error),
        });
    }
}

fn malformed(error: &serde_json::Error) -> ItemError {
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

impl<'de, T: DeserializeOwned> Visitor<'de> for Response<'_, ItemSeed<'_, T>> {
    type Value = Option<StoredItem<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a response")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(is_item) = map.next_key_seed(NameIs([self.member]))? {
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

struct ItemSeed<'a, T> {
    /// Without one it is any item.
    key: Option<OwnKey<'a>>,
    ttl_attribute: &'a str,
    layout: Layout,
    reading: &'a Reading,
    data: PhantomData<T>,
}

impl<'a, T> ItemSeed<'a, T> {
    fn new(ttl_attribute: &'a str, layout: Layout, reading: &'a Reading) -> Self {
        ItemSeed {
            key: None,
            ttl_attribute,
            layout,
            reading,
            data: PhantomData,
        }
    }
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for ItemSeed<'_, T> {
    type Value = StoredItem<T>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<StoredItem<T>, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for ItemSeed<'_, T> {
    type Value = StoredItem<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StoredItem<T>, A::Error> {
        let mut item = StoredItem {
            data: Stored::Unreadable(Unreadable::Absent),
            expires_ms: None,
            created_ms: None,
            is_foreign: false,
        };
        let mut foreign = None;
        let names = [
            self.layout.session_attribute(),
            self.ttl_attribute,
            CREATED,
            // No attribute has the empty name.
            self.layout.foreign_attribute().unwrap_or_default(),
            self.key.map_or("", |key| key.attribute),
        ];
        while let Some(name) = map.next_key_seed(NameIs(names))? {
            match (name, self.key) {
                (Some(4), Some(key)) => {
                    if !map.next_value_seed(key)? {
                        return self.reading.fail(ItemErrorKind::OtherKey);
                    }
                }
                (Some(0), _) => {
                    item.data = map.next_value_seed(SessionAttribute {
                        layout: self.layout,
                        is_foreign: false,
                        reading: self.reading,
                        data: self.data,
                    })?;
                }
                (Some(3), _) => {
                    foreign = Some(map.next_value_seed(SessionAttribute {
                        layout: self.layout,
                        is_foreign: true,
                        reading: self.reading,
                        data: self.data,
                    })?);
                }
                (Some(1), _) => {
                    item.expires_ms = map
                        .next_value_seed(NumberAttribute)?
                        .as_deref()
                        .and_then(expiry_ms);
                }
                // What is no such integer was not written by us, and is as good as absent.
                (Some(_), _) => {
                    item.created_ms = map
                        .next_value_seed(NumberAttribute)?
                        .and_then(|text| text.parse().ok());
                }
                (None, _) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let (Stored::Unreadable(_), Some(data @ Stored::Session(_))) = (&item.data, foreign) {
            item.data = data;
            item.is_foreign = true;
        }
        Ok(item)
    }
}

/// An expiry as this package and its predecessors wrote it: seconds, seconds with a fraction, or milliseconds.
fn expiry_ms(text: &str) -> Option<u64> {
    number::Number::parse(text)?;
    let value: f64 = text.parse().ok()?;
    // As seconds, this is the year 5138.
    let millis = if value > 1e11 { value } else { value * 1000.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates: long ago is the epoch, and absurdly late is late enough"
    )]
    let millis = millis.round() as u64;
    Some(millis)
}

/// Which of some names a field has.
struct NameIs<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for NameIs<'_, N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Option<usize>, D::Error> {
        input.deserialize_str(self)
    }
}

impl<const N: usize> Visitor<'_> for NameIs<'_, N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}

/// Passes over a field's value, its name having been read, and all other fields.
fn skip_rest<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>()?;
    skip_fields(map)
}

fn skip_fields<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// The attribute value that holds a session's data.
struct SessionAttribute<'c, T> {
    layout: Layout,
    /// Whether it is the other package's.
    is_foreign: bool,
    reading: &'c Reading,
    data: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for SessionAttribute<'_, T> {
    type Value = Stored<T>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Stored<T>, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for SessionAttribute<'_, T> {
    type Value = Stored<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stored<T>, A::Error> {
        let tag = map.next_key()?;
        let reading = self.reading;
        let is_bytes = self.is_foreign && self.layout == Layout::TowerSessionsDynamodbStore;
        match tag {
            Some(Tag::S) if self.layout.is_text() => {
                let text: String = map.next_value()?;
                match layout::read_json_text(&text) {
                    Some(data) => data.map(Stored::Session).map_err(A::Error::custom),
                    None => Ok(Stored::Unreadable(Unreadable::NotAMap)),
                }
            }
            Some(found)
                if found == if is_bytes { Tag::B } else { Tag::M } && !self.layout.is_text() =>
            {
                let seed = self.data;
                map.next_value_seed(AttributeSeed { seed, tag, reading })
                    .map(Stored::Session)
            }
            Some(Tag::B) if !self.is_foreign => {
                let seed = PhantomData::<Vec<u8>>;
                let bytes = map.next_value_seed(AttributeSeed { seed, tag, reading })?;
                let version = bytes.first().copied().unwrap_or_default();
                reading.fail(ItemErrorKind::UnsupportedVersion(version))
            }
            Some(_) => {
                skip_rest(&mut map)?;
                Ok(Stored::Unreadable(Unreadable::NotAMap))
            }
            None => Ok(Stored::Unreadable(Unreadable::NotAMap)),
        }
    }
}

/// The text of an attribute value that is a number.
struct NumberAttribute;

impl<'de> DeserializeSeed<'de> for NumberAttribute {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Option<String>, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for NumberAttribute {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        match map.next_key()? {
            Some(Tag::N) => map.next_value().map(Some),
            Some(_) => skip_rest(&mut map).map(|()| None),
            None => Ok(None),
        }
    }
}
