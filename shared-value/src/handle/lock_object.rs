//! `LockObject`: a lock of its own, for several values.
#![allow(unsafe_code)]

use std::fmt;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use crate::cell::{Cell, Guarding, ObjectLock, Terms};
use crate::error::Error;
use crate::handle::guard::Guard;
use crate::handle::synchronized::Synchronized;
use crate::layout::{Field, FieldVisitor, Layout, SharedValue};
use crate::lock::LockState;
use crate::segment::Place;
use crate::sys;

/// A lock in shared memory that guards as many values as are given it by [`Options::lock`](crate::Options::lock).
///
/// There are two: [`RLock`], which a thread may take again while it holds it, and [`Lock`], which it may not. Both are
/// created, opened and handed to other processes like values, and survive their owners like the locks of values.
///
/// What a thread writes to the values while it holds the lock is committed when it releases the lock. Each value is whole
/// at every moment, but they are committed one after the other: readers, who take no lock, may see one change before the
/// other, and a process that is killed in the middle of its release has committed some and not others. What must
/// never be seen apart belongs into one struct.
///
/// Each `update` is a change of its own value: if its closure returns an error, what it has written to other values stands.
/// If it panics, and the thread holds the lock for nothing else, all is rolled back.
///
/// A copy of the file that a lock lies in is not the same lock, although values cannot tell: do not copy those.
///
/// ```
/// use shared_value::{Options, RLock};
///
/// let lock = RLock::new()?;
/// let guarded = Options::new().lock(&lock);
/// let (from, to) = (guarded.share(10_i64)?, guarded.share(0_i64)?);
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

/// A lock for several values that a thread may take once: Python's `Lock`, but a second attempt is
/// [`LockError::AlreadyHeld`](crate::LockError::AlreadyHeld) and does not hang.
///
/// That holds for every change of a value that it guards, too: while a thread holds the lock by [`lock`](LockObject::lock),
/// it cannot `set` or `update` a value, which would take the lock again. For several values at once use an [`RLock`].
///
/// ```
/// use shared_value::{Error, Lock, LockError, Options};
///
/// let lock = Lock::new()?;
/// let value = Options::new().lock(&lock).share(1_u32)?;
/// value.set(2)?;
///
/// let guard = lock.lock()?;
/// assert!(matches!(lock.lock(), Err(Error::Lock(LockError::AlreadyHeld))));
/// assert!(matches!(value.set(3), Err(Error::Lock(LockError::AlreadyHeld))));
/// # drop(guard);
/// # Ok::<(), Error>(())
/// ```
pub type Lock = LockObject<NotRecursive>;

/// Whether a thread may take a lock again that it holds: [`Recursive`] or [`NotRecursive`].
pub trait LockRule: SharedValue + sealed::Rule {}

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

mod sealed {
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

        impl sealed::Rule for $rule {
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

impl<R: LockRule> LockObject<R> {
    /// A lock without a name, for this process, the children that it forks, and whoever it hands the lock to.
    ///
    /// # Errors
    /// `Io` if there is no memory for it.
    pub fn new() -> Result<Self, Error> {
        Cell::create(&Place::Anonymous, &Terms::of(Guarding::Itself), &Self::identity()?)
            .map(Synchronized::of)
            .and_then(Self::of)
    }

    /// A lock under a new name, as [`Synchronized::create`].
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, `InvalidName`, `Io`.
    pub fn create(name: &str) -> Result<Self, Error> {
        Cell::create(&Place::named(name)?, &Terms::of(Guarding::Itself), &Self::identity()?)
            .map(Synchronized::of)
            .and_then(Self::of)
    }

    /// The lock that has this name.
    ///
    /// # Errors
    /// `NotFound`, `LayoutMismatch` if it is not a lock of this kind, `InvalidSegment`, `InvalidName`, `Io`.
    pub fn open(name: &str) -> Result<Self, Error> {
        Cell::open(&Place::named(name)?, &Guarding::Itself).map(Synchronized::of).and_then(Self::of)
    }

