//! What a write says beside the session, as JSON: `{ "attributes": [[NAME, VALUE, IS_CHANGED], …], "isLimit": true }`.
//! Either member may be missing. The value of an attribute is a string, a number, or null where the item is not to have
//! it. `node/lib/computed.js` is the other side.

use dynamodb_session::{AttributeValue, NewSession, SaveOptions};
use serde_json::Value;

use crate::failure::Failure;

#[derive(Default)]
pub(crate) struct Beside {
    attributes: Vec<(String, Option<AttributeValue>, bool)>,
    is_limit: bool,
}

impl Beside {
    pub(crate) fn read(json: Option<String>) -> Result<Self, Box<Failure>> {
        let Some(json) = json else {
            return Ok(Self::default());
        };
        Self::parse(&json)
            .ok_or_else(|| Failure::internal("what the write says is malformed".to_owned()))
    }

    fn parse(json: &str) -> Option<Self> {
        let mut members: Value = serde_json::from_str(json).ok()?;
        let is_limit = members["isLimit"] == true;
        let attributes = match members.get_mut("attributes").map(Value::take) {
            None => Vec::new(),
            Some(list) => serde_json::from_value::<Vec<(String, Value, bool)>>(list).ok()?,
        };
        let attributes = attributes.into_iter().map(|(name, value, is_changed)| {
            let value = match value {
                Value::Null => None,
                Value::String(text) => Some(text.into()),
                Value::Number(number) => Some(AttributeValue::number(number.to_string())),
                _ => return None,
            };
            Some((name, value, is_changed))
        });
        Some(Self {
            attributes: attributes.collect::<Option<_>>()?,
            is_limit,
        })
    }

    pub(crate) fn in_save(self, options: SaveOptions<'_>) -> SaveOptions<'_> {
        let options = options.is_limit(self.is_limit);
        let attributes = self.attributes.into_iter();
        attributes.fold(options, |options, attribute| match attribute {
            (name, value, false) => options.unchanged_attribute(name, value),
            (name, Some(value), true) => options.attribute(name, value),
            (name, None, true) => options.remove_attribute(name),
        })
    }

    /// A new session is put in place of whatever is there, so that all attributes are changed.
    pub(crate) fn in_new<T>(self, session: NewSession<T>) -> NewSession<T> {
        let attributes = self.attributes.into_iter();
        attributes.fold(session, |session, attribute| match attribute {
            (name, Some(value), _) => session.attribute(name, value),
            (name, None, _) => session.remove_attribute(name),
        })
    }
}
