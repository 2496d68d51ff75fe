//! `ArenaStats`: how an arena uses its space.

use crate::heap::blocks::{Heap, State};

/// How an arena uses its space, as [`Arena::stats`](crate::Arena::stats) returns it.
///
/// The numbers of bytes include the overhead of the values: locks, second slots, keys and descriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaStats {
    /// The number of values that are present, of every kind.
    pub live: usize,
    /// The number of removed values whose space cannot be reused yet, because handles of them may be open.
    pub removed: usize,
    /// The bytes of the values that are present.
    pub live_bytes: usize,
    /// The bytes of the removed values.
    pub removed_bytes: usize,
    /// The bytes that new values can take again.
    pub reusable_bytes: usize,
    /// The bytes of types, of the table of keys and of transaction records.
    pub overhead_bytes: usize,
    /// The bytes for which the arena has reserved memory, which may be more than it uses so far.
    pub reserved_bytes: usize,
}

impl ArenaStats {
    /// Counts the blocks below the cursor.
    pub(crate) fn count(heap: Heap<'_>, cursor: usize, allocated: usize) -> Self {
        let mut stats = Self { reserved_bytes: allocated.saturating_sub(heap.start()), ..Self::default() };
        for block in heap.blocks(cursor) {
            let bytes = block.end() - block.start;
            if heap.is_present(&block) {
                if block.type_entry == 0 {
                    stats.overhead_bytes += bytes;
                } else {
                    stats.live += 1;
                    stats.live_bytes += bytes;
                }
            } else {
                match block.state {
                    State::Free => stats.reusable_bytes += bytes,
                    State::Made => {}
                    _ => {
                        stats.removed += 1;
                        stats.removed_bytes += bytes;
                    }
                }
            }
        }
        stats
    }
}
