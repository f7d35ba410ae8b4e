//! Reading the answers of `Scan` and `BatchWriteItem`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::codec::reader::Reading;
use super::codec::skip_fields;
use super::data::sealed::Decode;
use super::expiry::ExpiryAttributes;
use super::read::{ItemSeed, NameIs, StoredItem, malformed, read};
use super::{ItemError, ItemErrorKind, Layout};

/// A page of a `Scan`. Its items are read one by one, so that an unreadable item does not hide the others.
#[derive(Deserialize)]
pub(crate) struct Scanned<'a> {
    /// Absent when the items were only counted.
    #[serde(borrow, rename = "Items", default)]
    pub(crate) items: Vec<ScannedItem<'a>>,
    #[serde(rename = "Count", default)]
    pub(crate) count: u64,
    /// The key of the last item that was looked at, while there are more.
    #[serde(borrow, rename = "LastEvaluatedKey", default)]
    pub(crate) last: Option<ScannedItem<'a>>,
}

/// An item, or its key, as it stands in the answer.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(crate) struct ScannedItem<'a>(#[serde(borrow)] &'a RawValue);

impl<'a> Scanned<'a> {
    pub(crate) fn parse(answer: &'a [u8]) -> Result<Self, ItemError> {
        serde_json::from_slice(answer).map_err(|error| malformed(&error))
    }
}

impl ScannedItem<'_> {
    /// The same item as the answer of a `GetItem` has it.
    pub(crate) fn as_answer(self) -> String {
        format!(r#"{{"Item":{}}}"#, self.0.get())
    }

    /// The whole value of the partition key.
    pub(crate) fn key(self, partition_key: &str) -> Result<String, ItemError> {
        read(self.0.get().as_bytes(), |input, reading| {
            let name = partition_key;
            input.deserialize_map(Key { name, reading })
        })
    }

    pub(crate) fn read<T: Decode>(
        self,
        partition_key: &str,
        expiry: &ExpiryAttributes<'_>,
        layout: Layout,
    ) -> Result<StoredItem<T>, ItemError> {
        self.read_as(partition_key, expiry, layout)
            .or_else(|error| {
                let item = self.read_as::<IgnoredAny>(partition_key, expiry, layout);
                item.ok().and_then(StoredItem::without_data).ok_or(error)
            })
    }

    fn read_as<T: Decode>(
        self,
        partition_key: &str,
        expiry: &ExpiryAttributes<'_>,
        layout: Layout,
    ) -> Result<StoredItem<T>, ItemError> {
        read(self.0.get().as_bytes(), |input, reading| {
            let seed = ItemSeed::new(partition_key, expiry, layout, reading);
            input.deserialize_map(seed)
        })
    }
}

/// The keys of the parts that a `BatchWriteItem` did not process.
pub(crate) fn unprocessed(answer: &[u8], partition_key: &str) -> Result<Vec<String>, ItemError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer<'a> {
        #[serde(borrow, default)]
        unprocessed_items: BTreeMap<String, Vec<Request<'a>>>,
    }
    #[derive(Deserialize)]
    enum Request<'a> {
        #[serde(borrow, rename = "DeleteRequest")]
        Delete(Delete<'a>),
        #[serde(borrow, rename = "PutRequest")]
        Put(Put<'a>),
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Delete<'a> {
        #[serde(borrow)]
        key: ScannedItem<'a>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Put<'a> {
        #[serde(borrow)]
        item: ScannedItem<'a>,
    }
    let answer: Answer<'_> = serde_json::from_slice(answer).map_err(|error| malformed(&error))?;
    answer
        .unprocessed_items
        .into_values()
        .flatten()
        .map(|request| match request {
            Request::Delete(delete) => delete.key.key(partition_key),
            Request::Put(put) => put.item.key(partition_key),
        })
        .collect()
}

/// The partition key among an item's attributes, by its name.
struct Key<'n> {
    name: &'n str,
    reading: &'n Reading,
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item with a key that is a string")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        #[derive(Deserialize)]
        struct Text {
            #[serde(rename = "S")]
            text: String,
        }
        while let Some(is_key) = map.next_key_seed(NameIs([(self.name, ())]))? {
            if is_key.is_some() {
                let Text { text } = map.next_value()?;
                skip_fields(&mut map)?;
                return Ok(text);
            }
            map.next_value::<IgnoredAny>()?;
        }
        self.reading.fail(ItemErrorKind::NoKey)
    }
}
