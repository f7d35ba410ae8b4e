//! The sessions of each user: which there are, and how all of them end.
//!
//! A user has an item, which names the user's sessions. A session becomes a user's in three steps, and each of them can
//! be the last one of a process that ends:
//!
//! 1. The user's item names the session.
//! 2. The session is written, with the user's key.
//! 3. The user's item is read again. If the session is not there any more, it has been revoked meanwhile, and is
//!    deleted.
//!
//! [`register`] is the first step. [`revoke`] takes sessions out of the list first, then leaves a tombstone in the place
//! of each, then forgets them. So a session that is accepted is in the list, whatever happens at the same time.
//! `tests/model` searches the interleavings.

mod list;
mod register;
mod revoke;

use std::time::Duration;

use self::register::NewEntry;
use super::delete::TOMBSTONE;
use super::prepare::{Owner, PreparedWrite};
use super::save::undecodable;
use super::stored_key::{is_other_item, stored_id};
use super::user_change::{Candidate, NOT_ADMITTED, Registered, UserChange};
use super::write::Outcome;
use super::{Inner, from_epoch_ms};
use crate::client::retry::Answer;
use crate::error::Error;
use crate::item::attributes::{USER_ITEM, USER_KEY};
use crate::item::{AttributeChange, Entry, OwnKey, UserItem, expiry, user_json};
use crate::request::{Admits, Operation};
use crate::session::{GivenUser, SaveOutcome, SessionId, SessionRef, SessionUser, UserKey};

/// What a write is to say of the user of its session, before the user's item is asked.
enum WantedUser<'a> {
    Keeps,
    Becomes {
        user: &'a SessionUser,
        key: UserKey,
    },
    /// It has ended, and goes on.
    Returns {
        key: UserKey,
        label: Option<&'a str>,
    },
    Leaves,
}

impl Inner {
    pub(super) fn has_users(&self) -> bool {
        self.table.users.is_some()
    }

    /// Fails where the store does not keep track of users.
    pub(super) fn require_users(&self) -> Result<(), Error> {
        if self.has_users() {
            return Ok(());
        }
        let reason = "it is not set, so the store does not keep track of users";
        Err(Error::invalid("users", reason))
    }

    /// Puts into a write whose session it is from then on: the first step of a session that becomes a user's. `false`: it
    /// goes on with a session that has been revoked, and is not to be written.
    pub(super) async fn name_user(
        &self,
        write: &mut PreparedWrite,
        given: GivenUser<'_>,
        candidate: Candidate<'_>,
    ) -> Result<bool, Error> {
        let is_users = matches!(write.owner, Owner::Loaded(Some(_)));
        let returns = candidate.has_ended && is_users && self.has_users();
        if matches!(given, GivenUser::Unstated) && !returns {
            return Ok(true);
        }
        // In line, it would make the future of every save larger.
        let changed = Box::pin(self.user_change(given, write.owner, candidate, &write.key));
        let Some(change) = changed.await? else {
            return Ok(false);
        };
        let value = match &change {
            UserChange::Keeps => return Ok(true),
            UserChange::Becomes(registered) => Some(user_json(registered.user)),
            UserChange::Leaves => None,
        };
        write.beside.push(AttributeChange {
            name: USER_KEY.into(),
            value,
            is_changed: true,
        });
        write.user = change;
        Ok(true)
    }

    /// What a write says of the user of its session, which is registered then if it becomes a user's. `None`: it goes on
    /// with a session that has been revoked.
    pub(super) async fn user_change(
        &self,
        given: GivenUser<'_>,
        owner: Owner,
        candidate: Candidate<'_>,
        key: &str,
    ) -> Result<Option<UserChange>, Error> {
        let wanted = match (given, owner) {
            (GivenUser::Unstated, Owner::Loaded(Some(key))) if candidate.has_ended => {
                WantedUser::Returns { key, label: None }
            }
            _ => {
                let has_ended = candidate.has_ended;
                self.wanted_user(given, owner, has_ended).await?
            }
        };
        let session = NewEntry {
            key,
            created: candidate.created,
        };
        self.change_user(&wanted, candidate.id, session).await
    }

    /// What came of a write that says whose session it is: the last step of a session that has become a user's.
    pub(super) async fn settled_of_user(
        &self,
        id: &SessionId,
        write: &PreparedWrite,
        mut outcome: Outcome,
    ) -> Result<SaveOutcome, Error> {
        let Ok(stamp) = &mut outcome else {
            return Ok(self.settled(&write.key, outcome));
        };
        match &write.user {
            UserChange::Keeps => {
                if let Owner::Loaded(user) = write.owner {
                    stamp.user = user;
                }
            }
            UserChange::Leaves => {}
            UserChange::Becomes(registered) => {
                stamp.user = Some(registered.user);
                if !Box::pin(self.confirm(registered, id)).await? {
                    return Ok(self.settled(&write.key, Err(NOT_ADMITTED)));
                }
            }
        }
        Ok(self.settled(&write.key, outcome))
    }

    /// Whether a session that becomes a user's has not been revoked meanwhile.
    pub(super) async fn is_admitted(&self, change: &UserChange) -> Result<bool, Error> {
        match change {
            UserChange::Keeps | UserChange::Leaves => Ok(true),
            UserChange::Becomes(registered) => Box::pin(self.is_registered(registered)).await,
        }
    }

