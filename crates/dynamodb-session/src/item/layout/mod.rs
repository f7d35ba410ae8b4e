//! How a session lies in its item: our own layout, and those of other packages.
//!
//! A layout is a value, a [`Description`], in a file of its own: the names of its attributes and the [`Form`] of the
//! session's data. A new layout is a new file here and a variant of [`Layout`].

mod connect_dynamodb;
mod dynamodb_store;
mod own;
#[cfg(test)]
mod tests;
mod tower_sessions;

use std::str::FromStr;

use serde::de::{Error as _, MapAccess};

use super::attributes::SESSION;
use super::codec::Tag;
use super::codec::reader::Reading;
use super::data::sealed::{Decode, Encode};
use super::stored::{Stored, Unreadable, WrittenSession, read_data, write_map};
use super::{FieldAt, ItemError, ItemErrorKind};
use crate::error::{Error, ErrorKind};

/// How a session lies in its item.
///
/// The names of table, partition key, TTL attribute and the prefix of ids are settings of their own. A layout parses
/// from its [`name`](Self::name).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// `session` (M): the layout of `koa-session-dynamodb-store`.
    #[default]
    Session,
    /// `sess` (S, JSON text) and `type` (S, `connect-session`): read and written as `connect-dynamodb` does.
    ConnectDynamodb,
    /// As [`Session`](Self::Session), and an item without it is read from `sess` (M), where `dynamodb-store` keeps it.
    DynamodbStore,
    /// As [`Session`](Self::Session), and an item without it is read from `data` (B), where the Rust crate
    /// `tower-sessions-dynamodb-store` keeps it. The session data's type is given the bytes.
    TowerSessionsDynamodbStore,
}

/// The attribute value of a session that has expired.
const EXPIRED: &str = r#"{"M":{"_expire":{"N":"1"}}}"#;

/// What there is to know of a layout.
#[derive(Debug)]
pub(crate) struct Description {
    /// The layout's name in settings: that of the package whose layout it is.
    pub(crate) name: &'static str,
    /// The attribute that holds the session's data, and the form in which they are written there.
    pub(crate) session: DataAttribute<WrittenForm>,
    /// An attribute that every item has beside the session's, and its string.
    pub(crate) marker: Option<(&'static str, &'static str)>,
    /// Where another package keeps the data. It is read where `session` is missing, and removed by our first write.
    pub(crate) foreign: Option<DataAttribute<Form>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct DataAttribute<F> {
    pub(crate) name: &'static str,
    pub(crate) form: F,
}

/// A form in which session data are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrittenForm {
    /// A map, whose fields can be written one by one.
    Map,
    /// A string of JSON, which can only be written whole.
    JsonText,
}

/// The form of session data in an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Written(WrittenForm),
    /// Bytes, which are only read. Their format is the business of the data's type.
    Bytes,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 4] = [
        Self::Session,
        Self::ConnectDynamodb,
        Self::DynamodbStore,
        Self::TowerSessionsDynamodbStore,
    ];

    pub(crate) const fn description(self) -> &'static Description {
        match self {
            Self::Session => &own::LAYOUT,
            Self::ConnectDynamodb => &connect_dynamodb::LAYOUT,
            Self::DynamodbStore => &dynamodb_store::LAYOUT,
            Self::TowerSessionsDynamodbStore => &tower_sessions::LAYOUT,
        }
    }

    /// The name of the package whose layout it is, such as `connect-dynamodb`; `session` for our own.
    pub const fn name(self) -> &'static str {
        self.description().name
    }

    /// The attribute that holds the session's data.
    pub(crate) fn session_attribute(self) -> &'static str {
        self.description().session.name
    }

    /// The attribute that holds the session of an item, and the form there.
    pub(crate) fn data_attribute(self, is_foreign: bool) -> DataAttribute<Form> {
        let Description {
            session, foreign, ..
        } = self.description();
        foreign.filter(|_| is_foreign).unwrap_or(DataAttribute {
            name: session.name,
            form: Form::Written(session.form),
        })
    }

    /// The attribute where the other package keeps them; our first write removes it.
    pub(crate) fn foreign_attribute(self) -> Option<&'static str> {
        self.description().foreign.map(|foreign| foreign.name)
    }

    /// Whether this attribute holds data in a form that is only read.
    pub(crate) fn has_bytes_in(self, attribute: &str) -> bool {
        let foreign = self.description().foreign;
        foreign.is_some_and(|foreign| foreign.form == Form::Bytes && foreign.name == attribute)
    }

    /// An attribute that every item has beside the session's, and its string.
    pub(crate) fn marker(self) -> Option<(&'static str, &'static str)> {
        self.description().marker
    }

    /// The attribute value that a tombstone has in place of a session. Version 1 takes an item without `session` for a
    /// session of its attributes; this one it refuses as expired. Other packages look for their own attributes.
    pub(crate) fn tombstone(self) -> Option<&'static str> {
        (self.session_attribute() == SESSION).then_some(EXPIRED)
    }

    /// All attributes whose names the layout fixes.
    pub(crate) fn attributes(self) -> impl Iterator<Item = &'static str> {
        let marker = self.marker().map(|(name, _)| name);
        [
            Some(self.session_attribute()),
            self.foreign_attribute(),
            marker,
        ]
        .into_iter()
        .flatten()
    }

    /// The form in which sessions are written.
    pub(crate) fn written_form(self) -> WrittenForm {
        self.description().session.form
    }
}

