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
    /// The control line whose lock and event word are used: the cell's own, or that of a lock object.
    guarding: NonNull<Control>,
    locked_by: LockedBy,
    segment: Arc<Segment>,
    facts: C::Facts,
    /// The number of the value in its segment: zero for the value that the header names, otherwise the id in an arena.
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
            // SAFETY: `Plan` reserved `shape.length()` bytes at `control`, aligned to 64, and the mapping lives during the call.
            // No other thread knows the mapping yet.
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
            // SAFETY: `check` found that the cell has `shape.length()` bytes, aligned to 64, and the mapping lives during the call.
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

    /// Opens the value in a file that another process has handed over.
    pub(crate) fn of_file(file: File, location: Location<'static>, guarding: &Guarding) -> Result<Self, Error> {
        Self::in_segment(Segment::of_file(file, location)?, guarding)
    }

    /// Opens the value in a file that another process has handed over, for reading.
    pub(crate) fn of_file_read_only(file: File, location: Location<'static>) -> Result<Self, Error> {
        Self::for_reading(Segment::of_file_read_only(file, location)?)
    }

    /// The segment that the value lies in.
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Maps the value once more, for reading.
    pub(crate) fn read_only(&self) -> Result<Self, Error> {
        let segment = self.segment.read_only()?;
        if self.number == 0 {
            return Self::for_reading(segment);
        }
        // It is the file in which this cell was found, so this fails only if a peer has cut it short.
        Self::within(&segment, self.start(), self.facts.clone(), segment.length(), self.number)
            .ok_or_else(|| Error::io("map a value for reading", std::io::ErrorKind::UnexpectedEof))
    }

    /// The lock of this value, for values that it is to guard.
    pub(crate) fn object_lock(&self, identity: u64, is_recursive: bool) -> ObjectLock {
        ObjectLock::new(self.control, Arc::clone(&self.segment), identity, is_recursive)
    }

    /// Makes this a cell whose lock guards other values too.
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
                // The caller has asked for `LockKind::Pthread`, so it trusts all writers, also to have made a mutex there.
                (control, LockedBy::Pthread(attach(&segment, entry)?))
            }
            _ => (control, LockedBy::Own),
        };
        Ok(Self { control, guarding, locked_by, segment, facts, number: 0, value: PhantomData })
    }

    /// A cell for reading. Readers take no lock, so they need not have it.
    fn for_reading(segment: Arc<Segment>) -> Result<Self, Error> {
        let facts = C::in_segment(&segment)?;
        if segment.required_lock() == RequiredLock::None && !C::READS_UNGUARDED {
            // The versions mean nothing, so copies could be torn.
            return Err(RequiredLock::None.mismatch(segment.name(), RequiredLock::Native));
        }
        let entry = &segment.entries()[0];
        let locked_by = match segment.required_lock() {
            // For the state of the lock alone: this handle cannot take it.
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

    /// Puts a cell at this place in order, while no process has the segment open, and returns its parts.
    pub(crate) fn adopt_within(mapping: &Mapping, start: usize, shape: Shape, end: usize) -> Option<Parts<'_, C>> {
        let control = control_within(mapping, start, shape, end)?;
        // SAFETY: `control_within` found that `shape.length()` bytes from there, aligned to 64, lie in the mapping, which lives
        // as long as the parts.
        let parts = unsafe { Parts::<C>::at(control, shape) };
        parts.adopt(mapping);
        Some(parts)
    }

    /// The number of the value in its segment: zero for the value that the header names.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Lets the closure write the value for the first time, while no other thread can find it.
    pub(crate) fn initialize(&self, initialize: impl FnOnce(&Parts<'_, C>)) {
        initialize(&self.parts());
    }

    /// The offset of an atomic field in its segment.
    pub(crate) fn atomic_offset(&self, number: usize) -> usize {
        self.start() + LINE + (self.shape().atomics_start() + number) * size_of::<u64>()
    }

    /// The offset of the cell in its segment.
    pub(crate) fn start(&self) -> usize {
        let segment = self.segment.at(0, 0).map_or(0, |start| start.addr().get());
        self.control.addr().get() - segment
    }

    /// The segment that the value lies in, to keep it mapped.
    pub(crate) fn shared_segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    pub(crate) fn name(&self) -> &str {
        self.segment.name()
    }

    /// Where the parts lie.
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
        // SAFETY: each constructor of a cell checks that `shape.length()` bytes, aligned to 64, lie at `control`, with the shape of
        // these facts, which never change. `segment` keeps them mapped while `self` lives.
        unsafe { Parts::at(self.control, self.shape()) }
    }

    #[inline(always)]
    fn guarding(&self) -> &Control {
        // SAFETY: `segment`, or that of the lock object in `locked_by`, keeps the line mapped while `self` lives, and a control
        // line consists of atomics.
        unsafe { self.guarding.as_ref() }
    }

    /// The lock line. Where a pthread mutex guards the value, the line stands for it in the thread's list of held locks.
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

    /// Whether the lock may guard other values too.
    #[inline(always)]
    pub(crate) fn is_lock_shared(&self) -> bool {
        matches!(self.locked_by, LockedBy::Object(_))
    }

    /// Whether the owner of the lock may take it again.
    pub(crate) fn is_recursive(&self) -> bool {
        !matches!(&self.locked_by, LockedBy::Object(object) if !object.is_recursive())
    }

    /// This value in the notes of the thread with this token.
    pub(crate) fn drafted(&self, token: u64) -> Drafted<'_> {
        Drafted { lock: self.lock(), token, versions: &self.parts().control.versions }
    }

    /// Notes that the owner of the lock, whose token this is, is going to write.
    #[cold]
    pub(crate) fn note_draft(&self, token: u64) {
        self.drafted(token).note(&self.segment);
    }

    /// Bars other writes of the owner to this value, but not to others under the lock, or ends the bar.
    #[cold]
    pub(crate) fn set_draft_borrowed(&self, token: u64, is_borrowed: bool) {
        self.note_draft(token);
        self.drafted(token).set_borrowed(is_borrowed);
    }

    /// The slot that the owner of the lock reads: its own writes, or the committed value.
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

    /// The word that threads sleep on which wait for a change.
    #[inline(always)]
    pub(crate) fn event(&self) -> &AtomicU64 {
        &self.guarding().event
    }

    /// Makes the next release of the lock look at the event word.
    pub(crate) fn call_back(&self) {
        match self.locked_by {
            LockedBy::Own | LockedBy::Object(_) | LockedBy::Unknown => lock::call_back(self.lock()),
            LockedBy::Pthread(_) => lock::pthread::call_back(),
        }
    }

    /// The committed version, to be copied without the lock. `None` if the version is joined to a record that does not exist.
    /// `is_orphan` tells that this was so before a pause too: then a peer has broken the protocol, and the version before it
    /// counts as committed.
    pub(crate) fn look_decided(&self, is_orphan: bool) -> Option<Candidate> {
        self.slots().look_decided(is_orphan, |record| is_committed(&self.segment, record))
    }

    /// The version that the owner of the lock, whose token this is, reads: its own writes, or the committed value.
    #[inline(always)]
    pub(crate) fn look_as_owner(&self, token: u64) -> Candidate {
        // A draft that the owner has not noted is a dead owner's.
        self.slots().look_as_owner(!self.is_lock_shared() || self.has_noted_draft(token))
    }

    /// The words that tell which slot is committed.
    pub(crate) fn versions(&self) -> &Versions {
        &self.parts().control.versions
    }

    /// Puts the value in order after its owner died: a transaction's commit stays, a draft is rolled back.
    pub(crate) fn recover(&self) {
        self.parts().recover(&self.segment);
    }

    /// This cell without its type.
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
    /// The parts of the value that the header names, if it is of this type.
    pub(crate) fn first(mapping: &'a Mapping) -> Result<Self, Error> {
        let shape = C::shape(&C::in_segment(mapping)?);
        // SAFETY: `in_segment` found that the cell has `shape.length()` bytes, aligned to 64, and the mapping lives during `'a`.
        Ok(unsafe { Self::at(control(mapping, &mapping.entries()[0]), shape) })
    }
}

