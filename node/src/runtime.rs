//! The thread that does the network I/O of all stores in the process.

#![deny(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Builder;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::completion::Mailbox;

/// Makes a future and spawns it, on the runtime's thread. The closure is much smaller than the future, and memory that
/// one thread allocates and another one frees is slow.
type Task = Box<dyn FnOnce() + Send>;

/// `None` before the first start. The channel is closed when a start has failed.
static RUNTIME: Mutex<Option<UnboundedSender<Task>>> = Mutex::new(None);

thread_local! {
    static IS_RUNTIME: Cell<bool> = const { Cell::new(false) };
    /// Mailboxes with posts whose environment has not been woken yet.
    static TO_WAKE: RefCell<Vec<Arc<Mailbox>>> = const { RefCell::new(Vec::new()) };
}

/// Runs a task on the shared runtime, which starts with the first store and lives as long as the process. If the
/// runtime cannot start, the task is dropped, and the next task tries again.
///
/// One thread is enough: it spends some 20 µs on a call, and with a second thread every call would need a lock.
/// Tasks go through a channel, where only the first task of a batch wakes the thread. Tokio's own `spawn` from
/// another thread makes a system call for every task.
pub(crate) fn spawn<T, F>(task: T)
where
    T: FnOnce() -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    // An unsent task is dropped after the lock is released, because its drop reports the end of the call.
    let unsent = send(Box::new(move || drop(tokio::spawn(task()))));
    drop(unsent);
}

/// Starts the runtime's thread early, so that it is ready for the first task.
pub(crate) fn prepare() {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if runtime.as_ref().is_none_or(UnboundedSender::is_closed) {
        *runtime = start();
    }
}

fn send(task: Task) -> Option<Task> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut unsent = task;
    if let Some(tasks) = &*runtime {
        match tasks.send(unsent) {
            Ok(()) => return None,
            Err(SendError(task)) => unsent = task,
        }
    }
    *runtime = start();
    match &*runtime {
        Some(tasks) => tasks.send(unsent).err().map(|SendError(task)| task),
        None => Some(unsent),
    }
}

/// Wakes the mailbox's environment as soon as this thread is idle, once for all posts until then.
///
/// Works only on the runtime's thread: on any other thread it does nothing and returns `false`.
pub(crate) fn wake_when_idle(mailbox: &Arc<Mailbox>) -> bool {
    let is_runtime = IS_RUNTIME.get();
    if is_runtime {
        TO_WAKE.with_borrow_mut(|mailboxes| {
            if !mailboxes.iter().any(|other| Arc::ptr_eq(other, mailbox)) {
                mailboxes.push(Arc::clone(mailbox));
            }
        });
    }
    is_runtime
}

fn wake_all() {
    for mailbox in &TO_WAKE.take() {
        mailbox.wake();
    }
}

fn start() -> Option<UnboundedSender<Task>> {
    // A worker thread that ends must not unmap the code that the new thread runs. On Linux the linker sees to it, and musl
    // never unmaps.
    #[cfg(not(target_os = "linux"))]
    napi::bindgen_prelude::retain_current_module_for_unload_safety();
    let (sender, receiver) = unbounded_channel();
    // It reads a variable of the environment, which this thread may do: JavaScript changes none meanwhile.
    let mut builder = Builder::new_current_thread();
    std::thread::Builder::new()
        .name("dynamodb-session".to_owned())
        .spawn(move || {
            IS_RUNTIME.set(true);
            // Building the runtime takes a quarter of a millisecond. Here the event loop does not wait for it.
            let runtime = builder.enable_all().on_thread_park(wake_all).build();
            match runtime {
                Ok(runtime) => runtime.block_on(run(receiver)),
                // The process has no file descriptors left. The tasks so far are dropped, and the next task starts
                // another thread.
                Err(_) => drop(receiver),
            }
            wake_all();
        })
        .ok()?;
    Some(sender)
}

async fn run(mut tasks: UnboundedReceiver<Task>) {
    while let Some(task) = tasks.recv().await {
        task();
    }
}
