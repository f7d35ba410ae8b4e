use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::deserialize::Attribute;
use super::*;

const TTL_ATTRIBUTE: &str = "expires";
const KEY: OwnKey<'_> = OwnKey {
    attribute: "sessionId",
    value: "a\"b",
};

fn read_attribute<T: DeserializeOwned>(attribute: &[u8]) -> Result<T, ItemError> {
    read(attribute, |input, reading| {
        T::deserialize(Attribute {
            input,
            tag: None,
            reading,
        })
    })
}

fn read_item<T: DeserializeOwned>(item: &[u8]) -> Result<StoredItem<T>, ItemError> {
    read(item, |input, reading| {
        ItemSeed::new(TTL_ATTRIBUTE, Layout::Session, reading).deserialize(input)
    })
}

/// Appends any value as an attribute value; returns the bytes it counts towards the item's size.
fn write_attribute<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<usize, ItemError> {
    let start = out.len();
    let mut writer = Writer::new(out, true);
    let written = value.serialize(&mut writer);
    let size = writer.size;
    if written.is_err() {
        out.truncate(start);
    }
    written.map(|()| size)
}

fn write_session<T: Serialize + ?Sized>(
    session: &T,
    out: &mut Vec<u8>,
) -> Result<usize, ItemError> {
    let written = Layout::Session.write_session(session, out, None);
    written.map(|written| written.size)
}

fn written<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    write_attribute(value, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn size<T: Serialize + ?Sized>(value: &T) -> usize {
    write_attribute(value, &mut Vec::new()).unwrap()
}

fn refused<T: Serialize + ?Sized>(value: &T) -> (ItemErrorKind, String) {
    let mut out = b"before".to_vec();
    let error = write_attribute(value, &mut out).unwrap_err();
    assert_eq!(out, b"before", "a failed write leaves nothing behind");
    (error.kind, error.to_string())
}

fn json_text(text: &str) -> SessionText {
    SessionText::Json(text.to_owned())
}

fn attribute_text(text: &str) -> SessionText {
    SessionText::Attribute(text.to_owned())
}

fn text_of(attribute: &str) -> Result<SessionText, ItemErrorKind> {
    read_attribute(attribute.as_bytes()).map_err(|error| error.kind)
}

fn typed<T: DeserializeOwned>(attribute: &str) -> T {
    read_attribute(attribute.as_bytes()).expect(attribute)
}

fn unreadable<T: DeserializeOwned + fmt::Debug>(attribute: &str) -> ItemError {
    read_attribute::<T>(attribute.as_bytes()).expect_err(attribute)
}

/// Bytes as serde knows them: a `Vec<u8>` is a sequence.
#[derive(Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Plain,
    One(i32),
    Two(bool, char),
    Named { x: Option<i8>, y: Vec<Choice> },
}

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

