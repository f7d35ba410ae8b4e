//! Writing: a serde `Serializer` that puts out `DynamoDB` JSON as bytes and counts the size `DynamoDB` will charge.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{self, Serialize};

use super::compound::Compound;
use super::number::{self, Number, Refusal};
use super::{EMPTY_FIELD_NAME, Shape, Tag, write_json_string, write_plain_string};
use crate::item::{ItemError, ItemErrorKind};

/// `DynamoDB` nests 32 levels deep, and the item itself is one of them.
const MAX_DEPTH: usize = 31;

/// Appends attribute values to `out`.
///
/// Each value is complete (`{"S":"…"}`) when its method returns; maps and lists are opened, filled and closed.
pub(crate) struct Writer<'w> {
    pub(crate) out: &'w mut Vec<u8>,
    /// What was written so far counts this many bytes towards the item's size.
    pub(crate) size: usize,
    /// Open maps and lists.
    pub(crate) depth: usize,
    /// Whether `DynamoDB`'s limits are enforced. They are not on what was stored already.
    pub(crate) limits: bool,
    /// Whether the next string is the text of a number.
    pub(crate) is_number_next: bool,
    /// Gets each field of the outermost map when it is written.
    pub(crate) sink: Option<&'w mut dyn FieldSink>,
    /// Where the field of the outermost map that is being written begins, and its value.
    field_at: (usize, usize),
}

/// Gets the fields of a session as they are written.
pub(crate) trait FieldSink {
    /// `out` ends with a field: its name, as a JSON string, begins at `name_at`, its attribute value at `value_at`.
    fn field(&mut self, out: &mut Vec<u8>, name_at: usize, value_at: usize);
}

impl<'w> Writer<'w> {
    pub(crate) fn new(out: &'w mut Vec<u8>, limits: bool) -> Self {
        Writer {
            out,
            size: 0,
            depth: 0,
            limits,
            is_number_next: false,
            sink: None,
            field_at: (0, 0),
        }
    }

