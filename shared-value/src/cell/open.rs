//! Creating the cell of a new segment, and opening the cell of an existing segment.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::fs::File;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::cell::growing::{clear_marks, end_of_first, used_places};
use crate::cell::guarding::{Guarding, LockedBy, ObjectLock};
use crate::cell::parts::{Parts, control};
use crate::cell::{Cell, Place, Terms, misfit};
use crate::error::Error;
use crate::format::contents::{Contents, Shape, Typed};
use crate::format::{CellEntry, Described, Description, Extent, Invalid, OneSlot, Plan, RequiredLock, SegmentId};
use crate::layout::text_fingerprint;
use crate::lock;
use crate::segment::{Location, Mapping, Segment};
use crate::sys;
use crate::sys::memory::{comes_with_writes, is_overcommitted};
use crate::sys::mutex::{self, Mutex};

/// Contents that are recognized by their description in a segment.
pub(crate) trait Recognized: Contents {
    /// Whether a read-only handle may open an unlocked value, whose versions mean nothing.
    const READS_UNGUARDED: bool;

    /// Returns the facts of the value that the header of a segment names, if the value is of this type.
    fn in_segment(mapping: &Mapping) -> Result<Self::Facts, Error> {
        Self::in_slots_of(mapping, Self::IS_ONE_SLOT)
    }

    /// Returns the facts as `in_segment` does, if the value has one slot, or if it has two.
    fn in_slots_of(mapping: &Mapping, is_one_slot: bool) -> Result<Self::Facts, Error>;

    /// Returns the facts of a value of an arena, if the value is of this type.
    fn in_arena(described: &Described<'_>) -> Result<Self::Facts, Error>;

    /// Returns the hash of the schema of a value with these facts.
    fn fingerprint(facts: &Self::Facts) -> u64;

    /// Returns the schema of a value with these facts.
    fn schema(facts: &Self::Facts) -> Cow<'static, str>;
}

impl<C: Typed + ?Sized> Recognized for C {
    const READS_UNGUARDED: bool = false;

    fn in_slots_of(mapping: &Mapping, is_one_slot: bool) -> Result<C::Facts, Error> {
        let entry = &mapping.entries()[0];
        entry.expect_slots(mapping.name(), is_one_slot)?;
        let facts = C::facts(entry.size());
        let shape = facts.as_ref().map_or(Shape::of(0, 0), C::shape).slotted(is_one_slot);
        let description = Description { schema: C::schema(), fingerprint: C::FINGERPRINT, shape };
        match entry.expect(mapping.name(), &description) {
            Err(difference) if C::EVOLVES => {
                misfit::check(mapping.name(), &description.schema, entry.schema(), difference)?;
                // The rest must be as the schema of the segment says.
                entry.expect_shape(mapping.name(), shape)?;
            }
            expected => expected?,
        }
        facts.ok_or_else(|| Invalid::new("size", "that of its type", entry.size()).of(mapping.name()))
    }

    #[inline]
    fn in_arena(described: &Described<'_>) -> Result<C::Facts, Error> {
        if C::EVOLVES && described.fingerprint != C::FINGERPRINT {
            return other_version::<C>(described);
        }
        described.expect::<C>()
    }

    #[inline]
    fn fingerprint(_: &C::Facts) -> u64 {
        C::FINGERPRINT
    }

    fn schema(_: &C::Facts) -> Cow<'static, str> {
        C::schema()
    }
}

/// Returns the facts of a value of an arena whose type differs, if it is another version of this type that fits.
#[cold]
fn other_version<C: Typed + ?Sized>(described: &Described<'_>) -> Result<C::Facts, Error> {
    described.expect_slots(false)?;
    if !misfit::is_known_to_fit(C::FINGERPRINT, described.fingerprint)
        && let Err(difference) = described.expect::<C>()
    {
        let schema = (described.schema)().unwrap_or_default();
        misfit::check(&(described.name)(), &C::schema(), &schema, difference)?;
        if text_fingerprint(&schema) == described.fingerprint {
            misfit::note_fit(C::FINGERPRINT, described.fingerprint);
        }
    }
    let size = described.extent.size();
    C::facts(size).ok_or_else(|| Invalid::new("size", "that of its type", size).of(&(described.name)()))
}

impl<C: Recognized + ?Sized> Recognized for OneSlot<C> {
    const READS_UNGUARDED: bool = C::READS_UNGUARDED;

    fn in_slots_of(mapping: &Mapping, is_one_slot: bool) -> Result<C::Facts, Error> {
        C::in_slots_of(mapping, is_one_slot)
    }

