//! `Cell`: memory that lies at one place, beside a lock that survives its owner.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroU64;
use std::process;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use pyo3::prelude::*;
use shared_value::{Arena, Error, Filled, Id, Live, LiveGuard, LockState};

use super::segment::{self, Contents, Segment};
use super::unused;

/// From this size on, memory lies in a segment of its own, and goes back to the system when it is dropped.
const LARGE: usize = 1 << 20;

/// Memory that other processes may change at any time, and a lock, which guards it only from those that take it.
pub(super) struct Cell {
    /// `None` once it is dropped.
    parts: Option<Parts>,
}

/// What a cell consists of.
pub(super) struct Parts {
    // The value is dropped before it is removed: then its space is free at once.
    live: Live<[u8]>,
    place: Place,
    is_recursive: bool,
    /// The number of forks before this cell was made; `None` if they are not counted.
    forks: Option<u32>,
    /// Whether another process may have been told where it lies.
    is_handed_over: AtomicBool,
}

enum Place {
    /// In an arena.
    Arena {
        segment: Py<Segment>,
        /// It removes the value when it is dropped.
        removal: Option<Removal>,
    },
    /// In a segment of its own.
    Own,
}

impl Cell {
    /// Makes a cell of this many bytes, which are zero. `is_recursive` is about its lock.
    pub(super) fn new(py: Python<'_>, length: usize, is_recursive: bool) -> Result<Self, Error> {
        if let Some(parts) = unused::take(length, is_recursive) {
            return Ok(Self { parts: Some(parts) });
        }
        let zeros = Filled(0_u8, length);
        let options = if is_recursive { Live::options() } else { Live::options().non_recursive() };
        if length >= LARGE {
            match options.new(zeros) {
                Ok(live) => return Ok(Self::of(live, Place::Own, is_recursive)),
                Err(Error::Io { source, .. }) if is_out_of_files(&source) => {}
                Err(error) => return Err(error),
            }
        }
        let segment = segment::of_this_process(py)?;
        let Contents::Arena(arena) = segment.get().contents() else {
            return Err(Error::Unsupported { what: "a segment that is no arena" });
        };
        let live = options.alloc(arena, zeros)?;
        let removal = live.id().map(|id| Removal::of(arena, id));
        Ok(Self::of(live, Place::Arena { segment, removal }, is_recursive))
    }

    fn of(live: Live<[u8]>, place: Place, is_recursive: bool) -> Self {
        let parts = Parts { live, place, is_recursive, forks: unused::forks(), is_handed_over: AtomicBool::new(false) };
        Self { parts: Some(parts) }
    }

    #[inline]
    fn parts(&self) -> &Parts {
        self.parts.as_ref().expect("it is not dropped")
    }

    #[inline]
    fn live(&self) -> &Live<[u8]> {
        &self.parts().live
    }

    /// Opens a cell of another process, by what `place` has returned there.
    ///
    /// # Errors
    /// `NotFound` if the process that made it has dropped it meanwhile.
    pub(super) fn open(segment: Py<Segment>, number: u64) -> Result<Self, Error> {
        let found = match (segment.get().contents(), NonZeroU64::new(number)) {
            // Only a cell that this process has made is used again, so it does not matter how its lock is taken.
            (Contents::Value(live), _) => return Ok(Self::of(live.clone(), Place::Own, true)),
            (Contents::Arena(arena), Some(id)) => Live::find(arena, Id::from_bits(id))?,
            (Contents::Arena(_), None) => None,
        };
        let live = found.ok_or_else(|| Error::NotFound { name: format!("{number} of the parent's values") })?;
        Ok(Self::of(live, Place::Arena { segment, removal: None }, true))
    }

    /// Returns the segment in which the cell lies, and its number there.
    pub(super) fn place(&self, py: Python<'_>) -> PyResult<(Py<Segment>, u64)> {
        let Parts { live, place, is_handed_over, .. } = self.parts();
        is_handed_over.store(true, Relaxed);
        match place {
            Place::Arena { segment, .. } => Ok((segment.clone_ref(py), live.id().map_or(0, |id| id.to_bits().get()))),
            Place::Own => Ok((Py::new(py, Segment::of(live.clone()))?, 0)),
        }
    }

