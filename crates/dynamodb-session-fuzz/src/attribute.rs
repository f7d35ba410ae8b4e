//! Attribute values as DynamoDB defines them: a second, simple implementation to compare the codec with.

use serde_json::{Map, Value, json};

/// JSON data as an attribute value.
pub(crate) fn of_json(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::String(text) => json!({ "S": text }),
        Value::Array(list) => json!({ "L": list.iter().map(of_json).collect::<Vec<_>>() }),
        Value::Object(map) => {
            let fields = map
                .iter()
                .map(|(name, value)| (name.clone(), of_json(value)));
            json!({ "M": fields.collect::<Map<_, _>>() })
        }
    }
}

/// Whether two attribute values are equal for JavaScript, whose numbers are doubles.
pub(crate) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| {
                    let is_same = match name.as_str() {
                        "N" | "NS" => is_same_number,
                        _ => is_same,
                    };
                    b.get(name).is_some_and(|other| is_same(value, other))
                })
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        _ => a == b,
    }
}

/// The same for the content of `N` and `NS`. A field can have such a name, too.
fn is_same_number(a: &Value, b: &Value) -> bool {
    let double = |text: &str| text.parse::<f64>().ok();
    match (a, b) {
        (Value::String(a), Value::String(b)) => {
            let is_close = |(a, b): (f64, f64)| (a - b).abs() <= a.abs() * LAST_DIGIT;
            a == b || double(a).zip(double(b)).is_some_and(is_close)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_number(a, b))
        }
        _ => is_same(a, b),
    }
}

/// The relative error of `serde_json`, which does not always read the nearest double.
const LAST_DIGIT: f64 = 1e-15;

/// Panics if DynamoDB would not store this as an attribute's value.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(crate) fn expect_storable(value: &Value) {
    expect_storable_at(value, 1);
}

fn expect_storable_at(value: &Value, level: usize) {
    let map = value.as_object().filter(|map| map.len() == 1);
    let (tag, content) = map.and_then(|map| map.iter().next()).unwrap();
    match (tag.as_str(), content) {
        ("NULL", Value::Bool(true)) | ("BOOL", Value::Bool(_)) | ("S" | "B", Value::String(_)) => {}
        ("N", Value::String(text)) => expect_number(text),
        ("M", Value::Object(fields)) => {
            assert!(level <= 31, "too deep");
            for (name, value) in fields {
                assert!(!name.is_empty(), "an empty field name");
                expect_storable_at(value, level + 1);
            }
        }
        ("L", Value::Array(list)) => {
            assert!(level <= 31, "too deep");
            for value in list {
                expect_storable_at(value, level + 1);
            }
        }
        ("SS" | "NS" | "BS", Value::Array(members)) => {
            assert!(!members.is_empty(), "an empty set");
            for member in members {
                let text = member.as_str().unwrap();
                if tag == "NS" {
                    expect_number(text);
                }
            }
        }
        _ => panic!("no attribute value"),
    }
}

fn expect_number(text: &str) {
    let is_plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    assert!(text.bytes().all(is_plain), "a number of other characters");
    let magnitude = text.parse::<f64>().unwrap().abs();
    let digits = text.split(['e', 'E']).next().unwrap();
    let is_zero = !digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    assert!(
        is_zero || (0.999e-130..1e126).contains(&magnitude),
        "a number out of range"
    );
}
