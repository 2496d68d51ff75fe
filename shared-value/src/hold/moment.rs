//! `Moment`: copies of several values as they were at one moment, made under all their locks.

use std::ops::Range;
use std::time::Duration;

use crate::cell::Cell;
use crate::copy;
use crate::format::contents::{Contents, Untyped};
use crate::hold::read::Timed;
use crate::hold::scoped::ScopedHold;
use crate::lock::{self, MAX_HELD, Wait};
use crate::protocol::atomics::AtomicU64;
use crate::segment::Identity;

const WORD: usize = size_of::<u64>();

/// A value that grows gets room for a quarter more, and for this number of words: it may grow before its lock is taken.
const MORE: usize = 1024;

/// Copies of several values of one moment.
///
/// The locks are held only while the values are copied: no code of the program runs under them.
#[derive(Debug)]
pub(crate) struct Moment {
    copies: Vec<Copy>,
}

#[derive(Debug)]
struct Copy {
    cell: Cell<Untyped>,
    version: u64,
    /// The words that are in use.
    words: Box<[AtomicU64]>,
}

impl Moment {
    /// Copies these values, which are sorted by `place_of`.
    ///
    /// Returns `None` if the locks cannot be taken within `most`, if the time is over, or if there is no memory. The wait is
    /// always bounded, so this thread cannot be part of a deadlock, whatever locks it holds.
    pub(crate) fn of(cells: &[Cell<Untyped>], most: Duration, wait: Wait) -> Option<Self> {
        if cells.len() > MAX_HELD {
            return None;
        }
        let mut copies = cells.iter().map(|cell| blank(room_for(cell, wait)?)).collect::<Option<Vec<_>>>()?;
        let mut versions = Vec::with_capacity(cells.len());
        let mut holds = Vec::with_capacity(cells.len());
        let for_locks = wait.and_at_most(most);
        for cell in cells {
            // A lock object may guard several of the values.
            if lock::holds(cell.lock()) {
                continue;
            }
            holds.push(ScopedHold::acquire(cell, for_locks).ok()?);
        }
        for (cell, copy) in cells.iter().zip(&mut copies) {
            let mut used = 0;
            let take = |slot: &[AtomicU64], bytes: Range<usize>| {
                used = used_of(cell, slot);
                let end = bytes.end.min(used).min(size_of_val(&**copy)).next_multiple_of(WORD);
                if bytes.start < end {
                    copy::load_plain(slot, 0, bytes.start..end, copy);
                }
                used
            };
            versions.push(Timed::whole_version(cell, wait).first_pieces(take).ok()?);
            // Otherwise it has grown since the memory was allocated.
            let words = used.div_ceil(WORD);
            if words > copy.len() {
                return None;
            }
            copy.truncate(words);
        }
        drop(holds);
        let parts = cells.iter().zip(copies).zip(versions);
        Some(Self { copies: parts.map(|((cell, copy), version)| Copy::new(cell, copy, version)).collect() })
    }

    /// Returns the copy of a value, and the number of its version.
    pub(crate) fn find<C: Contents + ?Sized>(&self, cell: &Cell<C>) -> Option<(&[AtomicU64], u64)> {
        let found = self.copies.binary_search_by_key(&place_of(cell), |copy| place_of(&copy.cell)).ok()?;
        let copy = self.copies.get(found).filter(|copy| copy.cell.shape().size == cell.shape().size)?;
        Some((&copy.words, copy.version))
    }

    /// Returns whether none of the values was committed since it was copied.
    pub(crate) fn is_current(&self) -> bool {
        self.copies.iter().all(|copy| copy.cell.version() == copy.version)
    }
}

impl Copy {
    fn new(cell: &Cell<Untyped>, words: Vec<u64>, version: u64) -> Self {
        Self { cell: cell.clone(), version, words: words.into_iter().map(AtomicU64::new).collect() }
    }
}

/// Returns how many bytes of a slot are in use. If the number of elements cannot be right, only the number is.
fn used_of(cell: &Cell<Untyped>, slot: &[AtomicU64]) -> usize {
    let Some(growth) = cell.shape().growth() else { return cell.shape().size };
    growth.end_of(growth.length(slot).and_then(|length| cell.believe(growth, length)).unwrap_or(0))
}

/// Returns how many words a copy of a value takes, with room for more elements; `None` if the time is over.
fn room_for(cell: &Cell<Untyped>, wait: Wait) -> Option<usize> {
    let all = cell.shape().slot();
    if cell.shape().growth().is_none() {
        return Some(all);
    }
    let (_, used) = Timed::without_lock(cell, wait).small(|slot| used_of(cell, slot)).ok()?;
    Some((used + used / 4).div_ceil(WORD).saturating_add(MORE).min(all))
}

/// Makes room for a number of words; `None` if there is no memory for them.
fn blank(count: usize) -> Option<Vec<u64>> {
    let mut words = Vec::new();
    words.try_reserve_exact(count).ok()?;
    words.resize(count, 0);
    Some(words)
}

/// Where a value lies: the same for all handles of a value. All threads take locks in this order.
pub(crate) fn place_of<C: Contents + ?Sized>(cell: &Cell<C>) -> (Identity, usize) {
    (cell.shared_segment().identity(), cell.start())
}