    /// Returns where the memory lies. It is mapped as long as this cell lives.
    pub(super) fn pointer(&self) -> *mut u8 {
        self.live().as_ptr()
    }

    pub(super) fn length(&self) -> usize {
        self.live().size()
    }

    /// Reads the first eight bytes in one access. Those behind the memory's length are padding.
    ///
    /// # Panics
    /// If there is no byte.
    #[inline]
    pub(super) fn first_word(&self) -> [u8; 8] {
        assert_ne!(self.length(), 0, "the memory has no bytes");
        // SAFETY: the memory starts at a multiple of 64, and a multiple of eight bytes, not zero, is mapped as long as `live` lives.
        // Rust accesses them as atomics of eight bytes only.
        unsafe { AtomicU64::from_ptr(self.pointer().cast()) }.load(Relaxed).to_ne_bytes()
    }

    #[inline]
    pub(super) fn try_acquire(&self) -> Result<(), Error> {
        self.live().try_lock().map(LiveGuard::keep)
    }

    pub(super) fn acquire_within(&self, timeout: Duration) -> Result<(), Error> {
        self.live().lock_timeout(timeout).map(LiveGuard::keep)
    }

    #[inline]
    pub(super) fn release(&self) -> Result<(), Error> {
        self.live().release()
    }

    /// Returns how often the calling thread holds the lock.
    #[inline]
    pub(super) fn depth(&self) -> u64 {
        self.live().depth()
    }

    pub(super) fn lock_state(&self) -> LockState {
        self.live().lock_state()
    }

    pub(super) fn recoveries(&self) -> u64 {
        self.live().recoveries()
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            // Drops the parts, if they are not kept.
            unused::keep(parts);
        }
    }
}

impl Parts {
    pub(super) fn length(&self) -> usize {
        self.live.size()
    }

    pub(super) fn is_like(&self, length: usize, is_recursive: bool) -> bool {
        self.length() == length && self.is_recursive == is_recursive
    }

    /// Returns whether this process has made the cell, and would remove it.
    pub(super) fn is_own(&self) -> bool {
        matches!(&self.place, Place::Arena { removal: Some(removal), .. } if removal.is_due())
    }

    /// Returns whether no other process can know the cell, and its lock is as a new one.
    pub(super) fn is_as_new(&self) -> bool {
        self.forks.is_some()
            && self.forks == unused::forks()
            && !self.is_handed_over.load(Relaxed)
            && self.live.lock_state() == LockState::Free
            && self.live.recoveries() == 0
    }

    /// Makes the bytes zero, and counts the forks from here on.
    #[expect(clippy::cast_ptr_alignment, reason = "the memory starts at a multiple of 64")]
    pub(super) fn renewed(mut self) -> Self {
        self.forks = unused::forks();
        let start = self.live.as_ptr().cast::<u64>();
        for number in 0..self.length().div_ceil(8) {
            // SAFETY: the words of the memory are mapped as long as `live` lives: its length is rounded up to a multiple of eight.
            let word = unsafe { start.add(number) };
            // SAFETY: the word is mapped as long as `live` lives, and starts at a multiple of eight. Rust accesses it as an atomic of
            // eight bytes only.
            unsafe { AtomicU64::from_ptr(word) }.store(0, Relaxed);
        }
        self
    }
}

/// Removes a value from its arena when it is dropped by the process that made it, unless the process is about to end: others may
/// still hand the value on.
struct Removal {
    arena: Arena,
    id: Id<[u8]>,
    generation: u32,
    /// The kernel's id of the process. In a forked child, the interpreter drops what other threads of the parent had in
    /// thread-locals before it calls any hook, and so before a new generation begins.
    process: u32,
}

impl Removal {
    fn of(arena: &Arena, id: Id<[u8]>) -> Self {
        Self { arena: arena.clone(), id, generation: segment::generation(), process: process::id() }
    }

    /// Returns whether this is the process that made the value, and it is not about to end.
    fn is_due(&self) -> bool {
        segment::is_current(self.generation) && process::id() == self.process
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if self.is_due() {
            // If that fails, the space stays taken until all processes have left the arena.
            let _ = self.arena.remove(self.id);
        }
    }
}

fn is_out_of_files(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}
