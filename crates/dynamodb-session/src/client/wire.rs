//! What DynamoDB is asked, as bytes, and what its answers say.
//!
//! Bodies on the path of a session are written directly; the rare ones that manage a table go through
//! `serde_json`. Every attribute is named by a placeholder, because `session` is a reserved word.

use std::time::SystemTime;

use bytes::Bytes;

use crate::clock::epoch_ms;
use crate::item::{write_json_string, write_str_attribute};

mod scan;

pub(crate) use scan::{BATCH, Scan, Wanted, delete_batch, scan};

/// `expires` values above this are milliseconds: predecessors of this store wrote those.
pub(crate) const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// True of an item that is past its expiry. An item without a number there is live: a comparison with a
/// missing or differently typed attribute is false.
const EXPIRED: &str = "#e <= :now OR #e BETWEEN :from AND :now_ms";

/// A condition on the item a write meets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition {
    /// There is no item, or an expired one.
    Absent { now: SystemTime },
    /// The item of the session that was loaded is there; `created` tells it from a successor under the same id.
    Present { created: Option<SystemTime> },
    /// As `Present`, and it has not expired.
    Live {
        created: Option<SystemTime>,
        now: SystemTime,
    },
    /// There is an item, and it has expired.
    Expired { now: SystemTime },
}

impl Condition {
    fn created(self) -> Option<SystemTime> {
        match self {
            Self::Absent { .. } | Self::Expired { .. } => None,
            Self::Present { created } | Self::Live { created, .. } => created,
        }
    }

    fn now(self) -> Option<SystemTime> {
        match self {
            Self::Present { .. } => None,
            Self::Absent { now } | Self::Live { now, .. } | Self::Expired { now } => Some(now),
        }
    }

    fn expression(self) -> String {
        // An item that lost its `created` to a writer who does not know it is still the session that was
        // loaded, and a parallel save may have given one to an item that had none.
        let present = if self.created().is_some() {
            "attribute_exists(#k) AND (attribute_not_exists(#c) OR #c = :loaded)"
        } else {
            "attribute_exists(#k)"
        };
        match self {
            Self::Absent { .. } => format!("attribute_not_exists(#k) OR {EXPIRED}"),
            Self::Present { .. } => present.to_owned(),
            Self::Live { .. } => format!("{present} AND NOT ({EXPIRED})"),
            Self::Expired { .. } => format!("attribute_exists(#k) AND ({EXPIRED})"),
        }
    }
}

/// The attribute names of a table's items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) table: &'a str,
    pub(crate) partition_key: &'a str,
    pub(crate) ttl_attribute: &'a str,
}

/// A request body under construction: a JSON object whose last brace is still missing.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    bytes: Vec<u8>,
    names: Names<'a>,
}

impl<'a> Body<'a> {
    fn new(names: Names<'a>, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(b"{\"TableName\":");
        write_json_string(names.table, &mut bytes);
        Self { bytes, names }
    }

