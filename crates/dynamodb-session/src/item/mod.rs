//! The one place that knows how a session is stored.
//!
//! An item has the session's id under the table's partition key, its expiry under the TTL attribute, and the
//! [attributes](attributes) whose names are fixed. Where the session's data are, and in which form, is the table's
//! [`Layout`]. Our own layout is that of the JavaScript package this project replaces, with one attribute more,
//! `created`, which that package ignores. So tables need no migration, and both packages can serve one table.
//!
//! * [`codec`] turns session data into attribute values and back. It streams, because building a tree costs more than
//!   all other work of a request.
//! * [`beside`] has the attributes of an item that are neither the session's nor the store's own.
//! * [`data`] says what session data can be: any serde type, or text ([`SessionText`]).
//! * [`layout`] has a file for each layout.
//! * [`encoded`] is a session about to be written, [`changes`] what a save has to write of it.
//! * [`rev`] names the states of an item. [`seen`] is an item that a write met, into which it merges its changes.
//! * [`sealed`] puts a session into attributes that are encrypted or compressed, and takes it out again.
//! * [`user`] reads the item of a user, which names the user's sessions. [`data_key`] reads the item of a data key, and
//!   [`user_secret`] that of the secret for users' keys. Such items hold no session.
//! * [`stored`] is the data as an attribute value. [`read`] and [`page`] read items out of answers.
//!
//! Data that `DynamoDB` would refuse are refused here, with a path into the session, before anything is sent:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>

pub(crate) mod attributes;
mod beside;
mod changes;
pub(crate) mod codec;
mod data;
mod data_key;
mod encoded;
mod error;
pub(crate) mod expiry;
mod key;
mod layout;
mod page;
mod read;
mod rev;
pub(crate) mod sealed;
mod seen;
mod size;
mod stored;
#[cfg(test)]
mod tests;
mod user;
mod user_secret;
mod version;

pub(crate) use beside::{
    AttributeAction, AttributeChange, AttributeWrite, MadeFrom, ValueJson, after_writes,
    attribute_writes, size_of_changes, size_of_writes,
};
pub(crate) use changes::{Changes, FieldAt, size_of_item, write_fields};
pub(crate) use codec::{write_json_string, write_str_attribute};
pub use data::{DecodeSession, EncodeSession, SessionText};
pub(crate) use data_key::read_data_key;
pub(crate) use encoded::EncodedSession;
pub(crate) use error::{ItemError, ItemErrorKind};
pub(crate) use key::OwnKey;
pub use layout::Layout;
pub(crate) use layout::WrittenForm;
pub(crate) use page::{Scanned, ScannedItem, unprocessed};
pub(crate) use read::{StoredItem, read_response};
pub(crate) use rev::{Rev, StateName};
pub(crate) use seen::{ExpiryUnit, Seen, StoredSession};
pub(crate) use size::item_size;
pub(crate) use stored::Stored;
pub(crate) use user::{
    Entries, Entry, Label, Revocation, UserItem, name_value, number_value, user_json, user_value,
};
pub(crate) use user_secret::read_user_secret;
pub(crate) use version::Known;
pub use version::Version;
