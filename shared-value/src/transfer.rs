//! Moves runs of whole words between shared memory and private memory.
//!
//! What is meant is a relaxed atomic access for each word, and where nothing better is known, that is what is done. But
//! compilers do not merge atomic accesses. So on x86-64, some are written as assembly:
//!
//! - Two words are loaded by one `movaps`, from a multiple of 16. Processors with AVX carry that out as a whole (Intel, *Software
//!   Developer's Manual*, volume 3, "Guaranteed Atomic Operations"; AMD, *Architecture Programmer's Manual*, volume 2, "Access
//!   Atomicity"): as two loads that nothing came between. Older ones may load one word after the other.
//! - Many words are moved by one `rep movsq`, which is defined as moves of one word after the other. Its stores may be seen in
//!   any order among themselves, as relaxed ones may, but before any later store; nothing is said of its loads, so they come
//!   before later loads like all others (Intel, the same, "Fast-String Operation and Out-of-Order Stores").
//!
//! The compiler takes either for a call of a function that it cannot look into, and which accesses the memory that it is said
//! to. So it moves neither across the fences and atomics that go with it.
//!
//! Few words are stored one by one: vectors would have to be put together first where a value has just been computed.
#![allow(unsafe_code)]

use crate::primitive::{AtomicU64, Ordering::Relaxed};

/// The bytes of a word.
const WORD: usize = size_of::<u64>();

/// Copies words to private memory.
///
/// # Safety
/// `to` leads to as many bytes as the words have, which may be written, and which nothing else refers to. It need not be
/// aligned.
#[inline(always)]
pub(crate) unsafe fn load(words: &[AtomicU64], to: *mut u8) {
    // SAFETY: promised by the caller.
    let done = unsafe { assembly::load(words, to) };
    for (number, word) in words.iter().enumerate().skip(done) {
        // SAFETY: `to` leads to as many words as there are.
        let to = unsafe { to.add(number * WORD) };
        // SAFETY: as above; it need not be aligned.
        unsafe { to.cast::<u64>().write_unaligned(word.load(Relaxed)) };
    }
}

/// Copies private memory to words.
///
/// # Safety
/// `from` leads to as many initialized bytes as the words have. It need not be aligned.
#[inline(always)]
pub(crate) unsafe fn store(words: &[AtomicU64], from: *const u8) {
    // SAFETY: promised by the caller.
    let done = unsafe { assembly::store(words, from) };
    for (number, word) in words.iter().enumerate().skip(done) {
        // SAFETY: `from` leads to as many words as there are.
        let from = unsafe { from.add(number * WORD) };
        // SAFETY: as above; it need not be aligned.
        word.store(unsafe { from.cast::<u64>().read_unaligned() }, Relaxed);
    }
}

/// The first words, and how many that are.
#[cfg(all(target_arch = "x86_64", not(any(miri, shared_value_word_by_word))))]
mod assembly {
    use core::arch::asm;
    use core::arch::x86_64::__m128i;

    use super::{AtomicU64, WORD};

    /// From so many words on, one instruction for all of them is faster than one for each, or for two (measured).
    const MANY: usize = 128;

    /// The words of a vector.
    const PAIR: usize = size_of::<__m128i>() / WORD;

