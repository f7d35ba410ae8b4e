//! How a session is created where there is none, and what happens where there is one.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::prepare::{NoFields, Owner, PreparedWrite, Use, WriteOptions};
use super::rules::{self, Attempts, Next};
use super::save::{Change, Save, undecodable, unknown};
use super::stored_key::at_key;
use super::user_change::{Candidate, NOT_ADMITTED, UserChange};
use super::write::{Gone, NO_FRAMEWORK, Outcome};
use super::{Inner, from_epoch_ms};
use crate::error::Error;
use crate::framework::Framework;
use crate::item::{
    Changes, EncodeSession, Known, MadeFrom, Rev, Seen, StateName, Version, attribute_writes,
    expiry,
};
use crate::observe::count;
use crate::request::{self, Condition, ItemHead, Operation};
use crate::session::{CreateOutcome, GivenUser, NewSession, SaveOutcome, SessionId, Stamp};

/// How often [`Inner::create_or_merge`] tries if others keep deleting and creating the session.
const CREATE_ATTEMPTS: u32 = 3;

/// A session that is being created.
struct Creation {
    name: StateName,
    start: Duration,
    begin: SystemTime,
}

impl Creation {
    fn new(inner: &Inner) -> Self {
        Self {
            name: StateName::random(),
            start: inner.client.start(),
            begin: inner.clock.now(),
        }
    }
}

/// What a create does where a session is there.
#[derive(Clone, Copy)]
enum Taken<'a> {
    Merge {
        /// All fields of the session, if they can be compared.
        changes: Option<&'a Changes<'a>>,
        framework: &'a Framework,
    },
    Overwrite,
}

/// What a session is created over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// A tombstone that cannot be of this session.
    Tombstones,
    /// No tombstone: whoever does not know what was loaded could bring back a user who has been revoked.
    Nothing,
}

/// What came of an attempt to create a session.
enum Put {
    Stored(Stamp),
    /// It was stored, and is not there any more.
    Gone,
    /// Its user has been revoked meanwhile.
    Revoked,
    /// This answer has the item that is there instead, unless that has gone meanwhile.
    Taken(Bytes),
}

/// The id of a new session, and what is said of its user.
struct WhoseNew<'a> {
    id: &'a SessionId,
    user: GivenUser<'a>,
}

impl<'a> WhoseNew<'a> {
    fn of(id: &'a SessionId, user: GivenUser<'a>) -> Self {
        Self { id, user }
    }
}

/// What came of a session that was created, or written to the one that was there.
struct CreatedOr {
    outcome: Outcome,
    /// How the session that was there is registered.
    user: Option<UserChange>,
}

impl CreatedOr {
    fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            user: None,
        }
    }

    /// The outcome of this write, which then says how its session is registered.
    fn outcome_of(self, write: &mut PreparedWrite) -> Outcome {
        if let Some(user) = self.user {
            write.user = user;
        }
        self.outcome
    }
}

impl Inner {
    pub(crate) async fn create<T: EncodeSession + Sync>(
        &self,
        new: &NewSession<T>,
    ) -> Result<CreateOutcome, Error> {
        self.keys_ready(Operation::PutItem).await?;
        let key = self.key(&new.id);
        let mut write = self.prepare(Use::Put, key, &new.data, new.into(), None)?;
        let creation = Creation::new(self);
        let live = self.live_under_other_key(&new.id, creation.start);
        if live.await?.is_some() {
            return Ok(CreateOutcome::Taken);
        }
        if !self
            .name_user_of_new(&mut write, &new.id, WriteOptions::from(new).user)
            .await?
        {
            return Ok(CreateOutcome::Revoked);
        }
        let put = self.put_where_absent(&write, Over::Tombstones, &NO_FRAMEWORK, &creation);
        Ok(match put.await? {
            Put::Stored(stamp) => {
                let outcome = self.settled_of_user(&new.id, &write, Ok(stamp)).await?;
                match outcome {
                    SaveOutcome::Saved(stamp) => CreateOutcome::Created(stamp),
                    SaveOutcome::Gone => CreateOutcome::Revoked,
                }
            }
            Put::Revoked => CreateOutcome::Revoked,
            Put::Gone | Put::Taken(_) => CreateOutcome::Taken,
        })
    }

