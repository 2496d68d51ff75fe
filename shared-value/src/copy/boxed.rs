//! `Copies`: private copies on the heap, of as many elements as it may be, or of a value that is too large for the stack.
#![allow(unsafe_code)]

use std::alloc::{self, Layout as Memory};
use std::ptr;

use crate::copy::value::{self, Unchecked};
use crate::error::Error;
use crate::format::contents::Contents;
use crate::layout::SharedValue;
use crate::protocol::atomics::AtomicU64;

/// How many elements are examined before the result is looked at: that makes several at a time possible.
const EXAMINED: usize = 256;

/// What was copied out of shared memory as elements, or as one value that may be too large for the stack.
pub(crate) struct Copies<T>(Box<[Unchecked<T>]>);

impl<T: SharedValue> Copies<T> {
    /// So many, of which all bytes are zeros.
    ///
    /// # Panics
    /// If there is no memory for them, as a `Vec` does.
    pub(crate) fn zeroed(length: usize) -> Self {
        let memory = Memory::array::<Unchecked<T>>(length).expect("so many values lie in a segment");
        if memory.size() == 0 {
            return Self(Box::new([]));
        }
        // SAFETY: it has at least one byte.
        let first = unsafe { alloc::alloc_zeroed(memory) };
        if first.is_null() {
            alloc::handle_alloc_error(memory);
        }
        let all = ptr::slice_from_raw_parts_mut(first.cast::<Unchecked<T>>(), length);
        // SAFETY: the global allocator has just given this memory for an array of these, whose bytes it has initialized.
        Self(unsafe { Box::from_raw(all) })
    }

    /// Copies what lies at a byte offset of a slot.
    ///
    /// # Panics
    /// If so many do not lie there.
    pub(crate) fn load(&mut self, slot: &[AtomicU64], offset: usize) {
        value::load_slice(slot, offset, &mut self.0);
    }

    pub(crate) fn first(&mut self) -> Option<&mut Unchecked<T>> {
        self.0.first_mut()
    }

    /// The bytes of each.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = Vec<u8>> {
        self.0.iter().map(Unchecked::to_bytes)
    }

    /// The values that lie at an offset of an `Outer`, if the bits of all are.
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
        // SAFETY: a copy is a `T` in a transparent struct, and the bits of all were found to be values.
        Ok(unsafe { Box::from_raw(all) })
    }

    /// The same of one value.
    ///
    /// # Panics
    /// If there are others.
    pub(crate) fn check_one(self) -> Result<Box<T>, Error> {
        let all = self.check_in::<T>(0)?;
        assert!(all.len() == 1, "it is one value");
        let one = Box::into_raw(all).cast::<T>();
        // SAFETY: an array of one value lies in memory as the value does.
        Ok(unsafe { Box::from_raw(one) })
    }
}
