//! `Cell`: a value in a mapped segment, whose type, place and lock were checked.
#![allow(unsafe_code)]

pub(crate) mod drafts;
mod guarding;
pub(crate) mod parts;
mod terms;

use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::cell::drafts::Drafted;
use crate::cell::guarding::LockedBy;
use crate::cell::parts::{Control, LINE, Parts, control, control_within, is_committed};
use crate::error::Error;
use crate::format::contents::{Contents, Shape, Typed, Untyped};
use crate::format::{Described, Description, Entry, Invalid, Plan, RequiredLock};
use crate::layout::SharedValue;
use crate::lock::{self, LockLine, LockState};
use crate::protocol::atomics::AtomicU64;
use crate::protocol::slots::{Candidate, Slots, Versions};
use crate::segment::{Location, Mapping, Segment};
use crate::sys::mutex::{self, Mutex};

pub(crate) use guarding::{Guarding, ObjectLock};
pub(crate) use terms::Terms;

/// A value in a mapped segment.
pub(crate) struct Cell<C: Contents + ?Sized> {
    control: NonNull<Control>,
    /// The control line of which the lock and the signal are used: its own, or that of a lock object.
    guarding: NonNull<Control>,
    locked_by: LockedBy,
    segment: Arc<Segment>,
    facts: C::Facts,
    /// Which value of its segment it is: zero for the one that the header names.
    number: u64,
    value: PhantomData<fn() -> C>,
}

// SAFETY: everything that the pointers lead to is accessed atomically, what cells hold is plain data without anything that
// belongs to a thread, and facts are `Send`.
unsafe impl<C: Contents + ?Sized> Send for Cell<C> {}
// SAFETY: as for `Send`: all accesses are atomic, and facts are `Sync`.
unsafe impl<C: Contents + ?Sized> Sync for Cell<C> {}

impl<C: Contents + ?Sized> Clone for Cell<C> {
    fn clone(&self) -> Self {
        Self {
            control: self.control,
            guarding: self.guarding,
            locked_by: self.locked_by.clone(),
            segment: Arc::clone(&self.segment),
            facts: self.facts.clone(),
            number: self.number,
            value: PhantomData,
        }
    }
}

impl<C: Contents + ?Sized> fmt::Debug for Cell<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cell").field("segment", &self.segment.name()).finish_non_exhaustive()
    }
}

/// Contents that a segment describes, and that are recognized by the description.
pub(crate) trait Recognized: Contents {
    /// Whether a read-only handle may open a value that nothing guards, whose versions mean nothing.
    const READS_UNGUARDED: bool;

    /// The facts of the value that the header of a segment names, if that is one of these.
    fn in_segment(mapping: &Mapping) -> Result<Self::Facts, Error>;

    /// The facts of a value of an arena, if that is one of these.
    fn in_arena(described: &Described<'_>) -> Result<Self::Facts, Error>;

    /// The hash of the schema of a value with these facts.
    fn fingerprint(facts: &Self::Facts) -> u64;

    /// The schema of a value with these facts.
    fn schema(facts: &Self::Facts) -> String;
}

impl<C: Typed + ?Sized> Recognized for C {
    const READS_UNGUARDED: bool = false;

    fn in_segment(mapping: &Mapping) -> Result<C::Facts, Error> {
        let entry = &mapping.entries()[0];
        let facts = C::facts(entry.size());
        let shape = facts.as_ref().map_or(Shape::of(0, 0), C::shape);
        let description = Description { schema: C::schema(), fingerprint: C::FINGERPRINT, shape };
        entry.expect(mapping.name(), &description)?;
        facts.ok_or_else(|| Invalid::new("size", "that of its type", entry.size()).of(mapping.name()))
    }

    #[inline]
    fn in_arena(described: &Described<'_>) -> Result<C::Facts, Error> {
        described.expect::<C>()
    }

    #[inline]
    fn fingerprint(_: &C::Facts) -> u64 {
        C::FINGERPRINT
    }

