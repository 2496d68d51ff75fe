//! What guards a value: a lock of its own, a lock object, or nothing.
#![allow(unsafe_code)]

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::cell::parts::Control;
use crate::error::Error;
use crate::format::RequiredLock;
use crate::lock::LockKind;
use crate::segment::{Mapping, Segment};
use crate::sys::mutex::Mutex;

/// What locks a cell, and keeps that in its place.
#[derive(Clone)]
pub(super) enum LockedBy {
    /// The native lock in its control line, or nothing.
    Own,
    Object(ObjectLock),
    Pthread(Arc<Mutex>),
    /// A lock object that this handle does not know, because it only reads.
    Unknown,
}

/// What a value is to be guarded by.
#[derive(Clone, Debug)]
pub(crate) enum Guarding {
    /// Nothing.
    None,
    /// A lock of its own; of which kind is decided when it is created.
    Own(LockKind),
    /// The lock of a lock object, with others.
    Object(ObjectLock),
    /// It is a lock object, whose holds are none of a value's.
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

// SAFETY: as for `Cell`.
unsafe impl Send for ObjectLock {}
// SAFETY: as for `Cell`.
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
    /// What the header of a new segment says.
    pub(super) fn required(&self) -> RequiredLock {
        match self {
            Self::None => RequiredLock::None,
            Self::Itself => RequiredLock::Itself,
            Self::Own(LockKind::Native) => RequiredLock::Native,
            Self::Own(LockKind::Pthread) => RequiredLock::Pthread,
            Self::Object(object) => RequiredLock::Object { identity: object.identity },
        }
    }

    /// Whether a segment can be used so. Who asks for a pthread mutex takes a native lock too.
    pub(super) fn check(&self, mapping: &Mapping) -> Result<(), Error> {
        let (expected, found) = (self.required(), mapping.required_lock());
        // Never the other way round: a peer that rewrites the header of a native value must not have the C library follow
        // its pointers in a process that did not ask for a pthread mutex.
        let is_safer = expected == RequiredLock::Pthread && found == RequiredLock::Native;
        if is_safer || expected == found { Ok(()) } else { Err(found.mismatch(mapping.name(), expected)) }
    }
}
