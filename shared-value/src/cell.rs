//! `Cell`: the one place where mapped bytes become a typed value.
//!
//! ```text
//!   0  lock        40 bytes, see `lock/line.rs`
//!  40  version      8 bytes, see `slots.rs`
//!  48  draft        8 bytes
//!  56  signal       4 bytes, see `signal.rs`
//!  60  (spare)      4 bytes
//!  64  slot 0, slot 1, each as many words as the value needs; larger ones start at multiples of 64
//!      then, at a multiple of 64, one word for each atomic field
//! ```
#![allow(unsafe_code)]

use std::fs::File;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::error::Error;
use crate::format::{Entry, LockKind, Plan};
use crate::layout::SharedValue;
use crate::lock::{self, LockLine, LockState};
use crate::primitive::{AtomicU32, AtomicU64, Ordering};
use crate::segment::{Mapping, Place, Segment};
use crate::slots::{Slots, Versions};
use crate::words;

const LINE: usize = 64;
const WORD: usize = 8;

/// The first cache line of a cell.
#[repr(C, align(64))]
struct Control {
    lock: LockLine,
    versions: Versions,
    signal: AtomicU32,
    spare: AtomicU32,
}

const _: () = {
    assert!(size_of::<Control>() == LINE);
    assert!(std::mem::offset_of!(Control, lock) == 0);
    assert!(std::mem::offset_of!(Control, versions) == 40);
    assert!(std::mem::offset_of!(Control, signal) == 56);
};

/// Where the parts of a cell lie, in words behind the control line.
struct Shape<T>(PhantomData<T>);

impl<T: SharedValue> Shape<T> {
    const SLOT: usize = size_of::<T>().div_ceil(WORD);
    /// Two slots that fit into one line lie in one; larger ones share no line, so that readers of the one are not
    /// disturbed by the writer of the other.
    const STRIDE: usize =
        if Self::SLOT * 2 <= LINE / WORD { Self::SLOT } else { Self::SLOT.next_multiple_of(LINE / WORD) };
    const ATOMICS: usize = T::LAYOUT.atomic_fields();
    const ATOMICS_START: usize = (Self::STRIDE + Self::SLOT).next_multiple_of(LINE / WORD);
    const WORDS: usize =
        if Self::ATOMICS == 0 { Self::STRIDE + Self::SLOT } else { Self::ATOMICS_START + Self::ATOMICS };
    /// The bytes of the whole cell.
    const LENGTH: usize = LINE + Self::WORDS * WORD;
}

/// A value in a mapped segment.
pub(crate) struct Cell<T> {
    control: NonNull<Control>,
    segment: Arc<Segment>,
    value: PhantomData<T>,
}

// SAFETY: everything that the pointer leads to is accessed atomically, and `SharedValue` types are plain data without
// anything that belongs to a thread.
unsafe impl<T: SharedValue> Send for Cell<T> {}
// SAFETY: as above.
unsafe impl<T: SharedValue> Sync for Cell<T> {}

impl<T> Clone for Cell<T> {
    fn clone(&self) -> Self {
        Self { control: self.control, segment: Arc::clone(&self.segment), value: PhantomData }
    }
}

impl<T: SharedValue> Cell<T> {
    /// A new segment that holds the value.
    pub(crate) fn create(place: &Place, mode: u32, lock: LockKind, value: &T) -> Result<Self, Error> {
        let plan = Plan::of::<T>(Shape::<T>::LENGTH, lock);
        let segment = Segment::create(place, mode, &plan, |mapping| {
            let control = control(mapping, &mapping.entries()[0]);
            // SAFETY: `Plan` made the cell for a `T`, and nobody else sees the mapping yet.
            let parts = unsafe { Parts::<T>::at(control) };
            // All zeros is a free lock and version 0, which is in slot 0.
            words::store(&parts.slots[..Shape::<T>::SLOT], 0, value);
            for (number, atomic) in parts.atomics.iter().enumerate() {
                atomic.store(words::atomic_word(value, number), Ordering::Relaxed);
            }
        })?;
        Self::in_segment(segment, lock)
    }

    /// The value in a segment that exists, if it is guarded so.
    pub(crate) fn open(place: &Place, lock: LockKind) -> Result<Self, Error> {
        let segment = Segment::open(
            place,
            |mapping| Self::check(mapping, lock),
            |mapping| {
                for entry in mapping.entries() {
                    let control = control(mapping, entry);
                    // SAFETY: the mapping lives, and a control line is made of atomics, for which all bytes are valid.
                    let control = unsafe { control.as_ref() };
                    lock::abandon(&control.lock);
                    control.versions.forget_draft();
                }
            },
        )?;
        Self::in_segment(segment, lock)
    }

    /// The value in a segment that exists, for reading.
    pub(crate) fn open_read_only(place: &Place) -> Result<Self, Error> {
        Self::in_segment(Segment::open_read_only(place)?, LockKind::Native)
    }

