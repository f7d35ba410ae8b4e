//! Load then save unchanged sends no field of the session, whatever is stored.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::sync::LazyLock;

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::{ManualClock, Record, SessionStore, SessionText, Write};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::update::Update;
use crate::support::engine::{Direct, Engine};
use crate::support::{MINUTE, id, now};

const CASES: u32 = 500;

/// Of koa: an expiry unit, and names that are not carried from the stored session into the one that is saved.
static KOA: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
        .expiry_field(ExpiryField::setting("_session"))
        .not_carried(["length", "populated", "externalKey", "isNew"])
        .not_carried_prefixes(["_"])
});

/// What DynamoDB takes for a number, and more digits than a double has.
fn any_number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (-1e6..1e6_f64).prop_map(|number| number.to_string()),
        "-?[1-9][0-9]{15,37}",
        "-?0\\.[0-9]{0,36}[1-9]",
        "-?[1-9]\\.[0-9]{0,30}[1-9]",
        ("[1-9]{1,20}", -110..105_i32)
            .prop_map(|(digits, exponent)| format!("{digits}e{exponent}")),
        // Where doubles end being exact, and other places of interest.
        prop::sample::select(vec![
            "0",
            "-0",
            "9007199254740993",
            "-9007199254740993",
            "1e21",
            "999999999999999999999",
            "0.000001",
            "0.0000001",
            "1e-130",
            "9.99e125",
            "0.1000000000000000055511151231257827",
        ])
        .prop_map(ToOwned::to_owned),
    ]
}

fn any_bytes() -> impl Strategy<Value = String> {
    // Whole groups of four, which every engine understands alike.
    prop::collection::vec("[A-Za-z0-9+/]{4}", 0..4).prop_map(|groups| groups.concat())
}

/// A set without duplicates.
fn any_set(
    tag: &'static str,
    member: impl Strategy<Value = String>,
) -> impl Strategy<Value = Value> {
    prop::collection::btree_set(member, 1..4).prop_map(move |members| json!({ tag: members }))
}

fn any_attribute() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!({ "NULL": true })),
        any::<bool>().prop_map(|value| json!({ "BOOL": value })),
        any_number().prop_map(|value| json!({ "N": value })),
        any::<String>().prop_map(|value| json!({ "S": value })),
        // Text that looks like numbers, and escapes.
        "[\"\\\\0-9eE.+-]{0,8}".prop_map(|value| json!({ "S": value })),
        any_bytes().prop_map(|value| json!({ "B": value })),
        any_set("SS", "[ -~é]{1,5}"),
        any_set("NS", any::<i32>().prop_map(|number| number.to_string())),
        any_set("BS", "[A-Za-z0-9+/]{4}"),
    ];
    scalar.prop_recursive(4, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| json!({ "L": values })),
            prop::collection::btree_map(any_name(), inner, 0..4)
                .prop_map(|fields| json!({ "M": fields })),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,4}",
        // What JavaScript puts first.
        "[0-9]{1,3}",
        "\\PC{1,6}",
        prop::sample::select(vec![
            "__proto__",
            "constructor",
            "toJSON",
            "length",
            "isNew",
            "_hidden",
            "_expire",
            "_maxAge",
            "a.b",
            "#n",
            ":v",
            "session",
            "created",
            "expires",
        ])
        .prop_map(ToOwned::to_owned),
    ]
}

/// The fields of a stored session.
fn any_session() -> impl Strategy<Value = BTreeMap<String, Value>> {
    prop_oneof![
        9 => prop::collection::btree_map(any_name(), any_attribute(), 0..6),
        1 => prop::collection::btree_map(any_name(), any_attribute(), 0..40),
    ]
}

