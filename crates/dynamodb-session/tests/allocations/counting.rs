//! The system's allocator, which also counts what one thread allocates.

#![expect(
    unsafe_code,
    reason = "implementing an allocator takes unsafe code; it is only in this test, and no maintained crate does it"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The allocations of a piece of work.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allocated {
    /// How often memory was allocated or enlarged.
    pub(crate) times: usize,
    /// The most bytes that were in use at one moment, beyond those in use before.
    pub(crate) peak: usize,
    in_use: isize,
}

thread_local! {
    // Constant and without a destructor, so that reading it never allocates, even while the thread ends.
    static ALLOCATED: Cell<Allocated> = const { Cell::new(Allocated { times: 0, peak: 0, in_use: 0 }) };
}

/// The allocations of `work` on this thread.
pub(crate) fn allocated_by<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    ALLOCATED.set(Allocated::default());
    let done = work();
    (done, ALLOCATED.get())
}

fn count(more: usize, less: usize) {
    let mut now = ALLOCATED.get();
    now.times += usize::from(more > 0);
    now.in_use += more.cast_signed() - less.cast_signed();
    now.peak = now.peak.max(usize::try_from(now.in_use).unwrap_or(0));
    ALLOCATED.set(now);
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed to the system's allocator unchanged. Counting neither allocates nor panics: the numbers
// are bytes in memory, so their sums do not overflow.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
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
