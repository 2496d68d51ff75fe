//! A typed value in shared memory that all processes of a Linux machine can use: reads take no lock, and writes take a
//! recursive lock that the kernel frees when its owner is killed.
//!
//! Derive [`SharedValue`](trait@SharedValue) for a `#[repr(C)]` struct `X`. The derive names the handle `SynchronizedX` and
//! the guard `XGuard`, which are aliases of [`Synchronized<X>`](Synchronized) and [`Guard<X>`](Guard), and writes the
//! functions for the fields. Numbers and arrays need no derive: `Synchronized::new(0_u64)`.
//!
//! # Parts
//!
//! | to | use |
//! |---|---|
//! | share one value | [`Synchronized<T>`](Synchronized) |
//! | create it | [`new`](Synchronized::new) without a name, [`create`](Synchronized::create) under a name or in a file, from an [`Initial`]: a value, a reference, [`Zeroed`], [`Filled`] |
//! | find it | [`open`](Synchronized::open), [`open_read_only`](Synchronized::open_read_only), by a [`Source`]: a name, a file, a [`Token`], a socket, or [inherited](Source::inherited) |
//! | configure it | [`options`](Synchronized::options): mode, lock, access, [waiting](Options::wait) |
//! | read it, without the lock | `account.balance()` for a field, [`load`](Synchronized::load) for the whole value, [`read`](Synchronized::read) for several parts of one version |
//! | change it, in one commit | `account.set_balance(1)?`, `account.update_balance(..)?`, [`update`](Synchronized::update) for several fields |
//! | hold the lock | [`lock`](Synchronized::lock), [`try_lock`](Synchronized::try_lock), [`lock_timeout`](Synchronized::lock_timeout), which return a [`Guard`] |
//! | keep a guard without a lifetime | [`lock_owned`](Synchronized::lock_owned), which returns an [`OwnedGuard`]; a [`DetachedHold`] refers to no handle |
//! | limit how long a change waits for the lock | [`within`](Synchronized::within): `account.within(timeout).set_balance(1)?` |
//! | reach a nested part | `robot.in_joints().element(3).set_angle(0.5)?`: a [`Part`] |
//! | count without the lock | `#[shared(atomic)]`, an [`Atomic`]: `account.requests().fetch_add(1)` |
//! | count by many processes at once | `#[shared(counter)]`, a [`CounterField`]: `server.hits().increment()`; [`SharedCounter`] |
//! | share an array whose length is known at run time | [`SharedArray`], whose functions are [`ElementAccessors`] |
//! | share an array, a text or bytes whose length changes | [`SharedVec`], [`SharedString`], [`SharedBytes`] |
//! | share many values | [`Arena`], a map from keys and [`Id`]s to values, with [`Transaction`]s and [`Snapshot`]s |
//! | share text, a time, an optional value | [`FixedStr`], [`Timestamp`], [`SharedDuration`], [`SharedOption`], [`Pod`] for types of other crates |
//! | deploy a new version of a struct beside the old one | `#[shared(evolves)]`, and [`Reserved`] for fields to come |
//! | wait for a change | [`wait_for`](Synchronized::wait_for), [`changes`](Synchronized::changes), in async code [`changed`](Changes::changed) |
//! | wait for a change of many values | [`Arena::changes`], which tells the keys |
//! | answer Ctrl-C while waiting | [`interruptible`], [`interruptible_within`] |
//! | hand it over | [`pass_to`](Synchronized::pass_to) a child, [`token`](Synchronized::token), [`send_to`](Synchronized::send_to) a socket |
//! | guard several values by one lock | [`RLock`], [`Lock`] |
//! | have plain memory beside a lock, for views in other languages | [`Live`] |
//! | use a value of unknown type | [`DynValue`], by [`DynLayout`] and [`DynData`] |
//! | restrict access | [`ReadOnly`], [`Unlocked`]; see [`Access`] |
//! | replace it by another type | [`replace`](Synchronized::replace), [`open_or_replace`](Synchronized::open_or_replace) |
//! | list and remove names | [`names`], [`unlink`] |
//! | look for a fault, without using the segment | [`inspect`], which returns a [`Report`] |
//!
//! # How it works
//!
//! A value lies in two *slots* beside a *version* number. Slot `version & 1` holds the committed value; the other slot
//! belongs to the owner of the lock. The owner writes its slot and commits by storing `version + 1`. Before that store
//! nothing has changed, after it everything has. A reader loads the version, copies the slot, and loads the version again;
//! if the version has moved, it copies once more. The lock is a futex word in the list of *robust* futexes that the kernel
//! walks when a thread dies, so SIGKILL frees it too; the next owner drops the dead owner's draft. All shared memory is
//! accessed as whole atomic 64-bit words, bits that may be invalid are checked after the copy, and no reference into shared
//! memory exists.
//!
//! # Trade-offs
//!
//! - **Two copies of the value.** It takes twice its memory. The first write after a commit copies from one slot to the
//!   other: the whole value if it has up to 512 bytes, otherwise only the parts that differ.
//! - **One writer at a time.** All writes take one lock, except to atomic fields and counters, which are not part of a
//!   commit. If commits overtake a reader's copy twice, or a large one once, the reader waits briefly for the lock, and copies
//!   under the lock if it gets it.
//! - **Dropping a guard commits.** An early return by `?` drops it too: call [`rollback`](Guard::rollback) first, or make
//!   the change in one [`update`](Synchronized::update). An `update` commits unless its closure panics, even if the closure
//!   returns an `Err`; [`try_update`](Synchronized::try_update) commits only if its closure returns `Ok`.
//! - **Writers are trusted with availability.** A process that may write the segment can hold the lock forever, or
//!   overwrite the value. It can never cause undefined behaviour in others, except with `LockKind::Pthread`.
//! - **Linux only**, 64 bits, little-endian: elsewhere the crate does not compile, with one error that says so. The lock
//!   needs glibc; with another C library, lock operations return [`LockError::Unsupported`].
//!
//! # Features
//!
//! All are off by default.
//!
//! - `pthread`: `LockKind::Pthread`, for values whose lock C and C++ programs take too. It brings in the crate `raw_sync`.
//! - `serde`: handles serialize as tokens, with which another process of the same user can open the value; [`DynData`] as
//!   its contents; [`FixedStr`] as text, and the other ready-made types as their contents.
//! - `tokio`: nothing. [`Changes`] can be awaited on any runtime, without a feature.
//!
//! # Example
//!
//! ```
//! use shared_value::{Error, SharedValue, unlink};
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
//! fn deposit(pot: &SynchronizedPot, cents: u64) -> Result<(), Error> {
//!     pot.update(|pot| {
//!         pot.cents += cents;
//!         pot.deposits += 1;
//!     })
//! }
//!
//! # fn main() -> Result<(), Error> {
//! // The name appears in `/dev/shm` only when the value is complete.
//! let name = format!("pot.{}", std::process::id());
//! let pot = SynchronizedPot::create(&name, Pot { cents: 0, deposits: 0, looks: 0 })?;
//!
//! // Another process of this user opens the value and changes it.
//! let other = SynchronizedPot::open(&name)?;
//! other.looks().fetch_add(1);
//! deposit(&other, 250)?;
//!
//! // Several changes under one lock. The thread may take the lock again: `deposit` does.
//! let guard = pot.lock()?;
//! deposit(&pot, 50)?;
//! guard.update_cents(|cents| *cents += 200)?;
//! guard.set_deposits(guard.deposits() + 1)?;
//! assert_eq!(pot.cents(), 500); // This thread sees its own writes.
//! # std::thread::scope(|scope| {
//! # scope.spawn(|| {
//! assert_eq!(other.cents(), 250); // Another thread or process sees the committed value.
//! # });
//! # });
//! drop(guard); // Commits.
//!
//! // A thread that panics, or a process that is killed, leaves the last committed value.
//! let panicked = std::thread::spawn(move || {
//!     let guard = other.lock().unwrap();
//!     guard.set_cents(0).unwrap();
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
mod accessors;
#[cfg(library)]
mod arena;
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
mod live;
#[cfg(library)]
mod lock;
#[cfg(library)]
mod reactor;
#[cfg(library)]
mod schema;
#[cfg(library)]
mod segment;
#[cfg(library)]
mod share;
#[cfg(library)]
mod sys;
#[cfg(library)]
mod vector;