/// A typed session that can hold whatever is stored.
#[derive(Debug, Clone, PartialEq)]
enum Data {
    Null,
    Bool(bool),
    Signed(i128),
    Unsigned(u128),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Data>),
    Map(BTreeMap<String, Data>),
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i128(*value),
            Self::Unsigned(value) => serializer.serialize_u128(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::List(values) => values.serialize(serializer),
            Self::Map(fields) => fields.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DataVisitor;
        impl<'de> Visitor<'de> for DataVisitor {
            type Value = Data;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_unit<E>(self) -> Result<Data, E> {
                Ok(Data::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
                Ok(Data::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
                Ok(Data::Signed(value.into()))
            }

            fn visit_i128<E>(self, value: i128) -> Result<Data, E> {
                Ok(Data::Signed(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Data, E> {
                Ok(Data::Unsigned(value.into()))
            }

            fn visit_u128<E>(self, value: u128) -> Result<Data, E> {
                Ok(Data::Unsigned(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Data, E> {
                Ok(Data::Double(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Data, E> {
                Ok(Data::Text(value.to_owned()))
            }

            fn visit_bytes<E: de::Error>(self, value: &[u8]) -> Result<Data, E> {
                Ok(Data::Bytes(value.to_vec()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Data, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Data::List(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    fields.insert(name, value);
                }
                Ok(Data::Map(fields))
            }
        }
        deserializer.deserialize_any(DataVisitor)
    }
}

/// A number as JavaScript writes the double that it reads.
fn as_javascript(number: &str) -> String {
    let value: f64 = number.parse().unwrap();
    if value == 0.0 {
        return "0".to_owned();
    }
    // The shortest digits that tell the double from its neighbours, as JavaScript has them.
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap();
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap();
    let point = exponent + 1;
    let length = i32::try_from(digits.len()).unwrap();
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap());
    let mut text = if value < 0.0 {
        "-".to_owned()
    } else {
        String::new()
    };
    let (head, tail) = digits.split_at(usize::try_from(point.clamp(1, length)).unwrap());
    if (length..=21).contains(&point) {
        text += &(digits.clone() + &zeros(point - length));
    } else if (1..=21).contains(&point) {
        write!(text, "{head}.{tail}").unwrap();
    } else if (-5..=0).contains(&point) {
        write!(text, "0.{}{digits}", zeros(-point)).unwrap();
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        write!(text, "{first}{point}{rest}e{exponent:+}").unwrap();
    }
    text
}

#[test]
fn numbers_are_written_as_javascript_writes_them() {
    for (number, javascript) in [
        ("1", "1"),
        ("-1.50", "-1.5"),
        ("-0", "0"),
        ("100", "100"),
        ("123456789012345680000", "123456789012345680000"),
        ("1e21", "1e+21"),
        ("1.5e300", "1.5e+300"),
        ("9007199254740993", "9007199254740992"),
        ("0.000001", "0.000001"),
        ("0.0000015", "0.0000015"),
        ("1.5e-7", "1.5e-7"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1e-130", "1e-130"),
    ] {
        assert_eq!(as_javascript(number), javascript);
    }
}

/// The text of what `JSON.parse` makes of it.
fn through_json(text: &str) -> String {
    let mut out = String::new();
    let (mut in_string, mut is_escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if !in_string && (c == '-' || c.is_ascii_digit()) {
            let length = rest
                .find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c)))
                .unwrap_or(rest.len());
            out += &as_javascript(&rest[..length]);
            length
        } else {
            if c == '"' && !is_escaped {
                in_string = !in_string;
            }
            is_escaped = in_string && c == '\\' && !is_escaped;
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    out
}

/// What the addon's JavaScript makes of an attribute value.
fn through_attribute(attribute: &Value) -> Value {
    let (tag, value) = attribute.as_object().unwrap().iter().next().unwrap();
    let number = |text: &Value| as_javascript(text.as_str().unwrap());
    match (tag.as_str(), value) {
        ("N", value) => json!({ "N": number(value) }),
        ("NS", Value::Array(members)) => {
            let members: Vec<_> = members.iter().map(number).collect();
            json!({ "NS": members })
        }
        ("L", Value::Array(values)) => {
            let values: Vec<_> = values.iter().map(through_attribute).collect();
            json!({ "L": values })
        }
        ("M", Value::Object(fields)) => {
            let fields = fields.iter();
            let fields: BTreeMap<_, _> = fields
                .map(|(name, value)| (name, through_attribute(value)))
                .collect();
            json!({ "M": fields })
        }
        (tag, value) => json!({ tag: value }),
    }
}

/// How a session's data pass through an application that changes nothing, its framework's own fields aside.
trait Application: Serialize + DeserializeOwned + Send + Sync {
    /// What it saves, `unit` having been put into it, and the names that `keeps` does not keep left out.
    fn saves(&self, unit: &BTreeMap<&str, u64>, keeps: fn(&str) -> bool) -> Self;
}

impl Application for Data {
    fn saves(&self, unit: &BTreeMap<&str, u64>, keeps: fn(&str) -> bool) -> Self {
        let Self::Map(fields) = self else {
            panic!("a session is a map");
        };
        let mut fields = fields.clone();
        fields.retain(|name, _| keeps(name));
        let unit = unit.iter();
        fields.extend(
            unit.map(|(name, value)| ((*name).to_owned(), Self::Unsigned((*value).into()))),
        );
        Self::Map(fields)
    }
}

impl Application for Value {
    fn saves(&self, unit: &BTreeMap<&str, u64>, keeps: fn(&str) -> bool) -> Self {
        let mut fields = self.as_object().unwrap().clone();
        fields.retain(|name, _| keeps(name));
        let unit = unit.iter();
        fields.extend(unit.map(|(name, value)| ((*name).to_owned(), json!(value))));
        fields.into()
    }
}

impl Application for SessionText {
    fn saves(&self, unit: &BTreeMap<&str, u64>, keeps: fn(&str) -> bool) -> Self {
        match self {
            Self::Json(text) => {
                // By name, which is another order than the stored one.
                let text = through_json(text);
                let mut fields: BTreeMap<String, Box<RawValue>> =
                    serde_json::from_str(&text).unwrap();
                fields.retain(|name, _| keeps(name));
                for (name, value) in unit {
                    let value = RawValue::from_string(value.to_string()).unwrap();
                    fields.insert((*name).to_owned(), value);
                }
                Self::Json(serde_json::to_string(&fields).unwrap())
            }
            Self::Attribute(text) => {
                let mut session = through_attribute(&serde_json::from_str(text).unwrap());
                let fields = session["M"].as_object_mut().unwrap();
                fields.retain(|name, _| keeps(name));
                for (name, value) in unit {
                    fields.insert((*name).to_owned(), json!({ "N": value.to_string() }));
                }
                Self::Attribute(session.to_string())
            }
        }
    }
}

struct Bench {
    runtime: tokio::runtime::Runtime,
    engine: Engine,
    way: Direct,
    store: SessionStore,
}

impl Bench {
    fn new() -> Self {
        let engine = Engine::new();
        let way = Direct::to(engine.clone());
        let store = SessionStore::builder()
            .transport(way.clone())
            .clock(ManualClock::new(now()));
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            store: store.build().unwrap(),
            way,
            engine,
        }
    }

    fn store(&self, fields: &BTreeMap<String, Value>) -> bool {
        let item = json!({ "session": { "M": fields }, "created": { "N": "1800000000000" }, "expires": { "N": "1800000060" } });
        self.engine.put("a", item)
    }

    fn load<T: Application>(&self) -> Option<Record<T>> {
        let loaded = self.runtime.block_on(self.store.load::<T>(&id("a")));
        self.way.calls();
        loaded.ok().map(|record| record.expect("it is live"))
    }

    /// The fields of the session that saving writes.
    fn written<T: Application>(
        &self,
        loaded: &Record<T>,
        data: &T,
        fields: &Framework,
    ) -> Vec<String> {
        let saved = self
            .store
            .save_with(loaded, data, now() + 2 * MINUTE, fields);
        let saved = self.runtime.block_on(saved).unwrap();
        assert!(matches!(saved, Write::Written(_)));
        let calls = self.way.calls();
        assert_eq!(calls.len(), 1, "one request");
        assert_eq!(calls[0].0, "UpdateItem");
        let update = Update::of(&calls[0].1);
        assert_eq!(update.attributes(), ["created", "expires"]);
        update.fields().into_iter().map(ToOwned::to_owned).collect()
    }

    /// Loads and saves unchanged, by an application of this type.
    fn is_left_alone<T: Application>(&self) -> bool {
        let Some(loaded) = self.load::<T>() else {
            return false;
        };
        let same = loaded.data.saves(&BTreeMap::new(), |_| true);
        assert_eq!(self.written(&loaded, &same, &Framework::new()), [""; 0]);
        let unit = BTreeMap::from([("_expire", 1_800_000_120_000), ("_maxAge", 120_000)]);
        let same = loaded.data.saves(&unit, |name| KOA.is_carried(name));
        assert_eq!(
            self.written(&loaded, &same, &KOA),
            ["_expire", "_maxAge", "_session"]
        );
        true
    }
}

fn check(property: impl Fn(&Bench, BTreeMap<String, Value>) -> Result<(), TestCaseError>) {
    let bench = Bench::new();
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let result = TestRunner::new(config).run(&any_session(), |fields| {
        prop_assert!(bench.store(&fields), "the engine takes it");
        property(&bench, fields)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn by_a_type() {
    check(|bench, _| {
        assert!(bench.is_left_alone::<Data>());
        Ok(())
    });
}

#[test]
fn by_json() {
    let loaded = Cell::new(0);
    check(|bench, _| {
        // It has no word for bytes, nor for integers of that length.
        loaded.set(loaded.get() + u32::from(bench.is_left_alone::<Value>()));
        Ok(())
    });
    assert!(loaded.get() > CASES / 10, "{loaded:?}");
}

#[test]
fn by_text_that_javascript_parses() {
    check(|bench, _| {
        assert!(bench.is_left_alone::<SessionText>());
        Ok(())
    });
}

#[test]
fn but_what_changed_is_sent() {
    check(|bench, fields| {
        let Some(name) = fields.keys().find(|name| *name != "__proto__").cloned() else {
            return Ok(());
        };
        let loaded = bench.load::<Data>().unwrap();
        let Data::Map(mut data) = loaded.data.clone() else {
            panic!("a session is a map");
        };
        data.insert(
            name.clone(),
            Data::Text("another \u{1f6aa} value".to_owned()),
        );
        let written = bench.written(&loaded, &Data::Map(data.clone()), &Framework::new());
        assert_eq!(written, std::slice::from_ref(&name));
        data.remove(&name);
        let written = bench.written(&loaded, &Data::Map(data), &Framework::new());
        assert_eq!(written, [name]);
        Ok(())
    });
}
