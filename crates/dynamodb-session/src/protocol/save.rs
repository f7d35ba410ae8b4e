//! How a session that was loaded is saved: on the state it was loaded in, and merged into a later one.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::prepare::PreparedWrite;
use super::rules::{self, Attempts, Met, Next};
use super::sealing::{StoredData, kind_of};
use super::write::{Gone, Outcome};
use super::{Inner, from_epoch_ms};
use crate::client::retry::Answer;
use crate::error::{Error, ErrorKind};
use crate::framework::Framework;
use crate::item::{
    AttributeWrite, Changes, ItemError, ItemErrorKind, Known, OwnKey, Rev, Seen, StateName,
    Version, expiry,
};
use crate::observe::{Event, count};
use crate::remedy::Remedy;
use crate::request::{self, Condition, Demands, ItemHead, Operation, State, Unversioned};
use crate::seal::Seal;
use crate::session::Stamp;

/// What one call saves.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) write: &'a PreparedWrite,
    /// From what the application saw to what it saves; `None` if they cannot be compared.
    pub(super) changes: Option<&'a Changes<'a>>,
    pub(super) framework: &'a Framework,
    /// Whether its expiry holds although another request has extended the session.
    pub(super) sets_lifetime: bool,
}

/// A save under way, of one call or of several that go together.
pub(super) struct Save<'a> {
    pub(super) key: &'a str,
    /// In order of arrival; at least one.
    pub(super) changes: &'a [Change<'a>],
    /// The `created` of the session that was loaded.
    pub(super) created: Option<SystemTime>,
    /// Whether it writes nothing but the expiry.
    pub(super) is_touch: bool,
    /// Whether an expired session is not to be written.
    pub(super) while_live: bool,
    /// The state that the call has loaded; nothing if that is not known, or if several calls go together.
    pub(super) loaded: Known,
    pub(super) name: StateName,
    pub(super) start: Duration,
}

/// One conditional write.
pub(super) struct Attempt<'a> {
    /// The attribute value of the session.
    pub(super) value: Cow<'a, str>,
    pub(super) expires_secs: u64,
    /// What it is made from.
    pub(super) basis: Basis<'a>,
    /// Whether what is stored is then what the application sees.
    pub(super) is_as_seen: bool,
    /// How the data were kept when it was executed.
    pub(super) seal: Seal,
}

/// What came of a save, and the attempt that was executed, if there was one that is known.
pub(super) type Ended<'a> = (Outcome, Option<Attempt<'a>>);

/// The item that a write is made from.
pub(super) struct Basis<'a> {
    pub(super) created: Option<SystemTime>,
    pub(super) version: Known,
    /// The attribute that holds the session.
    pub(super) attribute: &'static str,
    /// Of an item without a `rev` of ours: its expiry, and the value of its session or of its `rev`.
    pub(super) expires_at: Option<SystemTime>,
    /// The attribute value of that expiry, where it is known.
    pub(super) expiry: Option<String>,
    /// How its data are kept.
    pub(super) seal: Seal,
    pub(super) value: Option<Cow<'a, str>>,
    /// The item's attributes that are not this package's; `None` where they are not known.
    pub(super) others: Option<Vec<(String, String)>>,
}

impl Basis<'_> {
    /// Whether it ends later than anything that is ever written.
    fn is_endless(&self) -> bool {
        let latest = expiry::from_secs(expiry::LATEST_SECS);
        self.expires_at
            .is_some_and(|expires_at| expires_at > latest)
    }

    pub(super) fn state(&self) -> State<'_> {
        let (attribute, value) = (self.attribute, self.value.as_deref());
        match (self.version, value) {
            (Known::Rev(rev), _) => State::Rev { rev, attribute },
            (Known::Unversioned, value) => State::Unversioned(Unversioned {
                attribute,
                value,
                expires_at: self.expires_at,
                expiry: self.expiry.as_deref(),
            }),
            (Known::Nothing, Some(value)) => State::Odd { value, attribute },
            (Known::Nothing, None) => State::NotSealed,
        }
    }
}

impl Basis<'_> {
    /// Whether an item is just what a write demanded although its condition failed: some engines do not compare maps as
    /// `DynamoDB` does.
    pub(super) fn is_met_by(&self, seen: &Seen<'_>) -> bool {
        let Some(value) = self.value.as_deref() else {
            return false;
        };
        seen.item.version.known == Known::Unversioned
            && seen.item.expires_ms.map(from_epoch_ms) == self.expires_at
            && seen.session() == value
    }
}

