//! The free blocks of an arena, in lists by their lengths.
//!
//! ```text
//! free block:   where it ends | next | previous | .. | trailer
//! ```
//! The next and the previous block of the list are named by where they start, and zero means none.

use crate::format::{CELL_ALIGN, Extent};
use crate::heap::blocks::{Heap, State, TRAILER, Trailer};
use crate::heap::space::index::Bits;
use crate::heap::space::journal::Batch;
use crate::heap::usize_of;
use crate::protocol::atomics::Ordering::Relaxed;

const WORD: usize = size_of::<u64>();
const NEXT: usize = WORD;
const PREVIOUS: usize = 2 * WORD;

/// Each length up to this one has a list of its own.
const EXACT: usize = 512;
/// The number of lists: one for each length of 64, 128 .. 512 bytes, and one for all lengths between two powers of two.
pub(super) const CLASSES: usize = 56;

/// Returns the number of the list for free blocks of a length.
pub(super) fn class_of(length: usize) -> usize {
    let exact = EXACT / CELL_ALIGN;
    if length <= EXACT {
        (length / CELL_ALIGN).clamp(1, exact) - 1
    } else {
        (exact + length.ilog2() as usize - EXACT.ilog2() as usize).min(CLASSES - 1)
    }
}

/// A free block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Free {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Free {
    /// Returns the free block that starts here; `None` if there is no such block, or another process has overwritten it.
    pub(super) fn at(heap: Heap<'_>, cursor: usize, start: usize) -> Option<Self> {
        let end = usize_of(heap.word(start)?.load(Relaxed));
        ending_at(heap, cursor, end).filter(|free| free.start == start)
    }

    fn length(self) -> usize {
        self.end - self.start
    }
}

/// Returns the free block that ends here.
pub(super) fn ending_at(heap: Heap<'_>, cursor: usize, end: usize) -> Option<Free> {
    let place = end.checked_sub(TRAILER).filter(|_| end <= cursor)?;
    let block = heap.trailer(place).filter(|block| block.state == State::Free)?;
    Some(Free { start: block.start, end })
}

/// Finds a free block of at least `length` bytes.
pub(super) fn find(heap: Heap<'_>, cursor: usize, length: usize, thoroughly: bool) -> Option<Free> {
    /// How many blocks of one list are looked at. A list is longer than this only if nothing shorter is left.
    const FEW: usize = 16;
    const MANY: usize = 1 << 20;
    let own = class_of(length);
    // Those of the first list may be shorter. Of these, the one that fits best is taken.
    let most = if length <= EXACT {
        1
    } else if thoroughly {
        MANY
    } else {
        FEW
    };
    let listed = list(heap, cursor, own).take(most);
    let best = listed.filter(|free| free.length() >= length).min_by_key(|free| free.length());
    let larger = || {
        let heads = heap.words(heap.head_offset(own + 1), CLASSES.saturating_sub(own + 1))?;
        let first = heads.iter().map(|head| usize_of(head.load(Relaxed))).find(|first| *first != 0)?;
        Free::at(heap, cursor, first)
    };
    best.or_else(larger).filter(|free| free.length() >= length)
}

/// Returns the blocks of a list.
fn list(heap: Heap<'_>, cursor: usize, class: usize) -> impl Iterator<Item = Free> {
    let start_at = move |offset: usize| heap.word(offset).map(|word| usize_of(word.load(Relaxed)));
    let first = start_at(heap.head_offset(class));
    std::iter::successors(first.and_then(|first| Free::at(heap, cursor, first)), move |free| {
        Free::at(heap, cursor, start_at(free.start + NEXT)?)
    })
}

/// Takes a block out of its list.
pub(super) fn unlink(batch: &mut Batch<'_>, free: Free) {
    let (next, previous) = (batch.read(free.start + NEXT), batch.read(free.start + PREVIOUS));
    let before = if previous == 0 {
        batch.heap.head_offset(class_of(free.length()))
    } else {
        usize_of(previous).saturating_add(NEXT)
    };
    batch.write(before, next);
    if next != 0 {
        batch.write(usize_of(next).saturating_add(PREVIOUS), previous);
    }
}

/// Puts a block into its list.
pub(super) fn link(batch: &mut Batch<'_>, free: Free) {
    let head = batch.heap.head_offset(class_of(free.length()));
    let next = batch.read(head);
    batch.write(free.start + NEXT, next);
    batch.write(free.start + PREVIOUS, 0);
    if next != 0 {
        batch.write(usize_of(next).saturating_add(PREVIOUS), free.start as u64);
    }
    batch.write(head, free.start as u64);
}

/// Marks a free block at both ends. The bit of its end is not set here.
pub(super) fn write_free(batch: &mut Batch<'_>, free: Free) {
    let at = free.end - TRAILER;
    let generation = batch.heap.trailer(at).map_or(0, |block| block.generation);
    let trailer = Trailer {
        at,
        state: State::Free,
        generation,
        type_entry: 0,
        start: free.start,
        extent: Extent::default(),
        key_length: 0,
        hash: 0,
    };
    let [first, start, ..] = trailer.words();
    batch.write(at, first);
    batch.write(at + WORD, start);
    batch.write(free.start, free.end as u64);
    batch.set(Bits::Starts, free.start);
}

/// Makes a free block end earlier.
pub(super) fn shorten(batch: &mut Batch<'_>, free: Free, end: usize) {
    let rest = Free { end, ..free };
    let stays = class_of(rest.length()) == class_of(free.length());
    if !stays {
        unlink(batch, free);
    }
    write_free(batch, rest);
    batch.set(Bits::Ends, end - TRAILER);
    if !stays {
        link(batch, rest);
    }
}
