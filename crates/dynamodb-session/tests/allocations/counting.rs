//! The system's allocator, counting what one thread asks of it.

#![expect(
    unsafe_code,
    reason = "an allocator is unsafe to implement; this one is a test's, and no crate for it is maintained"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What a piece of work allocated.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allocated {
    /// How often memory was asked for, or more of it.
    pub(crate) times: usize,
    /// The most bytes that were in use at one moment, beyond those that were before.
    pub(crate) peak: usize,
    in_use: isize,
}

thread_local! {
    // Constant and without a destructor: looking at it allocates nothing, also while the thread ends.
    static ALLOCATED: Cell<Allocated> = const { Cell::new(Allocated { times: 0, peak: 0, in_use: 0 }) };
}

/// What `work` allocates on this thread.
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

// SAFETY: every call goes to the system's allocator as it is, and counting neither allocates nor panics: the numbers
// are of bytes in memory, so their sums do not overflow.
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