impl WrittenForm {
    /// Whether a session is always written whole, because its fields cannot be written one by one.
    pub(crate) fn is_whole(self) -> bool {
        self != Self::Map
    }

    /// What an item has in the place of a session that is sealed: every package takes it for no session. It starts a new
    /// one under another id, and leaves the item alone.
    pub(crate) fn stand_in(self) -> &'static str {
        match self {
            Self::Map => EXPIRED,
            Self::JsonText => r#"{"S":"null"}"#,
        }
    }

    /// Appends session data as an attribute value. In a map, the places of the fields are added to `fields`.
    pub(crate) fn write<T: Encode + ?Sized>(
        self,
        session: &T,
        out: &mut Vec<u8>,
        fields: Option<&mut Vec<FieldAt>>,
    ) -> Result<WrittenSession, ItemError> {
        match self {
            Self::Map => own::write(session, out, fields),
            Self::JsonText => connect_dynamodb::write(session, out),
        }
    }
}

impl FromStr for Layout {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::Config`] when no layout has this name.
    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|layout| layout.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            let message = format!("layout must be one of {names}");
            Error::new(ErrorKind::Config, message)
        })
    }
}

impl Form {
    /// The form of this attribute value, which this package has written.
    pub(crate) fn of(value: &str) -> Self {
        Self::Written(if value.starts_with(r#"{"S""#) {
            WrittenForm::JsonText
        } else {
            WrittenForm::Map
        })
    }

    /// The attribute value of data as they were loaded; an error if they are no longer as they were stored.
    pub(crate) fn encode<T: Encode>(self, data: &T) -> Result<String, ItemError> {
        let mut out = Vec::with_capacity(1024);
        match self {
            Self::Written(WrittenForm::Map) => write_map(data, &mut out, false, None)?,
            Self::Written(WrittenForm::JsonText) => connect_dynamodb::write(data, &mut out)?,
            Self::Bytes => {
                let message = "bytes are only read";
                return Err(ItemError::new(ItemErrorKind::Unserializable, message));
            }
        };
        Ok(String::from_utf8(out).expect("the codec writes UTF-8"))
    }

    /// The type of the attribute value.
    fn tag(self) -> Tag {
        match self {
            Self::Written(WrittenForm::Map) => Tag::M,
            Self::Written(WrittenForm::JsonText) => Tag::S,
            Self::Bytes => Tag::B,
        }
    }

    /// Reads session data from the rest of an attribute value whose type is `tag`; `None` if that is not the form of
    /// a session.
    pub(crate) fn read<'de, T: Decode, A: MapAccess<'de>>(
        self,
        tag: Tag,
        map: &mut A,
        reading: &Reading,
    ) -> Result<Option<Stored<T>>, A::Error> {
        if tag != self.tag() {
            return Ok(None);
        }
        Ok(Some(match self {
            Self::Written(WrittenForm::JsonText) => {
                let text: String = map.next_value()?;
                match connect_dynamodb::read(&text) {
                    Some(data) => data.map(Stored::Session).map_err(A::Error::custom)?,
                    None => Stored::Unreadable(Unreadable::NotAMap),
                }
            }
            Self::Written(WrittenForm::Map) | Self::Bytes => {
                Stored::Session(read_data(map, tag, reading)?)
            }
        }))
    }
}
