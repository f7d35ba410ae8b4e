//! Enums, tagged as `serde_json` tags them: by a string, or by a map of one field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, VariantAccess, Visitor};

use super::reader::{AttributeSeed, Reading, Typed, Wish};

/// An S read as an enum: the name of a variant.
pub(crate) struct UnitVariant<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for UnitVariant<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<V::Value, E> {
        self.0.visit_enum(StrDeserializer::new(name))
    }
}

/// An M read as an enum: its one field is named after the variant and holds the variant's contents.
pub(crate) struct Variant<'c, V> {
    pub(crate) visitor: V,
    pub(crate) reading: &'c Reading,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Variant<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant and its contents")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Contents {
            map,
            reading: self.reading,
        })
    }
}

struct Contents<'c, A> {
    map: A,
    reading: &'c Reading,
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Contents<'_, A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        mut self,
        seed: S,
    ) -> Result<(S::Value, Self), A::Error> {
        match self.map.next_key_seed(seed)? {
            Some(variant) => Ok((variant, self)),
            None => Err(de::Error::custom("no variant")),
        }
    }
}

impl<'de, A: MapAccess<'de>> Contents<'_, A> {
    fn read<V: Visitor<'de>>(mut self, wish: Wish, visitor: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(Typed {
            visitor,
            wish,
            reading: self.reading,
        })
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Contents<'_, A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        let seed = PhantomData::<()>;
        self.map.next_value_seed(AttributeSeed {
            seed,
            tag: None,
            reading: self.reading,
        })
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        mut self,
        seed: S,
    ) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(AttributeSeed {
            seed,
            tag: None,
            reading: self.reading,
        })
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.read(Wish::Seq, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.read(Wish::Any, visitor)
    }
}
