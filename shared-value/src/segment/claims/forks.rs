//! The mappings in which this process claims units, and the hooks that run around a `fork`.
//!
//! One lock guards all rare operations: registering, claims by locks, and forks. No memory is allocated or freed, and no other lock
//! taken, while it is locked.
#![allow(unsafe_code)]
#![expect(clippy::linkedlist, reason = "its lists are joined and split without allocating")]

use std::collections::LinkedList;
use std::ptr;
use std::sync::{Arc, MutexGuard, Once};

use crate::segment::Mapping;
use crate::segment::claims::layout::Layout;
use crate::segment::claims::state::Claims;
use crate::segment::mapping::Begun;
use crate::sys::fork::{self, ForkMutex};
use crate::sys::memory::comes_with_writes;

/// A mapping in which this process has begun to claim.
#[derive(Debug)]
pub(super) struct Entry(*const Mapping);

// SAFETY: a mapping may be used by all threads, and the entry is removed before the mapping is dropped.
unsafe impl Send for Entry {}

impl Entry {
    pub(super) fn mapping(&self) -> &Mapping {
        // SAFETY: `begin` got the pointer from an `Arc`, and `end` removes the entry while the mapping is being dropped, under
        // the lock of the list. The caller has that lock, so the mapping is not dropped yet.
        unsafe { &*self.0 }
    }
}

static MAPPINGS: ForkMutex<LinkedList<Entry>> = ForkMutex::new(LinkedList::new());

/// Locks the mappings.
pub(super) fn lock() -> MutexGuard<'static, LinkedList<Entry>> {
    MAPPINGS.lock()
}

/// Installs the hooks.
pub(crate) fn set_up() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // If there is no memory for the hooks, `fork` is not safe, but everything else works.
        let _ = fork::register(before_fork, after_fork_in_parent, after_fork_in_child);
    });
}

/// Begins to count the handles of values in a mapping, unless that was begun.
pub(crate) fn begin(mapping: &Arc<Mapping>, layout: Layout) {
    set_up();
    let comes_with_writes = mapping.file().is_ok_and(comes_with_writes);
    let claims = Claims::new(layout, comes_with_writes, mapping.is_read_only());
    // SAFETY: `begin_claims` keeps it, or returns it to be dropped below.
    let signal = unsafe { mapping.add_signal() };
    let begun = Begun { claims, end, signal };
    let mut added = LinkedList::from([Entry(Arc::as_ptr(mapping))]);
    // Set under the lock: a forked child never finds that another thread is setting it.
    let mut mappings = lock();
    let unused = mapping.begin_claims(begun);
    if unused.is_none() {
        mappings.append(&mut added);
    }
    drop(mappings);
    drop(unused);
}

/// Ends all claims in a mapping, which is being dropped.
fn end(mapping: &Mapping) {
    let mut mappings = lock();
    mapping.give_up_slot();
    let removed = mappings.iter().position(|entry| ptr::eq(entry.0, mapping)).map(|place| {
        let mut removed = mappings.split_off(place);
        mappings.append(&mut removed.split_off(1));
        removed
    });
    drop(mappings);
    drop(removed);
}

extern "C" fn before_fork() {
    MAPPINGS.before_fork_with(|entries| {
        let mappings = || entries.iter().map(Entry::mapping);
        for mapping in mappings() {
            if mapping.offer_pin().is_err() {
                // The descriptors of the other pins may be the last ones.
                mappings().for_each(Mapping::offer_whole_pin);
                mapping.offer_pin().unwrap_or_else(|_| mapping.offer_without_pin());
            }
        }
    });
}

extern "C" fn after_fork_in_parent() {
    // SAFETY: the C library runs this hook in the thread that has run `before_fork`.
    if let Some(mappings) = unsafe { MAPPINGS.after_fork() } {
        mappings.iter().for_each(|entry| entry.mapping().withdraw_pin());
    }
}

extern "C" fn after_fork_in_child() {
    // SAFETY: the C library runs this hook in the copy of the thread that has run `before_fork`.
    if let Some(mappings) = unsafe { MAPPINGS.after_fork() } {
        mappings.iter().for_each(|entry| entry.mapping().become_child());
    }
}
