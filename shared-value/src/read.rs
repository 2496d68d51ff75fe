//! Reading a value, without its lock unless that is hopeless.

use std::time::Duration;

use crate::cell::{Cell, TRIES};
use crate::contents::Contents;
use crate::copies::Copies;
use crate::error::Error;
use crate::hold::Hold;
use crate::layout::SharedValue;
use crate::lock::{self, Thread, Wait};
use crate::primitive::{AtomicU64, Ordering};
use crate::words::{self, Unchecked};

/// Copies what this thread has written if it holds the lock, or else what is committed.
#[inline(always)]
pub(crate) fn whole_version<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
    if !lock::holds_any()
        && let Some(copied) = cell.slots().read(&mut copy)
    {
        return copied;
    }
    whole_version_otherwise(cell, copy)
}

/// Copies where this thread may hold the lock, or where writers commit while it copies.
#[inline(never)]
fn whole_version_otherwise<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
    if let Some(thread) = Thread::known()
        && lock::holds(cell.lock())
    {
        return copy(cell.current(thread.token()));
    }
    loop {
        for _ in 0..TRIES {
            if let Some((_, copied)) = cell.read_decided(&mut copy) {
                return copied;
            }
        }
        // Writers commit faster than this thread can copy; under the lock nobody commits. But not for ever: while the
        // lock's owner is stopped it commits nothing either, and a read without the lock succeeds.
        if let Ok(mut hold) = Hold::acquire(cell, Wait::at_most(Duration::from_millis(1))) {
            let copied = copy(hold.current());
            // A lock that another process overwrote is reported to those who change the value.
            let _ = hold.end();
            return copied;
        }
        if let Some((_, copied)) = cell.read_after_pause(&mut copy) {
            return copied;
        }
    }
}

/// Copies for a handle that cannot take the lock.
#[inline(always)]
pub(crate) fn without_lock<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
    match cell.slots().read(&mut copy) {
        Some(copied) => copied,
        None => cell.read_between_commits(copy).1,
    }
}

/// Copies from a value without versions, word by word.
#[inline(always)]
pub(crate) fn as_it_is<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
    copy(cell.slots().first())
}

/// Replaces the atomic fields of a copy by what they are now: the slots do not hold them.
#[inline(always)]
pub(crate) fn with_atomics<T: SharedValue>(cell: &Cell<T>, mut copy: Unchecked<T>) -> Unchecked<T> {
    set_atomics(cell, &mut copy);
    copy
}

/// The same, in place.
#[inline(always)]
pub(crate) fn set_atomics<T: SharedValue>(cell: &Cell<T>, copy: &mut Unchecked<T>) {
    let mut number = 0;
    while let Some(offset) = T::LAYOUT.atomic_field(number) {
        copy.set_word(offset, cell.atomic(number).load(Ordering::Relaxed));
        number += 1;
    }
}

/// Copies the whole value to where it does not need the stack, by means of `read`, which lets its argument copy.
pub(crate) fn boxed<T: SharedValue>(
    cell: &Cell<T>,
    read: impl FnOnce(&mut dyn FnMut(&[AtomicU64])),
) -> Result<Box<T>, Error> {
    let mut copies = Copies::<T>::zeroed(1);
    read(&mut |slot| copies.load(slot, 0));
    if let Some(copy) = copies.first() {
        set_atomics(cell, copy);
    }
    copies.check_one()
}

/// Copies so many elements from an offset on, by means of `read`, which lets its argument copy.
pub(crate) fn elements<C: Contents + ?Sized, E: SharedValue>(
    offset: usize,
    length: usize,
    read: impl FnOnce(&mut dyn FnMut(&[AtomicU64])),
) -> Result<Box<[E]>, Error> {
    let mut copies = Copies::<E>::zeroed(length);
    read(&mut |slot| copies.load(slot, offset));
    copies.check_in::<C>(offset)
}

/// Copies the elements from an offset on into a slice, by means of `read`, which lets its argument copy. If the bits of one
/// are invalid, the slice stays as it was.
pub(crate) fn slice<C: Contents + ?Sized, E: SharedValue>(
    offset: usize,
    to: &mut [E],
    read: impl FnOnce(&mut dyn FnMut(&[AtomicU64])),
) -> Result<(), Error> {
    if const { E::LAYOUT.is_checked() } {
        to.copy_from_slice(&elements::<C, E>(offset, to.len(), read)?);
    } else {
        read(&mut |slot| words::load_plain(slot, offset, to));
    }
    Ok(())
}

/// Copies the whole value under a hold, with the thread's own writes.
#[inline(always)]
pub(crate) fn whole_held<T: SharedValue>(hold: &Hold<'_, T>) -> Unchecked<T> {
    with_atomics(hold.cell(), hold.read(0))
}

/// Copies from the committed value, with the number of its version.
pub(crate) fn versioned<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> (u64, R) {
    cell.read_decided(&mut copy).unwrap_or_else(|| cell.read_between_commits(copy))
}
