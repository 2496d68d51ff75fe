//! `Cell`: a value in a mapped segment, whose type, place and lock were checked.
#![allow(unsafe_code)]

mod bare;
mod count;
pub(crate) mod drafts;
mod excerpt;
mod growing;
mod guarding;
mod misfit;
mod open;
pub(crate) mod parts;
mod place;
mod terms;

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::cell::drafts::Drafted;
use crate::cell::guarding::LockedBy;
use crate::cell::parts::{Control, LINE, Parts, control_within, is_committed};
use crate::error::Error;
use crate::format::contents::{Contents, Shape, Untyped};
use crate::layout::SharedValue;
use crate::lock::{self, LockLine, LockState};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::retired::Standing;
use crate::protocol::slots::{Candidate, Slots, Versions};
use crate::segment::{Mapping, Segment};
use crate::sys::mutex::Mutex;

pub(crate) use bare::BareCell;
pub(crate) use excerpt::Excerpt;
pub(crate) use guarding::{Guarding, ObjectLock};
pub(crate) use open::{Recognized, open_or_else};
pub(crate) use place::Place;
pub(crate) use terms::Terms;

/// A value in a mapped segment.
pub(crate) struct Cell<C: Contents + ?Sized> {
    control: NonNull<Control>,
    /// The control line whose lock and event word are used: the cell's own, or that of a lock object.
    guarding: NonNull<Control>,
    locked_by: LockedBy,
    place: Place,
    facts: C::Facts,
    value: PhantomData<fn() -> C>,
}

// SAFETY: all memory behind the pointers is accessed atomically, a cell's contents are plain data that no thread owns, and
// facts are `Send`.
unsafe impl<C: Contents + ?Sized> Send for Cell<C> {}
// SAFETY: as for `Send`: all accesses are atomic, and facts are `Sync`.
unsafe impl<C: Contents + ?Sized> Sync for Cell<C> {}

impl<C: Contents + ?Sized> Clone for Cell<C> {
    fn clone(&self) -> Self {
        Self {
            control: self.control,
            guarding: self.guarding,
            locked_by: self.locked_by.clone(),
            place: self.place.clone(),
            facts: self.facts.clone(),
            value: PhantomData,
        }
    }
}

impl<C: Contents + ?Sized> fmt::Debug for Cell<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cell").field("segment", &self.place.segment().name()).finish_non_exhaustive()
    }
}

impl<T: SharedValue> Cell<T> {
    /// Returns the committed value. For the owner of the lock.
    pub(crate) fn committed(&self) -> Result<T, Error> {
        self.parts().committed()
    }

    /// Replaces the value, if nothing has been written since the last commit. For the owner of the lock.
    pub(crate) fn publish(&self, value: &T) {
        self.parts().publish(value);
    }
}

impl<E: SharedValue> Cell<[E]> {
    /// Returns the number of elements.
    #[inline(always)]
    pub(crate) fn length(&self) -> usize {
        self.shape().size / size_of::<E>()
    }
}

impl<C: Contents + ?Sized> Cell<C> {
    /// Returns the cell with these facts that starts at an offset, if it ends before `end` and `end` lies in the segment.
    /// Its own native lock guards it.
    #[inline(always)]
    pub(crate) fn within(place: Place, start: usize, facts: C::Facts, end: usize) -> Option<Self> {
        let control = control_within(place.segment(), start, C::shape(&facts), end)?;
        Some(Self { control, guarding: control, locked_by: LockedBy::Own, place, facts, value: PhantomData })
    }

    /// Returns this cell, whose own native lock a thread may not take again.
    pub(crate) fn non_recursive(self) -> Self {
        Self { locked_by: LockedBy::OwnOnce, ..self }
    }

