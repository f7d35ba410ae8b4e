//! Kept connections: which idle one to use next, and when one is too old to use.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;

use crate::clock::ServiceClock;

/// The handle of one connection that sends requests. Dropping it closes the connection.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// A connection that was idle for longer, by either clock, is not used again.
///
/// In a frozen AWS Lambda environment the monotonic clock may stand still while the service closes the connection.
const MAX_IDLE: Duration = Duration::from_secs(20);

/// Idle connections. The one used last is used first, so that the others age and are dropped.
#[derive(Default)]
pub(super) struct Pool(Mutex<VecDeque<Idle>>);

struct Idle {
    sender: Sender,
    wall: SystemTime,
    monotonic: Duration,
}

impl Idle {
    /// How long the connection has been idle, by the clock that shows the longer time.
    fn age(&self, wall: SystemTime, monotonic: Duration) -> Duration {
        monotonic
            .saturating_sub(self.monotonic)
            .max(wall.duration_since(self.wall).unwrap_or_default())
    }
}

impl Pool {
    /// A connection that seems to be open, and how long it has been idle.
    pub(super) fn take(&self, clock: &ServiceClock) -> Option<(Sender, Duration)> {
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(idle) = kept.pop_back() {
            let age = idle.age(wall, monotonic);
            if age > MAX_IDLE {
                // All others are older.
                kept.clear();
            } else if !idle.sender.is_closed() {
                return Some((idle.sender, age));
            }
        }
        None
    }

    pub(super) fn put(&self, sender: Sender, clock: &ServiceClock) {
        if sender.is_closed() {
            return;
        }
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while kept
            .front()
            .is_some_and(|oldest| oldest.age(wall, monotonic) > MAX_IDLE)
        {
            kept.pop_front();
        }
        kept.push_back(Idle {
            sender,
            wall,
            monotonic,
        });
    }

    pub(super) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
