//! The thread of the reactor.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::thread::Builder;
use std::time::Duration;

use crate::error::Error;
use crate::protocol::atomics::{AtomicU64, Ordering::Relaxed};
use crate::reactor::state::{Next, POLL, Ready, with};
use crate::sys;
use crate::sys::futex::Several;

/// Changes when the reactor has to look. The reactor sleeps on it too.
static INTERRUPTIONS: AtomicU64 = AtomicU64::new(0);

/// How often the reactor looks without a sleep and without a task to wake, before it pauses: a peer may change a word all the time.
const MOST_LOOKS: u32 = 16;

/// Starts the reactor. Its flag is set already.
///
/// # Errors
/// `Io` if there is no thread to be had, or the dynamic linker cannot keep the thread's code loaded.
pub(super) fn start() -> Result<(), Error> {
    let started = sys::copies::stay_loaded().and_then(|()| {
        // Signals are for the threads of the program. The new thread begins with the mask of this one.
        let _blocked = sys::thread::block_signals();
        Builder::new().name("shared-value".to_owned()).spawn(run)
    });
    started.map(drop).map_err(|error| {
        // Tasks that have registered meanwhile try again, and get an error of their own.
        give_up();
        Error::io("start the thread that waits for changes", error)
    })
}

/// Wakes all tasks, because there is no reactor.
fn give_up() {
    let mut is_first = true;
    loop {
        let mut ready = Ready::new();
        let is_more = with(|state| state.give_up(is_first, &mut ready));
        wake(ready);
        if !is_more {
            break;
        }
        is_first = false;
    }
}

/// Lets the next task start another reactor if this one ends by a panic.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        give_up();
    }
}

/// Wakes the reactor, which sleeps.
pub(super) fn interrupt() {
    INTERRUPTIONS.fetch_add(1, Relaxed);
    sys::futex::wake_one(&INTERRUPTIONS);
}

fn run() {
    let running = Running;
    let (mut several, mut is_idle, mut before, mut looks) = (Several::new(), false, usize::MAX, 0);
    loop {
        let mut ready = Ready::new();
        // Before the look: an interruption after it changes the word.
        let seen = INTERRUPTIONS.load(Relaxed);
        let next = with(|state| state.look(before, is_idle, &mut ready, &mut several));
        looks = if ready.is_empty() { looks + 1 } else { 0 };
        wake(ready);
        before = usize::MAX;
        match next {
            Next::LookBefore(place) => {
                before = place;
                if looks < MOST_LOOKS {
                    continue;
                }
                pause(seen, POLL);
            }
            Next::Sleep { most } => {
                is_idle = several.is_empty();
                several.push(INTERRUPTIONS.as_ptr().addr(), seen);
                if is_idle {
                    pause(seen, most);
                } else if looks >= MOST_LOOKS {
                    pause(seen, most.min(POLL));
                } else {
                    match several.sleep(most) {
                        Ok(true) => {}
                        Ok(false) => continue,
                        Err(_) => pause(seen, most.min(POLL)),
                    }
                }
            }
            Next::End => {
                // The state says so already, and another reactor may have started since.
                mem::forget(running);
                return;
            }
        }
        looks = 0;
    }
}

/// Sleeps on the reactor's own word only.
fn pause(seen: u64, most: Duration) {
    // The thread has blocked all signals. If one ends the sleep nevertheless, the reactor looks early.
    let _ = sys::futex::wait(&INTERRUPTIONS, seen, most);
}

fn wake(ready: Ready) {
    for waker in ready.into_wakers() {
        // A waker is code of the program. If it panics, the others must be woken nevertheless.
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            // Its drop may panic too.
            mem::forget(payload);
        }
    }
}
