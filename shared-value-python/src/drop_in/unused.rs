//! Cells that were dropped, to be used again: to remove a value from its arena and to add another takes longer than all else that
//! Python does for a new value.
//!
//! A cell is used again only if no other process can know it. A child that was forked may have it, so each cell notes how many forks
//! there were before it was made.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, TryLockError};

use super::cell::Parts;

/// How many cells are kept.
const MOST: usize = 16;

/// The largest length of a cell that is kept, in bytes.
const LONGEST: usize = 256;

/// The cells, each of which this process has made, in its present generation when they were dropped.
static UNUSED: Mutex<Vec<Parts>> = Mutex::new(Vec::new());

static FORKS: AtomicU32 = AtomicU32::new(0);

/// Returns the number of forks of this process and of those that it is a copy of; `None` if they cannot be counted.
pub(super) fn forks() -> Option<u32> {
    static IS_COUNTED: OnceLock<bool> = OnceLock::new();
    let is_counted = IS_COUNTED.get_or_init(|| {
        // SAFETY: the function stays loaded, because Python unloads no module, and may run at any time: it only counts.
        unsafe { libc::pthread_atfork(Some(count_fork), None, None) == 0 }
    });
    is_counted.then(|| FORKS.load(Relaxed))
}

/// Runs before each fork: also before those of C code, of which Python does not know.
unsafe extern "C" fn count_fork() {
    FORKS.fetch_add(1, Relaxed);
}

/// Keeps a cell that is dropped, if it can be used again. Otherwise drops it.
pub(super) fn keep(parts: Parts) {
    if !parts.is_own() || !parts.is_as_new() || parts.length() > LONGEST {
        return;
    }
    with(|unused| {
        if unused.len() < MOST {
            unused.push(parts);
            None
        } else {
            Some(parts)
        }
    });
}

/// Returns a cell of this length and kind, whose bytes are zero, if there is one.
pub(super) fn take(length: usize, is_recursive: bool) -> Option<Parts> {
    loop {
        let found = with(|unused| {
            let index = unused.iter().rposition(|parts| parts.is_like(length, is_recursive))?;
            Some(unused.swap_remove(index))
        })??;
        // That of a parent is dropped.
        if found.is_own() {
            return Some(found.renewed());
        }
    }
}

/// Drops all cells: those of a forked child belong to its parent.
pub(super) fn clear() {
    drop(with(std::mem::take));
}

/// Works with the cells; `None` if a thread had them when this process was forked. The closure returns the cells that it drops, because
/// a drop takes a while.
fn with<R>(work: impl FnOnce(&mut Vec<Parts>) -> R) -> Option<R> {
    match UNUSED.try_lock() {
        Ok(mut unused) => Some(work(&mut unused)),
        Err(TryLockError::Poisoned(unused)) => Some(work(&mut unused.into_inner())),
        Err(TryLockError::WouldBlock) => None,
    }
}
