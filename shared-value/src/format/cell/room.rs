//! `Room`: the facts about a value whose number of elements changes.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::format::cell::contents::Shape;
use crate::format::cell::growth::Growth;

/// The facts about a value whose number of elements changes that are not in its memory.
#[derive(Debug)]
pub(crate) struct Room {
    shape: Shape,
    growth: Growth,
    /// How many bytes of each slot have memory, as far as this handle knows; in a new value, how many are used.
    reserved: AtomicUsize,
}

impl Room {
    /// Returns the facts of a new value, which begins with `length` elements. `has_reserved` is that of the elements.
    pub(crate) fn with_elements(growth: Growth, has_reserved: bool, length: usize) -> Self {
        let shape = Shape::growing(growth).reserving(has_reserved);
        Self { shape, growth, reserved: AtomicUsize::new(growth.end_of(length)) }
    }

    /// Returns the facts of a value that exists: no memory is known to be reserved.
    pub(crate) fn unknown(growth: Growth, has_reserved: bool) -> Self {
        let shape = Shape::growing(growth).reserving(has_reserved);
        Self { shape, growth, reserved: AtomicUsize::new(0) }
    }

    #[inline(always)]
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    #[inline(always)]
    pub(crate) fn growth(&self) -> Growth {
        self.growth
    }

    /// Returns how many bytes of each slot surely have memory.
    #[inline(always)]
    pub(crate) fn reserved(&self) -> usize {
        self.reserved.load(Ordering::Relaxed)
    }

    pub(crate) fn note_reserved(&self, bytes: usize) {
        self.reserved.fetch_max(bytes, Ordering::Relaxed);
    }
}

impl Clone for Room {
    fn clone(&self) -> Self {
        Self { reserved: AtomicUsize::new(self.reserved()), ..*self }
    }
}
