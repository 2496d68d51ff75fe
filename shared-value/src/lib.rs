//! One typed object in shared memory, for all processes of a machine: reads take no lock, and changes take a recursive
//! lock that survives SIGKILL.
//!
//! Derive [`SharedValue`](trait@SharedValue) for a `#[repr(C)]` struct `X`, and there is a handle `SynchronizedX`, which
//! reads and changes a shared `X` field by field, and a guard `XGuard`, for changes that belong together. They are other
//! names of [`Synchronized<X>`](Synchronized) and [`Guard<X>`](Guard), and dereference to `XAccessors`, in whose
//! documentation the functions for the fields are. Numbers and arrays need no derive: `Synchronized::<u64>::new(0)`.
//!
//! | | |
//! |---|---|
//! | make or find a value | [`new`](Synchronized::new), [`create`](Synchronized::create), [`open`](Synchronized::open), [`open_or_create`](Synchronized::open_or_create), and the same for files |
//! | read, without the lock | `account.balance()`, [`load`](Synchronized::load) for all of it, [`version`](Synchronized::version) |
//! | change, in one commit | `account.set_balance(1)`, `account.update_balance(..)`, [`update`](Synchronized::update) for several fields |
//! | hold the lock | [`lock`](Synchronized::lock), [`try_lock`](Synchronized::try_lock), [`lock_timeout`](Synchronized::lock_timeout); then [`commit`](Guard::commit), [`rollback`](Guard::rollback) |
//! | many elements | [`SharedArray`], of a length that is known when the program runs; [`zeroed`](Synchronized::zeroed), [`load_boxed`](Synchronized::load_boxed) for what is too large for the stack |
//! | never lock | `#[shared(atomic)]`: `account.requests_fetch_add(1)` |
//! | wait for a change | [`wait_for`](Synchronized::wait_for), [`changes`](Synchronized::changes) |
//! | hand it over | [`pass_to`](Synchronized::pass_to) a child, [`token`](Synchronized::token), [`send_to`](Synchronized::send_to) a socket |
//! | know no type | [`DynValue`]: any value by its schema, as text or JSON too |
//! | allow less | [`read_only`](Synchronized::read_only), [`unlocked`](Synchronized::unlocked) |
//!
//! # How it works
//!
//! A value lies twice in its segment, in two *slots*, beside a *version* number; slot `version & 1` holds the committed
//! value, and the other one belongs to the owner of the lock. The owner changes its slot, and commits with a single store
//! of `version + 1`: before that store nothing has happened, after it everything. A reader looks at the version, copies,
//! and looks again; if the version has moved, it copies once more. The lock is a futex word which its owner enters into
//! the list of *robust* futexes that the kernel walks when a thread dies, so that even SIGKILL frees it; the next owner
//! drops what the dead one had not committed. All shared memory is accessed as whole atomic 64-bit words, bits that may
//! be invalid are checked after they were copied, and no reference into shared memory exists.
//!
//! # Trade-offs
//!
//! - **Two copies of the value.** It takes twice its memory. The first change after a commit copies from one slot to the
//!   other: all of a value of up to 512 bytes, or what was changed last of a larger one.
//! - **One writer at a time.** All changes go through one lock, but for `#[shared(atomic)]` fields, which are not part of
//!   a commit. A reader that is overtaken again and again takes the lock too, for as long as it copies.
//! - **Dropping a guard commits.** That includes an early return by `?`: call [`rollback`](Guard::rollback) before it, or
//!   make the change in one [`update`](Synchronized::update). What the closure of an `update` has changed is committed
//!   whatever it returns, but not if it panics; with [`try_update`](Synchronized::try_update), only if it returns `Ok`.
//! - **Writing is trust in availability.** A process that may write the segment can hold the lock for ever, or overwrite
//!   the value; it can never cause undefined behaviour in others.
//! - **Linux only**, 64 bits, little-endian, and glibc for the lock: anything but such a Linux is a compile error, and with
//!   another C library what takes the lock returns [`Error::Unsupported`].
//!
//! # Example
//!
//! ```
//! use shared_value::{SharedValue, unlink};
//!
//! /// A pot that several processes pay into.
//! #[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
//! #[repr(C)]
//! struct Pot {
//!     cents: u64,
//!     deposits: u64,
//!     #[shared(atomic)]
//!     looks: u64,
//! }
//!
//! fn deposit(pot: &SynchronizedPot, cents: u64) -> Result<(), shared_value::Error> {
//!     pot.update(|pot| {
//!         pot.cents += cents;
//!         pot.deposits += 1;
//!     })
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The name appears in `/dev/shm` only when the value is complete.
//! let name = format!("pot.{}", std::process::id());
//! let pot = SynchronizedPot::create(&name, Pot { cents: 0, deposits: 0, looks: 0 })?;
//!
//! // What another process of this user does.
//! let other = SynchronizedPot::open(&name)?;
//! other.looks_fetch_add(1);
//! deposit(&other, 250)?;
//!
//! // Several changes under one lock, which this thread may take again: `deposit` does so.
//! let guard = pot.lock()?;
//! deposit(&pot, 50)?;
//! guard.update_cents(|cents| *cents += 200);
//! guard.set_deposits(guard.deposits() + 1);
//! assert_eq!(pot.cents(), 500); // This thread sees what it has written.
//! # std::thread::scope(|scope| {
//! # scope.spawn(|| {
//! assert_eq!(other.cents(), 250); // In another thread or process: what is committed.
//! # });
//! # });
//! drop(guard); // Now they see it too.
//!
//! // A thread that panics, or is killed, leaves what was committed before.
//! let panicked = std::thread::spawn(move || {
//!     let guard = other.lock().unwrap();
//!     guard.set_cents(0);
//!     panic!("before the deposits are counted");
//! });
//! assert!(panicked.join().is_err());
//! assert_eq!(pot.load()?, Pot { cents: 500, deposits: 3, looks: 1 });
//!
//! unlink(&name)?;
//! # Ok(())
//! # }
//! ```