#[cfg(library)]
pub use crate::{
    accessors::accessible::Accessible,
    accessors::atomic::Atomic,
    accessors::counter::CounterField,
    accessors::elements::{ElementAccessors, Sequence},
    accessors::host::{Host, Reader, Root, Writer},
    accessors::part::Part,
    accessors::view::{Select, View},
    arena::{
        AnyKey, Arena, ArenaChange, ArenaChanges, ArenaStats, Attempts, Capacity, Entry, Id, Key, Snapshot, Transaction,
    },
    dynamic::{Dyn, DynAccessors, DynData, DynGuard, DynValue},
    error::{Error, LockError},
    handle::access::{Access, ReadOnly, ReadWrite, Unlocked, Writable},
    handle::counter::{Counter, CounterAccessors, SharedCounter},
    handle::guard::detached::DetachedHold,
    handle::guard::owned::OwnedGuard,
    handle::guard::{ArrayGuard, Guard},
    handle::initial::{Filled, Initial, Zeroed},
    handle::lock_object::{Lock, LockGuard, LockObject, LockRule, NotRecursive, RLock, Recursive},
    handle::options::{Create, Handle, Options},
    handle::replace::Former,
    handle::shared::Shared,
    handle::synchronized::{SharedArray, Synchronized},
    handle::wait::within::Within,
    handle::wait::{Changes, Versioned},
    layout::{
        AtomicBits, AtomicField, AtomicNumber, AtomicValue, CountedField, Field, FixedStr, FixedStrError, Kind, Layout,
        Pod, Reserved, SharedDuration, SharedOption, SharedValue, TimeError, Timestamp, Variant,
    },
    live::{Live, LiveGuard, Plain},
    lock::interruption::{interruptible, interruptible_within},
    lock::{LockKind, LockState},
    schema::{DynEnum, DynField, DynKind, DynLayout, DynPart, DynParts, DynStruct, DynVariant},
    segment::{Location, LockOwner, NamedValue, Report, ReportedLock, inspect, names, unlink},
    share::{Source, Token},
    vector::{
        Bytes, Items, SharedBytes, SharedString, SharedVec, Text, Vector, VectorAccessors, VectorGuard, VectorWriter,
    },
};

/// Derives [`SharedValue`](trait@SharedValue), with the handle `SynchronizedX`, the guard `XGuard` and their accessors.
#[cfg(library)]
pub use shared_value_derive::SharedValue;

/// The programs of the README, compiled and run as tests.
#[cfg(all(doctest, library))]
#[doc = include_str!("../README.md")]
mod readme {}
