//! Attribute values and items, written and read.

mod items;
mod properties;
mod reading;
mod text;
mod writing;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::codec::reader::Attribute;
use super::codec::writer::Writer;
use super::data::sealed::{Decode, Encode};
use super::expiry::ExpiryAttributes;
use super::read::{ItemSeed, read};
use super::{ItemError, ItemErrorKind, Layout, OwnKey, SessionText, StoredItem};

pub(super) const KEY: OwnKey<'_> = OwnKey {
    attribute: "sessionId",
    value: "a\"b",
};

pub(super) fn read_attribute<T: Decode>(attribute: &[u8]) -> Result<T, ItemError> {
    read(attribute, |input, reading| {
        T::from_attribute(Attribute {
            input,
            tag: None,
            is_part: false,
            reading,
        })
    })
}

pub(super) fn read_item<T: Decode>(item: &[u8]) -> Result<StoredItem<T>, ItemError> {
    read(item, |input, reading| {
        ItemSeed::new("id", ExpiryAttributes::EXPIRES, Layout::Session, reading).deserialize(input)
    })
}

/// Appends any value as an attribute value; returns the bytes it counts towards the item's size.
pub(super) fn write_attribute<T: Encode + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<usize, ItemError> {
    let start = out.len();
    let mut writer = Writer::new(out, true);
    let written = value.write_attribute(&mut writer);
    let size = writer.size;
    if written.is_err() {
        out.truncate(start);
    }
    written.map(|()| size)
}

pub(super) fn write_session<T: Encode + ?Sized>(
    session: &T,
    out: &mut Vec<u8>,
) -> Result<usize, ItemError> {
    let written = Layout::Session.written_form().write(session, out, None);
    written.map(|written| written.size)
}

pub(super) fn written<T: Encode + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    write_attribute(value, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

pub(super) fn size<T: Encode + ?Sized>(value: &T) -> usize {
    write_attribute(value, &mut Vec::new()).unwrap()
}

pub(super) fn refused<T: Encode + ?Sized>(value: &T) -> (ItemErrorKind, String) {
    let mut out = b"before".to_vec();
    let error = write_attribute(value, &mut out).unwrap_err();
    assert_eq!(out, b"before", "a failed write leaves nothing behind");
    (error.kind, error.to_string())
}

pub(super) fn json_text(text: &str) -> SessionText {
    SessionText::Json(text.to_owned())
}

pub(super) fn attribute_text(text: &str) -> SessionText {
    SessionText::Attribute(text.to_owned())
}

pub(super) fn text_of(attribute: &str) -> Result<SessionText, ItemErrorKind> {
    read_attribute(attribute.as_bytes()).map_err(|error| error.kind)
}

pub(super) fn typed<T: Decode>(attribute: &str) -> T {
    read_attribute(attribute.as_bytes()).expect(attribute)
}

pub(super) fn unreadable<T: Decode + fmt::Debug>(attribute: &str) -> ItemError {
    read_attribute::<T>(attribute.as_bytes()).expect_err(attribute)
}

/// Bytes as serde knows them: a `Vec<u8>` is a sequence.
#[derive(Debug, PartialEq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wrapped(pub(super) u32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair(pub(super) u8, pub(super) String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Choice {
    Plain,
    One(i32),
    Two(bool, char),
    Named { x: Option<i8>, y: Vec<Choice> },
}
