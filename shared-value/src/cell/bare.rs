//! `BareCell`: a value with a lock of its own, whatever its type is.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use crate::cell::Cell;
use crate::cell::parts::{Control, recover};
use crate::cell::place::Place;
use crate::format::contents::Contents;
use crate::lock::LockLine;
use crate::protocol::atomics::AtomicU64;
use crate::protocol::slots::Versions;

/// The control line of a cell that its own native lock guards, kept mapped, and its claim. It is a fraction of the size of a
/// cell, so that a transaction can keep one for each of its values.
#[derive(Clone, Debug)]
pub(crate) struct BareCell {
    control: NonNull<Control>,
    place: Place,
}

impl BareCell {
    /// Returns the offset of the cell in its segment.
    pub(crate) fn start(&self) -> usize {
        self.place.offset_of(self.control.cast())
    }

    #[inline(always)]
    pub(crate) fn lock(&self) -> &LockLine {
        &self.control().lock
    }

    /// Returns the words that tell which slot is committed.
    #[inline(always)]
    pub(crate) fn versions(&self) -> &Versions {
        &self.control().versions
    }

    /// Returns the word that threads sleep on while they wait for a change.
    #[inline(always)]
    pub(crate) fn event(&self) -> &AtomicU64 {
        &self.control().event
    }

    /// Repairs the value after its owner died, as [`Cell::recover`] does.
    pub(crate) fn recover(&self) {
        recover(self.versions(), self.place.segment());
    }

    #[inline(always)]
    fn control(&self) -> &Control {
        // SAFETY: `place` keeps the line mapped while `self` lives, and a control line consists of atomics.
        unsafe { self.control.as_ref() }
    }
}

impl<C: Contents + ?Sized> Cell<C> {
    /// Returns this cell without its type. Its own native lock must guard it.
    pub(crate) fn bare(&self) -> BareCell {
        debug_assert!(self.has_own_lock(), "another lock guards the value");
        BareCell { control: self.control, place: self.place.clone() }
    }
}
