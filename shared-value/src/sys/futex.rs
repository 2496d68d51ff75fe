//! Sleeping until a word of shared memory changes (`futex(2)`), or one of several (`futex_waitv(2)`).
//!
//! The kernel's futex words have 32 bits. It gets the lower half of a word, which has 64 bits here.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex;
use rustix::thread::futex::{ClockId, Flags, Timespec, WaitFlags, WaitPtr, WaitvFlags};
use rustix::time::clock_gettime;

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

/// The most words that a thread can sleep on at once.
pub(crate) const MOST_WORDS: usize = 128;

/// Words to sleep on until one of them changes. They are addresses only: the kernel checks them, and only reads there.
pub(crate) struct Several {
    words: [futex::Wait; MOST_WORDS],
    count: usize,
}

impl Several {
    pub(crate) const fn new() -> Self {
        Self { words: [futex::Wait::new(); MOST_WORDS], count: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the word at an address. Does nothing if there are `MOST_WORDS` already.
    pub(crate) fn push(&mut self, address: usize, expected: u64) {
        if let Some(word) = self.words.get_mut(self.count) {
            word.val = half_of(expected).into();
            word.uaddr = WaitPtr::new(ptr::without_provenance_mut(address));
            // Without the private flag, as for one word.
            word.flags = WaitFlags::SIZE_U32;
            self.count += 1;
        }
    }

    /// Sleeps until the sleepers of one of the words are woken, for at most `timeout` by `CLOCK_MONOTONIC`. Returns at once if the
    /// lower half of a word is not what is expected. Returns whether it may have slept.
    ///
    /// # Errors
    /// If the kernel does not have the call (before Linux 5.16), or a word is not mapped.
    pub(crate) fn sleep(&self, timeout: Duration) -> io::Result<bool> {
        let now = clock_gettime(ClockId::Monotonic);
        // The timeout is a point in time here.
        let end = Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0)) + timeout;
        let end =
            Timespec { tv_sec: i64::try_from(end.as_secs()).unwrap_or(i64::MAX), tv_nsec: end.subsec_nanos().into() };
        match futex::waitv(&self.words[..self.count], WaitvFlags::empty(), Some(&end), ClockId::Monotonic) {
            Ok(_) | Err(Errno::INTR | Errno::TIMEDOUT) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
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
