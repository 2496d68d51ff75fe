//! `Copier`: copies a value without its padding.
#![allow(unsafe_code)]

use core::ptr;

use crate::layout::{FieldVisitor, SharedValue};

/// Copies the bytes of a value that are not padding.
pub(super) struct Copier {
    /// The bytes of the value.
    pub(super) from: *const u8,
    /// Room for the same number of bytes, in other memory.
    pub(super) to: *mut u8,
}

impl FieldVisitor for Copier {
    #[inline(always)]
    fn field<F: SharedValue>(&mut self, offset: usize) {
        // SAFETY: `SharedValue` promises that its fields lie in the value, and `from` points to the bytes of the value.
        let from = unsafe { self.from.add(offset) };
        // SAFETY: the field lies in the value, and `to` has room for the bytes of the value.
        let to = unsafe { self.to.add(offset) };
        if const { F::LAYOUT.padding() == 0 } {
            // SAFETY: the field lies in both, which are different memory, and its bytes are initialized, since it has no
            // padding.
            unsafe { ptr::copy_nonoverlapping(from, to, size_of::<F>()) };
        } else {
            F::fields(&mut Self { from, to });
        }
    }
}
