//! How sessions of a user are revoked.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::delete::TOMBSTONE;
use super::super::parallel::{Part, in_parallel};
use super::super::scan::PATIENCE;
use super::{Inner, from_epoch_ms};
use crate::client::retry::Fresh;
use crate::clock::epoch_ms;
use crate::error::{Error, ErrorKind};
use crate::item::{Entries, Entry, Revocation, StateName, UserItem};
use crate::observe::count;
use crate::request::{self, Operation, Taken};
use crate::session::{
    DeleteTarget, RevokeOptions, RevokedUser, SessionId, SessionRef, Spared, UserId, UserKey,
};

/// The references of sessions.
pub(super) type References = BTreeSet<String>;

/// The reference of a session, and its id or key, where that is one.
type Keyed<'a> = (&'a str, Option<SessionId>);

/// Which sessions of a user are revoked.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// All, and those that the item does not know yet.
    All {
        spared: Option<Spared<'a>>,
        /// Whether the item is made where there is none.
        is_made: bool,
    },
    These(&'a Entries),
}

impl Inner {
    pub(crate) async fn revoke_user(
        &self,
        user: &UserId,
        options: &RevokeOptions<'_>,
    ) -> Result<u64, Error> {
        self.require_users()?;
        let keys = self.user_keys(user.as_str()).await?;
        let mut revoked = 0;
        for key in keys.iter() {
            let wanted = Wanted::All {
                spared: options.spared,
                is_made: key == keys.first,
            };
            revoked += self.revoke_in(key, wanted).await?.len() as u64;
        }
        Ok(revoked)
    }

    pub(crate) async fn revoke(
        &self,
        user: &UserId,
        reference: &SessionRef,
    ) -> Result<bool, Error> {
        self.require_users()?;
        let keys = self.user_keys(user.as_str()).await?;
        for key in keys.iter() {
            let Some(item) = self.user_item(self.client.start(), key).await? else {
                continue;
            };
            let name = reference.as_str();
            if let Some(entry) = item.entry(name) {
                let these = Entries::from([(name.to_owned(), entry.clone())]);
                let ended = self.revoke_in(key, Wanted::These(&these)).await?;
                return Ok(ended.contains(name));
            }
            // It is being revoked, perhaps by a call that failed half-way.
            let under_way = item.revocation;
            let under_way = under_way.filter(|other| other.sessions.contains_key(name));
            if let Some(other) = under_way {
                let ended = self.end(&self.user_item_key(key), key, &other).await?;
                return Ok(ended.contains(name));
            }
        }
        Ok(false)
    }

    /// Revokes sessions in one item of a user. Returns those that were live, also of a revocation that it goes on with.
    pub(super) async fn revoke_in(
        &self,
        key: UserKey,
        mut wanted: Wanted<'_>,
    ) -> Result<References, Error> {
        let mut left;
        let item_key = self.user_item_key(key);
        let mut repeats = 0;
        let mut revoked = References::new();
        let mut not_before = UNIX_EPOCH;
        let mut start = self.client.start();
        let revocation = loop {
            match self.take(&item_key, key, wanted, not_before).await? {
                Take::Taken(revocation) => break revocation,
                Take::Nothing => return Ok(revoked),
                // Another process revokes, or has ended before it was done.
                Take::UnderWay(other) => {
                    revoked.extend(self.end(&item_key, key, &other).await?);
                    // It can take longer than a call.
                    start = self.client.start();
                }
                Take::Changed { latest } => not_before = latest.unwrap_or(not_before),
                // Others of them are being revoked already.
                Take::Only(entries) => {
                    left = entries;
                    wanted = Wanted::These(&left);
                }
            }
            self.before_merge(start, Operation::UpdateItem, repeats)
                .await?;
            repeats += 1;
        };
        revoked.extend(self.end(&item_key, key, &revocation).await?);
        Ok(revoked)
    }

