//! The changes of a save, put on what is stored.

use std::borrow::Cow;
use std::time::SystemTime;

use super::prepare::{Owner, PreparedWrite};
use super::save::{Attempt, Basis, Change, Save};
use super::user_change::UserChange;
use super::{Inner, from_epoch_ms};
use crate::item::{
    AttributeWrite, ExpiryUnit, ItemError, Known, MadeFrom, Seen, StoredSession, after_writes,
    attribute_writes, expiry,
};
use crate::options::ParallelChanges;
use crate::seal::Seal;

/// What this process has stored.
pub(super) struct Written {
    /// The attribute value of the session.
    value: String,
    expires_secs: u64,
    /// What the next write is made from.
    basis: Basis<'static>,
}

/// A session on which changes are put.
struct Merging<'a> {
    /// `None`: as it was met.
    value: Option<Cow<'a, str>>,
    /// When it ends, if it says so.
    expires_secs: Option<u64>,
}

impl<'a> Merging<'a> {
    fn attempt(self, basis: Basis<'a>, is_as_seen: bool) -> Attempt<'a> {
        Attempt {
            value: self.value.expect("a save has changes"),
            expires_secs: self.expires_secs.expect("a save has an expiry"),
            basis,
            is_as_seen,
            seal: Seal::Plain,
        }
    }
}

impl Inner {
    /// Whether a save has met a session that it must not write to, because it does not make it its user's: one that is
    /// another user's by now, or one that has ended meanwhile, which its user's item has perhaps forgotten.
    pub(super) fn is_of_others(&self, save: &Save<'_>, seen: &Seen<'_>) -> bool {
        if !self.has_users() {
            return false;
        }
        let stored = seen.item.user;
        let mut writes = save.changes.iter().map(|change| change.write);
        let is_others = |write: &PreparedWrite| write.owner != Owner::Loaded(stored);
        // What is stored can be without a revision too: a writer from before put it there after the loaded session ended.
        let returns = |write: &PreparedWrite| write.returns() && is_others(write);
        if writes.clone().any(returns) || save.is_of_other_user(seen) {
            return true;
        }
        let is_kept = writes.all(|write| write.user == UserChange::Keeps);
        stored.is_some() && is_kept && self.has_expired(seen)
    }

    /// The changes of a save on what is stored.
    pub(super) fn on_stored<'a>(
        &self,
        save: &Save<'a>,
        seen: &Seen<'_>,
    ) -> Result<Attempt<'a>, ItemError> {
        let created = seen.item.created_ms.map(from_epoch_ms);
        let mut merging = Merging {
            value: None,
            // One that no version of any package writes is no extension.
            expires_secs: (seen.item.expires_ms.map(|ms| ms.div_ceil(1000)))
                .filter(|secs| *secs <= expiry::LATEST_SECS),
        };
        // What has ended need not be opened to be overwritten: its key may be gone.
        let is_overwritten = save.changes.iter().all(|change| change.changes.is_none());
        let stored = if is_overwritten && self.has_expired(seen) {
            StoredSession::written("", self.written_form())
        } else {
            let stored = seen.stored_session(save.key, &self.sealing, self.written_form())?;
            self.client.counts().add_sealed(seen.sealing_keys());
            stored
        };
        let is_as_seen = self.put_changes(save, created, &mut merging, &stored)?;
        let expiry_attributes = self.expiry_attributes();
        let others = seen.others(&self.table.partition_key, &expiry_attributes);
        let others = others
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let version = seen.item.version.known;
        let demanded = match version {
            Known::Rev(_) => None,
            Known::Unversioned => Some(seen.session()),
            Known::Nothing => seen.rev(),
        };
        let basis = Basis {
            created,
            version,
            attribute: seen.session_attribute(),
            expires_at: seen.item.expires_ms.map(from_epoch_ms),
            expiry: seen.expiry(&expiry_attributes).map(str::to_owned),
            seal: seen.seal(),
            value: demanded.map(|value| Cow::Owned(value.to_owned())),
            others: Some(others.collect()),
        };
        Ok(merging.attempt(basis, is_as_seen))
    }

    /// The changes of a save on what this process has written.
    pub(super) fn on_written<'a>(
        &self,
        save: &Save<'a>,
        written: Written,
    ) -> Result<Attempt<'a>, ItemError> {
        let Written {
            value,
            expires_secs,
            basis,
        } = written;
        let mut merging = Merging {
            value: None,
            expires_secs: Some(expires_secs),
        };
        let stored = StoredSession::written(&value, self.written_form());
        let is_as_seen = self.put_changes(save, basis.created, &mut merging, &stored)?;
        Ok(merging.attempt(basis, is_as_seen))
    }

    /// Puts the changes of each call on what the one before it made. Returns whether the application has seen all of
    /// the result.
    fn put_changes<'a>(
        &self,
        save: &Save<'a>,
        created: Option<SystemTime>,
        merging: &mut Merging<'a>,
        stored: &StoredSession<'_>,
    ) -> Result<bool, ItemError> {
        let is_merged = self.table.parallel_changes == ParallelChanges::Merge || save.is_touch;
        for change in save.changes {
            let before = merging.value.take();
            let before = before.as_deref();
            let before = before.map(|value| StoredSession::written(value, self.written_form()));
            let on = before.as_ref().unwrap_or(stored);
            self.put_change(change, created, is_merged, merging, on)?;
        }
        Ok(save.changes.len() == 1 && matches!(merging.value, Some(Cow::Borrowed(_))))
    }

    /// Of a lifetime that another request has set, or extended further, all is kept.
    fn put_change<'a>(
        &self,
        change: &Change<'a>,
        created: Option<SystemTime>,
        is_merged: bool,
        merging: &mut Merging<'a>,
        on: &StoredSession<'_>,
    ) -> Result<(), ItemError> {
        let session = &change.write.session;
        // The lifetime of the session that is there can end earlier than that of a new one.
        let ours = self.expiry_secs(expiry::from_secs(change.write.expires_secs), created);
        let stored = merging.expires_secs.filter(|_| !change.sets_lifetime);
        let Some(changes) = change.changes.filter(|_| is_merged) else {
            merging.value = Some(Cow::Borrowed(session.attribute_value()));
            merging.expires_secs = Some(stored.map_or(ours, |stored| ours.max(stored)));
            return Ok(());
        };
        let (mut unit, mut expires_secs) = (ExpiryUnit::Ours, ours);
        if let Some(stored) = stored
            && (stored >= ours || !on.has_settings_of(session, changes, change.framework)?)
        {
            (unit, expires_secs) = (ExpiryUnit::Stored, stored);
        }
        merging.value = Some(Cow::Owned(on.with_changes(session, changes, unit)?));
        merging.expires_secs = Some(expires_secs);
        Ok(())
    }
}

