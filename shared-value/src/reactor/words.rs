//! `Words`: the event words that the reactor sleeps on.

use crate::sys::futex::MOST_WORDS;

/// A word to sleep on, and what it was when the tasks looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) address: usize,
    pub(super) expected: u64,
}

/// One word less than the kernel takes: the reactor has one of its own.
pub(super) const MOST: usize = MOST_WORDS - 1;

/// At least twice as many places as words, so that a search soon finds a free one.
const PLACES: usize = 256;

/// What no waiter expects: an announced word has the waiting bit. A sleep on such a word ends at once.
const FORGOTTEN: u64 = 0;

/// Different words, in a hash table that needs no memory of its own.
#[derive(Debug)]
pub(super) struct Words {
    /// Address 0: free.
    places: [Word; PLACES],
    count: usize,
}

/// How a word was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    Taken,
    /// There is no room.
    Full,
    /// The word is there, but has changed since, or was forgotten.
    Changed,
}

impl Words {
    pub(super) const fn new() -> Self {
        Self { places: [Word { address: 0, expected: 0 }; PLACES], count: 0 }
    }

    pub(super) fn clear(&mut self) {
        if self.count > 0 {
            *self = Self::new();
        }
    }

    /// Adds a word, unless it is there.
    pub(super) fn add(&mut self, word: Word) -> Took {
        let place = self.find(word.address);
        if self.places[place].address == word.address {
            return if self.places[place] == word { Took::Taken } else { Took::Changed };
        }
        if self.count == MOST {
            return Took::Full;
        }
        self.places[place] = word;
        self.count += 1;
        Took::Taken
    }

    /// Returns whether the word is there, and was this one when the tasks looked.
    pub(super) fn contains(&self, word: Word) -> bool {
        self.places[self.find(word.address)] == word
    }

    /// Makes the word at an address one that `contains` does not find: the next value at this address is another one for the kernel.
    /// The place stays taken, because a search ends at a free one.
    pub(super) fn forget(&mut self, address: usize) {
        let place = self.find(address);
        if self.places[place].address == address {
            self.places[place].expected = FORGOTTEN;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.count == MOST
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Word> {
        self.places.iter().copied().filter(|word| word.address != 0)
    }

    /// Returns the place of the word at an address, or the free place for it.
    fn find(&self, address: usize) -> usize {
        // Event words lie at multiples of 64, plus 56. The factor spreads the others bits.
        let start = (address / 64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - PLACES.ilog2());
        let places = (start..PLACES).chain(0..start);
        let found = places.into_iter().find(|place| {
            let there = self.places[*place].address;
            there == 0 || there == address
        });
        found.expect("at least half of the places are free")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If a word were lost, or taken for another one, the reactor would not be woken by it.
    #[test]
    fn a_word_is_found_while_there_is_room() {
        let mut words = Words::new();
        let word = |number: usize| Word { address: 0x7f00_0000_0038 + 4096 * number, expected: number as u64 * 2 + 1 };
        for number in 0..MOST {
            assert!(!words.contains(word(number)));
            assert_eq!(words.add(word(number)), Took::Taken);
            assert_eq!(words.add(word(number)), Took::Taken, "it is there");
        }
        assert!(words.is_full());
        assert_eq!(words.add(word(MOST)), Took::Full);
        assert!((0..MOST).all(|number| words.contains(word(number))) && !words.contains(word(MOST)));
        assert_eq!(words.add(Word { expected: 9, ..word(3) }), Took::Changed);
        assert_eq!(words.iter().count(), MOST);
        words.forget(word(3).address);
        assert!(!words.contains(word(3)), "it is another value's by now");
        assert_eq!(words.add(word(3)), Took::Changed, "the reactor looks again");
        assert!((0..MOST).all(|number| number == 3 || words.contains(word(number))), "the others are found");
        words.forget(word(MOST).address);
        assert_eq!(words.iter().count(), MOST);
        words.clear();
        assert!(!words.contains(word(0)) && words.iter().next().is_none());
    }
}
