//! Adds locks to the thread's robust list, and removes them.
//!
//! ```text
//! head -> mutexes of the C library -> own locks, newest first -> head
//! ```
//! The C library adds its mutexes at the head; this crate adds its locks after those mutexes. So the entry after a lock is
//! always the lock that the thread took before it, or the end, and the thread's own record says which. The pointers of this
//! crate's locks lie in memory that other processes can write. This crate writes them for the kernel and the C library, and
//! never follows them.
#![allow(unsafe_code)]

use crate::lock::line::LockLine;
use crate::lock::refusal::{Overwritten, Refusal};
use crate::lock::thread::Thread;
use crate::protocol::atomics::Ordering::Relaxed;
use crate::protocol::fault;
use crate::sys::{copies, robust};

/// The most entries that the kernel follows (`ROBUST_LIST_LIMIT`).
const LONGEST: usize = 2_048;

/// Returns whether the thread's list has entries.
#[inline(always)]
pub(super) fn has_entries(thread: Thread) -> bool {
    let list = thread.list();
    list.first() != list.address()
}

/// Adds a lock that this thread has just taken to a list without entries. The caller then adds it to the thread's record.
///
/// # Safety
/// - The list has no entries.
/// - The lock stays mapped while the thread holds it.
#[inline(always)]
pub(super) unsafe fn link_only(thread: Thread, line: &LockLine) {
    let list = thread.list();
    let head = list.address();
    // Usually this thread was the last owner, and the pointer is right already: a load costs less than a store.
    if line.next.load(Relaxed) != head {
        line.next.store(head, Relaxed);
    }
    if !fault::is_chosen("unlinked") {
        // SAFETY: the entry's `next` is the head, as just stored or seen, and the caller keeps the entry mapped. A peer that
        // overwrites `next` later misleads the kernel only, since this crate never follows it.
        unsafe { list.set_first(line.node()) };
    }
}

/// Where one more lock fits into a list that may have entries.
pub(super) struct Room {
    /// The entry that the lock follows: the last mutex of the C library.
    last: Option<u64>,
    /// The entry that follows the lock: the newest own lock, or the head.
    below: u64,
}

/// Looks for room for one more lock in a list that has entries, before the thread takes the lock. The list must not change
/// before the lock is added.
///
/// # Errors
/// - `OtherCopy` if the list has locks of another copy of the library. Their pointers lie in shared memory, so this copy
///   cannot follow them, and its own locks cannot be told from them.
/// - `TooManyHeld` if the kernel would not get as far as the end of the list.
#[inline]
pub(super) fn room(thread: Thread) -> Result<Room, Refusal> {
    let own = thread.held().length();
    // With own locks in the list, the other copies are refused.
    if own == 0 && copies::is_any_held() {
        return Err(Refusal::OtherCopy);
    }
    let below = own_node(thread, own);
    let foreign = Foreign::before(thread, below);
    if foreign.count + own >= LONGEST { Err(Refusal::TooManyHeld) } else { Ok(Room { last: foreign.last, below }) }
}

/// Adds a lock that this thread has just taken to the list. The caller then adds it to the thread's record.
///
/// # Safety
/// - `room` was found in the thread's list as it is now.
/// - The lock stays mapped while the thread holds it.
#[inline]
pub(super) unsafe fn link(thread: Thread, line: &LockLine, room: &Room) {
    line.next.store(room.below, Relaxed);
    // SAFETY: the entry's `next` is `below`, which is the newest own lock, linked by this thread, or the head. The caller
    // keeps the entry mapped, and promises that `last` is in the list.
    unsafe { set_behind(thread, room.last, line.node()) };
}

/// Removes the only lock in the record from the list. The record keeps it.
#[inline(always)]
pub(super) fn unlink_only(thread: Thread, line: &LockLine) -> Result<(), Overwritten> {
    let head = thread.list().address();
    if thread.list().first() == line.node() {
        // SAFETY: the head as the first entry is the empty list.
        unsafe { thread.list().set_first(head) };
    } else {
        // SAFETY: the head as an entry ends the list, and is mapped while the thread runs.
        unsafe { set_behind_foreign(thread, line.node(), head) };
    }
    if line.next.load(Relaxed) == head { Ok(()) } else { Err(Overwritten) }
}

