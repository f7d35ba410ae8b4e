//! What becomes of parallel changes.

/// What a [`save`](crate::SessionStore::save) does about requests that change the same session in parallel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParallelChanges {
    /// The top-level fields that each changed are kept. Of two changes of one field, the later one stays.
    #[default]
    Merge,
    /// Each writes the whole session: the last one wins. A session that was deleted stays deleted.
    Overwrite,
}
