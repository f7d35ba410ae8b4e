//! The layout of the crate `tower-sessions-dynamodb-store`, which is read: `MessagePack` bytes.

use super::own::ATTRIBUTE;
use super::{DataAttribute, Description, Form};

pub(super) const LAYOUT: Description = Description {
    name: "tower-sessions-dynamodb-store",
    session: ATTRIBUTE,
    marker: None,
    foreign: Some(DataAttribute {
        name: "data",
        form: Form::Bytes,
    }),
};
