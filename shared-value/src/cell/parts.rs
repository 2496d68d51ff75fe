//! `Parts`: the words of a cell, where they lie in mapped memory.
//!
//! ```text
//!   0  lock        40 bytes, see `lock/line.rs`
//!  40  version      8 bytes, see `protocol/slots.rs`
//!  48  draft        8 bytes
//!  56  event        8 bytes, see `protocol/event.rs`
//!  64  slots, marks, atomic fields and lanes, see `format/cell/contents.rs`
//! ```
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::copy;
use crate::error::Error;
use crate::format::contents::{Contents, Shape};
use crate::format::lanes::Lanes;
use crate::format::{CellEntry, EVENT};
use crate::layout::SharedValue;
use crate::lock::{self, LockLine};
use crate::protocol::atomics::{AtomicU64, Ordering};
use crate::protocol::slots::{Slots, Versions};
use crate::segment::Mapping;

/// The bytes of a control line.
pub(crate) const LINE: usize = 64;

/// The first cache line of a cell.
#[repr(C, align(64))]
pub(crate) struct Control {
    pub(crate) lock: LockLine,
    pub(crate) versions: Versions,
    pub(crate) event: AtomicU64,
}

const _: () = {
    assert!(size_of::<Control>() == LINE);
    assert!(std::mem::offset_of!(Control, lock) == 0);
    assert!(std::mem::offset_of!(Control, versions) == 40);
    assert!(std::mem::offset_of!(Control, event) == EVENT);
};

/// The words of a cell. Other processes may write them at any time: a reference to an atomic allows that, a reference to a
/// `T` would not.
pub(crate) struct Parts<'a, C: ?Sized> {
    pub(crate) control: &'a Control,
    slots: &'a [AtomicU64],
    marks: &'a [AtomicU64],
    pub(crate) atomics: &'a [AtomicU64],
    lanes: &'a [AtomicU64],
    shape: Shape,
    value: PhantomData<fn() -> C>,
}

impl<'a, C: Contents + ?Sized> Parts<'a, C> {
    /// # Safety
    /// `control` is the start of `shape.length()` bytes, aligned to 64, mapped during `'a`, and only accessed as atomics of
    /// these sizes.
    #[inline(always)]
    pub(crate) unsafe fn at(control: NonNull<Control>, shape: Shape) -> Self {
        // SAFETY: the control line is the first 64 of these bytes, and consists of atomics, which are valid for any bytes.
        let line = unsafe { control.as_ref() };
        // SAFETY: the words lie after the control line, in the same `shape.length()` bytes.
        let words = unsafe { control.add(1) }.cast();
        // SAFETY: `shape.slots()` words from the first on lie in the `shape.length()` bytes, before marks and atomic fields.
        let slots = unsafe { Self::words(words, 0, shape.slots()) };
        let marks = if shape.marks() == 0 {
            &[][..]
        } else {
            // SAFETY: these words lie in the `shape.length()` bytes, before the atomic fields.
            unsafe { Self::words(words, shape.marks_start(), shape.marks()) }
        };
        let atomics = if shape.atomics == 0 {
            &[][..]
        } else {
            // SAFETY: these words lie in the `shape.length()` bytes, before the lanes.
            unsafe { Self::words(words, shape.atomics_start(), shape.atomics) }
        };
        let lanes = if shape.lanes.lanes == 0 {
            &[][..]
        } else {
            // SAFETY: these words are the last of the `shape.length()` bytes.
            unsafe { Self::words(words, shape.lanes_start(), shape.lanes.words()) }
        };
        Self { control: line, slots, marks, atomics, lanes, shape, value: PhantomData }
    }

