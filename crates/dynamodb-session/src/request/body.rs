//! A request's body under construction.

use std::io::Write as _;

use bytes::Bytes;

use super::Names;
use crate::item::{write_json_string, write_str_attribute};

/// A request body under construction: a JSON object whose last brace is still missing.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(super) bytes: Vec<u8>,
    pub(super) names: Names<'a>,
    /// The members of `ExpressionAttributeNames`.
    placeholders: Vec<u8>,
    /// The placeholders that more than one part of a request may need.
    defined: Vec<&'static str>,
    /// Whether `ExpressionAttributeValues` is open. Nothing else is written till it is closed: what is saved goes
    /// straight into the body.
    has_values: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(names: Names<'a>, capacity: usize) -> Self {
        let mut body = Self::continue_with(Vec::with_capacity(capacity), names);
        body.begin();
        body
    }

    /// A body after bytes that are written already.
    pub(super) fn continue_with(bytes: Vec<u8>, names: Names<'a>) -> Self {
        Self {
            bytes,
            names,
            placeholders: Vec::new(),
            defined: Vec::new(),
            has_values: false,
        }
    }

    /// Writes the members with which every body begins.
    pub(super) fn begin(&mut self) -> &mut Self {
        let table = self.names.table;
        self.raw("{\"TableName\":")
            .string(table)
            // It costs nothing. The statistics need it.
            .raw(",\"ReturnConsumedCapacity\":\"TOTAL\"")
    }

    pub(super) fn raw(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    pub(super) fn string(&mut self, text: &str) -> &mut Self {
        write_json_string(text, &mut self.bytes);
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        push_number(&mut self.bytes, number);
        self
    }

    pub(super) fn id(&mut self, id: &str) -> &mut Self {
        self.string(self.names.partition_key).raw(":");
        write_str_attribute(id, &mut self.bytes);
        self
    }

    /// The attributes that hold the expiry, after others of an item.
    pub(super) fn expiry(&mut self, expires_secs: u64) -> &mut Self {
        let expiry = self.names.expiry;
        for attribute in expiry.iter() {
            self.raw(",")
                .string(attribute)
                .raw(":{\"N\":\"")
                .number(expires_secs)
                .raw("\"}");
        }
        self
    }

    pub(super) fn key(&mut self, id: &str) -> &mut Self {
        self.raw(",\"Key\":{").id(id).raw("}")
    }

    /// Opens the definition of a name that expressions refer to.
    pub(super) fn placeholder(&mut self, parts: [&str; 2]) -> &mut Vec<u8> {
        let names = &mut self.placeholders;
        if names.is_empty() {
            names.reserve(256);
        } else {
            names.push(b',');
        }
        for part in ["\"", parts[0], parts[1], "\":"] {
            names.extend_from_slice(part.as_bytes());
        }
        names
    }

    /// Whether a placeholder is still to be defined. DynamoDB refuses a request that defines one twice.
    pub(super) fn is_new(&mut self, placeholder: &'static str) -> bool {
        let is_new = !self.defined.contains(&placeholder);
        if is_new {
            self.defined.push(placeholder);
        }
        is_new
    }

    /// Defines a name that expressions refer to, once.
    pub(super) fn name(&mut self, placeholder: &'static str, name: &str) -> &mut Self {
        if self.is_new(placeholder) {
            write_json_string(name, self.placeholder([placeholder, ""]));
        }
        self
    }

    /// Opens the definition of a value that expressions refer to: the attribute value comes next.
    pub(super) fn value(&mut self, placeholder: &str) -> &mut Self {
        self.raw(if self.has_values {
            ",\""
        } else {
            ",\"ExpressionAttributeValues\":{\""
        });
        self.has_values = true;
        self.raw(placeholder).raw("\":")
    }

    pub(super) fn number_value(&mut self, placeholder: &str, number: u64) -> &mut Self {
        self.value(placeholder)
            .raw("{\"N\":\"")
            .number(number)
            .raw("\"}")
    }

    pub(super) fn string_value(&mut self, placeholder: &str, text: &str) {
        self.value(placeholder);
        write_str_attribute(text, &mut self.bytes);
    }

    pub(super) fn close_values(&mut self) -> &mut Self {
        if std::mem::take(&mut self.has_values) {
            self.raw("}");
        }
        self
    }

    /// Adds an expression. It consists of placeholders and words that need no escape in JSON.
    pub(super) fn expression(&mut self, member: &str, parts: &[&str]) -> &mut Self {
        self.raw(",\"").raw(member).raw("\":\"");
        for part in parts {
            self.raw(part);
        }
        self.raw("\"")
    }

    /// Closes the body.
    pub(super) fn finish(mut self) -> Bytes {
        self.close_values();
        if !self.placeholders.is_empty() {
            let placeholders = std::mem::take(&mut self.placeholders);
            self.raw(",\"ExpressionAttributeNames\":{");
            self.bytes.extend_from_slice(&placeholders);
            self.raw("}");
        }
        self.raw("}");
        self.bytes.into()
    }
}

pub(super) fn push_number(out: &mut Vec<u8>, number: u64) {
    write!(out, "{number}").expect(VEC);
}

pub(super) const VEC: &str = "a Vec takes every byte";
