//! What becomes of parallel changes.

/// What a [`save`](crate::SessionStore::save) does about requests that change the same session in parallel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParallelChanges {
    /// Each writes the top-level fields that it changed, so disjoint changes all survive.
    #[default]
    Merge,
    /// Each writes the whole session: the last one wins. A session that was deleted stays deleted.
    Overwrite,
}
