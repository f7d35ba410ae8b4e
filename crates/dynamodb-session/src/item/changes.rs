//! What a save has to write: the top-level fields of a session that changed as the application saw them.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::serialize::Writer;
use super::text::{Form, write as write_text};
use super::{ItemError, ItemErrorKind, write_session_map};

/// Which top-level fields of a framework's sessions are not the application's data.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// The expiry unit: fields that say when the session ends, and are always written together with the TTL
    /// attribute. They do not count as a change.
    pub expiry: &'static [ExpiryField],
    /// Whether the framework carries a field of this name from a stored session into the one it saves. One that it
    /// cannot carry is not removed for being missing.
    pub is_carried: fn(&str) -> bool,
}

/// A field of the expiry unit.
#[derive(Debug, Clone, Copy)]
pub struct ExpiryField {
    /// The field's name.
    pub name: &'static str,
    /// What of it only says when the session ends: a write that moves nothing else is a touch.
    pub instants: Instants,
}

/// What of an expiry field says when the session ends.
#[derive(Debug, Clone, Copy)]
pub enum Instants {
    /// The field itself.
    Itself,
    /// These fields in it.
    Inside(&'static [&'static str]),
    /// Nothing: it is a setting.
    Nothing,
}

impl Fields {
    /// All fields are the application's.
    pub const NONE: Self = Self {
        expiry: &[],
        is_carried: |_| true,
    };
}

type Field<'a> = (Cow<'a, str>, &'a RawValue);

/// The fields of a map (`{"M":{…}}`) as attribute values.
#[derive(Deserialize)]
struct MapAttribute<'a> {
    #[serde(borrow, rename = "M")]
    fields: FieldList<'a>,
}

struct FieldList<'a>(Vec<Field<'a>>);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for FieldList<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = FieldList<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of attribute values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(FieldList(fields))
            }
        }
        input.deserialize_map(List)
    }
}

fn fields_of(attribute: &[u8]) -> Result<Vec<Field<'_>>, ItemError> {
    match serde_json::from_slice::<MapAttribute<'_>>(attribute) {
        Ok(map) => Ok(map.fields.0),
        Err(error) => Err(ItemError::at(
            ItemErrorKind::Malformed,
            "not a map of attribute values",
            &error,
        )),
    }
}

/// The loaded data as an attribute value, to compare with.
pub(crate) fn write_base<T: Serialize + ?Sized>(loaded: &T) -> Result<Vec<u8>, ItemError> {
    let mut base = Vec::with_capacity(1024);
    write_session_map(loaded, &mut base, false)?;
    Ok(base)
}

/// What a merging write does to the fields of `session`.
#[derive(Default)]
pub(crate) struct Changes<'a> {
    /// Fields to set, with their attribute values.
    pub(crate) set: Vec<Field<'a>>,
    /// Fields to remove.
    pub(crate) removed: Vec<Cow<'a, str>>,
    /// The expiry unit: each field set or removed.
    pub(crate) expiry: Vec<(&'static str, Option<&'a RawValue>)>,
    /// Whether of the expiry unit nothing but the instants differs.
    pub(crate) keeps_settings: bool,
}

impl<'a> Changes<'a> {
    /// From `base` to `session`, both whole attribute values. With `as_doubles` numbers are compared as
    /// JavaScript knows them; without, by their text.
    pub(crate) fn between(
        base: &'a [u8],
        session: &'a [u8],
        fields: &Fields,
        as_doubles: bool,
    ) -> Result<Self, ItemError> {
        let (base, session) = (fields_of(base)?, fields_of(session)?);
        let mut before: HashMap<&str, &RawValue> = HashMap::with_capacity(base.len());
        before.extend(base.iter().map(|(name, value)| (name.as_ref(), *value)));
        let is_expiry = |name: &str| fields.expiry.iter().any(|field| field.name == name);
        let mut changes = Self {
            keeps_settings: true,
            ..Self::default()
        };

        for field in fields.expiry {
            let now = session.iter().find(|(name, _)| name == field.name);
            let now = now.map(|(_, value)| *value);
            changes.keeps_settings &=
                field.is_equal_but_for_instants(before.get(field.name).copied(), now, as_doubles);
            changes.expiry.push((field.name, now));
        }
        for (name, value) in session {
            let was = before.remove(name.as_ref());
            if !is_expiry(&name) && !was.is_some_and(|was| is_equal(was, value, as_doubles)) {
                changes.set.push((name, value));
            }
        }
        // What is left was not found again. In the order of the session, so that a request is repeatable.
        changes.removed = base
            .iter()
            .map(|(name, _)| name)
            .filter(|name| before.contains_key(name.as_ref()))
            .filter(|name| !is_expiry(name) && (fields.is_carried)(name))
            .cloned()
            .collect();
        Ok(changes)
    }