    /// # Safety
    /// At least `start + length` words lie at `words`, mapped and accessed as `at` demands.
    #[inline(always)]
    unsafe fn words(words: NonNull<AtomicU64>, start: usize, length: usize) -> &'a [AtomicU64] {
        // SAFETY: the caller promises that `start + length` words lie there.
        let first = unsafe { words.add(start) };
        // SAFETY: the caller promises that `length` words from `first` on are mapped during `'a` and accessed as atomics,
        // which may change under a shared reference.
        unsafe { std::slice::from_raw_parts(first.as_ptr(), length) }
    }

    /// Returns the same words, as those of contents that lie there in the same way.
    pub(crate) fn as_those_of<D: Contents + ?Sized>(&self) -> Parts<'a, D> {
        let Self { control, slots, marks, atomics, lanes, shape, .. } = *self;
        Parts { control, slots, marks, atomics, lanes, shape, value: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn slots(&self) -> Slots<'a> {
        let (stride, size) = (self.shape.stride(), self.shape.size);
        Slots::new(&self.control.versions, self.slots, stride, size, self.marks).reserving(C::has_reserved(self.shape))
    }

    /// Returns the word of an atomic field. `number` counts the atomic words of the value.
    pub(crate) fn atomic(&self, number: usize) -> &'a AtomicU64 {
        &self.atomics[number]
    }

    /// Returns the lanes of the counters.
    #[inline(always)]
    pub(crate) fn lanes(&self) -> Lanes<'a> {
        Lanes::new(self.lanes, self.shape.lanes)
    }

    pub(crate) fn recover(&self, mapping: &Mapping) {
        recover(&self.control.versions, mapping);
    }

    /// Repairs the cell after a crash of the machine, or in a copy of a file. No process has it open. Only the first `used` bytes
    /// of the slots mean something.
    pub(crate) fn adopt(&self, mapping: &Mapping, used: usize) {
        lock::abandon(&self.control.lock);
        for owner in self.lanes().owners() {
            owner.store(0, Ordering::Relaxed);
        }
        self.recover(mapping);
        // After a crash, the words of the file may come from different moments.
        self.slots().mark_up_to(used);
    }
}

impl<T: SharedValue> Parts<'_, T> {
    /// Returns the committed value. The caller owns the lock.
    pub(crate) fn committed(&self) -> Result<T, Error> {
        copy::load(self.slots().committed(), 0).check()
    }

    /// Replaces the value, if there is no draft. The caller owns the lock.
    pub(crate) fn publish(&self, value: &T) {
        self.slots().publish(&copy::range::<T>(0), |slot| copy::store(slot, 0, value));
    }

    /// Writes the value for the first time, while all words are zeros and no other thread accesses them.
    pub(crate) fn initialize(&self, value: &T) {
        self.slots().initialize(|slot| copy::store(slot, 0, value));
        for (number, atomic) in self.atomics.iter().enumerate() {
            atomic.store(copy::atomic_word(value, number), Ordering::Relaxed);
        }
        for number in 0..const { T::LAYOUT.counters() } {
            self.lanes().spare(number).store(copy::total(value, number), Ordering::Relaxed);
        }
    }
}

/// Repairs a value after its owner died: a transaction's commit stays, a draft is rolled back. For the owner of the lock.
pub(crate) fn recover(versions: &Versions, mapping: &Mapping) {
    versions.settle(|record| is_committed(mapping, record));
    versions.rollback();
}

/// Returns the control line of a cell. The validation of the header has checked the place and the length of the cell.
pub(crate) fn control(mapping: &Mapping, entry: &CellEntry) -> NonNull<Control> {
    mapping.at(entry.cell_offset, entry.cell_length).expect("a validated cell lies in its segment").cast()
}

/// The states of a transaction's record, which is a word anywhere in the segment.
pub(crate) mod record {
    /// No version is joined to the record.
    pub(crate) const IDLE: u64 = 0;
    /// The versions that are joined to the record are not committed, or not yet.
    pub(crate) const OPEN: u64 = 1;
    /// The versions that are joined to the record are committed.
    pub(crate) const COMMITTED: u64 = 2;
}

/// Returns whether the record at an offset is committed.
#[cold]
pub(crate) fn is_committed(mapping: &Mapping, record: u64) -> bool {
    let words = usize::try_from(record).ok().and_then(|offset| mapping.words(offset, 1)).unwrap_or_default();
    // Relaxed: a reader executes an acquire fence after this load, and a recovering thread has acquired the lock. Both pair
    // with the release store of the decision.
    words.iter().any(|word| word.load(Ordering::Relaxed) == record::COMMITTED)
}

/// Returns the control line of a cell of this shape that starts at `start`, if the cell lies in the mapping and ends before
/// `end`.
#[inline(always)]
pub(crate) fn control_within(mapping: &Mapping, start: usize, shape: Shape, end: usize) -> Option<NonNull<Control>> {
    let length = shape.checked_length().filter(|length| start.checked_add(*length).is_some_and(|last| last <= end))?;
    mapping.at(start, length).filter(|_| start.is_multiple_of(LINE)).map(NonNull::cast)
}
