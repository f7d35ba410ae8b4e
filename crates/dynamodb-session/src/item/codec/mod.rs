//! Session data as `DynamoDB` JSON: attribute values written and read without a tree in between.
//!
//! * Writing: [`writer`] is a serde `Serializer` that appends attribute values to bytes.
//! * Reading: [`reader`] is a serde `Deserializer` over an answer's bytes.
//! * Text: [`text`] turns JSON text and attribute values into each other, for callers in another language.

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

mod compound;
pub(crate) mod json;
mod name;
pub(crate) mod number;
pub(crate) mod reader;
pub(crate) mod surrogate;
pub(crate) mod text;
mod transfer;
mod variant;
pub(crate) mod writer;

/// The types of attribute values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "UPPERCASE")]
pub(crate) enum Tag {
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
pub(crate) enum Shape {
    Map,
    List,
    /// A set, by the type of its members.
    Set(Tag),
}

pub(crate) const EMPTY_FIELD_NAME: &str = "an empty field name, which DynamoDB refuses";

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
pub(crate) fn write_plain_string(value: &str, out: &mut Vec<u8>) {
    out.reserve(value.len() + 2);
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

/// Passes over a field's value, its name having been read, and all other fields.
pub(crate) fn skip_rest<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>()?;
    skip_fields(map)
}

pub(crate) fn skip_fields<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}
