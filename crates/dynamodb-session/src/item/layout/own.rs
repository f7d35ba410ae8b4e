//! Our own layout, which is also that of `koa-session-dynamodb-store` 1.x.

use super::{DataAttribute, Description, WrittenForm};
use crate::item::attributes::SESSION;
use crate::item::codec::writer::FieldSink;
use crate::item::data::sealed::Encode;
use crate::item::stored::{WrittenSession, write_map};
use crate::item::{FieldAt, ItemError};

pub(super) const LAYOUT: Description = Description {
    name: "session",
    session: ATTRIBUTE,
    marker: None,
    foreign: None,
};

/// Layouts that only read another package's items write ours.
pub(super) const ATTRIBUTE: DataAttribute<WrittenForm> = DataAttribute {
    name: SESSION,
    form: WrittenForm::Map,
};

pub(super) fn write<T: Encode + ?Sized>(
    session: &T,
    out: &mut Vec<u8>,
    fields: Option<&mut Vec<FieldAt>>,
) -> Result<WrittenSession, ItemError> {
    let sink = fields.map(|fields| fields as &mut dyn FieldSink);
    write_map(session, out, true, sink)
}