/// Removes the lock at an index of the thread's record from the list. The record keeps it.
///
/// # Safety
/// All locks in the record are linked and mapped.
pub(super) unsafe fn unlink(thread: Thread, index: usize) -> Result<(), Overwritten> {
    let held = thread.held();
    let (node, below) = (own_node(thread, index + 1), own_node(thread, index));
    // SAFETY: the record holds the lock, so the caller keeps its node mapped.
    let untouched = unsafe { robust::next_of(node) } == below;
    if index + 1 < held.length() {
        // SAFETY: the record holds the lock that was taken next, so the caller keeps it linked and mapped. `below` is the
        // node of the lock that was taken before, which is linked and mapped as well, or the head.
        unsafe { robust::set_next_of(own_node(thread, index + 2), below) };
    } else {
        // SAFETY: `below` is the node of a lock in the record, which the caller keeps linked and mapped, or the head.
        unsafe { set_behind_foreign(thread, node, below) };
    }
    if untouched { Ok(()) } else { Err(Overwritten) }
}

/// Returns the node of the `number`th lock in the record, counted from one; for zero, the head, which ends the list.
#[inline(always)]
fn own_node(thread: Thread, number: usize) -> u64 {
    match number.checked_sub(1) {
        Some(index) => LockLine::node_of(thread.held().get(index).line()),
        None => thread.list().address(),
    }
}

/// Makes `entry` follow the mutexes of the C library, in place of `current`, which is the newest own lock or the head.
///
/// # Safety
/// - `entry` is the head or the address of an entry whose `next` leads through valid entries to the head.
/// - Entries stay mapped until they are removed.
#[inline(never)]
unsafe fn set_behind_foreign(thread: Thread, current: u64, entry: u64) {
    let last = Foreign::before(thread, current).last;
    // SAFETY: `last` was just found in the list; the caller promises the rest.
    unsafe { set_behind(thread, last, entry) };
}

/// Makes `entry` follow `last`, or the head without one.
///
/// # Safety
/// - `last` is the node of a mutex of the C library in the thread's list.
/// - `entry` is the head or the address of an entry whose `next` leads through valid entries to the head.
/// - Entries stay mapped until they are removed.
#[inline]
unsafe fn set_behind(thread: Thread, last: Option<u64>, entry: u64) {
    match last {
        // SAFETY: `last` is the node of a mutex of the C library, which is linked in this thread's list. The caller promises
        // that `entry` leads to the head, and that entries stay mapped.
        Some(last) => unsafe { robust::set_next_of(last, entry) },
        // SAFETY: the caller promises that `entry` leads to the head, and that entries stay mapped.
        None => unsafe { thread.list().set_first(entry) },
    }
}

/// The mutexes of the C library in a thread's list: the entries before the own locks.
struct Foreign {
    /// The node of the last one.
    last: Option<u64>,
    count: usize,
}

impl Foreign {
    /// Returns the mutexes before `current`, which is the newest own lock or the head.
    ///
    /// A thread may hold more of them than the kernel follows. The C library relies on all of them, so this follows them
    /// all.
    #[inline]
    fn before(thread: Thread, current: u64) -> Self {
        let mut found = Self { last: None, count: 0 };
        let mut next = thread.list().first();
        // Another process may have overwritten a mutex so that the list leads in a circle. An entry is remembered after 1, 2,
        // 4, 8 .. steps: in a circle, it comes again before the next one is remembered.
        let (mut remembered, mut until) = (0, 1);
        while next != current {
            if next == thread.list().address() {
                // The C library's part of the list does not end at the own locks: another process has overwritten a mutex in
                // it. Drop that part from the list, so that at least the own locks are released.
                found.last = None;
                break;
            }
            found.last = Some(next);
            found.count += 1;
            if next == remembered {
                break;
            }
            if found.count == until {
                (remembered, until) = (next, 2 * until);
            }
            // SAFETY: `next` was reached from the head through mutexes that the C library linked, and is neither the head
            // nor the newest own lock, so it is the node of another such mutex. Those are mutexes of the program, or of
            // values with `LockKind::Pthread`; for the latter, the program trusts all processes that may write to the memory.
            next = unsafe { robust::next_of(next) };
        }
        found
    }
}
