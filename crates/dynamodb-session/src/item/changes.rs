//! What a save changes: the top-level fields of a session that differ from what the application saw.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::ItemError;
use super::codec::text;
use super::codec::writer::{FieldSink, Writer};
use super::data::sealed::Encode;
use super::stored::write_map;
use crate::framework::{ExpiryField, Framework, Instants};

/// Where a field is in the bytes of a session's attribute value: its name, as a JSON string, then a colon, its value, and
/// the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldAt {
    name: usize,
    value: usize,
    end: usize,
}

impl FieldAt {
    fn name(self, attribute: &str) -> &str {
        &attribute[self.name..self.value - 1]
    }

    fn value(self, attribute: &str) -> &str {
        &attribute[self.value..self.end]
    }
}

impl FieldSink for Vec<FieldAt> {
    fn field(&mut self, out: &mut Vec<u8>, name_at: usize, value_at: usize) {
        self.push(FieldAt {
            name: name_at,
            value: value_at,
            end: out.len(),
        });
    }
}

/// Appends session data as a map whose fields are compared, but not sent. Values that `DynamoDB` would refuse are allowed.
pub(crate) fn write_fields<T: Encode + ?Sized>(
    session: &T,
    out: &mut Vec<u8>,
    fields: &mut Vec<FieldAt>,
) -> Result<(), ItemError> {
    write_map(session, out, false, Some(fields)).map(|_| ())
}

/// What a save does to the fields of a session. Names are JSON strings.
#[derive(Default)]
pub(crate) struct Changes<'a> {
    /// Fields to set, with their attribute values.
    pub(crate) set: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Fields to remove.
    pub(crate) removed: Vec<String>,
    /// The expiry unit: each field set or removed.
    pub(crate) expiry: Vec<(String, Option<Cow<'a, str>>)>,
    /// Whether the expiry unit differs in its instants at most.
    pub(crate) keeps_settings: bool,
    /// Whether the session has other changes, which are not to be written.
    pub(crate) is_partial: bool,
    /// Fields that the session lacks only because its framework does not carry them, with their attribute values.
    kept: Vec<(String, String)>,
    /// Fields whose stored text says more than the session's does, such as a number that is no double; in order.
    exact: Vec<(FieldAt, String)>,
}

impl<'a> Changes<'a> {
    /// The changes from the loaded session to the one whose attribute value is in `session`, with its fields `at` these
    /// places. With `as_doubles`, numbers are compared as doubles, as JavaScript has them; otherwise by their text.
    pub(crate) fn since<B: Encode + ?Sized>(
        loaded: &B,
        session: &'a [u8],
        at: &[FieldAt],
        framework: &Framework,
        as_doubles: bool,
    ) -> Result<Self, ItemError> {
        let session = str::from_utf8(session).expect("the codec writes UTF-8");
        let mut comparison = Comparison::new(session, at, framework, as_doubles);
        // It holds one field at a time.
        let mut base = Vec::with_capacity(256);
        write_map(loaded, &mut base, false, Some(&mut comparison))?;
        Ok(comparison.finish())
    }

    /// Whether no field of the application changed.
    pub(crate) fn is_of_expiry(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    /// Whether only the instants of the expiry unit differ.
    pub(crate) fn moves_expiry_only(&self) -> bool {
        self.keeps_settings && self.is_of_expiry()
    }

    /// Whether the session itself says when it ends. Otherwise its end is a setting of the store.
    pub(crate) fn has_instant(&self, framework: &Framework) -> bool {
        let mut fields = framework.expiry().iter().zip(&self.expiry);
        fields.any(|(field, (_, now))| now.as_ref().is_some_and(|now| field.has_instant(now)))
    }

    /// The same without the session that they are changes of.
    pub(crate) fn to_owned(&self) -> Changes<'static> {
        let owned = |text: &Cow<'_, str>| Cow::Owned(text.clone().into_owned());
        let set = self.set.iter();
        let expiry = self.expiry.iter();
        Changes {
            set: set.map(|(name, now)| (owned(name), owned(now))).collect(),
            removed: self.removed.clone(),
            expiry: expiry
                .map(|(name, now)| (name.clone(), now.as_ref().map(owned)))
                .collect(),
            kept: self.kept.clone(),
            exact: self.exact.clone(),
            ..*self
        }
    }

    /// The expiry unit alone.
    pub(crate) fn of_expiry(mut self) -> Self {
        self.is_partial = !self.is_of_expiry();
        self.set.clear();
        self.removed.clear();
        self
    }

    /// Whether the session, as it is, is what was loaded with these changes.
    pub(crate) fn make_it_whole(&self) -> bool {
        self.kept.is_empty() && self.exact.is_empty()
    }

