//! Session data as text: JSON and attribute values turned into each other without a tree between them.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

use super::number::Number;
use super::serialize::Writer;
use super::transfer::{Body, Node, Source, Transfer};
use super::{ItemError, ItemErrorKind, Shape, Tag, json, surrogate, write_json_string};

/// The name of the newtype struct as which [`SessionText`] asks to be read.
pub(super) const SESSION_TEXT: &str = "$dynamodb_session::SessionText";

thread_local! {
    /// What is being made of a session's text on this thread: no serializer but this crate's may see it.
    pub(super) static TARGET: Cell<Option<Form>> = const { Cell::new(None) };
}

/// Session data as text, for faces that hand sessions to another language without building a tree in Rust.
///
/// It can stand for session data wherever this crate reads or writes them. Its `Serialize` and `Deserialize` are for
/// this crate's codec alone; other formats get an error.
#[derive(Clone, PartialEq, Eq)]
pub enum SessionText {
    /// JSON: every value in it is one JSON can express.
    Json(String),
    /// A `DynamoDB` attribute value (`{"M":{…}}`): it holds binary or set values, which JSON cannot express.
    Attribute(String),
}

/// Shows which text it is and its length, never the text.
impl fmt::Debug for SessionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, text) = match self {
            SessionText::Json(text) => ("Json", text),
            SessionText::Attribute(text) => ("Attribute", text),
        };
        write!(f, "{name}({} bytes)", text.len())
    }
}

/// Which of the two texts a newtype struct hands over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Attribute,
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Form::Json => "$dynamodb_session::SessionText::Json",
            Form::Attribute => "$dynamodb_session::SessionText::Attribute",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        [Form::Json, Form::Attribute]
            .into_iter()
            .find(|form| form.name() == name)
    }
}

impl Serialize for SessionText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (form, text) = match self {
            SessionText::Json(text) => (Form::Json, text),
            SessionText::Attribute(text) => (Form::Attribute, text),
        };
        serializer.serialize_newtype_struct(form.name(), &Handover(form, text))
    }
}

struct Handover<'a>(Form, &'a str);

impl Serialize for Handover<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(form, text) = *self;
        match TARGET.get() {
            Some(Form::Attribute) => serializer.serialize_str(text),
            Some(Form::Json) if form == Form::Json => serde_json::from_str::<&RawValue>(text)
                .map_err(|_| S::Error::custom("not JSON"))?
                .serialize(serializer),
            Some(Form::Json) => Err(S::Error::custom("more than JSON can express")),
            None => Err(S::Error::custom(ONLY_HERE)),
        }
    }
}

const ONLY_HERE: &str = "SessionText is only for the codec of dynamodb-session";

impl<'de> de::Deserialize<'de> for SessionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SESSION_TEXT, SessionTextVisitor)
    }
}

/// This crate's deserializer hands over JSON as a string and an attribute value as bytes.
struct SessionTextVisitor;

impl<'de> de::Visitor<'de> for SessionTextVisitor {
    type Value = SessionText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session's attribute value")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<SessionText, E> {
        Err(E::custom(ONLY_HERE))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<SessionText, E> {
        Ok(SessionText::Json(text))
    }

    fn visit_byte_buf<E: de::Error>(self, text: Vec<u8>) -> Result<SessionText, E> {
        String::from_utf8(text)
            .map(SessionText::Attribute)
            .map_err(E::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<SessionText, D::Error> {
        Err(de::Error::custom(ONLY_HERE))
    }
}

/// Writes a session's text as an attribute value.
pub(super) fn write(form: Form, text: &str, writer: &mut Writer<'_>) -> Result<(), ItemError> {
    let start = writer.out.len();
    let is_session = writer.depth == 0;
    // JSON.stringify escapes lone surrogates, which no string of Rust or DynamoDB can hold.
    let escapes = text.contains("\\ud") || text.contains("\\uD");
    let mended = escapes.then(|| surrogate::mend(text.as_bytes())).flatten();
    let text = match &mended {
        Some(mended) => str::from_utf8(mended).expect("escapes took the place of escapes"),
        None => text,
    };
    // A map's types take about half as much again as its JSON.
    writer.out.reserve(text.len() * 3 / 2);
    match form {
        Form::Json => json::transfer(text, writer)?,
        Form::Attribute => given(text, writer)?,
    }
    if is_session && !writer.out[start..].starts_with(br#"{"M":"#) {
        return Err(ItemError::new(
            ItemErrorKind::NotAMap,
            "session data must be a map",
        ));
    }
    Ok(())
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

/// Session data as the text of a JSON object: a [`SessionText`]'s own, or what `serde_json` makes of any other type.
pub(super) fn json_text<T: Serialize + ?Sized>(session: &T) -> Result<String, ItemError> {
    TARGET.set(Some(Form::Json));
    let text = serde_json::to_string(session);
    TARGET.set(None);
    // What went wrong may quote a value.
    let text = text.map_err(|_| {
        ItemError::new(
            ItemErrorKind::Unserializable,
            "cannot be written as JSON text, which holds no binary data and no sets",
        )
    })?;
    if text.starts_with('{') {
        Ok(text)
    } else {
        Err(ItemError::new(
            ItemErrorKind::NotAMap,
            "session data must be a map",
        ))
    }
}

/// Reads an attribute value, or what follows its `tag`, into `sink`.
pub(super) fn read<'de, D: Deserializer<'de>>(
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
pub(super) trait Sink {
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
pub(super) struct Json {
    pub(super) out: Vec<u8>,
    /// It met a value that JSON cannot express, and gave up.
    pub(super) overtaxed: bool,
}

impl Json {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Json {
            out: Vec::with_capacity(capacity),
            overtaxed: false,
        }
    }

    fn give_up(&mut self) -> Result<(), ItemError> {
        self.overtaxed = true;
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
                .ok_or_else(|| ItemError::new(ItemErrorKind::Malformed, "a number that is none"))?
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
