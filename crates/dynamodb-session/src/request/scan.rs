//! Requests for many sessions at once.

use bytes::Bytes;

use super::body::Body;
use super::{Moment, Names};
use crate::item::attributes::CREATED;
use crate::item::{write_json_string, write_str_attribute};

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
    /// The keys of all sessions of the layout, expired or not.
    Keys,
    /// The keys of expired items.
    ExpiredKeys,
}

/// Which page of a `Scan`.
#[derive(Clone, Copy)]
pub(crate) struct ScanPage<'a> {
    pub(crate) wanted: Wanted,
    /// What the keys begin with.
    pub(crate) prefix: &'a str,
    pub(crate) moment: Moment,
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
    let is_of_keys = matches!(wanted, Wanted::Keys | Wanted::ExpiredKeys);
    if is_of_keys {
        body.raw(",\"ProjectionExpression\":\"#k\"");
    } else if wanted == Wanted::LiveCount {
        body.raw(",\"Select\":\"COUNT\"");
    }
    body.name("#e", names.ttl_attribute);
    if is_of_keys || !prefix.is_empty() {
        body.name("#k", names.partition_key);
    }
    let mut has_session = "attribute_exists(#s)";
    if wanted != Wanted::ExpiredKeys {
        body.name("#s", names.layout.session_attribute());
        if let Some(attribute) = names.layout.foreign_attribute() {
            body.name("#o", attribute);
            has_session = "(attribute_exists(#s) OR attribute_exists(#o))";
        }
    }
    if wanted == Wanted::Keys {
        body.string_value(":number", "N");
    } else {
        body.moment(moment);
        if moment.too_old.is_some() {
            body.name("#c", CREATED);
        }
    }
    let mut begins = "";
    if !prefix.is_empty() {
        begins = " AND begins_with(#k, :prefix)";
        body.string_value(":prefix", prefix);
    }
    let [expired, too_old] = moment.expired();
    let filter: &[&str] = match wanted {
        Wanted::Live | Wanted::LiveCount => &[has_session, " AND NOT (", expired, too_old, ")"],
        // Items of other applications usually have neither.
        Wanted::Keys => &["(", has_session, " OR attribute_type(#e, :number))"],
        Wanted::ExpiredKeys => &["(", expired, too_old, ")"],
    };
    body.close_values()
        .expression("FilterExpression", &[&filter.concat(), begins]);
    body.finish()
}

/// `BatchWriteItem` that deletes these keys, at most [`BATCH`].
pub(crate) fn delete_batch(names: Names<'_>, keys: &[String]) -> Bytes {
    let mut body = Vec::with_capacity(64 + keys.len() * 128);
    body.extend_from_slice(b"{\"ReturnConsumedCapacity\":\"TOTAL\",\"RequestItems\":{");
    write_json_string(names.table, &mut body);
    body.extend_from_slice(b":[");
    for (index, key) in keys.iter().enumerate() {
        body.extend_from_slice(if index == 0 { b"" } else { b"," });
        body.extend_from_slice(b"{\"DeleteRequest\":{\"Key\":{");
        write_json_string(names.partition_key, &mut body);
        body.push(b':');
        write_str_attribute(key, &mut body);
        body.extend_from_slice(b"}}}");
    }
    body.extend_from_slice(b"]}}");
    body.into()
}

#[cfg(test)]
mod tests;
