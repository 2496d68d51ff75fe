//! Copies several words at a time, on x86-64.
//!
//! **Pairs of words** are loaded by `movaps`, from a multiple of 16. Processors with AVX execute it as one access (Intel,
//! *Software Developer's Manual*, volume 3, "Guaranteed Atomic Operations"; AMD, *Architecture Programmer's Manual*, volume
//! 2, "Access Atomicity"): it has the effect of two loads of words with nothing in between. Older processors are assumed to
//! split the access between the words, if at all. If one splits a word, the check of the version detects that; values
//! without versions have no such check.
//!
//! **Many words** are moved by `rep movsq`, which moves one word after the other by its definition. Each word is moved as a
//! whole, because the shared ones are aligned. Other threads may see the stores of one such instruction in any order, as
//! they may see relaxed stores, but after every earlier store and before every later one ("String operations are not
//! reordered with other store operations": Intel, in the same volume, "Memory-Ordering Model for String Operations on
//! Write-Back (WB) Memory"; AMD makes no exception for string operations). Its loads stay in order with other loads, as all
//! loads do.
//!
//! So both do only what a loop of relaxed accesses may do. On x86-64, acquire and release need no instructions: they are
//! only an order that the compiler must keep. It keeps that order around assembly, because it treats assembly as a call of
//! an unknown function, which may access these words and synchronize with other threads. (The option `readonly` would say
//! that it does not.)
//!
//! **Few words are stored one by one.** A vector would first have to be assembled from values that were just computed, or
//! loaded after their stores have left the processor: a commit of 64 bytes took 7.5 ns instead of 5.7.

use core::arch::asm;
use core::arch::x86_64::__m128i;

use super::{WORD, load_each, store_each};
use crate::protocol::atomics::AtomicU64;

/// Copies of this many words or more load pairs. Fewer words may stay in registers, if code uses them one by one. A copy of
/// 64 bytes by pairs takes 1.55 ns instead of 2.4; but it takes 4.8 ns instead of 3.2 if code then uses the words, and 11 ns
/// instead of 7 after a write of one of them by the same thread (measured on AMD Zen 4).
const SEVERAL: usize = 9;

/// From this number of words on, a single instruction moves them faster than loads or stores of one or two words (measured
/// on AMD Zen 4).
const MANY: usize = 128;

/// The number of words of a vector.
const PAIR: usize = size_of::<__m128i>() / WORD;

/// The form of `movaps` that matches the compiler's vector instructions: some processors are slow if both forms are mixed.
#[cfg(target_feature = "avx")]
macro_rules! movaps {
    () => {
        "vmovaps"
    };
}
#[cfg(not(target_feature = "avx"))]
macro_rules! movaps {
    () => {
        "movaps"
    };
}

/// Copies words to private memory.
///
/// # Safety
/// `to` points to as many bytes as the words have. The bytes may be written, and no reference to them exists. `to` need not
/// be aligned.
#[inline(always)]
pub(crate) unsafe fn load(words: &[AtomicU64], to: *mut u8) {
    let from = words.as_ptr().cast();
    if words.len() >= MANY && are_moved_fast(from, to) {
        // SAFETY: `from` points to `words`, which are aligned. The caller promises that `to` points to the same number of
        // bytes, which may be written.
        return unsafe { move_words(from, to, words.len()) };
    }
    if words.len() >= SEVERAL && from.addr().is_multiple_of(align_of::<__m128i>()) {
        // SAFETY: the words start at a multiple of 16, as just checked. The caller promises that `to` points to as many
        // bytes as the words have, which may be written.
        unsafe { load_pairs(words, to) };
    } else {
        // SAFETY: the caller promises that `to` points to as many bytes as the words have, which may be written.
        unsafe { load_each(words, to) };
    }
}

/// Copies private memory to words.
///
/// # Safety
/// `from` points to as many initialized bytes as the words have. It need not be aligned.
#[inline(always)]
pub(crate) unsafe fn store(words: &[AtomicU64], from: *const u8) {
    let to = words.as_ptr().cast_mut().cast();
    if words.len() >= MANY && are_moved_fast(from, to) {
        // SAFETY: `to` points to `words`, which are aligned, and which may be written through a shared reference, because
        // they are atomics. The caller promises that `from` points to the same number of initialized bytes.
        return unsafe { move_words(from, to, words.len()) };
    }
    // SAFETY: the caller promises that `from` points to as many initialized bytes as the words have.
    unsafe { store_each(words, from) };
}

