//! `Cell`: memory that lies at one place, beside a lock that survives its owner.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroU64;
use std::process;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};
use std::time::Duration;

use pyo3::prelude::*;
use shared_value::{Arena, Error, Filled, Id, Live, LiveGuard, LockState};

use super::segment::{self, Contents, Segment};

/// From this size on, memory lies in a segment of its own, and goes back to the system when it is dropped.
const LARGE: usize = 1 << 20;

/// Memory that other processes may change at any time, and a lock, which guards it only from those that take it.
pub(super) struct Cell {
    // The value is dropped before it is removed: then its space is free at once.
    live: Live<[u8]>,
    place: Place,
}

enum Place {
    /// In an arena.
    Arena {
        segment: Py<Segment>,
        #[expect(dead_code, reason = "it removes the value when it is dropped")]
        removal: Option<Removal>,
    },
    /// In a segment of its own.
    Own,
}

impl Cell {
    /// Makes a cell of this many bytes, which are zero. `is_recursive` is about its lock.
    pub(super) fn new(py: Python<'_>, length: usize, is_recursive: bool) -> Result<Self, Error> {
        let zeros = Filled(0_u8, length);
        let options = if is_recursive { Live::options() } else { Live::options().non_recursive() };
        if length >= LARGE {
            match options.new(zeros) {
                Ok(live) => return Ok(Self { live, place: Place::Own }),
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
        Ok(Self { live, place: Place::Arena { segment, removal } })
    }

    /// Opens a cell of another process, by what `place` has returned there.
    ///
    /// # Errors
    /// `NotFound` if the process that made it has dropped it meanwhile.
    pub(super) fn open(segment: Py<Segment>, number: u64) -> Result<Self, Error> {
        let found = match (segment.get().contents(), NonZeroU64::new(number)) {
            (Contents::Value(live), _) => return Ok(Self { live: live.clone(), place: Place::Own }),
            (Contents::Arena(arena), Some(id)) => Live::find(arena, Id::from_bits(id))?,
            (Contents::Arena(_), None) => None,
        };
        let live = found.ok_or_else(|| Error::NotFound { name: format!("{number} of the parent's values") })?;
        Ok(Self { live, place: Place::Arena { segment, removal: None } })
    }

    /// Returns the segment in which the cell lies, and its number there.
    pub(super) fn place(&self, py: Python<'_>) -> PyResult<(Py<Segment>, u64)> {
        match &self.place {
            Place::Arena { segment, .. } => {
                Ok((segment.clone_ref(py), self.live.id().map_or(0, |id| id.to_bits().get())))
            }
            Place::Own => Ok((Py::new(py, Segment::of(self.live.clone()))?, 0)),
        }
    }

    /// Returns where the memory lies. It is mapped as long as this cell lives.
    pub(super) fn pointer(&self) -> *mut u8 {
        self.live.as_ptr()
    }

    pub(super) fn length(&self) -> usize {
        self.live.size()
    }

    /// Reads the number of this many bytes, a power of two up to 8, at the start of the memory, in one access. Returns its bytes,
    /// and zeros behind them.
    ///
    /// # Panics
    /// If the memory is shorter.
    #[inline]
    pub(super) fn load(&self, width: usize) -> [u8; 8] {
        assert!(width <= self.length(), "{width} bytes of {}", self.length());
        let start = self.pointer();
        let mut bytes = [0; 8];
        match width {
            // SAFETY: the byte is mapped as long as `live` lives. Rust accesses it as an atomic only.
            1 => bytes[..1].copy_from_slice(&unsafe { AtomicU8::from_ptr(start) }.load(Relaxed).to_ne_bytes()),
            // SAFETY: these two bytes are mapped as long as `live` lives, and start at a multiple of 64. Rust accesses them as an atomic
            // only.
            2 => bytes[..2].copy_from_slice(&unsafe { AtomicU16::from_ptr(start.cast()) }.load(Relaxed).to_ne_bytes()),
            // SAFETY: these four bytes are mapped as long as `live` lives, and start at a multiple of 64. Rust accesses them as an atomic
            // only.
            4 => bytes[..4].copy_from_slice(&unsafe { AtomicU32::from_ptr(start.cast()) }.load(Relaxed).to_ne_bytes()),
            // SAFETY: these eight bytes are mapped as long as `live` lives, and start at a multiple of 64. Rust accesses them as an atomic
            // only.
            8 => bytes = unsafe { AtomicU64::from_ptr(start.cast()) }.load(Relaxed).to_ne_bytes(),
            _ => unreachable!("no number has {width} bytes"),
        }
        bytes
    }

    #[inline]
    pub(super) fn try_acquire(&self) -> Result<(), Error> {
        self.live.try_lock().map(LiveGuard::keep)
    }

    pub(super) fn acquire_within(&self, timeout: Duration) -> Result<(), Error> {
        self.live.lock_timeout(timeout).map(LiveGuard::keep)
    }

    #[inline]
    pub(super) fn release(&self) -> Result<(), Error> {
        self.live.release()
    }

    /// Returns how often the calling thread holds the lock.
    #[inline]
    pub(super) fn depth(&self) -> u64 {
        self.live.depth()
    }

    pub(super) fn lock_state(&self) -> LockState {
        self.live.lock_state()
    }

    pub(super) fn recoveries(&self) -> u64 {
        self.live.recoveries()
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
}

impl Drop for Removal {
    fn drop(&mut self) {
        if segment::is_current(self.generation) && process::id() == self.process {
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