    #[inline]
    fn in_arena(described: &Described<'_>) -> Result<C::Facts, Error> {
        described.expect_slots(true)?;
        C::in_arena(&Described { extent: Extent::of(described.extent.size()), ..*described })
    }

    #[inline]
    fn fingerprint(facts: &C::Facts) -> u64 {
        C::fingerprint(facts)
    }

    fn schema(facts: &C::Facts) -> Cow<'static, str> {
        C::schema(facts)
    }
}

/// Opens an existing value, or creates it. Both may fail alternately while other processes create and remove the value; each
/// repetition means that one of them did.
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
    /// Creates a segment for a value with these facts. The closure writes the value. The other words need no writes: all
    /// zeros means a free lock, version 0, and slot 0. Behind the value are `reserve` bytes of address space, which take no
    /// memory yet.
    pub(crate) fn create(
        location: &Location<'_>,
        terms: &Terms,
        facts: &C::Facts,
        reserve: u64,
        initialize: impl FnOnce(&Parts<'_, C>),
    ) -> Result<Self, Error> {
        let shape = C::shape(facts);
        let description = Description { schema: C::schema(facts), fingerprint: C::fingerprint(facts), shape };
        let identity =
            sys::thread::random().map_err(|error| Error::io(format!("draw an identity for `{location}`"), error))?;
        let Terms { guarding, .. } = terms;
        let mut plan =
            Plan::of(&description, guarding.required(), guarding.is_recursive(), reserve, SegmentId::new(identity));
        // The kernel has a page for any write to memory without a name, unless it was told to promise no more than it has.
        if terms.is_sparse && location.is_anonymous() && is_overcommitted() {
            plan.allocated = plan.prefix.len() as u64;
        }
        if shape.growth().is_some() {
            // The rest follows below: not all of the cell is used.
            plan.allocated = plan.prefix.len() as u64;
        }
        let segment = Segment::create(location, terms.mode, terms.writers, &plan, terms.is_named, |mapping| {
            let control = control(mapping, &mapping.entries()[0]);
            if shape.growth().is_some() && !mapping.file().is_ok_and(comes_with_writes) {
                let used = C::used_at_first(facts);
                used_places(mapping, shape, 0..used).try_for_each(|part| mapping.fill_holes(part))?;
            }
            // SAFETY: `Plan` reserved `shape.length()` bytes at `control`, aligned to 64, and the mapping lives during the
            // call. No other thread knows the mapping yet.
            initialize(&unsafe { Parts::<C>::at(control, shape) });
            initialize_mutexes(mapping)
        })?;
        if terms.unlink_on_drop {
            segment.unlink_on_drop();
        }
        Self::in_segment(segment, guarding)
    }

    /// Opens the value in an existing segment, if it is guarded in this way. If no process has the segment open, `adopt`
    /// repairs the rest of the segment; its argument says whether any process reads the segment.
    pub(crate) fn open(
        file: File,
        location: &Location<'_>,
        guarding: &Guarding,
        adopt: impl FnOnce(&Mapping, bool) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let check = |mapping: &Mapping| {
            C::in_segment(mapping).and_then(|facts| {
                guarding.check(mapping)?;
                Ok(facts)
            })
        };
        let segment = Segment::open(file, location, check, |mapping, facts, is_read| {
            // In a copy of the file, zeros may be holes. A write to one would raise SIGBUS if the file system is full.
            let (parts, used) = first_used::<C>(mapping, &facts, |part| mapping.fill_holes(part))?;
            mapping.begin_vouching();
            mapping.settle_unused();
            let shape = C::shape(&facts);
            if shape.growth().is_some() {
                clear_marks(mapping, shape)?;
            }
            parts.adopt(mapping, used);
            if mapping.is_replaced() {
                // `adopt` has freed it.
                lock::keep_retired(&parts.control.lock);
            }
            initialize_mutexes(mapping)?;
            adopt(mapping, is_read)
        })?;
        Self::in_segment(segment, guarding)
    }

    /// Opens the value in a file that another process has handed over.
    pub(crate) fn of_file(file: File, location: Location<'static>, guarding: &Guarding) -> Result<Self, Error> {
        Self::in_segment(Segment::of_file(file, location)?, guarding)
    }

    /// Opens the value in a file for reading, regardless of its lock. `used` returns how many bytes of the segment are used
    /// apart from the value.
    pub(crate) fn of_file_read_only(
        file: File,
        location: Location<'static>,
        used: impl FnOnce(&Mapping) -> usize,
    ) -> Result<Self, Error> {
        let segment = Segment::of_file_read_only(file, location)?;
        let facts = C::in_segment(&segment)?;
        // A copy of the file may have holes, and perhaps no process has opened it for writing yet.
        first_used::<C>(&segment, &facts, |part| segment.load_holes(part))?;
        segment.load_holes(0..used(&segment))?;
        Self::for_reading(segment)
    }

    /// Returns the segment that the value lies in.
    pub(crate) fn segment(&self) -> &Segment {
        self.place.segment()
    }

    /// Maps the value once more, for reading.
    pub(crate) fn read_only(&self) -> Result<Self, Error> {
        let segment = self.place.segment().read_only()?;
        if self.number() == 0 {
            return Self::for_reading(segment);
        }
        let place = self.place.within(&segment).map_err(|error| Error::io("claim a value for reading", error))?;
        // The cell was found in this file, so this fails only if a peer has truncated the file.
        Self::within(place, self.start(), self.facts.clone(), segment.length())
            .ok_or_else(|| Error::io("map a value for reading", std::io::ErrorKind::UnexpectedEof))
    }

    /// Returns the lock of this value, so that it can guard other values too.
    pub(crate) fn object_lock(&self, identity: u64, is_recursive: bool) -> ObjectLock {
        ObjectLock::new(self.control, Arc::clone(self.place.segment()), identity, is_recursive)
    }

    /// Makes this a cell whose lock guards other values too.
    ///
    /// # Errors
    /// `InvalidSegment` if its segment is not a lock object. A value of this type in an arena has a lock of its own: a handle of
    /// that value would release the lock without what was written under it.
    pub(crate) fn guarding_others(self, identity: u64, is_recursive: bool) -> Result<Self, Error> {
        Guarding::Itself.check(self.place.segment())?;
        let locked_by = LockedBy::Object(self.object_lock(identity, is_recursive));
        Ok(Self { locked_by, ..self })
    }

    fn in_segment(segment: Arc<Segment>, guarding: &Guarding) -> Result<Self, Error> {
        let facts = C::in_segment(&segment)?;
        guarding.check(&segment)?;
        let entry = &segment.entries()[0];
        let control = control(&segment, entry);
        // Not from `guarding`: every process that opens the value gets the same lock.
        let is_recursive = segment.is_recursive();
        let (guarding, locked_by) = match (guarding, segment.required_lock()) {
            (Guarding::Object(object), _) => (object.control(), LockedBy::Object(object.clone())),
            (_, RequiredLock::Pthread) => {
                // The caller has asked for `LockKind::Pthread`, so it trusts all writers, including that they made a mutex
                // there.
                (control, LockedBy::Pthread { mutex: attach(&segment, entry)?, is_recursive })
            }
            _ if !is_recursive => (control, LockedBy::OwnOnce),
            _ => (control, LockedBy::Own),
        };
        Ok(Self { control, guarding, locked_by, place: Place::of(segment), facts, value: PhantomData })
    }

    /// Makes a cell for reading. Readers take no lock, so they need not say what guards the value.
    fn for_reading(segment: Arc<Segment>) -> Result<Self, Error> {
        let facts = C::in_segment(&segment)?;
        if segment.required_lock() == RequiredLock::None && !C::READS_UNGUARDED {
            // Versions of an unlocked value mean nothing, so copies could be torn.
            return Err(RequiredLock::None.mismatch(segment.name(), RequiredLock::Native));
        }
        let entry = &segment.entries()[0];
        let locked_by = match segment.required_lock() {
            // Needed only to tell the state of the lock: this handle cannot take it.
            RequiredLock::Pthread if mutex::IS_SUPPORTED => {
                LockedBy::Pthread { mutex: attach(&segment, entry)?, is_recursive: true }
            }
            RequiredLock::Pthread => {
                return Err(RequiredLock::Pthread.mismatch(segment.name(), RequiredLock::Native));
            }
            RequiredLock::Object { .. } => LockedBy::Unknown,
            RequiredLock::None | RequiredLock::Native | RequiredLock::Itself => LockedBy::Own,
        };
        let control = control(&segment, entry);
        let place = Place::of(segment);
        Ok(Self { control, guarding: control, locked_by, place, facts, value: PhantomData })
    }
}

