//! Map keys as field names.

use serde::ser::{self, Impossible, Serialize};

use super::writer::Writer;
use crate::item::{ItemError, ItemErrorKind};

/// Writes a map's key as a field name: strings as they are; integers, booleans and characters as `serde_json` does.
pub(crate) struct Name<'a, 'w> {
    pub(crate) writer: &'a mut Writer<'w>,
    pub(crate) first: bool,
}

fn not_a_name<T>() -> Result<T, ItemError> {
    Err(ItemError::new(
        ItemErrorKind::Unserializable,
        "a map key that is no string, integer, boolean or character",
    ))
}

macro_rules! names {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, value: $type) -> Result<(), ItemError> {
            self.serialize_str(&value.to_string())
        }
    )+};
}

macro_rules! not_names {
    ($($method:ident($($argument:ty),*) $(-> $ok:ty)?;)+) => {$(
        not_names!(@ $method($($argument),*) $($ok)?);
    )+};
    (@ $method:ident()) => {
        fn $method(self) -> Result<(), ItemError> { not_a_name() }
    };
    (@ $method:ident($a:ty)) => {
        fn $method(self, _: $a) -> Result<(), ItemError> { not_a_name() }
    };
    (@ $method:ident($a:ty) $ok:ty) => {
        fn $method(self, _: $a) -> Result<$ok, ItemError> { not_a_name() }
    };
    (@ $method:ident($a:ty, $b:ty) $ok:ty) => {
        fn $method(self, _: $a, _: $b) -> Result<$ok, ItemError> { not_a_name() }
    };
    (@ $method:ident($a:ty, $b:ty, $c:ty, $d:ty) $ok:ty) => {
        fn $method(self, _: $a, _: $b, _: $c, _: $d) -> Result<$ok, ItemError> { not_a_name() }
    };
}

type Never = Impossible<(), ItemError>;

impl ser::Serializer for Name<'_, '_> {
    type Ok = ();
    type Error = ItemError;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    names! {
        serialize_bool: bool, serialize_char: char,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_str(self, value: &str) -> Result<(), ItemError> {
        self.writer.field(value, self.first)
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

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), ItemError> {
        not_a_name()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), ItemError> {
        not_a_name()
    }

    not_names! {
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_bytes(&[u8]);
        serialize_unit();
        serialize_none();
        serialize_unit_struct(&'static str);
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }
}