    pub(crate) async fn put<T: EncodeSession + Sync>(
        &self,
        new: &NewSession<T>,
    ) -> Result<Stamp, Error> {
        self.keys_ready(Operation::PutItem).await?;
        let key = self.key(&new.id);
        let mut write = self.prepare(Use::Put, key, &new.data, new.into(), None)?;
        write.owner = Owner::Unknown;
        count(&self.client.counts().unguarded_writes);
        let user = GivenUser::from(new.user.as_ref());
        let outcome = if self.name_user_of_new(&mut write, &new.id, user).await? {
            let whose = WhoseNew::of(&new.id, user);
            let created = self.create_or(&whose, &write, Taken::Overwrite).await?;
            let outcome = created.outcome_of(&mut write);
            self.settled_of_user(&new.id, &write, outcome).await?
        } else {
            SaveOutcome::Gone
        };
        Ok(match outcome {
            SaveOutcome::Saved(stamp) => stamp,
            // It was written before it was deleted.
            SaveOutcome::Gone => write.stamp(Some(write.created)),
        })
    }

    /// Creates the session, or merges all its fields into the one that is there.
    pub(super) async fn create_or_merge<T: EncodeSession + Sync>(
        &self,
        id: &SessionId,
        data: &T,
        options: WriteOptions<'_>,
        framework: &Framework,
    ) -> Result<SaveOutcome, Error> {
        let key = self.key(id);
        let mut new = self.prepare(Use::PutOrUpdate, key, data, options, None)?;
        if !self.name_user_of_new(&mut new, id, options.user).await? {
            return Ok(self.settled(&new.key, Err(NOT_ADMITTED)));
        }
        let changes = new
            .session
            .changes_since(&NoFields {}, framework)
            .transpose()
            .map_err(|error| undecodable(&error).on(Operation::PutItem, &self.table.name))?;
        let taken = Taken::Merge {
            changes: changes.as_ref(),
            framework,
        };
        let whose = WhoseNew::of(id, options.user);
        let created = self.create_or(&whose, &new, taken).await?;
        let outcome = created.outcome_of(&mut new);
        self.settled_of_user(id, &new, outcome).await
    }

    /// The same as [`name_user`](Self::name_user) for a session that is new, or that is not known.
    async fn name_user_of_new(
        &self,
        write: &mut PreparedWrite,
        id: &SessionId,
        user: GivenUser<'_>,
    ) -> Result<bool, Error> {
        if let GivenUser::User(_) = user {
            self.require_users()?;
        }
        if matches!(user, GivenUser::Unstated) || !self.has_users() {
            return Ok(true);
        }
        let candidate = Candidate {
            id,
            created: Some(write.created),
            has_ended: false,
        };
        self.name_user(write, user, candidate).await
    }

    /// Creates the session, or writes to the one that is there.
    async fn create_or(
        &self,
        whose: &WhoseNew<'_>,
        new: &PreparedWrite,
        taken: Taken<'_>,
    ) -> Result<CreatedOr, Error> {
        let creation = Creation::new(self);
        while let Some((key, item)) = self.live_under_other_key(whose.id, creation.start).await? {
            let written = self.write_to(&key, &item, whose, new, taken, &creation);
            // In line, it would make the future of every call larger.
            if let Some(written) = Box::pin(written).await?
                && written.outcome.is_ok()
            {
                return Ok(CreatedOr {
                    outcome: at_key(true, written.outcome),
                    ..written
                });
            }
        }
        let mut outcome = Err(Gone {
            operation: Operation::PutItem,
            may_be_written: false,
        });
        for _ in 0..CREATE_ATTEMPTS {
            let framework = match taken {
                Taken::Merge { framework, .. } => framework,
                Taken::Overwrite => &NO_FRAMEWORK,
            };
            let over = match taken {
                Taken::Overwrite if new.becomes_users() => Over::Nothing,
                _ => Over::Tombstones,
            };
            let put = self.put_where_absent(new, over, framework, &creation);
            let item = match put.await? {
                Put::Stored(stamp) => return Ok(CreatedOr::of(Ok(stamp))),
                Put::Gone | Put::Revoked => break,
                Put::Taken(item) => item,
            };
            let written = self.write_to(&new.key, &item, whose, new, taken, &creation);
            match written.await? {
                Some(written) if written.outcome.is_ok() => return Ok(written),
                Some(gone) => outcome = gone.outcome,
                None => {}
            }
        }
        Ok(CreatedOr::of(outcome))
    }

