//! Holding a lock from one line of a function to another, where the thread holds no other.
//!
//! The compare-and-swap that releases a lock waits until all stores before it have left the processor. So a lock that is not
//! handed out as a guard is held with as few of them as will do:
//!
//! | what runs under the lock | the kernel finds the lock by | the thread knows of it by |
//! |---|---|---|
//! | nothing but a copy | the announcement | nothing: nobody asks |
//! | a closure | the list | its record, which says that the value is borrowed |
//!
//! An announcement may stand as long as one likes: who dies with it is found to own the lock, or not to own it. Only one lock
//! at a time can be announced, though, and a closure may take others, this library's and the C library's, which announce
//! theirs and then take that back. So under a closure the list is what counts. The announcement does not stand beside it: the
//! kernel would come to the lock only behind the whole list, and not at all if a peer has overwritten its `next` pointer.
#![allow(unsafe_code)]

use crate::lock::line::LockLine;
use crate::lock::{
    Acquired, Announcing, Mark, Refusal, Thread, acquire_linked, list, release_linked, release_one_of_many, set_mark,
    take,
};
use crate::protocol::lock_word::{self, Wait};

/// Takes the lock, under which nothing runs that may take a lock, end the thread or look at what it holds.
///
/// # Errors
/// None that a free lock has.
///
/// # Safety
/// `thread` is the calling thread and holds no lock. The lock stays mapped until it is released.
#[inline(always)]
pub(crate) unsafe fn acquire(thread: Thread, line: &LockLine) -> Result<Acquired, Refusal> {
    take(thread, line, Wait::Forever)
}

/// Undoes an `acquire`. `true` if somebody waits for the lock or for a change of what it guards.
///
/// # Errors
/// `Corrupted` if another process overwrote the lock.
///
/// # Safety
/// `acquire` took the lock for this thread, and no other `release` belongs to that.
#[inline(always)]
pub(crate) unsafe fn release(thread: Thread, line: &LockLine) -> Result<bool, Refusal> {
    if cfg!(shared_value_fault = "unlink_unannounced") {
        thread.list().retract();
    }
    lock_word::release(&line.word, thread.id(), Announcing::of(thread, line)).map_err(|_| Refusal::Corrupted)
}

/// Takes the lock for a closure that may do what it likes, while the value counts as borrowed.
///
/// # Errors
/// As `acquire`.
///
/// # Safety
/// `thread` is the calling thread and holds no lock. The lock stays mapped at its address while it is held: until
/// `release_borrowed`, or as long as `is_any_held_within` says so.
#[inline(always)]
pub(crate) unsafe fn acquire_borrowed(thread: Thread, line: &LockLine) -> Result<Acquired, Refusal> {
    // SAFETY: promised by the caller.
    unsafe { acquire_linked(thread, line, Wait::Forever, |held| held.push_only(line, Mark::Borrowed)) }
}

/// Undoes an `acquire_borrowed`. `true` if somebody waits for the lock or for a change of what it guards.
///
/// # Errors
/// `Corrupted` if another process overwrote the lock or its list pointers. It is released all the same, unless another thread
/// holds it now.
///
/// # Safety
/// `acquire_borrowed` took the lock for this thread, and no other `release_borrowed` belongs to that.
#[inline(always)]
pub(crate) unsafe fn release_borrowed(thread: Thread, line: &LockLine) -> Result<bool, Refusal> {
    if !thread.held().is_only(line, Mark::Borrowed) {
        // The closure has left holds behind.
        set_mark(thread, line, Mark::None);
        // SAFETY: promised by the caller.
        return unsafe { release_one_of_many(thread, line, |_| {}) };
    }
    let released = release_linked(thread, line, || list::unlink_only(thread, line));
    thread.held().pop_only(Mark::Borrowed);
    released
}