    /// The value in a file that another process has handed over.
    pub(crate) fn of_file(file: File, place: Place, lock: LockKind) -> Result<Self, Error> {
        Self::in_segment(Segment::of_file(file, place)?, lock)
    }

    /// The same, for reading.
    pub(crate) fn of_file_read_only(file: File, place: Place) -> Result<Self, Error> {
        Self::in_segment(Segment::of_file_read_only(file, place)?, LockKind::Native)
    }

    /// The memory that the value lies in.
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The same value once more, for reading.
    pub(crate) fn read_only(&self) -> Result<Self, Error> {
        Self::in_segment(self.segment.read_only()?, LockKind::Native)
    }

    fn in_segment(segment: Arc<Segment>, lock: LockKind) -> Result<Self, Error> {
        Self::check(&segment, lock)?;
        let control = control(&segment, &segment.entries()[0]);
        Ok(Self { control, segment, value: PhantomData })
    }

    /// Whether the segment holds a `T` that is guarded so.
    fn check(mapping: &Mapping, lock: LockKind) -> Result<(), Error> {
        mapping.lock_kind().expect(mapping.name(), lock)?;
        mapping.entries()[0].expect::<T>(mapping.name(), Shape::<T>::LENGTH)
    }

    pub(crate) fn name(&self) -> &str {
        self.segment.name()
    }

    #[inline(always)]
    fn parts(&self) -> Parts<'_, T> {
        // SAFETY: `check` saw that the cell was made for a `T`; the segment stays mapped while `self` lives.
        unsafe { Parts::at(self.control) }
    }

    /// The lock, for the guard that holds it.
    #[inline(always)]
    pub(crate) fn lock(&self) -> &LockLine {
        &self.parts().control.lock
    }

    #[inline(always)]
    pub(crate) fn slots(&self) -> Slots<'_> {
        let parts = self.parts();
        Slots::new(&parts.control.versions, parts.slots, Shape::<T>::STRIDE, Shape::<T>::SLOT)
    }

    /// The word of an atomic field, by its number among them.
    #[inline(always)]
    pub(crate) fn atomic(&self, number: usize) -> &AtomicU64 {
        &self.parts().atomics[number]
    }

    /// Writes an `F` at an offset, where there are no versions.
    #[inline(always)]
    pub(crate) fn write_now<F: SharedValue>(&self, offset: usize, value: &F) {
        words::store_among_others(self.slots().first(), offset, value);
    }

    /// The word that who waits for a change sleeps on.
    #[inline(always)]
    pub(crate) fn signal(&self) -> &AtomicU32 {
        &self.parts().control.signal
    }

    /// The number of commits.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.parts().control.versions.committed()
    }

    pub(crate) fn lock_state(&self) -> LockState {
        lock::state(self.lock())
    }

    pub(crate) fn recoveries(&self) -> u64 {
        self.lock().recoveries()
    }
}

/// The control line of a cell, whose place and length the header's validation checked.
fn control(mapping: &Mapping, entry: &Entry) -> NonNull<Control> {
    mapping.at(entry.cell_offset, entry.cell_length).expect("a validated cell lies in its segment").cast()
}

/// The words of a cell. References to atomics are fine where other processes write; references to a `T` would not be.
struct Parts<'a, T> {
    control: &'a Control,
    slots: &'a [AtomicU64],
    atomics: &'a [AtomicU64],
    value: PhantomData<T>,
}

impl<'a, T: SharedValue> Parts<'a, T> {
    /// # Safety
    /// `control` is the start of `Shape::<T>::LENGTH` bytes, aligned to 64, mapped during `'a`, and only accessed as
    /// atomics of these sizes.
    #[inline(always)]
    unsafe fn at(control: NonNull<Control>) -> Self {
        // SAFETY: the control line is the first 64 of these bytes, and a line of atomics is valid whatever it holds.
        let line = unsafe { control.as_ref() };
        // SAFETY: the words lie behind the control line.
        let words = unsafe { control.add(1) }.cast();
        // SAFETY: the slots end where the words end, or before the atomic fields.
        let slots = unsafe { Self::words(words, 0, Shape::<T>::STRIDE + Shape::<T>::SLOT) };
        let atomics = if Shape::<T>::ATOMICS == 0 {
            &[][..]
        } else {
            // SAFETY: the atomic fields end where the words end.
            unsafe { Self::words(words, Shape::<T>::ATOMICS_START, Shape::<T>::ATOMICS) }
        };
        Self { control: line, slots, atomics, value: PhantomData }
    }

    /// # Safety
    /// `start + length` words lie behind `words`, as for `at`.
    #[inline(always)]
    unsafe fn words(words: NonNull<AtomicU64>, start: usize, length: usize) -> &'a [AtomicU64] {
        // SAFETY: promised by the caller.
        let first = unsafe { words.add(start) };
        // SAFETY: promised by the caller; atomics may change under a shared reference.
        unsafe { std::slice::from_raw_parts(first.as_ptr(), length) }
    }
}
