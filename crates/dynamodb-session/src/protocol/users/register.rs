//! How a session is put into the item of its user, and a session from before becomes its user's.

use std::time::SystemTime;

use super::super::user_change::Registered;
use super::Inner;
use crate::clock::epoch_ms;
use crate::error::Error;
use crate::item::{Entry, Label};
use crate::request::{
    self, Admits, Condition, Demands, LoadedOwner, Operation, Registration, State,
};
use crate::session::{Loaded, SessionRef, SessionUser, UserKey};

/// The session that is registered.
#[derive(Clone, Copy)]
pub(super) struct NewEntry<'a> {
    /// The key of its item.
    pub(super) key: &'a str,
    pub(super) created: Option<SystemTime>,
}

impl Inner {
    /// Puts a session into the item of its user. `None` if it is not admitted.
    pub(super) async fn register(
        &self,
        label: Option<&str>,
        key: UserKey,
        session: NewEntry<'_>,
        admits: Admits<'_>,
    ) -> Result<Option<Registered>, Error> {
        let item_key = self.user_item_key(key);
        let reference = SessionRef::of_key(session.key);
        let mut begun_ms = epoch_ms(self.clock.now());
        let created_ms = session.created.map(epoch_ms);
        let label = match label {
            Some(label) => Some(self.label(&item_key, &reference, label).await?),
            None => None,
        };
        let prefix = &self.table.prefix;
        let mut entry = Entry {
            key: session
                .key
                .strip_prefix(prefix)
                .unwrap_or_default()
                .to_owned(),
            created_ms,
            at_ms: begun_ms,
            label,
        };
        let start = self.client.start();
        let mut has_list = true;
        let mut repeats = 0;
        loop {
            let expiry_attributes = self.expiry_attributes();
            let names = self.names(&expiry_attributes);
            entry.at_ms = match admits {
                // It has been the user's for as long as nobody knows.
                Admits::Existing { created_ms } => created_ms.unwrap_or(begun_ms),
                Admits::SignIn | Admits::Continued(_) => begun_ms,
            };
            let registration = Registration {
                reference: reference.as_str(),
                entry: &entry,
                admits,
                begun_ms,
                expires_secs: self.user_item_expiry(),
            };
            let body = request::register_session(names, &item_key, &registration, has_list);
            let answer = self.call_since(start, Operation::UpdateItem, body).await?;
            let registered = Registered {
                user: key,
                reference: reference.clone(),
            };
            if !answer.condition_failed {
                let shown = self.user_item_in(
                    &answer.body,
                    "Attributes",
                    &item_key,
                    Operation::UpdateItem,
                )?;
                self.end_left(&item_key, key, (reference.as_str(), &entry), shown)
                    .await?;
                return Ok(Some(registered));
            }
            let shown =
                self.user_item_in(&answer.body, "Item", &item_key, Operation::UpdateItem)?;
            if shown.is_none() && has_list && !matches!(admits, Admits::Continued(_)) {
                // It is usually the user's first session. An engine that shows no item refuses it once more.
                has_list = false;
                continue;
            }
            let met = match shown {
                Some(met) => met,
                None => self.user_item(start, key).await?.unwrap_or_default(),
            };
            let is_there = met.entry(reference.as_str()).is_some();
            let is_admitted = match admits {
                Admits::SignIn => true,
                // An earlier attempt may have been executed.
                Admits::Continued(other) => is_there || met.entry(other).is_some(),
                Admits::Existing { created_ms } => {
                    let entry = met.entry(reference.as_str());
                    let is_this = |entry: &Entry| entry.created_ms == created_ms;
                    created_ms.is_some() && entry.is_some_and(is_this)
                        || met.before_ms.is_none_or(|before| created_ms > Some(before))
                }
            };
            if !is_admitted {
                return Ok(None);
            }
            if is_there && matches!(admits, Admits::Continued(_)) {
                self.end_left(&item_key, key, (reference.as_str(), &entry), Some(met))
                    .await?;
                return Ok(Some(registered));
            }
            has_list = met.sessions.is_some();
            // If sessions have been revoked meanwhile, it begins once more, after that.
            begun_ms = begun_ms.max(met.taken_ms.map_or(0, |taken| taken + 1));
            self.before_merge(start, Operation::UpdateItem, repeats)
                .await?;
            repeats += 1;
        }
    }

    async fn label(
        &self,
        item_key: &str,
        reference: &SessionRef,
        label: &str,
    ) -> Result<Label, Error> {
        let sealed = self
            .sealed_label(item_key, reference.as_str(), label)
            .await?;
        Ok(sealed.map_or_else(|| Label::Plain(label.to_owned()), Label::Sealed))
    }

    /// Registers a session that was stored without its user. `None`: it has been revoked, and is deleted.
    pub(crate) async fn register_loaded<T>(
        &self,
        mut loaded: Loaded<T>,
        user: &SessionUser,
    ) -> Result<Option<Loaded<T>>, Error> {
        self.require_users()?;
        let keys = self.user_keys(user.id.as_str()).await?;
        if keys.iter().any(|key| loaded.user == Some(key)) {
            return Ok(Some(loaded));
        }
        let key = self
            .key_in(&loaded.id, loaded.version)
            .map_err(|error| error.on(Operation::UpdateItem, &self.table.name))?;
        let session = NewEntry {
            key: &key,
            created: loaded.created,
        };
        let created_ms = loaded.created.map(epoch_ms);
        let is_revoked = match keys.other {
            Some(other) => {
                let item = self.user_item(self.client.start(), other).await?;
                let before = item.as_ref().and_then(|item| item.before_ms);
                before.is_some_and(|before| created_ms <= Some(before))
            }
            None => false,
        };
        let registered = if is_revoked {
            None
        } else {
            let admits = Admits::Existing { created_ms };
            let label = user.label.as_deref();
            self.register(label, keys.first, session, admits).await?
        };
        let Some(registered) = registered else {
            self.delete((&loaded).into()).await?;
            return Ok(None);
        };
        let (created, owner) = (loaded.created, LoadedOwner(loaded.user));
        if !self.mark_user(&key, &registered, created, owner).await?
            || !self.confirm(&registered, &loaded.id).await?
        {
            return Ok(None);
        }
        loaded.user = Some(registered.user);
        // A write of the whole item carries the user over, as it does attributes of others.
        loaded.version.has_others = true;
        Ok(Some(loaded))
    }

    /// Writes to the item of a session whose it is. `false`: the session is gone, or another user's.
    async fn mark_user(
        &self,
        key: &str,
        registered: &Registered,
        created: Option<SystemTime>,
        owner: LoadedOwner,
    ) -> Result<bool, Error> {
        let expiry_attributes = self.expiry_attributes();
        let condition = Condition::Session(Demands {
            created,
            state: State::Any,
            // Another request can have made it another user's since it was loaded.
            owner: Some(owner),
            ..Demands::default()
        });
        let names = self.names(&expiry_attributes);
        let body = request::set_user(names, key, registered.user, condition);
        let answer = self.call(Operation::UpdateItem, body).await?;
        Ok(!answer.condition_failed)
    }
}