    /// Writes to the session of this item; `None` if there is no item.
    async fn write_to(
        &self,
        key: &str,
        item: &[u8],
        whose: &WhoseNew<'_>,
        new: &PreparedWrite,
        taken: Taken<'_>,
        creation: &Creation,
    ) -> Result<Option<CreatedOr>, Error> {
        let Some(seen) = self.seen(item, key)? else {
            return Ok(None);
        };
        let created = seen.item.created_ms.map(from_epoch_ms);
        let user = if new.becomes_users() {
            let named = Box::pin(self.name_user_of_met(whose, key, created));
            let Some(user) = named.await? else {
                return Ok(Some(CreatedOr::of(Err(NOT_ADMITTED))));
            };
            Some(user)
        } else {
            None
        };
        let (changes, framework, sets_lifetime) = match taken {
            Taken::Merge { changes, framework } if seen.has_session() => {
                (changes, framework, false)
            }
            // Where there is nothing to merge with, the session is written whole.
            Taken::Merge { .. } | Taken::Overwrite => (None, &NO_FRAMEWORK, true),
        };
        let change = Change {
            write: new,
            changes,
            framework,
            sets_lifetime,
        };
        let save = Save {
            key,
            changes: &[change],
            created,
            is_touch: false,
            while_live: true,
            loaded: Known::Nothing,
            name: creation.name,
            start: creation.start,
        };
        self.know_keys_of(&seen, Operation::PutItem).await?;
        let attempt = self
            .on_stored(&save, &seen)
            .map_err(|error| undecodable(&error).on(Operation::PutItem, &self.table.name))?;
        self.before_merge(creation.start, Operation::PutItem, 0)
            .await?;
        match self.save_from(&save, attempt).await? {
            // To write it again could count it twice.
            (Err(gone), _) if gone.may_be_written => {
                Err(unknown(Operation::PutItem).on(Operation::PutItem, &self.table.name))
            }
            (outcome, _) => Ok(Some(CreatedOr { outcome, user })),
        }
    }

    /// Registers the session that is met in the place of the new one, which becomes the user's. A revocation looks for the
    /// session that it finds registered, by its key and its `created`. `None`: it is not admitted.
    async fn name_user_of_met(
        &self,
        whose: &WhoseNew<'_>,
        key: &str,
        created: Option<SystemTime>,
    ) -> Result<Option<UserChange>, Error> {
        let candidate = Candidate {
            id: whose.id,
            created,
            has_ended: false,
        };
        let owner = Owner::Loaded(None);
        self.user_change(whose.user, owner, candidate, key).await
    }

    /// The item of a live session with the other key that sessions of this id can have. A second session beside it would
    /// hide it.
    async fn live_under_other_key(
        &self,
        id: &SessionId,
        start: Duration,
    ) -> Result<Option<(String, Bytes)>, Error> {
        let Some(key) = self.other_key(id, Version::UNKNOWN) else {
            return Ok(None);
        };
        let mut repeats = 0;
        loop {
            let item = self.read_item(start, &key).await?;
            let Some(seen) = self.seen(&item, &key)?.filter(Seen::has_session) else {
                return Ok(None);
            };
            if !self.has_ended(&seen.item) {
                return Ok(Some((key, item)));
            }
            // A save could still bring it back.
            if self.bury_ended(&key, &seen, start).await? {
                return Ok(None);
            }
            self.before_merge(start, Operation::PutItem, repeats)
                .await?;
            repeats += 1;
        }
    }

