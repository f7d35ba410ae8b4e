//! Whether the store knows the sessions of each user.

use crate::error::Error;

/// How the store keeps track of the sessions of each user.
///
/// With it, a [`save`](crate::SessionStore::save) can say [whose session](crate::SaveOptions::user) it is. Then
/// [`sessions_of`](crate::SessionStore::sessions_of) lists the sessions of a user, and
/// [`revoke_user`](crate::SessionStore::revoke_user) ends them all.
///
/// The table gets an item for each user. It needs no index.
///
/// # Cost
///
/// Nothing for a session that is loaded, changed, touched or deleted. Where a session becomes a user's, 1 `UpdateItem`
/// and 1 consistent `GetItem` of the user's item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserOptions {
    pub(crate) max_sessions: usize,
}

/// The most sessions of a user that can be allowed. Their item has to hold them.
const MOST_SESSIONS: usize = 1000;

impl Default for UserOptions {
    fn default() -> Self {
        Self { max_sessions: 20 }
    }
}

impl UserOptions {
    /// Whether the setting can be met.
    pub(crate) fn validate(self) -> Result<(), Error> {
        if (1..=MOST_SESSIONS).contains(&self.max_sessions) {
            return Ok(());
        }
        let reason = format!("a user can have 1 to {MOST_SESSIONS} sessions");
        Err(Error::invalid("max_sessions", reason))
    }

    /// How many sessions a user can have. The session that became the user's first ends when there is one more.
    /// Default: 20, at most 1000.
    ///
    /// Sessions that begin at the same moment can be more for as long as it takes to store them.
    #[must_use]
    pub fn max_sessions(mut self, max_sessions: usize) -> Self {
        self.max_sessions = max_sessions;
        self
    }
}
