//! `Arena`: the handle of an arena, and how it is created, opened and handed over; and its `Capacity`.
#![expect(private_interfaces, reason = "the sealed traits can be neither named nor called from outside")]

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::cell::{Cell, Terms};
use crate::error::Error;
use crate::handle::access::{Access, ReadOnly, ReadWrite};
use crate::handle::options::{Options, sealed};
use crate::heap::{Directory, claim};
use crate::segment::Location;
use crate::share::{self, Opening, Source, Token};

/// A map of values in one segment: a million values need one mapping, one file and one descriptor.
///
/// Each value is as safe as a value in a segment of its own: it has its own robust lock, two slots and a version, and is
/// used through a [`Synchronized`](crate::Synchronized). It is found by a key, or by an [`Id`](crate::Id), which takes eight
/// bytes and can be a field of another value. A value of 8 bytes takes 128 bytes in all, without its key, and no two values
/// share a cache line that is written.
///
/// | | |
/// |---|---|
/// | add | [`insert`](Self::insert), [`alloc`](Self::alloc), [`get_or_insert_with`](Self::get_or_insert_with) |
/// | find | [`get`](Self::get), [`contains`](Self::contains), [`iter`](Self::iter), [`values_of`](Self::values_of), [`id_of`](Self::id_of) |
/// | replace, remove | [`replace`](Self::replace), [`remove`](Self::remove) |
/// | change several values at once | [`transaction`](Self::transaction), [`try_transaction`](Self::try_transaction), [`transaction_timeout`](Self::transaction_timeout) |
/// | read several values of one moment | [`snapshot`](Self::snapshot) |
/// | wait for changes of many values | [`changes`](Self::changes) |
///
/// A look-up takes no lock, and its time does not depend on the number of values. Adding and removing take the lock of the
/// arena, but not the locks of its values. A process that is killed at any instruction leaves each value whole, and either
/// in the arena or not.
///
/// ```
/// use shared_value::{Arena, Capacity};
///
/// let arena = Arena::new(Capacity(1 << 30))?;
/// let requests = arena.insert("requests", 0_u64)?;
/// requests.update(|count| *count += 1)?;
/// assert_eq!(arena.get::<u64>("requests")?.map(|value| value.get()), Some(1));
/// assert!(arena.get::<u32>("requests").is_err(), "it is of another type");
/// assert!(arena.get::<u64>("replies")?.is_none());
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct Arena<A = ReadWrite> {
    pub(super) directory: Cell<Directory>,
    access: PhantomData<fn() -> A>,
}

