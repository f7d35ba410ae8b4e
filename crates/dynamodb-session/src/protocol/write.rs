//! Writing a session: which request is sent.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Inner;
use super::prepare::{Owner, PreparedWrite, Use, WriteOptions};
use super::save::{Attempt, Basis, Change, Ended, Save, undecodable};
use super::stored_key::at_key;
use super::touch::{Fields, Touch};
use super::user_change::{Candidate, NOT_ADMITTED};
use crate::error::Error;
use crate::framework::Framework;
use crate::item::{Changes, EncodeSession, Known, StateName, Version, expiry};
use crate::observe::{Event, count};
use crate::request::Operation;
use crate::seal::Seal;
use crate::session::{
    Base, DeleteTarget, Loaded, SaveOptions, SaveOutcome, SessionId, SessionRef, Stamp,
    TouchOptions,
};

pub(super) static NO_FRAMEWORK: Framework = Framework::new();

/// The result of a write that is conditional on the loaded session.
pub(super) type Outcome = Result<Stamp, Gone>;

/// The session loaded was deleted meanwhile, or another one has its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    /// The request whose condition failed.
    pub(super) operation: Operation,
    /// Whether an earlier attempt may have been executed, while the session was there.
    pub(super) may_be_written: bool,
}

impl Inner {
    pub(crate) async fn save<B: EncodeSession + Sync, T: EncodeSession + Sync>(
        self: &Arc<Self>,
        base: Base<'_, B>,
        data: &T,
        options: &SaveOptions<'_>,
    ) -> Result<SaveOutcome, Error> {
        self.keys_ready(Operation::UpdateItem).await?;
        let framework = options.framework.unwrap_or(&NO_FRAMEWORK);
        let options = WriteOptions::from(options);
        match base {
            Base::Loaded(loaded) => {
                self.save_changes(loaded, data, options, framework, false)
                    .await
            }
            Base::Absent(id) => self.create_or_merge(id, data, options, framework).await,
            Base::Unknown { id, created } => self.save_whole(id, created, data, options).await,
        }
    }

    pub(crate) async fn touch<B: EncodeSession + Sync, T: EncodeSession + Sync>(
        self: &Arc<Self>,
        loaded: &Loaded<B>,
        options: &TouchOptions<'_, T>,
    ) -> Result<SaveOutcome, Error> {
        self.keys_ready(Operation::UpdateItem).await?;
        let expires_at = options.expires_at;
        match options.fields {
            Some((framework, data)) => {
                let options = WriteOptions {
                    expires_at,
                    is_limit: options.is_limit,
                    ..WriteOptions::default()
                };
                self.save_changes(loaded, data, options, framework, true)
                    .await
            }
            None => self.touch_item(loaded, expires_at).await,
        }
    }

    /// Writes the fields that differ from the loaded session. As a touch, only those of the expiry unit.
    async fn save_changes<B: EncodeSession + Sync, T: EncodeSession + Sync>(
        self: &Arc<Self>,
        loaded: &Loaded<B>,
        data: &T,
        options: WriteOptions<'_>,
        framework: &Framework,
        is_touch: bool,
    ) -> Result<SaveOutcome, Error> {
        let key = self.key_in(&loaded.id, loaded.version);
        let mut write = self.prepare(Use::Update, key, data, options, loaded.created)?;
        if self.is_over(&write) {
            // A sign-out in other words. An expired item would not keep earlier requests from bringing it back.
            self.delete(loaded.into()).await?;
            return Ok(SaveOutcome::Saved(write.stamp(loaded.created)));
        }
        write.owner = Owner::Loaded(loaded.user);
        let candidate = Candidate {
            id: &loaded.id,
            created: loaded.created,
            has_ended: loaded.expires_at.is_some_and(|end| end <= self.clock.now()),
        };
        let named = self.name_user(&mut write, options.user, candidate);
        if !named.await? {
            return Ok(self.settled(&write.key, Err(NOT_ADMITTED)));
        }
        let changes = write
            .session
            .changes_since(&loaded.data, framework)
            .transpose()
            .map_err(|error| undecodable(&error).on(Operation::UpdateItem, &self.table.name))?;
        let changes = changes.map(|changes| {
            if is_touch {
                changes.of_expiry()
            } else {
                changes
            }
        });
        let outcome = self.save_or_touch(loaded, &write, changes.as_ref(), framework, is_touch);
        let mut outcome = outcome.await?;
        // The caller's next save is compared with the session that it saved now. That is not the one that is stored.
        if let Ok(stamp) = &mut outcome
            && !is_touch
            && changes.is_some_and(|changes| !changes.make_it_whole())
        {
            stamp.version.known = Known::Nothing;
        }
        self.settled_of_user(&loaded.id, &write, outcome).await
    }