    /// Repairs the cell at this place, while no process has the segment open, and returns its parts.
    pub(crate) fn adopt_within(mapping: &Mapping, start: usize, shape: Shape, end: usize) -> Option<Parts<'_, C>> {
        let control = control_within(mapping, start, shape, end)?;
        // SAFETY: `control_within` found that `shape.length()` bytes from there, aligned to 64, lie in the mapping, which
        // lives as long as the parts.
        let parts = unsafe { Parts::<C>::at(control, shape) };
        let used = shape.growth().map_or(shape.size, |growth| growth.used(parts.slots().both()));
        parts.adopt(mapping, used);
        Some(parts)
    }

    /// Returns the number of the value in its segment: zero for the value that the header names.
    pub(crate) fn number(&self) -> u64 {
        self.place.number()
    }

    /// Lets the closure write the value for the first time, while no other thread can find it.
    pub(crate) fn initialize(&self, initialize: impl FnOnce(&Parts<'_, C>)) {
        initialize(&self.parts());
    }

    /// Returns the offset of an atomic field in its segment.
    pub(crate) fn atomic_offset(&self, number: usize) -> usize {
        self.start() + LINE + (self.shape().atomics_start() + number) * size_of::<u64>()
    }

    /// Returns the offset of the cell in its segment.
    pub(crate) fn start(&self) -> usize {
        self.place.offset_of(self.control.cast())
    }

    /// Returns the segment that the value lies in, to keep it mapped.
    pub(crate) fn shared_segment(&self) -> &Arc<Segment> {
        self.place.segment()
    }

    pub(crate) fn name(&self) -> &str {
        self.place.segment().name()
    }

    /// Returns where the parts lie.
    #[inline(always)]
    pub(crate) fn shape(&self) -> Shape {
        C::shape(&self.facts)
    }

    /// Returns the facts about the value that are not in its memory.
    #[inline(always)]
    pub(crate) fn facts(&self) -> &C::Facts {
        &self.facts
    }

    #[inline(always)]
    fn parts(&self) -> Parts<'_, C> {
        // SAFETY: each constructor of a cell checks that `shape.length()` bytes, aligned to 64, lie at `control`, with the
        // shape of these facts, which never change. `place` keeps them mapped while `self` lives.
        unsafe { Parts::at(self.control, self.shape()) }
    }

    #[inline(always)]
    fn guarding(&self) -> &Control {
        // SAFETY: `place`, or the segment of the lock object in `locked_by`, keeps the line mapped while `self` lives, and a
        // control line consists of atomics.
        unsafe { self.guarding.as_ref() }
    }

    /// Returns the lock line. If a pthread mutex guards the value, the line represents it in the thread's list of held
    /// locks.
    #[inline(always)]
    pub(crate) fn lock(&self) -> &LockLine {
        &self.guarding().lock
    }

    /// Returns whether the native lock in its own control line guards the value, and a thread may take it again.
    #[inline(always)]
    pub(crate) fn has_own_lock(&self) -> bool {
        matches!(self.locked_by, LockedBy::Own)
    }

    /// Returns the mutex that guards the value, if there is one.
    pub(crate) fn mutex(&self) -> Option<&Mutex> {
        if let LockedBy::Pthread { mutex, .. } = &self.locked_by { Some(mutex) } else { None }
    }

    /// Returns whether the lock may guard other values too.
    #[inline(always)]
    pub(crate) fn is_lock_shared(&self) -> bool {
        matches!(self.locked_by, LockedBy::Object(_))
    }

    /// Returns whether the owner of the lock may take it again.
    pub(crate) fn is_recursive(&self) -> bool {
        match &self.locked_by {
            LockedBy::Own | LockedBy::Unknown => true,
            LockedBy::OwnOnce => false,
            LockedBy::Object(object) => object.is_recursive(),
            LockedBy::Pthread { is_recursive, .. } => *is_recursive,
        }
    }

    /// Returns whether the calling thread holds the lock: by a handle that can take it, even if this one only reads and has
    /// mapped the segment elsewhere. The lock object of a read-only handle is not known, and counts as not held.
    pub(crate) fn is_held_here(&self) -> bool {
        if lock::holds(self.lock()) {
            return true;
        }
        if !lock::holds_any() || matches!(self.locked_by, LockedBy::Unknown) {
            return false;
        }
        let line = Segment::mapped_for_writing(self.place.segment().identity()).and_then(|segment| {
            let start = segment.at(self.start(), LINE)?.addr().get();
            Some(start..start + LINE)
        });
        line.is_some_and(|line| lock::holds_within(&line))
    }

    /// Returns the operations on a thread's notes about this value. `token` is the thread's token.
    pub(crate) fn drafted(&self, token: u64) -> Drafted<'_> {
        Drafted { lock: self.lock(), token, versions: &self.parts().control.versions }
    }

    /// Notes that the owner of the lock is going to write. `token` is the owner's token.
    #[cold]
    pub(crate) fn note_draft(&self, token: u64) {
        self.drafted(token).note(self.shared_segment());
    }

    /// Forbids or allows other writes of the owner to this value. Its writes to other values under the lock stay allowed.
    #[cold]
    pub(crate) fn set_draft_borrowed(&self, token: u64, is_borrowed: bool) {
        self.drafted(token).set_borrowed(is_borrowed, self.shared_segment());
    }

    /// Returns the slot that the owner of the lock reads: its own writes, or the committed value.
    #[inline(always)]
    pub(crate) fn current(&self, token: u64) -> &[AtomicU64] {
        self.slots().words_of(self.look_as_owner(token))
    }

    #[cold]
    fn has_noted_draft(&self, token: u64) -> bool {
        self.drafted(token).is_noted()
    }

    #[inline(always)]
    pub(crate) fn slots(&self) -> Slots<'_> {
        self.parts().slots()
    }

    /// Returns the word of an atomic field. `number` counts the atomic words of the value.
    #[inline(always)]
    pub(crate) fn atomic(&self, number: usize) -> &AtomicU64 {
        &self.parts().atomics[number]
    }

    /// Returns the word that threads sleep on while they wait for a change.
    #[inline(always)]
    pub(crate) fn event(&self) -> &AtomicU64 {
        &self.guarding().event
    }

    /// Makes the next release of the lock look at the event word.
    pub(crate) fn call_back(&self) {
        match self.locked_by {
            LockedBy::Own | LockedBy::OwnOnce | LockedBy::Object(_) | LockedBy::Unknown => lock::call_back(self.lock()),
            LockedBy::Pthread { .. } => lock::pthread::call_back(),
        }
    }

    /// Returns whether the next release of the lock will look at the event word.
    pub(crate) fn is_called_back(&self) -> bool {
        match self.locked_by {
            LockedBy::Own | LockedBy::OwnOnce | LockedBy::Object(_) | LockedBy::Unknown => {
                lock::is_called_back(self.lock())
            }
            // Each release looks.
            LockedBy::Pthread { .. } => true,
        }
    }

    /// Returns the committed version, to be copied without the lock; `None` if the version is joined to a record that does
    /// not exist. `is_orphan` says that the record was missing before a pause too: then a peer has broken the protocol, and
    /// the previous version counts as committed.
    pub(crate) fn look_decided(&self, is_orphan: bool) -> Option<Candidate> {
        self.slots().look_decided(is_orphan, |record| is_committed(self.place.segment(), record))
    }

    /// Returns the version that the owner of the lock reads: its own writes, or the committed value. `token` is the owner's
    /// token.
    #[inline(always)]
    pub(crate) fn look_as_owner(&self, token: u64) -> Candidate {
        // A draft without a note of this owner was left by a dead owner.
        self.slots().look_as_owner(!self.is_lock_shared() || self.has_noted_draft(token))
    }

    /// Returns the words that tell which slot is committed.
    pub(crate) fn versions(&self) -> &Versions {
        &self.parts().control.versions
    }

    /// Repairs the value after its owner died: a transaction's commit stays, a draft is rolled back.
    pub(crate) fn recover(&self) {
        self.parts().recover(self.place.segment());
    }

    /// Returns whether another segment has taken the place of this one.
    pub(crate) fn is_replaced(&self) -> bool {
        self.place.number() == 0 && self.place.segment().is_replaced()
    }

    /// Returns the standing of the segment, without a system call.
    pub(crate) fn standing(&self) -> Standing {
        if self.place.number() == 0 { self.place.segment().standing() } else { Standing::InPlace }
    }

    /// Returns this cell without its type.
    pub(crate) fn untyped(&self) -> Cell<Untyped> {
        Cell {
            control: self.control,
            guarding: self.guarding,
            locked_by: self.locked_by.clone(),
            place: self.place.clone(),
            facts: self.shape(),
            value: PhantomData,
        }
    }

    pub(crate) fn lock_state(&self) -> LockState {
        match &self.locked_by {
            LockedBy::Own | LockedBy::OwnOnce | LockedBy::Object(_) => lock::state(self.lock()),
            LockedBy::Pthread { mutex, .. } => lock::pthread::state(self.lock(), mutex),
            LockedBy::Unknown => LockState::Unknown,
        }
    }

    pub(crate) fn recoveries(&self) -> u64 {
        self.lock().recoveries()
    }
}
