//! A limit on how long something may take, by the store's clock.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::clock::ServiceClock;

/// A limit this long or longer is no limit: adding it to a clock can overflow.
const FOREVER: Duration = Duration::from_hours(365 * 24);

/// Runs `future` for no longer than `limit`, and returns `None` when the time is up.
///
/// A future that is ready at once costs no timer.
pub(super) async fn within<F: Future>(
    clock: &ServiceClock,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if limit >= FOREVER {
            return Poll::Pending;
        }
        timer
            .get_or_insert_with(|| clock.sleep(limit))
            .as_mut()
            .poll(cx)
            .map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests;
