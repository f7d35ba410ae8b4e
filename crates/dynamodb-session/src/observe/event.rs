//! Events: what a store reports beside the results of its calls.

use std::sync::Arc;

use crate::request::Operation;
use crate::session::SessionRef;

/// Something that an operator may want to know. It is never an error: each call has its own result.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A write was dropped: its session was deleted meanwhile, or another session has its id now.
    Conflict {
        /// Which session.
        reference: SessionRef,
        /// The operation, such as `UpdateItem`.
        operation: Operation,
    },
    /// An item holds no session that can be read. A load, a list or a
    /// [`reencrypt`](crate::SessionStore::reencrypt) passed over it.
    Unreadable {
        /// Which session.
        reference: SessionRef,
    },
    /// A request is repeated.
    Retry {
        /// The operation, such as `UpdateItem`.
        operation: Operation,
        /// How many requests were sent so far.
        attempt: u32,
        /// The service's name for the error; `None` without an answer.
        code: Option<String>,
    },
    /// The service asked for fewer requests.
    Throttled {
        /// The operation, such as `UpdateItem`.
        operation: Operation,
        /// The service's name for it.
        code: String,
    },
    /// `UpdateItem` is not allowed, so sessions are written by `PutItem`: each touch writes the whole session. It is tried
    /// again after a minute. Reported once.
    UpdateDenied,
    /// The provider of encryption keys failed, or KMS did not answer. The keys known before stay in use, those of KMS for
    /// 24 hours at most, and new ones are asked for again after ten seconds.
    KeysNotRenewed,
    /// `PutItem` is not allowed, so deleted sessions leave no tombstone: a request that was sent before the delete may
    /// bring its session back. Reported once.
    PutDenied,
    /// The TTL of a table that existed is off, and the settings do not say that it should be. Expired sessions and
    /// tombstones stay until [`delete_expired`](crate::SessionStore::delete_expired), or `dynamodb-session sweep --once`,
    /// deletes them. Reported once for each table.
    TtlOff {
        /// The table's name or ARN.
        table: String,
    },
}

/// A function that is called for every [`Event`].
pub type Listener = Arc<dyn Fn(&Event) + Send + Sync>;
