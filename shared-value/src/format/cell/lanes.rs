//! `Lanes`: where the sums of counters lie.
//!
//! ```text
//!  0  owner          names the thread that owns the lane; zero: free, or shared
//!  8  one word for each counter: the sum of all additions in this lane
//! ```
//! A lane is as many whole lines long as it needs. The first three quarters of the lanes can be owned, the others are shared.

use crate::protocol::atomics::AtomicU64;
use crate::protocol::lanes;

/// The number of words of a cache line.
const LINE: usize = 8;

/// How many lanes and counters a value has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaneCounts {
    /// The number of lanes; 0 if there are no counters.
    pub(crate) lanes: usize,
    /// The number of counters in each lane.
    pub(crate) counters: usize,
}

impl LaneCounts {
    /// Returns the number of words of a lane.
    #[inline(always)]
    pub(crate) const fn stride(self) -> usize {
        (1 + self.counters).next_multiple_of(LINE)
    }

    /// Returns the number of words of all lanes.
    #[inline(always)]
    pub(crate) const fn words(self) -> usize {
        self.lanes * self.stride()
    }

    /// Returns the number of words of all lanes; `None` if no memory is that large.
    pub(crate) fn checked_words(self) -> Option<usize> {
        self.counters.checked_add(LINE)?.checked_mul(self.lanes)
    }

    /// Returns how many lanes can be owned: the first ones.
    #[inline(always)]
    pub(crate) const fn owned(self) -> usize {
        self.lanes / 4 * 3 + self.lanes % 4 * 3 / 4
    }
}

/// The words of all lanes of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes<'a> {
    words: &'a [AtomicU64],
    counts: LaneCounts,
}

/// The words of one lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane<'a> {
    words: &'a [AtomicU64],
}

impl<'a> Lanes<'a> {
    #[inline(always)]
    pub(crate) fn new(words: &'a [AtomicU64], counts: LaneCounts) -> Self {
        Self { words, counts }
    }

    #[inline(always)]
    pub(crate) fn counts(self) -> LaneCounts {
        self.counts
    }

    /// Returns where the lanes lie in the memory of this process.
    #[inline(always)]
    pub(crate) fn address(self) -> usize {
        self.words.as_ptr().addr()
    }

    /// Returns the lane that begins at this word, if the lane ends in these lanes.
    #[inline(always)]
    pub(crate) fn at(self, word: usize) -> Option<Lane<'a>> {
        let stride = self.counts.stride();
        let last = self.words.len().checked_sub(stride)?;
        (word <= last).then(|| Lane { words: &self.words[word..word + stride] })
    }

    /// Returns whether a shared lane begins at this word. A place that a thread remembers may be that of another value's lane.
    #[inline(always)]
    pub(crate) fn is_shared(self, word: usize) -> bool {
        let stride = self.counts.stride();
        word >= self.counts.owned() * stride && word.is_multiple_of(stride)
    }

    /// Returns the lane of this number.
    ///
    /// # Panics
    /// If there are fewer lanes.
    pub(crate) fn lane(self, number: usize) -> Lane<'a> {
        self.at(number * self.counts.stride()).expect("there are so many lanes")
    }

    /// Returns the sum of a counter in all lanes.
    ///
    /// # Panics
    /// If there are fewer counters.
    pub(crate) fn sum(self, counter: usize) -> u64 {
        let lanes = self.words.chunks_exact(self.counts.stride());
        lanes.map(|lane| lanes::sum(&lane[1 + counter])).fold(0, u64::wrapping_add)
    }

    /// Returns a sum that is in no lane which can be owned: the place for what no thread has added.
    pub(crate) fn spare(self, counter: usize) -> &'a AtomicU64 {
        self.lane(self.counts.lanes - 1).sum(counter)
    }

    /// Returns the owners of the lanes that can be owned, in the order of the lanes.
    pub(crate) fn owners(self) -> impl Iterator<Item = &'a AtomicU64> {
        self.words.chunks_exact(self.counts.stride()).take(self.counts.owned()).map(|lane| &lane[0])
    }
}

impl<'a> Lane<'a> {
    /// Returns the word that names the owner.
    #[inline(always)]
    pub(crate) fn owner(self) -> &'a AtomicU64 {
        &self.words[0]
    }

    /// Returns the sum of a counter.
    ///
    /// # Panics
    /// If there are fewer counters.
    #[inline(always)]
    pub(crate) fn sum(self, counter: usize) -> &'a AtomicU64 {
        &self.words[1 + counter]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let counts = |lanes, counters| LaneCounts { lanes, counters };
        assert_eq!((counts(16, 1).stride(), counts(16, 7).stride(), counts(16, 8).stride()), (8, 8, 16));
        assert_eq!((counts(16, 1).words(), counts(16, 1).owned()), (128, 12));
        let owned: Vec<_> = (1..=9).map(|lanes| counts(lanes, 1).owned()).collect();
        assert_eq!(owned, (1..=9).map(|lanes| lanes * 3 / 4).collect::<Vec<_>>());
        assert_eq!(counts(2, usize::MAX).checked_words(), None);
    }

    /// A place that another mapping has left in a thread's memory may not lead out of the lanes.
    #[test]
    fn a_lane_ends_in_the_lanes() {
        let words: Vec<_> = (0..32).map(|_| AtomicU64::default()).collect();
        let lanes = Lanes::new(&words, LaneCounts { lanes: 4, counters: 1 });
        assert!(lanes.at(24).is_some() && lanes.at(25).is_none() && lanes.at(usize::MAX).is_none());
        assert!(Lanes::new(&[], LaneCounts::default()).at(0).is_none());
    }

    /// A place where a shared lane was may be one in the middle of a lane, or that of a lane which a thread owns.
    #[test]
    fn a_place_of_another_lane_is_not_shared() {
        let words: Vec<_> = (0..64).map(|_| AtomicU64::default()).collect();
        let lanes = Lanes::new(&words, LaneCounts { lanes: 4, counters: 8 });
        let shared: Vec<_> = (0..64).filter(|word| lanes.is_shared(*word)).collect();
        assert_eq!(shared, [48]);
    }
}
