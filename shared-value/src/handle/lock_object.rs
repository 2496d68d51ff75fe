//! `LockObject`: a lock of its own, for several values.
#![expect(private_interfaces, reason = "the sealed traits can be neither named nor called from outside")]
#![allow(unsafe_code)]

use std::fmt;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use crate::cell::{Guarding, ObjectLock, Terms};
use crate::error::Error;
use crate::handle::guard::Guard;
use crate::handle::options::{Options, sealed};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};
use crate::lock::LockState;
use crate::segment::Location;
use crate::share::{Source, Token};
use crate::sys;

/// A lock in shared memory that guards any number of values. [`Options::lock`](crate::Options::lock) gives a value this
/// lock.
///
/// There are two kinds: a thread may take an [`RLock`] again while it holds it, but not a [`Lock`]. Both are
/// created, opened and handed to other processes like values, and survive their owners like the locks of values.
///
/// When a thread releases the lock, its writes to the values are committed. Each value is whole at every moment, but the
/// values are committed one after the other: readers, who take no lock, may see one change before the other, and a process
/// that is killed in the middle of its release has committed some of them only. Put values that must never be seen apart
/// into one struct.
///
/// Each `update` is a change of its own value: if its closure returns an error, its writes to other values stand.
/// If the closure panics, and the thread holds the lock for nothing else, all changes are rolled back.
///
/// Do not copy the file that a lock lies in: the copy is another lock, but values cannot tell the two apart.
///
/// ```
/// use shared_value::{RLock, Synchronized};
///
/// let lock = RLock::new()?;
/// let guarded = Synchronized::options().lock(&lock);
/// let (from, to) = (guarded.new(10_i64)?, guarded.new(0)?);
///
/// let guard = lock.lock()?;
/// from.update(|balance| *balance -= 3)?;
/// to.update(|balance| *balance += 3)?;
/// assert_eq!(from.version(), 0);
/// drop(guard);
/// assert_eq!((from.get(), to.get()), (7, 3));
/// # Ok::<(), shared_value::Error>(())
/// ```
pub struct LockObject<R: LockRule> {
    /// The identity of the lock, in a cell that is guarded by that lock.
    handle: Synchronized<R>,
    identity: u64,
}

/// A lock for several values that a thread may take again while it holds it: Python's `RLock`.
pub type RLock = LockObject<Recursive>;

/// A lock for several values that a thread may take once: Python's `Lock`, but a second attempt fails with
/// [`LockError::AlreadyHeld`](crate::LockError::AlreadyHeld) instead of hanging.
///
/// Every change of a value that it guards takes the lock too: while a thread holds the lock by [`lock`](LockObject::lock),
/// it cannot `set` or `update` a value. To change several values at once, use an [`RLock`].
///
/// ```
/// use shared_value::{Error, Lock, LockError, Synchronized};
///
/// let lock = Lock::new()?;
/// let value = Synchronized::options().lock(&lock).new(1_u32)?;
/// value.set(2)?;
///
/// let guard = lock.lock()?;
/// assert!(matches!(lock.lock(), Err(Error::Lock(LockError::AlreadyHeld))));
/// assert!(matches!(value.set(3), Err(Error::Lock(LockError::AlreadyHeld))));
/// # drop(guard);
/// # Ok::<(), Error>(())
/// ```
pub type Lock = LockObject<NotRecursive>;

/// Whether a thread may take a lock again while it holds it: [`Recursive`] or [`NotRecursive`].
pub trait LockRule: SharedValue + rule::Rule {}

/// The rule of [`RLock`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Recursive {
    identity: u64,
}

/// The rule of [`Lock`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct NotRecursive {
    identity: u64,
}

mod rule {
    pub trait Rule {
        const IS_RECURSIVE: bool;

        fn new(identity: u64) -> Self;
        fn identity(&self) -> u64;
    }
}