/// Creating and opening.
impl Arena {
    /// Creates an arena without a name, for this process, its forked children, and processes that it is handed to.
    ///
    /// # Errors
    /// `Io` if there is not enough memory or address space; `Unsupported` if the capacity is above 32 TiB.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// assert!(arena.is_empty());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn new(capacity: impl Into<Capacity>) -> Result<Self, Error> {
        Self::options().new(capacity)
    }

    /// Creates an arena under a new name, or in a new file.
    ///
    /// # Errors
    /// The errors of [`Synchronized::create`](crate::Synchronized::create) and [`new`](Self::new).
    ///
    /// ```
    /// use shared_value::{Arena, unlink};
    ///
    /// # let name = &*format!("shared-value-doc-arena-create-{}", std::process::id());
    /// let arena = Arena::create(name, 1 << 20)?;
    /// arena.insert("one", 1_u8)?;
    /// assert!(Arena::open(name)?.contains("one"));
    /// unlink(name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn create<'a>(location: impl Into<Location<'a>>, capacity: impl Into<Capacity>) -> Result<Self, Error> {
        Self::options().create(location, capacity)
    }

    /// Opens an arena, or creates it with this capacity if it does not exist. If many processes call this at once, one of
    /// them creates it.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) and [`create`](Self::create).
    ///
    /// ```
    /// use shared_value::{Arena, unlink};
    ///
    /// # let name = &*format!("shared-value-doc-arena-open-or-create-{}", std::process::id());
    /// let arena = Arena::open_or_create(name, 1 << 20)?;
    /// let same = Arena::open_or_create(name, 1 << 30)?;
    /// assert_eq!(same.capacity(), 1 << 20);
    /// unlink(name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn open_or_create<'a>(location: impl Into<Location<'a>>, capacity: impl Into<Capacity>) -> Result<Self, Error> {
        Self::options().open_or_create(location, capacity)
    }

    /// Opens an arena by its name, file, [`Token`], or socket, or as [inherited](Source::inherited).
    ///
    /// If no other process has it open, opening looks at all values, to repair what a crash of the machine has left. This takes
    /// time in proportion to the number of values: about 0.1 seconds for a million.
    ///
    /// # Errors
    /// The errors of [`Synchronized::open`](crate::Synchronized::open).
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let other = Arena::open(&arena.token()?)?;
    /// other.insert("one", 1_u8)?;
    /// assert!(arena.contains("one"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn open<'a>(source: impl Into<Source<'a>>) -> Result<Self, Error> {
        Self::options().open(source)
    }

    /// Opens an arena for reading only: read permission is enough.
    ///
    /// # Errors
    /// The errors of [`Synchronized::open`](crate::Synchronized::open).
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.insert("one", 1_u8)?;
    /// let reader = Arena::open_read_only(&arena.token()?)?;
    /// assert_eq!(reader.get::<u8>("one")?.map(|value| value.get()), Some(1));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn open_read_only<'a>(source: impl Into<Source<'a>>) -> Result<Arena<ReadOnly>, Error> {
        Self::options().read_only().open(source)
    }

    /// Returns options for creating and opening: mode, access, waiting.
    ///
    /// ```
    /// use std::time::Duration;
    /// use shared_value::{Arena, unlink};
    ///
    /// # let name = &*format!("shared-value-doc-arena-options-{}", std::process::id());
    /// let arena = Arena::options().mode(0o660).create(name, 1 << 20)?;
    /// let reader = Arena::options().read_only().wait(Duration::from_secs(1)).open(name)?;
    /// assert_eq!(reader.capacity(), arena.capacity());
    /// unlink(name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn options() -> Options<Self> {
        Options::default()
    }

    /// Returns a handle of the same arena that only reads, in memory that is mapped read-only.
    ///
    /// # Errors
    /// `Io` if the segment cannot be opened or mapped once more.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let number = arena.insert("number", 1_u8)?;
    /// let reader = arena.read_only()?.get::<u8>("number")?.expect("it is there");
    /// number.set(2)?;
    /// assert_eq!(reader.get(), 2);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn read_only(&self) -> Result<Arena<ReadOnly>, Error> {
        Ok(Arena::of(self.directory.read_only()?))
    }
}

impl Options<Arena> {
    /// Makes the options of an arena that is only read.
    pub fn read_only(self) -> Options<Arena<ReadOnly>> {
        self.into_handle()
    }
}

/// Handing over.
impl<A: Access> Arena<A> {
    /// Passes the arena to the program that the command will start, which opens it by [`Source::inherited`] and the same
    /// name; see [`Synchronized::pass_to`](crate::Synchronized::pass_to).
    ///
    /// # Errors
    /// `InvalidName` if no environment entry can have the name; `Io` if this process has no descriptor left.
    ///
    /// ```no_run
    /// use std::process::Command;
    /// use shared_value::{Arena, Source};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let arena = Arena::new(1 << 20)?;
    /// let mut command = Command::new("./worker");
    /// arena.pass_to(&mut command, "METRICS")?;
    /// command.spawn()?;
    ///
    /// // And in the worker:
    /// let arena = Arena::open(Source::inherited("METRICS"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error> {
        share::pass_to(self.directory.segment(), self.directory.number(), command, name)
    }

    /// Returns the environment entry for [`Source::inherited`]; see
    /// [`Synchronized::inherited_entry`](crate::Synchronized::inherited_entry).
    ///
    /// ```
    /// use std::os::fd::AsRawFd;
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// assert!(arena.inherited_entry(arena.as_fd()?.as_raw_fd()).starts_with("descriptor "));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn inherited_entry(&self, descriptor: RawFd) -> String {
        share::entry(self.directory.segment(), self.directory.number(), descriptor)
    }

    /// Returns a short printable text with which another process of the same user can open the arena; see
    /// [`Synchronized::token`](crate::Synchronized::token).
    ///
    /// # Errors
    /// `Io` if the kernel does not show this process in `/proc`, or the working directory is gone.
    ///
    /// ```
    /// use shared_value::{Arena, Source};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let text = arena.token()?.to_string();
    /// assert_eq!(Arena::open(Source::token(text))?.capacity(), 1 << 20);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn token(&self) -> Result<Token, Error> {
        share::token_of(self.directory.segment(), self.directory.number())
    }

    /// Sends the arena over a Unix socket, which the other end opens as a [`Source`]; see
    /// [`Synchronized::send_to`](crate::Synchronized::send_to).
    ///
    /// # Errors
    /// `Io` if the kernel cannot send the descriptor.
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use shared_value::Arena;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (here, there) = UnixStream::pair()?;
    /// let arena = Arena::new(1 << 20)?;
    /// arena.send_to(&here)?;
    /// Arena::open(&there)?.insert("one", 1_u8)?;
    /// assert!(arena.contains("one"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_to(&self, socket: &UnixStream) -> Result<(), Error> {
        share::send_to(self.directory.segment(), self.directory.number(), socket)
    }

    /// Returns the descriptor of the arena's segment, for programs that hand descriptors over by means of their own; see
    /// [`Synchronized::as_fd`](crate::Synchronized::as_fd).
    ///
    /// # Errors
    /// `Io` if other code of the program has closed the descriptor, and the segment cannot be opened again.
    ///
    /// ```
    /// use shared_value::{Arena, Source};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// Arena::open(Source::descriptor(&arena.as_fd()?))?.insert("one", 1_u8)?;
    /// assert!(arena.contains("one"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn as_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        share::descriptor_of(self.directory.segment())
    }
}