    fn schema(_: &C::Facts) -> String {
        C::schema()
    }
}

/// Opens what exists, or creates it. Both may fail by turns while other processes create and remove it.
pub(crate) fn open_or_else<V>(
    open: impl Fn() -> Result<V, Error>,
    create: impl Fn() -> Result<V, Error>,
) -> Result<V, Error> {
    loop {
        match open() {
            Err(Error::NotFound { .. }) => {}
            opened => return opened,
        }
        match create() {
            Err(Error::AlreadyExists { .. }) => {}
            created => return created,
        }
    }
}

impl<C: Recognized + ?Sized> Cell<C> {
    /// Creates a segment for a value with these facts, which the closure writes: all zeros is a free lock, version 0, and
    /// slot 0. Behind the value are `reserve` bytes of address space, which take no memory yet.
    pub(crate) fn create(
        location: &Location<'_>,
        terms: &Terms,
        facts: &C::Facts,
        reserve: u64,
        initialize: impl FnOnce(&Parts<'_, C>),
    ) -> Result<Self, Error> {
        let shape = C::shape(facts);
        let description = Description { schema: C::schema(facts), fingerprint: C::fingerprint(facts), shape };
        let mut plan = Plan::of(&description, terms.guarding.required(), reserve);
        if terms.is_sparse && location.is_anonymous() {
            plan.allocated = plan.prefix.len() as u64;
        }
        let segment = Segment::create(location, terms.mode, terms.writers, &plan, |mapping| {
            let control = control(mapping, &mapping.entries()[0]);
            // SAFETY: `Plan` made the cell for contents of this shape, and nobody else sees the mapping yet.
            initialize(&unsafe { Parts::<C>::at(control, shape) });
            initialize_mutexes(mapping)
        })?;
        if terms.unlink_on_drop {
            segment.unlink_on_drop();
        }
        Self::in_segment(segment, &terms.guarding)
    }

    /// Opens the value in a segment that exists, if it is guarded in this way. Where no process has the segment open,
    /// `adopt` puts in order what else lies in it; it is told whether any process reads.
    pub(crate) fn open(
        location: &Location<'_>,
        guarding: &Guarding,
        adopt: impl FnOnce(&Mapping, bool),
    ) -> Result<Self, Error> {
        let check = |mapping: &Mapping| {
            C::in_segment(mapping).and_then(|facts| {
                guarding.check(mapping)?;
                Ok(C::shape(&facts))
            })
        };
        let segment = Segment::open(location, check, |mapping, shape, is_read| {
            let control = control(mapping, &mapping.entries()[0]);
            // SAFETY: the check has found that the cell was made for contents of this shape.
            let parts = unsafe { Parts::<C>::at(control, shape) };
            parts.adopt(mapping);
            initialize_mutexes(mapping)?;
            adopt(mapping, is_read);
            Ok(())
        })?;
        Self::in_segment(segment, guarding)
    }

    /// Opens the value in a segment that exists for reading, whatever guards it.
    pub(crate) fn open_read_only(location: &Location<'_>) -> Result<Self, Error> {
        Self::for_reading(Segment::open_read_only(location)?)
    }

    /// The value in a file that another process has handed over.
    pub(crate) fn of_file(file: File, location: Location<'static>, guarding: &Guarding) -> Result<Self, Error> {
        Self::in_segment(Segment::of_file(file, location)?, guarding)
    }

    /// The same, for reading.
    pub(crate) fn of_file_read_only(file: File, location: Location<'static>) -> Result<Self, Error> {
        Self::for_reading(Segment::of_file_read_only(file, location)?)
    }

    /// The memory that the value lies in.
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The same value once more, for reading.
    pub(crate) fn read_only(&self) -> Result<Self, Error> {
        let segment = self.segment.read_only()?;
        if self.number == 0 {
            return Self::for_reading(segment);
        }
        // It is the same file, in which this cell was found.
        Self::within(&segment, self.start(), self.facts.clone(), segment.length(), self.number)
            .ok_or_else(|| Error::io("map a value for reading", std::io::ErrorKind::UnexpectedEof))
    }

    /// The lock of this value, for others.
    pub(crate) fn object_lock(&self, identity: u64, is_recursive: bool) -> ObjectLock {
        ObjectLock::new(self.control, Arc::clone(&self.segment), identity, is_recursive)
    }

    /// The same value, whose lock guards others too.
    pub(crate) fn guarding_others(self, identity: u64, is_recursive: bool) -> Self {
        let locked_by = LockedBy::Object(self.object_lock(identity, is_recursive));
        Self { locked_by, ..self }
    }

    fn in_segment(segment: Arc<Segment>, guarding: &Guarding) -> Result<Self, Error> {
        let facts = C::in_segment(&segment)?;
        guarding.check(&segment)?;
        let entry = &segment.entries()[0];
        let control = control(&segment, entry);
        let (guarding, locked_by) = match (guarding, segment.required_lock()) {
            (Guarding::Object(object), _) => (object.control(), LockedBy::Object(object.clone())),
            (_, RequiredLock::Pthread) => {
                // The caller has asked for `LockKind::Pthread`, and so trusts all who may write: that there is a mutex, too.
                (control, LockedBy::Pthread(attach(&segment, entry)?))
            }
            _ => (control, LockedBy::Own),
        };
        Ok(Self { control, guarding, locked_by, segment, facts, number: 0, value: PhantomData })
    }

    /// Readers take no lock, so they need not have it.
    fn for_reading(segment: Arc<Segment>) -> Result<Self, Error> {
        let facts = C::in_segment(&segment)?;
        if segment.required_lock() == RequiredLock::None && !C::READS_UNGUARDED {
            // Its versions mean nothing.
            return Err(RequiredLock::None.mismatch(segment.name(), RequiredLock::Native));
        }
        let entry = &segment.entries()[0];
        let locked_by = match segment.required_lock() {
            // To see who holds it, which is all that this handle can do with it.
            RequiredLock::Pthread => LockedBy::Pthread(attach(&segment, entry)?),
            RequiredLock::Object { .. } => LockedBy::Unknown,
            RequiredLock::None | RequiredLock::Native | RequiredLock::Itself => LockedBy::Own,
        };
        let control = control(&segment, entry);
        Ok(Self { control, guarding: control, locked_by, segment, facts, number: 0, value: PhantomData })
    }
}

impl<E: SharedValue> Cell<[E]> {
    /// The number of elements.
    #[inline(always)]
    pub(crate) fn length(&self) -> usize {
        self.shape().size / size_of::<E>()
    }
}

impl<C: Contents + ?Sized> Cell<C> {
    /// The cell with these facts that starts at an offset, if it ends before `end` and `end` lies in the segment. Its own
    /// native lock guards it. `number` identifies it among the cells of the segment.
    pub(crate) fn within(
        segment: &Arc<Segment>,
        start: usize,
        facts: C::Facts,
        end: usize,
        number: u64,
    ) -> Option<Self> {
        let control = control_within(segment, start, C::shape(&facts), end)?;
        let (segment, locked_by) = (Arc::clone(segment), LockedBy::Own);
        Some(Self { control, guarding: control, locked_by, segment, facts, number, value: PhantomData })
    }

