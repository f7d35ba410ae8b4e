//! What the stores of this process have learnt of a table, which no setting says.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

/// How many tables without a store are remembered. A store can be made for each request of a server.
const MOST_WITHOUT_STORE: usize = 1000;

/// By endpoint and name of the table.
type Tables = HashMap<(String, String), Arc<Learnt>>;

/// The tables of this process.
static TABLES: LazyLock<Mutex<Tables>> = LazyLock::new(Mutex::default);

/// What has been learnt of a table. Its stores share it.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    /// The attribute that the table's TTL was last seen enabled on.
    ttl_attribute: RwLock<Option<Arc<str>>>,
    is_ttl_off_reported: AtomicBool,
}

impl Learnt {
    /// The one of the table of this name or ARN at this endpoint.
    pub(crate) fn of(endpoint: String, table: &str) -> Arc<Self> {
        let name = table.rsplit('/').next().unwrap_or_default().to_owned();
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (endpoint, name);
        if !tables.contains_key(&key) && tables.len() >= MOST_WITHOUT_STORE {
            tables.retain(|_, learnt| Arc::strong_count(learnt) > 1);
        }
        Arc::clone(tables.entry(key).or_default())
    }

    pub(crate) fn ttl_attribute(&self) -> Option<Arc<str>> {
        self.ttl_attribute
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_ttl_attribute(&self, attribute: &str) {
        *self
            .ttl_attribute
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::from(attribute));
    }

    /// Whether it is to be reported that TTL is off, which is true once.
    pub(crate) fn note_ttl_off(&self) -> bool {
        !self.is_ttl_off_reported.swap(true, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_without_a_store_are_forgotten_when_there_are_many() {
        let endpoint = || "http://many.test".to_owned();
        let kept = Learnt::of(endpoint(), "kept");
        kept.set_ttl_attribute("ttl");
        for number in 0..2 * MOST_WITHOUT_STORE {
            Learnt::of(endpoint(), &number.to_string()).set_ttl_attribute("until");
        }
        assert!(TABLES.lock().unwrap().len() <= MOST_WITHOUT_STORE);
        let again = Learnt::of(
            endpoint(),
            "arn:aws:dynamodb:eu-west-1:111122223333:table/kept",
        );
        assert_eq!(again.ttl_attribute().as_deref(), Some("ttl"));
        let forgotten = Learnt::of(endpoint(), "0");
        assert_eq!(forgotten.ttl_attribute(), None);
    }
}
