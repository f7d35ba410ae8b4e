//! Which sessions of a user are live, and what is done about those that are not.

use std::time::{Duration, UNIX_EPOCH};

use serde::de::IgnoredAny;

use super::super::delete::TOMBSTONE;
use super::super::parallel::{Part, in_parallel};
use super::super::user_change::Registered;
use super::revoke::Wanted;
use super::{Inner, from_epoch_ms};
use crate::error::Error;
use crate::item::{Entries, Entry, Label, StoredItem, UserItem};
use crate::request::{self, FORGOTTEN, Operation};
use crate::session::{UserId, UserKey, UserSession};

/// A session that was deleted may be continued under another id for so long.
const RENEWAL: Duration = Duration::from_mins(1);

/// Times of expiry are rounded up to it.
const SECOND: Duration = Duration::from_secs(1);

/// The list may have so many sessions before it is looked at which of them have ended, and twice as many more as were
/// left the last time. So the list stays small, at the cost of a few reads for each sign-in.
const FEW: usize = 8;

/// A session of a user that is live: its reference, its entry, its item.
type Live<'e> = (&'e String, &'e Entry, Box<StoredItem<IgnoredAny>>);

/// What has become of a session that a user's item names.
enum EntryState {
    Live(Box<StoredItem<IgnoredAny>>),
    /// It has ended, and nothing that is under way can bring it back, or has a use for the entry.
    Ended,
    EndedLately,
}

impl Inner {
    pub(crate) async fn sessions_of(&self, user: &UserId) -> Result<Vec<UserSession>, Error> {
        self.require_users()?;
        let keys = self.user_keys(user.as_str()).await?;
        let mut sessions = Vec::new();
        for key in keys.iter() {
            let Some(item) = self.user_item(self.client.start(), key).await? else {
                continue;
            };
            let item_key = self.user_item_key(key);
            let entries = item.sessions.unwrap_or_default();
            for (reference, entry, stored) in self.live(key, &entries).await? {
                let label = match entry.label.clone() {
                    None => None,
                    Some(Label::Plain(label)) => Some(label),
                    Some(Label::Sealed(label)) => {
                        Some(self.opened_label(&item_key, reference, &label).await?)
                    }
                };
                let Ok(reference) = reference.parse() else {
                    continue;
                };
                sessions.push(UserSession {
                    reference,
                    created: stored.created_ms.map(from_epoch_ms),
                    signed_in: from_epoch_ms(entry.at_ms),
                    last_seen: stored.seen_secs.map(|secs| from_epoch_ms(secs * 1000)),
                    expires_at: stored.expires_ms.map(from_epoch_ms),
                    label,
                });
            }
        }
        sessions.sort_by_key(|session| std::cmp::Reverse(session.signed_in));
        Ok(sessions)
    }

    /// The sessions among these that are live, and this user's.
    async fn live<'e>(&self, user: UserKey, entries: &'e Entries) -> Result<Vec<Live<'e>>, Error> {
        let looked = self.look_at(user, entries).await?.into_iter();
        let live = looked.filter_map(|(reference, entry, state)| match state {
            EntryState::Live(stored) => Some((reference, entry, stored)),
            EntryState::Ended | EntryState::EndedLately => None,
        });
        Ok(live.collect())
    }

    async fn look_at<'e>(
        &self,
        user: UserKey,
        entries: &'e Entries,
    ) -> Result<Vec<(&'e String, &'e Entry, EntryState)>, Error> {
        let mut looked = Vec::with_capacity(entries.len());
        let parts = entries.iter().map(|(reference, entry)| -> Part<'_, _> {
            Box::pin(async move {
                let state = self.state_of(user, reference, entry).await?;
                Ok((reference, entry, state))
            })
        });
        in_parallel(parts, |state| looked.push(state)).await?;
        Ok(looked)
    }

    async fn state_of(
        &self,
        user: UserKey,
        reference: &str,
        entry: &Entry,
    ) -> Result<EntryState, Error> {
        let Some(id) = self.id_of(reference, entry) else {
            return Ok(EntryState::Ended);
        };
        let now = self.clock.now();
        let earlier = |time: Duration| now.checked_sub(time).unwrap_or(UNIX_EPOCH);
        let (lately, renewed) = (earlier(TOMBSTONE), earlier(RENEWAL));
        let at = from_epoch_ms(entry.at_ms);
        let mut is_kept_out = false;
        let mut is_needed = false;
        for (key, _) in self.keys(&id) {
            let Some(stored) = self.read::<IgnoredAny>(&key, true).await? else {
                continue;
            };
            let has_ended = self.has_ended(&stored);
            if !has_ended && stored.user == Some(user) {
                return Ok(EntryState::Live(Box::new(stored)));
            }
            let expires = stored.expires_ms.map_or(now, from_epoch_ms);
            // One from before the sign-in does not, nor one that is over.
            is_kept_out |= stored.is_gone && expires > now && expires > at + TOMBSTONE + SECOND;
            is_needed |= if stored.is_gone {
                expires > renewed + TOMBSTONE
            } else if has_ended {
                // A late request may bring it back.
                expires > lately
            } else {
                // It has become another user's, and a late request may undo that.
                let seen = stored.seen_secs.map(|secs| from_epoch_ms(secs * 1000));
                seen.is_none_or(|seen| seen > lately)
            };
        }
        // It may be stored yet, if no tombstone keeps it out.
        is_needed |= !is_kept_out && at > lately;
        Ok(if is_needed {
            EntryState::EndedLately
        } else {
            EntryState::Ended
        })
    }

    /// Forgets sessions that have ended, and revokes those that are too many, after a session has become the user's.
    pub(super) async fn make_room(
        &self,
        registered: &Registered,
        item: &UserItem,
    ) -> Result<(), Error> {
        let most = self
            .table
            .users
            .map_or(usize::MAX, |users| users.max_sessions);
        let Some(entries) = &item.sessions else {
            return Ok(());
        };
        if entries.len() <= most && entries.len() < 2 * item.counted + FEW {
            return Ok(());
        }
        let user = registered.user;
        let (mut live, mut ended) = (Vec::new(), Vec::new());
        for (reference, entry, state) in self.look_at(user, entries).await? {
            match state {
                EntryState::Live(_) => live.push((reference, entry)),
                EntryState::Ended => ended.push((reference, entry)),
                EntryState::EndedLately => {}
            }
        }
        let item_key = self.user_item_key(user);
        let left = entries.len() - ended.len();
        let mut ended = ended.chunks(FORGOTTEN);
        loop {
            let expiry_attributes = self.expiry_attributes();
            let names = self.names(&expiry_attributes);
            let part = ended.next().unwrap_or_default();
            let body = request::forget_sessions(names, &item_key, part, left);
            // Where it fails, another process has forgotten some of them.
            self.call(Operation::UpdateItem, body).await?;
            if ended.len() == 0 {
                break;
            }
        }
        live.sort_by_key(|(reference, entry)| {
            // The new one stays. All processes see the others in one order, so that the last of them stays as well.
            let is_new = *reference == registered.reference.as_str();
            (is_new, entry.at_ms, *reference)
        });
        let surplus = live.len().saturating_sub(most);
        let surplus = live.iter().take(surplus);
        let surplus = surplus.map(|(reference, entry)| ((*reference).clone(), (*entry).clone()));
        let surplus: Entries = surplus.collect();
        if !surplus.is_empty() {
            self.revoke_in(user, Wanted::These(&surplus)).await?;
        }
        Ok(())
    }
}