impl<'a, C: Recognized + ?Sized> Parts<'a, C> {
    /// Returns the parts of the value that the header names, if the value is of this type.
    pub(crate) fn first(mapping: &'a Mapping) -> Result<Self, Error> {
        let shape = C::shape(&C::in_segment(mapping)?);
        // SAFETY: `in_segment` found that the cell has `shape.length()` bytes, aligned to 64, and the mapping lives during
        // `'a`.
        Ok(unsafe { Self::at(control(mapping, &mapping.entries()[0]), shape) })
    }
}

/// Lets `get` get memory for the parts of the file that the first cell and its mutex use. Returns the parts of the cell, and how
/// many bytes of each slot are used.
fn first_used<'m, C: Contents + ?Sized>(
    mapping: &'m Mapping,
    facts: &C::Facts,
    get: impl Fn(Range<usize>) -> Result<(), Error>,
) -> Result<(Parts<'m, C>, usize), Error> {
    let (entry, shape) = (&mapping.entries()[0], C::shape(facts));
    let place = control(mapping, entry);
    // SAFETY: the facts are those of this cell, which `in_segment` has found to have `shape.length()` bytes, aligned to 64. The
    // mapping lives as long as the parts.
    let parts = unsafe { Parts::<C>::at(place, shape) };
    let Some(growth) = shape.growth() else {
        get(0..end_of_first(mapping))?;
        return Ok((parts, shape.size));
    };
    // First what tells how much is used.
    used_places(mapping, shape, 0..growth.end_of(0)).try_for_each(&get)?;
    let used = growth.used(parts.slots().both());
    used_places(mapping, shape, 0..used).try_for_each(&get)?;
    mapping.note_memory(used);
    Ok((parts, used))
}

