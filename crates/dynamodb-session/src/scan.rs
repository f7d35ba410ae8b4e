//! Verbs over all sessions of a table: they look at every item in it, page by page.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::str::FromStr;
use std::task::Poll;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::client::retry::Answer;
use crate::client::wire::{self, BATCH, Condition, ScanPage, Wanted};
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::item::{self, ItemError, Scanned, ScannedItem, StoredItem};
use crate::record::{MAX_ID_BYTES, Record, SessionId};
use crate::request::Operation;
use crate::stats::count;
use crate::store::{Found, Inner, SessionStore};

/// How many deletes of expired items are under way at a time.
const PARALLEL_DELETES: usize = 8;

/// How often in a row the table may have no capacity at all before a verb gives up.
const PATIENCE: u32 = 8;

/// A part of the sessions in a table.
#[non_exhaustive]
pub struct Page<T> {
    /// The live sessions of this part, in no order. There can be none although more follow.
    pub records: Vec<Record<T>>,
    /// How many more live items of this part hold no session, or none that can be read as a `T`.
    pub unreadable: u64,
    /// Where the next part begins; `None` after the last one.
    pub next: Option<PageToken>,
}

// Session data is nobody's business but the application's.
impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("records", &self.records.len())
            .field("unreadable", &self.unreadable)
            .field("next", &self.next)
            .finish()
    }
}

/// Where a [`Page`] begins.
///
/// It has a text form, so that it can travel, and holds a session id: treat it as one. Its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct PageToken {
    /// The last key of the page before.
    key: String,
    text: String,
}

impl PageToken {
    fn new(key: String) -> Self {
        let text = URL_SAFE_NO_PAD.encode(&key);
        Self { key, text }
    }

    /// The text, of URL-safe characters, that parses to this token.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for PageToken {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] when it is not the text of a token.
    fn from_str(text: &str) -> Result<Self, Error> {
        let key = URL_SAFE_NO_PAD.decode(text).ok();
        key.and_then(|key| String::from_utf8(key).ok())
            .filter(|key| (1..=MAX_ID_BYTES).contains(&key.len()))
            .map(Self::new)
            .ok_or_else(|| {
                let message = "the page token is not one that a page came with";
                Error::new(ErrorKind::InvalidId, message)
            })
    }
}

impl fmt::Debug for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageToken(hidden)")
    }
}

impl SessionStore {
    /// The live sessions under this store's prefix, a part at a time: `None` for the first one, then what the
    /// part before has in [`next`](Page::next).
    ///
    /// A session that is stored, changed or deleted meanwhile may or may not be in a later part. Without a
    /// prefix, sessions of other prefixes are listed too, under their whole ids.
    ///
    /// # Errors
    ///
    /// What the service or the connection did. An item that cannot be read is counted in
    /// [`unreadable`](Page::unreadable) instead.
    ///
    /// # Cost
    ///
    /// 1 `Scan`, of up to 1 MB of items: 1 read capacity unit per started 4 KB of all of them, half of that
    /// when [`consistent_read`](crate::Builder::consistent_read) is off. All parts together read the whole
    /// table, whatever the prefix: see
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html>.
    pub async fn list<T: DeserializeOwned>(
        &self,
        after: Option<&PageToken>,
    ) -> Result<Page<T>, Error> {
        let inner = self.inner();
        let after = after.map(|token| token.key.as_str());
        let body = inner.scan_body(Wanted::Live, after);
        let answer = inner.call(Operation::Scan, body).await?;
        inner
            .page_in(&answer)
            .map_err(|error| inner.undecodable(Operation::Scan, &error))
    }

    /// How many live sessions there are under this store's prefix.
    ///
    /// Items that [`list`](Self::list) finds unreadable count as well.
    ///
    /// # Errors
    ///
    /// What the service or the connection did.
    ///
    /// # Cost
    ///
    /// That of [`list`](Self::list) for all parts: the read capacity units of the whole table.
    pub async fn count(&self) -> Result<u64, Error> {
        let mut count = 0;
        let mut pages = Pages::new(self.inner(), Wanted::LiveCount);
        while let Some(page) = pages.next().await? {
            count += page.count;
        }
        Ok(count)
    }

