//! The guard of a value: a lock of its own, a lock object, or nothing.
#![allow(unsafe_code)]

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::cell::parts::Control;
use crate::error::Error;
use crate::format::{Invalid, RequiredLock};
use crate::lock::LockKind;
use crate::segment::{Mapping, Segment};
use crate::sys::mutex::Mutex;

/// The lock of a cell, kept mapped.
#[derive(Clone)]
pub(super) enum LockedBy {
    /// The native lock in its control line, or nothing.
    Own,
    /// The native lock in its control line, which a thread may not take again.
    OwnOnce,
    Object(ObjectLock),
    Pthread {
        mutex: Arc<Mutex>,
        is_recursive: bool,
    },
    /// A lock object that this handle does not know, because it only reads.
    Unknown,
}

/// The guard that a program asks for.
#[derive(Clone, Debug)]
pub(crate) enum Guarding {
    /// Nothing.
    None,
    /// A lock of its own. Its kind is decided at creation, and it is recursive. When a value is opened, the header tells.
    Own(LockKind),
    /// A lock of its own, which a thread may not take again.
    OwnOnce(LockKind),
    /// The lock of a lock object, which guards other values too.
    Object(ObjectLock),
    /// The cell only carries a lock: it is a lock object.
    Itself,
}

/// The lock of a lock object, for the values that it guards.
#[derive(Clone)]
pub(crate) struct ObjectLock {
    control: NonNull<Control>,
    #[expect(dead_code, reason = "it keeps the lock mapped")]
    segment: Arc<Segment>,
    identity: u64,
    is_recursive: bool,
}

// SAFETY: the pointer points to atomics, which `segment` keeps mapped, and nothing in it belongs to a thread.
unsafe impl Send for ObjectLock {}
// SAFETY: all accesses through the pointer are atomic, and `segment` keeps them mapped.
unsafe impl Sync for ObjectLock {}

impl ObjectLock {
    pub(super) fn new(control: NonNull<Control>, segment: Arc<Segment>, identity: u64, is_recursive: bool) -> Self {
        Self { control, segment, identity, is_recursive }
    }

    pub(super) fn control(&self) -> NonNull<Control> {
        self.control
    }

    pub(super) fn is_recursive(&self) -> bool {
        self.is_recursive
    }
}

impl fmt::Debug for ObjectLock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ObjectLock({:016x})", self.identity)
    }
}

impl Guarding {
    /// Returns the lock that the header of a new segment records.
    pub(super) fn required(&self) -> RequiredLock {
        match self {
            Self::None => RequiredLock::None,
            Self::Itself => RequiredLock::Itself,
            Self::Own(LockKind::Native) | Self::OwnOnce(LockKind::Native) => RequiredLock::Native,
            #[cfg(feature = "pthread")]
            Self::Own(LockKind::Pthread) | Self::OwnOnce(LockKind::Pthread) => RequiredLock::Pthread,
            Self::Object(object) => RequiredLock::Object { identity: object.identity },
        }
    }

    /// Returns this guard with the value's own lock, of this kind.
    pub(crate) fn with_own(&self, kind: LockKind) -> Self {
        if self.is_recursive() { Self::Own(kind) } else { Self::OwnOnce(kind) }
    }

    /// Returns this guard with a lock that a thread may not take again, if it is the value's own lock.
    pub(crate) fn once(&self) -> Self {
        if let Self::Own(kind) = self { Self::OwnOnce(*kind) } else { self.clone() }
    }

    /// Returns whether a thread may take a new value's own lock again.
    pub(super) fn is_recursive(&self) -> bool {
        !matches!(self, Self::OwnOnce(_))
    }

    /// Checks that a segment is guarded in this way. A program that asks for a pthread mutex accepts a native lock too.
    pub(super) fn check(&self, mapping: &Mapping) -> Result<(), Error> {
        let (expected, found) = (self.required(), mapping.required_lock());
        // The reverse is refused: otherwise a peer could rewrite the header of a native value, and the C library would
        // follow the peer's pointers in a process that did not ask for a pthread mutex.
        let is_safer = expected == RequiredLock::Pthread && found == RequiredLock::Native;
        if !is_safer && expected != found {
            return Err(found.mismatch(mapping.name(), expected));
        }
        // A program that relies on a refusal must not get a lock that lets a second task in.
        if !self.is_recursive() && mapping.is_recursive() {
            let found = "a recursive one: open it without `non_recursive`, or remove it and create it again";
            return Err(Invalid::new("lock", "one that is not recursive", found).of(mapping.name()));
        }
        Ok(())
    }
}
