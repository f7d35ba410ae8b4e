//! Remembers the expiry of recent sessions. It is a hint that saves writes, and may be out of date.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_session::storage::SessionKey;
use dynamodb_session::Stamp;

/// How many sessions are remembered at most.
const CAPACITY: usize = 10_000;

/// When sessions were created and expire, as of their last load or write.
///
/// Entries are found by a hash of the session key, with a random seed for each store. Session keys are not kept.
#[derive(Default)]
pub(crate) struct Recent {
    hasher: RandomState,
    generations: Mutex<Generations>,
}

/// Two halves: when the newer one is full, it replaces the older one, whose entries are dropped.
#[derive(Default)]
struct Generations {
    newer: HashMap<u64, Stamp>,
    older: HashMap<u64, Stamp>,
}

impl Recent {
    pub(crate) fn get(&self, key: &SessionKey) -> Option<Stamp> {
        let hash = self.hash(key);
        let generations = self.lock();
        let found = generations.newer.get(&hash);
        found.or_else(|| generations.older.get(&hash)).copied()
    }

    pub(crate) fn remember(&self, key: &SessionKey, stamp: Stamp) {
        let hash = self.hash(key);
        let mut generations = self.lock();
        if generations.newer.len() >= CAPACITY / 2 && !generations.newer.contains_key(&hash) {
            generations.older = mem::take(&mut generations.newer);
        }
        generations.newer.insert(hash, stamp);
    }

    pub(crate) fn forget(&self, key: &SessionKey) {
        let hash = self.hash(key);
        let mut generations = self.lock();
        generations.newer.remove(&hash);
        generations.older.remove(&hash);
    }

    fn hash(&self, key: &SessionKey) -> u64 {
        self.hasher.hash_one(key.as_ref())
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