impl Inner {
    /// What a save writes beside the session.
    pub(super) fn written_beside<'a>(
        &self,
        save: &Save<'a>,
        basis: &Basis<'_>,
    ) -> Vec<AttributeWrite<'a>> {
        if save.is_touch {
            return Vec::new();
        }
        let is_merged = self.table.parallel_changes == ParallelChanges::Merge;
        let is_as_loaded = save.loaded != Known::Nothing && save.loaded == basis.version;
        attribute_writes(save.changes.iter().map(|change| {
            let from = match change.changes {
                Some(_) if is_merged && is_as_loaded => MadeFrom::Loaded,
                Some(_) if is_merged => MadeFrom::Other,
                _ => MadeFrom::Replaced,
            };
            (change.write.beside.as_slice(), from)
        }))
    }

    /// What is stored after this attempt of a save. `None` where the session has become another user's: the next write
    /// looks first whether that concerns it.
    pub(super) fn written(&self, save: &Save<'_>, attempt: Attempt<'_>) -> Option<Written> {
        let keeps = |change: &Change<'_>| change.write.user == UserChange::Keeps;
        if !save.changes.iter().all(keeps) {
            return None;
        }
        let beside = self.written_beside(save, &attempt.basis);
        let (created, rev) = (save.created_after(&attempt.basis), save.rev(&attempt.basis));
        let others = attempt.basis.others.map(|others| {
            if beside.is_empty() {
                return others;
            }
            let others = others.iter().map(|(name, value)| (&**name, &**value));
            let after = after_writes(others, &beside);
            let after = after.map(|(name, value)| (name.to_owned(), value.to_owned()));
            after.collect()
        });
        Some(Written {
            basis: Basis {
                created,
                version: Known::Rev(rev),
                attribute: self.table.layout.session_attribute(),
                expires_at: Some(expiry::from_secs(attempt.expires_secs)),
                expiry: None,
                seal: attempt.seal,
                value: None,
                others,
            },
            expires_secs: attempt.expires_secs,
            value: attempt.value.into_owned(),
        })
    }
}

impl Save<'_> {
    /// Whether the session has become another user's than the one whose request this is. What the request changes is
    /// not that user's.
    fn is_of_other_user(&self, seen: &Seen<'_>) -> bool {
        let (stored, has_rev) = (seen.item.user, seen.item.version.rev().is_some());
        // A writer that knows no users erases it.
        has_rev
            && self.changes.iter().any(|change| {
                let PreparedWrite { owner, user, .. } = change.write;
                let is_stored = |key| Some(key) == stored;
                match *owner {
                    Owner::Loaded(Some(owner)) => {
                        !is_stored(owner) && !user.becomes().is_some_and(is_stored)
                    }
                    Owner::Loaded(None) | Owner::Unknown => false,
                }
            })
    }
}
