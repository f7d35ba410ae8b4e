//! The thread that does the network's work for every store of the process.

#![deny(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::completion::Mailbox;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

static RUNTIME: OnceLock<Result<UnboundedSender<Task>, String>> = OnceLock::new();

thread_local! {
    static IS_RUNTIME: Cell<bool> = const { Cell::new(false) };
    /// Mailboxes with posts that nobody has been woken for yet.
    static UNTOLD: RefCell<Vec<Arc<Mailbox>>> = const { RefCell::new(Vec::new()) };
}

/// Runs a task on the shared runtime, which starts with the first store and lives as long as the process.
///
/// One thread is enough: a call costs it some 20 µs, and a second one would cost every call a lock. Tasks go
/// through a channel because only the first of a batch wakes the thread: Tokio's own `spawn` from another thread
/// makes a system call for every one.
pub(crate) fn spawn<F>(task: F) -> Result<(), String>
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = RUNTIME.get_or_init(start).as_ref().map_err(String::clone)?;
    tasks
        .send(Box::pin(task))
        .map_err(|_| "the network thread has ended".to_owned())
}

/// Starts the runtime, so that its thread is up by the time of the first task. The task is told of a failure.
pub(crate) fn prepare() {
    RUNTIME.get_or_init(start);
}

/// Has the mailbox's environment woken once this thread has nothing else to do, together with all that is posted
/// until then. `false` on any other thread than the runtime's.
pub(crate) fn wake_when_idle(mailbox: &Arc<Mailbox>) -> bool {
    let is_runtime = IS_RUNTIME.get();
    if is_runtime {
        UNTOLD.with_borrow_mut(|untold| {
            if !untold.iter().any(|other| Arc::ptr_eq(other, mailbox)) {
                untold.push(Arc::clone(mailbox));
            }
        });
    }
    is_runtime
}

fn wake_untold() {
    let untold = UNTOLD.take();
    for mailbox in &untold {
        mailbox.wake();
    }
}

fn start() -> Result<UnboundedSender<Task>, String> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .on_thread_park(wake_untold)
        .build()
        .map_err(|error| format!("the network runtime cannot start: {error}"))?;
    let (sender, receiver) = unbounded_channel();
    std::thread::Builder::new()
        .name("dynamodb-session".to_owned())
        .spawn(move || {
            IS_RUNTIME.set(true);
            runtime.block_on(run(receiver));
        })
        .map_err(|error| format!("the network thread cannot start: {error}"))?;
    Ok(sender)
}

async fn run(mut tasks: UnboundedReceiver<Task>) {
    while let Some(task) = tasks.recv().await {
        tokio::spawn(task);
    }
}
