//! How the expiry of a session is moved. A touch keeps the state that it meets: its `rev` stays.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use super::rules::{self, Next};
use super::save::undecodable;
use super::write::{Gone, Outcome};
use super::{Inner, from_epoch_ms};
use crate::error::{Error, ErrorKind};
use crate::framework::{Framework, is_touch_due};
use crate::item::{Changes, EncodedSession, ExpiryUnit, Known, Seen, Version, expiry};
use crate::observe::count;
use crate::request::{self, Condition, Demands, Operation, State, TouchData};
use crate::seal::Seal;
use crate::session::{Loaded, Stamp};

/// A touch under way.
pub(super) struct Touch<'a> {
    pub(super) key: &'a str,
    pub(super) expires_secs: u64,
    pub(super) created: Option<SystemTime>,
    /// The attribute that holds the session.
    pub(super) attribute: &'static str,
    /// The fields of the session that say when it ends.
    pub(super) fields: Option<Fields<'a>>,
    pub(super) start: Duration,
}

/// The expiry unit of a session that is touched.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) session: &'a EncodedSession,
    pub(super) changes: &'a Changes<'a>,
    pub(super) framework: &'a Framework,
}

impl Inner {
    /// Moves the expiry of a session that was loaded in this state; `None` where that takes a save: `UpdateItem` is not
    /// allowed, the state is not known, or the data are not sealed as this store seals them.
    pub(super) async fn touch_from(
        &self,
        touch: &Touch<'_>,
        version: Version,
    ) -> Result<Option<Outcome>, Error> {
        let gone = Ok(Some(Err(Gone {
            operation: Operation::UpdateItem,
            may_be_written: false,
        })));
        let (mut created, mut version) = (touch.created, version);
        let mut attribute = touch.attribute;
        let mut expires_secs = touch.expires_secs;
        let mut whole = self.whole_text(touch, version);
        let mut merges = 0;
        loop {
            if !self.can_touch(touch, version, attribute) {
                return Ok(None);
            }
            let state = match version.known {
                Known::Rev(rev) => State::Rev { rev, attribute },
                Known::Unversioned => State::NoRev { attribute },
                // Its fields may be older than what is stored.
                Known::Nothing if touch.fields.is_some() => return Ok(None),
                Known::Nothing => State::NotSealed,
            };
            let condition = Condition::Session(Demands {
                created,
                state,
                not_after: Some(expires_secs),
                live: Some(self.moment()),
                owner: None,
            });
            let expiry_attributes = self.expiry_attributes();
            let names = self.names(&expiry_attributes);
            let unit = match (version.seal, created) {
                (Seal::Plain, _) => None,
                // A sealed session is bound to its `created`.
                (_, None) => return Ok(None),
                (_, Some(created)) => {
                    let changes = touch.fields.map(|fields| fields.changes);
                    Some(self.sealed_unit(touch.key, changes, created, expires_secs)?)
                }
            };
            let data = match (&unit, &whole) {
                (Some(unit), _) => TouchData::Unit(unit),
                (None, Some(text)) => TouchData::Whole(text),
                (None, None) => TouchData::Fields(self.fields_of(touch)),
            };
            let body = request::touch_session(names, touch.key, expires_secs, &data, condition);
            if touch.fields.is_some() && self.is_update_denied() {
                return Ok(None);
            }
            let call = self.call_since(touch.start, Operation::UpdateItem, body);
            let answer = match call.await {
                Err(error) if error.kind() == ErrorKind::AccessDenied && touch.fields.is_some() => {
                    return Ok(None);
                }
                answer => answer?,
            };
            if !answer.condition_failed {
                let mut stamp = Stamp::new(created, expiry::from_secs(expires_secs));
                // What another request has written is stored, and the application has not seen it.
                if merges == 0 {
                    stamp.version = version;
                }
                return Ok(Some(Ok(stamp)));
            }
            let item = self.item_met(touch.start, &answer, touch.key).await?;
            let Some(seen) = self.seen(&item, touch.key)? else {
                return gone;
            };
            let met = Self::met(&seen);
            let has_expired = self.has_expired(&seen);
            // The session that is there can end earlier than was known.
            expires_secs = self.expiry_secs(expiry::from_secs(touch.expires_secs), met.created);
            let extended = if met.has_session && !has_expired {
                self.know_keys_of(&seen, Operation::UpdateItem).await?;
                self.is_touched(touch, expires_secs, &seen)?
            } else {
                None
            };
            // A session that was loaded without a `created` is the one that the first answer shows.
            let of = touch.created.or(created);
            match rules::after_touch(of, Some(met), has_expired, extended.is_some()) {
                Next::Again => {
                    (created, version) = (met.created, seen.item.version);
                    attribute = seen.session_attribute();
                    version.seal = seen.seal();
                    version.has_unit = self.has_unit(touch, &seen)?;
                    whole = self.whole_text_on(touch, &seen)?;
                }
                Next::Written => {
                    let expires_at = extended.unwrap_or(expiry::from_secs(expires_secs));
                    return Ok(Some(Ok(Stamp::new(met.created, expires_at))));
                }
                Next::Gone | Next::Unknown => return gone,
            }
            self.before_merge(touch.start, Operation::UpdateItem, merges)
                .await?;
            merges += 1;
        }
    }

