//! The layouts of items that other packages wrote, beside our own.

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde_json::value::RawValue;

use super::serialize::FieldSink;
use super::text::{SESSION_TEXT, json_text};
use super::{
    FieldAt, ItemError, ItemErrorKind, SESSION, WrittenSession, surrogate, write_json_string,
    write_session_map,
};

/// How a session lies in its item.
///
/// The names of table, partition key, TTL attribute and the prefix of ids are settings of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// `session` (M): the layout of `koa-session-dynamodb-store`.
    #[default]
    Session,
    /// `sess` (S, JSON text) and `type` (S, `connect-session`): read and written as `connect-dynamodb` does.
    ///
    /// The session is one string, so it is always written whole: parallel requests overwrite each other.
    ConnectDynamodb,
    /// As [`Session`](Self::Session), and an item without it is read from `sess` (M), where `dynamodb-store` keeps it.
    DynamodbStore,
    /// As [`Session`](Self::Session), and an item without it is read from `data` (B), where the Rust crate
    /// `tower-sessions-dynamodb-store` keeps it. The session data's type is given the bytes.
    TowerSessionsDynamodbStore,
}

impl Layout {
    /// The attribute that holds the session's data.
    pub(crate) fn session_attribute(self) -> &'static str {
        match self {
            Self::ConnectDynamodb => "sess",
            _ => SESSION,
        }
    }

    /// The attribute where the other package keeps them, gone with the first write of ours.
    pub(crate) fn foreign_attribute(self) -> Option<&'static str> {
        match self {
            Self::DynamodbStore => Some("sess"),
            Self::TowerSessionsDynamodbStore => Some("data"),
            _ => None,
        }
    }

    /// An attribute every item has beside the session's, and its string.
    pub(crate) fn marker(self) -> Option<(&'static str, &'static str)> {
        (self == Self::ConnectDynamodb).then_some(("type", "connect-session"))
    }

    /// Whether the session's data are one string, so that its fields cannot be written one by one.
    pub(crate) fn is_text(self) -> bool {
        self == Self::ConnectDynamodb
    }

    /// Appends session data as the attribute value of [`session_attribute`](Self::session_attribute); where that is a
    /// map, `fields` is told where its fields are.
    pub(crate) fn write_session<T: Serialize + ?Sized>(
        self,
        session: &T,
        out: &mut Vec<u8>,
        fields: Option<&mut Vec<FieldAt>>,
    ) -> Result<WrittenSession, ItemError> {
        if !self.is_text() {
            let told = fields.map(|fields| fields as &mut dyn FieldSink);
            return write_session_map(session, out, true, told);
        }
        let text = json_text(session)?;
        if levels(&text) > MAX_LEVELS {
            let message = format!("more than {MAX_LEVELS} levels of maps and lists");
            return Err(ItemError::new(ItemErrorKind::TooDeep, message));
        }
        out.extend_from_slice(br#"{"S":"#);
        write_json_string(&text, out);
        out.push(b'}');
        Ok(WrittenSession {
            size: text.len(),
            from_text: true,
        })
    }
}

/// The most levels of maps and lists in a session that is JSON text: what `serde_json` reads of it as well.
const MAX_LEVELS: usize = 127;

/// How deep the maps and lists of JSON text are.
fn levels(json: &str) -> usize {
    let (mut level, mut deepest) = (0, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_string => level -= 1,
            _ => {}
        }
    }
    deepest
}

/// Session data that are stored as JSON text; `None` when the text is no JSON object.
pub(super) fn read_json_text<T: DeserializeOwned>(
    text: &str,
) -> Option<Result<T, serde_json::Error>> {
    // Its strings are not looked into: JavaScript's may hold escapes of lone surrogates.
    let json: &RawValue = serde_json::from_str(text).ok()?;
    let is_object = json.get().starts_with('{');
    let mended = surrogate::mend(text.as_bytes());
    let readable = match &mended {
        Some(mended) => str::from_utf8(mended).expect("escapes took the place of escapes"),
        None => text,
    };
    is_object.then(|| T::deserialize(JsonText { text, readable }))
}

/// Hands a [`SessionText`](super::SessionText) the text as it is, and everyone else what it says.
struct JsonText<'a> {
    text: &'a str,
    /// The same with no lone surrogates, which `serde_json` refuses.
    readable: &'a str,
}

impl<'de> Deserializer<'de> for JsonText<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        serde_json::Deserializer::from_str(self.readable).deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if name == SESSION_TEXT {
            // JavaScript would read them all, and overflow its stack when it writes them.
            if levels(self.text) > MAX_LEVELS {
                return Err(de::Error::custom("too deep"));
            }
            return visitor.visit_string(self.text.to_owned());
        }
        serde_json::Deserializer::from_str(self.readable).deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        serde_json::Deserializer::from_str(self.readable).deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}