macro_rules! rule {
    ($rule:ident, $name:literal, $is_recursive:literal) => {
        // SAFETY: the struct is one integer, which the layout describes.
        unsafe impl SharedValue for $rule {
            const FIELDS: &'static [Field] = &[Field::new::<u64>("identity", 0)];
            const LAYOUT: &'static Layout = &Layout::structure::<Self>($name, Self::FIELDS);

            fn fields<V: FieldVisitor>(visitor: &mut V) {
                visitor.field::<u64>(0);
            }
        }

        impl LockRule for $rule {}

        impl rule::Rule for $rule {
            const IS_RECURSIVE: bool = $is_recursive;

            fn new(identity: u64) -> Self {
                Self { identity }
            }

            fn identity(&self) -> u64 {
                self.identity
            }
        }
    };
}

rule!(Recursive, "RLock", true);
rule!(NotRecursive, "Lock", false);

/// Creating and opening.
impl<R: LockRule> LockObject<R> {
    /// Creates a lock without a name, for this process, its forked children, and processes that it is handed to.
    ///
    /// # Errors
    /// `Io` if there is no memory for it.
    pub fn new() -> Result<Self, Error> {
        Self::options().new(())
    }

    /// Creates a lock under a new name, or in a new file.
    ///
    /// # Errors
    /// The errors of [`Synchronized::create`].
    pub fn create<'a>(location: impl Into<Location<'a>>) -> Result<Self, Error> {
        Self::options().create(location, ())
    }

    /// Opens a lock, or creates it if it does not exist. If many processes call this at once, one of them creates it.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create<'a>(location: impl Into<Location<'a>>) -> Result<Self, Error> {
        Self::options().open_or_create(location, ())
    }

    /// Opens a lock by its name, file, [`Token`], or socket, or as [inherited](Source::inherited).
    ///
    /// # Errors
    /// The errors of [`Synchronized::open`]; `LayoutMismatch` if it is a lock of the other kind.
    pub fn open<'a>(source: impl Into<Source<'a>>) -> Result<Self, Error> {
        Self::options().open(source)
    }

    /// Returns options for creating and opening: mode, waiting.
    pub fn options() -> Options<Self> {
        Options::default()
    }
}

/// Values that a lock object guards.
impl<C: Shared + ?Sized> Options<Synchronized<C>> {
    /// Lets a lock object guard the value, together with other values; see [`LockObject`].
    ///
    /// The value's header records the lock. Processes that open the value must give the same one.
    pub fn lock<R: LockRule>(self, lock: &LockObject<R>) -> Self {
        self.guarded(Guarding::Object(lock.guard_others()))
    }
}

/// Handing over, as with a value.
impl<R: LockRule> LockObject<R> {
    /// Passes the lock to the program that the command will start, as [`Synchronized::pass_to`] does.
    ///
    /// # Errors
    /// `InvalidName` if no environment entry can have the name; `Io` if this process has no descriptor left.
    pub fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error> {
        self.handle.pass_to(command, name)
    }

    /// Returns a short text with which another process of the same user can open the lock, as [`Synchronized::token`] does.
    ///
    /// # Errors
    /// `Io` if the kernel does not show this process in `/proc`, or the working directory is gone.
    pub fn token(&self) -> Result<Token, Error> {
        self.handle.token()
    }

    /// Sends the lock over a Unix socket, as [`Synchronized::send_to`] does.
    ///
    /// # Errors
    /// `Io` if the kernel cannot send the descriptor.
    pub fn send_to(&self, socket: &UnixStream) -> Result<(), Error> {
        self.handle.send_to(socket)
    }

    /// Returns the descriptor of the lock's segment, as [`Synchronized::as_fd`] does.
    ///
    /// # Errors
    /// `Io` if other code of the program has closed the descriptor, and the segment cannot be opened again.
    pub fn as_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        self.handle.as_fd()
    }
}

