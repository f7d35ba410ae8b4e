//! Counts of what a store did. They are always on, and cost a few relaxed additions per call.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::CallReport;
use crate::request::Operation;
use crate::seal::KeyId;

/// What a store has done since it was built: the result of [`SessionStore::stats`](crate::SessionStore::stats).
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// The counts of each operation that was called.
    pub operations: Vec<OperationStats>,
    /// Writes that were dropped because their session had gone.
    pub conflicts: u64,
    /// Writes that were made again, on top of what another request had stored meanwhile.
    pub merge_retries: u64,
    /// Writes that were not sent because they would have moved the expiry too little to matter.
    pub skipped_touches: u64,
    /// Requests that were repetitions.
    pub retries: u64,
    /// Retries that were not made because too many others had failed; see
    /// [`RetryOptions::budget`](crate::options::RetryOptions::budget).
    pub withheld_retries: u64,
    /// Answers that asked for fewer requests.
    pub throttles: u64,
    /// Writes in place of whatever was stored: [`put`](crate::SessionStore::put).
    pub unguarded_writes: u64,
    /// Sessions of users that were ended by a [`revoke_user`](crate::SessionStore::revoke_user), by a
    /// [`revoke`](crate::SessionStore::revoke), or because the user had too many.
    pub revoked_sessions: u64,
    /// Sessions that were written encrypted or compressed.
    pub sealed_writes: u64,
    /// How many encrypted sessions were opened or written with each key, by its id. A session counts each time. Where a
    /// touch has encrypted the expiry with a later key, both count. The secret for the keys of users' items counts like a
    /// session.
    pub sealed_by_key: BTreeMap<String, u64>,
    /// Write capacity units that compression has saved: those of each session as it would have been written, less those of
    /// what was written. Touches are not counted.
    pub units_saved: u64,
    /// Capacity units, of all operations.
    pub capacity_units: f64,
}

/// The counts of one operation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OperationStats {
    /// The operation.
    pub operation: Operation,
    /// Calls that ended, successfully or not.
    pub calls: u64,
    /// Calls that ended with an error. A failed condition does not count.
    pub errors: u64,
    /// Requests that were sent.
    pub requests: u64,
    /// The time of all calls together.
    pub time_total: Duration,
    /// The time of the longest call.
    pub time_max: Duration,
    /// Capacity units as the service reports them. For writes whose condition failed, which the service does not report,
    /// they are calculated by its rules.
    pub capacity_units: f64,
}

#[derive(Debug, Default)]
struct Counters {
    calls: AtomicU64,
    errors: AtomicU64,
    requests: AtomicU64,
    total_us: AtomicU64,
    max_us: AtomicU64,
    /// Thousandths of a unit: an eventually consistent read costs half a unit.
    milli_units: AtomicU64,
}

/// The running counts behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counts {
    operations: [Counters; Operation::ALL.len()],
    pub(crate) conflicts: AtomicU64,
    pub(crate) merge_retries: AtomicU64,
    pub(crate) skipped_touches: AtomicU64,
    pub(crate) throttles: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) withheld_retries: AtomicU64,
    pub(crate) unguarded_writes: AtomicU64,
    pub(crate) revoked_sessions: AtomicU64,
    pub(crate) sealed_writes: AtomicU64,
    units_saved: AtomicU64,
    /// By key. A store meets few of them.
    sealed_by_key: Mutex<Vec<(KeyId, u64)>>,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counts {
    /// Adds a call that ended.
    pub(crate) fn add(&self, call: &CallReport, milli_units: u64) {
        let counters = &self.operations[call.operation as usize];
        let us = u64::try_from(call.elapsed.as_micros()).unwrap_or(u64::MAX);
        count(&counters.calls);
        counters
            .errors
            .fetch_add(u64::from(call.error.is_some()), Relaxed);
        counters.requests.fetch_add(call.attempts.into(), Relaxed);
        counters.total_us.fetch_add(us, Relaxed);
        counters.max_us.fetch_max(us, Relaxed);
        counters.milli_units.fetch_add(milli_units, Relaxed);
    }

    /// Adds a session that was opened, or written, with these keys. A plain session takes no lock.
    pub(crate) fn add_sealed(&self, keys: [Option<KeyId>; 2]) {
        if keys == [None; 2] {
            return;
        }
        let [session, unit] = keys;
        let by_key = self.sealed_by_key.lock();
        let mut by_key = by_key.unwrap_or_else(PoisonError::into_inner);
        for key in session.into_iter().chain(unit.filter(|_| unit != session)) {
            match by_key.iter_mut().find(|(id, _)| *id == key) {
                Some((_, count)) => *count += 1,
                None => by_key.push((key, 1)),
            }
        }
    }

    pub(crate) fn add_units_saved(&self, units: usize) {
        self.units_saved.fetch_add(units as u64, Relaxed);
    }

    fn sealed_by_key(&self) -> BTreeMap<String, u64> {
        let by_key = self.sealed_by_key.lock();
        let by_key = by_key.unwrap_or_else(PoisonError::into_inner);
        let by_key = by_key.iter();
        by_key.map(|(id, count)| (id.to_string(), *count)).collect()
    }

    pub(crate) fn snapshot(&self) -> Stats {
        let operations: Vec<_> = Operation::ALL
            .iter()
            .zip(&self.operations)
            .map(|(operation, counters)| counters.snapshot(*operation))
            .filter(|operation| operation.calls > 0)
            .collect();
        Stats {
            // Starts from zero, because an empty sum of floats is -0.
            capacity_units: operations
                .iter()
                .fold(0.0, |units, operation| units + operation.capacity_units),
            operations,
            conflicts: self.conflicts.load(Relaxed),
            merge_retries: self.merge_retries.load(Relaxed),
            skipped_touches: self.skipped_touches.load(Relaxed),
            retries: self.retries.load(Relaxed),
            withheld_retries: self.withheld_retries.load(Relaxed),
            throttles: self.throttles.load(Relaxed),
            unguarded_writes: self.unguarded_writes.load(Relaxed),
            revoked_sessions: self.revoked_sessions.load(Relaxed),
            sealed_writes: self.sealed_writes.load(Relaxed),
            sealed_by_key: self.sealed_by_key(),
            units_saved: self.units_saved.load(Relaxed),
        }
    }
}

impl Counters {
    fn snapshot(&self, operation: Operation) -> OperationStats {
        #[expect(
            clippy::cast_precision_loss,
            reason = "beyond 2^53 thousandths the last one is of no interest"
        )]
        let capacity_units = self.milli_units.load(Relaxed) as f64 / 1000.0;
        OperationStats {
            operation,
            calls: self.calls.load(Relaxed),
            errors: self.errors.load(Relaxed),
            requests: self.requests.load(Relaxed),
            time_total: Duration::from_micros(self.total_us.load(Relaxed)),
            time_max: Duration::from_micros(self.max_us.load(Relaxed)),
            capacity_units,
        }
    }
}
