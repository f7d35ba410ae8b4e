//! What attribute values are read as.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::codec::reader::Reading;
use super::*;

#[test]
fn typed_values_come_back() {
    fn round<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T) {
        assert_eq!(&typed::<T>(&written(value)), value);
    }
    round(&(
        u64::MAX,
        i64::MIN,
        u8::MAX,
        i8::MIN,
        10_i128.pow(30),
        10_u128.pow(37) + 1,
    ));
    round(&(0.1_f32 + 0.2, 0.1_f64 + 0.2, 1e21_f64, 1e-7_f64, 123.0_f64));
    round(&(
        true,
        'é',
        String::from("\u{0}😀\""),
        Unit,
        Wrapped(1),
        Pair(1, "x".into()),
    ));
    round(&Bytes((0..=255).collect()));
    round(&(None::<u8>, Some(1_u8), Some(vec![Some(1.5), None])));
    round(&BTreeMap::from([(1_u8, 'a'), (2, 'b')]));
    round(&BTreeMap::from([(true, 1), (false, 0)]));
    round(&vec![
        Choice::Plain,
        Choice::One(-1),
        Choice::Two(false, 'x'),
        Choice::Named {
            x: Some(1),
            y: vec![Choice::Plain, Choice::One(2)],
        },
    ]);
    round(&Some(Choice::One(1)));
    round(&json!({"a": [null, true, 1, -1, 1.5, "x", {"b": {}, " ": []}]}));
    round(&BTreeMap::from([(
        String::from("s"),
        (u128::from(u64::MAX), i128::from(i64::MIN)),
    )]));
    // NaN goes as NULL, and a session that was saved must load.
    assert!(typed::<f64>(&written(&f64::NAN)).is_nan());
    assert_eq!(typed::<Option<f64>>(&written(&Some(f64::NAN))), None);
}