    fn raw(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    fn string(&mut self, text: &str) -> &mut Self {
        write_json_string(text, &mut self.bytes);
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

    /// Adds the condition and closes the body; `names` and `values` are what the rest of it refers to.
    fn finish(
        mut self,
        condition: Option<Condition>,
        names: &[(&str, &str)],
        values: &str,
    ) -> Bytes {
        let mut all_names = names.to_vec();
        let mut all_values = values.to_owned();
        if let Some(condition) = condition {
            all_names.push(("#k", self.names.partition_key));
            if condition.now().is_some() && !names.iter().any(|(name, _)| *name == "#e") {
                all_names.push(("#e", self.names.ttl_attribute));
            }
            if let Some(created) = condition.created() {
                if !names.iter().any(|(name, _)| *name == "#c") {
                    all_names.push(("#c", "created"));
                }
                push_number(&mut all_values, ":loaded", &epoch_ms(created).to_string());
            }
            if let Some(now) = condition.now() {
                push_now(&mut all_values, now);
            }
            // With the item, a retry can tell its own first attempt from somebody else's session.
            self.raw(
                ",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\",\"ConditionExpression\":",
            );
            self.string(&condition.expression());
        }
        if !all_names.is_empty() {
            self.raw(",\"ExpressionAttributeNames\":{");
            for (index, (placeholder, name)) in all_names.iter().enumerate() {
                self.raw(if index == 0 { "" } else { "," })
                    .string(placeholder)
                    .raw(":")
                    .string(name);
            }
            self.raw("}");
        }
        if !all_values.is_empty() {
            self.raw(",\"ExpressionAttributeValues\":{")
                .raw(&all_values)
                .raw("}");
        }
        self.raw("}");
        self.bytes.into()
    }
}

fn push_number(values: &mut String, placeholder: &str, number: &str) {
    if !values.is_empty() {
        values.push(',');
    }
    for part in ["\"", placeholder, "\":{\"N\":\"", number, "\"}"] {
        values.push_str(part);
    }
}

/// What [`EXPIRED`] compares with.
fn push_now(values: &mut String, now: SystemTime) {
    let now_ms = epoch_ms(now);
    let now_secs = format!("{}.{:03}", now_ms / 1000, now_ms % 1000);
    push_number(values, ":now", &now_secs);
    push_number(values, ":from", &MILLISECONDS_FROM.to_string());
    push_number(values, ":now_ms", &now_ms.to_string());
}

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
    let mut body = Body::new(names, 128 + id.len());
    if consistent_read {
        body.raw(",\"ConsistentRead\":true");
    }
    body.key(id);
    body.finish(None, &[], "")
}

/// `PutItem` of a whole session.
pub(crate) fn put_item(names: Names<'_>, item: NewItem<'_>, condition: Option<Condition>) -> Bytes {
    let mut body = Body::new(names, 512 + item.session.len());
    body.raw(",\"Item\":{")
        .id(item.id)
        .raw(",")
        .string(names.ttl_attribute);
    body.raw(&format!(
        ":{{\"N\":\"{}\"}},\"created\":{{\"N\":\"{}\"}},\"session\":",
        item.expires_secs,
        epoch_ms(item.created)
    ));
    body.bytes.extend_from_slice(item.session);
    body.raw("}");
    body.finish(condition, &[], "")
}

/// `UpdateItem` that replaces data and expiry and leaves every other attribute alone.
pub(crate) fn replace_session(names: Names<'_>, item: NewItem<'_>, condition: Condition) -> Bytes {
    let mut body = Body::new(names, 512 + item.session.len());
    body.key(item.id);
    body.raw(",\"UpdateExpression\":\"SET #s = :s, #e = :e, #c = if_not_exists(#c, :c)\"");
    let mut values = String::with_capacity(item.session.len() + 256);
    push_number(&mut values, ":e", &item.expires_secs.to_string());
    push_number(&mut values, ":c", &epoch_ms(item.created).to_string());
    values.push_str(",\":s\":");
    values.push_str(std::str::from_utf8(item.session).expect("the codec writes UTF-8"));
    let names = [
        ("#s", "session"),
        ("#e", names.ttl_attribute),
        ("#c", "created"),
    ];
    body.finish(Some(condition), &names, &values)
}

/// `UpdateItem` that moves the expiry alone.
pub(crate) fn move_expiry(
    names: Names<'_>,
    id: &str,
    expires_secs: u64,
    condition: Condition,
) -> Bytes {
    let mut body = Body::new(names, 512 + id.len());
    body.key(id).raw(",\"UpdateExpression\":\"SET #e = :e\"");
    let mut values = String::new();
    push_number(&mut values, ":e", &expires_secs.to_string());
    body.finish(Some(condition), &[("#e", names.ttl_attribute)], &values)
}

/// `DeleteItem` of one session.
pub(crate) fn delete_item(names: Names<'_>, id: &str, condition: Option<Condition>) -> Bytes {
    let mut body = Body::new(names, 128 + id.len());
    body.key(id);
    body.finish(condition, &[], "")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::{Value, json};

    use super::*;

    const NAMES: Names<'_> = Names {
        table: "sessions",
        partition_key: "sessionId",
        ttl_attribute: "expires",
    };

    fn at(ms: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn item() -> NewItem<'static> {
        NewItem {
            id: "a\"b",
            expires_secs: 1_800_000_000,
            created: at(1_799_000_000_123),
            session: br#"{"M":{}}"#,
        }
    }

    fn parse(body: &Bytes) -> Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn an_unconditional_put_is_the_item_and_nothing_else() {
        assert_eq!(
            parse(&put_item(NAMES, item(), None)),
            json!({ "TableName": "sessions", "Item": {
                "sessionId": { "S": "a\"b" }, "expires": { "N": "1800000000" },
                "created": { "N": "1799000000123" }, "session": { "M": {} },
            } })
        );
    }

    #[test]
    fn a_read_asks_for_consistency_only_when_told() {
        assert_eq!(
            parse(&get_item(NAMES, "id", false)),
            json!({ "TableName": "sessions", "Key": { "sessionId": { "S": "id" } } })
        );
        assert_eq!(
            parse(&get_item(NAMES, "id", true))["ConsistentRead"],
            json!(true)
        );
    }

    #[test]
    fn every_placeholder_that_is_declared_is_used_and_the_other_way_round() {
        let (now, created) = (at(1_799_000_000_500), Some(at(7)));
        let bodies = [
            put_item(NAMES, item(), Some(Condition::Absent { now })),
            replace_session(NAMES, item(), Condition::Present { created }),
            replace_session(NAMES, item(), Condition::Present { created: None }),
            replace_session(NAMES, item(), Condition::Live { created, now }),
            move_expiry(NAMES, "id", 9, Condition::Live { created, now }),
            move_expiry(NAMES, "id", 9, Condition::Live { created: None, now }),
        ];
        for body in &bodies {
            let body = parse(body);
            let expressions = format!(
                "{} {} ",
                body["UpdateExpression"].as_str().unwrap_or_default(),
                body["ConditionExpression"].as_str().unwrap()
            );
            let mut declared = Vec::new();
            for table in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
                declared.extend(
                    body[table]
                        .as_object()
                        .into_iter()
                        .flat_map(|table| table.keys().cloned()),
                );
            }
            let mut used: Vec<String> = expressions
                .split(|c: char| !(c.is_ascii_alphanumeric() || "#:_".contains(c)))
                .filter(|word| word.starts_with(['#', ':']))
                .map(ToOwned::to_owned)
                .collect();
            declared.sort();
            used.sort();
            used.dedup();
            assert_eq!(declared, used, "{expressions}");
        }
    }
}