#[cfg(not(supported))]
compile_error!(
    "shared-value runs on 64-bit little-endian Linux only: it needs robust futexes, memfd_create, O_TMPFILE, and words of \
     64 bits"
);

#[cfg(supported)]
#[cfg_attr(loom, allow(dead_code, reason = "the models use a part of it"))]
mod protocol;

#[cfg(all(supported, loom, test))]
mod models;

#[cfg(library)]
#[doc(hidden)]
pub mod __private;
#[cfg(library)]
mod cell;
#[cfg(library)]
mod copy;
#[cfg(library)]
mod dynamic;
#[cfg(library)]
mod error;
#[cfg(library)]
mod format;
#[cfg(library)]
mod handle;
#[cfg(library)]
mod heap;
#[cfg(library)]
mod hold;
#[cfg(library)]
mod init;
#[cfg(library)]
mod layout;
#[cfg(library)]
mod lock;
#[cfg(library)]
mod segment;
#[cfg(library)]
mod share;
#[cfg(library)]
mod sys;

#[cfg(library)]
pub use crate::{
    dynamic::{
        Dyn, DynAccessors, DynData, DynEnum, DynField, DynGuard, DynKind, DynLayout, DynPart, DynParts, DynStruct,
        DynValue, DynVariant,
    },
    error::{Error, LockError},
    handle::access::{Access, ReadOnly, ReadWrite, Unlocked, Writable},
    handle::guard::{ArrayGuard, Guard},
    handle::initial::{Filled, Initial, Zeroed},
    handle::lock_object::{Lock, LockGuard, LockObject, LockRule, NotRecursive, RLock, Recursive},
    handle::options::{Create, Handle, Options},
    handle::shared::Shared,
    handle::synchronized::{SharedArray, Synchronized},
    handle::wait::{Changes, Versioned},
    layout::{AtomicInteger, Field, FixedStr, FixedStrError, Kind, Layout, Pod, SharedValue, Variant},
    lock::{LockKind, LockState},
    segment::{Location, NamedValue, names, unlink},
    share::{Source, Token},
};

/// Derives [`SharedValue`](trait@SharedValue), with the handle `SynchronizedX`, the guard `XGuard` and their accessors.
#[cfg(library)]
pub use shared_value_derive::SharedValue;

/// The programs of the README, compiled and run as tests.
#[cfg(all(doctest, library))]
#[doc = include_str!("../README.md")]
mod readme {}
