//! CPU time.

use std::time::Duration;

use crate::Result;

/// The CPU time of all threads of the process.
pub fn process() -> Result<Duration> {
    let mut total = Duration::ZERO;
    for task in std::fs::read_dir("/proc/self/task")? {
        // A thread may end between the two system calls.
        if let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) {
            let nanoseconds = text.split(' ').next().ok_or("an empty schedstat")?;
            total += Duration::from_nanos(nanoseconds.parse()?);
        }
    }
    Ok(total)
}
