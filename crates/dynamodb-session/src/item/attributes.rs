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

/// Names that the store keeps for attributes of its own to come.
const TO_COME: [&str; 2] = ["userKey", "seen"];

/// Names that the partition key, the TTL attribute and attributes of the application cannot have, whatever the layout.
pub(crate) const RESERVED: [&str; 8] = [
    SESSION, CREATED, REV, SEALED, UNIT, GONE, TO_COME[0], TO_COME[1],
];