    /// What a write of a session of `owner` is to say of its user.
    async fn wanted_user<'a>(
        &self,
        given: GivenUser<'a>,
        owner: Owner,
        has_ended: bool,
    ) -> Result<WantedUser<'a>, Error> {
        match given {
            GivenUser::Unstated => Ok(WantedUser::Keeps),
            GivenUser::Nobody if owner == Owner::Loaded(None) => Ok(WantedUser::Keeps),
            GivenUser::Nobody => Ok(WantedUser::Leaves),
            GivenUser::User(user) => {
                self.require_users()?;
                let keys = self.user_keys(user.id.as_str()).await?;
                let kept = keys.iter().find(|key| owner == Owner::Loaded(Some(*key)));
                Ok(match kept {
                    None => WantedUser::Becomes {
                        user,
                        key: keys.first,
                    },
                    Some(key) if has_ended => WantedUser::Returns {
                        key,
                        label: user.label.as_deref(),
                    },
                    Some(_) => WantedUser::Keeps,
                })
            }
        }
    }

    /// The first step of a session that becomes a user's, or goes on after it has ended. `None`: it goes on with a session
    /// that has been revoked.
    async fn change_user(
        &self,
        wanted: &WantedUser<'_>,
        id: &SessionId,
        session: NewEntry<'_>,
    ) -> Result<Option<UserChange>, Error> {
        let (user, key) = match wanted {
            WantedUser::Keeps => return Ok(Some(UserChange::Keeps)),
            WantedUser::Leaves => return Ok(Some(UserChange::Leaves)),
            WantedUser::Returns { key, label } => {
                let reference = SessionRef::of_key(session.key);
                let admits = Admits::Continued(reference.as_str());
                let registered = self.register(*label, *key, session, admits).await?;
                return Ok(registered.map(UserChange::Becomes));
            }
            WantedUser::Becomes { user, key } => (*user, *key),
        };
        let label = user.label.as_deref();
        let continued = user.continues.as_ref();
        let continued = continued.filter(|continued| *continued != id);
        let Some(continued) = continued else {
            let admits = Admits::SignIn;
            let registered = self.register(label, key, session, admits).await?;
            return Ok(registered.map(UserChange::Becomes));
        };
        // Its key is one of these. A session that is being moved can have been registered under either.
        let keys = self.user_keys(user.id.as_str()).await?;
        for key in keys.iter() {
            for (other, _) in self.keys(continued) {
                let reference = SessionRef::of_key(&other);
                let admits = Admits::Continued(reference.as_str());
                let registered = self.register(label, key, session, admits).await?;
                if registered.is_some() {
                    return Ok(registered.map(UserChange::Becomes));
                }
            }
        }
        Ok(None)
    }

    /// Whether the item of the user still names this session.
    async fn is_registered(&self, registered: &Registered) -> Result<bool, Error> {
        let item = self.user_item(self.client.start(), registered.user).await?;
        Ok(item.is_some_and(|item| item.entry(registered.reference.as_str()).is_some()))
    }

    /// The last step of a session that has become a user's. `false`: it has been revoked since, and is deleted.
    async fn confirm(&self, registered: &Registered, id: &SessionId) -> Result<bool, Error> {
        let item = self.user_item(self.client.start(), registered.user).await?;
        let item = item.unwrap_or_default();
        if item.entry(registered.reference.as_str()).is_none() {
            self.delete(id.into()).await?;
            return Ok(false);
        }
        // The session is stored. If this fails, the next session of the user repeats it.
        let _ = self.make_room(registered, &item).await;
        Ok(true)
    }

    pub(super) fn user_item_key(&self, user: UserKey) -> String {
        format!("{}{USER_ITEM}{user}", self.table.prefix)
    }

    /// When the item of a user ends, if sessions have an absolute lifetime: after all that it knows have ended.
    fn user_item_expiry(&self) -> Option<u64> {
        let ttl = self.table.absolute_ttl?;
        let end = self.clock.now().checked_add(ttl)?.checked_add(TOMBSTONE)?;
        Some(expiry::to_secs(end))
    }

    /// The item of a user, by a consistent read.
    async fn user_item(&self, start: Duration, user: UserKey) -> Result<Option<UserItem>, Error> {
        let key = self.user_item_key(user);
        let answer = self.read_item(start, &key).await?;
        self.user_item_in(&answer, "Item", &key, Operation::GetItem)
    }

    /// The item that a write met, from its answer or by a read.
    async fn user_item_met(
        &self,
        start: Duration,
        answer: &Answer,
        key: &str,
    ) -> Result<Option<UserItem>, Error> {
        let shown = self.user_item_in(&answer.body, "Item", key, Operation::UpdateItem)?;
        if shown.is_some() {
            return Ok(shown);
        }
        let answer = self.read_item(start, key).await?;
        self.user_item_in(&answer, "Item", key, Operation::GetItem)
    }

    fn user_item_in(
        &self,
        answer: &[u8],
        member: &str,
        key: &str,
        operation: Operation,
    ) -> Result<Option<UserItem>, Error> {
        let own = OwnKey {
            attribute: &self.table.partition_key,
            value: key,
        };
        UserItem::read(answer, member, own)
            .map_err(|error| undecodable(&error).on(operation, &self.table.name))
    }

    /// The id by which a session of a user is deleted and looked for; `None` if the entry names another item.
    fn id_of(&self, reference: &str, entry: &Entry) -> Option<SessionId> {
        let Entry { key, .. } = entry;
        let of_key = SessionRef::of_key(&format!("{}{key}", self.table.prefix));
        if of_key.as_str() != reference || is_other_item(key) {
            return None;
        }
        let id = SessionId::new(key.clone()).ok()?;
        Some(stored_id(id))
    }
}
