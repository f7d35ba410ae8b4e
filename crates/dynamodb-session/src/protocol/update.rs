//! Writing a session that was loaded: by `UpdateItem`, or by `PutItem` where that is not possible.

use std::sync::atomic::Ordering::Relaxed;

use super::write::{Gone, Outcome, PreparedWrite};
use super::{Inner, from_epoch_ms};
use crate::client::retry::Answer;
use crate::error::{Error, ErrorKind};
use crate::framework::{Framework, is_touch_due};
use crate::item::{Changes, EncodeSession, expiry};
use crate::observe::{Event, count, id_hash};
use crate::options::ParallelChanges;
use crate::request::{self, Condition, ItemHead, Operation};
use crate::session::{Loaded, SaveOutcome, Stamp};

impl Inner {
    /// Writes the fields that differ from the loaded session. As a touch, only those of the expiry unit.
    pub(super) async fn update<B: EncodeSession + Sync>(
        &self,
        loaded: &Loaded<B>,
        write: &PreparedWrite,
        framework: &Framework,
        condition: Condition,
        is_touch: bool,
    ) -> Result<Outcome, Error> {
        let changes = write
            .session
            .changes_since(&loaded.data, framework)
            .transpose()
            .map_err(|error| {
                Error::new(ErrorKind::Decode, error.to_string())
                    .on(Operation::UpdateItem, &self.table.name)
            })?;
        let changed = changes.as_ref();
        let moves_expiry_only = changed.is_some_and(|changes| {
            if is_touch {
                changes.keeps_settings
            } else {
                changes.moves_expiry_only()
            }
        });
        if moves_expiry_only
            && !loaded.is_foreign
            && let Some(stamp) = self.skipped_touch(loaded, write.expires_secs)
        {
            return Ok(Ok(stamp));
        }
        // A framework saves unchanged sessions to extend them. That counts as a touch, which never revives an expired one.
        let is_touch_by_save = changed.is_some_and(Changes::is_of_expiry);
        let condition = if is_touch_by_save && !framework.expiry().is_empty() {
            condition.while_live(self.moment())
        } else {
            condition
        };
        // A session that is one string can only be written whole.
        let (changes, is_whole) = (
            changes.unwrap_or_default(),
            self.table.layout.is_written_whole(),
        );
        let changes = if is_touch {
            if is_whole {
                return self.move_expiry(write, condition).await;
            }
            changes.of_expiry()
        } else if is_whole || self.table.parallel_changes == ParallelChanges::Overwrite {
            return self.replace(write, condition).await;
        } else {
            changes
        };
        if loaded.is_foreign {
            let Some(unstamped) = condition.unstamped() else {
                return self.replace(write, condition).await;
            };
            if self.replace(write, unstamped).await?.is_ok() {
                return Ok(Ok(write.stamp(Some(write.created))));
            }
            // The condition failed: the session is gone, or a parallel write has rewritten it in our layout. In the second
            // case, the changes of that write must stay.
        }
        if self.update_denied.load(Relaxed) {
            return self.put_guarded(write, condition).await;
        }
        self.merge(write, &changes, condition).await
    }

