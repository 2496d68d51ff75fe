//! Reading a value: without its lock, unless writers keep overtaking the reader.

use std::ops::Range;

use crate::cell::Cell;
use crate::copy::Copies;
use crate::copy::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::hold::Hold;
use crate::hold::retry::Attempts;
use crate::layout::SharedValue;
use crate::lock::{self, Wait};
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::protocol::slots::PIECE;

/// Copies this thread's own writes if it holds the lock, otherwise the committed value.
///
/// The copying code is inlined here twice, because the result of a call that is not inlined passes through memory. So the
/// outlined code only chooses the version, and does not copy.
#[inline(always)]
pub(crate) fn whole_version<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
    let slots = cell.slots();
    if let Some(candidate) = slots.look()
        // A draft may be this thread's own.
        && (!slots.is_perhaps_drafted(&candidate) || is_none_held())
        && let Some(copied) = slots.copy(candidate, &mut copy)
    {
        return copied;
    }
    Attempts::with_lock(cell).copy(copy).1
}

/// Returns whether this thread holds no lock. Kept off the fast path: it is called only if some thread may be writing.
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

/// Copies pieces of a value: gets the slot and the bytes of a piece, and returns where the bytes to copy end. A copy may begin again,
/// with the first piece; the last copy counts.
pub(crate) type CopyPieces<'f> = dyn FnMut(&[AtomicU64], Range<usize>) -> usize + 'f;

/// Copies these bytes as `whole_version` does, but a large copy ends as soon as a commit overtakes it.
pub(crate) fn pieces_of_version<C: Contents + ?Sized>(cell: &Cell<C>, bytes: Range<usize>, copy: &mut CopyPieces<'_>) {
    if bytes.len() <= PIECE {
        whole_version(cell, |slot| copy(slot, bytes.clone()));
    } else {
        // It has no end, so it never gives up.
        let _ = Attempts::with_lock(cell).copy_pieces(Wait::Forever, &bytes, copy);
    }
}

/// Copies these bytes as `without_lock` does, but a large copy ends as soon as a commit overtakes it.
pub(crate) fn pieces_without_lock<C: Contents + ?Sized>(
    cell: &Cell<C>,
    bytes: Range<usize>,
    copy: &mut CopyPieces<'_>,
) {
    if bytes.len() <= PIECE {
        without_lock(cell, |slot| copy(slot, bytes.clone()));
    } else {
        // It has no end, so it never gives up.
        let _ = Attempts::without_lock(cell).copy_pieces(Wait::Forever, &bytes, copy);
    }
}

/// Copies from a value without versions, word by word.
#[inline(always)]
pub(crate) fn as_it_is<C: Contents + ?Sized, R>(cell: &Cell<C>, mut copy: impl FnMut(&[AtomicU64]) -> R) -> R {
    copy(cell.slots().first())
}

/// Replaces the atomic fields of a copy by their present values, and the baselines of counters by their totals: the slots do not
/// hold them.
#[inline(always)]
pub(crate) fn with_atomics<C: Contents + ?Sized, T: SharedValue>(
    cell: &Cell<C>,
    mut copy: Unchecked<T>,
) -> Unchecked<T> {
    set_atomics(cell, &mut copy);
    copy
}

/// Replaces the atomic fields and the counters of a copy in place.
#[inline(always)]
pub(crate) fn set_atomics<C: Contents + ?Sized, T: SharedValue>(cell: &Cell<C>, copy: &mut Unchecked<T>) {
    for number in 0..const { T::LAYOUT.atomic_words() } {
        copy.set_atomic(number, cell.atomic(number).load(Ordering::Relaxed));
    }
    for number in 0..const { T::LAYOUT.counters() } {
        let offset = T::LAYOUT.baseline(number).unwrap_or_default();
        copy.set_counter(number, total(cell, number, offset, copy.counter(number)));
    }
}

/// How often a reader looks again because a counter was reset meanwhile. Each further look takes another reset.
const TRIES: usize = 1000;

/// Returns the total of a counter. `baseline` was read before, and lies at this offset of a slot. If a reset comes between that and
/// the look at the lanes, the baseline is read again: otherwise the total would be that of no moment.
#[inline(never)]
pub(crate) fn total<C: Contents + ?Sized>(cell: &Cell<C>, number: usize, offset: usize, mut baseline: u64) -> u64 {
    // No other thread resets a counter under this thread's lock, and the baseline may be in its draft.
    let is_held = lock::holds(cell.lock());
    for _ in 0..TRIES {
        let total = cell.lanes().sum(number).wrapping_sub(baseline);
        if is_held {
            return total;
        }
        let now = without_lock(cell, |slot| slot[offset / size_of::<u64>()].load(Ordering::Relaxed));
        if now == baseline {
            return total;
        }
        baseline = now;
    }
    cell.lanes().sum(number).wrapping_sub(baseline)
}

