//! `Arena`: many values in one segment, each with a lock of its own, found by key or by id.

mod adopt;
mod directory;
mod dynamic;
mod editor;
mod heap;
mod id;
mod kind;
mod options;
mod record;
mod snapshot;
mod table;
mod transaction;
mod values;

use std::fmt;
use std::ops::Deref;
use std::path::Path;

use crate::cell::{Cell, Guarding, Terms, open_or_else};
use crate::error::Error;
use crate::handle::access::{Access, ReadOnly, ReadWrite};
use crate::handle::synchronized::Synchronized;
use crate::lock::LockKind;
use crate::segment::Place;

pub(crate) use adopt::adopt;
pub(crate) use directory::Directory;
pub(crate) use dynamic::layout_at;
use editor::usize_of;
use heap::Heap;
use table::Table;

pub use id::ValueId;
pub use snapshot::Snapshot;
pub use transaction::Transaction;
pub use values::{ArenaValues, Stored};

/// So that the place of every block fits into 40 bits, in units of 32 bytes, also behind a header of the longest kind.
const MAX_CAPACITY: usize = (1 << 45) - (1 << 24);

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// Many values in one segment: a million of them are one mapping, one file and one descriptor.
///
/// Each value is as safe as one of its own: it has its own robust lock, two slots and a version, and is used through a
/// [`Synchronized`]. A value of 8 bytes takes 128 bytes in all, without its key, and neighbours share no cache line that both
/// write. The arena itself is created, opened and handed to other processes like a value; what can be done with the values in
/// it is listed with [`ArenaValues`], to which it dereferences.
///
/// The capacity is address space, of which memory is taken as values are made.
///
/// ```
/// use shared_value::Arena;
///
/// let arena = Arena::anonymous(1 << 30)?;
/// let requests = arena.create("requests", 0_u64)?;
/// requests.update(|count| *count += 1)?;
/// assert_eq!(arena.open::<u64>("requests")?.get(), 1);
/// assert!(arena.open::<u32>("requests").is_err(), "it is of another type");
///
/// // Without a key, by an id.
/// let position = arena.value([0.0_f64; 3])?;
/// let id = arena.id_of(&position).expect("it lies in this arena");
/// assert_eq!(arena.at::<[f64; 3]>(id)?.get(), [0.0; 3]);
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct Arena<A = ReadWrite> {
    values: ArenaValues<A>,
}

impl Arena {
    /// An arena without a name, for this process, the children that it forks, and whoever it hands the arena to.
    ///
    /// # Errors
    /// `Io` if there is no memory for it, or not so much address space.
    pub fn anonymous(capacity: usize) -> Result<Self, Error> {
        Self::create_at(&Place::Anonymous, &Terms::default(), capacity)
    }

    /// An arena under a new name, which any process of this user can open until it is [unlinked](crate::unlink).
    ///
    /// # Errors
    /// As [`Synchronized::create`].
    pub fn create(name: &str, capacity: usize) -> Result<Self, Error> {
        Self::create_at(&Place::named(name)?, &Terms::default(), capacity)
    }

    /// The arena that has this name.
    ///
    /// If no other process has it open, the space of values that were removed is put to use again. That takes time that is
    /// proportional to the number of values: some 0.1 seconds for a million.
    ///
    /// # Errors
    /// As [`Synchronized::open`].
    pub fn open(name: &str) -> Result<Self, Error> {
        Self::open_at(&Place::named(name)?)
    }

    /// The arena that has this name, created if there is none: then it gets this capacity. Of many who call this at once,
    /// one creates.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(name: &str, capacity: usize) -> Result<Self, Error> {
        Self::open_or_create_at(&Place::named(name)?, &Terms::default(), capacity)
    }

    /// An arena in a new file, as [`Synchronized::create_file`].
    ///
    /// # Errors
    /// The same.
    pub fn create_file(path: impl AsRef<Path>, capacity: usize) -> Result<Self, Error> {
        Self::create_at(&Place::File(path.as_ref().to_owned()), &Terms::default(), capacity)
    }

    /// The arena in a file, as [`open`](Self::open).
    ///
    /// # Errors
    /// As [`Synchronized::open_file`].
    pub fn open_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_at(&Place::File(path.as_ref().to_owned()))
    }

    /// The arena in a file, which is created if there is none.
    ///
    /// # Errors
    /// As [`Synchronized::open_or_create_file`].
    pub fn open_or_create_file(path: impl AsRef<Path>, capacity: usize) -> Result<Self, Error> {
        Self::open_or_create_at(&Place::File(path.as_ref().to_owned()), &Terms::default(), capacity)
    }

    /// The same arena for reading only, in memory that is mapped so.
    ///
    /// # Errors
    /// `Io` if the segment cannot be opened or mapped once more.
    pub fn read_only(&self) -> Result<Arena<ReadOnly>, Error> {
        Ok(Arena::of(self.values.directory.read_only()?))
    }

    fn create_at(place: &Place, terms: &Terms, capacity: usize) -> Result<Self, Error> {
        if capacity > MAX_CAPACITY {
            return Err(Error::Unsupported {
                what: "an arena has a capacity of at most 32 TiB, as its offsets have 40 bits",
            });
        }
        let cell = Cell::create_in(place, terms, &(), capacity as u64, |parts| parts.initialize(&Directory::EMPTY))?;
        Ok(Self::of(Synchronized::of(cell)))
    }

    fn open_at(place: &Place) -> Result<Self, Error> {
        let guarding = Guarding::Own(LockKind::Native);
        Ok(Self::of(Synchronized::of(Cell::open_and(place, &guarding, adopt)?)))
    }

    fn open_or_create_at(place: &Place, terms: &Terms, capacity: usize) -> Result<Self, Error> {
        open_or_else(|| Self::open_at(place), || Self::create_at(place, terms, capacity))
    }
}

impl Arena<ReadOnly> {
    /// The arena that has this name, for reading only: read permission for it is enough.
    ///
    /// # Errors
    /// As [`Synchronized::open_read_only`].
    pub fn open_read_only(name: &str) -> Result<Self, Error> {
        Ok(Self::of(Synchronized::open_read_only(name)?))
    }

    /// The arena in a file, for reading only.
    ///
    /// # Errors
    /// As [`Synchronized::open_file_read_only`].
    pub fn open_file_read_only(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::of(Synchronized::open_file_read_only(path)?))
    }
}

impl<A: Access> Arena<A> {
    pub(crate) fn of(directory: Synchronized<Directory, A>) -> Self {
        Self { values: ArenaValues::of(directory) }
    }
}

impl<A> Arena<A> {
    /// The value that knows the others.
    pub(crate) fn directory(&self) -> &Synchronized<Directory, A> {
        &self.values.directory
    }
}

impl<A> Deref for Arena<A> {
    type Target = ArenaValues<A>;

    fn deref(&self) -> &ArenaValues<A> {
        &self.values
    }
}

impl<A> Clone for Arena<A> {
    fn clone(&self) -> Self {
        Self { values: self.values.clone() }
    }
}

impl<A: Access> fmt::Debug for Arena<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values.fmt(formatter)
    }
}

/// The table that the directory names.
#[inline]
fn table(heap: Heap<'_>, table: u64) -> Option<Table<'_>> {
    heap.words(usize_of(table & !63), 1 << (table & 63)).filter(|_| table != 0).and_then(Table::of)
}
