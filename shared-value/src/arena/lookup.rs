//! Finding and listing the values of an arena, without a lock.

use std::mem::offset_of;
use std::sync::Arc;

use crate::arena::entry::Entry;
use crate::arena::id::Id;
use crate::arena::key::{AnyKey, Key, Sought};
use crate::arena::map::Arena;
use crate::cell::{Cell, Recognized};
use crate::copy;
use crate::error::Error;
use crate::handle::access::Access;
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::heap::{self, ArenaStats, BlockId, Directory, Heap, Trailer, TypeEntry, cell_of, changes, usize_of};
use crate::hold::{read, retry};
use crate::segment::Segment;

/// Finding and listing.
impl<A: Access> Arena<A> {
    /// Returns the value with a key or an id, if there is such a value.
    ///
    /// It may be a `T`, an array `[E]` of any length, or a [`Dyn`](crate::Dyn), which is a value of any type.
    ///
    /// # Errors
    /// `LayoutMismatch` if the value is of another type; the error names the field that differs. `InvalidSegment` if another
    /// process overwrote the description of the value.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.insert("primes", vec![2, 3, 5])?;
    /// let primes = arena.get::<[i32]>("primes")?.expect("it is there");
    /// assert_eq!(primes.to_vec()?, [2, 3, 5]);
    /// assert!(arena.get::<i32>("squares")?.is_none());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[inline]
    pub fn get<'k, C: Shared + ?Sized>(&self, key: impl Into<Key<'k, C>>) -> Result<Option<Synchronized<C, A>>, Error> {
        Ok(self.open_cell(key.into().sought())?.map(Synchronized::of))
    }

    /// Opens the value with a key or an id, if there is such a value.
    #[inline(always)]
    pub(crate) fn open_cell<C: Recognized + ?Sized>(&self, sought: Sought<'_>) -> Result<Option<Cell<C>>, Error> {
        while let Some(found) = self.find(sought) {
            if let Some(cell) = self.cell_of(&found, sought)? {
                return Ok(Some(cell));
            }
        }
        Ok(None)
    }

    /// Returns whether there is a value with this key or id.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let id = arena.alloc(1_u8)?;
    /// assert!(arena.contains(id) && !arena.contains("one"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn contains<'k>(&self, key: impl Into<AnyKey<'k>>) -> bool {
        self.end_pin();
        let sought = key.into().0;
        while let Some(found) = self.find(sought) {
            // The space may have been used again while the key was compared.
            if self.heap().is_still_read(&found) {
                return true;
            }
        }
        false
    }

    /// Returns the number of values, with and without keys.
    ///
    /// The arena stores this number, so the call takes a short time, which does not depend on the number.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.insert("one", 1_u8)?;
    /// arena.alloc(2_u8)?;
    /// assert_eq!(arena.len(), 2);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        let heap = self.heap();
        let mut count = 0;
        // The loop is bounded: a hostile process could keep changing these words.
        for _ in 0..retry::TRIES {
            let decision = heap.decision();
            let turn = decision.map(heap::Decision::turn);
            let (version, directory) = self.directory_versioned();
            let verdict = decision.and_then(heap::Decision::verdict);
            count = match verdict {
                None => changes::count(heap, &directory),
                Some(is_committed) => {
                    let last = changes::last(heap, &directory);
                    let present = last.filter(|change| change.is_add() == is_committed).count();
                    directory.values.wrapping_add(present as u64)
                }
            };
            // `verdict` loads `decided_by`, then the deciding word. If that word was reused in between, the changes have
            // ended.
            let is_same = decision.and_then(heap::Decision::verdict) == verdict;
            // `turn` counts a change before the change can be seen, and after the version that records the change.
            if is_same && self.directory.version() == version && decision.map(heap::Decision::turn) == turn {
                break;
            }
        }
        usize_of(count)
    }

    /// Returns whether there are no values.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// assert!(arena.is_empty());
    /// arena.alloc(2_u8)?;
    /// assert!(!arena.is_empty());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lists all values, the newest first unless space was reused. Values that are added or removed during the iteration may be
    /// listed or not; all others are listed once.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.insert("one", 1_u8)?;
    /// arena.alloc([1.0, 2.0])?;
    /// let types: Vec<_> = arena.iter().map(|entry| entry.type_name().to_owned()).collect();
    /// assert_eq!(types, ["[f64; 2]", "u8"]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Entry> {
        let heap = self.heap();
        self.present_blocks().filter_map(move |block| {
            let entry = Entry {
                key: heap.key(&block),
                id: BlockId::of(heap, &block),
                schema: TypeEntry::at(heap, block.type_entry)?.schema()?,
                size: block.extent.size(),
                is_live: block.extent.is_one_slot(),
            };
            // The space may have been used again while the key was copied.
            heap.is_still_read(&block).then_some(entry)
        })
    }

    /// Lists the values of one type, with their keys, in the order of [`iter`](Self::iter).
    ///
    /// `values_of::<[E]>()` lists arrays of all lengths, and `values_of::<Dyn>()` values of all types.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.insert("one", 1_u64)?;
    /// arena.insert("half", 0.5)?;
    /// arena.alloc(2_u64)?;
    /// let numbers: Vec<_> = arena.values_of::<u64>().map(|(key, number)| (key, number.get())).collect();
    /// assert_eq!(numbers, [(None, 2), (Some("one".to_owned()), 1)]);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn values_of<C: Shared + ?Sized>(&self) -> impl Iterator<Item = (Option<String>, Synchronized<C, A>)> {
        let heap = self.heap();
        // The types of the values that were skipped.
        let mut others: Vec<usize> = Vec::new();
        self.present_blocks().filter_map(move |block| {
            if others.contains(&block.type_entry) {
                return None;
            }
            match self.cell_of(&block, Sought::Id(BlockId::of(heap, &block))) {
                Ok(cell) => cell.map(|cell| (heap.key(&block), Synchronized::of(cell))),
                Err(Error::LayoutMismatch { .. }) => {
                    others.push(block.type_entry);
                    None
                }
                Err(_) => None,
            }
        })
    }

    /// Returns the id of a value; `None` if the value does not lie in this arena, or was removed.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// let value = arena.insert("seven", 7_u32)?;
    /// let id = arena.id_of(&value).expect("it lies there");
    /// assert_eq!(arena.get(id)?.map(|value| value.get()), Some(7));
    /// arena.remove("seven")?;
    /// assert!(arena.id_of(&value).is_none());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn id_of<C: Shared + ?Sized, B: Access>(&self, value: &Synchronized<C, B>) -> Option<Id<C>> {
        let block = BlockId::from_bits(value.cell.number());
        (self.has(&value.cell) && self.find(Sought::Id(block)).is_some()).then(|| Id::of(block))
    }

    /// Returns the number of bytes that the arena can hold, including the overhead of its values.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// assert_eq!(Arena::new(1 << 20)?.capacity(), 1 << 20);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn capacity(&self) -> usize {
        let heap = self.heap();
        heap.limit(self.directory_word(offset_of!(Directory, capacity))).saturating_sub(heap.start())
    }

    /// Returns the number of bytes that are taken, including the space of removed values that is not reused yet.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.alloc(1_u64)?;
    /// let used = arena.used();
    /// arena.alloc(2_u64)?;
    /// assert_eq!(arena.used() - used, 128);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn used(&self) -> usize {
        usize_of(self.directory_word(offset_of!(Directory, cursor))).saturating_sub(self.heap().start())
    }

    /// Counts the values, and the bytes that they take, that can be reused, and that are reserved.
    ///
    /// This looks at every block, so it takes time in proportion to the number of values. Values that are added or removed
    /// meanwhile may be counted or not.
    ///
    /// ```
    /// use shared_value::{Arena, Filled};
    ///
    /// let arena = Arena::new(1 << 20)?;
    /// arena.insert("prices", Filled(0.5, 100))?;
    /// arena.insert("count", 100_u64)?;
    /// arena.remove("count")?;
    /// let stats = arena.stats();
    /// assert_eq!((stats.live, stats.removed), (1, 0));
    /// assert!(stats.reusable_bytes >= 128, "no handle of the removed value is open");
    /// assert!(stats.live_bytes > 2 * 800, "a value has two slots");
    /// let sum = stats.live_bytes + stats.removed_bytes + stats.reusable_bytes + stats.overhead_bytes;
    /// assert!(sum <= arena.used() && arena.used() <= stats.reserved_bytes);
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn stats(&self) -> ArenaStats {
        let (_, directory) = self.directory_versioned();
        ArenaStats::count(self.heap(), usize_of(directory.cursor), usize_of(directory.allocated))
    }

    /// Returns the name or path of the segment, `(anonymous)` if it has none.
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// assert_eq!(Arena::new(1 << 20)?.segment_name(), "(anonymous)");
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn segment_name(&self) -> &str {
        self.directory.name()
    }

    /// Unlinks the name or the file of the arena, as [`Synchronized::unlink`](crate::Synchronized::unlink) does.
    ///
    /// # Errors
    /// The errors of [`Synchronized::unlink`](crate::Synchronized::unlink).
    ///
    /// ```
    /// use shared_value::Arena;
    ///
    /// # let name = format!("shared-value-doc-arena-unlink-{}", std::process::id());
    /// let arena = Arena::create(&name, 1 << 20)?;
    /// arena.unlink()?;
    /// assert!(Arena::open(&name).is_err());
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn unlink(&self) -> Result<(), Error> {
        self.directory.segment().unlink()
    }

    /// Finds the block of a key or an id.
    #[inline(always)]
    pub(super) fn find(&self, sought: Sought<'_>) -> Option<Trailer> {
        match sought {
            Sought::Key(key) => self.find_once(key).or_else(|| self.find_again(key)),
            Sought::Id(id) => heap::find_at(self.heap(), id),
        }
    }

    #[inline(always)]
    fn find_once(&self, key: &str) -> Option<Trailer> {
        heap::find(self.heap(), self.directory_word(offset_of!(Directory, table)), key)
    }

    /// Repeats the search for a key until no change is made during it: a value that replaces another may lie in a bucket
    /// that the search had already passed, or in a new table.
    ///
    /// Each repetition means that some thread has added or removed a value meanwhile, which takes longer than a search. A peer
    /// that counts changes without making them can prolong it, but not for long: beside one that stored the count all the
    /// time, 600,000 searches took at most 4 ms each.
    #[cold]
    fn find_again(&self, key: &str) -> Option<Trailer> {
        let turn = || self.heap().decision().map(heap::Decision::turn);
        loop {
            let before = turn();
            // The change that was counted last may be committed during the first search, so that the search misses both the
            // old value and the new one. Any other change is counted before it is committed, so the second search then finds
            // the new value.
            let found = self.find_once(key).or_else(|| self.find_once(key));
            if found.is_some() || turn() == before {
                return found;
            }
        }
    }

    /// Opens the value in a block; `None` if it was removed since the block was found.
    #[inline(always)]
    pub(super) fn cell_of<C: Recognized + ?Sized>(
        &self,
        block: &Trailer,
        sought: Sought<'_>,
    ) -> Result<Option<Cell<C>>, Error> {
        self.end_pin();
        cell_of(self.segment(), block, || self.name_of(sought))
    }

    /// Shows the claims of a forked child, if that was not done.
    #[inline(always)]
    pub(super) fn end_pin(&self) {
        if self.segment().is_pinned() {
            self.segment().unpin();
        }
    }

    /// Returns whether the cell of a value lies in this arena.
    pub(super) fn has<C: Shared + ?Sized>(&self, cell: &Cell<C>) -> bool {
        cell.segment().identity() == self.segment().identity() && cell.number() != 0
    }

    /// Returns the name of the value with a key or an id, for errors.
    #[cold]
    pub(super) fn name_of(&self, sought: Sought<'_>) -> String {
        format!("{sought} in {}", self.segment_name())
    }

    #[inline(always)]
    pub(super) fn segment(&self) -> &Arc<Segment> {
        self.directory.shared_segment()
    }

    #[inline(always)]
    pub(super) fn heap(&self) -> Heap<'_> {
        Heap::of(self.segment())
    }

    /// Returns the offset of the newest record of transactions.
    pub(super) fn newest_record(&self) -> u64 {
        self.directory_word(offset_of!(Directory, records))
    }

    /// Returns a word of the directory.
    #[inline]
    pub(super) fn directory_word(&self, offset: usize) -> u64 {
        // All bits of an integer are valid.
        A::field(&self.directory, offset).check_in::<Directory>(offset).unwrap_or_default()
    }

    /// Returns the directory, with the number of its version.
    fn directory_versioned(&self) -> (u64, Directory) {
        let (version, copied) = read::versioned(&self.directory, |slot| copy::load::<Directory>(slot, 0));
        (version, copied.check().unwrap_or(Directory::EMPTY))
    }

    /// Returns the blocks of all values, the newest first.
    pub(super) fn present_blocks(&self) -> impl Iterator<Item = Trailer> {
        self.end_pin();
        let (heap, (_, directory)) = (self.heap(), self.directory_versioned());
        heap.blocks(usize_of(directory.cursor)).filter(move |block| block.type_entry != 0 && heap.is_present(block))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A process may be overtaken by a removal between the moments in which it finds a value and claims it. Without a second look
    /// at the block, its handle would lead to the value that takes the space next.
    #[test]
    fn a_value_that_was_removed_since_it_was_found_is_not_opened() {
        let arena = Arena::new(1 << 20).unwrap();
        let sought = Sought::Key("key");
        let opens = |found: &Trailer| arena.cell_of::<u64>(found, sought).unwrap().is_some();
        drop(arena.insert("key", 1_u64).unwrap());
        let found = arena.find(sought).unwrap();
        assert!(opens(&found));
        assert!(arena.remove("key").unwrap());
        assert!(!opens(&found), "the space is free");

        let other = arena.insert("other", 2_u64).unwrap();
        assert_eq!(arena.find(Sought::Key("other")).unwrap().at, found.at, "the space is used again");
        assert!(!opens(&found));
        let found = arena.find(Sought::Key("other")).unwrap();
        assert!(arena.remove("other").unwrap());
        assert!(!opens(&found), "the value is removed, although a handle is open");
        assert_eq!((other.get(), arena.stats().removed), (2, 1));

        // The attempts above have taken back their claims.
        drop(other);
        drop(arena.insert("last", 3_u64).unwrap());
        assert!(arena.remove("last").unwrap());
        assert_eq!(arena.stats().removed, 0);
    }
}
