//! Verbs over all sessions of a table. They read every item of it, page by page.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::delete::TOMBSTONE;
use super::parallel::{Part, in_parallel};
use super::read::Found;
use super::{Inner, from_epoch_ms};
use crate::client::retry::Answer;
use crate::error::{Error, ErrorKind};
use crate::item::{
    self, DecodeSession, ItemError, ItemErrorKind, Scanned, ScannedItem, StateName, StoredItem,
    expiry,
};
use crate::observe::{Event, count};
use crate::remedy::Remedy;
use crate::request::{
    self, BATCH, BatchPart, Condition, Moment, Operation, ScanPage, Tombstone, Wanted,
};
use crate::seal::{KeyId, Keys};
use crate::session::{Page, PageToken};
use crate::table::config::TableConfig;

/// How many times in a row the table may lack capacity before a verb gives up.
pub(super) const PATIENCE: u32 = 8;

/// A page of a scan without its sessions: how many there are, and what was wanted of each.
pub(super) struct Outline<T> {
    count: u64,
    pub(super) items: Vec<T>,
}

/// All pages of a scan, one after the other.
pub(super) struct Pages<'a> {
    inner: &'a Inner,
    wanted: Wanted,
    after: Option<String>,
    is_done: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn new(inner: &'a Inner, wanted: Wanted) -> Self {
        Self {
            inner,
            wanted,
            after: None,
            is_done: false,
        }
    }

    pub(super) async fn next<T>(
        &mut self,
        read: impl Fn(ScannedItem<'_>) -> Result<T, ItemError>,
    ) -> Result<Option<Outline<T>>, Error> {
        if self.is_done {
            return Ok(None);
        }
        let body = self.inner.scan_body(self.wanted, self.after.as_deref());
        let answer = self.inner.call_patiently(Operation::Scan, body).await?;
        let outline = || {
            let Scanned { items, count, last } = Scanned::parse(&answer.body)?;
            let items = items.into_iter().map(read).collect::<Result<_, _>>()?;
            let last = last.map(|item| self.inner.key_of(item)).transpose()?;
            Ok((Outline { count, items }, last))
        };
        let (outline, last) =
            outline().map_err(|error| self.inner.undecodable(Operation::Scan, &error))?;
        self.is_done = last.is_none();
        self.after = last;
        Ok(Some(outline))
    }
}

impl Inner {
    /// The sessions of one page.
    pub(crate) async fn list<T: DecodeSession>(
        &self,
        after: Option<&PageToken>,
    ) -> Result<Page<T>, Error> {
        let after = after.map(|token| token.key.as_str());
        let body = self.scan_body(Wanted::Live, after);
        self.keys_ready(Operation::Scan).await?;
        let answer = self.call(Operation::Scan, body).await?;
        self.know_keys_in(&answer).await?;
        self.page_in(&answer)
            .map_err(|error| self.undecodable(Operation::Scan, &error))
    }

    pub(crate) async fn count(&self) -> Result<u64, Error> {
        let mut count = 0;
        let mut pages = Pages::new(self, Wanted::LiveCount);
        while let Some(page) = pages.next(|_| Ok(())).await? {
            count += page.count;
        }
        Ok(count)
    }

    pub(crate) async fn clear(&self) -> Result<u64, Error> {
        let mut deleted = 0;
        let mut pages = Pages::new(self, Wanted::Replaced);
        while let Some(page) = pages.next(|item| self.tombstone_of(item)).await? {
            deleted += self.write_all(page.items).await?;
        }
        Ok(deleted)
    }

    pub(crate) async fn clear_with_tombstones(&self) -> Result<u64, Error> {
        let mut deleted = 0;
        let mut pages = Pages::new(self, Wanted::Keys);
        let expiry_attributes = self.expiry_attributes();
        let names = self.names(&expiry_attributes);
        let delete = |item: ScannedItem<'_>| Ok(BatchPart::delete(names, self.key_of(item)?));
        while let Some(page) = pages.next(delete).await? {
            deleted += self.write_all(page.items).await?;
        }
        Ok(deleted)
    }

    pub(crate) async fn delete_expired(&self) -> Result<u64, Error> {
        let mut deleted = 0;
        let mut pages = Pages::new(self, Wanted::ExpiredKeys);
        while let Some(page) = pages.next(|item| self.key_of(item)).await? {
            deleted += self.delete_those_expired(page.items).await?;
        }
        Ok(deleted)
    }