/// The memory of a cell's mutex, whose place the validation of the header has checked.
fn place_of_mutex(mapping: &Mapping, entry: &Entry) -> NonNull<u8> {
    mapping.at(entry.mutex_offset(), mutex::SIZE).expect("a validated mutex lies in its segment")
}

/// The mutex of a cell.
fn attach(mapping: &Mapping, entry: &Entry) -> Result<Arc<Mutex>, Error> {
    // SAFETY: `mutex::SIZE` bytes are mapped there while the segment is, and it stays mapped while the cell lives or a thread of
    // this process holds the mutex.
    let mutex = unsafe { Mutex::attach(place_of_mutex(mapping, entry)) };
    mutex.map(Arc::new).map_err(|error| Error::io("attach to a pthread mutex", error))
}

/// Makes the pthread mutex of each cell, in a segment that no other thread uses and that such mutexes guard.
fn initialize_mutexes(mapping: &Mapping) -> Result<(), Error> {
    if mapping.required_lock() != RequiredLock::Pthread {
        return Ok(());
    }
    for entry in mapping.entries() {
        // SAFETY: `mutex::SIZE` bytes are mapped there, at a multiple of 64. No other thread uses them: either the segment has no
        // name yet, or no process had the file open, and none can open it before this is done (`sys::entrance`).
        unsafe { mutex::initialize(place_of_mutex(mapping, entry)) }
            .map_err(|error| Error::io("make a pthread mutex", error))?;
    }
    Ok(())
}
