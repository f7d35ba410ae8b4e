//! The attributes of an item whose names are fixed. The partition key's and the TTL attribute's are settings.

/// The session's data, in our own layout.
pub(crate) const SESSION: &str = "session";
/// When the session was created, in milliseconds of the Unix epoch.
pub(crate) const CREATED: &str = "created";
/// Not written yet: kept for a number that grows with each write.
pub(crate) const REV: &str = "rev";

/// Names that the partition key and the TTL attribute cannot have, whatever the layout.
pub(crate) const RESERVED: [&str; 3] = [SESSION, CREATED, REV];
