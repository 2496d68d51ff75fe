//! `Arena`: memory for victims that does not depend on what the survivor allocated before.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// More than any victim needs.
const LENGTH: usize = 1 << 20;

/// An allocator for programs whose victims allocate.
///
/// A victim gets memory from a piece that only victims use and never give back, one allocation behind the other. With
/// the C library's allocator, which instructions it executes would depend on the survivor's heap.
#[derive(Debug)]
#[repr(align(64))]
pub struct Arena {
    memory: UnsafeCell<[u8; LENGTH]>,
    used: AtomicUsize,
}

// SAFETY: the bytes are only handed out, each of them once.
unsafe impl Sync for Arena {}

static IS_VICTIM: AtomicBool = AtomicBool::new(false);

/// From now on, this process is a victim.
pub(super) fn begin_victim() {
    IS_VICTIM.store(true, Relaxed);
}

impl Arena {
    /// An allocator for `#[global_allocator]`.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only a static can be a global allocator")]
    #[expect(clippy::large_stack_arrays, reason = "it is made at compile time")]
    pub const fn new() -> Self {
        Self { memory: UnsafeCell::new([0; LENGTH]), used: AtomicUsize::new(0) }
    }

    fn take(&self, layout: Layout) -> *mut u8 {
        let start = self.memory.get().cast::<u8>();
        let aligned = |used: usize| (start.addr() + used).next_multiple_of(layout.align()) - start.addr();
        let end = |used| aligned(used).checked_add(layout.size()).filter(|end| *end <= LENGTH);
        self.used.fetch_update(Relaxed, Relaxed, end).map_or(ptr::null_mut(), |used| start.wrapping_add(aligned(used)))
    }
}

// SAFETY: the system's memory is passed on, and memory of the arena is handed out once and never used again; `realloc`
// is the provided one, which calls these.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_VICTIM.load(Relaxed) {
            return self.take(layout);
        }
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if IS_VICTIM.load(Relaxed) {
            return;
        }
        // SAFETY: promised by the caller; who is no victim has no memory of the arena.
        unsafe { System.dealloc(memory, layout) }
    }
}
