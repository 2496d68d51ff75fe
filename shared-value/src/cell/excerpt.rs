//! `Excerpt`: a private copy of the first elements of a value whose number of elements changes.

use std::io;
use std::ops::Range;

use crate::cell::Cell;
use crate::copy::Copies;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::format::growth::{Excess, Growth};
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

/// A private copy of the first elements, which is made in several reads. A read may hold the lock, so memory is allocated only
/// between the reads.
///
/// An `E` is an element, or, if only the segment knows the elements, a byte of one.
pub(crate) struct Excerpt<'c, C: Contents + ?Sized, E> {
    cell: &'c Cell<C>,
    growth: Growth,
    /// The greatest number of elements to be copied.
    most: usize,
    /// Room for elements. After the last read, it holds the elements and no more room.
    copies: Copies<E>,
    /// The number of elements that the last read has found.
    found: Result<usize, Excess>,
    is_first: bool,
}

impl<'c, C: Contents + ?Sized, E: SharedValue> Excerpt<'c, C, E> {
    /// Prepares a copy of the first elements, but of at most this many.
    pub(crate) fn new(cell: &'c Cell<C>, growth: Growth, most: usize) -> Self {
        Self { cell, growth, most, copies: Copies::zeroed(0), found: Ok(0), is_first: true }
    }

    /// Copies the elements. Returns the number of all elements too. `read` calls its argument with one piece of the slot after the
    /// other, from the start to the end that the argument returns. `expect` tells whether that many elements may be copied.
    pub(crate) fn copy(
        mut self,
        expect: impl Fn(usize) -> Result<(), Error>,
        mut read: impl FnMut(&mut dyn FnMut(&[AtomicU64], Range<usize>) -> usize) -> Result<(), Error>,
    ) -> Result<(usize, Copies<E>), Error> {
        loop {
            let mut all = None;
            read(&mut |slot, piece| {
                if piece.start == 0 {
                    all = self.begin(slot);
                }
                let Some(end) = all else { return 0 };
                self.load(slot, piece.start.max(self.growth.end_of(0))..piece.end.min(end));
                end
            })?;
            if let Some(length) = self.end(&expect)? {
                return Ok((length, self.copies));
            }
        }
    }

    /// Looks how many elements a slot has. Returns where those end that are to be copied; `None` if there is no room for them.
    fn begin(&mut self, slot: &[AtomicU64]) -> Option<usize> {
        self.found = self.growth.length(slot);
        let copied = self.found.ok()?.min(self.most);
        let end = self.growth.end_of(copied);
        if end > size_of_val(slot) {
            // A private copy of a slot has no elements that there is no memory for.
            self.found = self.found.and_then(|length| Err(Excess::without_memory(length)));
            return None;
        }
        (self.units(copied) <= self.copies.len()).then_some(end)
    }

    /// Copies a part of a slot.
    fn load(&mut self, slot: &[AtomicU64], part: Range<usize>) {
        if !part.is_empty() {
            self.copies.load_bytes_from(slot, self.growth.end_of(0), part);
        }
    }

    /// Ends a read. Returns the number of all elements if the first ones are copied now. Otherwise makes room for the next read.
    fn end(&mut self, expect: impl Fn(usize) -> Result<(), Error>) -> Result<Option<usize>, Error> {
        let length = self.found.map_err(Excess::error)?;
        let copied = length.min(self.most);
        expect(copied)?;
        if self.units(copied) <= self.copies.len() {
            self.copies.truncate(self.units(copied));
            return Ok(Some(length));
        }
        self.cell.believe(self.growth, copied).map_err(Excess::error)?;
        // If it grows while it is copied, there must be room for more some time.
        let more = if self.is_first { 0 } else { copied / 4 };
        self.is_first = false;
        let room = copied.saturating_add(more).min(self.growth.capacity());
        self.copies = Copies::try_zeroed(self.units(room)).ok_or_else(|| {
            Error::io(format!("get memory for a copy of {copied} elements"), io::ErrorKind::OutOfMemory)
        })?;
        Ok(None)
    }

    /// Returns how many `E` this many elements are.
    fn units(&self, elements: usize) -> usize {
        (elements * self.growth.element()).checked_div(size_of::<E>()).unwrap_or(elements)
    }
}