    /// # Safety
    /// As for the function of the same name above.
    #[inline(always)]
    pub(super) unsafe fn load(words: &[AtomicU64], to: *mut u8) -> usize {
        if words.len() >= MANY {
            // SAFETY: promised by the caller; the words may be read.
            unsafe { move_words(words.as_ptr().cast(), to, words.len()) };
            return words.len();
        }
        let mut done = 0;
        if words.as_ptr().addr().is_multiple_of(align_of::<__m128i>()) {
            for four in words.chunks_exact(4 * PAIR) {
                // SAFETY: so many words lie there, at a multiple of 16.
                let vectors = unsafe { load_four(four.as_ptr()) };
                // SAFETY: `to` leads to as many words as there are.
                let to = unsafe { to.add(done * WORD) };
                // SAFETY: as above; it need not be aligned.
                unsafe { to.cast::<[__m128i; 4]>().write_unaligned(vectors) };
                done += four.len();
            }
            for pair in words[done..].chunks_exact(PAIR) {
                // SAFETY: so many words lie there, at a multiple of 16.
                let vector = unsafe { load_one(pair.as_ptr()) };
                // SAFETY: `to` leads to as many words as there are.
                let to = unsafe { to.add(done * WORD) };
                // SAFETY: as above; it need not be aligned.
                unsafe { to.cast::<__m128i>().write_unaligned(vector) };
                done += pair.len();
            }
        }
        done
    }

    /// # Safety
    /// As for the function of the same name above.
    #[inline(always)]
    pub(super) unsafe fn store(words: &[AtomicU64], from: *const u8) -> usize {
        if words.len() < MANY {
            return 0;
        }
        // SAFETY: promised by the caller; the words may be written by way of a shared reference, because they are atomics.
        unsafe { move_words(from, words.as_ptr().cast_mut().cast(), words.len()) };
        words.len()
    }

    /// # Safety
    /// Eight words can be read there, which is a multiple of 16.
    #[inline(always)]
    unsafe fn load_four(from: *const AtomicU64) -> [__m128i; 4] {
        let (first, second, third, fourth);
        // SAFETY: promised by the caller. Vectors of 16 bytes belong to x86-64.
        unsafe {
            asm!(
                "movaps {first}, [{from}]",
                "movaps {second}, [{from} + 16]",
                "movaps {third}, [{from} + 32]",
                "movaps {fourth}, [{from} + 48]",
                from = in(reg) from,
                first = out(xmm_reg) first,
                second = out(xmm_reg) second,
                third = out(xmm_reg) third,
                fourth = out(xmm_reg) fourth,
                options(readonly, nostack, preserves_flags),
            );
        }
        [first, second, third, fourth]
    }

    /// # Safety
    /// Two words can be read there, which is a multiple of 16.
    #[inline(always)]
    unsafe fn load_one(from: *const AtomicU64) -> __m128i {
        let vector;
        // SAFETY: as above.
        unsafe {
            asm!(
                "movaps {vector}, [{from}]",
                from = in(reg) from,
                vector = out(xmm_reg) vector,
                options(readonly, nostack, preserves_flags),
            );
        }
        vector
    }

    /// # Safety
    /// So many words can be read and written there, apart from each other.
    #[inline(always)]
    unsafe fn move_words(from: *const u8, to: *mut u8, words: usize) {
        // SAFETY: promised by the caller. The direction flag is clear wherever assembly begins.
        unsafe {
            asm!(
                "rep movsq",
                inout("rsi") from => _,
                inout("rdi") to => _,
                inout("rcx") words => _,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// None.
#[cfg(not(all(target_arch = "x86_64", not(any(miri, shared_value_word_by_word)))))]
mod assembly {
    use super::AtomicU64;

    pub(super) unsafe fn load(_: &[AtomicU64], _: *mut u8) -> usize {
        0
    }

    pub(super) unsafe fn store(_: &[AtomicU64], _: *const u8) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few words and many, at multiples of 16 and not, to memory that is not aligned: they arrive, and nothing else changes.
    #[test]
    fn every_number_of_words_is_moved_and_nothing_else() {
        for length in (0..40).chain(120..140).chain([1000]) {
            for start in 0..3 {
                for private in 0..9 {
                    check(length, start, private);
                }
            }
        }
    }

    fn check(length: usize, start: usize, private: usize) {
        const AROUND: u8 = 0xee;
        let words: Vec<_> = (0..).map(AtomicU64::new).take(start + length + 1).collect();
        let moved = &words[start..start + length];
        let mut bytes = vec![AROUND; private + length * WORD + 1];

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