/// Returns whether `rep movsq` is fast. If the target lies less than 32 bytes after the source, judged by the last 12 bits
/// of their addresses, it takes four times as long (measured on AMD Zen 4).
#[inline(always)]
fn are_moved_fast(from: *const u8, to: *mut u8) -> bool {
    !(1..32).contains(&(to.addr().wrapping_sub(from.addr()) % 4096))
}

/// Copies words to private memory, in pairs.
///
/// # Safety
/// - The words start at a multiple of 16.
/// - `to` points to as many bytes as the words have. The bytes may be written, and no reference to them exists. `to` need
///   not be aligned.
#[inline(always)]
unsafe fn load_pairs(words: &[AtomicU64], mut to: *mut u8) {
    let fours = words.chunks_exact(4 * PAIR);
    let pairs = fours.remainder().chunks_exact(PAIR);
    let last = pairs.remainder();
    for four in fours {
        // SAFETY: `four` has eight words. It starts at a multiple of 16, because the words do, and it lies a multiple of 64
        // bytes after their start.
        let vectors = unsafe { load_four(four.as_ptr()) };
        // SAFETY: the caller has room for all the words; `to` has advanced by the words before `four`. The write needs no
        // alignment.
        unsafe { to.cast::<[__m128i; 4]>().write_unaligned(vectors) };
        // SAFETY: the caller has room for all the words, so the end of `four` lies in that room or at its end.
        to = unsafe { to.add(size_of_val(four)) };
    }
    for pair in pairs {
        // SAFETY: `pair` has two words. It starts at a multiple of 16, because the words do, and it lies a multiple of 16
        // bytes after their start.
        let vector = unsafe { load_pair(pair.as_ptr()) };
        // SAFETY: the caller has room for all the words; `to` has advanced by the words before `pair`. The write needs no
        // alignment.
        unsafe { to.cast::<__m128i>().write_unaligned(vector) };
        // SAFETY: the caller has room for all the words, so the end of `pair` lies in that room or at its end.
        to = unsafe { to.add(size_of_val(pair)) };
    }
    // SAFETY: the caller has room for all the words; `to` has advanced by the words before `last`.
    unsafe { load_each(last, to) };
}

/// Loads eight words.
///
/// # Safety
/// `from` is a multiple of 16, and points to eight words.
#[inline(always)]
unsafe fn load_four(from: *const AtomicU64) -> [__m128i; 4] {
    let (first, second, third, fourth);
    // SAFETY: the caller promises eight words from a multiple of 16 on, which the instructions load. Every x86-64 processor
    // has `movaps`; `vmovaps` is used only if the target has AVX. The instructions use no stack, and leave the flags.
    unsafe {
        asm!(
            concat!(movaps!(), " {first}, [{from}]"),
            concat!(movaps!(), " {second}, [{from} + 16]"),
            concat!(movaps!(), " {third}, [{from} + 32]"),
            concat!(movaps!(), " {fourth}, [{from} + 48]"),
            from = in(reg) from,
            first = out(xmm_reg) first,
            second = out(xmm_reg) second,
            third = out(xmm_reg) third,
            fourth = out(xmm_reg) fourth,
            options(nostack, preserves_flags),
        );
    }
    [first, second, third, fourth]
}

/// Loads two words.
///
/// # Safety
/// `from` is a multiple of 16, and points to two words.
#[inline(always)]
unsafe fn load_pair(from: *const AtomicU64) -> __m128i {
    let vector;
    // SAFETY: the caller promises two words from a multiple of 16 on, which the instruction loads. Every x86-64 processor
    // has `movaps`; `vmovaps` is used only if the target has AVX. The instruction uses no stack, and leaves the flags.
    unsafe {
        asm!(
            concat!(movaps!(), " {vector}, [{from}]"),
            from = in(reg) from,
            vector = out(xmm_reg) vector,
            options(nostack, preserves_flags),
        );
    }
    vector
}

/// Moves words by `rep movsq`.
///
/// # Safety
/// - `words` words can be read from `from` on, and written from `to` on.
/// - Whichever of `from` and `to` lies in shared memory is aligned for words.
#[inline(always)]
unsafe fn move_words(from: *const u8, to: *mut u8, words: usize) {
    // SAFETY: the caller promises that the words can be read and written. The direction flag is clear whenever assembly
    // begins, so the words are moved upwards. The instruction uses no stack, and leaves the flags.
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