    /// The lock that has this name, created if there is none. Of many who call this at once, one creates.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(name: &str) -> Result<Self, Error> {
        Cell::open_or_create(&Place::named(name)?, &Terms::of(Guarding::Itself), &Self::identity()?)
            .map(Synchronized::of)
            .and_then(Self::of)
    }

    /// As [`Synchronized::inherited`].
    ///
    /// # Errors
    /// The same.
    pub fn inherited(name: &str) -> Result<Self, Error> {
        Synchronized::inherit(name, &Guarding::Itself).and_then(Self::of)
    }

    /// As [`Synchronized::from_token`].
    ///
    /// # Errors
    /// The same.
    pub fn from_token(token: &str) -> Result<Self, Error> {
        Synchronized::attach_by(token, &Guarding::Itself).and_then(Self::of)
    }

    /// As [`Synchronized::receive_from`].
    ///
    /// # Errors
    /// The same.
    pub fn receive_from(socket: &UnixStream) -> Result<Self, Error> {
        Synchronized::receive(socket, &Guarding::Itself).and_then(Self::of)
    }

    /// As [`Synchronized::pass_to`].
    ///
    /// # Errors
    /// The same.
    pub fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error> {
        self.handle.pass_to(command, name)
    }

    /// As [`Synchronized::token`].
    ///
    /// # Errors
    /// The same.
    pub fn token(&self) -> Result<String, Error> {
        self.handle.token()
    }

    /// As [`Synchronized::send_to`].
    ///
    /// # Errors
    /// The same.
    pub fn send_to(&self, socket: &UnixStream) -> Result<(), Error> {
        self.handle.send_to(socket)
    }

    /// Waits for the lock, as long as that needs.
    ///
    /// # Errors
    /// `AlreadyHeld` if this thread holds it and it is a [`Lock`]; `TooManyHeld`, `TooDeep`, `Unsupported`.
    pub fn lock(&self) -> Result<LockGuard<'_, R>, Error> {
        self.handle.lock().map(LockGuard)
    }

    /// Takes the lock if that can be done at once.
    ///
    /// # Errors
    /// `WouldBlock` if another thread or process holds it, and as [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<LockGuard<'_, R>, Error> {
        self.handle.try_lock().map(LockGuard)
    }

    /// Takes the lock, or gives up after `timeout` by the monotonic clock.
    ///
    /// # Errors
    /// `TimedOut` if another thread or process held it all the time, and as [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Result<LockGuard<'_, R>, Error> {
        self.handle.lock_timeout(timeout).map(LockGuard)
    }

    /// Who holds the lock now.
    pub fn lock_state(&self) -> LockState {
        self.handle.lock_state()
    }

    /// How often the lock was taken over from a thread that had died with it.
    pub fn recoveries(&self) -> u64 {
        self.handle.recoveries()
    }

    /// The name of the segment that the lock lies in, `(anonymous)` if it has none.
    pub fn segment_name(&self) -> &str {
        self.handle.segment_name()
    }

    fn identity() -> Result<R, Error> {
        sys::thread::random_token().map(R::new).map_err(|error| Error::io("get random bytes", error))
    }

    fn of(handle: Synchronized<R>) -> Result<Self, Error> {
        let identity = handle.load()?.identity();
        let cell = handle.cell.guarding_others(identity, R::IS_RECURSIVE);
        Ok(Self { handle: Synchronized::of(cell), identity })
    }

    /// What guards the values that this lock is given to.
    pub(crate) fn guard_others(&self) -> ObjectLock {
        self.handle.cell.object_lock(self.identity, R::IS_RECURSIVE)
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

    /// Forgets what this thread has written to the values since the last commit, and keeps the lock.
    ///
    /// # Panics
    /// Inside of an `update` of one of the values by this thread.
    #[track_caller]
    pub fn rollback(&self) {
        self.0.rollback();
    }

    /// Whether the lock was taken over from a thread that died with it. What that thread had not committed is gone.
    pub fn recovered(&self) -> bool {
        self.0.recovered()
    }
}

impl<R: LockRule> fmt::Debug for LockGuard<'_, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LockGuard").field("recovered", &self.recovered()).finish_non_exhaustive()
    }
}
