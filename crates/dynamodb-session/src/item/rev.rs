//! The names of an item's states.
//!
//! Each write of session data gives the state it makes a random name, and keeps the names of the states before it. So
//! a write can demand the state it was made from, and can find out later whether it was executed.

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The name of a state: that of the call that wrote it, the same in all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateName([u8; NAME_BYTES]);

const NAME_BYTES: usize = 8;

/// In the places of names that are not there.
const NO_NAME: StateName = StateName([0; NAME_BYTES]);

/// How many states an item remembers. With more, a write finds out more often whether it was executed.
const MOST: usize = 4;

impl StateName {
    pub(crate) fn random() -> Self {
        Self(fastrand::u64(..).to_be_bytes())
    }

    /// The bytes of an attribute that holds one name, as `DynamoDB` JSON has them.
    pub(crate) fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }

    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        Some(Self(STANDARD.decode(text).ok()?.try_into().ok()?))
    }
}

/// The names of an item's last states, newest first. An item has at least one, or no `rev` at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rev {
    names: [StateName; MOST],
    length: usize,
}

impl Rev {
    /// The first state of an item.
    pub(crate) fn new(name: StateName) -> Self {
        let mut names = [NO_NAME; MOST];
        names[0] = name;
        Self { names, length: 1 }
    }

    /// The state that a write makes of this one.
    pub(crate) fn next(mut self, name: StateName) -> Self {
        self.names.copy_within(..MOST - 1, 1);
        self.names[0] = name;
        self.length = MOST.min(self.length + 1);
        self
    }

    pub(crate) fn newest(&self) -> StateName {
        self.names[0]
    }

    pub(crate) fn has(&self, name: StateName) -> bool {
        self.names[..self.length].contains(&name)
    }

    /// Whether states before the oldest one here may be forgotten.
    pub(crate) fn is_full(&self) -> bool {
        self.length == MOST
    }

    /// The bytes of the attribute.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        self.names[..self.length]
            .iter()
            .flat_map(|name| name.0)
            .collect()
    }

    /// The bytes of the attribute, as `DynamoDB` JSON has them.
    pub(crate) fn to_base64(self) -> String {
        let mut bytes = [0; MOST * NAME_BYTES];
        let names = &self.names[..self.length];
        for (chunk, name) in bytes.chunks_exact_mut(NAME_BYTES).zip(names) {
            chunk.copy_from_slice(&name.0);
        }
        STANDARD.encode(&bytes[..self.length * NAME_BYTES])
    }

    /// `None` for bytes that no version of this package wrote.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        // A whole name more, so that a longer text is not taken for the longest one.
        let mut bytes = [0; (MOST + 1) * NAME_BYTES];
        let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
        let (chunks, rest) = bytes[..length].as_chunks::<NAME_BYTES>();
        if chunks.is_empty() || chunks.len() > MOST || !rest.is_empty() {
            return None;
        }
        let mut names = [NO_NAME; MOST];
        for (name, chunk) in names.iter_mut().zip(chunks) {
            *name = StateName(*chunk);
        }
        Some(Self {
            names,
            length: chunks.len(),
        })
    }
}
