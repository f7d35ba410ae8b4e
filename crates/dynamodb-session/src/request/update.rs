//! `UpdateItem`.

use std::borrow::Cow;

use bytes::Bytes;

use super::body::Body;
use super::{CONDITION_BYTES, Condition, ItemHead, Names, SessionData, length_of};
use crate::clock::epoch_ms;
use crate::item::attributes::{CREATED, REV, SEALED, SEEN, UNIT, USER_KEY};
use crate::item::{
    AttributeAction, AttributeWrite, user_value, write_json_string, write_str_attribute,
};
use crate::session::UserKey;

/// `UpdateItem` that writes a whole session, its `rev` and its expiry, and `created` if the item has none. Every other
/// attribute stays, except what is written beside the session, and the one where another package kept it. A sealed session is bound to its `created`,
/// which is then set in any case.
pub(crate) fn write_session(
    names: Names<'_>,
    head: ItemHead<'_>,
    data: SessionData<'_>,
    condition: Condition<'_>,
) -> Bytes {
    let capacity = data.length() + length_of(head.beside);
    let mut update = Update::new(names, head.id, capacity);
    update.expiry(head.expires_secs);
    update.clause(
        true,
        match data {
            SessionData::Plain { .. } => &["#c = if_not_exists(#c, :c)"],
            SessionData::Sealed(_) => &["#c = :c"],
        },
    );
    update.body.name("#c", CREATED);
    update.body.number_value(":c", epoch_ms(head.created));
    update.set("#r", REV, ":r");
    update.body.raw("{\"B\":\"");
    update.body.raw(&head.rev.to_base64()).raw("\"}");
    update.set("#s", names.layout.session_attribute(), ":s");
    update.body.raw(data.value(names.layout));
    match data {
        SessionData::Sealed(sealed) => {
            update.set_bytes("#z", SEALED, ":z", &sealed.session);
            update.set_bytes("#u", UNIT, ":u", &sealed.unit);
        }
        SessionData::Plain {
            replaces_sealed: true,
            ..
        } => {
            update.remove("#z", SEALED);
            update.remove("#u", UNIT);
        }
        SessionData::Plain { .. } => {}
    }
    if let Some((attribute, marker)) = names.layout.marker() {
        update.set("#t", attribute, ":t");
        write_str_attribute(marker, &mut update.body.bytes);
    }
    if let Some(attribute) = names.layout.foreign_attribute() {
        update.remove("#o", attribute);
    }
    for (index, write) in head.beside.iter().enumerate() {
        update.beside(index, write);
    }
    update.finish(condition)
}

/// `UpdateItem` that says whose session it is.
pub(crate) fn set_user(
    names: Names<'_>,
    id: &str,
    user: UserKey,
    condition: Condition<'_>,
) -> Bytes {
    let mut update = Update::new(names, id, 0);
    update.set("#y", USER_KEY, ":y");
    write_str_attribute(&user_value(user), &mut update.body.bytes);
    update.finish(condition)
}

/// What a touch writes of the session.
pub(crate) enum TouchData<'a> {
    /// These fields are set or removed. Names are JSON strings.
    Fields(&'a [(String, Option<Cow<'a, str>>)]),
    /// This is the whole session, as an attribute value.
    Whole(&'a str),
    /// This is the expiry unit of a sealed session, in base64.
    Unit(&'a str),
}

/// `UpdateItem` that moves the expiry, also where the session itself says when it ends.
pub(crate) fn touch_session(
    names: Names<'_>,
    id: &str,
    expires_secs: u64,
    data: &TouchData<'_>,
    condition: Condition<'_>,
) -> Bytes {
    let mut update = Update::new(names, id, 0);
    update.expiry(expires_secs);
    match data {
        TouchData::Fields(fields) => {
            for (index, (name, value)) in fields.iter().enumerate() {
                update.field(index, name, value.as_deref());
            }
        }
        TouchData::Whole(value) => {
            update.set("#s", names.layout.session_attribute(), ":s");
            update.body.raw(value);
        }
        TouchData::Unit(unit) => update.set_bytes("#u", UNIT, ":u", unit),
    }
    update.finish(condition)
}

/// An `UpdateItem` under construction.
struct Update<'a> {
    body: Body<'a>,
    sets: String,
    removes: String,
}

impl<'a> Update<'a> {
    /// `capacity` is for the values that are set.
    fn new(names: Names<'a>, id: &str, capacity: usize) -> Self {
        // The names, the expressions, and what else there is.
        let mut body = Body::new(names, 512 + CONDITION_BYTES + id.len() + capacity);
        body.key(id);
        Self {
            body,
            sets: String::with_capacity(128),
            removes: String::new(),
        }
    }

    fn expiry(&mut self, expires_secs: u64) {
        self.clause(true, &["#e = :e"]);
        if self.body.names.expiry.followed.is_some() {
            self.clause(true, &["#f = :e"]);
        }
        self.body.expiry_names();
        if self.body.is_new(":e") {
            self.body.number_value(":e", expires_secs);
        }
        if let Some(secs) = self.body.names.seen_secs {
            self.clause(true, &["#n = :n"]);
            self.body.name("#n", SEEN).number_value(":n", secs);
        }
    }

    /// Sets an attribute to the attribute value that comes next.
    fn set(&mut self, name: &'static str, attribute: &str, value: &str) {
        self.clause(true, &[name, " = ", value]);
        self.body.name(name, attribute).value(value);
    }

    fn set_bytes(&mut self, name: &'static str, attribute: &str, value: &str, base64: &str) {
        self.set(name, attribute, value);
        self.body.raw("{\"B\":\"").raw(base64).raw("\"}");
    }

    fn remove(&mut self, name: &'static str, attribute: &str) {
        self.clause(false, &[name]);
        self.body.name(name, attribute);
    }

    /// Sets a field of the session to this attribute value, or removes it.
    fn field(&mut self, index: usize, name: &str, value: Option<&str>) {
        let attribute = self.body.names.layout.session_attribute();
        self.body.name("#s", attribute);
        let placeholder = format!(":f{index}");
        let number = &placeholder[1..];
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

    /// Sets or removes an attribute beside the session.
    fn beside(&mut self, index: usize, write: &AttributeWrite<'_>) {
        let (name, value) = (format!("#a{index}"), format!(":a{index}"));
        match write.action {
            AttributeAction::Set(json) => {
                self.clause(true, &[&name, " = ", &value]);
                self.body.value(&value).raw(json.as_str());
            }
            AttributeAction::SetIfMissing(json) => {
                self.clause(
                    true,
                    &[&name, " = if_not_exists(", &name, ", ", &value, ")"],
                );
                self.body.value(&value).raw(json.as_str());
            }
            AttributeAction::Remove => self.clause(false, &[&name]),
        }
        write_json_string(write.name, self.body.placeholder([&name, ""]));
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

    fn finish(self, condition: Condition<'_>) -> Bytes {
        let Self {
            mut body,
            sets,
            removes,
        } = self;
        let between = if removes.is_empty() { "" } else { " " };
        body.condition(condition)
            .expression("UpdateExpression", &[&*sets, between, &*removes]);
        body.finish()
    }
}
