//! The attributes of an item whose names are fixed. The partition key's and the TTL attribute's are settings.

/// The session's data, in our own layout.
pub(crate) const SESSION: &str = "session";
/// When the session was created, in milliseconds of the Unix epoch.
pub(crate) const CREATED: &str = "created";
/// The names of the item's last states: see `rev`.
pub(crate) const REV: &str = "rev";

/// The session's data where they are encrypted or compressed: see `seal`.
pub(crate) const SEALED: &str = "sealed";
/// The expiry unit of such a session.
pub(crate) const UNIT: &str = "unit";

/// A data key, encrypted by KMS. Items of data keys have no other attribute, and hold no session.
pub(crate) const WRAPPED: &str = "wrapped";
/// The ARN of the KMS key that encrypted it.
pub(crate) const ARN: &str = "arn";

/// The secret from which the keys of users' items are computed, in an envelope. The item has no other attribute.
pub(crate) const SECRET: &str = "secret";

/// Marks a tombstone, which a sign-out leaves for as long as an earlier request can still land: a random name.
pub(crate) const GONE: &str = "gone";

/// The key of the user whose session it is. It is also in the key of the user's item.
pub(crate) const USER_KEY: &str = "userKey";
/// When a user's session was last written, in seconds of the Unix epoch.
pub(crate) const SEEN: &str = "seen";

/// What the key of a user's item begins with, after the prefix, and `userKey` in the items of the user's sessions.
pub(crate) const USER_ITEM: &str = "u1.";
/// The sessions of a user. The item of a user holds no session itself.
pub(crate) const SESSIONS: &str = "sessions";
/// How many there were when those that had ended were last removed.
pub(crate) const COUNTED: &str = "counted";
/// Those that are being revoked, the random name of what revokes them, and the references of the one that is spared.
pub(crate) const REVOKED: &str = "revoked";
pub(crate) const REVOCATION: &str = "revocation";
pub(crate) const SPARED: &str = "spared";
/// When all sessions of the user were last revoked, in milliseconds of the Unix epoch.
pub(crate) const BEFORE: &str = "before";
/// When any of them were last revoked.
pub(crate) const TAKEN: &str = "taken";
/// The members of a session there, beside `created`: its key, when it became the user's, and its label.
pub(crate) const KEY: &str = "key";
pub(crate) const AT: &str = "at";
pub(crate) const LABEL: &str = "label";

/// The attributes of a user's item.
pub(crate) const OF_USERS: [&str; 7] = [
    SESSIONS, COUNTED, REVOKED, REVOCATION, SPARED, BEFORE, TAKEN,
];

/// Names that the partition key, the TTL attribute and attributes of the application cannot have, whatever the layout.
pub(crate) const RESERVED: [&str; 8] = [SESSION, CREATED, REV, SEALED, UNIT, GONE, USER_KEY, SEEN];