    /// Puts such a cell in order, where no process has the segment open, and gives its parts.
    pub(crate) fn adopt_within(mapping: &Mapping, start: usize, shape: Shape, end: usize) -> Option<Parts<'_, C>> {
        let control = control_within(mapping, start, shape, end)?;
        // SAFETY: a cell of this shape lies there, in the mapping.
        let parts = unsafe { Parts::<C>::at(control, shape) };
        parts.adopt(mapping);
        Some(parts)
    }

    /// Which value of its segment it is: zero for the one that the header names.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Lets the closure write what was never written before, while nobody else looks.
    pub(crate) fn initialize(&self, initialize: impl FnOnce(&Parts<'_, C>)) {
        initialize(&self.parts());
    }

    /// Where in its segment an atomic field lies.
    pub(crate) fn atomic_offset(&self, number: usize) -> usize {
        self.start() + LINE + (self.shape().atomics_start() + number) * size_of::<u64>()
    }

    /// Where in its segment the cell starts.
    pub(crate) fn start(&self) -> usize {
        let segment = self.segment.at(0, 0).map_or(0, |start| start.addr().get());
        self.control.addr().get() - segment
    }

    /// The memory that the value lies in, to keep it.
    pub(crate) fn shared_segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    pub(crate) fn name(&self) -> &str {
        self.segment.name()
    }

    /// What decides where the parts lie.
    #[inline(always)]
    pub(crate) fn shape(&self) -> Shape {
        C::shape(&self.facts)
    }

    /// What this handle knows of the value besides its memory.
    #[inline(always)]
    pub(crate) fn facts(&self) -> &C::Facts {
        &self.facts
    }

    #[inline(always)]
    fn parts(&self) -> Parts<'_, C> {
        // SAFETY: whatever made this cell has checked that so many bytes, aligned to 64, lie there for contents of this shape.
        // The segment stays mapped while `self` lives.
        unsafe { Parts::at(self.control, self.shape()) }
    }