    fn scan_body(&self, wanted: Wanted, after: Option<&str>) -> Bytes {
        let is_of_expired = wanted == Wanted::ExpiredKeys;
        let page = ScanPage {
            wanted,
            prefix: &self.table.prefix,
            moment: if is_of_expired {
                self.moment_of_sweep()
            } else {
                self.moment()
            },
            now: self.clock.now(),
            consistent_read: match wanted {
                // The delete of an expired item checks the expiry again.
                Wanted::ExpiredKeys => false,
                // What is deleted by it cannot be brought back.
                Wanted::Sealed => true,
                _ => self.table.consistent_read,
            },
            after,
        };
        request::scan(self.names(&self.expiry_attributes()), page)
    }

    /// When a session has been expired for so long that no request can land any more that was sent before its end.
    fn moment_of_sweep(&self) -> Moment {
        let Moment { now, too_old } = self.moment();
        let earlier = |time: SystemTime| time.checked_sub(TOMBSTONE).unwrap_or(UNIX_EPOCH);
        Moment {
            now: earlier(now),
            too_old: too_old.map(earlier),
        }
    }

    pub(super) fn key_of(&self, item: ScannedItem<'_>) -> Result<String, ItemError> {
        item.key(&self.table.partition_key)
    }

    /// A tombstone in the place of a session.
    fn tombstone_of(&self, item: ScannedItem<'_>) -> Result<BatchPart, ItemError> {
        let expiry_attributes = self.expiry_attributes();
        let TableConfig {
            partition_key,
            layout,
            ..
        } = &self.table;
        let stored: StoredItem<IgnoredAny> =
            item.read(partition_key, &expiry_attributes, *layout)?;
        let tombstone = Tombstone {
            id: &self.key_of(item)?,
            expires_secs: expiry::to_secs(self.clock.now() + TOMBSTONE),
            gone: StateName::random(),
            created: stored.created_ms.map(from_epoch_ms),
            rev: stored.version.rev(),
        };
        let names = self.names(&expiry_attributes);
        Ok(request::batch_tombstone(names, &tombstone))
    }

    fn undecodable(&self, operation: Operation, error: &ItemError) -> Error {
        let error = match error.kind {
            ItemErrorKind::NoKey => Error::other_key(&error.to_string()),
            _ => Error::new(ErrorKind::Decode, error.to_string()),
        };
        error.on(operation, &self.table.name)
    }

    /// Asks for the keys that sessions of this page name, as far as they are not known.
    async fn know_keys_in(&self, answer: &Answer) -> Result<(), Error> {
        // Those of a list are known already, or not there.
        if self.sealing.keys.as_ref().is_none_or(Keys::are_fixed) {
            return Ok(());
        }
        let keys: BTreeSet<KeyId> = {
            let page = Scanned::parse(&answer.body)
                .map_err(|error| self.undecodable(Operation::Scan, &error))?;
            let expiry_attributes = self.expiry_attributes();
            let TableConfig {
                partition_key,
                layout,
                ..
            } = &self.table;
            let items = page.items.into_iter();
            // Those that cannot be read are counted later.
            let items = items.filter_map(|item| {
                item.read::<IgnoredAny>(partition_key, &expiry_attributes, *layout)
                    .ok()
            });
            items
                .flat_map(|item| item.sealing_keys())
                .flatten()
                .collect()
        };
        for key in keys {
            self.know_keys([Some(key), None], Operation::Scan).await?;
        }
        Ok(())
    }