    /// The attribute value of what was loaded with these changes, from that of the session.
    pub(crate) fn on_loaded(&self, session: &str) -> String {
        let mut out = String::with_capacity(session.len() + 64);
        let mut from = 0;
        for (at, value) in &self.exact {
            out.push_str(&session[from..at.value]);
            out.push_str(value);
            from = at.end;
        }
        out.push_str(&session[from..]);
        for (name, value) in &self.kept {
            // Before the two braces at the end.
            out.truncate(out.len() - 2);
            if !out.ends_with('{') {
                out.push(',');
            }
            for part in [name, ":", value, "}}"] {
                out.push_str(part);
            }
        }
        out
    }
}

/// A session that is compared with the fields of the loaded one, one after the other.
struct Comparison<'a, 'f> {
    session: &'a str,
    /// The session's fields, and whether the base has the same value for each.
    now: Vec<(FieldAt, bool)>,
    /// Where to look first for the next field of the base: most sessions keep the order of their fields.
    next: usize,
    framework: &'f Framework,
    /// Which fields of the expiry unit the base had.
    had: Vec<bool>,
    as_doubles: bool,
    changes: Changes<'a>,
}

impl<'a, 'f> Comparison<'a, 'f> {
    fn new(session: &'a str, at: &[FieldAt], framework: &'f Framework, as_doubles: bool) -> Self {
        let now: Vec<_> = at.iter().map(|at| (*at, false)).collect();
        let mut changes = Changes {
            keeps_settings: true,
            ..Changes::default()
        };
        for field in framework.expiry() {
            let name = json_string(&field.name);
            let found = at.iter().find(|at| at.name(session) == name);
            changes
                .expiry
                .push((name, found.map(|at| Cow::Borrowed(at.value(session)))));
        }
        Self {
            session,
            now,
            next: 0,
            framework,
            had: vec![false; framework.expiry().len()],
            as_doubles,
            changes,
        }
    }

    /// The session's field of this name.
    fn find(&mut self, name: &str) -> Option<&mut (FieldAt, bool)> {
        let (before, after) = self.now.split_at(self.next.min(self.now.len()));
        let is_it = |(at, _): &(FieldAt, bool)| at.name(self.session) == name;
        let found = match after.iter().position(is_it) {
            Some(position) => before.len() + position,
            None => before.iter().position(is_it)?,
        };
        self.next = found + 1;
        Some(&mut self.now[found])
    }

    fn expiry(&self, name: &str) -> Option<usize> {
        self.changes
            .expiry
            .iter()
            .position(|(known, _)| known == name)
    }

    /// Compares a field of the base.
    fn compare(&mut self, name: &str, was: &str) {
        if let Some(index) = self.expiry(name) {
            self.had[index] = true;
            let now = self.changes.expiry[index].1.as_deref();
            let field = &self.framework.expiry()[index];
            self.changes.keeps_settings &= field.has_same_settings(was, now, self.as_doubles);
            return;
        }
        let (session, as_doubles) = (self.session, self.as_doubles);
        if let Some((at, is_same)) = self.find(name) {
            let at = *at;
            let now = at.value(session);
            *is_same = is_equal(was, now, as_doubles);
            if *is_same && was != now && as_doubles {
                self.changes.exact.push((at, was.to_owned()));
            }
        } else if self.framework.is_carried(&plain(name)) {
            self.changes.removed.push(name.to_owned());
        } else {
            self.changes.kept.push((name.to_owned(), was.to_owned()));
        }
    }

    fn finish(mut self) -> Changes<'a> {
        for (index, had) in self.had.iter().enumerate() {
            // A new field counts as a changed setting, also if it has instants.
            self.changes.keeps_settings &= *had || self.changes.expiry[index].1.is_none();
        }
        for &(at, is_same) in &self.now {
            let name = at.name(self.session);
            if !is_same && self.expiry(name).is_none() {
                let (name, value) = (Cow::Borrowed(name), Cow::Borrowed(at.value(self.session)));
                self.changes.set.push((name, value));
            }
        }
        self.changes.exact.sort_by_key(|(at, _)| at.value);
        self.changes
    }
}

impl FieldSink for Comparison<'_, '_> {
    fn field(&mut self, out: &mut Vec<u8>, name_at: usize, value_at: usize) {
        let field = str::from_utf8(&out[name_at..]).expect("the codec writes UTF-8");
        let (name, value) = field.split_at(value_at - name_at);
        self.compare(&name[..name.len() - 1], value);
        out.truncate(name_at);
    }
}

pub(super) fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("strings are JSON")
}

/// What a JSON string says.
pub(super) fn plain(name: &str) -> Cow<'_, str> {
    let Name(plain) = serde_json::from_str(name).expect("the codec writes names as JSON strings");
    plain
}

pub(super) type Field<'a> = (Cow<'a, str>, &'a RawValue);

/// The fields of a map (`{"M":{…}}`) as attribute values.
#[derive(Deserialize)]
struct MapAttribute<'a> {
    #[serde(borrow, rename = "M")]
    fields: FieldList<'a>,
}

pub(super) struct FieldList<'a>(pub(super) Vec<Field<'a>>);

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

