//! A session's data as one attribute value of its item.

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess};

use super::codec::Tag;
use super::codec::reader::{Attribute, Reading};
use super::codec::writer::{FieldSink, Writer};
use super::data::sealed::{Decode, Encode};
use super::error::{ItemError, ItemErrorKind};

/// The session's data, or why the item holds no session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored<T> {
    Session(T),
    Unreadable(Unreadable),
}

/// Why an item holds no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It has no attribute `session`. An `UpdateItem` of another program after a delete leaves such items.
    Absent,
    /// `session` is neither a map nor one of our own later layouts.
    NotAMap,
}

/// The result of writing a session's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrittenSession {
    /// The bytes it counts towards the item's size.
    pub(crate) size: usize,
    /// Whether it came as text from a language whose numbers are doubles.
    pub(crate) has_doubles: bool,
}

/// Appends session data as a map (`{"M":{…}}`). Anything else is an error, because it could not be read again.
///
/// On error nothing is appended. `limits` says whether `DynamoDB`'s limits are enforced. `sink` receives each field.
pub(super) fn write_map<'w, T: Encode + ?Sized>(
    session: &T,
    out: &'w mut Vec<u8>,
    limits: bool,
    sink: Option<&'w mut dyn FieldSink>,
) -> Result<WrittenSession, ItemError> {
    let start = out.len();
    let mut writer = Writer::new(out, limits);
    writer.sink = sink;
    let written = session.write_attribute(&mut writer);
    let Writer { out, size, .. } = writer;
    let written = written.and_then(|()| {
        if out[start..].starts_with(br#"{"M":"#) {
            Ok(WrittenSession {
                size,
                has_doubles: T::HAS_DOUBLES,
            })
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

/// Reads session data from the rest of an attribute value, whose type is `tag`.
pub(super) fn read_data<'de, T: Decode, A: MapAccess<'de>>(
    map: &mut A,
    tag: Tag,
    reading: &Reading,
) -> Result<T, A::Error> {
    struct Data<'c, T> {
        tag: Tag,
        reading: &'c Reading,
        of: PhantomData<T>,
    }
    impl<'de, T: Decode> DeserializeSeed<'de> for Data<'_, T> {
        type Value = T;

        fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<T, D::Error> {
            T::from_attribute(Attribute {
                input,
                tag: Some(self.tag),
                is_part: false,
                reading: self.reading,
            })
        }
    }
    let of = PhantomData;
    map.next_value_seed(Data { tag, reading, of })
}
