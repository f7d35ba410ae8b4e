//! Requests about a data key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::body::Body;
use super::{CONDITION_BYTES, Condition, Names};
use crate::item::attributes::{ARN, WRAPPED};
use crate::item::write_str_attribute;
use crate::seal::WrappedKey;

/// `PutItem` of a data key, where there is no item with this key.
pub(crate) fn put_data_key(names: Names<'_>, key: &str, wrapped: &WrappedKey) -> Bytes {
    let mut body = Body::new(names, 512 + CONDITION_BYTES);
    body.raw(",\"Item\":{")
        .id(key)
        .raw(",")
        .string(WRAPPED)
        .raw(":{\"B\":\"")
        .raw(&STANDARD.encode(&wrapped.bytes))
        .raw("\"},")
        .string(ARN)
        .raw(":");
    write_str_attribute(&wrapped.arn, &mut body.bytes);
    body.raw("}").condition(Condition::NoItem);
    body.finish()
}

/// `DeleteItem` of a data key.
pub(crate) fn delete_data_key(names: Names<'_>, key: &str) -> Bytes {
    let mut body = Body::new(names, 192 + key.len());
    body.key(key);
    body.finish()
}
