//! Requests about the item of a user.
//!
//! They are rare, so they go through `serde_json`.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Names;
use crate::item::attributes::{
    AT, BEFORE, COUNTED, CREATED, REVOCATION, REVOKED, SESSIONS, SPARED, TAKEN,
};
use crate::item::{Entries, Entry, StateName, name_value, number_value};

/// A session about to be put into the item of its user.
pub(crate) struct Registration<'a> {
    pub(crate) reference: &'a str,
    pub(crate) entry: &'a Entry,
    pub(crate) admits: Admits<'a>,
    /// When it began: after sessions were last revoked.
    pub(crate) begun_ms: u64,
    /// When the item ends, in seconds, where sessions have an absolute lifetime.
    pub(crate) expires_secs: Option<u64>,
}

/// What a registration demands.
#[derive(Clone, Copy)]
pub(crate) enum Admits<'a> {
    /// Nothing: the user signs in.
    SignIn,
    /// The session of this reference is there.
    Continued(&'a str),
    /// This session, by its `created`, is there already, or was created after all were last revoked.
    Existing { created_ms: Option<u64> },
}

/// Which sessions a revocation is about.
#[derive(Clone, Copy)]
pub(crate) enum Taken<'a> {
    /// All, and those that were created earlier and are not in the item, but these.
    All {
        spared: &'a Entries,
    },
    These(&'a Entries),
}

/// `UpdateItem` that puts a session into the item of its user. `has_list` says whether the item has others: where it has
/// no list, one of this session is made.
pub(crate) fn register_session(
    names: Names<'_>,
    key: &str,
    registration: &Registration<'_>,
    has_list: bool,
) -> Bytes {
    let Registration {
        reference,
        entry,
        admits,
        begun_ms,
        expires_secs,
    } = *registration;
    let mut update = Update::new(names, key);
    update.name("#s", SESSIONS);
    if has_list {
        update
            .name("#r", reference)
            .value(":entry", entry.to_value());
        update.value(":map", json!({ "S": "M" }));
        update
            .set("#s.#r = :entry")
            .demand("attribute_type(#s, :map)");
    } else {
        let list = json!({ "M": { reference: entry.to_value() } });
        update.value(":list", list).set("#s = :list");
        update.demand("attribute_not_exists(#s)");
    }
    match admits {
        Admits::SignIn => {}
        Admits::Continued(other) => {
            update.name("#o", other);
            update.demand("attribute_exists(#s.#o)");
        }
        Admits::Existing { created_ms } => {
            update.name("#b", BEFORE);
            let mut alternatives = "(attribute_not_exists(#b)".to_owned();
            if let Some(created_ms) = created_ms {
                update.value(":created", number_value(created_ms));
                alternatives.push_str(" OR #b < :created");
                if has_list {
                    // Another entry can be of a sign-in that was late, and that the last revocation has ended.
                    update.name("#c", CREATED);
                    alternatives.push_str(" OR #s.#r.#c = :created");
                }
            }
            alternatives.push(')');
            update.demand(&alternatives);
        }
    }
    // Otherwise it would put back an entry that has been taken: it can be an attempt that is late.
    update
        .name("#t", TAKEN)
        .value(":begun", number_value(begun_ms));
    update.demand("(attribute_not_exists(#t) OR #t < :begun)");
    update.expiry(expires_secs);
    update.finish()
}

/// `UpdateItem` that takes sessions out of the list of those that are accepted, under a name of this revocation. Nothing
/// is done where another revocation is under way.
pub(crate) fn take_sessions(
    names: Names<'_>,
    key: &str,
    name: StateName,
    taken: Taken<'_>,
    taken_ms: u64,
    expires_secs: Option<u64>,
    is_made: bool,
) -> Bytes {
    let mut update = Update::new(names, key);
    update.name("#s", SESSIONS).name("#v", REVOKED);
    update.name("#g", REVOCATION);
    update.value(":name", name_value(name));
    update.set("#g = :name").demand("attribute_not_exists(#v)");
    // Another one, or a late one, does not take a time back.
    update
        .name("#t", TAKEN)
        .value(":now", number_value(taken_ms));
    update
        .set("#t = :now")
        .demand("(attribute_not_exists(#t) OR #t <= :now)");
    match taken {
        Taken::All { spared } => {
            update.name("#b", BEFORE).value(":none", json!({ "M": {} }));
            update.set("#v = if_not_exists(#s, :none)").set("#b = :now");
            update.set("#s = :list").value(":list", list_of(spared));
            if !spared.is_empty() {
                let references: Vec<_> = spared.keys().collect();
                update.name("#x", SPARED).set("#x = :spared");
                update.value(":spared", json!({ "SS": references }));
            }
            for (index, reference) in spared.keys().enumerate() {
                let name = format!("#r{index}");
                update.name(&name, reference);
                update.demand(&format!("attribute_exists(#s.{name})"));
            }
        }
        Taken::These(entries) => {
            update.set("#v = :list").value(":list", list_of(entries));
            update.without(entries.iter());
        }
    }
    if !is_made {
        update.name("#k", names.partition_key);
        update.demand("attribute_exists(#k)");
    }
    update.expiry(expires_secs);
    update.finish()
}

