//! Requests for many sessions at once.

use std::time::SystemTime;

use bytes::Bytes;

use super::body::Body;
use super::condition::over_tombstone;
use super::{Moment, Names};
use crate::item::attributes::{CREATED, GONE, REV, SEALED, SESSIONS, UNIT, USER_ITEM};
use crate::item::{expiry, write_json_string, write_str_attribute};

const NOT_GONE: &str = " AND attribute_not_exists(#g)";
/// True of an item that was a session once, although the session is missing. The item of a user can have an expiry, too.
const IN_LAYOUT: &str = " OR attribute_type(#e, :number) AND NOT attribute_type(#l, :map)";
const IN_LAYOUT_BY_TWO: &str = " OR (attribute_type(#e, :number) OR attribute_type(#f, :number)) \
     AND NOT attribute_type(#l, :map)";
const OF_USER: &str = " OR begins_with(#k, :user) AND attribute_type(#l, :map)";

/// How many items one `BatchWriteItem` takes.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
pub(crate) const BATCH: usize = 25;

/// What a `Scan` looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The items of live sessions.
    Live,
    /// The number of live sessions.
    LiveCount,
    /// The sealed attributes of live sessions that are sealed.
    Sealed,
    /// What a tombstone keeps of each session of the layout, expired or not.
    Replaced,
    /// The keys of all items of the layout, tombstones among them, and of users' items.
    Keys,
    /// The keys of sessions that have expired some time ago, and of tombstones that have expired now.
    ExpiredKeys,
}

/// Which page of a `Scan`.
#[derive(Clone, Copy)]
pub(crate) struct ScanPage<'a> {
    pub(crate) wanted: Wanted,
    /// What the keys begin with.
    pub(crate) prefix: &'a str,
    pub(crate) moment: Moment,
    /// When a tombstone counts as expired.
    pub(crate) now: SystemTime,
    pub(crate) consistent_read: bool,
    /// The last key of the page before.
    pub(crate) after: Option<&'a str>,
}

/// `Scan` of one page.
pub(crate) fn scan(names: Names<'_>, page: ScanPage<'_>) -> Bytes {
    let ScanPage {
        wanted,
        prefix,
        moment,
        ..
    } = page;
    let mut body = Body::new(names, 768);
    if page.consistent_read {
        body.raw(",\"ConsistentRead\":true");
    }
    if let Some(key) = page.after {
        body.raw(",\"ExclusiveStartKey\":{").id(key).raw("}");
    }
    match wanted {
        Wanted::Live => {}
        Wanted::LiveCount => {
            body.raw(",\"Select\":\"COUNT\"");
        }
        Wanted::Replaced => {
            body.raw(",\"ProjectionExpression\":\"#k,#c,#r\"");
            body.name("#c", CREATED).name("#r", REV);
        }
        Wanted::Sealed => {
            body.raw(",\"ProjectionExpression\":\"#k,#z,#u\"");
            body.name("#z", SEALED).name("#u", UNIT);
        }
        Wanted::Keys | Wanted::ExpiredKeys => {
            body.raw(",\"ProjectionExpression\":\"#k\"");
        }
    }
    body.expiry_names();
    if !matches!(wanted, Wanted::Live | Wanted::LiveCount) || !prefix.is_empty() {
        body.name("#k", names.partition_key);
    }
    if wanted != Wanted::Keys {
        body.name("#g", GONE);
    }
    let mut has_session = "attribute_exists(#s)";
    if !matches!(wanted, Wanted::ExpiredKeys | Wanted::Sealed) {
        body.name("#s", names.layout.session_attribute());
        if let Some(attribute) = names.layout.foreign_attribute() {
            body.name("#o", attribute);
            has_session = "(attribute_exists(#s) OR attribute_exists(#o))";
        }
    }
    if matches!(wanted, Wanted::Keys | Wanted::Replaced) {
        body.name("#l", SESSIONS).string_value(":number", "N");
        body.string_value(":map", "M");
        if wanted == Wanted::Keys {
            body.string_value(":user", &format!("{prefix}{USER_ITEM}"));
        }
    } else {
        body.moment(moment);
        if moment.too_old.is_some() {
            body.name("#c", CREATED);
        }
    }
    if wanted == Wanted::ExpiredKeys {
        body.number_value(":over", expiry::to_secs(page.now));
    }
    let mut begins = "";
    if !prefix.is_empty() {
        begins = " AND begins_with(#k, :prefix)";
        body.string_value(":prefix", prefix);
    }
    let [expired, too_old] = moment.expired(names);
    let in_layout = names.by_expiry(IN_LAYOUT, IN_LAYOUT_BY_TWO);
    let filter: &[&str] = match wanted {
        Wanted::Live | Wanted::LiveCount => {
            &[has_session, NOT_GONE, " AND NOT (", expired, too_old, ")"]
        }
        Wanted::Sealed => &[
            "attribute_exists(#z)",
            NOT_GONE,
            " AND NOT (",
            expired,
            too_old,
            ")",
        ],
        // Items of other applications usually have neither.
        Wanted::Replaced => &["(", has_session, in_layout, ")", NOT_GONE],
        Wanted::Keys => &["(", has_session, in_layout, OF_USER, ")"],
        Wanted::ExpiredKeys => &["(", over_tombstone(names), expired, too_old, ")"],
    };
    body.close_values()
        .expression("FilterExpression", &[&filter.concat(), begins]);
    body.finish()
}

/// A part of a `BatchWriteItem`: a member of its list, and the key of the item.
pub(crate) struct BatchPart {
    pub(crate) key: String,
    pub(crate) json: String,
}

impl BatchPart {
    /// Deletes the item with this key.
    pub(crate) fn delete(names: Names<'_>, key: String) -> Self {
        let mut json = b"{\"DeleteRequest\":{\"Key\":{".to_vec();
        write_json_string(names.partition_key, &mut json);
        json.push(b':');
        write_str_attribute(&key, &mut json);
        json.extend_from_slice(b"}}}");
        Self::new(key, json)
    }

    pub(super) fn new(key: String, json: Vec<u8>) -> Self {
        let json = String::from_utf8(json).expect("the codec writes UTF-8");
        Self { key, json }
    }
}

/// `BatchWriteItem` of these parts, at most [`BATCH`].
pub(crate) fn batch_write(names: Names<'_>, parts: &[BatchPart]) -> Bytes {
    let mut body = Vec::with_capacity(64 + parts.len() * 256);
    body.extend_from_slice(b"{\"ReturnConsumedCapacity\":\"TOTAL\",\"RequestItems\":{");
    write_json_string(names.table, &mut body);
    body.extend_from_slice(b":[");
    for (index, part) in parts.iter().enumerate() {
        body.extend_from_slice(if index == 0 { b"" } else { b"," });
        body.extend_from_slice(part.json.as_bytes());
    }
    body.extend_from_slice(b"]}}");
    body.into()
}

#[cfg(test)]
mod tests;
