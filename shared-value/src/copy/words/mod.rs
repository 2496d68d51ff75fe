//! Copies runs of whole words between shared memory and private memory.
//!
//! A copy means one relaxed atomic access for each word. Compilers do not merge such accesses. So assembly moves several
//! words at a time if that is known to have the same effect.
#![allow(unsafe_code)]

use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};

#[cfg(all(target_arch = "x86_64", not(any(miri, shared_value_word_by_word))))]
mod x86_64;
#[cfg(all(target_arch = "x86_64", not(any(miri, shared_value_word_by_word))))]
pub(crate) use x86_64::{load, store};
#[cfg(not(all(target_arch = "x86_64", not(any(miri, shared_value_word_by_word)))))]
pub(crate) use {load_each as load, store_each as store};

/// The number of bytes of a word.
pub(crate) const WORD: usize = size_of::<u64>();

/// Copies words to private memory, one by one.
///
/// # Safety
/// `to` points to as many bytes as the words have. The bytes may be written, and no reference to them exists. `to` need not
/// be aligned.
#[inline(always)]
pub(crate) unsafe fn load_each(words: &[AtomicU64], to: *mut u8) {
    for (number, word) in words.iter().enumerate() {
        // SAFETY: the caller promises room for `words.len()` words at `to`, and `number` is less than that.
        let to = unsafe { to.add(number * WORD) };
        // SAFETY: the caller promises room for `words.len()` words at the original `to`, and this word is one of them. This
        // write needs no alignment.
        unsafe { to.cast::<u64>().write_unaligned(word.load(Relaxed)) };
    }
}

/// Copies private memory to words, one by one.
///
/// # Safety
/// `from` points to as many initialized bytes as the words have. It need not be aligned.
#[inline(always)]
pub(crate) unsafe fn store_each(words: &[AtomicU64], from: *const u8) {
    for (number, word) in words.iter().enumerate() {
        // SAFETY: the caller promises `words.len()` initialized words at `from`, and `number` is less than that.
        let from = unsafe { from.add(number * WORD) };
        // SAFETY: the caller promises `words.len()` initialized words at the original `from`, and this word is one of them.
        // This read needs no alignment.
        word.store(unsafe { from.cast::<u64>().read_unaligned() }, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few words and many, at multiples of 16 and elsewhere, to and from unaligned memory, are copied exactly, and nothing
    /// else changes.
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

    /// Covers all distances from the source to the target that take the slower way, and some others.
    #[test]
    fn words_are_moved_whatever_the_distance() {
        for distance in (0..40).chain(4056..4096) {
            for length in [16, 127, 128, 129, 600] {
                check(length, 0, |words, bytes| (words + distance - bytes % 4096) % 4096);
            }
        }
    }

    /// Copies `length` words from number `start` on to private memory, and back. `place` gets the addresses of the words and
    /// of the private memory, and returns the offset in the private memory to copy to.
    fn check(length: usize, start: usize, place: impl FnOnce(usize, usize) -> usize) {
        const AROUND: u8 = 0xee;
        let words: Vec<_> = (0..).map(AtomicU64::new).take(start + length + 1).collect();
        let moved = &words[start..start + length];
        let mut bytes = vec![AROUND; 4096 + length * WORD + 1];
        let private = place(moved.as_ptr().addr(), bytes.as_ptr().addr());

        // SAFETY: `bytes` has 4097 bytes more than the moved words, and `private` is less than 4096.
        let to = unsafe { bytes.as_mut_ptr().add(private) };
        // SAFETY: `bytes` has room for the moved words from `to` on, and nothing else uses it during the call.
        unsafe { load(moved, to) };
        let expected: Vec<u8> = (start as u64..).take(length).flat_map(u64::to_ne_bytes).collect();
        let (before, loaded) = bytes.split_at(private);
        assert_eq!((&loaded[..length * WORD], loaded[length * WORD]), (&expected[..], AROUND), "{length} from {start}");
        assert!(before.iter().all(|byte| *byte == AROUND));

        for byte in &mut bytes {
            *byte ^= 0xff;
        }
        // SAFETY: `bytes` has 4097 bytes more than the moved words, and `private` is less than 4096.
        let from = unsafe { bytes.as_ptr().add(private) };
        // SAFETY: `bytes` has at least as many initialized bytes after `from` as the moved words have.
        unsafe { store(moved, from) };
        for (number, word) in words.iter().enumerate() {
            let is_moved = (start..start + length).contains(&number);
            let expected = if is_moved { !(number as u64) } else { number as u64 };
            assert_eq!(word.load(Relaxed), expected, "word {number} of {length} from {start}");
        }
    }
}
