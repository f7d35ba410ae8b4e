//! Attributes of an item beside the session.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::item::{AttributeChange, ValueJson};

/// The value of an attribute beside the session: a string or a number. See
/// [`SaveOptions::attribute`](crate::SaveOptions::attribute).
///
/// Strings, integers and floats convert into it. A float that is not finite cannot be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct AttributeValue(Value);

#[derive(Clone, PartialEq, Eq)]
enum Value {
    String(String),
    /// The text of a number.
    Number(String),
}

impl AttributeValue {
    /// A number by its decimal text, such as `12.50`: `DynamoDB` holds 38 digits, more than a float does.
    pub fn number(text: impl Into<String>) -> Self {
        Self(Value::Number(text.into()))
    }

    fn to_json(&self, name: &str) -> Result<ValueJson, Error> {
        let invalid = |what: &str| {
            let message = format!("the attribute `{name}` cannot be stored: {what}");
            Error::new(ErrorKind::InvalidData, message)
        };
        let value = match &self.0 {
            Value::String(text) if text.is_empty() => {
                return Err(invalid(
                    "it is an empty string, which no index takes as a key; remove the attribute instead",
                ));
            }
            Value::String(text) => ValueJson::string(text),
            Value::Number(text) => ValueJson::number(text),
        };
        value.map_err(|error| invalid(&error.to_string()))
    }
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self(Value::String(text))
    }
}

macro_rules! from_numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for AttributeValue {
            fn from(number: $number) -> Self {
                Self::number(number.to_string())
            }
        })*
    };
}

from_numbers!(
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64
);

// Debug output must not show what is kept of a visitor.
impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Value::String(_) => "String(hidden)",
            Value::Number(_) => "Number(hidden)",
        })
    }
}

/// What a call wants of an attribute beside the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    value: Option<AttributeValue>,
    is_changed: bool,
}

impl Attribute {
    pub(crate) fn to_change(&self) -> Result<AttributeChange, Error> {
        let value = self.value.as_ref();
        let value = value.map(|value| value.to_json(&self.name)).transpose()?;
        Ok(AttributeChange {
            name: self.name.clone().into(),
            value,
            is_changed: self.is_changed,
        })
    }
}

/// Adds an attribute to those of a call, in place of an earlier one of this name.
pub(crate) fn want(
    attributes: &mut Vec<Attribute>,
    name: String,
    value: Option<AttributeValue>,
    is_changed: bool,
) {
    attributes.retain(|attribute| attribute.name != name);
    attributes.push(Attribute {
        name,
        value,
        is_changed,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: impl Into<AttributeValue>) -> Result<String, String> {
        let json = value.into().to_json("user_id");
        json.map(|json| json.as_str().to_owned())
            .map_err(|error| format!("{:?}: {}", error.kind(), error.message()))
    }

    #[test]
    fn strings_and_numbers_become_attribute_values() {
        assert_eq!(json("a\"b").unwrap(), r#"{"S":"a\"b"}"#);
        assert_eq!(json(String::from("ä")).unwrap(), r#"{"S":"ä"}"#);
        assert_eq!(json(42_u8).unwrap(), r#"{"N":"42"}"#);
        assert_eq!(json(i64::MIN).unwrap(), r#"{"N":"-9223372036854775808"}"#);
        assert_eq!(json(0.5).unwrap(), r#"{"N":"0.5"}"#);
        assert_eq!(json(-0.0).unwrap(), r#"{"N":"0"}"#);
        let digits = "1234567890.1234567890123456789012345678";
        let number = json(AttributeValue::number(digits)).unwrap();
        assert_eq!(number, format!(r#"{{"N":"{digits}"}}"#));
    }

    #[test]
    fn what_dynamodb_does_not_hold_is_refused_with_the_name() {
        for value in [
            AttributeValue::from(""),
            f64::NAN.into(),
            f64::INFINITY.into(),
            1e126.into(),
            AttributeValue::number("1 2"),
            AttributeValue::number("1".repeat(39)),
        ] {
            let error = json(value).unwrap_err();
            assert!(
                error.starts_with("InvalidData: the attribute `user_id`"),
                "{error}"
            );
        }
    }

    #[test]
    fn debug_output_does_not_show_a_value() {
        let mut attributes = Vec::new();
        want(&mut attributes, "user_id".into(), Some("ada".into()), true);
        let shown = format!("{attributes:?}");
        assert!(
            shown.contains("user_id") && !shown.contains("ada"),
            "{shown}"
        );
    }

    #[test]
    fn the_last_value_of_a_name_counts() {
        let mut attributes = Vec::new();
        for value in ["a", "b"] {
            want(&mut attributes, "user_id".into(), Some(value.into()), true);
        }
        assert_eq!(attributes.len(), 1);
        assert_eq!(attributes[0].value, Some("b".into()));
    }
}
