//! Requests as bytes.
//!
//! Bodies on the path of a session are written directly; the rare ones that manage a table go through `serde_json`.
//! Every attribute is named by a placeholder, because `session` is a reserved word of `DynamoDB`. `protocol` decides when
//! a request is sent, and what its answer means.

mod body;
mod condition;
mod data_key;
mod operation;
mod put;
mod scan;
#[cfg(test)]
mod tests;
mod update;
mod user;
mod user_secret;

use std::time::SystemTime;

use bytes::Bytes;

use crate::item::expiry::ExpiryAttributes;
use crate::item::sealed::SealedSession;
use crate::item::{AttributeAction, AttributeWrite, Layout, Rev};
use body::Body;
pub(crate) use condition::{
    Condition, Demands, LoadedOwner, Moment, RETURN_ITEM_NAME, State, Unversioned, without_item,
};
pub(crate) use data_key::{delete_data_key, put_data_key};
pub(crate) use operation::Api;
pub use operation::Operation;
pub(crate) use put::{Tombstone, batch_tombstone, put_item, put_tombstone};
pub(crate) use scan::{BATCH, BatchPart, ScanPage, Wanted, batch_write, scan};
pub(crate) use update::{TouchData, set_user, touch_session, write_session};
pub(crate) use user::{
    Admits, FORGOTTEN, Registration, Taken, end_revocation, forget_sessions, leave_out,
    register_session, take_sessions,
};
pub(crate) use user_secret::put_user_secret;

/// The attribute names of a table's items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) table: &'a str,
    pub(crate) partition_key: &'a str,
    pub(crate) expiry: &'a ExpiryAttributes<'a>,
    pub(crate) layout: Layout,
    /// When a session is written, in seconds of the Unix epoch, if the store keeps track of users.
    pub(crate) seen_secs: Option<u64>,
}

impl Names<'_> {
    /// The text for items with one attribute for the expiry, or that for items with two.
    fn by_expiry(self, one: &'static str, two: &'static str) -> &'static str {
        if self.expiry.followed.is_some() {
            two
        } else {
            one
        }
    }
}

/// The attributes of an item beside the session's.
#[derive(Clone, Copy)]
pub(crate) struct ItemHead<'a> {
    pub(crate) id: &'a str,
    pub(crate) expires_secs: u64,
    pub(crate) created: SystemTime,
    pub(crate) rev: Rev,
    /// What is written beside all this. No name is one of the item's other attributes.
    pub(crate) beside: &'a [AttributeWrite<'a>],
}

/// The data of a session, as attributes of its item.
#[derive(Clone, Copy)]
pub(crate) enum SessionData<'a> {
    Plain {
        /// The attribute value.
        value: &'a str,
        /// Whether it takes the place of sealed data.
        replaces_sealed: bool,
    },
    Sealed(&'a SealedSession),
}

impl<'a> SessionData<'a> {
    /// The attribute value in the place of the session.
    fn value(self, layout: Layout) -> &'a str {
        match self {
            Self::Plain { value, .. } => value,
            Self::Sealed(_) => layout.written_form().stand_in(),
        }
    }

    /// About how many bytes it takes in a request.
    fn length(self) -> usize {
        match self {
            Self::Plain { value, .. } => value.len(),
            Self::Sealed(sealed) => sealed.session.len() + sealed.unit.len() + 64,
        }
    }
}

/// About how many bytes these attributes take in a request.
fn length_of(beside: &[AttributeWrite<'_>]) -> usize {
    let lengths = beside.iter().map(|write| match write.action {
        AttributeAction::Set(value) | AttributeAction::SetIfMissing(value) => {
            write.name.len() + value.as_str().len() + 64
        }
        AttributeAction::Remove => write.name.len() + 32,
    });
    lengths.sum()
}

/// The most bytes that a condition takes with its names and values, if the names are short.
const CONDITION_BYTES: usize = 512;

/// `GetItem` of one session.
pub(crate) fn get_item(names: Names<'_>, id: &str, consistent_read: bool) -> Bytes {
    let mut body = Body::new(names, 192 + id.len());
    if consistent_read {
        body.raw(",\"ConsistentRead\":true");
    }
    body.key(id);
    body.finish()
}

/// `DeleteItem` of one session.
pub(crate) fn delete_item(names: Names<'_>, id: &str, condition: Condition<'_>) -> Bytes {
    let mut body = Body::new(names, 192 + CONDITION_BYTES + id.len());
    body.key(id).condition(condition);
    body.finish()
}
