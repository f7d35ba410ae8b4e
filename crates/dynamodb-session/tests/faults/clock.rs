//! A clock that only a test advances. It lists the sleeps under way, with their ends.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dynamodb_session::clock::Clock;
use tokio::sync::watch;

use super::support::now;

/// Longer than any step takes, even on a busy machine.
pub(crate) const GUARD: Duration = Duration::from_secs(20);

/// Starts at [`now`]. Clones share the time.
#[derive(Clone)]
pub(crate) struct WatchedClock(Arc<watch::Sender<State>>);

#[derive(Default)]
struct State {
    monotonic: Duration,
    sleeps: u64,
    /// The ends of the sleeps under way, by the number of the sleep.
    ends: BTreeMap<u64, Duration>,
}

impl WatchedClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }

    pub(crate) fn set(&self, monotonic: Duration) {
        self.0.send_modify(|state| state.monotonic = monotonic);
    }

    /// Waits for a sleep that ends exactly at `end`. Returns `false` if none has begun within [`GUARD`].
    pub(crate) async fn is_awaited(&self, end: Duration) -> bool {
        let mut state = self.0.subscribe();
        let awaited = state.wait_for(|state| state.ends.values().any(|other| *other == end));
        tokio::time::timeout(GUARD, awaited).await.is_ok()
    }
}

impl Clock for WatchedClock {
    fn now(&self) -> SystemTime {
        now() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.borrow().monotonic
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut number = 0;
        let mut end = Duration::ZERO;
        self.0.send_modify(|state| {
            (state.sleeps, number) = (state.sleeps + 1, state.sleeps);
            end = state.monotonic + duration;
            state.ends.insert(number, end);
        });
        let sleep = Sleep {
            clock: self.clone(),
            number,
        };
        Box::pin(async move {
            let mut time = sleep.clock.0.subscribe();
            // The sender is in `sleep`, so the channel is open.
            let _ = time.wait_for(|state| state.monotonic >= end).await;
        })
    }
}

struct Sleep {
    clock: WatchedClock,
    number: u64,
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let number = self.number;
        self.clock.0.send_modify(|state| {
            state.ends.remove(&number);
        });
    }
}

impl fmt::Debug for WatchedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.borrow();
        f.debug_struct("WatchedClock")
            .field("monotonic", &state.monotonic)
            .field("awaited", &state.ends)
            .finish()
    }
}
