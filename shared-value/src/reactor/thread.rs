//! The thread of the reactor.

use std::panic::{self, AssertUnwindSafe};
use std::thread::Builder;

use crate::error::Error;
use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};
use crate::reactor::state::{Next, POLL, Ready, with};
use crate::sys;
use crate::sys::futex::Several;

/// Changes when the reactor has to look. The reactor sleeps on it too.
static INTERRUPTIONS: AtomicU64 = AtomicU64::new(0);

/// Starts the reactor. Its flag is set already.
pub(super) fn start() -> Result<(), Error> {
    let started = Builder::new().name("shared-value".to_owned()).spawn(run);
    started.map(drop).map_err(|error| {
        // Tasks that have registered meanwhile try again, and get an error of their own.
        loop {
            let mut ready = Ready::new();
            let is_more = with(|state| state.give_up(&mut ready));
            wake(ready);
            if !is_more {
                break;
            }
        }
        Error::io("start the thread that waits for changes", error)
    })
}

/// Wakes the reactor, which sleeps.
pub(super) fn interrupt() {
    INTERRUPTIONS.fetch_add(1, Relaxed);
    sys::futex::wake_one(&INTERRUPTIONS);
}

fn run() {
    // Signals are for the threads of the program.
    sys::thread::block_signals();
    let (mut several, mut is_idle, mut before) = (Several::new(), false, usize::MAX);
    loop {
        let mut ready = Ready::new();
        // Before the look: an interruption after it changes the word.
        let seen = INTERRUPTIONS.load(Relaxed);
        let next = with(|state| state.look(before, is_idle, &mut ready, &mut several));
        wake(ready);
        before = usize::MAX;
        match next {
            Next::LookBefore(place) => before = place,
            Next::Sleep { most } => {
                is_idle = several.is_empty();
                several.push(INTERRUPTIONS.as_ptr().addr(), seen);
                if is_idle {
                    sys::futex::wait(&INTERRUPTIONS, seen, most);
                } else if several.sleep(most).is_err() {
                    sys::futex::wait(&INTERRUPTIONS, seen, most.min(POLL));
                }
            }
            Next::End => return,
        }
    }
}

fn wake(ready: Ready) {
    for waker in ready.into_wakers() {
        // A waker is code of the program. If it panics, the others must be woken nevertheless.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}
