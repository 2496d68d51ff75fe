//! This thread's id and robust list, and memory that looks like a lock of this thread.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Returns the kernel's id of this thread.
pub(crate) fn id() -> u32 {
    rustix::thread::gettid().as_raw_pid().unsigned_abs()
}

/// Returns the address of the head of this thread's robust list. The last entry points to it too.
pub(crate) fn list_head() -> u64 {
    thread_local! {
        static HEAD: Cell<u64> = const { Cell::new(0) };
    }
    if HEAD.get() == 0 {
        HEAD.set(crate::stepper::robust_list()[0]);
    }
    HEAD.get()
}

/// Returns the address of the first entry of this thread's robust list.
pub(crate) fn list_first() -> u64 {
    word_of_head(0)
}

/// Returns whether this thread holds no robust lock of any kind.
pub(crate) fn list_is_empty() -> bool {
    const PENDING: u64 = 16;
    list_first() == list_head() && word_of_head(PENDING) == 0
}

fn word_of_head(offset: u64) -> u64 {
    let word = ptr::with_exposed_provenance_mut(usize::try_from(list_head() + offset).expect("an address"));
    // SAFETY: the C library registered these words for this thread; only this thread accesses them, and it lives.
    unsafe { AtomicU64::from_ptr(word) }.load(Relaxed)
}

/// Private memory in which each word looks like a lock that this thread holds. A changed word shows that a pointer in shared
/// memory was followed.
pub(crate) struct Canary {
    words: [AtomicU64; 16],
}

impl Canary {
    const fn new() -> Self {
        Self { words: [const { AtomicU64::new(0) }; 16] }
    }

    fn get() -> &'static Self {
        static CANARY: Canary = Canary::new();
        &CANARY
    }

    /// Fills the memory for the calling thread.
    pub(crate) fn set() {
        for word in &Self::get().words {
            word.store(id().into(), Relaxed);
        }
    }

    /// Returns the address of a list entry in the middle of the memory.
    pub(crate) fn node() -> u64 {
        (&raw const Self::get().words[8]).expose_provenance() as u64
    }

    pub(crate) fn is_untouched() -> bool {
        Self::get().words.iter().all(|word| word.load(Relaxed) == id().into())
    }
}
