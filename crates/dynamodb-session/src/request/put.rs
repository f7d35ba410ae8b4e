//! `PutItem`.

use std::time::SystemTime;

use bytes::Bytes;

use super::body::Body;
use super::scan::BatchPart;
use super::{CONDITION_BYTES, Condition, ItemHead, Names, SessionData, length_of};
use crate::clock::epoch_ms;
use crate::item::attributes::{SEALED, SEEN, UNIT};
use crate::item::{Rev, StateName, after_writes, write_str_attribute};

/// The bytes of a `PutItem` before the session, without the id, if the names are short.
const HEAD_BYTES: usize = 256;

/// `PutItem` of a session, and of `others`: attributes of the item that stay, unless something else is written there.
pub(crate) fn put_item<'o>(
    names: Names<'_>,
    head: ItemHead<'o>,
    data: SessionData<'_>,
    others: impl Iterator<Item = (&'o str, &'o str)> + Clone,
    condition: Condition<'_>,
) -> Bytes {
    let capacity =
        HEAD_BYTES + CONDITION_BYTES + head.id.len() + data.length() + length_of(head.beside);
    let mut body = Body::new(names, capacity);
    open(&mut body, head);
    body.raw(data.value(names.layout));
    if let SessionData::Sealed(sealed) = data {
        for (name, base64) in [(SEALED, &sealed.session), (UNIT, &sealed.unit)] {
            body.raw(",")
                .string(name)
                .raw(":{\"B\":\"")
                .raw(base64)
                .raw("\"}");
        }
    }
    for (name, value) in after_writes(others, head.beside) {
        body.raw(",").string(name).raw(":").raw(value);
    }
    close(body, condition)
}

/// What a sign-out puts in the place of a session.
pub(crate) struct Tombstone<'a> {
    pub(crate) id: &'a str,
    pub(crate) expires_secs: u64,
    pub(crate) gone: StateName,
    /// Those of the session, or of the tombstone, that it replaces.
    pub(crate) created: Option<SystemTime>,
    pub(crate) rev: Option<Rev>,
}

/// `PutItem` of a tombstone.
pub(crate) fn put_tombstone(
    names: Names<'_>,
    tombstone: &Tombstone<'_>,
    condition: Condition<'_>,
) -> Bytes {
    let mut body = Body::new(names, 256 + CONDITION_BYTES + tombstone.id.len());
    body.raw(",\"Item\":{");
    tombstone_attributes(&mut body, tombstone);
    close(body, condition)
}

/// The part of a `BatchWriteItem` that puts a tombstone.
pub(crate) fn batch_tombstone(names: Names<'_>, tombstone: &Tombstone<'_>) -> BatchPart {
    let mut body = Body::continue_with(Vec::with_capacity(256 + tombstone.id.len()), names);
    body.raw("{\"PutRequest\":{\"Item\":{");
    tombstone_attributes(&mut body, tombstone);
    body.raw("}}}");
    BatchPart::new(tombstone.id.to_owned(), body.bytes)
}

fn tombstone_attributes(body: &mut Body<'_>, tombstone: &Tombstone<'_>) {
    let names = body.names;
    body.id(tombstone.id)
        .expiry(tombstone.expires_secs)
        .raw(",\"gone\":{\"B\":\"")
        .raw(&tombstone.gone.to_base64())
        .raw("\"}");
    if let Some(created) = tombstone.created {
        body.raw(",\"created\":{\"N\":\"")
            .number(epoch_ms(created))
            .raw("\"}");
    }
    if let Some(rev) = tombstone.rev {
        body.raw(",\"rev\":{\"B\":\"")
            .raw(&rev.to_base64())
            .raw("\"}");
    }
    if let Some(session) = names.layout.tombstone() {
        body.raw(",")
            .string(names.layout.session_attribute())
            .raw(":")
            .raw(session);
    }
}

/// Everything before the session's attribute value.
fn open(body: &mut Body<'_>, head: ItemHead<'_>) {
    let names = body.names;
    body.raw(",\"Item\":{")
        .id(head.id)
        .expiry(head.expires_secs)
        .raw(",\"created\":{\"N\":\"")
        .number(epoch_ms(head.created))
        .raw("\"},\"rev\":{\"B\":\"")
        .raw(&head.rev.to_base64())
        .raw("\"},");
    if let Some(secs) = names.seen_secs {
        body.string(SEEN).raw(":{\"N\":\"").number(secs).raw("\"},");
    }
    if let Some((attribute, marker)) = names.layout.marker() {
        body.string(attribute).raw(":");
        write_str_attribute(marker, &mut body.bytes);
        body.raw(",");
    }
    body.string(names.layout.session_attribute()).raw(":");
}

/// Everything after it.
fn close(mut body: Body<'_>, condition: Condition<'_>) -> Bytes {
    body.raw("}").condition(condition);
    body.finish()
}