/// Locking.
impl<R: LockRule> LockObject<R> {
    /// Takes the lock, and waits for it as long as needed.
    ///
    /// # Errors
    /// `AlreadyHeld` if this thread holds it and it is a [`Lock`]; `TooManyHeld`, `TooDeep`, `Unsupported`.
    pub fn lock(&self) -> Result<LockGuard<'_, R>, Error> {
        self.handle.lock().map(LockGuard)
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// `WouldBlock` if another thread or process holds it, and the errors of [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<LockGuard<'_, R>, Error> {
        self.handle.try_lock().map(LockGuard)
    }

    /// Takes the lock, or gives up after `timeout` by the monotonic clock.
    ///
    /// # Errors
    /// `TimedOut` if another thread or process held it all the time, and the errors of [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Result<LockGuard<'_, R>, Error> {
        self.handle.lock_timeout(timeout).map(LockGuard)
    }

    /// Returns whether the lock is held now, and by which thread.
    pub fn lock_state(&self) -> LockState {
        self.handle.lock_state()
    }

    /// Returns how often the lock was taken over from a thread that died while it held the lock.
    pub fn recoveries(&self) -> u64 {
        self.handle.recoveries()
    }

    /// Returns the name of the segment that the lock lies in, or `(anonymous)` if it has no name.
    pub fn segment_name(&self) -> &str {
        self.handle.segment_name()
    }

    /// Unlinks the name or the file of the lock, as [`Synchronized::unlink`] does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::unlink`].
    pub fn unlink(&self) -> Result<(), Error> {
        self.handle.unlink()
    }

    /// Returns the cell that carries the lock, as a value.
    pub(crate) fn handle(&self) -> &Synchronized<R> {
        &self.handle
    }

    fn identity() -> Result<R, Error> {
        sys::thread::random_token().map(R::new).map_err(|error| Error::io("get random bytes", error))
    }

    fn of(handle: Synchronized<R>) -> Result<Self, Error> {
        let identity = handle.load()?.identity();
        let cell = handle.cell.guarding_others(identity, R::IS_RECURSIVE)?;
        Ok(Self { handle: Synchronized::of(cell), identity })
    }

    /// Returns this lock in the form in which the values that it guards refer to it.
    pub(crate) fn guard_others(&self) -> ObjectLock {
        self.handle.cell.object_lock(self.identity, R::IS_RECURSIVE)
    }
}

impl<R: LockRule> sealed::Handle for LockObject<R> {
    fn terms() -> Terms {
        Terms::of(Guarding::Itself)
    }

    fn open_from(source: &Source<'_>, terms: &Terms) -> Result<Self, Error> {
        Synchronized::open_from(source, terms).and_then(Self::of)
    }
}

impl<R: LockRule> sealed::Create for LockObject<R> {
    type Initial<'a> = ();

    fn create_at(location: &Location<'_>, (): &(), terms: &Terms) -> Result<Self, Error> {
        Synchronized::create_at(location, &Self::identity()?.into(), terms).and_then(Self::of)
    }
}

impl<R: LockRule> Clone for LockObject<R> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), identity: self.identity }
    }
}

impl<R: LockRule> fmt::Debug for LockObject<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct(R::LAYOUT.name())
            .field("name", &self.segment_name())
            .field("identity", &format_args!("{:016x}", self.identity))
            .field("lock", &self.lock_state())
            .finish_non_exhaustive()
    }
}

/// Proof that this thread holds a [`LockObject`]. Dropping it commits what this thread has written to the values that the
/// lock guards, and releases the lock; dropping it because of a panic rolls back.
#[must_use = "if unused the lock is released at once"]
#[clippy::has_significant_drop]
pub struct LockGuard<'a, R: LockRule>(Guard<'a, R>);

impl<R: LockRule> LockGuard<'_, R> {
    /// Commits what this thread has written to the values since the last commit, and keeps the lock.
    ///
    /// # Panics
    /// Inside of an `update` of one of the values by this thread, and after a panic has passed through an inner guard and
    /// was caught.
    #[track_caller]
    pub fn commit(&self) {
        self.0.commit();
    }

    /// Discards what this thread has written to the values since the last commit, and keeps the lock.
    ///
    /// # Panics
    /// Inside of an `update` of one of the values by this thread.
    #[track_caller]
    pub fn rollback(&self) {
        self.0.rollback();
    }

    /// Returns whether the lock was taken over from a thread that died while it held the lock. The uncommitted writes of
    /// that thread are lost.
    pub fn recovered(&self) -> bool {
        self.0.recovered()
    }
}

impl<R: LockRule> fmt::Debug for LockGuard<'_, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LockGuard").field("recovered", &self.recovered()).finish_non_exhaustive()
    }
}
