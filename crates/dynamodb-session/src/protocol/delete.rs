//! How a session is deleted. A tombstone stays in its place, until no request that was sent before can land any more.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::rules::{self, Next};
use super::save::Basis;
use super::{Inner, from_epoch_ms};
use crate::client::retry::Fresh;
use crate::error::{Error, ErrorKind};
use crate::item::{Known, Rev, Seen, StateName, StoredItem, Version, expiry};
use crate::observe::Event;
use crate::request::{self, Condition, Demands, Operation, Tombstone};
use crate::seal::Seal;
use crate::session::{DeleteTarget, UserKey, Whose};

/// How long a tombstone stays: the life of a signature, twice the error of a clock, and the deadline of a call, rounded
/// up. 15 + 4 + 4 + 1 minutes.
pub(super) const TOMBSTONE: Duration = Duration::from_mins(25);

/// What a delete replaces.
enum Replaced {
    /// The item was not looked at: a session usually has one key.
    Unseen,
    /// There is no item, or one that holds neither a session nor a tombstone.
    Nothing {
        created: Option<SystemTime>,
        rev: Option<Rev>,
    },
    Session(Basis<'static>),
    /// The tombstone with this attribute value of `gone`.
    Tombstone {
        gone: String,
        created: Option<SystemTime>,
        rev: Option<Rev>,
    },
}

impl Replaced {
    fn condition(&self) -> Condition<'_> {
        match self {
            Self::Unseen | Self::Nothing { .. } => Condition::Nothing,
            Self::Session(basis) => Condition::SessionOrNothing(Demands {
                created: basis.created,
                state: basis.state(),
                ..Demands::default()
            }),
            Self::Tombstone { gone, .. } => Condition::Tombstone(gone),
        }
    }

    fn created(&self) -> Option<SystemTime> {
        match self {
            Self::Unseen => None,
            Self::Session(basis) => basis.created,
            Self::Nothing { created, .. } | Self::Tombstone { created, .. } => *created,
        }
    }

    fn rev(&self) -> Option<Rev> {
        match self {
            Self::Unseen => None,
            Self::Session(basis) => match basis.version {
                Known::Rev(rev) => Some(rev),
                _ => None,
            },
            Self::Nothing { rev, .. } | Self::Tombstone { rev, .. } => *rev,
        }
    }
}

impl Inner {
    /// Deletes a session under each key that it can have: it may be moved meanwhile. Returns whether there was a live one.
    pub(crate) async fn delete(&self, target: DeleteTarget<'_>) -> Result<bool, Error> {
        let DeleteTarget {
            id,
            mut whose,
            version,
        } = target;
        let start = self.client.start();
        let mut latest = None;
        let mut was_live = false;
        // The key of new sessions comes last, because its tombstone is to remember the session that had the other one.
        // Without a key the id is reserved, or longer than any in the table.
        for (key, is_other) in self.keys(id).rev() {
            let replaced = if is_other == version.has_other_key {
                self.to_replace(start, &key, whose, version).await?
            } else {
                Some(Replaced::Unseen)
            };
            let Some(replaced) = replaced else { continue };
            let replaced = self.replace_by_tombstone(start, &key, whose, replaced, latest);
            let replaced = replaced.await?;
            latest = latest.max(replaced.created());
            if let Replaced::Session(session) = replaced {
                // One session is deleted. Another one under the next key was created since, which no session is that
                // has no `created`.
                whose.created = whose.created.or(session.created).or(Some(UNIX_EPOCH));
                was_live |= session.expires_at.is_none_or(|end| end > self.clock.now());
            }
        }
        Ok(was_live)
    }

    /// What a delete of the session that has this key, or was loaded from it in this state, replaces.
    async fn to_replace(
        &self,
        start: Duration,
        key: &str,
        whose: Whose,
        version: Version,
    ) -> Result<Option<Replaced>, Error> {
        if let Known::Rev(_) = version.known {
            return Ok(Some(Replaced::Session(Basis {
                created: whose.created,
                version: version.known,
                attribute: self.table.layout.session_attribute(),
                expires_at: None,
                expiry: None,
                seal: Seal::Plain,
                value: None,
                others: None,
            })));
        }
        let item = self.read_item(start, key).await?;
        Ok(self.replaced(self.seen(&item, key)?.as_ref(), whose, &[]))
    }

