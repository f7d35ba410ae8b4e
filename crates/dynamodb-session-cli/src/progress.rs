//! Progress of a long call, shown on a terminal.

use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

/// Waits for `work`. If standard error is a terminal, a line on it shows the activity and its duration after
/// half a second. The line is removed at the end.
pub(crate) async fn shown<T>(activity: &str, work: impl Future<Output = T>) -> T {
    let mut stderr = io::stderr();
    if !stderr.is_terminal() {
        return work.await;
    }
    let start = Instant::now();
    let period = Duration::from_millis(500);
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => {
                drop(write!(stderr, "\r\x1b[K"));
                return result;
            }
            _ = ticks.tick() => drop(write!(stderr, "\r\x1b[K{activity} … {} s", start.elapsed().as_secs())),
        }
    }
}
