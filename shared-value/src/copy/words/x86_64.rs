//! Several words at a time, on x86-64.
//!
//! **Pairs** are loaded by `movaps`, from a multiple of 16. Processors with AVX carry that out as one access (Intel, *Software
//! Developer's Manual*, volume 3, "Guaranteed Atomic Operations"; AMD, *Architecture Programmer's Manual*, volume 2, "Access
//! Atomicity"): as two loads of words that nothing came between. Of older ones it is assumed that they split it between the
//! words, if at all; where they do not, the check of the version finds it, which values without versions do not have.
//!
//! **Many words** are moved by `rep movsq`, one after the other by its definition. Each is moved as a whole, because the shared
//! ones are aligned. The stores of one such instruction may be seen in any order, as relaxed ones may, but behind every earlier
//! store and before every later one ("String operations are not reordered with other store operations": Intel, the same,
//! "Memory-Ordering Model for String Operations on Write-Back (WB) Memory"; AMD makes no exception for them at all). Its loads
//! stay in order with other loads, as all do.
//!
//! So both do what a loop of relaxed accesses may do, and what x86-64 makes of acquire and release, which is nothing but an order
//! that the compiler has to keep, holds for them too. The compiler does keep it: it takes assembly for the call of a function
//! that it cannot look into, which may touch these words and synchronize with others. (`readonly` would say that it does not.)
//!
//! **Few words are stored one by one.** Vectors would first have to be put together from what was just computed, or wait until
//! that has left the processor: a commit of 64 bytes took 7.5 ns in place of 5.7.

use core::arch::asm;
use core::arch::x86_64::__m128i;

use super::{WORD, load_each, store_each};
use crate::protocol::atomics::AtomicU64;

/// From so many words on, pairs are faster. Fewer may stay in registers, and are wanted there one by one: a copy of 64 bytes takes
/// 1.55 ns in place of 2.4, but 4.8 in place of 3.2 if its words are looked at, and 11 in place of 7 behind a write of one of
/// them by the same thread (measured on AMD Zen 4).
const SEVERAL: usize = 9;

/// From so many words on, one instruction for all of them is faster than one for each or for two (measured on AMD Zen 4).
const MANY: usize = 128;

/// The words of a vector.
const PAIR: usize = size_of::<__m128i>() / WORD;

/// The form of `movaps` that goes with the others: to mix both forms is slow on some processors.
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
/// As for `load_each`.
#[inline(always)]
pub(crate) unsafe fn load(words: &[AtomicU64], to: *mut u8) {
    let from = words.as_ptr().cast();
    if words.len() >= MANY && are_moved_fast(from, to) {
        // SAFETY: promised by the caller.
        return unsafe { move_words(from, to, words.len()) };
    }
    if words.len() >= SEVERAL && from.addr().is_multiple_of(align_of::<__m128i>()) {
        // SAFETY: promised by the caller; the words start at a multiple of 16.
        unsafe { load_pairs(words, to) };
    } else {
        // SAFETY: promised by the caller.
        unsafe { load_each(words, to) };
    }
}

/// Copies private memory to words.
///
/// # Safety
/// As for `store_each`.
#[inline(always)]
pub(crate) unsafe fn store(words: &[AtomicU64], from: *const u8) {
    let to = words.as_ptr().cast_mut().cast();
    if words.len() >= MANY && are_moved_fast(from, to) {
        // SAFETY: promised by the caller. Atomics may be written by way of a shared reference.
        return unsafe { move_words(from, to, words.len()) };
    }
    // SAFETY: promised by the caller.
    unsafe { store_each(words, from) };
}

/// Whether the words can be moved in large parts. If the target lies less than 32 bytes behind the source, as far as the last 12
/// bits of their addresses tell, it takes four times as long (measured on AMD Zen 4).
#[inline(always)]
fn are_moved_fast(from: *const u8, to: *mut u8) -> bool {
    !(1..32).contains(&(to.addr().wrapping_sub(from.addr()) % 4096))
}

/// # Safety
/// As for `load_each`, and the words start at a multiple of 16.
#[inline(always)]
unsafe fn load_pairs(words: &[AtomicU64], mut to: *mut u8) {
    let fours = words.chunks_exact(4 * PAIR);
    let pairs = fours.remainder().chunks_exact(PAIR);
    let last = pairs.remainder();
    for four in fours {
        // SAFETY: eight words lie there, at a multiple of 16.
        let vectors = unsafe { load_four(four.as_ptr()) };
        // SAFETY: `to` leads to as many words as there are; it need not be aligned.
        unsafe { to.cast::<[__m128i; 4]>().write_unaligned(vectors) };
        // SAFETY: as above.
        to = unsafe { to.add(size_of_val(four)) };
    }
    for pair in pairs {
        // SAFETY: two words lie there, at a multiple of 16.
        let vector = unsafe { load_pair(pair.as_ptr()) };
        // SAFETY: `to` leads to as many words as there are; it need not be aligned.
        unsafe { to.cast::<__m128i>().write_unaligned(vector) };
        // SAFETY: as above.
        to = unsafe { to.add(size_of_val(pair)) };
    }
    // SAFETY: as above, so this one is left.
    unsafe { load_each(last, to) };
}

/// # Safety
/// Eight words can be read there, which is a multiple of 16.
#[inline(always)]
unsafe fn load_four(from: *const AtomicU64) -> [__m128i; 4] {
    let (first, second, third, fourth);
    // SAFETY: promised by the caller. Vectors of 16 bytes belong to x86-64, and the other form is for processors with AVX.
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

/// # Safety
/// Two words can be read there, which is a multiple of 16.
#[inline(always)]
unsafe fn load_pair(from: *const AtomicU64) -> __m128i {
    let vector;
    // SAFETY: as in `load_four`.
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

/// # Safety
/// So many words can be read from `from` on and written from `to` on. Of the two, the place that is shared is aligned for words.
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