    pub(crate) fn null(&mut self) {
        self.out.extend_from_slice(br#"{"NULL":true}"#);
        self.size += 1;
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        let attribute: &[u8] = if value {
            br#"{"BOOL":true}"#
        } else {
            br#"{"BOOL":false}"#
        };
        self.out.extend_from_slice(attribute);
        self.size += 1;
    }

    /// A string, a number's text or base64, as an attribute value.
    pub(crate) fn scalar(&mut self, tag: Tag, text: &str) -> Result<(), ItemError> {
        self.out.extend_from_slice(match tag {
            Tag::N => br#"{"N":"#,
            Tag::B => br#"{"B":"#,
            _ => br#"{"S":"#,
        });
        self.member(tag, text)?;
        self.out.push(b'}');
        Ok(())
    }

    /// A string as an attribute value; `is_plain` if nothing in it has to be escaped.
    pub(crate) fn string(&mut self, text: &str, is_plain: bool) {
        self.size += text.len();
        self.out.extend_from_slice(br#"{"S":"#);
        self.json_string(text, is_plain);
        self.out.push(b'}');
    }

    fn json_string(&mut self, text: &str, is_plain: bool) {
        if is_plain {
            write_plain_string(text, self.out);
        } else {
            write_json_string(text, self.out);
        }
    }

    /// A string, a number's text or base64, bare as sets hold them.
    pub(crate) fn member(&mut self, tag: Tag, text: &str) -> Result<(), ItemError> {
        match tag {
            Tag::N => {
                let number = Number::parse(text).ok_or_else(|| {
                    ItemError::new(ItemErrorKind::InvalidText, "not a valid number")
                })?;
                self.check(&number)?;
                self.size += number.size();
                self.out.push(b'"');
                if number.is_zero() {
                    self.out.push(b'0'); // DynamoDB knows no -0, and refuses 0e126
                } else {
                    number.write_json(self.out);
                }
                self.out.push(b'"');
            }
            Tag::B => {
                let bytes = STANDARD.decode(text).map_err(|_| {
                    ItemError::new(ItemErrorKind::InvalidText, "binary that is not base64")
                })?;
                self.base64(&bytes);
            }
            _ => {
                self.size += text.len();
                write_json_string(text, self.out);
            }
        }
        Ok(())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(br#"{"B":"#);
        self.base64(bytes);
        self.out.push(b'}');
    }

    /// An integer or a finite float, by its shortest text.
    pub(crate) fn number(&mut self, value: impl Serialize) -> Result<(), ItemError> {
        self.out.extend_from_slice(br#"{"N":""#);
        let start = self.out.len();
        serde_json::to_writer(&mut *self.out, &value).map_err(ser::Error::custom)?;
        // DynamoDB would say 1 where serde_json says 1.0; say so before it does, and a value reads back the same
        // from a table and from a copy of what was sent.
        if self.out[start..].ends_with(b".0") {
            self.out.truncate(self.out.len() - 2);
        }
        let number = str::from_utf8(&self.out[start..])
            .ok()
            .and_then(Number::parse);
        let number =
            number.ok_or_else(|| ItemError::new(ItemErrorKind::Unserializable, "not a number"))?;
        self.check(&number)?;
        self.size += number.size();
        self.out.extend_from_slice(br#""}"#);
        Ok(())
    }

    pub(crate) fn begin(&mut self, shape: Shape) -> Result<(), ItemError> {
        if matches!(shape, Shape::Map | Shape::List) {
            self.depth += 1;
            self.size += 3;
            if self.limits && self.depth > MAX_DEPTH {
                return Err(ItemError::new(
                    ItemErrorKind::TooDeep,
                    "more than 31 levels of maps and lists, the most DynamoDB holds",
                ));
            }
        }
        self.out.extend_from_slice(match shape {
            Shape::Map => br#"{"M":{"#,
            Shape::List => br#"{"L":["#,
            Shape::Set(Tag::N) => br#"{"NS":["#,
            Shape::Set(Tag::B) => br#"{"BS":["#,
            Shape::Set(_) => br#"{"SS":["#,
        });
        Ok(())
    }

    pub(crate) fn end(&mut self, shape: Shape) {
        if matches!(shape, Shape::Map | Shape::List) {
            self.depth -= 1;
        }
        self.out
            .extend_from_slice(if shape == Shape::Map { b"}}" } else { b"]}" });
    }

    /// A map's next field, up to its value.
    pub(crate) fn field(&mut self, name: &str, first: bool) -> Result<(), ItemError> {
        self.field_named(name, false, first)
    }

    /// The same; `is_plain` if nothing in the name has to be escaped.
    pub(crate) fn field_named(
        &mut self,
        name: &str,
        is_plain: bool,
        first: bool,
    ) -> Result<(), ItemError> {
        // DynamoDB refuses one at any depth ("Empty attribute name").
        if name.is_empty() && self.limits {
            return Err(ItemError::new(
                ItemErrorKind::EmptyFieldName,
                EMPTY_FIELD_NAME,
            ));
        }
        self.element(first);
        self.size += 1 + name.len();
        let name_at = self.out.len();
        self.json_string(name, is_plain);
        self.out.push(b':');
        if self.depth == 1 {
            self.field_at = (name_at, self.out.len());
        }
        Ok(())
    }

    /// What comes after a field's value.
    pub(crate) fn field_end(&mut self) {
        if self.depth == 1
            && let Some(sink) = &mut self.sink
        {
            sink.field(self.out, self.field_at.0, self.field_at.1);
        }
    }

    fn element(&mut self, first: bool) {
        if !first {
            self.out.push(b',');
        }
    }

    /// A list's next element, up to its value.
    pub(crate) fn list_element(&mut self, first: bool) {
        self.element(first);
        self.size += 1;
    }

    /// A set's next member, up to its value. Members weigh nothing but themselves.
    pub(crate) fn set_member(&mut self, first: bool) {
        self.element(first);
    }

    fn check(&self, number: &Number<'_>) -> Result<(), ItemError> {
        if !self.limits {
            return Ok(());
        }
        number.check().map_err(|refusal| {
            let message = match refusal {
                Refusal::Magnitude => "a number outside DynamoDB's range (0, or 1E-130 to 9.99E+125 either side of it)",
                Refusal::Digits => "a number of more than 38 significant digits, the most DynamoDB holds",
            };
            ItemError::new(ItemErrorKind::NumberRange, message)
        })
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.size += bytes.len();
        self.out.push(b'"');
        let start = self.out.len();
        let longest = bytes.len().div_ceil(3) * 4;
        self.out.resize(start + longest, 0);
        let written = STANDARD.encode_slice(bytes, &mut self.out[start..]);
        self.out
            .truncate(start + written.expect("base64 is four bytes for every three, rounded up"));
        self.out.push(b'"');
    }

    fn float(&mut self, value: f64, text: impl Serialize) -> Result<(), ItemError> {
        if value == 0.0 {
            self.number(0_u8) // not -0
        } else if value.is_finite() {
            self.number(text)
        } else {
            self.null();
            Ok(())
        }
    }

    /// Opens what holds the contents of a variant: a map of one field, named after the variant.
    fn variant<'a>(
        &'a mut self,
        name: &'static str,
        shape: Shape,
    ) -> Result<Compound<'a, 'w>, ItemError> {
        self.begin(Shape::Map)?;
        self.field(name, true)?;
        self.begin(shape).map_err(|error| error.in_field(name))?;
        Ok(Compound::new(self, shape).of_variant(name))
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, value: $type) -> Result<(), ItemError> {
            self.number(value)
        }
    )+};
}

impl<'a, 'w> ser::Serializer for &'a mut Writer<'w> {
    type Ok = ();
    type Error = ItemError;
    type SerializeSeq = Compound<'a, 'w>;
    type SerializeTuple = Compound<'a, 'w>;
    type SerializeTupleStruct = Compound<'a, 'w>;
    type SerializeTupleVariant = Compound<'a, 'w>;
    type SerializeMap = Compound<'a, 'w>;
    type SerializeStruct = Compound<'a, 'w>;
    type SerializeStructVariant = Compound<'a, 'w>;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_f32(self, value: f32) -> Result<(), ItemError> {
        self.float(value.into(), value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), ItemError> {
        self.float(value, value)
    }

    fn serialize_bool(self, value: bool) -> Result<(), ItemError> {
        self.boolean(value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), ItemError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), ItemError> {
        if std::mem::take(&mut self.is_number_next) {
            self.scalar(Tag::N, value)
        } else {
            self.scalar(Tag::S, value)
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), ItemError> {
        self.bytes(value);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), ItemError> {
        self.null();
        Ok(())
    }

    fn serialize_none(self) -> Result<(), ItemError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), ItemError> {
        value.serialize(self)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), ItemError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), ItemError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), ItemError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), ItemError> {
        self.begin(Shape::Map)?;
        self.field(variant, true)?;
        value
            .serialize(&mut *self)
            .map_err(|error| error.in_field(variant))?;
        self.field_end();
        self.end(Shape::Map);
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a, 'w>, ItemError> {
        self.begin(Shape::List)?;
        Ok(Compound::new(self, Shape::List))
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'a, 'w>, ItemError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Compound<'a, 'w>, ItemError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a, 'w>, ItemError> {
        self.variant(variant, Shape::List)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a, 'w>, ItemError> {
        self.begin(Shape::Map)?;
        Ok(Compound::new(self, Shape::Map))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Compound<'a, 'w>, ItemError> {
        if name == number::JSON {
            return Ok(Compound::new(self, Shape::Map).for_number());
        }
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a, 'w>, ItemError> {
        self.variant(variant, Shape::Map)
    }
}