impl ExpiryField {
    /// Whether two attribute values are equal but for their instants, and the rounding of durations.
    pub(super) fn has_same_settings(
        &self,
        before: &str,
        now: Option<&str>,
        as_doubles: bool,
    ) -> bool {
        let Some(now) = now else {
            return false;
        };
        match &self.instants {
            Instants::Itself => true,
            Instants::Nothing => is_equal(before, now, as_doubles),
            Instants::Inside(names) => match (map_of(before), map_of(now)) {
                (Some(mut before), Some(mut now)) => {
                    before.retain(|(name, _)| !names.iter().any(|other| other == name));
                    now.retain(|(name, _)| !names.iter().any(|other| other == name));
                    self.drop_rounded_durations(&mut before, &mut now);
                    is_equal_map(&before, &now, as_doubles)
                }
                _ => is_equal(before, now, as_doubles),
            },
        }
    }
}

impl ExpiryField {
    /// Whether an attribute value says when the session ends.
    fn has_instant(&self, value: &str) -> bool {
        match &self.instants {
            Instants::Itself => !is_null(value),
            Instants::Inside(names) => map_of(value).is_some_and(|fields| {
                let mut instants = fields
                    .iter()
                    .filter(|(name, _)| names.iter().any(|other| other == name));
                instants.any(|(_, value)| !is_null(value.get()))
            }),
            Instants::Nothing => false,
        }
    }

    /// Whether two JSON values are equal but for their instants, and the rounding of durations.
    pub(super) fn has_same_settings_in_json(&self, before: &str, now: &str) -> bool {
        let value = |json| serde_json::from_str(json).unwrap_or_default();
        match (&self.instants, value(before), value(now)) {
            (Instants::Itself, _, _) => true,
            (Instants::Inside(names), Value::Object(mut before), Value::Object(mut now)) => {
                before.retain(|name, _| !names.contains(name));
                now.retain(|name, _| !names.contains(name));
                for name in &self.durations {
                    let ms = |fields: &Map<String, Value>| fields.get(name)?.as_f64();
                    if let (Some(was), Some(is)) = (ms(&before), ms(&now))
                        && Self::is_same_duration(was, is)
                    {
                        before.remove(name);
                        now.remove(name);
                    }
                }
                before == now
            }
            (_, before, now) => before == now,
        }
    }

    /// Takes out the durations that differ by rounding. Equal ones can stay.
    fn drop_rounded_durations(&self, before: &mut Vec<Field<'_>>, now: &mut Vec<Field<'_>>) {
        for name in &self.durations {
            let at = |fields: &[Field<'_>]| fields.iter().position(|(other, _)| other == name);
            let (Some(at_before), Some(at_now)) = (at(before), at(now)) else {
                continue;
            };
            let (was, is) = (before[at_before].1.get(), now[at_now].1.get());
            if was != is
                && let (Some(was), Some(is)) = (double_of(was), double_of(is))
                && Self::is_same_duration(was, is)
            {
                before.remove(at_before);
                now.remove(at_now);
            }
        }
    }
}

/// The double that an attribute value holds, if it is a number.
fn double_of(value: &str) -> Option<f64> {
    let (_, number) = tagged(value).filter(|(tag, _)| tag == "N")?;
    parse::<Name<'_>>(number)?.0.parse().ok()
}

fn is_null(value: &str) -> bool {
    value.starts_with("{\"NULL\"")
}

/// Whether two attribute values are the same, whatever the order of fields.
///
/// They are compared level by level. In a `serde_json::Value`, the field name `$serde_json::private::RawValue` has a
/// meaning of its own.
fn is_equal(a: &str, b: &str, as_doubles: bool) -> bool {
    if a == b {
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
            a.len() == b.len() && pairs.all(|(a, b)| is_equal(a.get(), b.get(), as_doubles))
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
                .is_some_and(|other| is_equal(value.get(), other.get(), as_doubles))
        })
}

fn is_equal_number(a: &str, b: &str, as_doubles: bool) -> bool {
    let double = |text: &str| text.parse::<f64>().ok();
    a == b || (as_doubles && double(a).is_some_and(|a| double(b) == Some(a)))
}

fn both<'a, T: Deserialize<'a>>(a: &'a str, b: &'a str) -> Option<(T, T)> {
    Some((parse(a)?, parse(b)?))
}

fn parse<'a, T: Deserialize<'a>>(value: &'a str) -> Option<T> {
    serde_json::from_str(value).ok()
}

fn tagged(value: &str) -> Option<(Cow<'_, str>, &str)> {
    let FieldList(mut types) = parse(value)?;
    let (tag, value) = types.pop().filter(|_| types.is_empty())?;
    Some((tag, value.get()))
}

pub(super) fn map_of(value: &str) -> Option<Vec<Field<'_>>> {
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
        // A field can have any type; only a whole session must be a map.
        writer.depth = 1;
        text::write_attribute(value.get(), &mut writer).ok()?;
        size += name.len() + writer.size;
    }
    Some(size)
}
