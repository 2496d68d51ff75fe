//! Sleeping until a word of shared memory changes (`futex(2)`).
//!
//! The kernel's words are 32 bits long. Of the 64 bits of a word here, it is given the lower half.
#![allow(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::thread::futex;
use rustix::thread::futex::{Flags, Timespec};

use crate::protocol::atomics::AtomicU64;

/// Sleeps until the word is woken, at most for `timeout` by `CLOCK_MONOTONIC`, if its lower half is still that of
/// `expected`.
///
/// It may return early for no reason; the caller looks at the word again in any case.
pub(crate) fn wait(word: &AtomicU64, expected: u64, timeout: Duration) {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // Without the private flag, because the sleepers may be in several processes. Every error (the word changed, a
    // signal came, the time is over) means the same to the caller.
    let _ = futex::wait(half(word), Flags::empty(), half_of(expected), Some(&timeout));
}

/// Wakes one sleeper.
pub(crate) fn wake_one(word: &AtomicU64) {
    wake(word, 1);
}

/// Wakes all sleepers.
pub(crate) fn wake_all(word: &AtomicU64) {
    wake(word, i32::MAX.unsigned_abs());
}

fn wake(word: &AtomicU64, most: u32) {
    // Fails only for an address that is not mapped, which a reference rules out.
    let _ = futex::wake(half(word), Flags::empty(), most);
}

/// The address of a word's lower half, which is where the word begins: this crate compiles for little-endian machines.
/// It is for the kernel, which makes its own accesses; here, a word is accessed as a whole.
fn half(word: &AtomicU64) -> &AtomicU32 {
    // SAFETY: the word's first four bytes, aligned and mapped as long as the word is borrowed. Nobody loads or stores by
    // this reference: it goes to `rustix`, which passes its address on to the kernel.
    unsafe { AtomicU32::from_ptr(word.as_ptr().cast()) }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what the kernel compares")]
fn half_of(word: u64) -> u32 {
    word as u32
}
