//! Session data as text: JSON and attribute values turned into each other without a tree between them.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer};

use super::number::Number;
use super::transfer::{Body, Node, Source, Transfer};
use super::writer::Writer;
use super::{Shape, Tag, json, surrogate, write_json_string};
use crate::item::{ItemError, ItemErrorKind};

/// Appends the attribute value of what JSON text says.
pub(crate) fn write_json(text: &str, writer: &mut Writer<'_>) -> Result<(), ItemError> {
    let text = mended(text);
    // A map's types take about half as much again as its JSON.
    writer.out.reserve(text.len() * 3 / 2);
    json::transfer(&text, writer)
}

/// Appends an attribute value given as text, which is checked.
pub(crate) fn write_attribute(text: &str, writer: &mut Writer<'_>) -> Result<(), ItemError> {
    let text = mended(text);
    writer.out.reserve(text.len() * 3 / 2);
    given(&text, writer)
}

/// The same text without lone surrogates. `JSON.stringify` escapes them, and no string of Rust or `DynamoDB` can hold
/// them.
fn mended(text: &str) -> Cow<'_, str> {
    let escapes = text.contains("\\ud") || text.contains("\\uD");
    match escapes.then(|| surrogate::mend(text.as_bytes())).flatten() {
        Some(mended) => {
            Cow::Owned(String::from_utf8(mended).expect("escapes took the place of escapes"))
        }
        None => Cow::Borrowed(text),
    }
}

fn given(text: &str, writer: &mut Writer<'_>) -> Result<(), ItemError> {
    let mut transfer = Transfer::new(writer, Source::Given);
    let mut input = serde_json::Deserializer::from_str(text);
    let read = Node(&mut transfer)
        .deserialize(&mut input)
        .and_then(|()| input.end());
    let failure = transfer.failure.take();
    read.map_err(|error| {
        failure.unwrap_or_else(|| {
            ItemError::at(
                ItemErrorKind::InvalidText,
                "not the text of a session",
                &error,
            )
        })
    })
}

/// Reads an attribute value, or what follows its `tag`, into `sink`.
pub(crate) fn read<'de, D: Deserializer<'de>>(
    input: D,
    tag: Option<Tag>,
    sink: &mut impl Sink,
) -> Result<(), D::Error> {
    let mut transfer = Transfer::new(sink, Source::Stored);
    match tag {
        Some(tag) => Body {
            transfer: &mut transfer,
            tag,
        }
        .deserialize(input),
        None => Node(&mut transfer).deserialize(input),
    }
}

/// What takes a session piece by piece: an attribute value ([`Writer`]) or JSON ([`Json`]).
pub(crate) trait Sink {
    /// Everything written so far; field names stand in it as JSON strings.
    fn written(&self) -> &[u8];
    fn null(&mut self);
    fn boolean(&mut self, value: bool);
    /// A string, a number's text or base64, as `tag` says.
    fn scalar(&mut self, tag: Tag, text: &str) -> Result<(), ItemError>;
    /// The same as a member of a set.
    fn member(&mut self, tag: Tag, text: &str) -> Result<(), ItemError>;
    fn begin(&mut self, shape: Shape) -> Result<(), ItemError>;
    /// What comes before an element of a list or set.
    fn separate(&mut self, shape: Shape, first: bool);
    /// A field's name.
    fn field(&mut self, name: &str, first: bool) -> Result<(), ItemError>;
    /// What comes after a field's value.
    fn field_end(&mut self) {}
    fn end(&mut self, shape: Shape);
}

impl Sink for Writer<'_> {
    fn written(&self) -> &[u8] {
        self.out
    }

    fn null(&mut self) {
        self.null();
    }

    fn boolean(&mut self, value: bool) {
        self.boolean(value);
    }

    fn scalar(&mut self, tag: Tag, text: &str) -> Result<(), ItemError> {
        self.scalar(tag, text)
    }

    fn member(&mut self, tag: Tag, text: &str) -> Result<(), ItemError> {
        self.member(tag, text)
    }

    fn begin(&mut self, shape: Shape) -> Result<(), ItemError> {
        self.begin(shape)
    }

    fn separate(&mut self, shape: Shape, first: bool) {
        if shape == Shape::List {
            self.list_element(first);
        } else {
            self.set_member(first);
        }
    }

    fn field(&mut self, name: &str, first: bool) -> Result<(), ItemError> {
        self.field(name, first)
    }

    fn field_end(&mut self) {
        self.field_end();
    }

    fn end(&mut self, shape: Shape) {
        self.end(shape);
    }
}

/// JSON text being written.
pub(crate) struct Json {
    pub(crate) out: Vec<u8>,
    /// It met a value that JSON cannot express, and gave up.
    pub(crate) is_insufficient: bool,
}

impl Json {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Json {
            out: Vec::with_capacity(capacity),
            is_insufficient: false,
        }
    }

    fn give_up(&mut self) -> Result<(), ItemError> {
        self.is_insufficient = true;
        Err(ItemError::new(
            ItemErrorKind::Malformed,
            "a value JSON cannot express",
        ))
    }
}

impl Sink for Json {
    fn written(&self) -> &[u8] {
        &self.out
    }

    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    fn boolean(&mut self, value: bool) {
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn scalar(&mut self, tag: Tag, text: &str) -> Result<(), ItemError> {
        match tag {
            Tag::N => Number::parse(text)
                .ok_or_else(|| ItemError::new(ItemErrorKind::Malformed, "not a valid number"))?
                .write_json(&mut self.out),
            Tag::B => self.give_up()?,
            _ => write_json_string(text, &mut self.out),
        }
        Ok(())
    }

    fn member(&mut self, _: Tag, _: &str) -> Result<(), ItemError> {
        self.give_up()
    }

    fn begin(&mut self, shape: Shape) -> Result<(), ItemError> {
        match shape {
            Shape::Map => self.out.push(b'{'),
            Shape::List => self.out.push(b'['),
            Shape::Set(_) => self.give_up()?,
        }
        Ok(())
    }

    fn separate(&mut self, _: Shape, first: bool) {
        if !first {
            self.out.push(b',');
        }
    }

    fn field(&mut self, name: &str, first: bool) -> Result<(), ItemError> {
        self.separate(Shape::Map, first);
        write_json_string(name, &mut self.out);
        self.out.push(b':');
        Ok(())
    }

    fn end(&mut self, shape: Shape) {
        self.out.push(if shape == Shape::Map { b'}' } else { b']' });
    }
}
