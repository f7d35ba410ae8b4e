//! Which state of an item was loaded or written.

use std::convert::Infallible;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::Rev;
use crate::seal::Seal;

/// The state of an item that was loaded or written. A save is made from a state, and replaces no other one.
///
/// It has a text form of at most 48 characters, for adapters that keep it outside Rust. Any other text means a state
/// that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Version {
    pub(crate) known: Known,
    /// Whether the item has attributes of other programs, which a write of the whole item has to carry over.
    pub(crate) has_others: bool,
    /// How its data are kept.
    pub(crate) seal: Seal,
    /// Whether they are sealed, with an expiry unit that has fields.
    pub(crate) has_unit: bool,
    /// Whether its key is not the one that a new session of its id would have.
    pub(crate) has_other_key: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Known {
    /// A write reads the item first.
    #[default]
    Nothing,
    /// The item has no `rev`: an earlier version of this package, or another one, wrote it.
    Unversioned,
    Rev(Rev),
}

const NOTHING: &str = "?";
/// No characters of base64, which a `rev` could begin with. They stand before it, in this order.
const OTHERS: char = '*';
const COMPRESSED: char = '~';
const ENCRYPTED: char = '!';
const HAS_UNIT: char = '.';
const OTHER_KEY: char = '_';

impl Version {
    /// Not known: the next save reads the item first.
    pub const UNKNOWN: Self = Self::new(Known::Nothing);

    const fn new(known: Known) -> Self {
        Self {
            known,
            has_others: false,
            seal: Seal::Plain,
            has_unit: false,
            has_other_key: false,
        }
    }

    pub(crate) const UNVERSIONED: Self = Self::new(Known::Unversioned);

    pub(crate) fn rev(self) -> Option<Rev> {
        match self.known {
            Known::Rev(rev) => Some(rev),
            Known::Nothing | Known::Unversioned => None,
        }
    }
}

impl From<Rev> for Version {
    fn from(rev: Rev) -> Self {
        Self::new(Known::Rev(rev))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_others {
            f.write_char(OTHERS)?;
        }
        match self.seal {
            Seal::Plain => {}
            Seal::Compressed => f.write_char(COMPRESSED)?,
            Seal::Encrypted => f.write_char(ENCRYPTED)?,
        }
        if self.has_unit {
            f.write_char(HAS_UNIT)?;
        }
        if self.has_other_key {
            f.write_char(OTHER_KEY)?;
        }
        match self.known {
            Known::Nothing => f.write_str(NOTHING),
            Known::Unversioned => Ok(()),
            Known::Rev(rev) => f.write_str(&rev.to_base64()),
        }
    }
}

impl FromStr for Version {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mut rest = text;
        let mut has = |mark| {
            let after = rest.strip_prefix(mark);
            rest = after.unwrap_or(rest);
            after.is_some()
        };
        let has_others = has(OTHERS);
        let seal = if has(COMPRESSED) {
            Seal::Compressed
        } else if has(ENCRYPTED) {
            Seal::Encrypted
        } else {
            Seal::Plain
        };
        let has_unit = has(HAS_UNIT);
        let has_other_key = has(OTHER_KEY);
        let version = match rest {
            "" => Self::UNVERSIONED,
            text => Rev::from_base64(text).map_or(Self::UNKNOWN, Self::from),
        };
        Ok(Self {
            has_others,
            seal,
            has_unit,
            has_other_key,
            ..version
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::StateName;

    #[test]
    fn it_is_read_as_it_is_shown() {
        let rev = Rev::new(StateName::random()).next(StateName::random());
        let like_marks =
            ["+AAAAAAAAAA=", "/AAAAAAAAAA="].map(|text| Rev::from_base64(text).unwrap());
        let revs = [rev].into_iter().chain(like_marks).map(Version::from);
        for mut version in revs.chain([Version::UNKNOWN, Version::UNVERSIONED]) {
            for has_others in [false, true] {
                for seal in [Seal::Plain, Seal::Compressed, Seal::Encrypted] {
                    for has_unit in [false, true] {
                        (version.has_others, version.seal) = (has_others, seal);
                        version.has_unit = has_unit;
                        assert_eq!(version.to_string().parse(), Ok(version));
                    }
                }
            }
        }
        for text in ["x", "?x", "AAAA"] {
            assert_eq!(text.parse(), Ok(Version::UNKNOWN), "{text}");
        }
    }
}
