//! What DynamoDB is asked, as bytes, and what its answers say.
//!
//! Bodies on the path of a session are written directly; the rare ones that manage a table go through
//! `serde_json`. Every attribute is named by a placeholder, because `session` is a reserved word.

use std::io::Write as _;
use std::time::SystemTime;

use bytes::Bytes;

use crate::clock::epoch_ms;
use crate::item::{CREATED, Changes, Layout, write_json_string, write_str_attribute};

mod scan;

pub(crate) use scan::{BATCH, ScanPage, Wanted, delete_batch, scan};

/// `expires` values above this are milliseconds: predecessors of this store wrote those.
pub(crate) const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// True of an item that is past its expiry. An item without a number there is live: a comparison with a
/// missing or differently typed attribute is false.
const EXPIRED: &str = "#e <= :now OR #e BETWEEN :from AND :now_ms";

/// When a session counts as expired.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: SystemTime,
    /// A session created at this time or before is past its absolute lifetime, if there is one.
    pub(crate) too_old: Option<SystemTime>,
}

impl Moment {
    /// True of an item that has expired; of `#c` only where sessions have an absolute lifetime.
    fn expired(self) -> [&'static str; 2] {
        let too_old = self.too_old.map(|_| " OR #c <= :too_old");
        [EXPIRED, too_old.unwrap_or_default()]
    }
}

/// A condition on the item a write meets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition {
    /// There is no item, or an expired one.
    Absent(Moment),
    /// The item of the session that was loaded is there; `created` tells it from a successor under the same id.
    Present { created: Option<SystemTime> },
    /// As `Present`, and it has not expired.
    Live {
        created: Option<SystemTime>,
        moment: Moment,
    },
    /// There is an item, and it has expired.
    Expired(Moment),
    /// There is an item without `created`; with a moment, one that has not expired.
    Unstamped(Option<Moment>),
}

impl Condition {
    pub(crate) fn created(self) -> Option<SystemTime> {
        match self {
            Self::Absent(_) | Self::Expired(_) | Self::Unstamped(_) => None,
            Self::Present { created } | Self::Live { created, .. } => created,
        }
    }

    /// The same, and the session has not expired.
    pub(crate) fn while_live(self, moment: Moment) -> Self {
        match self {
            Self::Present { created } => Self::Live { created, moment },
            _ => self,
        }
    }

    fn moment(self) -> Option<Moment> {
        match self {
            Self::Present { .. } => None,
            Self::Absent(moment) | Self::Live { moment, .. } | Self::Expired(moment) => {
                Some(moment)
            }
            Self::Unstamped(moment) => moment,
        }
    }

    /// The same for an item that has no `created`, if that of the session loaded is not known.
    pub(crate) fn unstamped(self) -> Option<Self> {
        match self {
            Self::Present { created: None } => Some(Self::Unstamped(None)),
            Self::Live {
                created: None,
                moment: Moment { now, .. },
            } => Some(Self::Unstamped(Some(Moment { now, too_old: None }))),
            _ => None,
        }
    }

    /// The same for the session with this `created`.
    pub(crate) fn stamped(self, created: SystemTime) -> Self {
        let created = Some(created);
        match self {
            Self::Live { moment, .. } => Self::Live { created, moment },
            _ => Self::Present { created },
        }
    }

    /// The expression, in parts.
    fn expression(self) -> [&'static str; 6] {
        // An item that lost its `created` to a writer who does not know it is still the session that was
        // loaded, and a parallel save may have given one to an item that had none.
        let present = "attribute_exists(#k)";
        let same = match self {
            Self::Unstamped(_) => " AND attribute_not_exists(#c)",
            _ if self.created().is_some() => " AND (attribute_not_exists(#c) OR #c = :loaded)",
            _ => "",
        };
        let [expired, too_old] = self.moment().map_or(["", ""], Moment::expired);
        match self {
            Self::Absent(_) => ["attribute_not_exists(#k) OR ", expired, too_old, "", "", ""],
            Self::Present { .. } | Self::Unstamped(None) => [present, same, "", "", "", ""],
            Self::Live { .. } | Self::Unstamped(Some(_)) => {
                [present, same, " AND NOT (", expired, too_old, ")"]
            }
            Self::Expired(_) => [present, same, " AND (", expired, too_old, ")"],
        }
    }
}

/// The attribute names of a table's items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) table: &'a str,
    pub(crate) partition_key: &'a str,
    pub(crate) ttl_attribute: &'a str,
    pub(crate) layout: Layout,
}

/// A request body under construction: a JSON object whose last brace is still missing.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    bytes: Vec<u8>,
    names: Names<'a>,
    /// The members of `ExpressionAttributeNames`.
    placeholders: Vec<u8>,
    /// Whether `ExpressionAttributeValues` is open. Nothing else is written till it is closed: what is saved goes
    /// straight into the body.
    has_values: bool,
}