impl<A> Arena<A> {
    fn of(directory: Cell<Directory>) -> Self {
        Self { directory, access: PhantomData }
    }
}

impl sealed::Handle for Arena {
    fn open_from(source: &Source<'_>, terms: &Terms) -> Result<Self, Error> {
        let arena = share::open(source, &Opening::ReadWrite(terms.guarding.clone())).map(Self::of)?;
        arena.clear_slots();
        Ok(arena)
    }
}

impl sealed::Handle for Arena<ReadOnly> {
    fn open_from(source: &Source<'_>, _: &Terms) -> Result<Self, Error> {
        share::open(source, &Opening::ReadOnly).map(Self::of)
    }
}

impl sealed::Create for Arena {
    type Initial<'a> = Capacity;

    fn create_at(location: &Location<'_>, capacity: &Capacity, terms: &Terms) -> Result<Self, Error> {
        let reserve = capacity.check()?;
        let directory = Directory { capacity: capacity.0 as u64, ..Directory::EMPTY };
        Cell::create(location, terms, &(), reserve, |parts| parts.initialize(&directory)).map(Self::of)
    }
}

impl<A> Clone for Arena<A> {
    fn clone(&self) -> Self {
        Self::of(self.directory.clone())
    }
}

impl<A: Access> fmt::Debug for Arena<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Arena")
            .field("name", &self.segment_name())
            .field("values", &self.len())
            .field("used", &self.used())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// How much can be held. For an arena, it is the number of bytes that it can hold: its values and everything that belongs to them.
///
/// It is address space. Memory is allocated only as values are made, so the capacity may be far greater than needed.
///
/// For a [`SharedVec`](crate::SharedVec), it is the greatest number of elements, for a [`SharedString`](crate::SharedString) the
/// greatest number of bytes.
///
/// ```
/// use shared_value::{Arena, Capacity};
///
/// assert_eq!(Arena::new(Capacity(1 << 30))?.capacity(), 1 << 30);
/// assert_eq!(Arena::new(1 << 20)?.capacity(), 1 << 20);
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capacity(pub usize);

/// With this limit, the offset of every block, in units of 32 bytes, fits into 40 bits, even behind the longest header.
const MOST: usize = (1 << 45) - (1 << 24);

impl Capacity {
    /// Returns the bytes behind the directory of an arena with this capacity, if an arena can have it.
    fn check(self) -> Result<u64, Error> {
        if self.0 > MOST {
            return Err(Error::Unsupported {
                what: "an arena has a capacity of at most 32 TiB, because its offsets have 40 bits",
            });
        }
        let blocks = self.0 as u64;
        Ok(blocks + claim::reserve(blocks))
    }
}

impl From<usize> for Capacity {
    fn from(bytes: usize) -> Self {
        Self(bytes)
    }
}
