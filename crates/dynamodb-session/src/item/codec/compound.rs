//! Maps and lists being filled by serde.

use serde::ser::{self, Serialize};

use super::Shape;
use super::name::Name;
use super::writer::Writer;
use crate::item::ItemError;

/// An open map or list.
pub(crate) struct Compound<'a, 'w> {
    writer: &'a mut Writer<'w>,
    shape: Shape,
    /// The enum variant whose contents it holds.
    variant: Option<&'static str>,
    /// It is no map at all, but `serde_json`'s way to hand over a number's text.
    number: bool,
    written: usize,
    /// Where in the output the current field's name starts: errors read the name back from there.
    name_at: usize,
}

impl<'a, 'w> Compound<'a, 'w> {
    pub(crate) fn new(writer: &'a mut Writer<'w>, shape: Shape) -> Self {
        Compound {
            writer,
            shape,
            variant: None,
            number: false,
            written: 0,
            name_at: 0,
        }
    }

    /// Makes it what holds the contents of a variant, inside the map that names the variant.
    pub(crate) fn of_variant(mut self, name: &'static str) -> Self {
        self.variant = Some(name);
        self
    }

    /// Makes it what `serde_json` hands a number's text to. Nothing is open then.
    pub(crate) fn for_number(mut self) -> Self {
        self.number = true;
        self
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ItemError> {
        self.writer.list_element(self.written == 0);
        let done = value.serialize(&mut *self.writer);
        done.map_err(|error| self.locate(error.in_element(self.written)))?;
        self.written += 1;
        Ok(())
    }

    fn name<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), ItemError> {
        let first = self.written == 0;
        self.name_at = self.writer.out.len() + usize::from(!first);
        let written = name.serialize(Name {
            writer: self.writer,
            first,
        });
        written.map_err(|error| self.locate(error))
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ItemError> {
        let done = value.serialize(&mut *self.writer);
        done.map_err(|error| self.locate(error.in_field_at(self.writer.out, self.name_at)))?;
        self.writer.field_end();
        self.written += 1;
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ItemError> {
        if self.number {
            self.writer.is_number_next = true;
            return value.serialize(&mut *self.writer);
        }
        self.name(name)?;
        self.value(value)
    }

    fn locate(&self, error: ItemError) -> ItemError {
        match self.variant {
            Some(variant) => error.in_field(variant),
            None => error,
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it is every trait's end, which is a Result"
    )]
    fn close(self) -> Result<(), ItemError> {
        if !self.number {
            self.writer.end(self.shape);
        }
        if self.variant.is_some() {
            self.writer.field_end();
            self.writer.end(Shape::Map);
        }
        Ok(())
    }
}

macro_rules! compounds {
    ($($trait:ident { $method:ident($($name:ident: $type:ty)?) => $to:ident })+) => {$(
        impl ser::$trait for Compound<'_, '_> {
            type Ok = ();
            type Error = ItemError;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result<(), ItemError> {
                self.$to($($name,)? value)
            }

            fn end(self) -> Result<(), ItemError> {
                self.close()
            }
        }
    )+};
}

compounds! {
    SerializeSeq { serialize_element() => element }
    SerializeTuple { serialize_element() => element }
    SerializeTupleStruct { serialize_field() => element }
    SerializeTupleVariant { serialize_field() => element }
    SerializeStruct { serialize_field(name: &'static str) => field }
    SerializeStructVariant { serialize_field(name: &'static str) => field }
}

impl ser::SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = ItemError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ItemError> {
        self.name(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ItemError> {
        self.value(value)
    }

    fn end(self) -> Result<(), ItemError> {
        self.close()
    }
}
