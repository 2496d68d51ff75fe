//! Moves runs of whole words between shared memory and private memory.
//!
//! What is meant is a relaxed atomic access for each word. Compilers do not merge those, so where that is known to be right, they
//! are written as assembly that moves several words at a time.
#![allow(unsafe_code)]

use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};

#[cfg(all(target_arch = "x86_64", not(any(miri, shared_value_word_by_word))))]
mod x86_64;
#[cfg(all(target_arch = "x86_64", not(any(miri, shared_value_word_by_word))))]
pub(crate) use x86_64::{load, store};
#[cfg(not(all(target_arch = "x86_64", not(any(miri, shared_value_word_by_word)))))]
pub(crate) use {load_each as load, store_each as store};

/// The bytes of a word.
pub(crate) const WORD: usize = size_of::<u64>();

/// Copies words to private memory, one by one.
///
/// # Safety
/// `to` leads to as many bytes as the words have, which may be written, and which nothing else refers to. It need not be
/// aligned.
#[inline(always)]
pub(crate) unsafe fn load_each(words: &[AtomicU64], to: *mut u8) {
    for (number, word) in words.iter().enumerate() {
        // SAFETY: `to` leads to as many words as there are.
        let to = unsafe { to.add(number * WORD) };
        // SAFETY: as above; it need not be aligned.
        unsafe { to.cast::<u64>().write_unaligned(word.load(Relaxed)) };
    }
}

/// Copies private memory to words, one by one.
///
/// # Safety
/// `from` leads to as many initialized bytes as the words have. It need not be aligned.
#[inline(always)]
pub(crate) unsafe fn store_each(words: &[AtomicU64], from: *const u8) {
    for (number, word) in words.iter().enumerate() {
        // SAFETY: `from` leads to as many words as there are.
        let from = unsafe { from.add(number * WORD) };
        // SAFETY: as above; it need not be aligned.
        word.store(unsafe { from.cast::<u64>().read_unaligned() }, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few words and many, at multiples of 16 and not, to and from memory that is not aligned: they arrive, and nothing else
    /// changes.
    #[test]
    fn every_number_of_words_is_moved_and_nothing_else() {
        for length in (0..40).chain(120..140).chain([1000]) {
            for start in 0..3 {
                for private in 0..9 {
                    check(length, start, |_, _| private);
                }
            }
        }
    }

    /// The same at all distances for which another way is taken, and beside them.
    #[test]
    fn words_are_moved_whatever_the_distance() {
        for distance in (0..40).chain(4056..4096) {
            for length in [16, 127, 128, 129, 600] {
                check(length, 0, |words, bytes| (words + distance - bytes % 4096) % 4096);
            }
        }
    }

    /// `place` says from which byte on, of the addresses of the words and of the bytes.
    fn check(length: usize, start: usize, place: impl FnOnce(usize, usize) -> usize) {
        const AROUND: u8 = 0xee;
        let words: Vec<_> = (0..).map(AtomicU64::new).take(start + length + 1).collect();
        let moved = &words[start..start + length];
        let mut bytes = vec![AROUND; 4096 + length * WORD + 1];
        let private = place(moved.as_ptr().addr(), bytes.as_ptr().addr());

        // SAFETY: `bytes` has so many from there on, and one more.
        let to = unsafe { bytes.as_mut_ptr().add(private) };
        // SAFETY: as above.
        unsafe { load(moved, to) };
        let expected: Vec<u8> = (start as u64..).take(length).flat_map(u64::to_ne_bytes).collect();
        let (before, loaded) = bytes.split_at(private);
        assert_eq!((&loaded[..length * WORD], loaded[length * WORD]), (&expected[..], AROUND), "{length} from {start}");
        assert!(before.iter().all(|byte| *byte == AROUND));

        for byte in &mut bytes {
            *byte ^= 0xff;
        }
        // SAFETY: `bytes` has so many from there on, and one more.
        let from = unsafe { bytes.as_ptr().add(private) };
        // SAFETY: as above; all of them are initialized.
        unsafe { store(moved, from) };
        for (number, word) in words.iter().enumerate() {
            let is_moved = (start..start + length).contains(&number);
            let expected = if is_moved { !(number as u64) } else { number as u64 };
            assert_eq!(word.load(Relaxed), expected, "word {number} of {length} from {start}");
        }
    }
}
