//! Whether ids are in the table as they are.

use std::str::FromStr;

use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;

/// Whether the table has a hash of each session's id in place of the id.
///
/// Whoever can read a table with ids in it can use its sessions. The hash is SHA-256, and opens no session.
///
/// A session keeps the key that it was stored under. Go from one mode to the next, on every instance, and back in the
/// same steps: then each session is found by every instance.
///
/// | mode | new sessions | a session is looked for under |
/// |---|---|---|
/// | `Off` | id | its id |
/// | `Read` | id | its id, then its hash |
/// | `On` | hash | its hash, then its id |
/// | `Only` | hash | its hash |
///
/// # Cost
///
/// In `Read` and `On`, a load that does not find the session under the first key is 1 `GetItem` more. A delete is 1
/// `PutItem` more, because it leaves a tombstone under both keys. Storing a session that was not loaded is 1 consistent
/// `GetItem` more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashIds {
    /// Ids are stored as they are. The default, because older versions of this package find no other ones.
    #[default]
    Off,
    /// Sessions whose id is hashed are found too.
    Read,
    /// New sessions are stored under the hash of their id. Older ones are found too.
    On,
    /// Only sessions whose id is hashed are found.
    Only,
}

impl FromStr for HashIds {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::Config`] for any text but `off`, `read`, `on` and `only`.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "off" => Ok(Self::Off),
            "read" => Ok(Self::Read),
            "on" => Ok(Self::On),
            "only" => Ok(Self::Only),
            _ => Err(Error::invalid(
                "hash_ids",
                "it must be off, read, on or only",
            )),
        }
    }
}