/// The attribute value of a list.
fn list_of(entries: &Entries) -> Value {
    let entries = entries.iter();
    let entries = entries.map(|(reference, entry)| (reference.clone(), entry.to_value()));
    json!({ "M": entries.collect::<Map<_, _>>() })
}

/// `UpdateItem` after the sessions of a revocation have ended.
pub(crate) fn end_revocation(names: Names<'_>, key: &str, name: &Value) -> Bytes {
    let mut update = Update::new(names, key);
    update.name("#v", REVOKED).name("#g", REVOCATION);
    update.name("#x", SPARED).value(":name", name.clone());
    update.remove("#v").remove("#g").remove("#x");
    update.demand("#g = :name");
    update.finish()
}

/// `UpdateItem` after some of the sessions of a revocation have ended.
pub(crate) fn leave_out(names: Names<'_>, key: &str, name: &Value, ended: &[&String]) -> Bytes {
    let mut update = Update::new(names, key);
    update.name("#v", REVOKED).name("#g", REVOCATION);
    update.value(":name", name.clone()).demand("#g = :name");
    for (index, reference) in ended.iter().enumerate() {
        let name = format!("#r{index}");
        update.name(&name, reference);
        update.remove(&format!("#v.{name}"));
    }
    update.finish()
}

/// The most sessions that one request of [`forget_sessions`] takes: expressions have at most 4 KB.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(crate) const FORGOTTEN: usize = 50;

/// `UpdateItem` that removes sessions that have ended, and notes how many are left.
pub(crate) fn forget_sessions(
    names: Names<'_>,
    key: &str,
    ended: &[(&String, &Entry)],
    left: usize,
) -> Bytes {
    let mut update = Update::new(names, key);
    update.name("#n", COUNTED);
    update
        .value(":left", number_value(left as u64))
        .set("#n = :left");
    update.without(ended.iter().copied());
    update.finish()
}

/// An `UpdateItem` under construction.
struct Update<'a> {
    key: &'a str,
    names: Names<'a>,
    placeholders: Map<String, Value>,
    values: Map<String, Value>,
    sets: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
}

impl<'a> Update<'a> {
    fn new(names: Names<'a>, key: &'a str) -> Self {
        Self {
            key,
            names,
            placeholders: Map::new(),
            values: Map::new(),
            sets: Vec::new(),
            removes: Vec::new(),
            conditions: Vec::new(),
        }
    }

    fn name(&mut self, placeholder: &str, name: &str) -> &mut Self {
        self.placeholders
            .insert(placeholder.to_owned(), json!(name));
        self
    }

    fn value(&mut self, placeholder: &str, value: Value) -> &mut Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    fn set(&mut self, clause: &str) -> &mut Self {
        self.sets.push(clause.to_owned());
        self
    }

    fn remove(&mut self, path: &str) -> &mut Self {
        self.removes.push(path.to_owned());
        self
    }

    fn demand(&mut self, condition: &str) -> &mut Self {
        self.conditions.push(condition.to_owned());
        self
    }

    /// Removes these sessions from the list, if they are as they were read: the same session can have been put in again.
    fn without<'e>(&mut self, entries: impl Iterator<Item = (&'e String, &'e Entry)>) {
        for (index, (reference, entry)) in entries.enumerate() {
            let (name, at, created) = (
                format!("#r{index}"),
                format!(":a{index}"),
                format!(":c{index}"),
            );
            self.name("#s", SESSIONS).name("#at", AT);
            self.name(&name, reference).remove(&format!("#s.{name}"));
            self.value(&at, number_value(entry.at_ms));
            self.demand(&format!("#s.{name}.#at = {at}"));
            if let Some(created_ms) = entry.created_ms {
                self.name("#c", CREATED)
                    .value(&created, number_value(created_ms));
                self.demand(&format!("#s.{name}.#c = {created}"));
            }
        }
    }

    fn expiry(&mut self, expires_secs: Option<u64>) {
        let Some(secs) = expires_secs else { return };
        let attributes: Vec<_> = self.names.expiry.iter().map(str::to_owned).collect();
        self.value(":e", number_value(secs));
        for (index, attribute) in attributes.iter().enumerate() {
            let name = format!("#e{index}");
            self.name(&name, attribute).set(&format!("{name} = :e"));
        }
    }

    fn finish(self) -> Bytes {
        let clause = |keyword: &str, clauses: &[String]| {
            let text = format!("{keyword} {}", clauses.join(", "));
            (!clauses.is_empty()).then_some(text)
        };
        let clauses = [clause("SET", &self.sets), clause("REMOVE", &self.removes)];
        let clauses: Vec<_> = clauses.into_iter().flatten().collect();
        let mut request = json!({
            "TableName": self.names.table,
            "Key": { self.names.partition_key: { "S": self.key } },
            "UpdateExpression": clauses.join(" "),
            "ExpressionAttributeNames": self.placeholders,
            "ReturnConsumedCapacity": "TOTAL",
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        if !self.values.is_empty() {
            request["ExpressionAttributeValues"] = Value::Object(self.values);
        }
        if !self.conditions.is_empty() {
            request["ConditionExpression"] = json!(self.conditions.join(" AND "));
        }
        request.to_string().into()
    }
}
