//! Saves of one session in this process. While one is under way, the others wait. Then they go together, as one write.
//!
//! Without this, each would repeat until it is in: n changes would take up to n² writes.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Mutex as AsyncMutex, oneshot};

use super::Inner;
use super::merge::Written;
use super::prepare::Owner;
use super::prepare::PreparedWrite;
use super::save::{Change, Save, undecodable};
use super::write::Outcome;
use crate::error::{Error, ErrorKind};
use crate::framework::Framework;
use crate::item::{Changes, EncodeSession, Known, StateName};
use crate::remedy::Remedy;
use crate::request::Operation;
use crate::session::Loaded;

/// How many saves of a session may wait. Each holds its session in memory.
const MOST_WAITING: usize = 1000;

/// The sessions that are being saved, by their keys.
#[derive(Default)]
pub(crate) struct Queues(Mutex<HashMap<String, Queue>>);

/// The saves of one session.
struct Queue {
    /// The `created` of the session that all of them were loaded from.
    created: Option<SystemTime>,
    /// Whose session it was then.
    owner: Owner,
    /// Whether a write is under way. If not, the next one is about to begin.
    is_busy: bool,
    next: Option<Next>,
}

/// The write that follows the one under way.
struct Next {
    members: Vec<Member>,
    /// Lets it begin, from what the write before it has stored, if that is known.
    begin: Option<oneshot::Sender<Written>>,
    write: Arc<SharedWrite>,
}

/// A write of several saves. Whichever of them holds the lock drives it, so that one that is dropped does not stop the
/// others.
type SharedWrite = AsyncMutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>;

/// A save that waits. It owns what it needs, because its caller may go away.
struct Member {
    write: PreparedWrite,
    changes: Option<Changes<'static>>,
    framework: Framework,
    sets_lifetime: bool,
    created: Option<SystemTime>,
    start: Duration,
    answer: oneshot::Sender<Result<Outcome, Error>>,
}

/// How a save begins.
enum Entered<'a> {
    /// At once; others wait for it.
    Turn(Turn<'a>),
    /// At once, because another session of this id is being saved.
    Apart,
    Waits(Waiting<'a>),
}

/// A write under way, until it is dropped.
struct Turn<'a> {
    queues: &'a Queues,
    key: &'a str,
    written: Option<Written>,
}

/// The caller of a save that waits.
struct Waiting<'a> {
    queues: &'a Queues,
    key: &'a str,
    write: Arc<SharedWrite>,
    answer: oneshot::Receiver<Result<Outcome, Error>>,
}

impl Inner {
    /// Saves a session, after or together with the other saves of it in this process.
    pub(super) async fn save_in_turn<B: EncodeSession + Sync>(
        self: &Arc<Self>,
        loaded: &Loaded<B>,
        save: &Save<'_>,
    ) -> Result<Outcome, Error> {
        // The other errors name the request that failed.
        let not_sent = |error: Error| error.on(Operation::UpdateItem, &self.table.name);
        match self.queues.enter(self, save).map_err(not_sent)? {
            Entered::Turn(mut turn) => {
                let (outcome, attempt) = self.save_loaded(loaded, save).await?;
                if let Some(attempt) = attempt.filter(|_| turn.is_awaited()) {
                    turn.written = self.written(save, attempt);
                }
                Ok(outcome)
            }
            Entered::Apart => Ok(self.save_loaded(loaded, save).await?.0),
            Entered::Waits(mut waiting) => {
                let write = drive(&waiting.write);
                // The answer also tells whether the time was long enough.
                let _ = self.client.until_deadline(save.start, write).await;
                let answer = waiting.answer.try_recv();
                answer.unwrap_or_else(|_| Err(not_sent(waited())))
            }
        }
    }

    /// Writes what has come together by the time that the write before it ends.
    async fn save_together(self: Arc<Self>, key: String, begin: oneshot::Receiver<Written>) {
        let written = begin.await.ok();
        let (mut turn, members) = self.queues.close(&key);
        let changes: Vec<_> = members.iter().map(Member::change).collect();
        let Some(start) = members.iter().map(|member| member.start).max() else {
            return;
        };
        let created = members[0].created;
        let save = save_of(&key, &changes, created, start);
        let mut result = self.save_on(&save, written, &mut turn.written).await;
        if changes.len() > 1
            && let Err(error) = &result
            && is_of_content(error)
        {
            for member in members {
                let changes = [member.change()];
                let save = save_of(&key, &changes, created, member.start);
                let written = turn.written.take();
                result = self.save_on(&save, written, &mut turn.written).await;
                let _ = member.answer.send(result);
            }
            return;
        }
        for member in members {
            // An error means that its caller has gone.
            let _ = member.answer.send(result.clone());
        }
    }

    /// Saves on what this process has written, or on what is stored. `ends_with` becomes what it has written itself.
    async fn save_on(
        &self,
        save: &Save<'_>,
        written: Option<Written>,
        ends_with: &mut Option<Written>,
    ) -> Result<Outcome, Error> {
        let (outcome, attempt) = match written {
            Some(written) => {
                let attempt = self.on_written(save, written).map_err(|error| {
                    undecodable(&error).on(Operation::UpdateItem, &self.table.name)
                })?;
                self.save_from(save, attempt).await?
            }
            None => self.save_from_stored(save).await?,
        };
        *ends_with = attempt.and_then(|attempt| self.written(save, attempt));
        Ok(outcome)
    }
}

