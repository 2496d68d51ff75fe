//! Putting locks into the thread's robust list and taking them out.
//!
//! ```text
//! head -> mutexes of the C library -> own locks, newest first -> head
//! ```
//! The C library puts its mutexes before everything else; this crate puts its locks behind those. So behind a lock
//! always comes the one that the thread took before it, or the end, and that is known from the thread's own record.
//! The pointers of this crate's locks lie in memory that other processes can write: they are written for the kernel
//! and the C library, and never followed.
#![allow(unsafe_code)]

use crate::lock::line::LockLine;
use crate::lock::thread::Thread;
use crate::protocol::atomics::Ordering::Relaxed;
use crate::sys::robust;

/// Longer lists are not followed: the kernel does not do so either (`ROBUST_LIST_LIMIT`).
const LONGEST: usize = 2_048;

/// A pointer of the list was not what this thread had written. The list is right again.
#[derive(Debug)]
pub(super) struct Overwritten;

/// Puts a lock that this thread has just taken into the list; the thread's record is to follow.
///
/// # Safety
/// The lock stays mapped while the thread holds it.
#[inline(always)]
pub(super) unsafe fn link(thread: Thread, line: &LockLine) {
    let head = thread.list().address();
    if thread.list().first() != head {
        // SAFETY: as promised by the caller.
        return unsafe { link_among_others(thread, line) };
    }
    // Mostly this thread was the last that had the lock, and a store that changes nothing would cost more than a look.
    if line.next.load(Relaxed) != head {
        line.next.store(head, Relaxed);
    }
    if !cfg!(shared_value_fault = "unlinked") {
        // SAFETY: the entry leads to the head, and the caller keeps it mapped.
        unsafe { thread.list().set_first(line.node()) };
    }
}

#[inline(never)]
unsafe fn link_among_others(thread: Thread, line: &LockLine) {
    let below = own_node(thread, thread.held().length());
    line.next.store(below, Relaxed);
    // SAFETY: the entry leads to `below`, which is linked or the head, and the caller keeps it mapped.
    unsafe { set_behind_foreign(thread, below, line.node()) };
}

/// Takes the only lock in the record out of the list; the record keeps it.
#[inline(always)]
pub(super) fn unlink_only(thread: Thread, line: &LockLine) -> Result<(), Overwritten> {
    let head = thread.list().address();
    if thread.list().first() == line.node() {
        // SAFETY: this is the empty list.
        unsafe { thread.list().set_first(head) };
    } else {
        // SAFETY: the head needs no memory of its own.
        unsafe { set_behind_foreign(thread, line.node(), head) };
    }
    if line.next.load(Relaxed) == head { Ok(()) } else { Err(Overwritten) }
}

/// Takes the lock at a place of the thread's record out of the list; the record keeps it.
///
/// # Safety
/// All locks in the record are linked and mapped.
pub(super) unsafe fn unlink(thread: Thread, index: usize) -> Result<(), Overwritten> {
    let held = thread.held();
    let (node, below) = (own_node(thread, index + 1), own_node(thread, index));
    // SAFETY: the record holds the lock, so it is mapped.
    let untouched = unsafe { robust::next_of(node) } == below;
    if index + 1 < held.length() {
        // SAFETY: the record holds the lock that was taken next, so it is linked; `below` is linked or the head.
        unsafe { robust::set_next_of(own_node(thread, index + 2), below) };
    } else {
        // SAFETY: `below` is linked or the head.
        unsafe { set_behind_foreign(thread, node, below) };
    }
    if untouched { Ok(()) } else { Err(Overwritten) }
}

/// The entry of the `number`th lock in the record, counted from one; the head, which ends the list, for zero.
#[inline(always)]
fn own_node(thread: Thread, number: usize) -> u64 {
    match number.checked_sub(1) {
        Some(index) => LockLine::node_of(thread.held().get(index).line()),
        None => thread.list().address(),
    }
}

/// Makes `entry` come behind the mutexes of the C library, in place of `current`, the newest own lock or the head.
///
/// # Safety
/// As for `RobustList::set_first`.
#[inline(never)]
unsafe fn set_behind_foreign(thread: Thread, current: u64, entry: u64) {
    let (mut last, mut next) = (None, thread.list().first());
    for _ in 0..LONGEST {
        if next == current {
            break;
        }
        if next == thread.list().address() {
            // The C library's part does not lead here: somebody else has overwritten a mutex of it. Leave that part
            // out, so that at least the own locks are released.
            last = None;
            break;
        }
        last = Some(next);
        // SAFETY: reached from the head through mutexes that the C library linked, so this is one of them: those of the
        // program, and those of values with `LockKind::Pthread`, for which it trusts all who may write.
        next = unsafe { robust::next_of(next) };
    }
    match last {
        // SAFETY: the last mutex of the C library, which is linked.
        Some(last) => unsafe { robust::set_next_of(last, entry) },
        // SAFETY: promised by the caller.
        None => unsafe { thread.list().set_first(entry) },
    }
}