    fn page_in<T: DecodeSession>(&self, answer: &Answer) -> Result<Page<T>, ItemError> {
        let Scanned { items, last, .. } = Scanned::parse(&answer.body)?;
        let partition_key = &self.table.partition_key;
        let expiry_attributes = self.expiry_attributes();
        let mut page = Page {
            sessions: Vec::with_capacity(items.len()),
            unreadable: 0,
            next: match last {
                Some(last) => Some(PageToken::new(last.key(partition_key)?)),
                None => None,
            },
        };
        for item in items {
            let key = match item.key(partition_key) {
                Err(error) if error.kind == ItemErrorKind::NoKey => return Err(error),
                key => key.ok(),
            };
            let id = key.as_deref().and_then(|key| self.listed(key));
            let stored = item.read(partition_key, &expiry_attributes, self.table.layout);
            let stored = stored.and_then(|stored: StoredItem<T>| {
                if self.has_ended(&stored) {
                    return Ok(stored);
                }
                let keys = stored.sealing_keys();
                let opened = stored.open(key.as_deref().unwrap_or_default(), &self.sealing)?;
                self.client.counts().add_sealed(keys);
                Ok(opened)
            });
            let (found, is_other) = match (id, stored) {
                (Some((id, is_other)), Ok(stored)) => (self.found(id, stored), is_other),
                _ => (Found::Unreadable, false),
            };
            match found {
                Found::Session(mut loaded) => {
                    loaded.version.has_other_key = is_other;
                    page.sessions.push(loaded);
                }
                Found::Ended => {}
                Found::Unreadable => {
                    page.unreadable += 1;
                    if let Some(key) = key {
                        self.report_unreadable(&key);
                    }
                }
            }
        }
        Ok(page)
    }

    /// Makes a call, and repeats it while the table lacks capacity. Giving up would lose the progress of the verb.
    pub(super) async fn call_patiently(
        &self,
        operation: Operation,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let mut refused = 0;
        loop {
            match self.call(operation, body.clone()).await {
                Err(error) if error.kind() == ErrorKind::Throttled && refused < PATIENCE => {
                    self.client.back_off(refused).await;
                    refused += 1;
                }
                result => return result,
            }
        }
    }

    /// Writes these parts, and returns how many there are.
    async fn write_all(&self, mut parts: Vec<BatchPart>) -> Result<u64, Error> {
        let count = parts.len() as u64;
        while !parts.is_empty() {
            let rest = parts.split_off(parts.len().min(BATCH));
            self.write_batch(parts).await?;
            parts = rest;
        }
        Ok(count)
    }

    /// Writes these parts, at most [`BATCH`]. Repeats those that the service has not processed.
    async fn write_batch(&self, mut left: Vec<BatchPart>) -> Result<(), Error> {
        let mut rounds = 0;
        let mut fruitless = 0;
        loop {
            let body = request::batch_write(self.names(&self.expiry_attributes()), &left);
            let answer = self.call_patiently(Operation::BatchWriteItem, body).await?;
            let undone = item::unprocessed(&answer.body, &self.table.partition_key)
                .map_err(|error| self.undecodable(Operation::BatchWriteItem, &error))?;
            if undone.is_empty() {
                return Ok(());
            }
            count(&self.client.counts().throttles);
            self.client.emit(|| Event::Throttled {
                operation: Operation::BatchWriteItem,
                code: "UnprocessedItems".to_owned(),
            });
            fruitless = if undone.len() < left.len() {
                0
            } else {
                fruitless + 1
            };
            if fruitless > PATIENCE {
                return Err(self.exhausted(undone.len(), fruitless));
            }
            self.client.back_off(rounds).await;
            rounds += 1;
            left.retain(|part| undone.contains(&part.key));
        }
    }

    fn exhausted(&self, undone: usize, rounds: u32) -> Error {
        let message = format!("the service did none of {undone} writes, asked {rounds} times");
        Error::new(ErrorKind::Throttled, message)
            .with_remedy(Remedy::RaiseWriteCapacity)
            .on(Operation::BatchWriteItem, &self.table.name)
    }

    /// Deletes the items that are still expired, and returns their number.
    async fn delete_those_expired(&self, keys: Vec<String>) -> Result<u64, Error> {
        let mut deleted = 0;
        let deletes = keys.into_iter().map(|key| -> Part<'_, bool> {
            // It returns whether it deleted an item.
            Box::pin(self.delete_if_expired(key))
        });
        in_parallel(deletes, |was_deleted| deleted += u64::from(was_deleted)).await?;
        Ok(deleted)
    }

    async fn delete_if_expired(&self, key: String) -> Result<bool, Error> {
        let condition = Condition::Expired {
            moment: self.moment_of_sweep(),
            now: self.clock.now(),
        };
        let expiry_attributes = self.expiry_attributes();
        let body = request::delete_item(self.names(&expiry_attributes), &key, condition);
        let answer = self.call_patiently(Operation::DeleteItem, body).await?;
        if !answer.condition_failed {
            return Ok(true);
        }
        // Where there is no item any more, an earlier attempt has deleted it.
        Ok(answer.attempts > 1 && self.seen(&answer.body, &key)?.is_none())
    }
}