    /// Deletes every session under this store's prefix, expired or not. Returns how many.
    ///
    /// What counts as a session is an item with the attribute that holds session data, or with a number in
    /// the TTL attribute: other rows of a shared table stay. Without a prefix, that is every session in the
    /// table. One that is stored meanwhile may stay or go.
    ///
    /// # Errors
    ///
    /// What the service or the connection did; [`ErrorKind::Throttled`] when the table's capacity does not
    /// allow a single delete for several seconds. What was deleted by then is gone; calling again goes on.
    ///
    /// # Cost
    ///
    /// A [`list`](Self::list) of all parts, and 1 `BatchWriteItem` per 25 sessions: 1 write capacity unit per
    /// started KB of each session.
    pub async fn clear(&self) -> Result<u64, Error> {
        let inner = self.inner();
        let mut deleted = 0;
        let mut pages = Pages::new(inner, Wanted::Keys);
        while let Some(page) = pages.next().await? {
            for batch in page.keys.chunks(BATCH) {
                inner.delete_batch(batch).await?;
                deleted += batch.len() as u64;
            }
        }
        Ok(deleted)
    }

    /// Deletes the items under this store's prefix that have expired. Returns how many.
    ///
    /// `DynamoDB` does that by itself and free of charge where the table's TTL is on, within a few days:
    /// this is for tables where it is not. An item that is given a later expiry meanwhile stays.
    ///
    /// # Errors
    ///
    /// What the service or the connection did. What was deleted by then is gone; calling again goes on.
    ///
    /// # Cost
    ///
    /// A [`list`](Self::list) of all parts at half its cost, because no read needs to be consistent here, and
    /// 1 `DeleteItem` for each expired item: 1 write capacity unit per started KB of it.
    pub async fn delete_expired(&self) -> Result<u64, Error> {
        let inner = self.inner();
        let mut deleted = 0;
        let mut pages = Pages::new(inner, Wanted::ExpiredKeys);
        while let Some(page) = pages.next().await? {
            deleted += inner.delete_those_expired(page.keys).await?;
        }
        Ok(deleted)
    }
}

/// What a page of a scan has when it is not read as sessions.
struct Outline {
    count: u64,
    keys: Vec<String>,
}

/// All pages of a scan, one after the other.
struct Pages<'a> {
    inner: &'a Inner,
    wanted: Wanted,
    after: Option<String>,
    is_done: bool,
}

