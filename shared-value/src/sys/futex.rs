//! Sleeping until a word of shared memory changes (`futex(2)`).
//!
//! The kernel's futex words have 32 bits. It gets the lower half of a word, which has 64 bits here.
#![allow(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex;
use rustix::thread::futex::{Flags, Timespec};

use crate::protocol::atomics::AtomicU64;
use crate::sys::thread::Interrupted;

/// Sleeps until the sleepers of the word are woken, for at most `timeout` by `CLOCK_MONOTONIC`. Returns at once if the lower
/// half of the word is not that of `expected`.
///
/// May wake spuriously: the caller always loads the word again.
///
/// # Errors
/// `Interrupted` if a signal handler has run.
pub(crate) fn wait(word: &AtomicU64, expected: u64, timeout: Duration) -> Result<(), Interrupted> {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // Without the private flag, because the sleepers may be in several processes. After other errors (the word has changed,
    // the time is over) the caller loads the word again.
    match futex::wait(half(word), Flags::empty(), half_of(expected), Some(&timeout)) {
        Err(Errno::INTR) => Err(Interrupted),
        _ => Ok(()),
    }
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
    // The call fails only for an address that is not mapped; a reference rules that out.
    let _ = futex::wake(half(word), Flags::empty(), most);
}

/// Returns the lower half of a word, which begins at the word's address: this crate compiles for little-endian machines
/// only. The half is for the kernel, which makes its own accesses. This process accesses whole words only.
fn half(word: &AtomicU64) -> &AtomicU32 {
    // SAFETY: the pointer points to the first four bytes of the word, which are aligned, and mapped while the word is
    // borrowed. This process makes no access through the reference: `rustix` only passes its address to the kernel. So no
    // two accesses of different sizes race.
    unsafe { AtomicU32::from_ptr(word.as_ptr().cast()) }
}

#[expect(clippy::cast_possible_truncation, reason = "the kernel compares the lower half")]
fn half_of(word: u64) -> u32 {
    word as u32
}