    /// The expiry of a session that is not to be touched any more: another request has extended it as far, or has set
    /// how long it lives.
    fn is_touched(
        &self,
        touch: &Touch<'_>,
        expires_secs: u64,
        seen: &Seen<'_>,
    ) -> Result<Option<SystemTime>, Error> {
        let Some(stored) = seen.item.expires_ms.map(from_epoch_ms) else {
            return Ok(None);
        };
        if stored >= expiry::from_secs(expires_secs) {
            return Ok(Some(stored));
        }
        let Some(fields) = touch.fields else {
            return Ok(None);
        };
        let has_settings = seen
            .stored_session(touch.key, &self.sealing, self.written_form())
            .and_then(|stored| {
                stored.has_settings_of(fields.session, fields.changes, fields.framework)
            })
            .map_err(|error| undecodable(&error).on(Operation::UpdateItem, &self.table.name))?;
        Ok((!has_settings).then_some(stored))
    }

    /// The fields that a touch writes. One string cannot be written field by field.
    fn fields_of<'a>(&self, touch: &Touch<'a>) -> &'a [(String, Option<Cow<'a, str>>)] {
        let fields = touch.fields.filter(|_| !self.written_form().is_whole());
        fields.map_or(&[], |fields| &fields.changes.expiry)
    }

    /// Whether a touch of a session in this state, in this attribute, can leave the data as they are.
    fn can_touch(&self, touch: &Touch<'_>, version: Version, attribute: &str) -> bool {
        if version.seal == Seal::Plain {
            // Only the session's type knows what bytes of another package mean: a touch without it cannot seal them.
            let is_unknown = touch.fields.is_none() && self.table.layout.has_bytes_in(attribute);
            let must_stay = is_unknown && !self.sealing.refuses_plain();
            return must_stay || self.sealing.keeps(Seal::Plain);
        }
        // A unit is written whole. Another framework's would be lost, and a new one would repeat fields of the data.
        self.sealing.keeps(version.seal)
            && !self.written_form().is_whole()
            && touch.fields.is_some() == version.has_unit
    }

    /// Whether the session that a touch met has an expiry unit of its own.
    fn has_unit(&self, touch: &Touch<'_>, seen: &Seen<'_>) -> Result<bool, Error> {
        seen.has_unit(touch.key, &self.sealing)
            .map_err(|error| undecodable(&error).on(Operation::UpdateItem, &self.table.name))
    }

    /// The session that a touch writes because its expiry cannot be written by itself. Only with a `rev` is it known
    /// not to undo another write.
    fn whole_text<'a>(&self, touch: &Touch<'a>, version: Version) -> Option<Cow<'a, str>> {
        let Fields {
            session, changes, ..
        } = self
            .fields_in_text(touch, version)
            .filter(|fields| !fields.changes.is_partial)?;
        let text = session.on_loaded(changes).map(Cow::Owned);
        Some(text.unwrap_or(Cow::Borrowed(session.attribute_value())))
    }

    /// The same of the session that a touch met.
    fn whole_text_on<'a>(
        &self,
        touch: &Touch<'a>,
        seen: &Seen<'_>,
    ) -> Result<Option<Cow<'a, str>>, Error> {
        let Some(fields) = self.fields_in_text(touch, seen.item.version) else {
            return Ok(None);
        };
        let stored = seen.stored_session(touch.key, &self.sealing, self.written_form());
        let text = stored.and_then(|stored| {
            stored.with_changes(fields.session, fields.changes, ExpiryUnit::Ours)
        });
        text.map(|text| Some(Cow::Owned(text)))
            .map_err(|error| undecodable(&error).on(Operation::UpdateItem, &self.table.name))
    }

    fn fields_in_text<'a>(&self, touch: &Touch<'a>, version: Version) -> Option<Fields<'a>> {
        let is_written_whole = self.written_form().is_whole();
        touch
            .fields
            .filter(|_| is_written_whole && version.rev().is_some())
    }

    /// The state of a session whose touch is not worth a write, if it is not: it moves the expiry forward, and by
    /// little.
    pub(super) fn skipped_touch<B>(&self, loaded: &Loaded<B>, expires_secs: u64) -> Option<Stamp> {
        let expires_at = expiry::from_secs(expires_secs);
        let was = loaded.expires_at?;
        let is_due = is_touch_due(self.clock.now(), was, expires_at, self.table.touch_after);
        (!is_due).then(|| {
            count(&self.client.counts().skipped_touches);
            Stamp {
                version: loaded.version,
                ..Stamp::new(loaded.created, was)
            }
        })
    }
}
