//! What each type becomes, what it weighs, and what is refused.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::item::{item_size, write_str_attribute};

#[test]
fn every_serde_type_has_its_attribute() {
    for (attribute, expected) in [
        (written("é\"\n\u{0}😀"), r#"{"S":"é\"\n\u0000😀"}"#),
        (written(""), r#"{"S":""}"#),
        (written(&'x'), r#"{"S":"x"}"#),
        (written(&-7_i8), r#"{"N":"-7"}"#),
        (written(&u64::MAX), r#"{"N":"18446744073709551615"}"#),
        (
            written(&(10_i128.pow(37))),
            r#"{"N":"10000000000000000000000000000000000000"}"#,
        ),
        (written(&1.5_f64), r#"{"N":"1.5"}"#),
        (written(&5.0_f64), r#"{"N":"5"}"#),
        (written(&0.1_f32), r#"{"N":"0.1"}"#),
        (written(&(0.1_f64 + 0.2)), r#"{"N":"0.30000000000000004"}"#),
        (written(&1e21_f64), r#"{"N":"1e+21"}"#),
        (written(&1e-7_f64), r#"{"N":"1e-7"}"#),
        (written(&-0.0_f64), r#"{"N":"0"}"#),
        (written(&f64::NAN), r#"{"NULL":true}"#),
        (written(&f32::INFINITY), r#"{"NULL":true}"#),
        (written(&f64::NEG_INFINITY), r#"{"NULL":true}"#),
        (written(&true), r#"{"BOOL":true}"#),
        (written(&()), r#"{"NULL":true}"#),
        (written(&Unit), r#"{"NULL":true}"#),
        (written(&None::<u8>), r#"{"NULL":true}"#),
        (written(&Some(1)), r#"{"N":"1"}"#),
        (written(&Wrapped(3)), r#"{"N":"3"}"#),
        (
            written(&Pair(1, "a".into())),
            r#"{"L":[{"N":"1"},{"S":"a"}]}"#,
        ),
        (written(&[1, 2]), r#"{"L":[{"N":"1"},{"N":"2"}]}"#),
        (written(&Vec::<u8>::new()), r#"{"L":[]}"#),
        (written(&Bytes(vec![1, 2, 255])), r#"{"B":"AQL/"}"#),
        (written(&Bytes(vec![1, 2])), r#"{"B":"AQI="}"#),
        (written(&Bytes(vec![])), r#"{"B":""}"#),
        (written(&json!({})), r#"{"M":{}}"#),
        (
            written(&json!({"a": {"c": null}, "b": [[]]})),
            r#"{"M":{"a":{"M":{"c":{"NULL":true}}},"b":{"L":[{"L":[]}]}}}"#,
        ),
        (
            written(&BTreeMap::from([(-1, 'a'), (2, 'b')])),
            r#"{"M":{"-1":{"S":"a"},"2":{"S":"b"}}}"#,
        ),
        (
            written(&BTreeMap::from([(true, 1)])),
            r#"{"M":{"true":{"N":"1"}}}"#,
        ),
        (
            written(&BTreeMap::from([('"', 1)])),
            r#"{"M":{"\"":{"N":"1"}}}"#,
        ),
        (written(&Choice::Plain), r#"{"S":"Plain"}"#),
        (written(&Choice::One(1)), r#"{"M":{"One":{"N":"1"}}}"#),
        (
            written(&Choice::Two(true, 'c')),
            r#"{"M":{"Two":{"L":[{"BOOL":true},{"S":"c"}]}}}"#,
        ),
        (
            written(&Choice::Named {
                x: None,
                y: vec![Choice::Plain],
            }),
            r#"{"M":{"Named":{"M":{"x":{"NULL":true},"y":{"L":[{"S":"Plain"}]}}}}}"#,
        ),
    ] {
        assert_eq!(attribute, expected);
    }
}

/// What `serde_json::Number` does when another crate of the program enables `arbitrary_precision`.
#[test]
fn numbers_of_arbitrary_precision_stay_numbers() {
    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::Number")]
    struct Number {
        #[serde(rename = "$serde_json::private::Number")]
        text: &'static str,
    }
    let session = BTreeMap::from([("a", [Number { text: "1.50" }, Number { text: "-2" }])]);
    assert_eq!(
        written(&session),
        r#"{"M":{"a":{"L":[{"N":"1.50"},{"N":"-2"}]}}}"#
    );
    assert_eq!(
        refused(&Number { text: "1e999" }).0,
        ItemErrorKind::NumberRange
    );
}

#[derive(Serialize)]
enum Deep {
    Tuple(u8, u128),
    Named { n: u128 },
    Newtype(u128),
}

#[test]
fn what_dynamodb_would_refuse_is_refused_by_path() {
    use ItemErrorKind::{EmptyFieldName, NumberRange, Unserializable};
    for ((kind, message), expected, path) in [
        (
            refused(&json!({"cart": [1, 2, 3, {"price": 1e200}]})),
            NumberRange,
            "session.cart[3].price: ",
        ),
        (
            refused(&json!({"a b": {"ü": {".": 1e-131}}})),
            NumberRange,
            r#"session["a b"].ü["."]: "#,
        ),
        (
            refused(&BTreeMap::from([("n", u128::MAX)])),
            NumberRange,
            "session.n: ",
        ),
        (
            refused(&BTreeMap::from([(7, i128::MIN)])),
            NumberRange,
            "session[\"7\"]: ",
        ),
        // Of a name that a visitor chose: not all, and on one line.
        (
            refused(&BTreeMap::from([(format!("\n{}", "ü".repeat(500)), 1e200)])),
            NumberRange,
            &format!("session[\"\\n{}…\"]: ", "ü".repeat(49)),
        ),
        (refused(&[5e-324]), NumberRange, "session[0]: "),
        (refused(&1e126), NumberRange, "a number"),
        (
            refused(&json!({"": 1})),
            EmptyFieldName,
            "an empty field name",
        ),
        (
            refused(&BTreeMap::from([(vec![1], 1)])),
            Unserializable,
            "a map key",
        ),
        (
            refused(&BTreeMap::from([(Some(1), 1)])),
            Unserializable,
            "a map key",
        ),
    ] {
        assert_eq!(kind, expected, "{message}");
        assert!(message.starts_with(path), "{message}");
    }
    for (value, path) in [
        (Deep::Tuple(1, u128::MAX), "session.Tuple[1]: "),
        (Deep::Named { n: u128::MAX }, "session.Named.n: "),
        (Deep::Newtype(u128::MAX), "session.Newtype: "),
    ] {
        assert!(refused(&value).1.starts_with(path));
    }
    assert_eq!(
        refused(&json!({"a": {"": 1}})),
        (
            EmptyFieldName,
            "session.a: an empty field name, which DynamoDB refuses".to_owned()
        )
    );
    assert_eq!(
        written(&(10_u128.pow(38) - 1)),
        format!(r#"{{"N":"{}"}}"#, "9".repeat(38))
    );
    assert_eq!(
        written(&10_u128.pow(38)),
        format!(r#"{{"N":"1{}"}}"#, "0".repeat(38))
    );
}

fn nested(levels: usize, list: bool) -> Value {
    (1..levels).fold(json!({}), |inner, level| {
        if list && level < levels - 1 {
            json!([inner])
        } else {
            json!({"a": inner})
        }
    })
}

#[test]
fn thirty_one_levels_and_no_more() {
    for list in [false, true] {
        let most = nested(31, list);
        let attribute = written(&most);
        assert_eq!(typed::<Value>(&attribute), most);
        assert_eq!(written(&json_text(&most.to_string())), attribute);
        assert_eq!(written(&attribute_text(&attribute)), attribute);
        assert_eq!(text_of(&attribute), Ok(json_text(&most.to_string())));

        let (kind, message) = refused(&nested(32, list));
        assert_eq!(kind, ItemErrorKind::TooDeep);
        assert!(
            message.starts_with(if list {
                "session.a[0][0]"
            } else {
                "session.a.a.a"
            }),
            "{message}"
        );
        assert_eq!(
            refused(&json_text(&nested(32, list).to_string())).1,
            message
        );
        let deeper = attribute.replace(r#"{"M":{}}"#, r#"{"M":{"a":{"L":[]}}}"#);
        assert_eq!(refused(&attribute_text(&deeper)).0, ItemErrorKind::TooDeep);
        // Stored by others, it is still read.
        assert!(text_of(&deeper).is_ok());
    }
}

#[test]
fn a_session_is_a_map() {
    let mut out = Vec::new();
    assert_eq!(write_session(&json!({"a": 1}), &mut out).unwrap(), 7);
    for error in [
        write_session(&None::<u8>, &mut out),
        write_session(&[1], &mut out),
        write_session(&json_text("[1]"), &mut out),
        write_attribute(&json_text("null"), &mut out),
        write_attribute(&attribute_text(r#"{"L":[]}"#), &mut out),
    ] {
        assert_eq!(error.unwrap_err().kind, ItemErrorKind::NotAMap);
    }
    assert_eq!(out, br#"{"M":{"a":{"N":"1"}}}"#);
}

#[test]
fn errors_of_the_caller_keep_their_words() {
    struct Stubborn;
    impl Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("cannot say this"))
        }
    }
    let (kind, message) = refused(&BTreeMap::from([("a", Some(Stubborn))]));
    assert_eq!(
        (kind, message.as_str()),
        (ItemErrorKind::Unserializable, "session.a: cannot say this")
    );
}

/// Bisected against engines that agree with `DynamoDB` to the byte; names and keys weigh what they are long.
#[test]
fn sizes() {
    assert_eq!(size("aé"), 3);
    assert_eq!(size(&Bytes(vec![0; 5])), 5);
    assert_eq!(size(&true), 1);
    assert_eq!(size(&()), 1);
    assert_eq!(size(&7), 2);
    assert_eq!(size(&1_795_338_490_u64), 6);
    assert_eq!(size(&-1_795_338_491_i64), 7);
    assert_eq!(size(&json!({})), 3);
    assert_eq!(size(&json!({"a": ""})), 5);
    assert_eq!(size(&json!([""])), 4);
    assert_eq!(size(&json!({"a": {"b": ""}})), 10);
    assert_eq!(size(&json_text(r#"{"a":{"b":""}}"#)), 10);
    assert_eq!(
        size(&attribute_text(
            r#"{"M":{"a":{"SS":["x","yz"]},"b":{"NS":["1","-22"]},"c":{"BS":["AQI="]}}}"#
        )),
        3 + 2 * 3 + 3 + 5 + 2
    );

    let mut out = Vec::new();
    let id = write_str_attribute("k", &mut out);
    let expires = write_attribute(&1_795_338_490_u64, &mut out).unwrap();
    assert_eq!(out, br#"{"S":"k"}{"N":"1795338490"}"#);
    assert_eq!(item_size([("pk", id), ("é", expires)]), 2 + 1 + 2 + 6);
}
