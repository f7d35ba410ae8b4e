//! Progress of a long call, shown on a terminal.

use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

/// Waits for `work`. If standard error is a terminal, a line on it shows the activity and its duration after
/// half a second. The line is removed at the end.
pub(crate) async fn shown<T>(activity: &str, work: impl Future<Output = T>) -> T {
    shown_by(|| activity.to_owned(), work).await
}

/// The same with an activity that changes.
pub(crate) async fn shown_by<T>(activity: impl Fn() -> String, work: impl Future<Output = T>) -> T {
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
            _ = ticks.tick() => {
                let secs = start.elapsed().as_secs();
                drop(write!(stderr, "\r\x1b[K{} … {secs} s", activity()));
            }
        }
    }
}
