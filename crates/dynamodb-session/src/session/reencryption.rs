//! How sessions are sealed anew, and what came of it.

use std::collections::BTreeMap;
use std::fmt;

/// Options of a [`reencrypt`](crate::SessionStore::reencrypt).
///
/// The default: sessions are rewritten, and no progress is reported.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct ReencryptOptions<'a> {
    pub(crate) is_dry_run: bool,
    pub(crate) on_page: Option<&'a Progress<'a>>,
}

type Progress<'a> = dyn Fn(&Reencryption) + Send + Sync + 'a;

impl<'a> ReencryptOptions<'a> {
    /// Whether sessions are only counted, and none is written. Default: false.
    ///
    /// A store with data keys of KMS needs that of these 30 days to tell what it would rewrite: it makes one if there is
    /// none.
    #[must_use]
    pub fn dry_run(mut self, is_dry_run: bool) -> Self {
        self.is_dry_run = is_dry_run;
        self
    }

    /// Calls this function with the counts so far, after each page of the table.
    #[must_use]
    pub fn on_page(mut self, progress: &'a (dyn Fn(&Reencryption) + Send + Sync + 'a)) -> Self {
        self.on_page = Some(progress);
        self
    }
}

impl fmt::Debug for ReencryptOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReencryptOptions")
            .field("dry_run", &self.is_dry_run)
            .finish_non_exhaustive()
    }
}

/// What a [`reencrypt`](crate::SessionStore::reencrypt) did, or has done so far.
///
/// [`rewritten`](Self::rewritten), [`right`](Self::right), [`unreadable`](Self::unreadable),
/// [`skipped`](Self::skipped) and [`ended`](Self::ended) add up to [`sessions`](Self::sessions).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reencryption {
    /// Live sessions that were looked at.
    pub sessions: u64,
    /// Those that were rewritten; in a dry run, those that would be.
    pub rewritten: u64,
    /// Those that were stored already as the store stores them, or that another request stored so meanwhile.
    pub right: u64,
    /// Those that do not open, that hold no session, or that are plain ones where the store refuses those. They stay as
    /// they are.
    pub unreadable: u64,
    /// Those that only their application can write: they have no expiry, are bytes of another package, or are too large
    /// for an item when they are written anew.
    pub skipped: u64,
    /// Those that expired or were signed out meanwhile.
    pub ended: u64,
    /// How many of the sessions need each key, by its id, after they were looked at. The secret for the keys of users'
    /// items counts as one more, where the table has it. A key that is missing here is not needed. In a dry run, they need
    /// what they needed before.
    pub keys: BTreeMap<String, u64>,
    /// How many of the sessions are then not encrypted.
    pub plain: u64,
}
