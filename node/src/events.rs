//! Sends the events of a store to the JavaScript stores that listen.

use std::mem;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dynamodb_session::observe::{Event, OperationStats, Stats};
use serde_json::{Value, json};

use crate::completion::{Mailbox, Post};

/// The listener that every environment has. The numbers of all others start at 1.
const ENVIRONMENT: u32 = 0;

/// The listeners of a store. Stores with equal options share them, across environments.
#[derive(Default)]
pub(crate) struct Listeners {
    registered: Mutex<Vec<(Arc<Mailbox>, u32)>>,
    /// The events that an environment still has to warn of, as lines of JSON.
    warnings: Mutex<Vec<String>>,
    has_warnings: AtomicBool,
}

impl Listeners {
    pub(crate) fn add(&self, mailbox: &Arc<Mailbox>, listener: u32) {
        self.lock().push((Arc::clone(mailbox), listener));
    }

    pub(crate) fn remove(&self, mailbox: &Arc<Mailbox>, listener: u32) {
        self.lock()
            .retain(|(other, number)| !(Arc::ptr_eq(other, mailbox) && *number == listener));
    }

    /// Reports once, to one environment, what it has to warn of. It needs no listener.
    ///
    /// Each call that can cause a warning calls this at its end, so that the event arrives with the result of the call,
    /// without another wake-up.
    pub(crate) fn report_warnings(&self, mailbox: &Arc<Mailbox>) {
        if !self.has_warnings.load(Relaxed) || !self.has_warnings.swap(false, Relaxed) {
            return;
        }
        for line in mem::take(&mut *lock(&self.warnings)) {
            mailbox.post(Post::Event {
                listener: ENVIRONMENT,
                line,
            });
        }
    }

    pub(crate) fn report(&self, event: &Event) {
        let warning = match event {
            Event::UpdateDenied => Some(json!({ "event": "updateDenied" })),
            Event::PutDenied => Some(json!({ "event": "putDenied" })),
            Event::KeysNotRenewed => Some(json!({ "event": "keysNotRenewed" })),
            Event::TtlOff { table } => Some(json!({ "event": "ttlOff", "table": table })),
            _ => None,
        };
        if let Some(warning) = warning {
            lock(&self.warnings).push(warning.to_string());
            self.has_warnings.store(true, Relaxed);
        }
        let listeners = self.lock();
        if listeners.is_empty() {
            return;
        }
        let Some(line) = line(event) else { return };
        for (mailbox, listener) in listeners.iter() {
            mailbox.post(Post::Event {
                listener: *listener,
                line: line.clone(),
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<Mailbox>, u32)>> {
        lock(&self.registered)
    }
}

fn lock<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An event as JSON text. `None` for an event that is not for listeners.
fn line(event: &Event) -> Option<String> {
    let event = match event {
        Event::Conflict {
            reference,
            operation,
        } => {
            json!({ "event": "conflict", "ref": reference.as_str(), "operation": operation.name() })
        }
        Event::Unreadable { reference } => {
            json!({ "event": "unreadable", "ref": reference.as_str() })
        }
        Event::Retry {
            operation,
            attempt,
            code,
        } => json!({
            "event": "retry", "operation": operation.name(), "attempt": attempt, "code": code,
        }),
        Event::Throttled { operation, code } => {
            json!({ "event": "throttled", "operation": operation.name(), "code": code })
        }
        _ => return None,
    };
    Some(event.to_string())
}

/// Statistics in the form that JavaScript gets.
pub(crate) fn stats(stats: &Stats) -> Value {
    let (table, items): (Vec<&OperationStats>, _) = stats
        .operations
        .iter()
        .partition(|of| of.operation.is_about_table());
    let mut operations: serde_json::Map<String, Value> = items
        .iter()
        .map(|of| (of.operation.to_string(), sum(&[of])))
        .collect();
    if !table.is_empty() {
        operations.insert("Table".to_owned(), sum(&table));
    }
    json!({
        "operations": operations,
        "capacityUnits": stats.capacity_units,
        "conflicts": stats.conflicts,
        "skippedTouches": stats.skipped_touches,
        "retries": stats.retries,
        "withheldRetries": stats.withheld_retries,
        "throttles": stats.throttles,
        "unguardedWrites": stats.unguarded_writes,
        "sealedWrites": stats.sealed_writes,
        "sealedByKey": stats.sealed_by_key,
        "unitsSaved": stats.units_saved,
        "mergeRetries": stats.merge_retries,
        "revokedSessions": stats.revoked_sessions,
    })
}

/// The statistics of some operations, added up.
fn sum(of: &[&OperationStats]) -> Value {
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    json!({
        "calls": of.iter().map(|of| of.calls).sum::<u64>(),
        "errors": of.iter().map(|of| of.errors).sum::<u64>(),
        "requests": of.iter().map(|of| of.requests).sum::<u64>(),
        "timeTotalMs": millis(of.iter().map(|of| of.time_total).sum()),
        "timeMaxMs": millis(of.iter().map(|of| of.time_max).max().unwrap_or_default()),
        "capacityUnits": of.iter().fold(0.0, |units, of| units + of.capacity_units),
    })
}
