//! Reading: a serde `Deserializer` over `DynamoDB` JSON, itself over `serde_json`'s.

use std::cell::Cell;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::number::{self, Number};
use super::variant::{UnitVariant, Variant};
use super::{Tag, skip_rest};
use crate::item::ItemErrorKind;

/// What a reading finds out beside the value.
#[derive(Default)]
pub(crate) struct Reading {
    /// Session texts are to be attribute values: one met a value that JSON cannot express.
    pub(crate) exact: Cell<bool>,
    /// The type of the session left out a part of it.
    pub(crate) has_skipped: Cell<bool>,
    /// Bytes of input, which a session's text seldom exceeds.
    pub(crate) length: usize,
    /// Whether a `serde_json::Value` keeps the text of a number that no integer type and no double holds.
    pub(crate) keeps_digits: bool,
    /// Why it failed, if not for the input's form.
    pub(crate) failure: Cell<Option<ItemErrorKind>>,
}

/// What a type asks for, where that decides how an attribute value is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Any,
    Integer,
    I128,
    U128,
    F32,
    F64,
    Seq,
    Option,
    Enum,
}

/// An attribute value about to be read.
pub(crate) struct Attribute<'c, D> {
    pub(crate) input: D,
    /// `None`: the input is the whole value. `Some`: it is what follows this type.
    pub(crate) tag: Option<Tag>,
    /// Whether it is inside another value.
    pub(crate) is_part: bool,
    pub(crate) reading: &'c Reading,
}

impl<'de, D: Deserializer<'de>> Attribute<'_, D> {
    fn read<V: Visitor<'de>>(self, wish: Wish, visitor: V) -> Result<V::Value, D::Error> {
        let Attribute {
            input,
            tag,
            reading,
            ..
        } = self;
        let typed = Typed {
            visitor,
            wish,
            reading,
        };
        match tag {
            None => input.deserialize_map(typed),
            Some(tag) => typed.body(tag, input),
        }
    }
}

macro_rules! read_as {
    ($($method:ident($($name:ident: $type:ty),*) => $wish:ident,)+) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.read(Wish::$wish, visitor)
        }
    )+};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Attribute<'_, D> {
    type Error = D::Error;

    read_as! {
        deserialize_any() => Any,
        deserialize_i8() => Integer,
        deserialize_i16() => Integer,
        deserialize_i32() => Integer,
        deserialize_i64() => Integer,
        deserialize_i128() => I128,
        deserialize_u8() => Integer,
        deserialize_u16() => Integer,
        deserialize_u32() => Integer,
        deserialize_u64() => Integer,
        deserialize_u128() => U128,
        deserialize_f32() => F32,
        deserialize_f64() => F64,
        deserialize_seq() => Seq,
        deserialize_tuple(_len: usize) => Seq,
        deserialize_tuple_struct(_name: &'static str, _len: usize) => Seq,
        deserialize_option() => Option,
        deserialize_enum(_name: &'static str, _variants: &'static [&'static str]) => Enum,
    }

    forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct map struct identifier
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        if self.is_part {
            self.reading.has_skipped.set(true);
        }
        self.input.deserialize_ignored_any(visitor)
    }
}

impl Reading {
    pub(crate) fn fail<T, E: de::Error>(&self, kind: ItemErrorKind) -> Result<T, E> {
        self.failure.set(Some(kind));
        Err(E::custom("refused"))
    }

    pub(crate) fn require_map<E: de::Error>(&self, is_map: bool) -> Result<(), E> {
        if is_map {
            Ok(())
        } else {
            self.fail(ItemErrorKind::NotAMap)
        }
    }
}

/// Reads a type and then what follows it, for the visitor inside.
pub(crate) struct Typed<'c, V> {
    pub(crate) visitor: V,
    pub(crate) wish: Wish,
    pub(crate) reading: &'c Reading,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Typed<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        match map.next_key()? {
            // More than one type in an attribute value is left unread, which serde_json reports.
            Some(tag) if tag != Tag::Unknown => {
                return map.next_value_seed(Tagged { tag, typed: self });
            }
            Some(_) => skip_rest(&mut map)?,
            None => {}
        }
        self.null()
    }
}

