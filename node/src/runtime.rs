//! The thread that does the network's work for every store of the process.

#![deny(unsafe_code)]

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle};

static RUNTIME: OnceLock<Result<Handle, String>> = OnceLock::new();

/// Runs a task on the shared runtime, which starts with the first task and lives as long as the process.
///
/// One thread is enough: a call costs it some 20 µs, and a second one would cost every call a lock.
pub(crate) fn spawn<F>(task: F) -> Result<(), String>
where
    F: Future<Output = ()> + Send + 'static,
{
    let handle = RUNTIME.get_or_init(start).as_ref().map_err(String::clone)?;
    handle.spawn(task);
    Ok(())
}

fn start() -> Result<Handle, String> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the network runtime cannot start: {error}"))?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("dynamodb-session".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .map_err(|error| format!("the network thread cannot start: {error}"))?;
    Ok(handle)
}
