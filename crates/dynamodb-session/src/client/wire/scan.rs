//! Requests for many sessions at once.

use std::time::SystemTime;

use bytes::Bytes;

use super::{Body, EXPIRED, Names, push_now};
use crate::item::{write_json_string, write_str_attribute};

/// How many items one `BatchWriteItem` takes.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
pub(crate) const BATCH: usize = 25;

/// What a `Scan` is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The items of live sessions.
    Live,
    /// How many those are.
    LiveCount,
    /// The keys of all that this layout writes, expired or not.
    Keys,
    /// The keys of what has expired.
    ExpiredKeys,
}

/// One page of a `Scan`.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    pub(crate) wanted: Wanted,
    /// The attribute that holds the session's data.
    pub(crate) session: &'a str,
    /// What the keys begin with.
    pub(crate) prefix: &'a str,
    pub(crate) now: SystemTime,
    pub(crate) consistent_read: bool,
    /// The last key of the page before.
    pub(crate) after: Option<&'a str>,
}

/// `Scan` of one page.
pub(crate) fn scan(names: Names<'_>, scan: Scan<'_>) -> Bytes {
    let mut body = Body::new(names, 768);
    if scan.consistent_read {
        body.raw(",\"ConsistentRead\":true");
    }
    if let Some(key) = scan.after {
        body.raw(",\"ExclusiveStartKey\":{").id(key).raw("}");
    }
    let filter = match scan.wanted {
        Wanted::Live | Wanted::LiveCount => format!("attribute_exists(#s) AND NOT ({EXPIRED})"),
        // A row that is somebody else's has neither, as a rule.
        Wanted::Keys => "(attribute_exists(#s) OR attribute_type(#e, :number))".to_owned(),
        Wanted::ExpiredKeys => format!("({EXPIRED})"),
    };
    let mut placeholders = vec![("#e", names.ttl_attribute)];
    let mut values = String::new();
    match scan.wanted {
        Wanted::Keys => push_string(&mut values, ":number", "N"),
        _ => push_now(&mut values, scan.now),
    }
    if scan.wanted != Wanted::ExpiredKeys {
        placeholders.push(("#s", scan.session));
    }
    match scan.wanted {
        Wanted::Live => {}
        Wanted::LiveCount => {
            body.raw(",\"Select\":\"COUNT\"");
        }
        Wanted::Keys | Wanted::ExpiredKeys => {
            body.raw(",\"ProjectionExpression\":\"#k\"");
            placeholders.push(("#k", names.partition_key));
        }
    }
    body.raw(",\"FilterExpression\":\"").raw(&filter);
    if !scan.prefix.is_empty() {
        body.raw(" AND begins_with(#k, :prefix)");
        push_string(&mut values, ":prefix", scan.prefix);
        if !placeholders.iter().any(|(name, _)| *name == "#k") {
            placeholders.push(("#k", names.partition_key));
        }
    }
    body.raw("\"");
    body.finish(None, &placeholders, &values)
}

/// `BatchWriteItem` that deletes these keys, at most [`BATCH`].
pub(crate) fn delete_batch(names: Names<'_>, keys: &[String]) -> Bytes {
    let mut body = Vec::with_capacity(64 + keys.len() * 128);
    body.extend_from_slice(b"{\"RequestItems\":{");
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

fn push_string(values: &mut String, placeholder: &str, text: &str) {
    let mut attribute = Vec::with_capacity(text.len() + 16);
    write_str_attribute(text, &mut attribute);
    let separator = if values.is_empty() { "" } else { "," };
    for part in [separator, "\"", placeholder, "\":"] {
        values.push_str(part);
    }
    values.push_str(std::str::from_utf8(&attribute).expect("the codec writes UTF-8"));
}