/// What a write does about the item it met.
pub(super) enum Merge<'a> {
    Done(Outcome),
    Again(Box<Attempt<'a>>),
}

impl Inner {
    /// Writes until it is known what came of it.
    pub(super) async fn save_from<'a>(
        &self,
        save: &Save<'a>,
        mut attempt: Attempt<'a>,
    ) -> Result<Ended<'a>, Error> {
        let mut merges = 0;
        let mut denied = None;
        loop {
            let written = self.write(save, &attempt, &mut denied).await?;
            // Of the attempts of an `UpdateItem` that was refused in the end, the last one was answered.
            let all_answered = denied.is_none_or(|attempts| attempts == 1);
            denied = denied.map(|_| 1);
            let mut attempts = Attempts {
                name: save.name,
                from: attempt.basis.version,
                all_answered,
            };
            let Some((answer, operation, version)) = written else {
                let item = self.read_item(save.start, save.key).await?;
                let merge = self.merge(save, save.created, &attempts, Operation::GetItem, &item);
                match merge.await? {
                    Merge::Done(outcome) => return Ok((outcome, None)),
                    Merge::Again(next) => attempt = *next,
                }
                continue;
            };
            if !answer.condition_failed {
                attempt.seal = version.seal;
                return Ok((Ok(save.stamp(&attempt, version)), Some(attempt)));
            }
            let met = self.item_met(save.start, &answer, save.key).await?;
            attempts.all_answered &= answer.attempts == 1;
            let is_unchanged = attempt.basis.value.is_some()
                && self
                    .seen(&met, save.key)?
                    .is_some_and(|seen| attempt.basis.is_met_by(&seen));
            // A session that was loaded without a `created` is the one that the first answer shows.
            let created = save.created.or(attempt.basis.created);
            let merge = self.merge(save, created, &attempts, operation, &met);
            match merge.await? {
                Merge::Done(outcome) => return Ok((outcome, None)),
                Merge::Again(next) => attempt = *next,
            }
            if is_unchanged {
                attempt.basis.value = None;
            }
            self.before_merge(save.start, operation, merges).await?;
            merges += 1;
        }
    }

    /// Saves a session whose state is not known: reads it first.
    pub(super) async fn save_from_stored<'a>(&self, save: &Save<'a>) -> Result<Ended<'a>, Error> {
        match self.met_by_read(save, true).await? {
            Merge::Done(outcome) => Ok((outcome, None)),
            Merge::Again(attempt) => self.save_from(save, *attempt).await,
        }
    }

    /// Saves a session that was not there under another key.
    pub(super) async fn save_moved(&self, save: &Save<'_>, gone: Gone) -> Result<Outcome, Error> {
        // A move keeps the states. So it is known whether the session was written before it.
        match self.met_by_read(save, !gone.may_be_written).await? {
            Merge::Done(Err(_)) => Ok(Err(gone)),
            Merge::Done(written) => Ok(written),
            Merge::Again(attempt) => Ok(self.save_from(save, *attempt).await?.0),
        }
    }

    /// What a save makes of the item that is stored. `all_answered`: it has written nothing yet.
    async fn met_by_read<'a>(
        &self,
        save: &Save<'a>,
        all_answered: bool,
    ) -> Result<Merge<'a>, Error> {
        let item = self.read_item(save.start, save.key).await?;
        let attempts = Attempts {
            name: save.name,
            from: Known::Nothing,
            all_answered,
        };
        let merge = self.merge(save, save.created, &attempts, Operation::GetItem, &item);
        merge.await
    }

    /// What follows from the item that a write of the session with this `created` met.
    pub(super) async fn merge<'a>(
        &self,
        save: &Save<'a>,
        created: Option<SystemTime>,
        attempts: &Attempts,
        operation: Operation,
        answer: &[u8],
    ) -> Result<Merge<'a>, Error> {
        let seen = self.seen(answer, save.key)?;
        let met = seen.as_ref().map(Self::met);
        let gone = |may_be_written| {
            Ok(Merge::Done(Err(Gone {
                operation,
                may_be_written,
            })))
        };
        let Some(seen) = seen else {
            return gone(!attempts.all_answered);
        };
        match rules::after_save(attempts, created, met) {
            Next::Gone => gone(!attempts.all_answered),
            Next::Written => Ok(Merge::Done(Ok(Self::stamp_of(save, &seen)))),
            Next::Unknown => Err(unknown(operation).on(operation, &self.table.name)),
            Next::Again if save.while_live && self.has_expired(&seen) => gone(false),
            Next::Again if self.is_of_others(save, &seen) => gone(false),
            Next::Again => {
                self.know_keys_of(&seen, operation).await?;
                self.on_stored(save, &seen)
                    .map(|attempt| Merge::Again(Box::new(attempt)))
                    .map_err(|error| undecodable(&error).on(operation, &self.table.name))
            }
        }
    }

    /// Sends a write, as an `UpdateItem` or, where that is not allowed, as a `PutItem` of the whole item. Returns the answer,
    /// and the state that it makes if it was executed; `None` if a `PutItem` needs attributes that are not known. `denied`
    /// says after how many attempts an `UpdateItem` of this save was refused, if one was.
    pub(super) async fn write(
        &self,
        save: &Save<'_>,
        attempt: &Attempt<'_>,
        denied: &mut Option<u32>,
    ) -> Result<Option<(Answer, Operation, Version)>, Error> {
        let stored = self.data_of(save, attempt)?;
        let version = stored.version(save.rev(&attempt.basis));
        if denied.is_none() && !self.is_update_denied() {
            let body = self.body_of(save, attempt, &stored, None);
            match self
                .call_since(save.start, Operation::UpdateItem, body)
                .await
            {
                Err(error) if error.kind() == ErrorKind::AccessDenied => {
                    *denied = Some(error.attempts());
                }
                answer => return Ok(Some((answer?, Operation::UpdateItem, version))),
            }
        }
        let Some(others) = &attempt.basis.others else {
            return Ok(None);
        };
        let body = self.body_of(save, attempt, &stored, Some(others));
        let answer = self
            .call_since(save.start, Operation::PutItem, body)
            .await?;
        // Who is refused everything, by wrong credentials say, is refused by PutItem as well.
        if denied.is_some() && self.update_denied.note(self.clock.monotonic()) {
            self.client.emit(|| Event::UpdateDenied);
        }
        Ok(Some((answer, Operation::PutItem, version)))
    }

    fn data_of<'a>(
        &self,
        save: &Save<'_>,
        attempt: &'a Attempt<'_>,
    ) -> Result<StoredData<'a>, Error> {
        let beside = self.written_beside(save, &attempt.basis);
        let head = save.head(attempt, &beside);
        self.data_to_store(&attempt.value, save.framework(), &head)
            .map_err(|error| error.on(Operation::UpdateItem, &self.table.name))
    }

    /// The body of an `UpdateItem`, or of a `PutItem` of the whole item with its `others`.
    // Not in line: what it needs would be a part of the future of every save.
    fn body_of(
        &self,
        save: &Save<'_>,
        attempt: &Attempt<'_>,
        stored: &StoredData<'_>,
        others: Option<&Vec<(String, String)>>,
    ) -> Bytes {
        let basis = &attempt.basis;
        let expiry_attributes = self.expiry_attributes();
        let names = self.names(&expiry_attributes);
        let beside = self.written_beside(save, basis);
        let head = save.head(attempt, &beside);
        let data = stored.data(basis.seal != Seal::Plain);
        let condition = Condition::Session(Demands {
            created: basis.created,
            state: basis.state(),
            not_after: (!save.sets_lifetime() && !basis.is_endless())
                .then_some(attempt.expires_secs),
            live: save.while_live.then(|| self.moment()),
            owner: None,
        });
        let Some(others) = others else {
            return request::write_session(names, head, data, condition);
        };
        let others = others.iter().map(|(name, value)| (&**name, &**value));
        request::put_item(names, head, data, others, condition)
    }

    /// Counts a merge, pauses, and gives up at the deadline.
    pub(super) async fn before_merge(
        &self,
        start: Duration,
        operation: Operation,
        merges: u32,
    ) -> Result<(), Error> {
        count(&self.client.counts().merge_retries);
        self.client.pause_to_merge(merges).await;
        if self.client.remaining(start).is_zero() {
            let message = "other requests kept changing the session until the deadline passed";
            return Err(Error::new(ErrorKind::Timeout, message).on(operation, &self.table.name));
        }
        Ok(())
    }

    /// The answer that has the item a write met: that of the write, or of a read where the engine does not return it.
    pub(super) async fn item_met(
        &self,
        start: Duration,
        answer: &Answer,
        key: &str,
    ) -> Result<Bytes, Error> {
        if self.seen(&answer.body, key)?.is_some() {
            Ok(answer.body.clone())
        } else {
            self.read_item(start, key).await
        }
    }

    pub(super) async fn read_item(&self, start: Duration, key: &str) -> Result<Bytes, Error> {
        let expiry_attributes = self.expiry_attributes();
        let body = request::get_item(self.names(&expiry_attributes), key, true);
        let answer = self.call_since(start, Operation::GetItem, body).await?;
        Ok(answer.body)
    }

    pub(super) fn seen<'a>(&self, answer: &'a [u8], key: &str) -> Result<Option<Seen<'a>>, Error> {
        let key = OwnKey {
            attribute: &self.table.partition_key,
            value: key,
        };
        Seen::read(answer, key, &self.expiry_attributes(), self.table.layout)
            .map_err(|error| undecodable(&error).on(Operation::GetItem, &self.table.name))
    }

    pub(super) fn met(seen: &Seen<'_>) -> Met {
        Met {
            created: seen.item.created_ms.map(from_epoch_ms),
            rev: seen.item.version.rev(),
            has_session: seen.has_session(),
            is_gone: seen.item.is_gone,
        }
    }

    pub(super) fn has_expired(&self, seen: &Seen<'_>) -> bool {
        !seen.item.is_gone && self.has_ended(&seen.item)
    }

    /// The state of an item that an earlier attempt of this save wrote.
    fn stamp_of(save: &Save<'_>, seen: &Seen<'_>) -> Stamp {
        let created = seen.item.created_ms.map(from_epoch_ms);
        let expires_at = seen.item.expires_ms.map(from_epoch_ms);
        let expires_at = expires_at.unwrap_or(expiry::from_secs(save.first().write.expires_secs));
        Stamp::new(created, expires_at)
    }
}

