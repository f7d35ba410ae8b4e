//! A stored item, in the form that the model compares.

use super::*;

/// An item.
#[derive(Clone, PartialEq)]
pub(in crate::model) struct Row {
    /// `None` if the item does not hold a session.
    pub(in crate::model) data: Option<Data>,
    pub(in crate::model) expires: Option<u64>,
    pub(in crate::model) created: Option<u64>,
}

impl Row {
    pub(in crate::model) fn of(item: &Map<String, Value>) -> Self {
        let number = |name: &str| item.get(name)?["N"].as_str()?.parse().ok();
        let fields = |session: &Value| {
            let fields = session["M"].as_object()?.iter();
            Some(
                fields
                    .map(|(name, value)| (name.clone(), plain(value)))
                    .collect(),
            )
        };
        let data = match (item.get("session"), item.get("sess")) {
            (Some(session), _) => fields(session),
            (None, Some(other)) => match other["S"].as_str() {
                Some(text) => serde_json::from_str(text).unwrap(),
                None => fields(other),
            },
            (None, None) => None,
        };
        Self {
            data,
            expires: number("expires"),
            created: number("created"),
        }
    }

    pub(in crate::model) fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires * 1000 <= now)
    }

    /// Whether the session is live, with this absolute lifetime.
    pub(super) fn is_live(&self, now: u64, absolute: Option<u64>) -> bool {
        let ends = self.created.zip(absolute);
        !self.is_expired(now) && ends.is_none_or(|(created, ttl)| created + ttl > now)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            data,
            expires,
            created,
        } = self;
        match data {
            // These fields are too many to print, and all alike.
            Some(data) if data.len() > MOST_FIELDS => write!(f, "{{{} fields}}", data.len())?,
            Some(data) => write!(f, "{}", serde_json::json!(data))?,
            None => f.write_str("no session")?,
        }
        let number = |number: &Option<u64>| {
            number.map_or_else(|| "never".to_owned(), |number| number.to_string())
        };
        write!(
            f,
            " expires {} created {}",
            number(expires),
            number(created)
        )
    }
}

/// The JSON value of an attribute, for the types that are used here.
pub(super) fn plain(attribute: &Value) -> Value {
    let (tag, value) = attribute
        .as_object()
        .and_then(|value| value.iter().next())
        .unwrap();
    match (tag.as_str(), value) {
        ("N", Value::String(text)) => serde_json::from_str(text).unwrap(),
        ("M", Value::Object(fields)) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect()
        }
        ("S", text) => text.clone(),
        other => panic!("the model never writes {other:?}"),
    }
}

/// An item and the number of its session. Two sessions with the same id have different numbers.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) struct Held {
    pub(in crate::model) row: Row,
    pub(super) session: u32,
}
