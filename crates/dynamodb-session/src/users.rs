//! The verbs about the sessions of a user.

use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::session::{
    Loaded, RevokeOptions, SessionId, SessionRef, SessionUser, UserId, UserSession,
};
use crate::store::SessionStore;

impl SessionStore {
    /// Registers a session with its user that was stored without it: before the store had
    /// [`users`](crate::Builder::users), or by a program that knows none. `None`: the session has been revoked.
    ///
    /// Adapters call it when they have loaded a session that belongs to a user, and whose
    /// [`user`](Loaded::user) is not set. A session that is registered already is returned as it is.
    ///
    /// [`revoke_user`](Self::revoke_user) cannot know sessions that are not registered. It notes its time, and a session
    /// that was created before that is deleted here, and so is one that does not say when it was created.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection, also [`ErrorKind::AccessDenied`] where `UpdateItem` is not allowed.
    ///
    /// # Cost
    ///
    /// 1 `UpdateItem` and 1 consistent `GetItem` of the user's item, and 1 `UpdateItem` of the session. Nothing for a
    /// session that is registered.
    pub async fn register<T>(
        &self,
        loaded: Loaded<T>,
        user: &SessionUser,
    ) -> Result<Option<Loaded<T>>, Error> {
        self.inner.register_loaded(loaded, user).await
    }

    /// The live sessions of a user, the latest sign-in first.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection; [`ErrorKind::Decode`] if somebody has changed the user's item in the
    /// table.
    ///
    /// # Cost
    ///
    /// 1 consistent `GetItem` of the user's item, and 1 for each session in it.
    pub async fn sessions_of(&self, user: &UserId) -> Result<Vec<UserSession>, Error> {
        self.inner.sessions_of(user).await
    }

    /// Whether this is the reference of a session with this id: to mark, in a list, the session that asks for it.
    ///
    /// It costs no request.
    pub fn is_reference_of(&self, reference: &SessionRef, id: &SessionId) -> bool {
        let mut keys = self.inner.keys(id);
        keys.any(|(key, _)| SessionRef::of_key(&key) == *reference)
    }

    /// Ends one session of a user. Returns whether there was such a session.
    ///
    /// When it has returned, the session is not accepted any more, and neither is one that
    /// [continues](SessionUser::continues) it.
    ///
    /// # Errors
    ///
    /// As [`revoke_user`](Self::revoke_user).
    ///
    /// # Cost
    ///
    /// 1 consistent `GetItem` and 2 `UpdateItem` of the user's item, and a [`delete`](Self::delete) of the session.
    pub async fn revoke(&self, user: &UserId, reference: &SessionRef) -> Result<bool, Error> {
        self.inner.revoke(user, reference).await
    }

    /// Ends all sessions of a user. Returns how many there were.
    ///
    /// **When it has returned, no session that the user had is accepted any more**, also if requests save, move or
    /// renew it at the same moment, and if other processes end in the middle of a sign-in. A session that becomes the
    /// user's at the same moment is either refused, or counts as begun afterwards, and then the next call ends it.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection; [`ErrorKind::Throttled`] when the table's capacity does not allow a
    /// single write for several seconds. Some sessions may then be there still: calling again goes on. So does the next
    /// sign-in that needs room, and any process.
    ///
    /// [`ErrorKind::Decode`] if somebody has changed the user's item in the table.
    ///
    /// # Cost
    ///
    /// 2 `UpdateItem` of the user's item, and a [`delete`](Self::delete) by id for each session in it.
    /// [`RevokeOptions::except`] and [`except_reference`](RevokeOptions::except_reference): 1 consistent `GetItem` more.
    /// Where the store encrypts, 1 `UpdateItem` and 1 consistent `GetItem` more: the user can also have an item from
    /// before.
    pub async fn revoke_user(
        &self,
        user: &UserId,
        options: &RevokeOptions<'_>,
    ) -> Result<u64, Error> {
        self.inner.revoke_user(user, options).await
    }

    /// Whether the table has the secret for the keys of users' items, with the prefix of the store.
    ///
    /// A store that encrypts makes it. Sessions that such a store has registered with a user are found only by a store
    /// with the encryption keys. Ask before you tell an operator that a user has no sessions. No key is needed to ask.
    ///
    /// # Errors
    ///
    /// An error of the service or the connection; [`ErrorKind::Decryption`] if somebody has changed the item of the
    /// secret in the table.
    ///
    /// # Cost
    ///
    /// 1 consistent `GetItem`.
    pub async fn has_user_secret(&self) -> Result<bool, Error> {
        Ok(self.inner.stored_user_secret().await?.is_some())
    }
}