    /// Puts a tombstone in the place of a session. A session that takes its place has a later `created` than this one, and
    /// than `latest`. Returns what was replaced.
    async fn replace_by_tombstone(
        &self,
        start: Duration,
        key: &str,
        whose: Whose,
        mut replaced: Replaced,
        latest: Option<SystemTime>,
    ) -> Result<Replaced, Error> {
        let mut gones = Vec::new();
        let mut repeats = 0;
        loop {
            let expiry_attributes = self.expiry_attributes();
            let names = self.names(&expiry_attributes);
            let now = self.clock.now();
            let mut fresh = || {
                let gone = StateName::random();
                gones.push(gone);
                let tombstone = Tombstone {
                    id: key,
                    expires_secs: expiry::to_secs(now + TOMBSTONE),
                    gone,
                    created: replaced.created().max(latest),
                    rev: replaced.rev(),
                };
                request::put_tombstone(names, &tombstone, replaced.condition())
            };
            let body = Fresh::Each(&mut fresh);
            let answer = match self.call_since(start, Operation::PutItem, body).await {
                Err(error) if error.kind() == ErrorKind::AccessDenied => {
                    if let Replaced::Unseen = replaced {
                        let found = self.to_replace(start, key, whose, Version::UNKNOWN);
                        if let Some(found) = found.await? {
                            replaced = found;
                        }
                    }
                    let Replaced::Session(_) = replaced else {
                        return Ok(replaced);
                    };
                    let body = request::delete_item(names, key, replaced.condition());
                    self.call_since(start, Operation::DeleteItem, body)
                        .await
                        .inspect(|_| self.report_put_denied())
                }
                answer => answer,
            }?;
            if !answer.condition_failed {
                return Ok(replaced);
            }
            let item = self.item_met(start, &answer, key).await?;
            let seen = self.seen(&item, key)?;
            let is_unchanged = match (&replaced, &seen) {
                (Replaced::Session(basis), Some(seen)) => basis.is_met_by(seen),
                _ => false,
            };
            match self.replaced(seen.as_ref(), whose, &gones) {
                Some(next) => replaced = next,
                None => return Ok(replaced),
            }
            if is_unchanged && let Replaced::Session(basis) = &mut replaced {
                basis.value = None;
            }
            self.before_merge(start, Operation::PutItem, repeats)
                .await?;
            repeats += 1;
        }
    }

    /// Puts a tombstone in the place of a session that has ended, unless it is live again. Returns whether it was done.
    pub(super) async fn bury_ended(
        &self,
        key: &str,
        seen: &Seen<'_>,
        start: Duration,
    ) -> Result<bool, Error> {
        let expiry_attributes = self.expiry_attributes();
        let names = self.names(&expiry_attributes);
        let now = self.clock.now();
        let met = Self::met(seen);
        let tombstone = Tombstone {
            id: key,
            expires_secs: expiry::to_secs(now + TOMBSTONE),
            gone: StateName::random(),
            created: met.created,
            rev: met.rev,
        };
        let condition = Condition::Expired {
            moment: self.moment(),
            now,
        };
        let body = request::put_tombstone(names, &tombstone, condition);
        let answer = self.call_since(start, Operation::PutItem, body).await?;
        Ok(!answer.condition_failed)
    }

    fn report_put_denied(&self) {
        if !self.put_denied.swap(true, Relaxed) {
            self.client.emit(|| Event::PutDenied);
        }
    }

    /// Whether a session is this user's, or can become it yet: it belongs to nobody, or has ended. Only a tombstone keeps
    /// the user out.
    fn can_become<T>(&self, item: &StoredItem<T>, key: UserKey) -> bool {
        item.user.is_none_or(|owner| owner == key) || self.has_ended(item)
    }

    /// What a delete of this session replaces; `None` if there is nothing left to do. `gones` are the names of the
    /// tombstones that it may have put before.
    fn replaced(
        &self,
        seen: Option<&Seen<'_>>,
        whose: Whose,
        gones: &[StateName],
    ) -> Option<Replaced> {
        let created = match (whose.user, seen) {
            (Some(user), Some(seen)) if self.can_become(&seen.item, user.key) => None,
            // It may have been the revoked session. Now it is another user's.
            (Some(user), Some(_)) if !user.is_signing_in => return None,
            _ => whose.created,
        };
        let met = seen.map(Self::met);
        let gone = seen.and_then(Seen::gone_name);
        if rules::after_delete(gones, created, met, gone) != Next::Again {
            return None;
        }
        let (Some(seen), Some(met)) = (seen, met) else {
            let (created, rev) = (None, None);
            return Some(Replaced::Nothing { created, rev });
        };
        if let Some(gone) = seen.gone() {
            return Some(Replaced::Tombstone {
                gone: gone.to_owned(),
                created: met.created,
                rev: seen.rev_after_tombstone(),
            });
        }
        if !seen.has_session_attribute() {
            return Some(Replaced::Nothing {
                created: met.created,
                rev: met.rev,
            });
        }
        let version = seen.item.version.known;
        let value = match version {
            Known::Rev(_) => None,
            Known::Unversioned => Some(seen.session()),
            Known::Nothing => seen.rev(),
        };
        Some(Replaced::Session(Basis {
            created: met.created,
            version,
            attribute: seen.session_attribute(),
            expires_at: seen.item.expires_ms.map(from_epoch_ms),
            expiry: seen.expiry(&self.expiry_attributes()).map(str::to_owned),
            seal: seen.seal(),
            value: value.map(|value| value.to_owned().into()),
            others: None,
        }))
    }
}