/// Returns the memory of a cell's mutex. The validation of the header has checked where it lies.
fn place_of_mutex(mapping: &Mapping, entry: &CellEntry) -> NonNull<u8> {
    mapping.at(entry.mutex_offset(), mutex::SIZE).expect("a validated mutex lies in its segment")
}

/// Returns the mutex of a cell.
fn attach(mapping: &Mapping, entry: &CellEntry) -> Result<Arc<Mutex>, Error> {
    // SAFETY: `mutex::SIZE` bytes of the segment lie there. The segment stays mapped while the cell lives or a thread of
    // this process holds the mutex.
    let mutex = unsafe { Mutex::attach(place_of_mutex(mapping, entry)) };
    mutex.map(Arc::new).map_err(|error| Error::io("attach to a pthread mutex", error))
}

/// Makes the pthread mutex of each cell, in a segment that pthread mutexes guard and that no other thread uses.
fn initialize_mutexes(mapping: &Mapping) -> Result<(), Error> {
    if mapping.required_lock() != RequiredLock::Pthread {
        return Ok(());
    }
    for entry in mapping.entries() {
        // SAFETY: `mutex::SIZE` bytes are mapped there, at a multiple of 64. No other thread uses them: either the segment
        // has no name yet, or no process had the file open, and no process can open it before this is done
        // (`sys::entrance`).
        unsafe { mutex::initialize(place_of_mutex(mapping, entry)) }
            .map_err(|error| Error::io("make a pthread mutex", error))?;
    }
    Ok(())
}

/// A build without the feature `pthread`, beside programs that have it.
#[cfg(all(test, not(loom), not(feature = "pthread")))]
mod tests {
    use super::*;
    use crate::segment::{Writers, names, unlink};

    /// Without its check, such a value would be used under no lock at all, or the error would not tell how to open it.
    #[test]
    fn a_value_under_a_pthread_mutex_is_refused_with_the_name_of_the_feature() {
        let name = format!("shared-value-without-pthread-{}", std::process::id());
        let location = Location::from(&*name);
        let shape = <u64 as Contents>::shape(&());
        let description = Description { schema: <u64 as Typed>::schema(), fingerprint: u64::FINGERPRINT, shape };
        let plan = Plan::of(&description, RequiredLock::Pthread, true, 0, SegmentId::new(1));
        drop(Segment::create(&location, 0o600, Writers::Any, &plan, true, |_| Ok(())).unwrap());
        let before = std::fs::read(format!("/dev/shm/{name}")).unwrap();

        let own = Guarding::Own(crate::lock::LockKind::Native);
        let file = || location.open_file().unwrap();
        let opened = [
            Cell::<u64>::open(file(), &location, &own, |_, _| Ok(())),
            Cell::of_file_read_only(file(), location.to_static(), |_| 0),
        ];
        for error in opened.map(|opened| opened.err().unwrap().to_string()) {
            let found =
                "found a pthread mutex (which this program can use only if it is built with the feature `pthread`";
            assert!(error.contains("lock: expected a lock of its own, "), "{error}");
            assert!(error.contains(found), "{error}");
        }
        assert_eq!(std::fs::read(format!("/dev/shm/{name}")).unwrap(), before, "the segment is left as it is");
        assert!(names().unwrap().iter().any(|value| value.name() == name && !value.is_in_use()));
        unlink(&*name).unwrap();
    }
}