    #[inline(always)]
    fn guarding(&self) -> &Control {
        // SAFETY: the segment, or that of the lock object, stays mapped while `self` lives, and a control line is made of
        // atomics.
        unsafe { self.guarding.as_ref() }
    }

    /// The lock, for the guard that holds it. Where a pthread mutex guards the value, this stands for it.
    #[inline(always)]
    pub(crate) fn lock(&self) -> &LockLine {
        &self.guarding().lock
    }

    /// Whether the native lock in its own control line guards the value.
    #[inline(always)]
    pub(crate) fn has_own_lock(&self) -> bool {
        matches!(self.locked_by, LockedBy::Own)
    }

    /// The mutex that guards the value, if one does.
    pub(crate) fn mutex(&self) -> Option<&Mutex> {
        if let LockedBy::Pthread(mutex) = &self.locked_by { Some(mutex) } else { None }
    }

    /// Whether the lock guards other values too.
    #[inline(always)]
    pub(crate) fn is_lock_shared(&self) -> bool {
        matches!(self.locked_by, LockedBy::Object(_))
    }

    /// Whether a thread may take the lock again that it holds.
    pub(crate) fn is_recursive(&self) -> bool {
        !matches!(&self.locked_by, LockedBy::Object(object) if !object.is_recursive())
    }

    /// The value as one of those that a thread may have touched under their lock.
    pub(crate) fn drafted(&self, token: u64) -> Drafted<'_> {
        Drafted { lock: self.lock(), token, versions: &self.parts().control.versions }
    }

    /// Notes that the thread of this token, which holds the lock, is going to write.
    #[cold]
    pub(crate) fn note_draft(&self, token: u64) {
        self.drafted(token).note(&self.segment);
    }

    /// Bars other writes of the thread to this value, but not to others under the same lock, or ends that.
    #[cold]
    pub(crate) fn set_draft_borrowed(&self, token: u64, is_borrowed: bool) {
        self.note_draft(token);
        self.drafted(token).set_borrowed(is_borrowed);
    }

    /// The words of `look_as_owner`.
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

    /// The word of an atomic field, by its number among them.
    #[inline(always)]
    pub(crate) fn atomic(&self, number: usize) -> &AtomicU64 {
        &self.parts().atomics[number]
    }

    /// The word that who waits for a change sleeps on.
    #[inline(always)]
    pub(crate) fn event(&self) -> &AtomicU64 {
        &self.guarding().event
    }

    /// Sees to it that who releases the lock next looks at the signal.
    pub(crate) fn call_back(&self) {
        match self.locked_by {
            LockedBy::Own | LockedBy::Object(_) | LockedBy::Unknown => lock::call_back(self.lock()),
            LockedBy::Pthread(_) => lock::pthread::call_back(),
        }
    }

