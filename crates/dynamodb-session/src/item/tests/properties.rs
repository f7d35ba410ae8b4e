//! Any value survives, and no input panics.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::*;
use crate::item::read_response;

fn any_number() -> impl Strategy<Value = serde_json::Number> {
    prop_oneof![
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_filter_map("in range", |value| {
            let held = value != 0.0 && (1e-129..1e125).contains(&value.abs());
            held.then(|| serde_json::Number::from_f64(value)).flatten()
        }),
        (-1e6..1e6_f64).prop_filter_map("finite", serde_json::Number::from_f64),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any_number().prop_map(Value::Number),
        any::<String>().prop_map(Value::String),
        "[\"\\\\0-9eE.u-]{0,8}".prop_map(Value::String),
    ];
    scalar.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map("[a-c\"\\\\1-]{1,3}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// `serde_json` reads a double to the last digit but one by default; std reads it exactly.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left.to_string().parse::<f64>() == right.to_string().parse::<f64>()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

fn any_attribute() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just(r#"{"NULL":true}"#.to_owned()),
        Just("{}".to_owned()),
        Just(r#"{"X":[1]}"#.to_owned()),
        Just(r#"{"S":"\ud800"}"#.to_owned()),
        Just("5".to_owned()),
        any::<bool>().prop_map(|value| format!(r#"{{"BOOL":{value}}}"#)),
        any::<String>().prop_map(|text| json!({"S": text}).to_string()),
        "[-+0-9.eE]{0,6}".prop_map(|text| json!({"N": text}).to_string()),
        "[A-Za-d0-3+/=]{0,8}".prop_map(|text| json!({"B": text}).to_string()),
        prop::collection::vec("[0-9a=]{0,4}", 0..3).prop_flat_map(|members| {
            prop::sample::select(vec!["SS", "NS", "BS"])
                .prop_map(move |tag| json!({tag: members}).to_string())
        }),
    ];
    let value = scalar.prop_recursive(8, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|values| format!(r#"{{"L":[{}]}}"#, values.join(","))),
            prop::collection::vec(("[a-b]{0,2}|__proto__", inner), 0..4).prop_map(|fields| {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"))
                    .collect();
                format!(r#"{{"M":{{{}}}}}"#, fields.join(","))
            }),
        ]
    });
    prop_oneof![4 => value.clone().prop_map(|value| format!(r#"{{"M":{{"a":{value}}}}}"#)), 1 => value]
}

fn read_every_way(input: &[u8]) {
    let _ = read_attribute::<Value>(input);
    let _ = read_attribute::<SessionText>(input);
    let _ = read_attribute::<Choice>(input);
    let _ = read_attribute::<Bytes>(input);
    let _ = read_attribute::<BTreeMap<u8, Option<f32>>>(input);
    let _ = read_item::<Value>(input);
    let _ = read_item::<SessionText>(input);
    let _ =
        read_response::<SessionText>(input, "a", KEY, ExpiryAttributes::EXPIRES, Layout::Session);
    if let Ok(text) = str::from_utf8(input) {
        let _ = write_attribute(&json_text(text), &mut Vec::new());
        let _ = write_attribute(&attribute_text(text), &mut Vec::new());
    }
}

proptest! {
    #[test]
    fn json_survives(value in any_json()) {
        let session = json!({"a": value});
        let text = session.to_string();
        let attribute = written(&json_text(&text));
        let Ok(SessionText::Json(back)) = text_of(&attribute) else { panic!("{attribute}") };
        prop_assert!(same(&serde_json::from_str(&back).unwrap(), &serde_json::from_str(&text).unwrap()), "{text} {back}");
        // Typed and transcoded are the same but for a number's spelling, in both directions.
        prop_assert!(same(&typed::<Value>(&attribute), &session), "{attribute}");
        prop_assert!(same(&typed::<Value>(&written(&session)), &session));
        prop_assert_eq!(size(&json_text(&text)), size(&session));
        prop_assert_eq!(written(&attribute_text(&attribute)), attribute);
    }

    #[test]
    fn doubles_survive_to_the_last_bit(value in any_number()) {
        let value: f64 = value.to_string().parse().unwrap();
        let text = json_text(&format!(r#"{{"a":{value:e}}}"#));
        prop_assert_eq!(typed::<BTreeMap<String, f64>>(&written(&text))["a"].to_bits(), value.to_bits());
        prop_assert_eq!(typed::<f64>(&written(&value)).to_bits(), value.to_bits());
    }

    #[test]
    fn typed_values_survive(
        integers in any::<(u8, i16, u32, i64, u64)>(),
        text in any::<(String, char, bool)>(),
        bytes in any::<Vec<u8>>(),
        maybe in any::<Option<Vec<Option<i32>>>>(),
        map in any::<BTreeMap<i16, String>>(),
    ) {
        let value = (integers, text, Bytes(bytes), maybe, map, Choice::One(integers.1.into()));
        prop_assert_eq!(typed::<((u8, i16, u32, i64, u64), (String, char, bool), Bytes, Option<Vec<Option<i32>>>, BTreeMap<i16, String>, Choice)>(&written(&value)), value);
    }

    #[test]
    fn attributes_never_panic_and_read_text_is_stable(attribute in any_attribute()) {
        read_every_way(attribute.as_bytes());
        read_every_way(format!(r#"{{"session":{attribute},"expires":{{"N":"1"}}}}"#).as_bytes());
        match text_of(&attribute) {
            Ok(SessionText::Json(text)) => prop_assert!(serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{text}"),
            Ok(SessionText::Attribute(text)) => prop_assert_eq!(text_of(&text), Ok(SessionText::Attribute(text))),
            Err(_) => {}
        }
    }

    #[test]
    fn broken_input_never_panics(attribute in any_attribute(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut broken = attribute.into_bytes();
        let at = cut.index(broken.len());
        broken[at] = byte;
        read_every_way(&broken);
        broken.truncate(at);
        read_every_way(&broken);
    }

    #[test]
    fn random_input_never_panics(bytes in any::<Vec<u8>>(), text in r#"[\[\]{}",:0-9eE.+\\uds SNMLB-]{0,40}"#) {
        read_every_way(&bytes);
        read_every_way(text.as_bytes());
    }
}
