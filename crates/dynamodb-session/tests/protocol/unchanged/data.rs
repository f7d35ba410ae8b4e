//! Sessions with random content, and the forms in which applications hold them.

use super::*;

/// Numbers of DynamoDB, including those with more digits than a double has.
pub(super) fn any_number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (-1e6..1e6_f64).prop_map(|number| number.to_string()),
        "-?[1-9][0-9]{15,37}",
        "-?0\\.[0-9]{0,36}[1-9]",
        "-?[1-9]\\.[0-9]{0,30}[1-9]",
        ("[1-9]{1,20}", -110..105_i32)
            .prop_map(|(digits, exponent)| format!("{digits}e{exponent}")),
        // The limits of exact doubles, and other special cases.
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

pub(super) fn any_bytes() -> impl Strategy<Value = String> {
    // Whole groups of four characters, which every engine reads in the same way.
    prop::collection::vec("[A-Za-z0-9+/]{4}", 0..4).prop_map(|groups| groups.concat())
}

/// A set without duplicates.
pub(super) fn any_set(
    tag: &'static str,
    member: impl Strategy<Value = String>,
) -> impl Strategy<Value = Value> {
    prop::collection::btree_set(member, 1..4).prop_map(move |members| json!({ tag: members }))
}

pub(super) fn any_attribute() -> impl Strategy<Value = Value> {
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

pub(super) fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,4}",
        // Names that JavaScript sorts first.
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
pub(super) fn any_session() -> impl Strategy<Value = BTreeMap<String, Value>> {
    prop_oneof![
        9 => prop::collection::btree_map(any_name(), any_attribute(), 0..6),
        1 => prop::collection::btree_map(any_name(), any_attribute(), 0..40),
    ]
}

/// A typed session that can hold any stored data.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
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
pub(super) fn as_javascript(number: &str) -> String {
    let value: f64 = number.parse().unwrap();
    if value == 0.0 {
        return "0".to_owned();
    }
    // The shortest digits that distinguish the double from its neighbours, as JavaScript writes them.
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

/// The text after `JSON.parse` and `JSON.stringify`.
pub(super) fn through_json(text: &str) -> String {
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

/// An attribute value after the addon's JavaScript has parsed and written it.
pub(super) fn through_attribute(attribute: &Value) -> Value {
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
