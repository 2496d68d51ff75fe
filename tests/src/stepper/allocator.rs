//! `VictimAllocator`: memory for victims that does not depend on the survivor's heap.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// More bytes than any victim needs.
const LENGTH: usize = 1 << 20;

/// An allocator for programs whose victims allocate.
///
/// A victim takes memory from a block that only victims use: one allocation behind the other, and none is freed. With the C
/// library's allocator, the instructions that a victim executes would depend on the survivor's heap.
#[derive(Debug)]
#[repr(align(64))]
pub struct VictimAllocator {
    memory: UnsafeCell<[u8; LENGTH]>,
    used: AtomicUsize,
}

// SAFETY: this code never accesses the bytes; it hands out each of them once.
unsafe impl Sync for VictimAllocator {}

static IS_VICTIM: AtomicBool = AtomicBool::new(false);

/// Makes this process a victim, whose memory comes from the block.
pub(super) fn begin_victim() {
    IS_VICTIM.store(true, Relaxed);
}

impl VictimAllocator {
    /// Makes an allocator for `#[global_allocator]`.
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

// SAFETY: the system's memory is passed on, and each byte of the block is handed out once; `realloc` is the provided one,
// which calls these two.
unsafe impl GlobalAlloc for VictimAllocator {
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
        // SAFETY: promised by the caller; a process that is not a victim has no memory of the block.
        unsafe { System.dealloc(memory, layout) }
    }
}
