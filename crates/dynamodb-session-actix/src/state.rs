//! Converts actix-session's state, which is JSON text by name, to stored data and back.

use std::collections::HashMap;

use anyhow::{anyhow, bail};
use dynamodb_session::SessionText;
use serde_json::value::RawValue;

/// How many digits a number may have in `DynamoDB`.
const MAX_DIGITS: usize = 38;

pub(crate) fn to_stored(state: &HashMap<String, String>) -> anyhow::Result<SessionText> {
    let mut values = HashMap::with_capacity(state.len());
    for (name, text) in state {
        // The text is parsed before it is inserted: text that is not one JSON value could add other fields.
        let value: &RawValue = serde_json::from_str(text)
            .map_err(|_| anyhow!("the session's `{name}` is not JSON text"))?;
        if has_long_number(text) {
            bail!("the session's `{name}` holds a number of more than {MAX_DIGITS} digits");
        }
        values.insert(name, value);
    }
    Ok(SessionText::Json(serde_json::to_string(&values)?))
}

pub(crate) fn from_stored(data: &SessionText) -> anyhow::Result<HashMap<String, String>> {
    let SessionText::Json(text) = data else {
        bail!("the session holds binary data or a set, which JSON cannot express");
    };
    let values: HashMap<String, Box<RawValue>> =
        serde_json::from_str(text).map_err(|_| anyhow!("the session is not a JSON object"))?;
    Ok(values
        .into_iter()
        .map(|(name, value)| (name, value.get().to_owned()))
        .collect())
}

/// Whether a number in JSON text has more digits than can be stored.
///
/// The core would store the nearest double, which is right for the numbers of JavaScript. A `u128` would change.
///
/// The core has no such check to share: its own scanner rounds long numbers while it writes the item, and JSON text does
/// not say which language it comes from.
fn has_long_number(json: &str) -> bool {
    let (mut digits, mut in_string, mut is_escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'0'..=b'9' if !in_string => digits += 1,
            b'.' if !in_string => {}
            _ => digits = 0,
        }
        if digits > MAX_DIGITS {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