    /// Moves the expiry alone.
    async fn move_expiry(
        &self,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Outcome, Error> {
        let ttl_attribute = self.ttl_attribute();
        let names = self.names(&ttl_attribute);
        let body = request::move_expiry(names, &write.key, write.expires_secs, condition);
        match self.call(Operation::UpdateItem, body).await {
            Ok(answer) => Ok(updated(&answer, write.stamp(condition.created()))),
            Err(error) => self.instead_of_update(error, write, condition).await,
        }
    }

    /// Writes the changes, in one request or more.
    async fn merge(
        &self,
        write: &PreparedWrite,
        changes: &Changes<'_>,
        mut condition: Condition,
    ) -> Result<Outcome, Error> {
        let ttl_attribute = self.ttl_attribute();
        let requests = |condition| {
            request::merge_session(self.names(&ttl_attribute), write.head(), changes, condition)
        };
        let mut bodies = requests(condition);
        let mut sent = 0;
        while let Some(body) = bodies.get(sent) {
            let answer = match self.call(Operation::UpdateItem, body.clone()).await {
                Ok(answer) if answer.condition_failed => return Ok(Err(GONE)),
                Ok(answer) => answer,
                Err(error) => return self.instead_of_update(error, write, condition).await,
            };
            sent += 1;
            if condition.created().is_none()
                && let Some(created) = self.created_in(&answer, &write.key)
            {
                // The remaining requests are for the same session.
                condition = condition.stamped(created);
                if sent < bodies.len() {
                    bodies = requests(condition);
                }
            }
        }
        Ok(Ok(write.stamp(condition.created())))
    }

    /// Writes the whole session.
    pub(super) async fn replace(
        &self,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Outcome, Error> {
        if self.update_denied.load(Relaxed) {
            return self.put_guarded(write, condition).await;
        }
        let ttl_attribute = self.ttl_attribute();
        let names = self.names(&ttl_attribute);
        let body = request::replace_session(names, write.head(), &write.session, condition);
        match self.call(Operation::UpdateItem, body).await {
            Ok(answer) => Ok(updated(&answer, write.stamp(condition.created()))),
            Err(error) => self.instead_of_update(error, write, condition).await,
        }
    }

    /// Falls back to `PutItem` if `UpdateItem` is not allowed, as under a policy made for the legacy package, or if the
    /// stored session is not a map, so that its fields cannot be set.
    async fn instead_of_update(
        &self,
        error: Error,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Outcome, Error> {
        let is_denied = error.kind() == ErrorKind::AccessDenied;
        // An item that became too large is not written whole: that would drop the changes of other requests.
        let is_cured_by_put =
            error.code() == Some("ValidationException") && error.kind() != ErrorKind::ItemTooLarge;
        if !is_denied && !is_cured_by_put {
            return Err(error);
        }
        let written = self.put_guarded(write, condition).await?;
        // Only now: credentials that are refused everything must not turn updates off for good.
        if is_denied && !self.update_denied.swap(true, Relaxed) {
            self.client.emit(|| Event::UpdateDenied);
        }
        Ok(written)
    }

    async fn put_guarded(
        &self,
        write: &PreparedWrite,
        condition: Condition,
    ) -> Result<Outcome, Error> {
        const GONE: Gone = Gone {
            operation: Operation::PutItem,
        };
        let put = async |head: ItemHead<'_>, condition| {
            let ttl_attribute = self.ttl_attribute();
            let names = self.names(&ttl_attribute);
            let body = request::put_copy_of_item(names, head, &write.session, Some(condition));
            self.call(Operation::PutItem, body).await
        };
        let mut head = write.head();
        let written = |answer: &Answer, head: ItemHead<'_>| {
            if answer.condition_failed {
                Err(GONE)
            } else {
                Ok(write.stamp(Some(head.created)))
            }
        };
        let Some(unstamped) = condition.unstamped() else {
            head.created = condition.created().unwrap_or(head.created);
            return Ok(written(&put(head, condition).await?, head));
        };
        let answer = put(head, unstamped).await?;
        if !answer.condition_failed {
            return Ok(written(&answer, head));
        }
        // A parallel write may have added `created`. Other requests may have loaded it since, so it must stay.
        let there = self.met(&answer, &write.key).await?;
        let Some(created_ms) = there.and_then(|there| there.created_ms) else {
            return Ok(Err(GONE));
        };
        head.created = from_epoch_ms(created_ms);
        let answer = put(head, condition.stamped(head.created)).await?;
        Ok(written(&answer, head))
    }

    /// The state of the session if its touch is not due, because it would move the expiry by too little.
    pub(super) fn skipped_touch<B>(&self, loaded: &Loaded<B>, expires_secs: u64) -> Option<Stamp> {
        let expires_at = expiry::from_secs(expires_secs);
        let was = loaded.expires_at?;
        let is_due = is_touch_due(self.clock.now(), was, expires_at, self.table.touch_after);
        (!is_due).then(|| {
            count(&self.client.counts().skipped_touches);
            Stamp {
                created: loaded.created,
                expires_at: was,
            }
        })
    }

    /// The result of a write to the session of this key. Counts and reports a write that was dropped.
    pub(super) fn settled(&self, key: &str, outcome: Outcome) -> SaveOutcome {
        match outcome {
            Ok(stamp) => SaveOutcome::Saved(stamp),
            Err(Gone { operation }) => {
                count(&self.client.counts().conflicts);
                self.client.emit(|| Event::Conflict {
                    id_hash: id_hash(key),
                    operation,
                });
                SaveOutcome::Gone
            }
        }
    }
}

const GONE: Gone = Gone {
    operation: Operation::UpdateItem,
};

pub(super) fn updated(answer: &Answer, stamp: Stamp) -> Outcome {
    if answer.condition_failed {
        Err(GONE)
    } else {
        Ok(stamp)
    }
}