    async fn save_or_touch<B: EncodeSession + Sync>(
        self: &Arc<Self>,
        loaded: &Loaded<B>,
        write: &PreparedWrite,
        changes: Option<&Changes<'_>>,
        framework: &Framework,
        is_touch: bool,
    ) -> Result<Outcome, Error> {
        let moves_expiry_only = changes.is_some_and(Changes::moves_expiry_only);
        if moves_expiry_only
            && !write.changes_beside()
            && !loaded.is_foreign
            && let Some(stamp) = self.skipped_touch(loaded, write.expires_secs)
        {
            return Ok(Ok(stamp));
        }
        let start = self.client.start();
        let expires_at = expiry::from_secs(write.expires_secs);
        let is_shorter = loaded.expires_at.is_some_and(|was| expires_at < was);
        // A framework that saves what it did not change touches it, which does not bring an expired session back.
        let is_kept = changes.is_some_and(Changes::is_of_expiry) && !framework.expiry().is_empty();
        let is_kept = is_touch || (is_kept && !write.changes_beside());
        let touched = if is_kept
            && !loaded.is_foreign
            && !is_shorter
            && let Some(changes) = changes
            && changes.keeps_settings
            && self.sealing.keeps(loaded.version.seal)
        {
            let fields = Fields {
                session: &write.session,
                changes,
                framework,
            };
            let touch = Touch {
                key: &write.key,
                expires_secs: write.expires_secs,
                created: loaded.created,
                attribute: self.table.layout.session_attribute(),
                fields: Some(fields),
                start,
            };
            self.touch_from(&touch, loaded.version).await?
        } else {
            None
        };
        if let Some(outcome @ Ok(_)) = touched {
            return Ok(at_key(loaded.version.has_other_key, outcome));
        }
        let change = Change {
            write,
            changes,
            framework,
            sets_lifetime: changes.is_some_and(|changes| !changes.keeps_settings)
                || (is_shorter
                    && (write.is_limit
                        || !changes.is_some_and(|changes| changes.has_instant(framework)))),
        };
        let save = Save {
            key: &write.key,
            changes: &[change],
            created: loaded.created,
            is_touch: is_kept,
            while_live: is_kept,
            loaded: loaded.version.known,
            name: StateName::random(),
            start,
        };
        let outcome = match touched {
            Some(outcome) => outcome,
            None if is_kept => self.save_loaded(loaded, &save).await?.0,
            None => self.save_in_turn(loaded, &save).await?,
        };
        self.under_either_key(&save, &loaded.id, loaded.version, outcome)
            .await
    }

