//! What session data can be: any type that serde writes as a map, or text.

#![expect(
    private_interfaces,
    reason = "the traits are sealed: only this crate implements them and calls their methods"
)]

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::value::RawValue;

use super::codec::reader::Attribute;
use super::codec::text;
use super::codec::writer::Writer;
use super::{ItemError, ItemErrorKind};

/// Session data that can be stored: every [`Serialize`] type that becomes a map, and [`SessionText`].
///
/// The trait is sealed.
pub trait EncodeSession: sealed::Encode {}

impl<T: sealed::Encode + ?Sized> EncodeSession for T {}

/// Session data that can be loaded: every [`DeserializeOwned`] type, and [`SessionText`].
///
/// The trait is sealed.
pub trait DecodeSession: sealed::Decode {}

impl<T: sealed::Decode> DecodeSession for T {}

/// Session data as text, for adapters that hand sessions to another language without building a tree in Rust.
///
/// It is the data of a whole session. It cannot be a part of another type, so it implements neither `Serialize` nor
/// `Deserialize`.
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

pub(crate) mod sealed {
    use std::borrow::Cow;

    use serde::de::Deserializer;

    use crate::item::ItemError;
    use crate::item::codec::reader::Attribute;
    use crate::item::codec::writer::Writer;

    pub trait Encode {
        /// Whether the data come as text from a language whose numbers are doubles.
        const HAS_DOUBLES: bool;

        /// Appends the data as an attribute value.
        fn write_attribute(&self, writer: &mut Writer<'_>) -> Result<(), ItemError>;

        /// The data as JSON text.
        fn to_json(&self) -> Result<Cow<'_, str>, ItemError>;
    }

    pub trait Decode: Sized {
        /// Reads the data from an attribute value.
        fn from_attribute<'de, D: Deserializer<'de>>(
            attribute: Attribute<'_, D>,
        ) -> Result<Self, D::Error>;

        /// Reads the data from JSON text. `readable` is the same text with no lone surrogates, which `serde_json`
        /// refuses.
        fn from_json(text: &str, readable: &str) -> Result<Self, serde_json::Error>;
    }
}

// Coherence allows a blanket implementation beside those for `SessionText` and references to it: only this crate could
// make it a serde type, and it does not.
impl<T: Serialize + ?Sized> sealed::Encode for T {
    const HAS_DOUBLES: bool = false;

    fn write_attribute(&self, writer: &mut Writer<'_>) -> Result<(), ItemError> {
        self.serialize(writer)
    }

    fn to_json(&self) -> Result<Cow<'_, str>, ItemError> {
        // The error may quote a value.
        let text = serde_json::to_string(self).map_err(|_| not_json())?;
        Ok(Cow::Owned(text))
    }
}

impl sealed::Encode for SessionText {
    const HAS_DOUBLES: bool = true;

    fn write_attribute(&self, writer: &mut Writer<'_>) -> Result<(), ItemError> {
        let start = writer.out.len();
        match self {
            Self::Json(text) => text::write_json(text, writer)?,
            Self::Attribute(text) => text::write_attribute(text, writer)?,
        }
        if writer.out[start..].starts_with(br#"{"M":"#) {
            Ok(())
        } else {
            let message = "session data must be a map";
            Err(ItemError::new(ItemErrorKind::NotAMap, message))
        }
    }

    fn to_json(&self) -> Result<Cow<'_, str>, ItemError> {
        let Self::Json(text) = self else {
            return Err(not_json());
        };
        let json: &RawValue = serde_json::from_str(text).map_err(|_| not_json())?;
        Ok(Cow::Borrowed(json.get()))
    }
}

impl sealed::Encode for &SessionText {
    const HAS_DOUBLES: bool = true;

    fn write_attribute(&self, writer: &mut Writer<'_>) -> Result<(), ItemError> {
        (**self).write_attribute(writer)
    }

    fn to_json(&self) -> Result<Cow<'_, str>, ItemError> {
        (**self).to_json()
    }
}

fn not_json() -> ItemError {
    ItemError::new(
        ItemErrorKind::Unserializable,
        "cannot be written as JSON text, which holds no binary data and no sets",
    )
}

impl<T: DeserializeOwned> sealed::Decode for T {
    fn from_attribute<'de, D: Deserializer<'de>>(
        attribute: Attribute<'_, D>,
    ) -> Result<Self, D::Error> {
        T::deserialize(attribute)
    }

    fn from_json(_: &str, readable: &str) -> Result<Self, serde_json::Error> {
        T::deserialize(&mut serde_json::Deserializer::from_str(readable))
    }
}

impl sealed::Decode for SessionText {
    fn from_attribute<'de, D: Deserializer<'de>>(
        attribute: Attribute<'_, D>,
    ) -> Result<Self, D::Error> {
        let Attribute {
            input,
            tag,
            reading,
            ..
        } = attribute;
        if reading.exact.get() {
            let mut out = Vec::new();
            text::read(input, tag, &mut Writer::new(&mut out, false))?;
            reading.require_map(out.starts_with(br#"{"M":"#))?;
            return String::from_utf8(out)
                .map(Self::Attribute)
                .map_err(D::Error::custom);
        }
        let mut json = text::Json::with_capacity(reading.length);
        let read = text::read(input, tag, &mut json);
        reading.exact.set(json.is_insufficient);
        read?;
        reading.require_map(json.out.starts_with(b"{"))?;
        String::from_utf8(json.out)
            .map(Self::Json)
            .map_err(D::Error::custom)
    }

    fn from_json(text: &str, _: &str) -> Result<Self, serde_json::Error> {
        Ok(Self::Json(text.to_owned()))
    }
}
