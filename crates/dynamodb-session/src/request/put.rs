//! `PutItem`.

use bytes::{Buf, Bytes};

use super::body::Body;
use super::{CONDITION_BYTES, Condition, ItemHead, Names};
use crate::clock::epoch_ms;
use crate::item::{EncodedSession, write_str_attribute};

/// The bytes of a `PutItem` before the session, without the id, if the names are short.
const HEAD_BYTES: usize = 256;

/// How much room to leave before a session that is going to be put, so that it is not copied.
pub(crate) fn put_room(id: &str) -> usize {
    HEAD_BYTES + id.len()
}

/// `PutItem` of a session, in whose bytes the request is written.
pub(crate) fn put_item(
    names: Names<'_>,
    head: ItemHead<'_>,
    session: EncodedSession,
    condition: Option<Condition>,
) -> Bytes {
    let (mut bytes, mut start) = session.into_bytes();
    let end = bytes.len();
    let mut body = Body::continue_with(bytes, names);
    open(&mut body, head);
    bytes = body.bytes;
    let head_length = bytes.len() - end;
    if head_length <= start {
        start -= head_length;
        bytes.copy_within(end.., start);
        bytes.truncate(end);
    } else {
        // The names are long: move the session to make room.
        bytes[start..].rotate_right(head_length);
    }
    let mut bytes = close(Body::continue_with(bytes, names), condition);
    bytes.advance(start);
    bytes
}

/// The same as [`put_item`], with a copy of the session, which may be needed again.
pub(crate) fn put_copy_of_item(
    names: Names<'_>,
    head: ItemHead<'_>,
    session: &EncodedSession,
    condition: Option<Condition>,
) -> Bytes {
    let value = session.attribute_value();
    let capacity = put_room(head.id) + value.len() + CONDITION_BYTES;
    let mut body = Body::continue_with(Vec::with_capacity(capacity), names);
    open(&mut body, head);
    body.raw(value);
    close(body, condition)
}

/// Everything before the session's attribute value.
fn open(body: &mut Body<'_>, head: ItemHead<'_>) {
    let names = body.names;
    body.begin()
        .raw(",\"Item\":{")
        .id(head.id)
        .raw(",")
        .string(names.ttl_attribute)
        .raw(":{\"N\":\"")
        .number(head.expires_secs)
        .raw("\"},\"created\":{\"N\":\"")
        .number(epoch_ms(head.created))
        .raw("\"},");
    if let Some((attribute, marker)) = names.layout.marker() {
        body.string(attribute).raw(":");
        write_str_attribute(marker, &mut body.bytes);
        body.raw(",");
    }
    body.string(names.layout.session_attribute()).raw(":");
}

/// Everything after it.
fn close(mut body: Body<'_>, condition: Option<Condition>) -> Bytes {
    body.raw("}");
    if let Some(condition) = condition {
        body.condition(condition, &[]);
    }
    body.finish()
}
