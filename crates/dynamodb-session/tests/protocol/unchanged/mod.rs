//! A save of an unchanged loaded session takes back no change of a parallel request, whatever was loaded.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fmt::Write as _;
use std::sync::LazyLock;

use dynamodb_session::clock::ManualClock;
use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::{
    DecodeSession, EncodeSession, Loaded, SaveOutcome, SessionStore, SessionText,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::protocol::update::Update;
use crate::support::engine::{Direct, Engine};
use crate::support::{MINUTE, id, now, until};

mod data;

use data::*;

const CASES: u32 = 500;

/// Koa's framework: an expiry unit, and names that are not carried from the stored session into the saved one.
static KOA: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
        .expiry_field(ExpiryField::setting("_session"))
        .not_carried(["length", "populated", "externalKey", "isNew"])
        .not_carried_prefixes(["_"])
});

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

/// An application that changes nothing in a session except the fields of its framework.
trait Application: EncodeSession + DecodeSession + Send + Sync {
    /// The data that it saves: with the fields of `unit`, and without the names for which `keeps` is false.
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
                // Sorted by name, which is a different order than the stored one.
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

    fn fields(&self) -> BTreeMap<String, Value> {
        let mut item = self.engine.item("a").unwrap();
        serde_json::from_value(item["session"]["M"].take()).unwrap()
    }

    fn load<T: Application>(&self) -> Option<Loaded<T>> {
        let loaded = self.runtime.block_on(self.store.load::<T>(&id("a")));
        self.way.calls();
        loaded
            .ok()
            .map(|record| record.expect("the session is live"))
    }

    /// The fields that saving writes over those of a parallel request. `stored` are the fields that were loaded.
    fn written<T: Application>(
        &self,
        stored: &BTreeMap<String, Value>,
        loaded: &Loaded<T>,
        data: &T,
        framework: &Framework,
    ) -> Vec<String> {
        let theirs = stored
            .keys()
            .map(|name| (name.clone(), json!({ "S": "theirs" })))
            .collect();
        assert!(self.store(&theirs));
        let options = until(now() + 2 * MINUTE).framework(framework);
        let saved = self.store.save(loaded, data, &options);
        let saved = self.runtime.block_on(saved).unwrap();
        assert!(matches!(saved, SaveOutcome::Saved(_)));
        let calls = self.way.calls();
        assert!(calls.len() <= 2, "a write, and another one that merges");
        for (operation, body) in &calls {
            assert_eq!(*operation, "UpdateItem");
            let attributes = ["created", "expires", "rev", "session"];
            assert_eq!(Update::of(body).attributes(), attributes);
        }
        let fields = self.fields();
        let names: BTreeSet<_> = theirs.keys().chain(fields.keys()).collect();
        let names = names.into_iter();
        names
            .filter(|name| fields.get(*name) != theirs.get(*name))
            .cloned()
            .collect()
    }

    /// Whether a save by an application of this type, without changes, writes no field. It is not if the session cannot
    /// be loaded as this type.
    fn is_left_alone<T: Application>(&self, stored: &BTreeMap<String, Value>) -> bool {
        let Some(loaded) = self.load::<T>() else {
            return false;
        };
        let same = loaded.data.saves(&BTreeMap::new(), |_| true);
        let written = self.written(stored, &loaded, &same, &Framework::new());
        assert_eq!(written, [""; 0]);
        let unit = BTreeMap::from([("_expire", 1_800_000_120_000), ("_maxAge", 120_000)]);
        let same = loaded.data.saves(&unit, |name| KOA.is_carried(name));
        let mut expected = vec!["_expire", "_maxAge"];
        if stored.contains_key("_session") {
            expected.push("_session");
        }
        assert_eq!(self.written(stored, &loaded, &same, &KOA), expected);
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
        prop_assert!(bench.store(&fields), "the engine accepts the item");
        property(&bench, fields)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn typed_data_are_left_unchanged() {
    check(|bench, fields| {
        assert!(bench.is_left_alone::<Data>(&fields));
        Ok(())
    });
}

#[test]
fn json_data_are_left_unchanged() {
    let loaded = Cell::new(0);
    check(|bench, fields| {
        // JSON cannot express bytes, or integers of that length.
        loaded.set(loaded.get() + u32::from(bench.is_left_alone::<Value>(&fields)));
        Ok(())
    });
    assert!(loaded.get() > CASES / 10, "{loaded:?}");
}

#[test]
fn text_that_javascript_parses_is_left_unchanged() {
    check(|bench, fields| {
        assert!(bench.is_left_alone::<SessionText>(&fields));
        Ok(())
    });
}

/// A decimal number in one form: its sign, its digits, and the exponent of the last one.
fn decimal(number: &str) -> Value {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}").replace(['-', '+'], "");
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).unwrap();
    let exponent: i64 = exponent.parse().unwrap();
    let last = exponent - i64::try_from(fraction.len()).unwrap() + zeros;
    match significant.trim_start_matches('0') {
        "" => json!("0"),
        significant => json!([mantissa.starts_with('-'), significant, last]),
    }
}

/// The same attribute value in one form. The engine returns the members of a set in any order.
fn in_order(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (tag, value) in fields {
                *value = match (&**tag, &*value) {
                    ("N", Value::String(number)) => decimal(number),
                    ("NS", Value::Array(set)) => set
                        .iter()
                        .map(|number| decimal(number.as_str().unwrap()))
                        .collect(),
                    _ => in_order(value.take()),
                };
                if let (true, Value::Array(set)) = (["SS", "NS", "BS"].contains(&&**tag), value) {
                    set.sort_by_key(ToString::to_string);
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                *value = in_order(value.take());
            }
        }
        _ => {}
    }
    value
}

/// Without a parallel request, what is stored is what was stored before, to the last digit.
#[test]
fn text_keeps_every_digit_of_what_is_stored() {
    check(|bench, fields| {
        let loaded = bench.load::<SessionText>().unwrap();
        let same = loaded.data.saves(&BTreeMap::new(), |_| true);
        let options = until(now() + 2 * MINUTE);
        let saved = bench.store.save(&loaded, &same, &options);
        let saved = bench.runtime.block_on(saved).unwrap();
        assert!(matches!(saved, SaveOutcome::Saved(_)));
        // This engine compares numbers by their text, so the first write can fail.
        assert!(bench.way.calls().len() <= 2);
        assert_eq!(in_order(json!(bench.fields())), in_order(json!(fields)));
        Ok(())
    });
}

#[test]
fn changed_fields_are_sent() {
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
        let changed = Data::Map(data.clone());
        let written = bench.written(&fields, &loaded, &changed, &Framework::new());
        assert_eq!(written, std::slice::from_ref(&name));
        data.remove(&name);
        let removed = Data::Map(data);
        let written = bench.written(&fields, &loaded, &removed, &Framework::new());
        assert_eq!(written, [name]);
        Ok(())
    });
}