/// Copies the whole value to the heap. `read` lets its second argument copy these bytes.
pub(crate) fn boxed<T: SharedValue>(
    cell: &Cell<T>,
    read: impl FnOnce(Range<usize>, &mut CopyPieces<'_>),
) -> Result<Box<T>, Error> {
    let mut copies = Copies::<T>::zeroed(1);
    load(&mut copies, 0, read);
    if let Some(copy) = copies.first() {
        set_atomics(cell, copy);
    }
    copies.check_one()
}

/// Copies `length` elements from an offset on. `read` lets its second argument copy these bytes.
pub(crate) fn elements<C: Contents + ?Sized, E: SharedValue>(
    offset: usize,
    length: usize,
    read: impl FnOnce(Range<usize>, &mut CopyPieces<'_>),
) -> Result<Box<[E]>, Error> {
    let mut copies = Copies::<E>::zeroed(length);
    load(&mut copies, offset, read);
    copies.check_in::<C>(offset)
}

/// Copies the elements from an offset on into a slice. `read` lets its second argument copy these bytes. If an element is invalid,
/// the slice stays as it was.
pub(crate) fn slice<C: Contents + ?Sized, E: SharedValue>(
    offset: usize,
    to: &mut [E],
    read: impl FnOnce(Range<usize>, &mut CopyPieces<'_>),
) -> Result<(), Error> {
    if const { E::LAYOUT.is_checked() } {
        to.copy_from_slice(&elements::<C, E>(offset, to.len(), read)?);
        return Ok(());
    }
    let end = offset + size_of_val(to);
    read(offset..end, &mut |slot, bytes| {
        copy::load_plain(slot, offset, bytes, to);
        end
    });
    Ok(())
}

/// Copies from an offset on until the copies are full.
fn load<T: SharedValue>(copies: &mut Copies<T>, offset: usize, read: impl FnOnce(Range<usize>, &mut CopyPieces<'_>)) {
    let end = offset + copies.size();
    read(offset..end, &mut |slot, bytes| {
        copies.load_bytes_from(slot, offset, bytes);
        end
    });
}

/// Copies the whole value under a hold, with the thread's own writes.
#[inline(always)]
pub(crate) fn whole_held<T: SharedValue>(hold: &Hold<'_, T>) -> Unchecked<T> {
    with_atomics(hold.cell(), hold.read(0))
}

/// The ways to read a value of any size until a time.
pub(crate) struct Timed<'a, C: Contents + ?Sized> {
    cell: &'a Cell<C>,
    attempts: Attempts<'a, C>,
    wait: Wait,
    /// A copy of the value that was made before, and the number of its version.
    made: Option<(&'a [AtomicU64], u64)>,
}

impl<'a, C: Contents + ?Sized> Timed<'a, C> {
    /// Reads as `whole_version` does.
    pub(crate) fn whole_version(cell: &'a Cell<C>, wait: Wait) -> Self {
        Self { cell, attempts: Attempts::with_lock(cell), wait, made: None }
    }

    /// Reads for a handle that cannot take the lock.
    pub(crate) fn without_lock(cell: &'a Cell<C>, wait: Wait) -> Self {
        Self { cell, attempts: Attempts::without_lock(cell), wait, made: None }
    }

    /// Reads from a private copy of the value's slot, of this version.
    pub(crate) fn from_copy(cell: &'a Cell<C>, copy: &'a [AtomicU64], version: u64) -> Self {
        Self { cell, attempts: Attempts::without_lock(cell), wait: Wait::Forever, made: Some((copy, version)) }
    }

    /// Returns another read of the same kind, with the same end of the time.
    pub(crate) fn again(&self) -> Self {
        Self { cell: self.cell, attempts: self.attempts.again(), wait: self.wait, made: self.made }
    }

    /// Copies a small value: the clock is looked at only between the attempts. Returns the number of the version, and the
    /// copy.
    ///
    /// # Errors
    /// `TimedOut` if the time is over before.
    pub(crate) fn small<R>(self, mut copy: impl FnMut(&[AtomicU64]) -> R) -> Result<(u64, R), Error> {
        if let Some((made, version)) = self.made {
            return Ok((version, copy(made)));
        }
        self.attempts.copy_in_time(self.wait, copy).ok_or_else(|| late(self.cell))
    }

    /// Copies a value of any size piece by piece: the closure gets the slot and the bytes of the piece. Returns the number
    /// of the version.
    ///
    /// # Errors
    /// `TimedOut` if the time is over before.
    pub(crate) fn pieces(self, mut copy: impl FnMut(&[AtomicU64], Range<usize>)) -> Result<u64, Error> {
        let size = self.cell.shape().size;
        self.first_pieces(|slot, bytes| {
            copy(slot, bytes);
            size
        })
    }

    /// Copies the first bytes of a value piece by piece, as `pieces` does: the closure returns how many there are.
    ///
    /// # Errors
    /// `TimedOut` if the time is over before.
    pub(crate) fn first_pieces(self, mut copy: impl FnMut(&[AtomicU64], Range<usize>) -> usize) -> Result<u64, Error> {
        let bytes = 0..self.cell.shape().size;
        if let Some((made, version)) = self.made {
            copy(made, bytes);
            return Ok(version);
        }
        self.attempts.copy_pieces(self.wait, &bytes, copy).ok_or_else(|| late(self.cell))
    }
}

#[cold]
fn late<C: Contents + ?Sized>(cell: &Cell<C>) -> Error {
    let awaited = format!("a copy of `{}` that no commit overtakes, and that is faster than the timeout", cell.name());
    Error::TimedOut { awaited }
}

/// Copies from the committed value. Returns the number of its version, and the copy.
pub(crate) fn versioned<C: Contents + ?Sized, R>(cell: &Cell<C>, copy: impl FnMut(&[AtomicU64]) -> R) -> (u64, R) {
    Attempts::without_lock(cell).copy(copy)
}

impl<C: Contents + ?Sized> Cell<C> {
    /// Returns the number of commits.
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
    use crate::handle::initial::Filled;
    use crate::handle::synchronized::{SharedArray, Synchronized};
    use crate::hold::retry::{SOON, retries};

    /// After a transaction, readers must be on their fast path again, although `draft` has named a record.
    #[test]
    fn a_transaction_leaves_no_draft() {
        let arena = crate::arena::Arena::new(1 << 16).expect("there is memory");
        let values = ["one", "other"].map(|key| arena.insert(key, 1_u64).expect("there is room"));
        arena
            .transaction(|tx| values.iter().try_for_each(|value| tx.lock(value)?.set(2)))
            .expect("no other thread changes them");
        for value in &values {
            let slots = value.cell.slots();
            let candidate = slots.look().expect("it is settled");
            assert!(candidate.version() == 1 && !slots.is_perhaps_drafted(&candidate));
        }
    }

    /// Without the second load of the version, a reader that a commit overtakes would return a torn copy.
    #[test]
    fn a_read_that_is_overtaken_is_made_again() {
        let value = Synchronized::new([1_u64; 8]).expect("there is memory");
        for overtaken in 0..=SOON {
            let (mut left, before) = (overtaken, retries());
            let copied = whole_version(&value.cell, |slot| {
                let copy = copy::load::<[u64; 8]>(slot, 0);
                if left > 0 {
                    left -= 1;
                    value.update(|value| *value = value.map(|word| word + 1)).expect("no peer breaks the lock");
                }
                copy
            });
            let copied = copied.check().expect("numbers are always valid");
            assert_eq!(copied, value.get(), "{overtaken} commits");
            assert_eq!(retries() - before, u64::from(overtaken), "{overtaken} commits");
        }
    }

    /// A copy of many megabytes would otherwise go on to its end before it is made again.
    #[test]
    fn a_large_read_ends_when_it_is_overtaken() {
        const PIECES: usize = 4;
        let value = SharedArray::new(Filled(0_u64, PIECES * PIECE / size_of::<u64>())).expect("there is memory");
        let all = 0..PIECES * PIECE;
        for can_lock in [true, false] {
            let mut begun = Vec::new();
            let mut copy = |_: &[AtomicU64], bytes: Range<usize>| {
                begun.push(bytes.start / PIECE);
                if begun == [0, 1] {
                    value.fill(begun.len() as u64).expect("no peer breaks the lock");
                }
                all.end
            };
            if can_lock {
                pieces_of_version(&value.cell, all.clone(), &mut copy);
            } else {
                pieces_without_lock(&value.cell, all.clone(), &mut copy);
            }
            assert_eq!(begun, [0, 1, 0, 1, 2, 3], "can take the lock: {can_lock}");
        }
    }
}