    /// Whether no field changed that is the application's.
    pub(crate) fn is_of_expiry(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    /// Whether nothing but the instants of the expiry unit differs.
    pub(crate) fn moves_expiry_only(&self) -> bool {
        self.keeps_settings && self.is_of_expiry()
    }

    /// The expiry unit alone.
    pub(crate) fn of_expiry(mut self) -> Self {
        self.set.clear();
        self.removed.clear();
        self
    }
}

impl ExpiryField {
    fn is_equal_but_for_instants(
        &self,
        before: Option<&RawValue>,
        now: Option<&RawValue>,
        as_doubles: bool,
    ) -> bool {
        let (Some(before), Some(now)) = (before, now) else {
            return before.is_none() && now.is_none();
        };
        match self.instants {
            Instants::Itself => true,
            Instants::Nothing => is_equal(before, now, as_doubles),
            Instants::Inside(names) => match (map_of(before), map_of(now)) {
                (Some(mut before), Some(mut now)) => {
                    before.retain(|(name, _)| !names.contains(&name.as_ref()));
                    now.retain(|(name, _)| !names.contains(&name.as_ref()));
                    is_equal_map(&before, &now, as_doubles)
                }
                _ => is_equal(before, now, as_doubles),
            },
        }
    }
}

/// Whether two attribute values are the same, whatever the order of fields.
///
/// Level by level, and not as `serde_json::Value`s: there the field name `$serde_json::private::RawValue` is no name.
fn is_equal(a: &RawValue, b: &RawValue, as_doubles: bool) -> bool {
    if a.get() == b.get() {
        return true;
    }
    let (Some((tag_a, a)), Some((tag_b, b))) = (tagged(a), tagged(b)) else {
        return false;
    };
    if tag_a != tag_b {
        return false;
    }
    match &*tag_a {
        "M" => {
            both::<FieldList<'_>>(a, b).is_some_and(|(a, b)| is_equal_map(&a.0, &b.0, as_doubles))
        }
        "L" => both::<Vec<&RawValue>>(a, b).is_some_and(|(a, b)| {
            let mut pairs = a.iter().zip(&b);
            a.len() == b.len() && pairs.all(|(a, b)| is_equal(a, b, as_doubles))
        }),
        "NS" => both::<Vec<Name<'_>>>(a, b).is_some_and(|(a, b)| {
            let mut pairs = a.iter().zip(&b);
            a.len() == b.len() && pairs.all(|(a, b)| is_equal_number(&a.0, &b.0, as_doubles))
        }),
        "N" => both::<Name<'_>>(a, b).is_some_and(|(a, b)| is_equal_number(&a.0, &b.0, as_doubles)),
        // The same string can be escaped in several ways.
        _ => both::<Value>(a, b).is_some_and(|(a, b)| a == b),
    }
}

fn is_equal_map(a: &[Field<'_>], b: &[Field<'_>], as_doubles: bool) -> bool {
    let b: HashMap<&str, &RawValue> = b.iter().map(|(name, value)| (&**name, *value)).collect();
    a.len() == b.len()
        && a.iter().all(|(name, value)| {
            b.get(&**name)
                .is_some_and(|other| is_equal(value, other, as_doubles))
        })
}

fn is_equal_number(a: &str, b: &str, as_doubles: bool) -> bool {
    let double = |text: &str| text.parse::<f64>().ok();
    a == b || (as_doubles && double(a).is_some_and(|a| double(b) == Some(a)))
}

fn both<'a, T: Deserialize<'a>>(a: &'a RawValue, b: &'a RawValue) -> Option<(T, T)> {
    Some((parse(a)?, parse(b)?))
}

fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

fn tagged(value: &RawValue) -> Option<Field<'_>> {
    let FieldList(mut types) = parse(value)?;
    types.pop().filter(|_| types.is_empty())
}

fn map_of(value: &RawValue) -> Option<Vec<Field<'_>>> {
    Some(parse::<MapAttribute<'_>>(value)?.fields.0)
}

/// The bytes that count towards the size of the item in an answer (`{"Item":{…}}`); `None` if there is no item.
pub(crate) fn size_of_item(answer: &[u8]) -> Option<usize> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow, rename = "Item")]
        item: FieldList<'a>,
    }
    let answer: Answer<'_> = serde_json::from_slice(answer).ok()?;
    let mut out = Vec::new();
    let mut size = 0;
    for (name, value) in answer.item.0 {
        out.clear();
        let mut writer = Writer::new(&mut out, false);
        // Any type will do: it is no session.
        writer.depth = 1;
        write_text(Form::Attribute, value.get(), &mut writer).ok()?;
        size += name.len() + writer.size;
    }
    Some(size)
}
