//! The error type and its kinds.

use std::error::Error as StdError;
use std::fmt;

/// What went wrong, by what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The settings contradict each other, or need an explicit permission.
    Config,
    /// Another program listens on the address. Choose another port, or 0 for any free port.
    AddressInUse,
    /// The engine cannot listen on the address for another reason.
    Bind,
    /// The data file cannot be opened, is not a database of this engine, or is open in another engine.
    DataFile,
    /// The engine itself failed.
    Engine,
}

/// Why the engine could not start, or could not sweep.
///
/// Displays what was tried, on which address or file, why it failed, and what to do about it if possible.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// SQLite's reason for a failure, without the prefixes that dynoxide adds.
pub(crate) fn reason(error: &impl fmt::Display) -> String {
    let error = error.to_string();
    let prefixes = ["Internal error: ", "backend: "];
    let reason = prefixes.iter().fold(error.as_str(), |reason, prefix| {
        reason.strip_prefix(prefix).unwrap_or(reason)
    });
    reason.to_owned()
}

/// What to do about a failure of SQLite, found by SQLite's message.
pub(crate) fn way_out(message: &str) -> Option<&'static str> {
    let ways_out = [
        (
            "database or disk is full",
            "free some space on the disk of the data file",
        ),
        (
            "readonly database",
            "the data file and its directory must be writable",
        ),
        (
            "unable to open database file",
            "the data file and its directory must be writable",
        ),
        (
            "database is locked",
            "another program has the data file open: stop it",
        ),
        (
            "disk image is malformed",
            "the data file is damaged: name another file, or restore this one",
        ),
    ];
    ways_out
        .into_iter()
        .find_map(|(reason, way_out)| message.contains(reason).then_some(way_out))
}