impl Queues {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter<'a>(&'a self, inner: &Arc<Inner>, save: &Save<'a>) -> Result<Entered<'a>, Error> {
        let key = save.key;
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(key) else {
            let queue = Queue {
                created: save.created,
                owner: save.first().write.owner,
                is_busy: true,
                next: None,
            };
            queues.insert(key.to_owned(), queue);
            return Ok(Entered::Turn(self.turn(key)));
        };
        if queue.created != save.created || queue.owner != save.first().write.owner {
            return Ok(Entered::Apart);
        }
        let next = queue.next.get_or_insert_with(|| Next::new(inner, key));
        if next.members.len() == MOST_WAITING {
            return Err(overloaded());
        }
        let (member, answer) = Member::new(save);
        next.members.push(member);
        Ok(Entered::Waits(Waiting {
            queues: self,
            key,
            write: Arc::clone(&next.write),
            answer,
        }))
    }

    /// Begins the next write. Whoever comes now waits for it.
    fn close<'a>(&'a self, key: &'a str) -> (Turn<'a>, Vec<Member>) {
        let mut queues = self.lock();
        let queue = queues.get_mut(key).expect("a write waits in its queue");
        queue.is_busy = true;
        let next = queue.next.take();
        let mut members = next.map_or_else(Vec::new, |next| next.members);
        members.retain(|member| !member.answer.is_closed());
        (self.turn(key), members)
    }

    fn turn<'a>(&'a self, key: &'a str) -> Turn<'a> {
        Turn {
            queues: self,
            key,
            written: None,
        }
    }
}

impl Next {
    fn new(inner: &Arc<Inner>, key: &str) -> Self {
        let (begin, begun) = oneshot::channel();
        let write = Arc::clone(inner).save_together(key.to_owned(), begun);
        Self {
            members: Vec::new(),
            begin: Some(begin),
            write: Arc::new(AsyncMutex::new(Some(Box::pin(write)))),
        }
    }
}

impl Member {
    fn new(save: &Save<'_>) -> (Self, oneshot::Receiver<Result<Outcome, Error>>) {
        let (answer, receiver) = oneshot::channel();
        let change = save.first();
        let member = Self {
            write: change.write.clone(),
            changes: change.changes.map(Changes::to_owned),
            framework: change.framework.clone(),
            sets_lifetime: change.sets_lifetime,
            created: save.created,
            start: save.start,
            answer,
        };
        (member, receiver)
    }

    fn change(&self) -> Change<'_> {
        Change {
            write: &self.write,
            changes: self.changes.as_ref(),
            framework: &self.framework,
            sets_lifetime: self.sets_lifetime,
        }
    }
}

impl Turn<'_> {
    fn is_awaited(&self) -> bool {
        let queues = self.queues.lock();
        queues
            .get(self.key)
            .is_some_and(|queue| queue.next.is_some())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queues = self.queues.lock();
        let Some(queue) = queues.get_mut(self.key) else {
            return;
        };
        queue.is_busy = false;
        let Some(next) = &mut queue.next else {
            queues.remove(self.key);
            return;
        };
        if let (Some(begin), Some(written)) = (next.begin.take(), self.written.take()) {
            // An error means that its callers have gone.
            let _ = begin.send(written);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.answer.close();
        let mut queues = self.queues.lock();
        let Some(queue) = queues.get_mut(self.key) else {
            return;
        };
        if let Some(next) = &mut queue.next
            && Arc::ptr_eq(&next.write, &self.write)
        {
            next.members.retain(|member| !member.answer.is_closed());
            if next.members.is_empty() {
                queue.next = None;
                if !queue.is_busy {
                    queues.remove(self.key);
                }
            }
        }
    }
}

fn save_of<'a>(
    key: &'a str,
    changes: &'a [Change<'a>],
    created: Option<SystemTime>,
    start: Duration,
) -> Save<'a> {
    Save {
        key,
        changes,
        created,
        is_touch: false,
        while_live: false,
        loaded: Known::Nothing,
        name: StateName::random(),
        start,
    }
}

async fn drive(write: &SharedWrite) {
    let mut write = write.lock().await;
    if let Some(future) = &mut *write {
        future.await;
        *write = None;
    }
}

/// Whether a write was refused because of what it writes. One call is not to fail because of another's session.
fn is_of_content(error: &Error) -> bool {
    error.kind() == ErrorKind::ItemTooLarge || error.code() == Some("ValidationException")
}

fn overloaded() -> Error {
    let message =
        format!("{MOST_WAITING} saves of this session wait already, so this one was not begun");
    Error::new(ErrorKind::Overloaded, message).with_remedy(Remedy::ReduceLoad)
}

fn waited() -> Error {
    let message = "the deadline passed while the save waited for other saves of the session";
    Error::new(ErrorKind::Timeout, message)
}

// A member holds session data.
impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queues").field(&self.lock().len()).finish()
    }
}
