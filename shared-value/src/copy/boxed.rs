//! `Copies`: private copies on the heap, of any number of elements, or of a value that is too large for the stack.
#![allow(unsafe_code)]

use std::alloc::{self, Layout as Memory};
use std::mem;
use std::ops::Range;
use std::ptr;

use crate::copy::bytes;
use crate::copy::unchecked::Unchecked;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

/// How many elements are checked before the result is tested, so that the compiler can vectorize the check.
const EXAMINED: usize = 256;

/// Unchecked copies of elements, or of one value, from shared memory.
pub(crate) struct Copies<T>(Box<[Unchecked<T>]>);

impl<T: SharedValue> Copies<T> {
    /// Makes `length` copies whose bytes are all zeros.
    ///
    /// # Panics
    /// If there is no memory for them.
    pub(crate) fn zeroed(length: usize) -> Self {
        Self::try_zeroed(length).unwrap_or_else(|| {
            alloc::handle_alloc_error(Memory::array::<Unchecked<T>>(length).expect("so many values lie in a segment"))
        })
    }

    /// Makes `length` copies whose bytes are all zeros; `None` if there is no memory for them.
    pub(crate) fn try_zeroed(length: usize) -> Option<Self> {
        let memory = Memory::array::<Unchecked<T>>(length).ok()?;
        if memory.size() == 0 {
            return Some(Self(Box::new([])));
        }
        // SAFETY: the size of `memory` is not zero.
        let first = unsafe { alloc::alloc_zeroed(memory) };
        if first.is_null() {
            return None;
        }
        let all = ptr::slice_from_raw_parts_mut(first.cast::<Unchecked<T>>(), length);
        // SAFETY: the global allocator has returned this memory for the layout of this array, and has set its bytes to zero,
        // which `Unchecked` accepts.
        Some(Self(unsafe { Box::from_raw(all) }))
    }

    /// Returns the number of copies.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps the first copies.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.0.len() {
            let mut all = mem::take(&mut self.0).into_vec();
            all.truncate(length);
            self.0 = all.into_boxed_slice();
        }
    }

    /// Copies the elements from a byte offset of a slot on.
    ///
    /// # Panics
    /// If they do not lie in the slot.
    pub(crate) fn load(&mut self, slot: &[AtomicU64], offset: usize) {
        self.load_bytes_from(slot, offset, offset..offset + self.size());
    }

    /// Copies these bytes of a slot, at whose start the first copy begins.
    ///
    /// # Panics
    /// If the bytes do not lie in the slot, or in the copies.
    pub(crate) fn load_bytes(&mut self, slot: &[AtomicU64], bytes: Range<usize>) {
        self.load_bytes_from(slot, 0, bytes);
    }

    /// Copies these bytes of a slot, at whose byte `first` the first copy begins.
    ///
    /// # Panics
    /// If the bytes do not lie in the slot, or in the copies.
    pub(crate) fn load_bytes_from(&mut self, slot: &[AtomicU64], first: usize, bytes: Range<usize>) {
        let is_inside = bytes.start <= bytes.end && first <= bytes.start && bytes.end - first <= size_of_val(&*self.0);
        assert!(is_inside, "the bytes must lie in the copies");
        // SAFETY: as just checked, at least `bytes.start - first` bytes belong to the copies.
        let to = unsafe { self.0.as_mut_ptr().cast::<u8>().add(bytes.start - first) };
        // SAFETY: as just checked, `bytes.len()` bytes from `to` on belong to the copies, which are borrowed mutably. An
        // `Unchecked` accepts any initialized bytes.
        unsafe { bytes::load(slot, bytes.start, to, bytes.len()) };
    }

    /// Returns the bytes of all copies.
    pub(crate) fn size(&self) -> usize {
        size_of_val(&*self.0)
    }

    pub(crate) fn first(&mut self) -> Option<&mut Unchecked<T>> {
        self.0.first_mut()
    }

    /// Returns the bytes of each copy.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = Vec<u8>> {
        self.0.iter().map(Unchecked::to_bytes)
    }

    /// Returns the values, if all bits are valid. `place` is their offset in an `Outer`, for errors.
    pub(crate) fn check_in<Outer: Contents + ?Sized>(self, place: usize) -> Result<Box<[T]>, Error> {
        if const { T::LAYOUT.is_checked() } {
            for (number, copies) in self.0.chunks(EXAMINED).enumerate() {
                if copies.iter().fold(true, |valid, copy| valid & copy.is_valid()) {
                    continue;
                }
                for (index, copy) in (number * EXAMINED..).zip(copies) {
                    copy.examine::<Outer>(place + index * size_of::<T>())?;
                }
            }
        }
        let all = Box::into_raw(self.0) as *mut [T];
        // SAFETY: `Unchecked<T>` is transparent over a `T`, and the bits of all copies were found to be valid.
        Ok(unsafe { Box::from_raw(all) })
    }

    /// Returns the value, if there is one copy and its bits are valid.
    ///
    /// # Panics
    /// If there is not exactly one copy.
    pub(crate) fn check_one(self) -> Result<Box<T>, Error> {
        let all = self.check_in::<T>(0)?;
        assert!(all.len() == 1, "there must be one value");
        let one = Box::into_raw(all).cast::<T>();
        // SAFETY: the array has one element, so its layout is the layout of the value; the box owns it.
        Ok(unsafe { Box::from_raw(one) })
    }
}