    /// Takes sessions out of the list of those that are accepted.
    async fn take(
        &self,
        item_key: &str,
        key: UserKey,
        wanted: Wanted<'_>,
        not_before: SystemTime,
    ) -> Result<Take, Error> {
        let start = self.client.start();
        let mut spared = Entries::new();
        if let Wanted::All {
            spared: Some(wanted),
            ..
        } = wanted
        {
            let item = self.user_item(start, key).await?.unwrap_or_default();
            spared = self.entries_of(wanted, item.sessions.unwrap_or_default());
        }
        let (taken, is_made) = match wanted {
            Wanted::All { is_made, .. } => (Taken::All { spared: &spared }, is_made),
            Wanted::These(entries) => (Taken::These(entries), false),
        };
        let expiry_attributes = self.expiry_attributes();
        let names = self.names(&expiry_attributes);
        let expires = self.user_item_expiry();
        // If two attempts had one name, whoever has ended the first could forget what the second has taken.
        let mut tried = Vec::new();
        let mut fresh = || {
            let name = StateName::random();
            tried.push(name);
            let now = epoch_ms(self.clock.now().max(not_before));
            request::take_sessions(names, item_key, name, taken, now, expires, is_made)
        };
        let mut refused = 0;
        let answer = loop {
            let (start, body) = (self.client.start(), Fresh::Each(&mut fresh));
            match self.call_since(start, Operation::UpdateItem, body).await {
                Err(error) if error.kind() == ErrorKind::Throttled && refused < PATIENCE => {
                    self.client.back_off(refused).await;
                    refused += 1;
                }
                answer => break answer?,
            }
        };
        if !answer.condition_failed {
            let item =
                self.user_item_in(&answer.body, "Attributes", item_key, Operation::UpdateItem)?;
            let revocation = match item {
                Some(item) => item.revocation,
                // An engine that returns nothing.
                None => self
                    .user_item(start, key)
                    .await?
                    .and_then(|item| item.revocation),
            };
            return Ok(revocation.map_or(Take::Nothing, Take::Taken));
        }
        let Some(item) = self.user_item_met(start, &answer, item_key).await? else {
            return Ok(Take::Nothing);
        };
        let latest = item.taken_ms.map(from_epoch_ms);
        Ok(match (item.revocation.clone(), wanted) {
            (Some(revocation), _) if tried.iter().any(|name| revocation.is_named(*name)) => {
                Take::Taken(revocation)
            }
            (Some(revocation), _) => Take::UnderWay(revocation),
            (None, Wanted::All { .. }) => Take::Changed { latest },
            (None, Wanted::These(entries)) => {
                let mut left = entries.clone();
                left.retain(|reference, entry| item.entry(reference) == Some(entry));
                if left.is_empty() {
                    Take::Nothing
                } else if left == *entries {
                    Take::Changed { latest }
                } else {
                    Take::Only(left)
                }
            }
        })
    }

    /// The session that is spared. While ids are being hashed, both keys of its id can be on the list, and the later one
    /// may be of a sign-in that has not been written yet.
    fn entries_of(&self, spared: Spared<'_>, mut sessions: Entries) -> Entries {
        match spared {
            Spared::Id(id) => sessions.retain(|reference, _| self.has_key(id, reference)),
            Spared::Reference(spared) => match sessions.get(spared.as_str()).cloned() {
                Some(entry) => {
                    let spared = self.keyed(spared.as_str(), &entry);
                    sessions.retain(|reference, entry| {
                        self.is_same(&self.keyed(reference, entry), &spared)
                    });
                }
                None => sessions.clear(),
            },
        }
        sessions
    }

    /// Ends the session of this id that a revocation has left, before another one is written: whoever goes on with the
    /// revocation would end that one.
    pub(super) async fn end_left(
        &self,
        item_key: &str,
        key: UserKey,
        registered: (&str, &Entry),
        item: Option<UserItem>,
    ) -> Result<(), Error> {
        let Some(left) = item.and_then(|item| item.revocation) else {
            return Ok(());
        };
        let registered = self.keyed(registered.0, registered.1);
        let mut ended = Vec::new();
        for (reference, entry) in &left.sessions {
            let other = self.keyed(reference, entry);
            if left.spared.contains(reference) || !self.is_same(&other, &registered) {
                continue;
            }
            self.end_patiently(other.1, entry, key).await?;
            ended.push(reference);
        }
        if !ended.is_empty() {
            let expiry_attributes = self.expiry_attributes();
            let names = self.names(&expiry_attributes);
            let body = request::leave_out(names, item_key, &left.name, &ended);
            // Where it fails, another process has ended all of them.
            self.call(Operation::UpdateItem, body).await?;
        }
        Ok(())
    }

