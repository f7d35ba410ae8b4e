//! What a store has to tell, on its way to those JavaScript stores that listen.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dynamodb_session::{Event, Stats};
use serde_json::{Value, json};

use crate::completion::{Mailbox, Post};

/// Who listens to a store: stores of equal options share it, in every environment.
#[derive(Default)]
pub(crate) struct Listeners {
    listeners: Mutex<Vec<(Arc<Mailbox>, u32)>>,
    /// `UpdateItem` turned out not to be allowed, and nobody has been told.
    update_denied: AtomicBool,
}

impl Listeners {
    pub(crate) fn add(&self, mailbox: &Arc<Mailbox>, listener: u32) {
        self.lock().push((Arc::clone(mailbox), listener));
    }

    pub(crate) fn remove(&self, mailbox: &Arc<Mailbox>, listener: u32) {
        self.lock()
            .retain(|(other, number)| !(Arc::ptr_eq(other, mailbox) && *number == listener));
    }

    /// Whether this is the time to warn that `UpdateItem` is not allowed: once, whether or not anybody listens.
    pub(crate) fn take_update_denied(&self) -> bool {
        self.update_denied.load(Relaxed) && self.update_denied.swap(false, Relaxed)
    }

    pub(crate) fn tell(&self, event: &Event) {
        if *event == Event::UpdateDenied {
            self.update_denied.store(true, Relaxed);
        }
        let listeners = self.lock();
        if listeners.is_empty() {
            return;
        }
        let Some(line) = line(event) else { return };
        for (mailbox, listener) in listeners.iter() {
            mailbox.post(Post::Log {
                logger: *listener,
                line: line.clone(),
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<Mailbox>, u32)>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event as JSON text; `None` for one that is yet to come.
fn line(event: &Event) -> Option<String> {
    let event = match event {
        Event::Conflict { id_hash, operation } => {
            json!({ "event": "conflict", "idHash": id_hash, "operation": operation })
        }
        Event::Unreadable { id_hash } => json!({ "event": "unreadable", "idHash": id_hash }),
        Event::Retry {
            operation,
            attempt,
            code,
        } => json!({
            "event": "retry", "operation": operation, "attempt": attempt, "code": code,
        }),
        Event::Throttled { operation, code } => {
            json!({ "event": "throttled", "operation": operation, "code": code })
        }
        _ => return None,
    };
    Some(event.to_string())
}

/// Statistics as JavaScript gets them.
pub(crate) fn stats(stats: &Stats) -> Value {
    let operations: serde_json::Map<String, Value> = stats
        .operations
        .iter()
        .map(|operation| {
            let of_operation = json!({
                "calls": operation.calls,
                "errors": operation.errors,
                "requests": operation.requests,
                "timeTotalMs": operation.time_total.as_secs_f64() * 1000.0,
                "timeMaxMs": operation.time_max.as_secs_f64() * 1000.0,
                "capacityUnits": operation.capacity_units,
            });
            (operation.operation.to_owned(), of_operation)
        })
        .collect();
    json!({
        "operations": operations,
        "capacityUnits": stats.capacity_units,
        "conflicts": stats.conflicts,
        "skippedTouches": stats.skipped_touches,
        "retries": stats.retries,
        "withheldRetries": stats.withheld_retries,
        "throttles": stats.throttles,
        "unguardedWrites": stats.unguarded_writes,
    })
}
