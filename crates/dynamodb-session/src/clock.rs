//! The clocks that a store reads, for tests that move time.
//!
//! Expiry and signatures read the wall clock, deadlines and backoff the monotonic one. A test gives a [`ManualClock`] to
//! [`Builder::clock`](crate::Builder::clock).

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time.
///
/// The two clocks are apart because they fail apart: a host may have a wrong wall clock, and a frozen
/// and thawed AWS Lambda environment may show a monotonic clock that has not moved.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The wall clock: what expiry and request signatures are computed from.
    fn now(&self) -> SystemTime;

    /// The monotonic clock, as the time since an origin of the implementation's choosing.
    fn monotonic(&self) -> Duration;

    /// Completes once the monotonic clock has advanced by `duration`.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The clocks of the operating system.
#[derive(Debug, Clone)]
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that only a test advances: a session's whole life can pass in a millisecond.
///
/// Clones share the same time.
///
/// ```
/// use dynamodb_session::clock::{Clock, ManualClock};
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let clock = ManualClock::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_secs(1_700_000_060));
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    time: Arc<tokio::sync::watch::Sender<ManualTime>>,
}

#[derive(Debug, Clone, Copy)]
struct ManualTime {
    wall: SystemTime,
    monotonic: Duration,
}

impl ManualClock {
    /// Clocks standing at `wall`, the monotonic one at zero.
    pub fn new(wall: SystemTime) -> Self {
        let time = ManualTime {
            wall,
            monotonic: Duration::ZERO,
        };
        Self {
            time: Arc::new(tokio::sync::watch::Sender::new(time)),
        }
    }

    /// Moves both clocks forward, completing the sleeps that end by then.
    pub fn advance(&self, by: Duration) {
        self.time.send_modify(|time| {
            time.wall += by;
            time.monotonic += by;
        });
    }

    /// Sets the wall clock alone, as a correction of the host's time does.
    pub fn set_wall(&self, wall: SystemTime) {
        self.time.send_modify(|time| time.wall = wall);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.time.borrow().wall
    }

    fn monotonic(&self) -> Duration {
        self.time.borrow().monotonic
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut time = self.time.subscribe();
        let end = self.monotonic() + duration;
        Box::pin(async move {
            // An error means that every handle of the clock is dropped. Then nothing can end the sleep, so it ends now.
            let _ = time.wait_for(|time| time.monotonic >= end).await;
        })
    }
}

/// The injected clock, corrected from the service's time.
///
/// The service refuses requests of a host whose clock is wrong by more than five minutes. The `Date` header of the
/// refusal shows the difference. The correction also goes into `expires`, because TTL uses DynamoDB's clock, and other
/// hosts compare `expires` with their own clocks.
#[derive(Debug, Clone)]
pub(crate) struct ServiceClock {
    clock: Arc<dyn Clock>,
    offset_ms: Arc<AtomicI64>,
}

impl ServiceClock {
    pub(crate) fn new(clock: Arc<dyn Clock>, offset_ms: i64) -> Self {
        Self {
            clock,
            offset_ms: Arc::new(AtomicI64::new(offset_ms)),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        let offset = self.offset_ms.load(Ordering::Relaxed);
        let magnitude = Duration::from_millis(offset.unsigned_abs());
        let now = self.clock.now();
        if offset < 0 {
            now.checked_sub(magnitude)
        } else {
            now.checked_add(magnitude)
        }
        .unwrap_or(now)
    }

    /// Takes the service's time for the true one. Returns by how much the corrected clock moved.
    pub(crate) fn correct(&self, service: SystemTime) -> Duration {
        let before = self.now();
        let host = self.clock.now();
        let offset = match service.duration_since(host) {
            Ok(ahead) => i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX),
            Err(behind) => -i64::try_from(behind.duration().as_millis()).unwrap_or(i64::MAX),
        };
        self.offset_ms.store(offset, Ordering::Relaxed);
        service
            .duration_since(before)
            .unwrap_or_else(|behind| behind.duration())
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(crate) fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.clock.sleep(duration)
    }
}

/// Milliseconds since the epoch; zero before it.
pub(crate) fn epoch_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correction_moves_the_clock_to_the_service_time_and_keeps_running() {
        let host = ManualClock::new(UNIX_EPOCH + Duration::from_secs(1_000_000));
        let clock = ServiceClock::new(Arc::new(host.clone()), 0);
        let service = UNIX_EPOCH + Duration::from_secs(990_000);
        assert_eq!(clock.correct(service), Duration::from_secs(10_000));
        assert_eq!(clock.now(), service);
        host.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), service + Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_manual_sleep_ends_when_the_clock_is_advanced() {
        let clock = ManualClock::new(UNIX_EPOCH);
        let sleep = tokio::spawn(clock.sleep(Duration::from_secs(3600)));
        tokio::task::yield_now().await;
        assert!(!sleep.is_finished());
        clock.advance(Duration::from_secs(3600));
        sleep.await.unwrap();
    }
}