#[test]
fn json_text_becomes_attributes() {
    for (json, attribute) in [
        ("{}", r#"{"M":{}}"#),
        (
            " { \"a\" : [ 1 , true , null , \"x\" ] } ",
            r#"{"M":{"a":{"L":[{"N":"1"},{"BOOL":true},{"NULL":true},{"S":"x"}]}}}"#,
        ),
        // Numbers keep their text, whatever stands around them.
        (
            r#"{"1":-1,"-2.5e3":"3.5\"4.5","a":[0.30000000000000004,"\\",1.50,1e21,1E-7,-0,-0.0,18446744073709551615,18446744073709551616]}"#,
            r#"{"M":{"1":{"N":"-1"},"-2.5e3":{"S":"3.5\"4.5"},"a":{"L":[{"N":"0.30000000000000004"},{"S":"\\"},{"N":"1.50"},{"N":"1e21"},{"N":"1E-7"},{"N":"0"},{"N":"0"},{"N":"18446744073709551615"},{"N":"18446744073709551616"}]}}}"#,
        ),
        // Beyond what DynamoDB holds exactly, the double.
        (
            r#"{"a":1234567890123456789012345678901234567890}"#,
            r#"{"M":{"a":{"N":"1.2345678901234568e39"}}}"#,
        ),
        (
            r#"{"a":100000000000000000000000000000000000000000}"#,
            r#"{"M":{"a":{"N":"100000000000000000000000000000000000000000"}}}"#,
        ),
        (
            r#"{"a":"\ud800x\udfff","\uD83Dk":"\ud83d\ude00 \\ud800"}"#,
            "{\"M\":{\"a\":{\"S\":\"\u{fffd}x\u{fffd}\"},\"\u{fffd}k\":{\"S\":\"😀 \\\\ud800\"}}}",
        ),
        (
            r#"{"a":{"type":"Buffer","data":[1]}}"#,
            r#"{"M":{"a":{"M":{"type":{"S":"Buffer"},"data":{"L":[{"N":"1"}]}}}}}"#,
        ),
        (
            r#"{"a":{"S":"x"},"__proto__":{"b":1}}"#,
            r#"{"M":{"a":{"M":{"S":{"S":"x"}}},"__proto__":{"M":{"b":{"N":"1"}}}}}"#,
        ),
        (
            r#"{"b":1,"a":2,"9":3}"#,
            r#"{"M":{"b":{"N":"1"},"a":{"N":"2"},"9":{"N":"3"}}}"#,
        ),
    ] {
        assert_eq!(written(&json_text(json)), attribute, "{json}");
    }
    for (json, kind, message) in [
        (
            r#"{"cart":[1,2,3,{"price":1e200}]}"#,
            ItemErrorKind::NumberRange,
            "session.cart[3].price: a number",
        ),
        (
            r#"{"a":"b","c":{"d.e":{"x y":[5e-324]}}}"#,
            ItemErrorKind::NumberRange,
            r#"session.c["d.e"]["x y"][0]: a number"#,
        ),
        (
            r#"{"":1}"#,
            ItemErrorKind::EmptyFieldName,
            "an empty field name",
        ),
        (
            "",
            ItemErrorKind::InvalidText,
            "not the text of a session: an early end at line 1 column 0",
        ),
        (
            r#"{"a":secret}"#,
            ItemErrorKind::InvalidText,
            "not the text of a session: a syntax error at line 1 column 6",
        ),
        ("{} secret", ItemErrorKind::InvalidText, "not the text"),
        (r#"{"a":1e400}"#, ItemErrorKind::InvalidText, "not the text"),
        (
            r#"{"a":"\ud8"}"#,
            ItemErrorKind::InvalidText,
            "not the text",
        ),
        ("[]", ItemErrorKind::NotAMap, "session data must be a map"),
    ] {
        let (found, said) = refused(&json_text(json));
        assert_eq!(found, kind, "{json}");
        assert!(
            said.starts_with(message) && !said.contains("secret"),
            "{said}"
        );
    }
}

#[test]
fn attribute_text_is_checked_and_normalised() {
    assert_eq!(
        written(&attribute_text(
            r#" {"M": {"s": {"S":"\u0061"}, "n": {"N":"+007"}, "b": {"B":"AQI="}, "t": {"BOOL":false}, "z": {"NULL":true},
                "l": {"L": [{"M":{}}]}, "ss": {"SS":["a","b"]}, "ns": {"NS":["1",".5"]}, "bs": {"BS":["AQ=="]}}} "#
        )),
        r#"{"M":{"s":{"S":"a"},"n":{"N":"7"},"b":{"B":"AQI="},"t":{"BOOL":false},"z":{"NULL":true},"l":{"L":[{"M":{}}]},"ss":{"SS":["a","b"]},"ns":{"NS":["1","0.5"]},"bs":{"BS":["AQ=="]}}}"#
    );
    assert_eq!(
        written(&attribute_text(r#"{"M":{"a":{"S":"\ud800"}}}"#)),
        "{\"M\":{\"a\":{\"S\":\"\u{fffd}\"}}}"
    );
    for (attribute, kind, path) in [
        (
            r#"{"M":{"a":{"L":[{"N":"1e126"}]}}}"#,
            ItemErrorKind::NumberRange,
            "session.a[0]: ",
        ),
        (
            r#"{"M":{"a":{"NS":["1","1e126"]}}}"#,
            ItemErrorKind::NumberRange,
            "session.a[1]: ",
        ),
        (
            r#"{"M":{"a":{"N":"secret"}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"B":"secret!"}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"BS":["secret!"]}}}"#,
            ItemErrorKind::InvalidText,
            "session.a[0]: ",
        ),
        (
            r#"{"M":{"a":{}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"X":1}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"SS":[]}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"S":"a","N":"1"}}}"#,
            ItemErrorKind::InvalidText,
            "not the text",
        ),
        (
            r#"{"M":{"a":{"S":1}}}"#,
            ItemErrorKind::InvalidText,
            "not the text",
        ),
        (
            r#"{"M":{"a":"secret"}}"#,
            ItemErrorKind::InvalidText,
            "not the text",
        ),
        (r#"{"M":{}}{}"#, ItemErrorKind::InvalidText, "not the text"),
        (
            r#"{"M":{"":{"S":""}}}"#,
            ItemErrorKind::EmptyFieldName,
            "an empty field name",
        ),
        (r#"{"S":"secret"}"#, ItemErrorKind::NotAMap, "session data"),
        (r#"{"B":""}"#, ItemErrorKind::NotAMap, "session data"),
    ] {
        let (found, said) = refused(&attribute_text(attribute));
        assert_eq!(found, kind, "{attribute}");
        assert!(said.starts_with(path) && !said.contains("secret"), "{said}");
    }
}

#[test]
fn stored_values_become_text() {
    for (attribute, text) in [
        (r#"{"M":{}}"#, json_text("{}")),
        (
            r#"{"M":{"b":{"N":"1"},"a":{"L":[{"S":"\u00e9\"\\\u0001"},{"NULL":true},{"BOOL":true},{},{"X":1}]}}}"#,
            json_text("{\"b\":1,\"a\":[\"é\\\"\\\\\\u0001\",null,true,null,null]}"),
        ),
        // Numbers keep their text, if JSON has it.
        (
            r#"{"M":{"a":{"L":[{"N":"1.50"},{"N":"1E+21"},{"N":"123456789012345678901234567890"},{"N":"-0"},{"N":"+1"},{"N":".5"},{"N":"1."},{"N":"007"},{"N":"-.5e+3"}]}}}"#,
            json_text(r#"{"a":[1.50,1E+21,123456789012345678901234567890,-0,1,0.5,1,7,-0.5e3]}"#),
        ),
        (
            r#"{"M":{"__proto__":{"M":{"x":{"B":""}}},"ok":{"M":{"__proto__":{"S":"y"}}}}}"#,
            json_text(r#"{"ok":{"__proto__":"y"}}"#),
        ),
        (
            r#"{"M":{"a":{"S":"\ud800"}}}"#,
            json_text("{\"a\":\"\u{fffd}\"}"),
        ),
        (
            r#"{"M":{"a":{"X":1},"__proto__":{},"":{"S":"é"},"b":{"B":"AQI="},"n":{"N":"007"}, "big":{"N":"1e999"}}}"#,
            attribute_text(
                r#"{"M":{"a":{"NULL":true},"":{"S":"é"},"b":{"B":"AQI="},"n":{"N":"7"},"big":{"N":"1e999"}}}"#,
            ),
        ),
        (
            r#"{"M":{"a":{"L":[{"SS":["x"]},{"NS":["1"]},{"BS":["AQ=="]},{"SS":[]},{"S":"\ud800"}]}}}"#,
            attribute_text(
                "{\"M\":{\"a\":{\"L\":[{\"SS\":[\"x\"]},{\"NS\":[\"1\"]},{\"BS\":[\"AQ==\"]},{\"SS\":[]},{\"S\":\"\u{fffd}\"}]}}}",
            ),
        ),
    ] {
        assert_eq!(text_of(attribute), Ok(text), "{attribute}");
    }
    for attribute in [
        r#"{"S":"x"}"#,
        r#"{"NULL":true}"#,
        r#"{"L":[]}"#,
        r#"{"B":"AQ=="}"#,
        r#"{"SS":["M"]}"#,
        "{}",
        r#"{"S":"{\"M\":"}"#,
    ] {
        assert_eq!(
            text_of(attribute),
            Err(ItemErrorKind::NotAMap),
            "{attribute}"
        );
    }
}

#[test]
fn session_text_can_be_part_of_a_type() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Both {
        plain: SessionText,
        binary: Option<SessionText>,
        after: u8,
    }
    let both = Both {
        plain: attribute_text(r#"{"M":{"b":{"N":"1"}}}"#),
        binary: Some(attribute_text(r#"{"M":{"a":{"B":""}}}"#)),
        after: 1,
    };
    assert_eq!(typed::<Both>(&written(&both)), both);
    let error = serde_json::to_string(&both.plain).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SessionText is only for the codec of dynamodb-session"
    );
    let error = serde_json::from_str::<SessionText>("{}").unwrap_err();
    assert!(
        error.to_string().starts_with("SessionText is only for"),
        "{error}"
    );
    assert_eq!(
        format!("{both:?}"),
        "Both { plain: Attribute(21 bytes), binary: Some(Attribute(20 bytes)), after: 1 }"
    );
}

fn item<T: DeserializeOwned>(item: &str) -> Result<StoredItem<T>, ItemError> {
    read_item(item.as_bytes())
}

#[test]
fn items() {
    let legacy = r#"{"session":{"M":{"a":{"N":"1"},"d":{"M":{}},"_expire":{"N":"1"},"_maxAge":{"N":"86400000"}}},"sessionId":{"S":"KID"},"expires":{"N":"1795424899"}}"#;
    let found = item::<SessionText>(legacy).unwrap();
    assert_eq!(
        found.data,
        Stored::Session(json_text(
            r#"{"a":1,"d":{},"_expire":1,"_maxAge":86400000}"#
        ))
    );
    assert_eq!(
        (found.expires_ms, found.created_ms),
        (Some(1_795_424_899_000), None)
    );
    let found = item::<BTreeMap<String, Value>>(legacy).unwrap();
    assert_eq!(
        found.data,
        Stored::Session(
            serde_json::from_str(r#"{"a":1,"d":{},"_expire":1,"_maxAge":86400000}"#).unwrap()
        )
    );

    let ours = r#"{"created":{"N":"1795338489828"},"rev":{"N":"1"},"x":{"M":{"session":{"S":"no"}}},"session":{"M":{"b":{"B":"AQ=="}}}}"#;
    let found = item::<SessionText>(ours).unwrap();
    assert_eq!(
        found.data,
        Stored::Session(attribute_text(r#"{"M":{"b":{"B":"AQ=="}}}"#))
    );
    assert_eq!(
        (found.expires_ms, found.created_ms),
        (None, Some(1_795_338_489_828))
    );

    for (session, expected) in [
        ("", Unreadable::Absent),
        (r#","session":{"NULL":true}"#, Unreadable::NotAMap),
        (r#","session":{"S":"str"}"#, Unreadable::NotAMap),
        (r#","session":{"N":"5"}"#, Unreadable::NotAMap),
        (r#","session":{"BOOL":false}"#, Unreadable::NotAMap),
        (r#","session":{"L":[{"M":{}}]}"#, Unreadable::NotAMap),
        (r#","session":{"SS":["x"]}"#, Unreadable::NotAMap),
        (r#","session":{}"#, Unreadable::NotAMap),
        (r#","session":{"X":1,"M":{}}"#, Unreadable::NotAMap),
    ] {
        let text = format!(r#"{{"sessionId":{{"S":"KID"}}{session},"expires":{{"N":"2"}}}}"#);
        let found = item::<SessionText>(&text).unwrap();
        assert_eq!(found.data, Stored::Unreadable(expected), "{text}");
        assert_eq!(found.expires_ms, Some(2000));
        assert_eq!(
            item::<Value>(&text).unwrap().data,
            Stored::Unreadable(expected),
            "{text}"
        );
    }
    for (binary, version) in [("AQL/", 1), ("/w==", 255), ("", 0)] {
        let error = item::<Value>(&format!(r#"{{"session":{{"B":"{binary}"}}}}"#)).unwrap_err();
        assert_eq!(error.kind, ItemErrorKind::UnsupportedVersion(version));
        assert!(
            error.to_string().contains(&format!("version {version},")),
            "{error}"
        );
    }
    for malformed in [
        "",
        "[]",
        "null",
        r#"{"session":5}"#,
        r#"{"session":{"B":"*"}}"#,
        r#"{"expires":5}"#,
        r#"{"expires":{"N":5}}"#,
        "{}{}",
    ] {
        assert_eq!(
            item::<Value>(malformed).unwrap_err().kind,
            ItemErrorKind::Malformed,
            "{malformed}"
        );
    }
}

#[test]
fn expiries_of_every_predecessor() {
    for (attribute, expires) in [
        (r#"{"N":"1795338490"}"#, Some(1_795_338_490_000)),
        (r#"{"N":"1795338490.46"}"#, Some(1_795_338_490_460)),
        (r#"{"N":"1795338490.499"}"#, Some(1_795_338_490_499)),
        (r#"{"N":"1795338490460"}"#, Some(1_795_338_490_460)),
        (r#"{"N":"100000000000"}"#, Some(100_000_000_000_000)),
        (r#"{"N":"0"}"#, Some(0)),
        (r#"{"N":"-5"}"#, Some(0)),
        (r#"{"N":"1E+125"}"#, Some(u64::MAX)),
        (r#"{"N":"NaN"}"#, None),
        (r#"{"N":"inf"}"#, None),
        (r#"{"S":"1795338490"}"#, None),
        (r#"{"NULL":true}"#, None),
        (r#"{"NS":["1"]}"#, None),
        ("{}", None),
    ] {
        let found = item::<Value>(&format!(
            r#"{{"expires":{attribute},"created":{attribute}}}"#
        ));
        // One of the values is read, the others are left, which must not stop the item.
        assert_eq!(found.unwrap().expires_ms, expires, "{attribute}");
    }
    for (created, expected) in [
        ("1795338489828", Some(1_795_338_489_828)),
        ("1.5", None),
        ("-1", None),
        ("x", None),
    ] {
        let found = item::<Value>(&format!(r#"{{"created":{{"N":"{created}"}}}}"#)).unwrap();
        assert_eq!(found.created_ms, expected, "{created}");
    }
}

#[test]
fn items_in_responses() {
    let response =
        br#"{"ConsumedCapacity":{"Item":1},"Item":{"session":{"M":{"a":{"B":""}}}},"More":[{}]}"#;
    let found = read_response::<SessionText>(response, "Item", KEY, TTL_ATTRIBUTE, Layout::Session)
        .unwrap()
        .unwrap();
    assert_eq!(
        found.data,
        Stored::Session(attribute_text(r#"{"M":{"a":{"B":""}}}"#))
    );
    assert!(
        read_response::<SessionText>(response, "Attributes", KEY, TTL_ATTRIBUTE, Layout::Session)
            .unwrap()
            .is_none()
    );
    assert!(
        read_response::<SessionText>(b"{}", "Item", KEY, TTL_ATTRIBUTE, Layout::Session)
            .unwrap()
            .is_none()
    );
    assert_eq!(
        read_response::<SessionText>(b"{", "Item", KEY, TTL_ATTRIBUTE, Layout::Session)
            .unwrap_err()
            .kind,
        ItemErrorKind::Malformed
    );
}

#[test]
fn an_item_of_another_session_is_none_of_ours() {
    for (key, is_ours) in [
        (r#"{"S":"a\"b"}"#, true),
        (r#"{"S":"a\u0022b"}"#, true),
        (r#"{"S":"A\"b"}"#, false),
        (r#"{"S":"a\"b\ud800"}"#, false),
        (r#"{"N":"1"}"#, false),
        ("{}", false),
    ] {
        for item in [
            format!(r#"{{"sessionId":{key},"session":{{"M":{{}}}}}}"#),
            format!(r#"{{"session":{{"M":{{}}}},"sessionId":{key}}}"#),
        ] {
            let response = format!(r#"{{"Item":{item}}}"#);
            let found = read_response::<SessionText>(
                response.as_bytes(),
                "Item",
                KEY,
                TTL_ATTRIBUTE,
                Layout::Session,
            );
            match found {
                Ok(found) => assert!(is_ours && found.is_some(), "{response}"),
                Err(error) => {
                    assert!(!is_ours, "{response}: {error}");
                    assert_eq!(error.kind, ItemErrorKind::OtherKey);
                    assert!(!error.to_string().contains("a\"b"));
                }
            }
        }
    }
}

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
    let _ = read_response::<SessionText>(input, "a", KEY, TTL_ATTRIBUTE, Layout::Session);
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
