//! Checking that an item is the requested one.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::codec::{Tag, skip_rest};

/// The key of the requested item. If the answers of a connection get out of order, for instance by a fault of a proxy, a
/// visitor must not get the session of another one.
#[derive(Clone, Copy)]
pub(crate) struct OwnKey<'a> {
    /// The partition key.
    pub(crate) attribute: &'a str,
    pub(crate) value: &'a str,
}

/// Returns whether a key is this one.
impl<'de> DeserializeSeed<'de> for OwnKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OwnKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        match map.next_key()? {
            Some(Tag::S) => map.next_value_seed(Is(self.value)),
            Some(_) => skip_rest(&mut map).map(|()| false),
            None => Ok(false),
        }
    }
}

/// Compares a string where it stands.
struct Is<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(text == self.0)
    }
}
