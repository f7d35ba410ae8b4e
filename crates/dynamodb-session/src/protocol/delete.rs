//! How a session is deleted. A tombstone stays in its place, until no request that was sent before can land any more.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use super::rules::{self, Next};
use super::save::Basis;
use super::{Inner, from_epoch_ms};
use crate::client::retry::Fresh;
use crate::error::{Error, ErrorKind};
use crate::item::{Known, Rev, Seen, StateName, expiry};
use crate::observe::Event;
use crate::request::{self, Condition, Demands, Operation, Tombstone};
use crate::seal::Seal;
use crate::session::DeleteTarget;

/// How long a tombstone stays: the life of a signature, twice the error of a clock, and the deadline of a call, rounded
/// up. 15 + 4 + 4 + 1 minutes.
pub(super) const TOMBSTONE: Duration = Duration::from_mins(25);

/// What a delete replaces.
enum Replaced {
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
            Self::Nothing { .. } => Condition::Nothing,
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
            Self::Session(basis) => basis.created,
            Self::Nothing { created, .. } | Self::Tombstone { created, .. } => *created,
        }
    }

    fn rev(&self) -> Option<Rev> {
        match self {
            Self::Session(basis) => match basis.version {
                Known::Rev(rev) => Some(rev),
                _ => None,
            },
            Self::Nothing { rev, .. } | Self::Tombstone { rev, .. } => *rev,
        }
    }
}

impl Inner {
    pub(crate) async fn delete(&self, target: DeleteTarget<'_>) -> Result<(), Error> {
        let Ok(key) = self.key(target.id) else {
            // Reserved, or longer than any key in the table.
            return Ok(());
        };
        let start = self.client.start();
        let mut replaced = if let Known::Rev(_) = target.version.known {
            Replaced::Session(Basis {
                created: target.created,
                version: target.version.known,
                attribute: self.table.layout.session_attribute(),
                expires_at: None,
                expiry: None,
                seal: Seal::Plain,
                value: None,
                others: None,
            })
        } else {
            let item = self.read_item(start, &key).await?;
            match self.replaced(self.seen(&item, &key)?.as_ref(), target.created, &[]) {
                Some(replaced) => replaced,
                None => return Ok(()),
            }
        };
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
                    id: &key,
                    expires_secs: expiry::to_secs(now + TOMBSTONE),
                    gone,
                    created: replaced.created(),
                    rev: replaced.rev(),
                };
                request::put_tombstone(names, &tombstone, replaced.condition())
            };
            let body = Fresh::Each(&mut fresh);
            let answer = match self.call_since(start, Operation::PutItem, body).await {
                Err(error) if error.kind() == ErrorKind::AccessDenied => {
                    let Replaced::Session(_) = replaced else {
                        return Ok(());
                    };
                    let body = request::delete_item(names, &key, replaced.condition());
                    self.call_since(start, Operation::DeleteItem, body)
                        .await
                        .inspect(|_| self.report_put_denied())
                }
                answer => answer,
            }?;
            if !answer.condition_failed {
                return Ok(());
            }
            let item = self.item_met(start, &answer, &key).await?;
            let seen = self.seen(&item, &key)?;
            let is_unchanged = match (&replaced, &seen) {
                (Replaced::Session(basis), Some(seen)) => basis.is_met_by(seen),
                _ => false,
            };
            match self.replaced(seen.as_ref(), target.created, &gones) {
                Some(next) => replaced = next,
                None => return Ok(()),
            }
            if is_unchanged && let Replaced::Session(basis) = &mut replaced {
                basis.value = None;
            }
            self.before_merge(start, Operation::PutItem, repeats)
                .await?;
            repeats += 1;
        }
    }

    fn report_put_denied(&self) {
        if !self.put_denied.swap(true, Relaxed) {
            self.client.emit(|| Event::PutDenied);
        }
    }

    /// What a delete of the session with this `created` replaces; `None` if there is nothing left to do. `gones` are the
    /// names of the tombstones that it may have put before.
    fn replaced(
        &self,
        seen: Option<&Seen<'_>>,
        created: Option<SystemTime>,
        gones: &[StateName],
    ) -> Option<Replaced> {
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
