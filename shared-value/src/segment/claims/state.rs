//! `Claims`: what this process knows of its own claims in one mapping.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::segment::claims::counts::Counts;
use crate::segment::claims::layout::Layout;
use crate::sys::presence::claims::{Claiming, Pin};

/// How a process shows its claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Not yet. A forked child begins so, with the counts of its parent.
    None = 0,
    /// By the counters of a slot.
    Slot = 1,
    /// By locks.
    Locks = 2,
    /// It claims everything: by one lock, or because the segment says that a process cannot be vouched for.
    All = 3,
}

/// The claims of this process in a mapping.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(super) layout: Layout,
    mode: AtomicU32,
    /// Where the window of the own slot starts.
    window: AtomicUsize,
    /// `None` if there is no memory for them. Then the process claims everything.
    pub(super) counts: Option<Counts>,
    /// Whether the file has a page for any write, without a reservation.
    pub(super) comes_with_writes: bool,
    pub(super) is_read_only: bool,
    /// Whether counters of the own window stay above zero, although no handle is open.
    pub(super) is_left: AtomicBool,
    /// Whether the pin of the parent still stands.
    pub(super) is_pinned: AtomicBool,
    /// How often this process has changed the arena.
    pub(super) edits: AtomicU32,
    locked: Mutex<Locked>,
}

/// The parts that are used under the lock of the mappings only (see `forks.rs`).
#[derive(Debug, Default)]
pub(super) struct Locked {
    pub(super) slot: usize,
    /// The id of this process in the slot.
    pub(super) process: u32,
    pub(super) claiming: Option<Claiming>,
    /// How many units are claimed by locks.
    pub(super) units: usize,
    /// Whether one lock covers all units.
    pub(super) is_all: bool,
    /// The pin that this process has inherited.
    pub(super) pin: Option<Pin>,
    /// The pin for the child that is being forked.
    pub(super) offered: Option<Pin>,
}

impl Claims {
    pub(super) fn new(layout: Layout, comes_with_writes: bool, is_read_only: bool) -> Self {
        Self {
            layout,
            mode: AtomicU32::new(Mode::None as u32),
            window: AtomicUsize::new(0),
            counts: Counts::new(layout),
            comes_with_writes,
            is_read_only,
            is_left: AtomicBool::new(false),
            is_pinned: AtomicBool::new(false),
            edits: AtomicU32::new(0),
            locked: Mutex::default(),
        }
    }

    /// Returns where the claims of all processes lie.
    pub(in crate::segment) fn layout(&self) -> Layout {
        self.layout
    }

    #[inline(always)]
    pub(super) fn mode(&self) -> Mode {
        // Acquire: pairs with `set_mode`, so the window of the slot is seen.
        match self.mode.load(Ordering::Acquire) {
            0 => Mode::None,
            1 => Mode::Slot,
            2 => Mode::Locks,
            _ => Mode::All,
        }
    }

    pub(super) fn set_mode(&self, mode: Mode) {
        self.mode.store(mode as u32, Ordering::Release);
    }

    /// Returns where the window of the own slot starts.
    #[inline(always)]
    pub(super) fn window(&self) -> usize {
        self.window.load(Ordering::Relaxed)
    }

    pub(super) fn set_window(&self, window: usize) {
        self.window.store(window, Ordering::Relaxed);
    }

    /// Returns what the lock of the mappings guards. The caller has that lock, so this never waits.
    pub(super) fn locked(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
