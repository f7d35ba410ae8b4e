//! Calls under way: the promises that are not settled yet, and the guard that settles each of them.

#![deny(unsafe_code)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use napi::sys;

use crate::completion::{Mailbox, Outcome, Post};
use crate::failure::Failure;

/// The promises that are not settled yet, by call.
#[derive(Default)]
pub(crate) struct Pending {
    slots: Vec<Option<sys::napi_deferred>>,
    free: Vec<usize>,
    count: usize,
    /// Whether `count` fell to zero since the last call of [`Pending::became_idle`].
    emptied: bool,
}

impl Pending {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn insert(&mut self, deferred: sys::napi_deferred) -> usize {
        self.count += 1;
        if let Some(call) = self.free.pop() {
            self.slots[call] = Some(deferred);
            return call;
        }
        self.slots.push(Some(deferred));
        self.slots.len() - 1
    }

    pub(crate) fn remove(&mut self, call: usize) -> Option<sys::napi_deferred> {
        let deferred = self.slots.get_mut(call)?.take()?;
        self.free.push(call);
        self.count -= 1;
        self.emptied = self.count == 0;
        Some(deferred)
    }

    pub(crate) fn became_idle(&mut self) -> bool {
        std::mem::take(&mut self.emptied) && self.count == 0
    }
}

/// A call under way. It is settled by its outcome, or by a failure if its task is dropped before its end.
pub(crate) struct Unsettled {
    mailbox: Arc<Mailbox>,
    call: Option<usize>,
}

impl Unsettled {
    pub(crate) fn new(mailbox: &Arc<Mailbox>, call: usize) -> Self {
        Self {
            mailbox: Arc::clone(mailbox),
            call: Some(call),
        }
    }

    pub(crate) fn settle(mut self, outcome: Outcome) {
        if let Some(call) = self.call.take() {
            self.mailbox.post(Post::Settle { call, outcome });
        }
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            let message = "the network thread could not start: the process may have no file descriptors or \
                 threads left (`ulimit -n`, `ulimit -u`); the next call tries again";
            let outcome = Err(Failure::internal(message.to_owned()));
            self.mailbox.post(Post::Settle { call, outcome });
        }
    }
}

/// The outcome of the work. A panic becomes a failure.
pub(crate) async fn caught<F: Future<Output = Outcome>>(work: F) -> Outcome {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|_| {
            std::task::Poll::Ready(Err(Failure::internal(
                "the store's native part panicked".to_owned(),
            )))
        })
    })
    .await
}
