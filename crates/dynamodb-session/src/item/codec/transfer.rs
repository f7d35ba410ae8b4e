//! Carries values from `serde_json` into a sink, one at a time.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess};

use super::text::Sink;
use super::{Shape, Tag, skip_rest};
use crate::item::{ItemError, ItemErrorKind};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// An attribute value somebody gave us: anything `DynamoDB` would refuse is an error.
    Given,
    /// An attribute value from a table: what the legacy package read as null is null.
    Stored,
}

/// One value on its way from `serde_json` into a sink.
pub(crate) struct Transfer<'s, S> {
    sink: &'s mut S,
    source: Source,
    level: usize,
    /// What went wrong, if it is more than the input's syntax. `serde_json` carries but text.
    pub(crate) failure: Option<ItemError>,
}

impl<'s, S: Sink> Transfer<'s, S> {
    pub(crate) fn new(sink: &'s mut S, source: Source) -> Self {
        Transfer {
            sink,
            source,
            level: 0,
            failure: None,
        }
    }

    /// Takes note of a failure; what it leaves for `serde_json` says nothing.
    fn note<T, E: de::Error>(&mut self, result: Result<T, ItemError>) -> Result<T, E> {
        result.map_err(|error| {
            self.failure = Some(error);
            E::custom("refused")
        })
    }

    fn refuse<E: de::Error>(&mut self, message: &'static str) -> Result<(), E> {
        self.note(Err(ItemError::new(ItemErrorKind::InvalidText, message)))
    }

    fn begin<E: de::Error>(&mut self, shape: Shape) -> Result<(), E> {
        self.level += 1;
        let begun = self.sink.begin(shape);
        self.note(begun)
    }

    fn end(&mut self, shape: Shape) {
        self.level -= 1;
        self.sink.end(shape);
    }

    fn locate(&mut self, step: impl FnOnce(ItemError, &[u8]) -> ItemError) {
        if let Some(failure) = self.failure.take() {
            self.failure = Some(step(failure, self.sink.written()));
        }
    }
}

/// A whole value.
pub(crate) struct Node<'t, 's, S>(pub(super) &'t mut Transfer<'s, S>);

impl<'de, S: Sink> DeserializeSeed<'de> for Node<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de, S: Sink> de::Visitor<'de> for Node<'_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match map.next_key()? {
            // More than one type in an attribute value is left unread, which serde_json reports.
            Some(tag) if tag != Tag::Unknown => map.next_value_seed(Body {
                transfer: self.0,
                tag,
            }),
            _ if self.0.source == Source::Given => self
                .0
                .refuse("an attribute value without a type DynamoDB knows"),
            Some(_) => {
                skip_rest(&mut map)?;
                self.0.sink.null();
                Ok(())
            }
            None => {
                self.0.sink.null();
                Ok(())
            }
        }
    }
}

/// What follows the type in an attribute value.
pub(crate) struct Body<'t, 's, S> {
    pub(crate) transfer: &'t mut Transfer<'s, S>,
    pub(crate) tag: Tag,
}

impl<'de, S: Sink> DeserializeSeed<'de> for Body<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        match self.tag {
            Tag::S | Tag::N | Tag::B => input.deserialize_str(self),
            Tag::Bool => input.deserialize_bool(self),
            Tag::M => input.deserialize_map(self),
            Tag::L | Tag::Ss | Tag::Ns | Tag::Bs => input.deserialize_seq(self),
            Tag::Null | Tag::Unknown => input.deserialize_ignored_any(self),
        }
    }
}

impl<'de, S: Sink> de::Visitor<'de> for Body<'_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the attribute value's type says")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.transfer.sink.null();
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.transfer.sink.boolean(value);
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        let written = self.transfer.sink.scalar(self.tag, text);
        self.transfer.note(written)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Body { transfer, tag } = self;
        let shape = match tag {
            Tag::Ss => Shape::Set(Tag::S),
            Tag::Ns => Shape::Set(Tag::N),
            Tag::Bs => Shape::Set(Tag::B),
            _ => Shape::List,
        };
        transfer.begin(shape)?;
        let mut count = 0;
        while seq
            .next_element_seed(Element {
                transfer,
                shape,
                index: count,
            })?
            .is_some()
        {
            count += 1;
        }
        if count == 0 && shape != Shape::List && transfer.source == Source::Given {
            return transfer.refuse("an empty set, which DynamoDB does not hold");
        }
        transfer.end(shape);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let transfer = self.transfer;
        transfer.begin(Shape::Map)?;
        let mut first = true;
        loop {
            let name_at = transfer.sink.written().len() + usize::from(!first);
            match map.next_key_seed(FieldName { transfer, first })? {
                // Twice the same name goes on to DynamoDB: JSON.stringify writes none, and nothing we read holds any.
                Some(Kept::Yes) => {
                    first = false;
                    if let Err(error) = map.next_value_seed(Node(transfer)) {
                        transfer.locate(|failure, written| failure.in_field_at(written, name_at));
                        return Err(error);
                    }
                    transfer.sink.field_end();
                }
                Some(Kept::No) => {
                    map.next_value::<IgnoredAny>()?;
                }
                None => break,
            }
        }
        transfer.end(Shape::Map);
        Ok(())
    }
}

/// An element of a list or set, with what separates it from the one before.
struct Element<'t, 's, S> {
    transfer: &'t mut Transfer<'s, S>,
    shape: Shape,
    index: usize,
}

impl<'de, S: Sink> DeserializeSeed<'de> for Element<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        self.transfer.sink.separate(self.shape, self.index == 0);
        let Element {
            transfer,
            shape,
            index,
        } = self;
        let read = match shape {
            Shape::Set(tag) => input.deserialize_str(Member { transfer, tag }),
            _ => Node(transfer).deserialize(input),
        };
        if read.is_err() {
            transfer.locate(|failure, _| failure.in_element(index));
        }
        read
    }
}

struct Member<'t, 's, S> {
    transfer: &'t mut Transfer<'s, S>,
    tag: Tag,
}

impl<S: Sink> de::Visitor<'_> for Member<'_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a set's member")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        let written = self.transfer.sink.member(self.tag, text);
        self.transfer.note(written)
    }
}

struct FieldName<'t, 's, S> {
    transfer: &'t mut Transfer<'s, S>,
    first: bool,
}

enum Kept {
    Yes,
    No,
}

impl<'de, S: Sink> DeserializeSeed<'de> for FieldName<'_, '_, S> {
    type Value = Kept;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Kept, D::Error> {
        input.deserialize_str(self)
    }
}

impl<S: Sink> de::Visitor<'_> for FieldName<'_, '_, S> {
    type Value = Kept;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Kept, E> {
        let transfer = self.transfer;
        // A framework that copies fields onto an object would set its prototype with this one.
        if transfer.source == Source::Stored && transfer.level == 1 && name == "__proto__" {
            return Ok(Kept::No);
        }
        let written = transfer.sink.field(name, self.first);
        transfer.note(written).map(|()| Kept::Yes)
    }
}
