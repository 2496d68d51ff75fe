//! Reading a value, without its lock unless that is hopeless.

use std::thread;
use std::time::Duration;

use crate::access::Access;
use crate::cell::Cell;
use crate::contents::Contents;
use crate::hold::Hold;
use crate::layout::SharedValue;
use crate::lock::{self, Thread, Wait};
use crate::primitive::{AtomicU64, Ordering};
use crate::words::{self, Unchecked};

/// How often a read is tried before the lock is taken for it.
pub(crate) const TRIES: u32 = 64;

/// Copies the `F` at an offset: what this thread has written if it holds the lock, or else what is committed.
#[inline(always)]
pub(crate) fn field<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F> {
    if !lock::holds_any()
        && let Some(copy) = cell.slots().read(|slot| words::load(slot, offset))
    {
        return copy;
    }
    field_otherwise(cell, offset)
}

/// Reads where this thread may hold the lock, or where writers commit while it copies.
#[inline(never)]
fn field_otherwise<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F> {
    if let Some(thread) = Thread::known()
        && lock::holds(cell.lock())
    {
        return words::load(cell.current(thread.token()), offset);
    }
    loop {
        for _ in 0..TRIES {
            if let Some((_, copy)) = cell.read_decided(|slot| words::load(slot, offset)) {
                return copy;
            }
        }
        // Writers commit faster than this thread can copy; under the lock nobody commits. But not for ever: while the
        // lock's owner is stopped it commits nothing either, and a read without the lock succeeds.
        if let Ok(mut hold) = Hold::acquire(cell, Wait::at_most(Duration::from_millis(1))) {
            let copy = hold.read(offset);
            // A lock that another process overwrote is reported to those who change the value.
            let _ = hold.end();
            return copy;
        }
    }
}

/// Copies the `F` at an offset, for a handle that cannot take the lock.
#[inline(always)]
pub(crate) fn field_without_lock<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F> {
    match cell.slots().read(|slot| words::load(slot, offset)) {
        Some(copy) => copy,
        None => between_commits(cell, |slot| words::load(slot, offset)).1,
    }
}

/// Reads while writers commit faster than this thread can copy, with growing pauses: at some moment they pause too.
#[cold]
fn between_commits<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> (u64, R) {
    const LONGEST: Duration = Duration::from_millis(1);
    let mut pause = Duration::from_nanos(100);
    loop {
        for _ in 0..TRIES {
            if let Some(copied) = cell.read_decided(&mut copy) {
                return copied;
            }
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST);
    }
}

/// Copies the `F` at an offset of a value without versions, word by word.
#[inline(always)]
pub(crate) fn field_of_now<C: Contents + ?Sized, F: SharedValue>(cell: &Cell<C>, offset: usize) -> Unchecked<F> {
    words::load(cell.slots().first(), offset)
}

/// Copies the whole value; each atomic field as it is at some moment during the call.
#[inline(always)]
pub(crate) fn whole<T: SharedValue, A: Access>(cell: &Cell<T>) -> Unchecked<T> {
    with_atomics(cell, A::field(cell, 0))
}

/// Replaces the atomic fields of a copy by what they are now: the slots do not hold them.
#[inline(always)]
pub(crate) fn with_atomics<T: SharedValue>(cell: &Cell<T>, mut copy: Unchecked<T>) -> Unchecked<T> {
    let mut number = 0;
    while let Some(offset) = T::LAYOUT.atomic_field(number) {
        copy.set_word(offset, cell.atomic(number).load(Ordering::Relaxed));
        number += 1;
    }
    copy
}

/// Copies the whole value under a hold, with the thread's own writes.
#[inline(always)]
pub(crate) fn whole_held<T: SharedValue>(hold: &Hold<'_, T>) -> Unchecked<T> {
    with_atomics(hold.cell(), hold.read(0))
}

/// Copies the whole committed value, with the number of its version.
pub(crate) fn whole_versioned<T: SharedValue>(cell: &Cell<T>) -> (u64, Unchecked<T>) {
    let load = |slot: &[AtomicU64]| words::load(slot, 0);
    let (version, copy) = cell.read_decided(load).unwrap_or_else(|| between_commits(cell, load));
    (version, with_atomics(cell, copy))
}
