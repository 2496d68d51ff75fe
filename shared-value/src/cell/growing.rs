//! Memory for values whose number of elements changes: reserved before it is used, and only for what is used.

use std::ops::Range;

use crate::cell::Cell;
use crate::cell::parts::LINE;
use crate::error::Error;
use crate::format::RequiredLock;
use crate::format::contents::{Contents, Shape};
use crate::format::growth::{Excess, Growth};
use crate::protocol::atomics::Ordering;
use crate::segment::Mapping;
use crate::sys::memory::{comes_with_writes, pages_of};
use crate::sys::mutex;

/// The least number of bytes for which a value that grows gets memory.
const AHEAD: usize = 1 << 16;

/// Memory ahead is got in this many steps or fewer, each for both slots: on a nearly full file system, one slot must not take what
/// the other one needs.
const STEPS: usize = 8;
const LEAST_STEP: usize = 1 << 14;

impl<C: Contents + ?Sized> Cell<C> {
    /// Makes sure that no write to these bytes of the slots fails for lack of memory. Returns the end of the bytes that have memory
    /// now.
    ///
    /// The caller owns the lock. It may die at any moment: memory that nothing uses yet is used by the next one.
    pub(crate) fn reserve(&self, bytes: Range<usize>) -> Result<usize, Error> {
        let (segment, shape) = (self.shared_segment(), self.shape());
        // An arena has memory for all of its blocks.
        if self.number() != 0 || segment.file().is_ok_and(comes_with_writes) {
            return Ok(shape.size);
        }
        let get = |bytes| used_places(segment, shape, bytes).try_for_each(|part| segment.fill_holes(part));
        let mut end = bytes.end;
        get(bytes).map_err(|error| match error {
            Error::Io { source, .. } => Error::io(format!("reserve memory for `{}`, which grows", self.name()), source),
            error => error,
        })?;
        // Ahead, so that a value that grows element by element does this seldom. It is not an error if that cannot be had.
        let ahead = (end + end / 4).next_multiple_of(AHEAD).min(shape.size);
        let step = ((ahead - end) / STEPS).max(LEAST_STEP);
        while end < ahead && get(end..ahead.min(end + step)).is_ok() {
            end = ahead.min(end + step);
        }
        Ok(end)
    }

    /// Returns the number of elements that a slot has told, if the file can have memory for them.
    ///
    /// # Errors
    /// The number, if the file has less memory than that: a process has written it without this library. To read these
    /// elements would take memory for holes, up to the capacity, which is only address space.
    #[inline]
    pub(crate) fn believe(&self, growth: Growth, length: usize) -> Result<usize, Excess> {
        if self.shared_segment().has_memory_for(growth.end_of(length)) {
            Ok(length)
        } else {
            Err(Excess::without_memory(length))
        }
    }

    /// Returns how many bytes of the value mean something, about: another process may change that at any moment.
    pub(crate) fn used(&self) -> usize {
        let shape = self.shape();
        shape.growth().map_or(shape.size, |growth| growth.used(self.slots().both()))
    }
}

/// Makes the marks of the first cell empty, while no process has the segment open. After a crash of the machine, or in a copy of
/// the file, they may name blocks that were never in use, and are holes.
pub(super) fn clear_marks(mapping: &Mapping, shape: Shape) -> Result<(), Error> {
    let (start, place) = (mapping.entries()[0].cell_offset, shape.place_of_marks());
    mapping.for_each_data(start + place.start..start + place.end, |words| {
        for word in words.iter().filter(|word| word.load(Ordering::Relaxed) != 0) {
            word.store(0, Ordering::Relaxed);
        }
    })
}

/// Returns where the parts of the file lie that the first cell and its mutex use, if it uses these bytes of each slot.
pub(super) fn used_places(mapping: &Mapping, shape: Shape, used: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let entry = &mapping.entries()[0];
    let start = entry.cell_offset;
    let cell = shape.places(used).map(move |place| start + place.start..start + place.end);
    let mutex = entry.mutex_offset().min(end_of_first(mapping))..end_of_first(mapping);
    [0..start + LINE, mutex].into_iter().chain(cell).filter(|part| !part.is_empty()).map(pages_of)
}

/// Returns where the first cell and its mutex end.
pub(super) fn end_of_first(mapping: &Mapping) -> usize {
    let entry = &mapping.entries()[0];
    let has_mutex = mapping.required_lock() == RequiredLock::Pthread;
    if has_mutex { entry.mutex_offset() + mutex::SIZE } else { entry.cell_offset + entry.cell_length }
}
