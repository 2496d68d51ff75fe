//! Reading a value, without its lock unless that is hopeless.

use std::time::Duration;

use crate::cell::Cell;
use crate::copy::Copies;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::hold::backoff::Backoff;
use crate::layout::SharedValue;
use crate::lock::{self, Thread, Wait};
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::protocol::slots::Candidate;

/// How often a read is tried before something else is done.
pub(crate) const TRIES: u32 = 64;

/// Which attempt after the first one is made under the lock, if that is free soon.
///
/// Who has to wait for the lock leaves the lines alone for a while, and so the writer and the reader both do many times as
/// much in their turns as they do while they take the lines from each other (docs/design.md has figures).
const SOON: u32 = 2;

thread_local! {
    static RETRIES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How many attempts to read this thread has made off the short way that is tried first: for measurements.
#[must_use]
pub fn retries() -> u64 {
    RETRIES.get()
}

/// Copies what this thread has written if it holds the lock, or else what is committed.
///
/// The copying stands here twice, because a copy that comes back from a call passes through memory on its way. So what is
/// out of line says what to copy, and copies nothing.
#[inline(always)]
pub(crate) fn whole_version<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
    let slots = cell.slots();
    if let Some(candidate) = slots.look()
        // What is written but not committed may be this thread's own.
        && (!slots.is_perhaps_drafted(&candidate) || is_none_held())
        && let Some(copied) = slots.copy(candidate, &mut copy)
    {
        return copied;
    }
    Attempts::with_lock(cell).copy(copy).1
}

/// Off the path that is laid out for speed, on which nobody is writing.
#[cold]
#[inline]
fn is_none_held() -> bool {
    !lock::holds_any()
}

/// Copies for a handle that cannot take the lock.
#[inline(always)]
pub(crate) fn without_lock<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
    let slots = cell.slots();
    if let Some(candidate) = slots.look()
        && let Some(copied) = slots.copy(candidate, &mut copy)
    {
        return copied;
    }
    Attempts::without_lock(cell).copy(copy).1
}

/// What to copy, attempt by attempt, where this thread may hold the lock, or where writers commit while it copies.
struct Attempts<'a, C: Contents + ?Sized> {
    cell: &'a Cell<C>,
    made: u32,
    now_and_then: NowAndThen<'a, C>,
}

/// What is done where one attempt after the other fails.
enum NowAndThen<'a, C: Contents + ?Sized> {
    /// Under the lock nobody commits. But it is not waited for for ever: while its owner is stopped it commits nothing either,
    /// and a read without the lock succeeds.
    Lock(Option<Hold<'a, C>>),
    /// At some moment the writers pause too.
    Pause(Backoff),
}

impl<'a, C: Contents + ?Sized> Attempts<'a, C> {
    fn with_lock(cell: &'a Cell<C>) -> Self {
        Self { cell, made: 0, now_and_then: NowAndThen::Lock(None) }
    }

    fn without_lock(cell: &'a Cell<C>) -> Self {
        Self { cell, made: 0, now_and_then: NowAndThen::Pause(Backoff::between_reads()) }
    }

    /// Lets the closure copy until a copy is whole, and gives that with the number of its version.
    #[inline(always)]
    fn copy<R>(mut self, mut copy: impl FnMut(&[AtomicU64]) -> R) -> (u64, R) {
        loop {
            let candidate = self.next();
            if let Some(copied) = self.cell.slots().copy(candidate, &mut copy) {
                self.end();
                return (candidate.version(), copied);
            }
        }
    }

    /// What to copy next.
    #[cold]
    #[inline(never)]
    fn next(&mut self) -> Candidate {
        if matches!(self.now_and_then, NowAndThen::Lock(_))
            && let Some(thread) = Thread::known()
            && lock::holds(self.cell.lock())
        {
            return self.cell.look_as_owner(thread.token());
        }
        loop {
            self.made = self.made.wrapping_add(1);
            RETRIES.set(RETRIES.get().wrapping_add(1));
            let is_late = self.made.is_multiple_of(TRIES);
            match &mut self.now_and_then {
                NowAndThen::Pause(pauses) if is_late => pauses.sleep(),
                NowAndThen::Lock(locked) if is_late || self.made == SOON => {
                    let wait = if is_late { Wait::at_most(Duration::from_millis(1)) } else { Wait::Briefly };
                    *locked = Hold::acquire(self.cell, wait).ok();
                    if let Some(hold) = locked {
                        return self.cell.look_as_owner(hold.token());
                    }
                }
                _ => {}
            }
            if let Some(candidate) = self.cell.look_decided(is_late) {
                return candidate;
            }
        }
    }

    /// Lets go of the lock, if it was taken to copy the last one.
    #[cold]
    #[inline(never)]
    fn end(&mut self) {
        if let NowAndThen::Lock(Some(hold)) = &mut self.now_and_then {
            // A lock that another process overwrote is reported to those who change the value.
            let _ = hold.end();
        }
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
    for number in 0..const { T::LAYOUT.atomic_words() } {
        copy.set_atomic(number, cell.atomic(number).load(Ordering::Relaxed));
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
        read(&mut |slot| copy::load_plain(slot, offset, to));
    }
    Ok(())
}

/// Copies the whole value under a hold, with the thread's own writes.
#[inline(always)]
pub(crate) fn whole_held<T: SharedValue>(hold: &Hold<'_, T>) -> Unchecked<T> {
    with_atomics(hold.cell(), hold.read(0))
}

/// Copies from the committed value, with the number of its version.
pub(crate) fn versioned<C: Contents + ?Sized, R>(cell: &Cell<C>, copy: impl FnMut(&[AtomicU64]) -> R) -> (u64, R) {
    Attempts::without_lock(cell).copy(copy)
}

impl<C: Contents + ?Sized> Cell<C> {
    /// The number of commits.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.versions().committed().unwrap_or_else(|| self.version_decided())
    }

    #[cold]
    fn version_decided(&self) -> u64 {
        versioned(self, |_| ()).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::synchronized::Synchronized;

    /// Whoever is overtaken by a commit copies again, and that is counted.
    #[test]
    fn a_read_that_is_overtaken_is_made_again() {
        let value = Synchronized::new([1_u64; 8]).expect("there is memory");
        for overtaken in 0..=SOON {
            let (mut left, before) = (overtaken, retries());
            let copied = whole_version(&value.cell, |slot| {
                let copy = copy::load::<[u64; 8]>(slot, 0);
                if left > 0 {
                    left -= 1;
                    value.update(|value| *value = value.map(|word| word + 1)).expect("nobody else breaks the lock");
                }
                copy
            });
            let copied = copied.check().expect("numbers are always valid");
            assert_eq!(copied, value.get(), "{overtaken} commits");
            assert_eq!(retries() - before, u64::from(overtaken), "{overtaken} commits");
        }
    }
}
