//! Carrying JSON text over into an attribute value, piece by piece.
//!
//! `serde_json` would hand out numbers without their text and look at each byte of a string several times.

use std::borrow::Cow;

use memchr::memchr2;
use serde::de::IgnoredAny;

use super::number::{Number, Refusal};
use super::writer::Writer;
use super::{Shape, Tag};
use crate::item::{ItemError, ItemErrorKind};

/// As deep as `serde_json` reads, which has to read what is stored.
pub(crate) const MAX_LEVELS: usize = 127;

/// The most digits `DynamoDB` holds.
const MAX_DIGITS: usize = 38;

/// Appends the attribute value of what this JSON text says.
pub(crate) fn transfer(text: &str, writer: &mut Writer<'_>) -> Result<(), ItemError> {
    let mut reader = Reader {
        text,
        at: 0,
        levels: 0,
        writer,
    };
    let read = reader.value().and_then(|()| match reader.peek() {
        None => Ok(()),
        Some(_) => Err(Failure::Syntax),
    });
    read.map_err(|failure| match failure {
        Failure::Refused(error) => error,
        Failure::Syntax => not_json(text),
    })
}

/// How deep the maps and lists of JSON text are.
pub(crate) fn levels(json: &str) -> usize {
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

/// Whether a JSON string has to escape a byte of this.
pub(crate) fn needs_escape(text: &str) -> bool {
    plain_length(text.as_bytes()) < text.len()
}

/// How many bytes there are before one that ends a JSON string or has to be escaped in it.
fn plain_length(bytes: &[u8]) -> usize {
    const CHUNK: usize = 32;
    let is_special = |byte: &u8| IS_SPECIAL[usize::from(*byte)];
    // Most strings are short. In longer ones a chunk is looked at at a time.
    let mut at = bytes.len().min(CHUNK);
    if let Some(found) = bytes[..at].iter().position(is_special) {
        return found;
    }
    while let Some(chunk) = bytes.get(at..at + CHUNK) {
        let found = chunk.iter().fold(0, |found, &byte| {
            found | u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\')
        });
        if found != 0 {
            break;
        }
        at += CHUNK;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

static IS_SPECIAL: [bool; 256] = {
    let mut is_special = [false; 256];
    let mut control = 0;
    while control < b' ' {
        is_special[control as usize] = true;
        control += 1;
    }
    is_special[b'"' as usize] = true;
    is_special[b'\\' as usize] = true;
    is_special
};

enum Failure {
    Syntax,
    Refused(ItemError),
}

impl Failure {
    fn located(self, step: impl FnOnce(ItemError) -> ItemError) -> Self {
        match self {
            Self::Syntax => Self::Syntax,
            Self::Refused(error) => Self::Refused(step(error)),
        }
    }
}

impl From<ItemError> for Failure {
    fn from(error: ItemError) -> Self {
        Self::Refused(error)
    }
}

/// `serde_json` says where text stops to be JSON.
fn not_json(text: &str) -> ItemError {
    const MESSAGE: &str = "not the text of a session";
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => ItemError::at(ItemErrorKind::InvalidText, MESSAGE, &error),
        Ok(IgnoredAny) => ItemError::new(ItemErrorKind::InvalidText, MESSAGE),
    }
}

struct Reader<'t, 'w, 'o> {
    text: &'t str,
    at: usize,
    /// Open maps and lists.
    levels: usize,
    writer: &'w mut Writer<'o>,
}

impl<'t> Reader<'t, '_, '_> {
    /// The next byte that is no white space, where the reader then stands.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Passes over this byte, if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(Failure::Syntax)
        }
    }

    fn value(&mut self) -> Result<(), Failure> {
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                let is_plain = matches!(text, Cow::Borrowed(_));
                self.writer.string(&text, is_plain);
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'{') => self.map()?,
            Some(b'[') => self.list()?,
            _ => {
                let rest = &self.text.as_bytes()[self.at..];
                if rest.starts_with(b"null") {
                    self.at += 4;
                    self.writer.null();
                } else if rest.starts_with(b"true") {
                    self.at += 4;
                    self.writer.boolean(true);
                } else if rest.starts_with(b"false") {
                    self.at += 5;
                    self.writer.boolean(false);
                } else {
                    return Err(Failure::Syntax);
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, shape: Shape) -> Result<(), Failure> {
        self.at += 1;
        self.levels += 1;
        if self.levels > MAX_LEVELS {
            return Err(Failure::Syntax);
        }
        Ok(self.writer.begin(shape)?)
    }

    fn end(&mut self, shape: Shape) {
        self.levels -= 1;
        self.writer.end(shape);
    }

    fn map(&mut self) -> Result<(), Failure> {
        self.begin(Shape::Map)?;
        let mut first = true;
        if !self.take(b'}') {
            loop {
                // Twice the same name goes on to DynamoDB: JSON.stringify writes none.
                let name = self.string()?;
                let is_plain = matches!(name, Cow::Borrowed(_));
                self.writer.field_named(&name, is_plain, first)?;
                self.expect(b':')?;
                self.value()
                    .map_err(|failure| failure.located(|error| error.in_field(&name)))?;
                self.writer.field_end();
                first = false;
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b'}')?;
        }
        self.end(Shape::Map);
        Ok(())
    }

    fn list(&mut self) -> Result<(), Failure> {
        self.begin(Shape::List)?;
        let mut index = 0;
        if !self.take(b']') {
            loop {
                self.writer.list_element(index == 0);
                self.value()
                    .map_err(|failure| failure.located(|error| error.in_element(index)))?;
                index += 1;
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b']')?;
        }
        self.end(Shape::List);
        Ok(())
    }

    /// What a string says: a piece of the text, which can be written as it is, if it needs no escape.
    fn string(&mut self) -> Result<Cow<'t, str>, Failure> {
        self.expect(b'"')?;
        let (text, start) = (self.text, self.at);
        let bytes = text.as_bytes();
        let mut end = start + plain_length(&bytes[start..]);
        if bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&text[start..end]));
        }
        // It has escapes, or characters that would have to be.
        loop {
            let rest = bytes.get(end..).ok_or(Failure::Syntax)?;
            end += memchr2(b'"', b'\\', rest).ok_or(Failure::Syntax)?;
            if bytes[end] == b'"' {
                break;
            }
            // What is escaped may be a quote.
            end += 2;
        }
        self.at = end + 1;
        let decoded = serde_json::from_str(&text[start - 1..=end]);
        decoded.map(Cow::Owned).map_err(|_| Failure::Syntax)
    }

    /// Keeps the number's text, unless it has more digits than `DynamoDB` holds: then the shortest text of the double
    /// it stands for takes its place.
    fn number(&mut self) -> Result<(), Failure> {
        let rest = &self.text[self.at..];
        let in_number = |byte: u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().take_while(|byte| in_number(*byte)).count();
        self.at += length;
        let text = &rest[..length];
        let number = Number::parse(text).filter(Number::is_json);
        let number = number.ok_or(Failure::Syntax)?;
        let is_small = length <= MAX_DIGITS && !text.contains(['e', 'E']);
        let double = || text.parse::<f64>().unwrap_or(f64::NAN);
        if !is_small && double().is_infinite() {
            return Err(Failure::Syntax);
        }
        if length > MAX_DIGITS && number.check() == Err(Refusal::Digits) {
            self.writer.scalar(Tag::N, &format!("{:e}", double()))?;
        } else {
            self.writer.scalar(Tag::N, text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
