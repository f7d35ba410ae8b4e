//! The layout of the npm package `dynamodb-store`, which is read.

use super::own::ATTRIBUTE;
use super::{DataAttribute, Description, Form, WrittenForm};

pub(super) const LAYOUT: Description = Description {
    name: "dynamodb-store",
    session: ATTRIBUTE,
    marker: None,
    foreign: Some(DataAttribute {
        name: "sess",
        form: Form::Written(WrittenForm::Map),
    }),
};
