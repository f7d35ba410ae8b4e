//! Corrects the store's clock from the service's answers.

use std::time::{Duration, SystemTime};

use super::date::parse_http_date;
use crate::clock::ServiceClock;

/// The service tolerates five minutes. Small differences can come from the time that the answer took.
const MAX_SKEW: Duration = Duration::from_mins(4);

/// Whether the answer's `date` shows that the request was signed at a wrong time. Corrects the clock if so.
pub(super) fn correct_clock(
    clock: &ServiceClock,
    signed_at: SystemTime,
    date: Option<&str>,
) -> bool {
    let Some(service) = date.and_then(parse_http_date) else {
        return false;
    };
    let differs = |time: SystemTime| {
        service
            .duration_since(time)
            .unwrap_or_else(|behind| behind.duration())
            > MAX_SKEW
    };
    // The first of many parallel requests corrects the clock. The others still have to be signed again.
    let was_wrong = differs(signed_at);
    if was_wrong && differs(clock.now()) {
        clock.correct(service);
    }
    was_wrong
}
