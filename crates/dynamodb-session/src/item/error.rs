//! What goes wrong between a session and its stored form.

use std::fmt;

use serde::Deserialize;
use serde_json::error::Category;

/// Why data cannot be stored, or what is stored cannot be read.
///
/// Says where, as a path of field names when writing and as a position when reading; never shows a value.
#[derive(Debug)]
pub(crate) struct ItemError {
    pub(crate) kind: ItemErrorKind,
    /// The way from the session's root, collected while the error returns to it.
    path: String,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemErrorKind {
    /// A number that `DynamoDB` cannot hold.
    NumberRange,
    /// More levels of maps and lists than `DynamoDB` holds.
    TooDeep,
    /// An empty field name, at any depth.
    EmptyFieldName,
    /// Session data that are no map.
    NotAMap,
    /// A [`SessionText`](super::SessionText) that is not what it says.
    InvalidText,
    /// The session is stored in a later layout, of this version.
    UnsupportedVersion(u8),
    /// Data that have no form as an attribute value, or that refuse to be serialized.
    Unserializable,
    /// The item has no attribute of the partition key's name.
    NoKey,
    /// The item has another key than the one asked for.
    OtherKey,
    /// The session is sealed with a key that is not known.
    UnknownKey,
    /// The sealed session is not as it was written.
    Damaged,
    /// The session is not encrypted, and only encrypted ones are accepted.
    Plaintext,
    /// There is more than is ever sealed.
    TooLarge,
    /// What is stored is not what it is read as.
    Malformed,
}

/// Characters of a field's name that are shown: visitors can have a say in names.
const SHOWN: usize = 50;

impl ItemError {
    pub(crate) fn new(kind: ItemErrorKind, message: impl Into<String>) -> Self {
        ItemError {
            kind,
            path: String::new(),
            message: message.into(),
        }
    }

    /// Takes but the place from an error of `serde_json`, whose text may quote a value.
    pub(crate) fn at(kind: ItemErrorKind, message: &str, error: &serde_json::Error) -> Self {
        let problem = match error.classify() {
            Category::Syntax => "a syntax error",
            Category::Eof => "an early end",
            Category::Data | Category::Io => "something unexpected",
        };
        let (line, column) = (error.line(), error.column());
        ItemError::new(
            kind,
            format!("{message}: {problem} at line {line} column {column}"),
        )
    }

    pub(crate) fn in_element(mut self, index: usize) -> Self {
        self.path.insert_str(0, &format!("[{index}]"));
        self
    }

    pub(crate) fn in_field(mut self, name: &str) -> Self {
        let shortened;
        let name = match name.char_indices().nth(SHOWN) {
            Some((end, _)) => {
                shortened = format!("{}…", &name[..end]);
                &shortened
            }
            None => name,
        };
        let mut characters = name.chars();
        let plain = characters
            .next()
            .is_some_and(|first| first.is_alphabetic() || first == '_' || first == '$')
            && characters.all(|next| next.is_alphanumeric() || next == '_' || next == '$');
        let step = if plain {
            format!(".{name}")
        } else {
            format!("[{name:?}]")
        };
        self.path.insert_str(0, &step);
        self
    }

    /// [`in_field`](Self::in_field) for the name that starts, as a JSON string, at this place of what was written.
    pub(crate) fn in_field_at(self, written: &[u8], at: usize) -> Self {
        let mut input = serde_json::Deserializer::from_slice(&written[at..]);
        match String::deserialize(&mut input) {
            Ok(name) => self.in_field(&name),
            Err(_) => self,
        }
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "session{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ItemError {}

impl serde::ser::Error for ItemError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        ItemError::new(ItemErrorKind::Unserializable, message.to_string())
    }
}
