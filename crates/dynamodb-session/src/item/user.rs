//! The item of a user: which sessions the user has.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::attributes::{
    AT, BEFORE, COUNTED, CREATED, KEY, LABEL, REVOCATION, REVOKED, SESSIONS, SPARED, TAKEN,
    USER_ITEM,
};
use super::{ItemError, ItemErrorKind, OwnKey, StateName, ValueJson};
use crate::session::UserKey;

/// A user's item.
#[derive(Debug, Default)]
pub(crate) struct UserItem {
    /// `None`: the item has no list of sessions, not even an empty one.
    pub(crate) sessions: Option<Entries>,
    /// How many there were when those that had ended were last removed.
    pub(crate) counted: usize,
    pub(crate) revocation: Option<Revocation>,
    /// Sessions that were created earlier, and are not in this item, have been revoked.
    pub(crate) before_ms: Option<u64>,
    /// When sessions were last revoked. A registration that began earlier is late.
    pub(crate) taken_ms: Option<u64>,
}

/// Sessions by their references.
pub(crate) type Entries = BTreeMap<String, Entry>;

/// A session of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key of the session's item, without the prefix.
    pub(crate) key: String,
    /// When the session was created, where that is known.
    pub(crate) created_ms: Option<u64>,
    /// When it became the user's.
    pub(crate) at_ms: u64,
    pub(crate) label: Option<Label>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Label {
    Plain(String),
    Sealed(Vec<u8>),
}

/// Sessions that are being ended. Whoever finds them goes on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// The attribute value that names it.
    pub(crate) name: Value,
    pub(crate) sessions: Entries,
    /// The references of the session that is spared: while ids are being hashed, it can have two.
    pub(crate) spared: BTreeSet<String>,
}

impl UserItem {
    /// The item in an answer, in this member; `None` if there is none.
    pub(crate) fn read(
        answer: &[u8],
        member: &str,
        key: OwnKey<'_>,
    ) -> Result<Option<Self>, ItemError> {
        let answer: Value = serde_json::from_slice(answer).map_err(|_| malformed())?;
        let Some(item) = answer.get(member) else {
            return Ok(None);
        };
        if text(item, key.attribute, "S") != Some(key.value) {
            let message = "the answer is about another item";
            return Err(ItemError::new(ItemErrorKind::OtherKey, message));
        }
        let entries = |name| item.get(name).map(entries).transpose();
        let revoked = entries(REVOKED)?;
        let revocation = revoked.map(|sessions| Revocation {
            name: item.get(REVOCATION).cloned().unwrap_or_default(),
            sessions,
            spared: item.get(SPARED).map(texts).unwrap_or_default(),
        });
        Ok(Some(Self {
            sessions: entries(SESSIONS)?,
            counted: number(item, COUNTED)
                .and_then(|count| count.try_into().ok())
                .unwrap_or_default(),
            revocation,
            before_ms: number(item, BEFORE),
            taken_ms: number(item, TAKEN),
        }))
    }

    pub(crate) fn entry(&self, reference: &str) -> Option<&Entry> {
        self.sessions.as_ref()?.get(reference)
    }
}

impl Revocation {
    pub(crate) fn is_named(&self, name: StateName) -> bool {
        self.name == name_value(name)
    }
}

impl Entry {
    /// The attribute value.
    pub(crate) fn to_value(&self) -> Value {
        let mut members = Map::new();
        members.insert(KEY.to_owned(), json!({ "S": self.key }));
        members.insert(AT.to_owned(), number_value(self.at_ms));
        if let Some(created_ms) = self.created_ms {
            members.insert(CREATED.to_owned(), number_value(created_ms));
        }
        if let Some(label) = &self.label {
            let label = match label {
                Label::Plain(text) => json!({ "S": text }),
                Label::Sealed(bytes) => json!({ "B": STANDARD.encode(bytes) }),
            };
            members.insert(LABEL.to_owned(), label);
        }
        json!({ "M": members })
    }

    fn read(value: &Value) -> Option<Self> {
        let entry = value.get("M")?;
        let sealed = || STANDARD.decode(text(entry, LABEL, "B")?).ok();
        Some(Self {
            key: text(entry, KEY, "S")?.to_owned(),
            created_ms: number(entry, CREATED),
            at_ms: number(entry, AT)?,
            label: match text(entry, LABEL, "S") {
                Some(text) => Some(Label::Plain(text.to_owned())),
                None => sealed().map(Label::Sealed),
            },
        })
    }
}

/// The text that a session's item has of its user.
pub(crate) fn user_value(user: UserKey) -> String {
    format!("{USER_ITEM}{user}")
}

/// The same as an attribute value.
pub(crate) fn user_json(user: UserKey) -> ValueJson {
    ValueJson::string(&user_value(user)).expect("it is a short text")
}

/// The user that a text of an item names; `None` for a text that this package has not written.
pub(super) fn user_of_value(text: &str) -> Option<UserKey> {
    text.strip_prefix(USER_ITEM)?.parse().ok()
}

/// The attribute value of the name of a revocation.
pub(crate) fn name_value(name: StateName) -> Value {
    json!({ "B": name.to_base64() })
}

/// The attribute value of a number.
pub(crate) fn number_value(number: u64) -> Value {
    json!({ "N": number.to_string() })
}

fn entries(value: &Value) -> Result<Entries, ItemError> {
    let entries = value.get("M").and_then(Value::as_object);
    let entries = entries.ok_or_else(malformed)?.iter();
    let entries = entries.map(|(reference, value)| Some((reference.clone(), Entry::read(value)?)));
    entries.collect::<Option<_>>().ok_or_else(malformed)
}

fn text<'a>(item: &'a Value, name: &str, tag: &str) -> Option<&'a str> {
    item.get(name)?.get(tag)?.as_str()
}

fn texts(value: &Value) -> BTreeSet<String> {
    let texts = value.get("SS").and_then(Value::as_array);
    let texts = texts.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn number(item: &Value, name: &str) -> Option<u64> {
    text(item, name, "N")?.parse().ok()
}

fn malformed() -> ItemError {
    let message = "the item of the user is not as the store wrote it: it was changed in the table";
    ItemError::new(ItemErrorKind::Malformed, message)
}
