//! `UpdateItem`.

use std::time::SystemTime;

use bytes::Bytes;

use super::body::Body;
use super::{CONDITION_BYTES, Condition, ItemHead, Names};
use crate::clock::epoch_ms;
use crate::item::attributes::CREATED;
use crate::item::{Changes, EncodedSession, write_str_attribute};

/// `UpdateItem` that replaces data and expiry. Other attributes stay, except the one where another package kept the
/// data.
pub(crate) fn replace_session(
    names: Names<'_>,
    head: ItemHead<'_>,
    session: &EncodedSession,
    condition: Condition,
) -> Bytes {
    let value = session.attribute_value();
    let mut update = Update::new(names, head.id, value.len(), false);
    update.expiry_and_created(head.expires_secs, head.created);
    update.set("#s", names.layout.session_attribute(), ":s");
    update.body.raw(value);
    if let Some((attribute, marker)) = names.layout.marker() {
        update.set("#t", attribute, ":t");
        write_str_attribute(marker, &mut update.body.bytes);
    }
    if let Some(attribute) = names.layout.foreign_attribute() {
        update.remove("#o", attribute);
    }
    update.finish(condition)
}

/// `UpdateItem`s that write the changed fields of a session, its expiry unit and its expiry. The first has the expiry.
/// There are more if DynamoDB would refuse a single one. Fields are removed first, to make room for others.
pub(crate) fn merge_session(
    names: Names<'_>,
    head: ItemHead<'_>,
    changes: &Changes<'_>,
    condition: Condition,
) -> Vec<Bytes> {
    // The item gets a `created`, unless a parallel write has added one. The next write needs it.
    let asks_for_created = condition.created().is_none();
    let open = |capacity| Update::new(names, head.id, capacity, asks_for_created);
    let mut bodies = Vec::with_capacity(1);
    let mut update = open(changes.bytes());
    update.expiry_and_created(head.expires_secs, head.created);
    let set = changes
        .set
        .iter()
        .map(|(name, value)| (*name, Some(*value)));
    let removed = changes.removed.iter().map(|name| (name.as_str(), None));
    let expiry = changes
        .expiry
        .iter()
        .map(|(name, value)| (name.as_str(), *value));
    for (name, value) in expiry.chain(removed).chain(set) {
        if update.is_full() {
            let full = std::mem::replace(&mut update, open(0));
            bodies.push(full.finish(condition));
        }
        update.field(name, value);
    }
    bodies.push(update.finish(condition));
    bodies
}

/// `UpdateItem` that moves the expiry alone.
pub(crate) fn move_expiry(
    names: Names<'_>,
    id: &str,
    expires_secs: u64,
    condition: Condition,
) -> Bytes {
    let mut update = Update::new(names, id, 0, false);
    update.expiry(expires_secs);
    update.finish(condition)
}

/// More fields go into several requests. DynamoDB takes expressions of 4 KB; this stays well below.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_FIELDS: usize = 100;
const MAX_EXPRESSION_BYTES: usize = 3_500;

/// An `UpdateItem` under construction.
struct Update<'a> {
    body: Body<'a>,
    sets: String,
    removes: String,
    /// The names that a condition may need as well.
    named: [&'static str; 2],
    fields: usize,
}

impl<'a> Update<'a> {
    /// `capacity` is for the values that are set.
    fn new(names: Names<'a>, id: &str, capacity: usize, returns_what_it_wrote: bool) -> Self {
        // The names, the expressions and the rest.
        let mut body = Body::new(names, 512 + CONDITION_BYTES + id.len() + capacity);
        body.key(id);
        if returns_what_it_wrote {
            body.raw(",\"ReturnValues\":\"UPDATED_NEW\"");
        }
        Self {
            body,
            sets: String::with_capacity(128),
            removes: String::new(),
            named: [""; 2],
            fields: 0,
        }
    }

    fn expiry(&mut self, expires_secs: u64) {
        self.named[0] = "#e";
        self.set("#e", self.body.names.ttl_attribute, ":e");
        self.body.raw("{\"N\":\"").number(expires_secs).raw("\"}");
    }

    /// Sets the expiry, and `created` if the item has no such attribute.
    fn expiry_and_created(&mut self, expires_secs: u64, created: SystemTime) {
        self.expiry(expires_secs);
        self.named[1] = "#c";
        self.body.name("#c", CREATED);
        self.clause(true, &["#c = if_not_exists(#c, :c)"]);
        self.body.number_value(":c", epoch_ms(created));
    }

    /// Sets an attribute to the attribute value that comes next.
    fn set(&mut self, name: &str, attribute: &str, value: &str) {
        self.clause(true, &[name, " = ", value]);
        self.body.name(name, attribute).value(value);
    }

    fn remove(&mut self, name: &str, attribute: &str) {
        self.clause(false, &[name]);
        self.body.name(name, attribute);
    }

    /// Sets a field of the session, whose name is a JSON string, to this attribute value, or removes it.
    fn field(&mut self, name: &str, value: Option<&str>) {
        if self.fields == 0 {
            let attribute = self.body.names.layout.session_attribute();
            self.body.name("#s", attribute);
        }
        let placeholder = format!(":f{}", self.fields);
        let number = &placeholder[1..];
        self.fields += 1;
        match value {
            Some(value) => {
                self.clause(true, &["#s.#", number, " = ", &placeholder]);
                self.body.value(&placeholder).raw(value);
            }
            None => self.clause(false, &["#s.#", number]),
        }
        let names = self.body.placeholder(["#", number]);
        names.extend_from_slice(name.as_bytes());
    }

    fn clause(&mut self, is_set: bool, parts: &[&str]) {
        let (keyword, clauses) = if is_set {
            ("SET ", &mut self.sets)
        } else {
            ("REMOVE ", &mut self.removes)
        };
        clauses.push_str(if clauses.is_empty() { keyword } else { ", " });
        for part in parts {
            clauses.push_str(part);
        }
    }

    fn is_full(&self) -> bool {
        self.fields >= MAX_FIELDS || self.sets.len() + self.removes.len() >= MAX_EXPRESSION_BYTES
    }

    fn finish(self, condition: Condition) -> Bytes {
        let Self {
            mut body,
            sets,
            removes,
            named,
            ..
        } = self;
        let both = !sets.is_empty() && !removes.is_empty();
        let parts = [&*sets, if both { " " } else { "" }, &*removes];
        body.condition(condition, &named)
            .expression("UpdateExpression", &parts);
        body.finish()
    }
}