    /// What is committed, to be copied without the lock. `None` if it is joined to no record: `is_orphan` says that it has
    /// been so before a pause, so that somebody has written it who does not keep to the rules, and what is committed is the
    /// value before.
    pub(crate) fn look_decided(&self, is_orphan: bool) -> Option<Candidate> {
        self.slots().look_decided(is_orphan, |record| is_committed(&self.segment, record))
    }

    /// What the thread of this token, which holds the lock, reads: its own writes, or the committed value.
    #[inline(always)]
    pub(crate) fn look_as_owner(&self, token: u64) -> Candidate {
        // A draft that the thread has not noted is a dead owner's.
        self.slots().look_as_owner(!self.is_lock_shared() || self.has_noted_draft(token))
    }

    /// The draft and the version of the value.
    pub(crate) fn versions(&self) -> &Versions {
        &self.parts().control.versions
    }

    /// Puts the value in order after its owner died: what a transaction had committed stays, what was a draft goes.
    pub(crate) fn recover(&self) {
        self.parts().recover(&self.segment);
    }

    /// The same cell, of which nothing is known but the shape.
    pub(crate) fn untyped(&self) -> Cell<Untyped> {
        Cell {
            control: self.control,
            guarding: self.guarding,
            locked_by: self.locked_by.clone(),
            segment: Arc::clone(&self.segment),
            facts: self.shape(),
            number: self.number,
            value: PhantomData,
        }
    }

    pub(crate) fn lock_state(&self) -> LockState {
        match &self.locked_by {
            LockedBy::Own | LockedBy::Object(_) => lock::state(self.lock()),
            LockedBy::Pthread(mutex) => lock::pthread::state(self.lock(), mutex),
            LockedBy::Unknown => LockState::Unknown,
        }
    }

    pub(crate) fn recoveries(&self) -> u64 {
        self.lock().recoveries()
    }
}

impl<'a, C: Recognized + ?Sized> Parts<'a, C> {
    /// Those of the value that the header names, if it is one of this type.
    pub(crate) fn first(mapping: &'a Mapping) -> Result<Self, Error> {
        let shape = C::shape(&C::in_segment(mapping)?);
        // SAFETY: the header names a cell that was made for contents of this shape, and the mapping lives during `'a`.
        Ok(unsafe { Self::at(control(mapping, &mapping.entries()[0]), shape) })
    }
}

/// Where the mutex of a cell lies, whose place the header's validation checked.
fn place_of_mutex(mapping: &Mapping, entry: &Entry) -> NonNull<u8> {
    mapping.at(entry.mutex_offset(), mutex::SIZE).expect("a validated mutex lies in its segment")
}

/// The mutex of a cell.
fn attach(mapping: &Mapping, entry: &Entry) -> Result<Arc<Mutex>, Error> {
    // SAFETY: so many bytes are mapped there as long as the segment is, and that is as long as the cell lives, or anybody
    // in this process holds the mutex.
    let mutex = unsafe { Mutex::attach(place_of_mutex(mapping, entry)) };
    mutex.map(Arc::new).map_err(|error| Error::io("attach to a pthread mutex", error))
}

/// Makes the pthread mutexes of a segment, if those guard it, which nobody else uses.
fn initialize_mutexes(mapping: &Mapping) -> Result<(), Error> {
    if mapping.required_lock() != RequiredLock::Pthread {
        return Ok(());
    }
    for entry in mapping.entries() {
        // SAFETY: so many bytes are mapped there, at a multiple of 64. Nobody else uses them: the segment has no name yet, or
        // the lock on byte 0 of its file, which all keep who have it open, was free, and none can come before this is done.
        unsafe { mutex::initialize(place_of_mutex(mapping, entry)) }
            .map_err(|error| Error::io("make a pthread mutex", error))?;
    }
    Ok(())
}