    fn keyed<'a>(&self, reference: &'a str, entry: &Entry) -> Keyed<'a> {
        (reference, self.id_of(reference, entry))
    }

    /// Whether two entries are of one id, perhaps each of another key.
    fn is_same(&self, a: &Keyed<'_>, b: &Keyed<'_>) -> bool {
        let has_key = |(_, id): &Keyed<'_>, (reference, _): &Keyed<'_>| {
            let id = id.as_ref();
            id.is_some_and(|id| self.has_key(id, reference))
        };
        a.0 == b.0 || has_key(a, b) || has_key(b, a)
    }

    /// Deletes the sessions of a revocation, and forgets them. Returns those that were live.
    async fn end(
        &self,
        item_key: &str,
        key: UserKey,
        revocation: &Revocation,
    ) -> Result<References, Error> {
        let Revocation {
            name,
            sessions,
            spared,
        } = revocation;
        let keyed = sessions
            .iter()
            .map(|(reference, entry)| (self.keyed(reference, entry), entry));
        let (spared, ended): (Vec<_>, Vec<_>) =
            keyed.partition(|((reference, _), _)| spared.contains(*reference));
        let deletes = ended.into_iter().map(|(ended, entry)| -> Part<'_, _> {
            let is_spared = spared
                .iter()
                .any(|(spared, _)| self.is_same(&ended, spared));
            let (reference, mut id) = ended;
            if is_spared {
                // It has signed in again under its other key.
                id = id.map(SessionId::as_key);
            }
            Box::pin(async move {
                let was_live = self.end_patiently(id, entry, key).await?;
                Ok(was_live.then(|| reference.to_owned()))
            })
        });
        let mut revoked = References::new();
        in_parallel(deletes, |live| revoked.extend(live)).await?;
        let expiry_attributes = self.expiry_attributes();
        let body = request::end_revocation(self.names(&expiry_attributes), item_key, name);
        // Where it fails, another process has done it.
        self.call_patiently(Operation::UpdateItem, body).await?;
        Ok(revoked)
    }

    /// Whether a session with this id can have the key of this reference.
    fn has_key(&self, id: &SessionId, reference: &str) -> bool {
        let mut keys = self.keys(id);
        keys.any(|(key, _)| SessionRef::of_key(&key).as_str() == reference)
    }

    /// Deletes a session, also while the table lacks capacity.
    async fn end_patiently(
        &self,
        id: Option<SessionId>,
        entry: &Entry,
        key: UserKey,
    ) -> Result<bool, Error> {
        let Some(id) = id else {
            return Ok(false);
        };
        let mut target = DeleteTarget::from(&id);
        // Also if it is not written yet. The tombstone keeps it out.
        target.whose.user = Some(RevokedUser {
            key,
            is_signing_in: self.clock.now() <= from_epoch_ms(entry.at_ms) + TOMBSTONE,
        });
        let mut refused = 0;
        loop {
            match self.delete(target).await {
                Err(error) if error.kind() == ErrorKind::Throttled && refused < PATIENCE => {
                    self.client.back_off(refused).await;
                    refused += 1;
                }
                Ok(true) => {
                    count(&self.client.counts().revoked_sessions);
                    return Ok(true);
                }
                result => return result,
            }
        }
    }
}

/// What came of an attempt to take sessions.
enum Take {
    Taken(Revocation),
    /// There is nothing to revoke.
    Nothing,
    /// This revocation has to be ended first.
    UnderWay(Revocation),
    /// The item has changed since it was read, or sessions have been revoked later already, at this time.
    Changed {
        latest: Option<SystemTime>,
    },
    /// Of the sessions that are wanted, only these are in the list.
    Only(Entries),
}
