//! The peak memory: of the process as the system sees it, and of the allocated bytes.

#![expect(unsafe_code, reason = "implementing an allocator takes unsafe code")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use crate::Result;

/// The system's allocator, with counting that can be turned on. Without it, a call costs only a load and a branch more.
pub struct Counting;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static IN_USE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

fn count(more: usize, less: usize) {
    if IS_COUNTING.load(Relaxed) {
        let change = more.cast_signed() as i64 - less.cast_signed() as i64;
        let in_use = IN_USE.fetch_add(change, Relaxed) + change;
        PEAK.fetch_max(in_use, Relaxed);
    }
}

// SAFETY: every call is passed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

pub fn start_counting() {
    IN_USE.store(0, Relaxed);
    PEAK.store(0, Relaxed);
    IS_COUNTING.store(true, Relaxed);
}

/// The most bytes in use since counting started, beyond those in use at the start.
pub fn stop_counting() -> i64 {
    IS_COUNTING.store(false, Relaxed);
    PEAK.load(Relaxed)
}

/// Starts a new measurement of the peak.
pub fn forget_peak() -> Result {
    const PEAK_RSS: &str = "5"; // proc(5)
    Ok(std::fs::write("/proc/self/clear_refs", PEAK_RSS)?)
}

/// The peak of the resident memory.
pub fn peak_rss_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: f64 = number.ok_or("no VmHWM in /proc/self/status")?.parse()?;
    Ok(kibibytes / 1024.0)
}