impl<'a> Save<'a> {
    pub(super) fn first(&self) -> &Change<'a> {
        self.changes.first().expect("a save has changes")
    }

    fn head<'h>(&'h self, attempt: &Attempt<'_>, beside: &'h [AttributeWrite<'h>]) -> ItemHead<'h> {
        ItemHead {
            id: self.key,
            expires_secs: attempt.expires_secs,
            created: attempt.basis.created.unwrap_or(self.first().write.created),
            rev: self.rev(&attempt.basis),
            beside,
        }
    }

    /// The framework whose expiry unit the session has.
    fn framework(&self) -> &'a Framework {
        self.first().framework
    }

    fn sets_lifetime(&self) -> bool {
        self.changes.iter().any(|change| change.sets_lifetime)
    }

    pub(super) fn rev(&self, basis: &Basis<'_>) -> Rev {
        match basis.version {
            Known::Rev(rev) => rev.next(self.name),
            _ => Rev::new(self.name),
        }
    }

    /// The `created` of an item that was written.
    pub(super) fn created_after(&self, basis: &Basis<'_>) -> Option<SystemTime> {
        // An item with a `rev` usually has a `created`, and keeps it although it is not known here.
        let had_none = matches!(basis.state(), State::Unversioned(_) | State::Odd { .. });
        let ours = || had_none.then_some(self.first().write.created);
        basis.created.or_else(ours)
    }

    /// The session after this attempt, which made this state.
    fn stamp(&self, attempt: &Attempt<'_>, version: Version) -> Stamp {
        let basis = &attempt.basis;
        let created = self.created_after(basis);
        let mut stamp = Stamp::new(created, expiry::from_secs(attempt.expires_secs));
        if attempt.is_as_seen {
            let mut calls = self.changes.iter();
            let has_others = basis
                .others
                .as_ref()
                .is_none_or(|others| !others.is_empty())
                || (!self.is_touch && calls.any(|change| change.write.sets_beside()));
            stamp.version = Version {
                has_others,
                ..version
            };
        }
        stamp
    }
}

pub(super) fn unknown(operation: Operation) -> Error {
    let message = format!(
        "it is not known whether an earlier attempt of this {operation} was executed, because the session has been \
         written several times since"
    );
    Error::new(ErrorKind::Timeout, message)
}

pub(super) fn undecodable(error: &ItemError) -> Error {
    let remedy = match error.kind {
        ItemErrorKind::UnknownKey => Some(Remedy::SetEncryptionKey),
        ItemErrorKind::Damaged => Some(Remedy::RestoreSealedSession),
        ItemErrorKind::Plaintext => Some(Remedy::AcceptPlainSessions),
        ItemErrorKind::TooLarge => Some(Remedy::StoreLess),
        _ => None,
    };
    let error = Error::new(kind_of(error), error.to_string());
    match remedy {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    }
}