    /// Puts a session where there is none, or a tombstone that cannot be of this session.
    async fn put_where_absent(
        &self,
        write: &PreparedWrite,
        over: Over,
        framework: &Framework,
        creation: &Creation,
    ) -> Result<Put, Error> {
        let mut tombstone: Option<String> = None;
        let mut created = write.created;
        let mut rev = Rev::new(creation.name);
        let mut repeats = 0;
        loop {
            let head = ItemHead {
                id: &write.key,
                expires_secs: write.expires_secs,
                created,
                rev,
                beside: &[],
            };
            let put = self.put_of(write, framework, head, tombstone.as_deref());
            let (body, version) = put?;
            let answer = self
                .call_since(creation.start, Operation::PutItem, body)
                .await?;
            let stamp = Stamp {
                version,
                ..write.stamp(Some(created))
            };
            if !answer.condition_failed {
                return Ok(Put::Stored(stamp));
            }
            let item = self.item_met(creation.start, &answer, &write.key).await?;
            let Some(seen) = self.seen(&item, &write.key)? else {
                return Ok(Put::Taken(item));
            };
            let met = Self::met(&seen);
            let attempts = Attempts {
                name: creation.name,
                from: Known::Nothing,
                all_answered: answer.attempts == 1,
            };
            let has_ended = expiry::from_secs(write.expires_secs) <= self.clock.now();
            match rules::after_create(&attempts, created, creation.begin, has_ended, met) {
                Next::Written if met.rev == Some(rev) => return Ok(Put::Stored(stamp)),
                Next::Written => {
                    let expires_at = seen.item.expires_ms.map(from_epoch_ms);
                    let expires_at = expires_at.unwrap_or(stamp.expires_at);
                    return Ok(Put::Stored(Stamp::new(stamp.created, expires_at)));
                }
                Next::Gone => return Ok(Put::Gone),
                Next::Unknown => {
                    let error = unknown(Operation::PutItem);
                    return Err(error.on(Operation::PutItem, &self.table.name));
                }
                Next::Again => {}
            }
            let Some(gone) = seen.gone() else {
                if !self.has_expired(&seen) {
                    return Ok(Put::Taken(item));
                }
                if met.created == Some(created) {
                    // Another session of this id, of the same millisecond.
                    created += Duration::from_millis(1);
                }
                tombstone = None;
                self.before_merge(creation.start, Operation::PutItem, repeats)
                    .await?;
                repeats += 1;
                continue;
            };
            if over == Over::Nothing || !self.is_admitted(&write.user).await? {
                return Ok(Put::Revoked);
            }
            // Its states are remembered, and no other session of this id has the same `created`.
            let before = seen.rev_after_tombstone();
            let after = met
                .created
                .map(|created| created + Duration::from_millis(1));
            created = after.map_or(created, |after| after.max(created));
            rev = before.map_or(Rev::new(creation.name), |before| before.next(creation.name));
            tombstone = Some(gone.to_owned());
            self.before_merge(creation.start, Operation::PutItem, repeats)
                .await?;
            repeats += 1;
        }
    }

    /// The body of that put, and the state that it makes.
    fn put_of(
        &self,
        write: &PreparedWrite,
        framework: &Framework,
        head: ItemHead<'_>,
        tombstone: Option<&str>,
    ) -> Result<(Bytes, Version), Error> {
        let condition = match tombstone {
            None => Condition::Absent {
                moment: self.moment(),
                created: head.created,
            },
            Some(gone) => Condition::Tombstone(gone),
        };
        let beside = attribute_writes([(&*write.beside, MadeFrom::Replaced)]);
        let head = ItemHead {
            beside: &beside,
            ..head
        };
        let expiry_attributes = self.expiry_attributes();
        let names = self.names(&expiry_attributes);
        let stored = self
            .data_to_store(write.session.attribute_value(), framework, &head)
            .map_err(|error| error.on(Operation::PutItem, &self.table.name))?;
        let others = std::iter::empty();
        let body = request::put_item(names, head, stored.data(false), others, condition);
        let mut version = stored.version(head.rev);
        version.has_others = write.sets_beside();
        Ok((body, version))
    }
}