impl<'a> Pages<'a> {
    fn new(inner: &'a Inner, wanted: Wanted) -> Self {
        Self {
            inner,
            wanted,
            after: None,
            is_done: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Outline>, Error> {
        if self.is_done {
            return Ok(None);
        }
        let body = self.inner.scan_body(self.wanted, self.after.as_deref());
        let answer = self.inner.call_patiently(Operation::Scan, body).await?;
        let key = |item: ScannedItem<'_>| item.key(&self.inner.table.partition_key);
        let read = || {
            let Scanned { items, count, last } = Scanned::parse(&answer.body)?;
            let keys = items.into_iter().map(key).collect::<Result<_, _>>()?;
            Ok((Outline { count, keys }, last.map(key).transpose()?))
        };
        let (outline, last) =
            read().map_err(|error| self.inner.undecodable(Operation::Scan, &error))?;
        self.is_done = last.is_none();
        self.after = last;
        Ok(Some(outline))
    }
}

/// A delete under way: whether it deleted.
type Delete<'a> = dyn Future<Output = Result<bool, Error>> + Send + 'a;

impl Inner {
    fn scan_body(&self, wanted: Wanted, after: Option<&str>) -> Bytes {
        let page = ScanPage {
            wanted,
            prefix: &self.table.prefix,
            moment: self.moment(),
            // Each delete of an expired item looks at it again.
            consistent_read: self.table.consistent_read && wanted != Wanted::ExpiredKeys,
            after,
        };
        wire::scan(self.names(&self.ttl_attribute()), page)
    }

    fn undecodable(&self, operation: Operation, error: &ItemError) -> Error {
        Error::new(ErrorKind::Decode, error.to_string()).on(operation, &self.table.name)
    }

    fn page_in<T: DeserializeOwned>(&self, answer: &Answer) -> Result<Page<T>, ItemError> {
        let Scanned { items, last, .. } = Scanned::parse(&answer.body)?;
        let partition_key = &self.table.partition_key;
        let ttl_attribute = self.ttl_attribute();
        let mut page = Page {
            records: Vec::with_capacity(items.len()),
            unreadable: 0,
            next: match last {
                Some(last) => Some(PageToken::new(last.key(partition_key)?)),
                None => None,
            },
        };
        for item in items {
            let id = item
                .key(partition_key)
                .ok()
                .and_then(|key| SessionId::new(key.strip_prefix(&self.table.prefix)?).ok());
            let found = match (id, item.read(&ttl_attribute, self.table.layout)) {
                (Some(id), Ok(stored)) => self.found(id, stored),
                _ => Found::Unreadable,
            };
            match found {
                Found::Session(record) => page.records.push(record),
                Found::Ended => {}
                Found::Unreadable => page.unreadable += 1,
            }
        }
        Ok(page)
    }

    /// Makes a call again while the table has no capacity for it: what has been done so far would be lost.
    async fn call_patiently(&self, operation: Operation, body: Bytes) -> Result<Answer, Error> {
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

    /// Deletes these keys, at most [`BATCH`], and comes back to those that the service leaves undone.
    async fn delete_batch(&self, keys: &[String]) -> Result<(), Error> {
        let mut left = keys.to_vec();
        let mut rounds = 0;
        let mut fruitless = 0;
        loop {
            let body = wire::delete_batch(self.names(&self.ttl_attribute()), &left);
            let answer = self.call_patiently(Operation::BatchWriteItem, body).await?;
            let undone = item::unprocessed(&answer.body, &self.table.partition_key)
                .map_err(|error| self.undecodable(Operation::BatchWriteItem, &error))?;
            if undone.is_empty() {
                return Ok(());
            }
            count(&self.client.counts().throttles);
            self.client.tell(|| Event::Throttled {
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
            left = undone;
        }
    }

    fn exhausted(&self, undone: usize, rounds: u32) -> Error {
        let message = format!("the service did none of {undone} deletes, asked {rounds} times");
        Error::new(ErrorKind::Throttled, message)
            .with_hint("the table's write capacity does not suffice: raise it, or call again later, which goes on")
            .on(Operation::BatchWriteItem, &self.table.name)
    }

    /// Deletes those of the items that are expired by now; returns how many.
    async fn delete_those_expired(&self, keys: Vec<String>) -> Result<u64, Error> {
        let mut keys = keys.into_iter();
        let mut running: Vec<Pin<Box<Delete<'_>>>> = Vec::with_capacity(PARALLEL_DELETES);
        let mut deleted = 0;
        let mut failure = None;
        loop {
            while failure.is_none()
                && running.len() < PARALLEL_DELETES
                && let Some(key) = keys.next()
            {
                running.push(Box::pin(self.delete_if_expired(key)));
            }
            if running.is_empty() {
                return failure.map_or(Ok(deleted), Err);
            }
            let done = poll_fn(|context| {
                for index in 0..running.len() {
                    if let Poll::Ready(done) = running[index].as_mut().poll(context) {
                        drop(running.swap_remove(index));
                        return Poll::Ready(done);
                    }
                }
                Poll::Pending
            });
            match done.await {
                Ok(was_deleted) => deleted += u64::from(was_deleted),
                // Those under way are waited for: a connection is not given up for nothing.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
    }

    async fn delete_if_expired(&self, key: String) -> Result<bool, Error> {
        let condition = Condition::Expired(self.moment());
        let ttl_attribute = self.ttl_attribute();
        let body = wire::delete_item(self.names(&ttl_attribute), &key, Some(condition));
        let answer = self.call_patiently(Operation::DeleteItem, body).await?;
        if !answer.condition_failed {
            return Ok(true);
        }
        // A second attempt whose first one got through meets nothing.
        let met: Option<StoredItem<IgnoredAny>> =
            self.item_in(&answer, "Item", &key).unwrap_or_default();
        Ok(answer.attempts > 1 && met.is_none())
    }
}