impl<'a> Body<'a> {
    fn new(names: Names<'a>, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(b"{\"TableName\":");
        write_json_string(names.table, &mut bytes);
        // It costs nothing, and is what the statistics add up.
        bytes.extend_from_slice(b",\"ReturnConsumedCapacity\":\"TOTAL\"");
        Self::after(bytes, names)
    }

    /// Goes on after what is written already.
    fn after(bytes: Vec<u8>, names: Names<'a>) -> Self {
        Self {
            bytes,
            names,
            placeholders: Vec::new(),
            has_values: false,
        }
    }

    fn raw(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    fn string(&mut self, text: &str) -> &mut Self {
        write_json_string(text, &mut self.bytes);
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        push_number(&mut self.bytes, number);
        self
    }

    fn id(&mut self, id: &str) -> &mut Self {
        self.string(self.names.partition_key).raw(":");
        write_str_attribute(id, &mut self.bytes);
        self
    }

    fn key(&mut self, id: &str) -> &mut Self {
        self.raw(",\"Key\":{").id(id).raw("}")
    }

    /// Opens the definition of a name that expressions refer to.
    fn placeholder(&mut self, parts: [&str; 2]) -> &mut Vec<u8> {
        let names = &mut self.placeholders;
        if names.is_empty() {
            names.reserve(256);
        } else {
            names.push(b',');
        }
        for part in ["\"", parts[0], parts[1], "\":"] {
            names.extend_from_slice(part.as_bytes());
        }
        names
    }

    /// Defines a name that expressions refer to.
    fn name(&mut self, placeholder: &str, name: &str) -> &mut Self {
        write_json_string(name, self.placeholder([placeholder, ""]));
        self
    }

    /// Opens the definition of a value that expressions refer to: the attribute value comes next.
    fn value(&mut self, placeholder: &str) -> &mut Self {
        self.raw(if self.has_values {
            ",\""
        } else {
            ",\"ExpressionAttributeValues\":{\""
        });
        self.has_values = true;
        self.raw(placeholder).raw("\":")
    }

    fn number_value(&mut self, placeholder: &str, number: u64) -> &mut Self {
        self.value(placeholder)
            .raw("{\"N\":\"")
            .number(number)
            .raw("\"}")
    }

    fn string_value(&mut self, placeholder: &str, text: &str) {
        self.value(placeholder);
        write_str_attribute(text, &mut self.bytes);
    }

    /// Defines what a moment's expression compares with.
    fn moment(&mut self, moment: Moment) {
        let now_ms = epoch_ms(moment.now);
        self.value(":now").raw("{\"N\":\"");
        write!(self.bytes, "{}.{:03}", now_ms / 1000, now_ms % 1000).expect(VEC);
        self.raw("\"}")
            .number_value(":now_ms", now_ms)
            .number_value(":from", MILLISECONDS_FROM);
        if let Some(too_old) = moment.too_old {
            self.number_value(":too_old", epoch_ms(too_old));
        }
    }

    /// Adds the condition on the item that is met. `named` are those of its names that are defined already.
    fn condition(&mut self, condition: Condition, named: &[&str]) -> &mut Self {
        let partition_key = self.names.partition_key;
        self.name("#k", partition_key);
        let moment = condition.moment();
        if moment.is_some() && !named.contains(&"#e") {
            self.name("#e", self.names.ttl_attribute);
        }
        let is_about_created = matches!(condition, Condition::Unstamped(_))
            || condition.created().is_some()
            || moment.is_some_and(|moment| moment.too_old.is_some());
        if is_about_created && !named.contains(&"#c") {
            self.name("#c", CREATED);
        }
        if let Some(created) = condition.created() {
            self.number_value(":loaded", epoch_ms(created));
        }
        if let Some(moment) = moment {
            self.moment(moment);
        }
        self.close_values();
        // With the item, a retry can tell its own first attempt from somebody else's session.
        self.raw(",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"")
            .expression("ConditionExpression", &condition.expression())
    }

    fn close_values(&mut self) -> &mut Self {
        if std::mem::take(&mut self.has_values) {
            self.raw("}");
        }
        self
    }

    /// Adds an expression; all in it is placeholders and words that JSON takes as they are.
    fn expression(&mut self, member: &str, parts: &[&str]) -> &mut Self {
        self.raw(",\"").raw(member).raw("\":\"");
        for part in parts {
            self.raw(part);
        }
        self.raw("\"")
    }

    /// Closes the body.
    fn finish(mut self) -> Bytes {
        self.close_values();
        if !self.placeholders.is_empty() {
            let placeholders = std::mem::take(&mut self.placeholders);
            self.raw(",\"ExpressionAttributeNames\":{");
            self.bytes.extend_from_slice(&placeholders);
            self.raw("}");
        }
        self.raw("}");
        self.bytes.into()
    }
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    write!(out, "{number}").expect(VEC);
}

const VEC: &str = "a Vec takes every byte";

/// The attributes of a session item that are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewItem<'a> {
    pub(crate) id: &'a str,
    pub(crate) expires_secs: u64,
    pub(crate) created: SystemTime,
    /// The session data as an attribute value.
    pub(crate) session: &'a [u8],
}

/// `GetItem` of one session.
pub(crate) fn get_item(names: Names<'_>, id: &str, consistent_read: bool) -> Bytes {
    let mut body = Body::new(names, 192 + id.len());
    if consistent_read {
        body.raw(",\"ConsistentRead\":true");
    }
    body.key(id);
    body.finish()
}

/// A `PutItem` up to where the session's attribute value has to be appended, for which there is so much room.
pub(crate) fn open_put(
    names: Names<'_>,
    id: &str,
    expires_secs: u64,
    created: SystemTime,
    capacity: usize,
) -> Vec<u8> {
    let mut body = Body::new(names, PUT_BYTES + id.len() + capacity);
    body.raw(",\"Item\":{")
        .id(id)
        .raw(",")
        .string(names.ttl_attribute)
        .raw(":{\"N\":\"")
        .number(expires_secs)
        .raw("\"},\"created\":{\"N\":\"")
        .number(epoch_ms(created))
        .raw("\"},");
    if let Some((attribute, marker)) = names.layout.marker() {
        body.string(attribute).raw(":");
        write_str_attribute(marker, &mut body.bytes);
        body.raw(",");
    }
    body.string(names.layout.session_attribute()).raw(":");
    body.bytes
}

/// What a `PutItem` takes beside id and session, with short names and without a condition.
const PUT_BYTES: usize = 256;

/// The whole `PutItem`, its session having been appended.
pub(crate) fn close_put(names: Names<'_>, opened: Vec<u8>, condition: Option<Condition>) -> Bytes {
    let mut body = Body::after(opened, names);
    body.raw("}");
    if let Some(condition) = condition {
        body.condition(condition, &[]);
    }
    body.finish()
}

/// `PutItem` of a whole session.
pub(crate) fn put_item(names: Names<'_>, item: NewItem<'_>, condition: Option<Condition>) -> Bytes {
    let NewItem {
        id,
        expires_secs,
        created,
        session,
    } = item;
    let capacity = session.len() + CONDITION_BYTES;
    let mut body = open_put(names, id, expires_secs, created, capacity);
    body.extend_from_slice(session);
    close_put(names, body, condition)
}

/// What a condition, its names and its values take at most, with short names.
const CONDITION_BYTES: usize = 512;

/// `UpdateItem` that replaces data and expiry and leaves every other attribute alone, but for where another package
/// kept the data.
pub(crate) fn replace_session(names: Names<'_>, item: NewItem<'_>, condition: Condition) -> Bytes {
    let mut update = Update::new(names, item.id, item.session.len(), false);
    update.expiry_and_created(item.expires_secs, item.created);
    let attribute_value = std::str::from_utf8(item.session).expect("the codec writes UTF-8");
    update.set("#s", names.layout.session_attribute(), ":s");
    update.body.raw(attribute_value);
    if let Some((attribute, marker)) = names.layout.marker() {
        update.set("#t", attribute, ":t");
        write_str_attribute(marker, &mut update.body.bytes);
    }
    if let Some(attribute) = names.layout.foreign_attribute() {
        update.remove("#o", attribute);
    }
    update.finish(condition)
}

/// `UpdateItem`s that write the changed fields of a session, its expiry unit and its expiry. The first holds the
/// expiry; there are others when DynamoDB would refuse to do it all in one. What is removed makes room for what is set.
pub(crate) fn merge_session(
    names: Names<'_>,
    item: NewItem<'_>,
    changes: &Changes<'_>,
    condition: Condition,
) -> Vec<Bytes> {
    // The item gets a `created`, if a parallel write has not given it one: the next write has to know.
    let asks_for_created = condition.created().is_none();
    let open = |capacity| Update::new(names, item.id, capacity, asks_for_created);
    let mut bodies = Vec::with_capacity(1);
    let mut update = open(changes.bytes());
    update.expiry_and_created(item.expires_secs, item.created);
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

/// More fields than this go into several requests, far enough below what DynamoDB takes (4 KB of expression).
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_FIELDS: usize = 100;
const MAX_EXPRESSION_BYTES: usize = 3_500;

/// An `UpdateItem` under construction.
struct Update<'a> {
    body: Body<'a>,
    sets: String,
    removes: String,
    /// Those of the names that a condition may need as well.
    named: [&'static str; 2],
    fields: usize,
}

impl<'a> Update<'a> {
    /// `capacity` is for the values that are set.
    fn new(names: Names<'a>, id: &str, capacity: usize, returns_what_it_wrote: bool) -> Self {
        // The names, the expressions, and what else there is.
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

    /// Sets the expiry, and `created` if there is none.
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

/// `DeleteItem` of one session.
pub(crate) fn delete_item(names: Names<'_>, id: &str, condition: Option<Condition>) -> Bytes {
    let mut body = Body::new(names, 192 + id.len());
    body.key(id);
    if let Some(condition) = condition {
        body.condition(condition, &[]);
    }
    body.finish()
}

#[cfg(test)]
mod tests;