/// What a `serde_json::Value` makes of a number when another crate of the program enables `arbitrary_precision`.
#[derive(Debug, PartialEq)]
enum Arbitrary {
    Integer(i128),
    Double(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for Arbitrary {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl<'de> Visitor<'de> for NumberVisitor {
            type Value = Arbitrary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E>(self, value: u64) -> Result<Arbitrary, E> {
                Ok(Arbitrary::Integer(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Arbitrary, E> {
                Ok(Arbitrary::Integer(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Arbitrary, E> {
                Ok(Arbitrary::Double(value))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Arbitrary, A::Error> {
                let entry: Option<(String, String)> = map.next_entry()?;
                let (name, text) = entry.unwrap();
                assert_eq!(name, "$serde_json::private::Number");
                Ok(Arbitrary::Text(text))
            }
        }
        input.deserialize_any(NumberVisitor)
    }
}

#[test]
fn numbers_that_neither_an_integer_nor_a_double_holds_keep_their_text() {
    let read = |text: &str, keeps_digits| {
        let reading = Reading {
            keeps_digits,
            ..Reading::default()
        };
        let json = format!(r#"{{"N":"{text}"}}"#);
        Arbitrary::deserialize(Attribute {
            input: &mut serde_json::Deserializer::from_str(&json),
            tag: None,
            is_part: false,
            reading: &reading,
        })
        .unwrap()
    };
    let huge = 12_345_678_901_234_567_890_123.0;
    for (text, expected, double) in [
        ("12345678901234567890123", "12345678901234567890123", huge),
        (
            "18446744073709551620",
            "18446744073709551620",
            18_446_744_073_709_551_620.0,
        ),
        (
            "-9223372036854775809",
            "-9223372036854775809",
            -9_223_372_036_854_775_809.0,
        ),
        (
            "0.1234567890123456",
            "0.1234567890123456",
            0.123_456_789_012_345_6,
        ),
        (
            "1.234567890123456789e-9",
            "1.234567890123456789e-9",
            1.234_567_890_123_456_8e-9,
        ),
        // As JSON writes it.
        (
            "+012345678901234567890123.",
            "12345678901234567890123",
            huge,
        ),
    ] {
        assert_eq!(read(text, true), Arbitrary::Text(expected.to_owned()));
        assert_eq!(read(text, false), Arbitrary::Double(double));
    }
    for keeps_digits in [true, false] {
        assert_eq!(
            read("18446744073709551615", keeps_digits),
            Arbitrary::Integer(u64::MAX.into())
        );
        assert_eq!(
            read("-9223372036854775808", keeps_digits),
            Arbitrary::Integer(i64::MIN.into())
        );
        for text in [
            "0.1",
            "1E+125",
            "1e-130",
            "123456789012345e9",
            "1.50",
            "-0.0",
            "100000000000000000000.0",
        ] {
            assert_eq!(
                read(text, keeps_digits),
                Arbitrary::Double(text.parse().unwrap())
            );
        }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Cart {
    #[serde(default)]
    count: u8,
    items: Option<Vec<String>>,
}

/// The output table of the legacy package, and how the types of Rust see the same values.
#[test]
fn stored_values_are_read_like_the_legacy_package_did() {
    for (attribute, value) in [
        (r#"{"S":""}"#, json!("")),
        (r#"{"N":"42"}"#, json!(42)),
        (
            r#"{"N":"123456789012345678901234567890"}"#,
            json!(1.234_567_890_123_456_8e29),
        ),
        (r#"{"N":"1e+21"}"#, json!(1e21)),
        (
            r#"{"N":"0.30000000000000004"}"#,
            json!(0.300_000_000_000_000_04),
        ),
        (
            r#"{"N":"0.12345678901234567890123456789012345678"}"#,
            json!(0.123_456_789_012_345_68),
        ),
        (r#"{"N":"+1"}"#, json!(1)),
        (r#"{"BOOL":false}"#, json!(false)),
        (r#"{"NULL":true}"#, json!(null)),
        (
            r#"{"L":[{"S":"a"},{"NULL":true},{"L":[]}]}"#,
            json!(["a", null, []]),
        ),
        (
            r#"{"M":{"a":{"N":"1"},"b":{"M":{}}}}"#,
            json!({"a": 1, "b": {}}),
        ),
        (r#"{"SS":["b","a"]}"#, json!(["b", "a"])),
        (r#"{"NS":["1","2.5"]}"#, json!([1, 2.5])),
        (
            r#"{"M":{"constructor":{"S":"String"},"wrapperName":{"S":"Set"}}}"#,
            json!({"constructor": "String", "wrapperName": "Set"}),
        ),
        (
            r#"{"L":[{},{"X":{"deep":[1]},"Y":2}]}"#,
            json!([null, null]),
        ),
    ] {
        assert_eq!(typed::<Value>(attribute), value, "{attribute}");
    }
    assert_eq!(typed::<Bytes>(r#"{"B":"AQL/"}"#), Bytes(vec![1, 2, 255]));
    assert_eq!(typed::<Vec<u8>>(r#"{"B":"AQL/"}"#), [1, 2, 255]);
    assert_eq!(
        typed::<Vec<Bytes>>(r#"{"BS":["AQ==",""]}"#),
        [Bytes(vec![1]), Bytes(vec![])]
    );
    assert_eq!(typed::<Vec<f64>>(r#"{"NS":["1","2.5"]}"#), [1.0, 2.5]);
    assert_eq!(
        typed::<Vec<Option<u8>>>(r#"{"NS":["1","2"]}"#),
        [Some(1), Some(2)]
    );
    assert_eq!(
        typed::<(u8, u64, i16, i128, u128)>(
            r#"{"L":[{"N":"5.0"},{"N":"1E+3"},{"N":"-2.00"},{"N":"-1e2"},{"N":"1e2"}]}"#
        ),
        (5, 1000, -2, -100, 100)
    );
    assert_eq!(typed::<Option<Option<u8>>>("{}"), None);
    typed::<IgnoredAny>(r#"{"M":{"a":{"B":"?"}}}"#);
    typed::<()>(r#"{"NULL":false}"#);
    assert_eq!(
        typed::<Cart>(r#"{"M":{"more":{"SS":["x"]},"items":{"SS":["x"]}}}"#),
        Cart {
            count: 0,
            items: Some(vec!["x".into()])
        }
    );
}

#[test]
fn malformed_attributes_are_errors_that_show_no_value() {
    for attribute in [
        "",
        "null",
        "5",
        "[]",
        r#""secret""#,
        "{",
        r#"{"S"}"#,
        r#"{"S":5}"#,
        r#"{"S":"a","N":"1"}"#,
        r#"{"S":"a"}x"#,
        r#"{"N":1}"#,
        r#"{"N":""}"#,
        r#"{"N":"NaN"}"#,
        r#"{"N":"Infinity"}"#,
        r#"{"N":"secret"}"#,
        r#"{"N":"0x1"}"#,
        r#"{"B":"secret!"}"#,
        r#"{"B":"AQ"}"#,
        r#"{"BOOL":"true"}"#,
        r#"{"L":{}}"#,
        r#"{"M":[]}"#,
        r#"{"L":[null]}"#,
        r#"{"M":{"a":"secret"}}"#,
        r#"{"SS":"secret"}"#,
        r#"{"NS":["secret"]}"#,
        r#"{"BS":["*"]}"#,
        r#"{"NS":[1]}"#,
    ] {
        for error in [
            unreadable::<Value>(attribute),
            unreadable::<SessionText>(&format!(r#"{{"M":{{"a":{attribute}}}}}"#)),
        ] {
            assert_eq!(error.kind, ItemErrorKind::Malformed, "{attribute}");
            assert!(
                !error.to_string().contains("secret") && !format!("{error:?}").contains("secret"),
                "{error}"
            );
        }
    }
    for error in [
        unreadable::<u64>(r#"{"S":"secret"}"#),
        unreadable::<u8>(r#"{"N":"777"}"#),
        unreadable::<u8>(r#"{"N":"1.5"}"#),
        unreadable::<BTreeMap<String, u8>>(r#"{"M":{"k":{"S":"secret"}}}"#),
        unreadable::<Choice>(r#"{"S":"secret"}"#),
        unreadable::<Choice>(r#"{"M":{"secret":{"N":"1"}}}"#),
        unreadable::<Choice>(r#"{"M":{"One":{"N":"1"},"secret":{"N":"1"}}}"#),
        unreadable::<Choice>(r#"{"M":{}}"#),
        unreadable::<Choice>(r#"{"M":{"Plain":{"S":"secret"}}}"#),
        unreadable::<Value>(r#"{"B":"c2VjcmV0"}"#),
    ] {
        assert_eq!(error.kind, ItemErrorKind::Malformed);
        for trace in ["secret", "777", "k"] {
            assert!(
                !error
                    .to_string()
                    .replace("unexpected", "")
                    .contains(&format!("\"{trace}\"")),
                "{error}"
            );
            assert!(
                trace == "k" || !error.to_string().contains(trace),
                "{error}"
            );
        }
    }
    let bomb = format!("{}{}", r#"{"L":["#.repeat(100_000), "]}".repeat(100_000));
    assert_eq!(unreadable::<Value>(&bomb).kind, ItemErrorKind::Malformed);
    assert!(read_attribute::<IgnoredAny>(bomb.as_bytes()).is_ok());
    assert_eq!(text_of(&bomb), Err(ItemErrorKind::Malformed));
    assert_eq!(
        refused(&json_text(&"[".repeat(100_000))).0,
        ItemErrorKind::TooDeep
    );
    assert_eq!(refused(&attribute_text(&bomb)).0, ItemErrorKind::TooDeep);
}
