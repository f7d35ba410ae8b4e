//! The layout of the npm package `connect-dynamodb`: a session is one string of JSON.

use serde::de::Error as _;
use serde_json::value::RawValue;

use super::{DataAttribute, Description, WrittenForm};
use crate::item::codec::{json, surrogate, write_json_string};
use crate::item::data::sealed::{Decode, Encode};
use crate::item::stored::WrittenSession;
use crate::item::{ItemError, ItemErrorKind};

pub(super) const LAYOUT: Description = Description {
    name: "connect-dynamodb",
    session: DataAttribute {
        name: "sess",
        form: WrittenForm::JsonText,
    },
    marker: Some(("type", "connect-session")),
    foreign: None,
};

/// The most levels of maps and lists in a session that is JSON text. `serde_json` reads as many, and JavaScript would
/// overflow its stack when it writes many more.
const MAX_LEVELS: usize = json::MAX_LEVELS;

/// Appends session data as a string of JSON.
pub(super) fn write<T: Encode + ?Sized>(
    session: &T,
    out: &mut Vec<u8>,
) -> Result<WrittenSession, ItemError> {
    let text = session.to_json()?;
    if !text.starts_with('{') {
        let message = "session data must be a map";
        return Err(ItemError::new(ItemErrorKind::NotAMap, message));
    }
    if json::levels(&text) > MAX_LEVELS {
        let message = format!("more than {MAX_LEVELS} levels of maps and lists");
        return Err(ItemError::new(ItemErrorKind::TooDeep, message));
    }
    out.extend_from_slice(br#"{"S":"#);
    write_json_string(&text, out);
    out.push(b'}');
    Ok(WrittenSession {
        size: text.len(),
        has_doubles: true,
    })
}

/// Reads session data that are stored as JSON text; `None` when the text is not a JSON object.
pub(super) fn read<T: Decode>(text: &str) -> Option<Result<T, serde_json::Error>> {
    // Strings are not parsed here: JavaScript's may hold escapes of lone surrogates.
    let json: &RawValue = serde_json::from_str(text).ok()?;
    if !json.get().starts_with('{') {
        return None;
    }
    if json::levels(text) > MAX_LEVELS {
        return Some(Err(serde_json::Error::custom("too deep")));
    }
    let mended = surrogate::mend(text.as_bytes());
    let readable = match &mended {
        Some(mended) => str::from_utf8(mended).expect("escapes took the place of escapes"),
        None => text,
    };
    Some(T::from_json(text, readable))
}
