//! Carries values from `serde_json` into a sink, one at a time.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess};

use super::number::{Number, Refusal};
use super::text::Sink;
use super::{ItemError, ItemErrorKind, Shape, Tag, skip_rest};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// JSON.
    Json,
    /// An attribute value somebody gave us: anything `DynamoDB` would refuse is an error.
    Given,
    /// An attribute value from a table: what the legacy package read as null is null.
    Stored,
}

/// One value on its way from `serde_json` into a sink.
pub(super) struct Transfer<'s, S> {
    sink: &'s mut S,
    source: Source,
    numbers: NumberTexts<'s>,
    level: usize,
    /// What went wrong, if it is more than the input's syntax. `serde_json` carries but text.
    pub(super) failure: Option<ItemError>,
}

impl<'s, S: Sink> Transfer<'s, S> {
    pub(super) fn new(sink: &'s mut S, source: Source, text: &'s str) -> Self {
        Transfer {
            sink,
            source,
            numbers: NumberTexts {
                rest: text.as_bytes(),
                pending: 0,
            },
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
pub(super) struct Node<'t, 's, S>(pub(super) &'t mut Transfer<'s, S>);

impl<'de, S: Sink> DeserializeSeed<'de> for Node<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        if self.0.source == Source::Json {
            let body = Body {
                transfer: self.0,
                tag: None,
            };
            body.deserialize(input)
        } else {
            input.deserialize_map(self)
        }
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
                tag: Some(tag),
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

/// What follows the type in an attribute value; JSON if there is no type.
pub(super) struct Body<'t, 's, S> {
    pub(super) transfer: &'t mut Transfer<'s, S>,
    pub(super) tag: Option<Tag>,
}

impl<'de, S: Sink> DeserializeSeed<'de> for Body<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        match self.tag {
            None => input.deserialize_any(self),
            Some(Tag::S | Tag::N | Tag::B) => input.deserialize_str(self),
            Some(Tag::Bool) => input.deserialize_bool(self),
            Some(Tag::M) => input.deserialize_map(self),
            Some(Tag::L | Tag::Ss | Tag::Ns | Tag::Bs) => input.deserialize_seq(self),
            Some(Tag::Null | Tag::Unknown) => input.deserialize_ignored_any(self),
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

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.transfer.numbers.pending += 1;
        let written = self.transfer.sink.integer(value.into());
        self.transfer.note(written)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.transfer.numbers.pending += 1;
        let written = self.transfer.sink.integer(value.into());
        self.transfer.note(written)
    }

    /// Keeps the number's text, which `serde_json` reads only to the last digit but one. Text of more digits than
    /// `DynamoDB` holds gives way to the shortest text of the double it stands for.
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        let text = self.transfer.numbers.next();
        let shorter = text.len() > 38
            && Number::parse(text).is_some_and(|number| number.check() == Err(Refusal::Digits));
        let text = if shorter {
            Cow::Owned(format!("{:e}", text.parse::<f64>().unwrap_or(f64::NAN)))
        } else {
            Cow::Borrowed(text)
        };
        let written = self.transfer.sink.scalar(Tag::N, &text);
        self.transfer.note(written)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        let written = self.transfer.sink.scalar(self.tag.unwrap_or(Tag::S), text);
        self.transfer.note(written)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Body { transfer, tag } = self;
        let shape = match tag {
            Some(Tag::Ss) => Shape::Set(Tag::S),
            Some(Tag::Ns) => Shape::Set(Tag::N),
            Some(Tag::Bs) => Shape::Set(Tag::B),
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
        // A face that copies fields onto an object would set its prototype with this one.
        if transfer.source == Source::Stored && transfer.level == 1 && name == "__proto__" {
            return Ok(Kept::No);
        }
        let written = transfer.sink.field(name, self.first);
        transfer.note(written).map(|()| Kept::Yes)
    }
}

/// The texts of the numbers in a JSON text, in order.
///
/// `serde_json` hands out doubles, and without its `float_roundtrip` not always the nearest. Numbers are to keep their
/// text, so it is fetched from where the double came from. The text has been through `serde_json` as far as is read
/// here, so telling numbers from strings is all that is left to do.
struct NumberTexts<'a> {
    rest: &'a [u8],
    /// Numbers that were visited and did not need their text.
    pending: usize,
}

impl<'a> NumberTexts<'a> {
    fn next(&mut self) -> &'a str {
        loop {
            let text = self.advance();
            if self.pending == 0 || text.is_empty() {
                return text;
            }
            self.pending -= 1;
        }
    }

    fn advance(&mut self) -> &'a str {
        let mut in_string = false;
        let mut at = 0;
        while let Some(&byte) = self.rest.get(at) {
            match byte {
                b'\\' if in_string => at += 1,
                b'"' => in_string = !in_string,
                b'-' | b'0'..=b'9' if !in_string => break,
                _ => {}
            }
            at += 1;
        }
        let rest = self.rest.get(at..).unwrap_or_default();
        let in_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().take_while(|byte| in_number(byte)).count();
        let (number, rest) = rest.split_at(length);
        self.rest = rest;
        str::from_utf8(number).unwrap_or_default()
    }
}