    /// Saves on the state that was loaded.
    pub(super) async fn save_loaded<'a, B: EncodeSession + Sync>(
        &self,
        loaded: &Loaded<B>,
        save: &Save<'a>,
    ) -> Result<Ended<'a>, Error> {
        let attribute = self.table.layout.data_attribute(loaded.is_foreign);
        let unversioned = (loaded.version.known == Known::Unversioned)
            .then(|| attribute.form.encode(&loaded.data))
            .transpose();
        let Change { write, changes, .. } = *save.first();
        let is_partial = changes.is_some_and(|changes| changes.is_partial);
        let is_known = loaded.version.known != Known::Nothing && !is_partial;
        // Data that are no longer as they were stored cannot be compared.
        let (Ok(value), true) = (unversioned, is_known) else {
            return self.save_from_stored(save).await;
        };
        let session = &write.session;
        let whole = changes.and_then(|changes| session.on_loaded(changes));
        let attempt = Attempt {
            is_as_seen: whole.is_none(),
            seal: Seal::Plain,
            value: whole.map_or(Cow::Borrowed(session.attribute_value()), Cow::Owned),
            expires_secs: write.expires_secs,
            basis: Basis {
                created: loaded.created,
                version: loaded.version.known,
                attribute: attribute.name,
                expires_at: loaded.expires_at,
                expiry: None,
                seal: loaded.version.seal,
                value: value.map(Cow::Owned),
                others: (!loaded.version.has_others).then(Vec::new),
            },
        };
        self.save_from(save, attempt).await
    }

    /// Writes the whole session if one is there.
    async fn save_whole<T: EncodeSession + Sync>(
        &self,
        id: &SessionId,
        created: Option<SystemTime>,
        data: &T,
        options: WriteOptions<'_>,
    ) -> Result<SaveOutcome, Error> {
        let mut write = self.prepare(Use::Update, self.key(id), data, options, created)?;
        if self.is_over(&write) {
            let mut target = DeleteTarget::from(id);
            target.whose.created = created;
            self.delete(target).await?;
            return Ok(SaveOutcome::Saved(write.stamp(created)));
        }
        write.owner = Owner::Unknown;
        let candidate = Candidate {
            id,
            created,
            has_ended: false,
        };
        let named = self.name_user(&mut write, options.user, candidate);
        if !named.await? {
            return Ok(self.settled(&write.key, Err(NOT_ADMITTED)));
        }
        let change = Change {
            write: &write,
            changes: None,
            framework: &NO_FRAMEWORK,
            sets_lifetime: true,
        };
        let save = Save {
            key: &write.key,
            changes: &[change],
            created,
            is_touch: false,
            while_live: false,
            loaded: Known::Nothing,
            name: StateName::random(),
            start: self.client.start(),
        };
        let attempt = Attempt {
            value: Cow::Borrowed(write.session.attribute_value()),
            expires_secs: write.expires_secs,
            basis: Basis {
                created,
                version: Known::Nothing,
                attribute: self.table.layout.session_attribute(),
                expires_at: None,
                expiry: None,
                seal: Seal::Plain,
                value: None,
                others: None,
            },
            is_as_seen: true,
            seal: Seal::Plain,
        };
        // A sealed session is bound to the `created` that it has.
        let (outcome, _) = if created.is_none() && self.sealing.encrypts() {
            self.save_from_stored(&save).await?
        } else {
            self.save_from(&save, attempt).await?
        };
        let outcome = self
            .under_either_key(&save, id, Version::UNKNOWN, outcome)
            .await?;
        self.settled_of_user(id, &write, outcome).await
    }

    /// Moves the expiry of the item and keeps the data.
    async fn touch_item<B: Sync>(
        &self,
        loaded: &Loaded<B>,
        expires_at: Option<SystemTime>,
    ) -> Result<SaveOutcome, Error> {
        let expires_at = expires_at.unwrap_or_else(|| self.default_expiry(self.clock.now()));
        let key = self
            .key_in(&loaded.id, loaded.version)
            .map_err(|error| error.on(Operation::UpdateItem, &self.table.name))?;
        let expires_secs = self.expiry_secs(expires_at, loaded.created);
        let of_user = |stamp: Stamp| Stamp {
            user: loaded.user,
            ..stamp
        };
        if let Some(stamp) = self.skipped_touch(loaded, expires_secs) {
            return Ok(SaveOutcome::Saved(of_user(stamp)));
        }
        let start = self.client.start();
        let touch = Touch {
            key: &key,
            expires_secs,
            created: loaded.created,
            attribute: self.table.layout.data_attribute(loaded.is_foreign).name,
            fields: None,
            start,
        };
        let outcome = match self.touch_from(&touch, loaded.version).await? {
            Some(outcome) => outcome,
            None => {
                self.rewrite(&key, loaded.created, expires_at, start)
                    .await?
            }
        };
        let is_other = loaded.version.has_other_key;
        let outcome = if outcome.is_err()
            && let Some(other) = self.other_key(&loaded.id, loaded.version)
        {
            let moved = self.rewrite(&other, loaded.created, expires_at, start);
            at_key(!is_other, Box::pin(moved).await?)
        } else {
            at_key(is_other, outcome)
        };
        Ok(self.settled(&key, outcome.map(of_user)))
    }

    /// Writes the session that is stored once more, in the form that this store writes, with an expiry that is not
    /// earlier than this.
    pub(super) async fn rewrite(
        &self,
        key: &str,
        created: Option<SystemTime>,
        expires_at: SystemTime,
        start: Duration,
    ) -> Result<Outcome, Error> {
        let write = self.unchanged(key, expires_at, created)?;
        let change = Change {
            write: &write,
            changes: Some(&Changes::default()),
            framework: &NO_FRAMEWORK,
            sets_lifetime: false,
        };
        let save = Save {
            key: &write.key,
            changes: &[change],
            created,
            is_touch: true,
            while_live: true,
            loaded: Known::Nothing,
            name: StateName::random(),
            start,
        };
        Ok(self.save_from_stored(&save).await?.0)
    }

    /// What came of a write to the session of this key; reports one that was dropped.
    pub(super) fn settled(&self, key: &str, outcome: Outcome) -> SaveOutcome {
        match outcome {
            Ok(stamp) => SaveOutcome::Saved(stamp),
            Err(Gone { operation, .. }) => {
                count(&self.client.counts().conflicts);
                self.client.emit(|| Event::Conflict {
                    reference: SessionRef::of_key(key),
                    operation,
                });
                SaveOutcome::Gone
            }
        }
    }
}
