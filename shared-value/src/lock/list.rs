//! Putting locks into the thread's robust list and taking them out.
//!
//! The pointers of the list lie in the locks, in memory that other processes can write. They are never followed on
//! trust: the thread's record says which of this crate's locks are linked, and in what order. Between them may lie
//! robust mutexes of the C library, of which the record knows nothing. One of those is believed if it is reached from
//! the head of the list, which lies in private memory, or if its own memory, read without risk, says that this thread
//! holds it and that it is linked where it should be.
#![allow(unsafe_code)]

use crate::lock::line::LockLine;
use crate::lock::thread::Thread;
use crate::primitive::Ordering::Relaxed;
use crate::sys::robust;

/// Longer lists are not followed: the kernel does not do so either (`ROBUST_LIST_LIMIT`).
const LONGEST: usize = 2_048;

/// A pointer of the list was not what this thread had written. The list was mended.
#[derive(Debug)]
pub(super) struct Overwritten;

/// Puts a lock that this thread has just taken before all others, and into the thread's record.
///
/// # Safety
/// The lock stays mapped while the thread holds it.
#[inline(always)]
pub(super) unsafe fn link(thread: Thread, line: &LockLine) {
    let (head, below) = (thread.list().address(), thread.list().first());
    if below != head || thread.held().length() != 0 {
        // SAFETY: as promised by the caller.
        return unsafe { link_before(thread, line, below) };
    }
    line.next.store(head, Relaxed);
    // SAFETY: the entry leads to the head, and the caller keeps it mapped.
    unsafe { thread.list().set_first(line.node()) };
    thread.held().push_only(line);
}

#[inline(never)]
unsafe fn link_before(thread: Thread, line: &LockLine, below: u64) {
    let foreign = below != own_below(thread, thread.held().length());
    line.next.store(below, Relaxed);
    if foreign {
        // The C library reads this pointer when it takes its mutex out; this crate never reads its own.
        // SAFETY: `below` comes from the head in private memory, so it is an entry of this thread's list.
        unsafe { robust::set_previous_of(below, line.node()) };
    }
    // SAFETY: the entry leads to what was the first, and the caller keeps it mapped.
    unsafe { thread.list().set_first(line.node()) };
    thread.held().push(line, if foreign { below } else { 0 });
}

/// Takes the only lock in the record out of the list, if it is the only entry; the record keeps it.
#[inline(always)]
pub(super) fn unlink_only(thread: Thread, line: &LockLine) -> bool {
    let head = thread.list().address();
    let only = thread.list().first() == line.node() && line.next.load(Relaxed) == head;
    if only {
        // SAFETY: this is the empty list.
        unsafe { thread.list().set_first(head) };
    }
    only
}

/// Takes the lock at a place of the thread's record out of the list; the record keeps it.
///
/// # Safety
/// All locks in the record are linked and mapped.
pub(super) unsafe fn unlink(thread: Thread, index: usize, line: &LockLine) -> Result<(), Overwritten> {
    let held = thread.held();
    let below = own_below(thread, index);
    // The usual case: the lock was taken last, right after one of ours or none.
    if thread.list().first() == line.node() && held.get(index).foreign_below.load(Relaxed) == 0 {
        let untouched = line.next.load(Relaxed) == below;
        // SAFETY: `below` is the lock taken before this one, which the record holds, or the head.
        unsafe { bypass(thread, thread.list().address(), below) };
        return if untouched { Ok(()) } else { Err(Overwritten) };
    }
    // SAFETY: as promised by the caller.
    unsafe { unlink_anywhere(thread, index) }
}

#[cold]
unsafe fn unlink_anywhere(thread: Thread, index: usize) -> Result<(), Overwritten> {
    let (below, mut untouched) = confirmed_below(thread, index);
    // SAFETY: as promised by the caller.
    let (above, found) = unsafe { above(thread, index) };
    untouched &= found;
    // SAFETY: both neighbours are the head or entries of this thread's list: own ones, or confirmed ones.
    unsafe { bypass(thread, above, below) };
    if let Some(above) = thread.held().find_node(above) {
        let foreign_below = if below == own_below(thread, index) { 0 } else { below };
        thread.held().get(above).foreign_below.store(foreign_below, Relaxed);
    }
    if untouched { Ok(()) } else { Err(Overwritten) }
}

/// Makes two entries neighbours.
///
/// # Safety
/// Each is the head or an entry of this thread's list, and what lies between them is to be taken out.
#[inline]
unsafe fn bypass(thread: Thread, above: u64, below: u64) {
    if below != thread.list().address() {
        // SAFETY: promised by the caller.
        unsafe { robust::set_previous_of(below, above) };
    }
    if above == thread.list().address() {
        // SAFETY: promised by the caller.
        unsafe { thread.list().set_first(below) };
    } else {
        // SAFETY: promised by the caller.
        unsafe { robust::set_next_of(above, below) };
    }
}

/// The own lock taken before the one at a place, or the head.
#[inline]
fn own_below(thread: Thread, index: usize) -> u64 {
    match index.checked_sub(1) {
        Some(before) => thread.held().get(before).node(),
        None => thread.list().address(),
    }
}

/// The entry behind an own lock, and whether its pointer says the same.
fn confirmed_below(thread: Thread, index: usize) -> (u64, bool) {
    let held = thread.held().get(index);
    let (node, recorded, own) = (held.node(), held.foreign_below.load(Relaxed), own_below(thread, index));
    // SAFETY: the record holds the lock, so it is mapped.
    let shared = unsafe { robust::next_of(node) };
    if recorded == 0 {
        // Others are only ever put before the first entry, so none can have come between these two.
        return (own, shared == own);
    }
    let linked = |entry| robust::is_linked_behind(entry, node, thread.id());
    if shared != own && linked(shared) {
        (shared, true)
    } else if linked(recorded) {
        (recorded, false)
    } else {
        (own, shared == own)
    }
}

/// The entry before an own lock, or the head, and whether the list led there.
///
/// # Safety
/// All locks in the record are linked and mapped.
unsafe fn above(thread: Thread, index: usize) -> (u64, bool) {
    let head = thread.list().address();
    let node = thread.held().get(index).node();
    let (mut above, mut entry) = (head, thread.list().first());
    for _ in 0..LONGEST {
        if robust::same(entry, node) {
            return (above, true);
        }
        if entry == head {
            break;
        }
        above = entry;
        entry = match thread.held().find_node(entry) {
            Some(own) => confirmed_below(thread, own).0,
            // SAFETY: reached from the head through own locks and mutexes that the C library linked: one of those.
            None => unsafe { robust::next_of(entry) },
        };
    }
    // The list does not lead here: only another process can have done that, by overwriting a mutex of the C library
    // that lies before this lock. Then the own lock taken after this one, or the head, is made its neighbour.
    let after = thread.held().length() > index + 1;
    (if after { thread.held().get(index + 1).node() } else { head }, false)
}
