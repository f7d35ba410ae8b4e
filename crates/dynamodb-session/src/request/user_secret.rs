//! The request about the secret from which the keys of users' items are computed.

use bytes::Bytes;

use super::body::Body;
use super::{CONDITION_BYTES, Condition, Names};
use crate::item::attributes::SECRET;

/// `PutItem` of the envelope with the secret, in base64: in place of `replaced`, or where there is no item.
pub(crate) fn put_user_secret(
    names: Names<'_>,
    key: &str,
    envelope: &str,
    replaced: Option<&str>,
) -> Bytes {
    let mut body = Body::new(names, 512 + CONDITION_BYTES);
    body.raw(",\"Item\":{")
        .id(key)
        .raw(",")
        .string(SECRET)
        .raw(":{\"B\":\"")
        .raw(envelope)
        .raw("\"}}");
    body.condition(replaced.map_or(Condition::NoItem, Condition::Secret));
    body.finish()
}
