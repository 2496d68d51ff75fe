//! Puts threads to sleep until a value is committed, and wakes them.
//!
//! `protocol/event.rs` explains why no wake-up is lost.

use std::ptr;
use std::time::Duration;

use crate::lock::interruption;
use crate::lock::signals::signal_of;
use crate::protocol::atomics::AtomicU64;
use crate::protocol::event::{count, has_waiters, order};
use crate::sys;

/// Sleeps until another thread raises the event, or the time is over. `announced` comes from `announce`.
pub(crate) fn sleep(event: &AtomicU64, announced: u64, timeout: Duration) {
    interruption::sleep(timeout, |timeout| sys::futex::wait(event, announced, timeout));
}

/// Wakes all waiters that were announced: those of the value, and those of the arena in which the value lies.
#[inline(always)]
pub(crate) fn raise(event: &AtomicU64) {
    if has_waiters(event) {
        wake(event);
    }
}

#[cold]
#[inline(never)]
fn wake(event: &AtomicU64) {
    count(event);
    sys::futex::wake_all(event);
    let Some(signal) = signal_of(event).filter(|signal| !ptr::eq(*signal, event)) else { return };
    order();
    if has_waiters(signal) {
        count(signal);
        sys::futex::wake_all(signal);
    }
}