impl<'de, V: Visitor<'de>> Typed<'_, V> {
    fn null<E: de::Error>(self) -> Result<V::Value, E> {
        match self.wish {
            Wish::Option => self.visitor.visit_none(),
            // What NaN and the infinities were written as: a session that was saved must load.
            Wish::F32 | Wish::F64 => self.visitor.visit_f64(f64::NAN),
            _ => self.visitor.visit_unit(),
        }
    }

    fn body<D: Deserializer<'de>>(self, tag: Tag, input: D) -> Result<V::Value, D::Error> {
        let Typed {
            visitor,
            wish,
            reading,
        } = self;
        match (tag, wish) {
            (Tag::Null | Tag::Unknown, _) => {
                IgnoredAny::deserialize(input)?;
                Typed {
                    visitor,
                    wish,
                    reading,
                }
                .null()
            }
            (_, Wish::Option) => visitor.visit_some(Attribute {
                input,
                tag: Some(tag),
                is_part: true,
                reading,
            }),
            (Tag::S, Wish::Enum) => input.deserialize_str(UnitVariant(visitor)),
            (Tag::S, _) => input.deserialize_str(visitor),
            (Tag::N, _) => input.deserialize_str(NumberText {
                visitor,
                wish,
                keeps_digits: reading.keeps_digits,
            }),
            (Tag::B, _) => input.deserialize_str(Base64 { visitor, wish }),
            (Tag::Bool, _) => input.deserialize_bool(visitor),
            (Tag::M, Wish::Enum) => input.deserialize_map(Variant { visitor, reading }),
            (Tag::M, _) => input.deserialize_map(Fields {
                inner: visitor,
                reading,
            }),
            (Tag::L, _) => input.deserialize_seq(Elements::new(visitor, None, reading)),
            (Tag::Ss, _) => input.deserialize_seq(Elements::new(visitor, Some(Tag::S), reading)),
            (Tag::Ns, _) => input.deserialize_seq(Elements::new(visitor, Some(Tag::N), reading)),
            (Tag::Bs, _) => input.deserialize_seq(Elements::new(visitor, Some(Tag::B), reading)),
        }
    }
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Typed<'_, V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<V::Value, D::Error> {
        input.deserialize_map(self)
    }
}

struct Tagged<'c, V> {
    tag: Tag,
    typed: Typed<'c, V>,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tagged<'_, V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<V::Value, D::Error> {
        self.typed.body(self.tag, input)
    }
}

/// Passes an attribute value to the reader's seed.
pub(crate) struct AttributeSeed<'c, S> {
    pub(crate) seed: S,
    pub(crate) tag: Option<Tag>,
    pub(crate) reading: &'c Reading,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for AttributeSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Attribute {
            input,
            tag: self.tag,
            is_part: true,
            reading: self.reading,
        })
    }
}

struct NumberText<V> {
    visitor: V,
    wish: Wish,
    keeps_digits: bool,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for NumberText<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number's text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        let NumberText {
            visitor,
            wish,
            keeps_digits,
        } = self;
        // Rust's own parsers take "inf" and "NaN".
        let Some(number) = Number::parse(text) else {
            return Err(E::custom("not a valid number"));
        };
        let double = || text.parse().map_err(E::custom);
        match wish {
            Wish::F32 => return visitor.visit_f32(text.parse().map_err(E::custom)?),
            Wish::F64 => return visitor.visit_f64(double()?),
            Wish::I128 => {
                if let Ok(value) = text.parse() {
                    return visitor.visit_i128(value);
                }
            }
            Wish::U128 => {
                if let Ok(value) = text.parse() {
                    return visitor.visit_u128(value);
                }
            }
            _ => {}
        }
        if let Ok(value) = text.parse() {
            return visitor.visit_u64(value);
        }
        if let Ok(value) = text.parse() {
            return visitor.visit_i64(value);
        }
        let value: f64 = double()?;
        // An integer in other clothes (1E+3, 5.0). Its shortest text has no point, or it is too large to be exact.
        if matches!(wish, Wish::Integer | Wish::I128 | Wish::U128)
            && value.abs() < EXACT
            && let Ok(value) = value.to_string().parse()
        {
            return visitor.visit_i64(value);
        }
        if wish == Wish::Any && keeps_digits && !number.fits_double() {
            let mut json = Vec::new();
            number.write_json(&mut json);
            let json = String::from_utf8(json).map_err(E::custom)?;
            let fields = std::iter::once((number::JSON, json));
            return visitor.visit_map(MapDeserializer::new(fields));
        }
        visitor.visit_f64(value)
    }
}

/// Below this, 2^53, doubles hold every integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

struct Base64<V> {
    visitor: V,
    wish: Wish,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Base64<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        let bytes = STANDARD.decode(text).map_err(|_| E::custom("not base64"))?;
        if self.wish == Wish::Seq {
            self.visitor
                .visit_seq(SeqDeserializer::new(bytes.into_iter()))
        } else {
            self.visitor.visit_byte_buf(bytes)
        }
    }
}

/// The fields of an M.
struct Fields<'c, T> {
    inner: T,
    reading: &'c Reading,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Fields<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of attribute values")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Fields {
            inner: map,
            reading: self.reading,
        })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'_, A> {
    type Error = A::Error;

    /// Names become keys the way `serde_json` reads them, so integers and booleans come back.
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(AttributeSeed {
            seed,
            tag: None,
            reading: self.reading,
        })
    }
}

/// The elements of an L, or a set's members, which are bare values of its type.
struct Elements<'c, T> {
    inner: T,
    tag: Option<Tag>,
    reading: &'c Reading,
}

impl<'c, T> Elements<'c, T> {
    fn new(inner: T, tag: Option<Tag>, reading: &'c Reading) -> Self {
        Elements {
            inner,
            tag,
            reading,
        }
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Elements<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or set")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.inner
            .visit_seq(Elements::new(seq, self.tag, self.reading))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(AttributeSeed {
            seed,
            tag: self.tag,
            reading: self.reading,
        })
    }
}
