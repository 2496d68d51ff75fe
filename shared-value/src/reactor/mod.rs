//! The reactor: one thread of the process waits for the changes of all values that tasks wait for.
//!
//! ```text
//! a task                                      the reactor
//! 1. announces itself in the value, as a      1. looks at all registrations, and wakes the tasks whose
//!    thread does before it sleeps                value has changed
//! 2. registers the value and its waker        2. announces the others again where a thread has taken the
//! 3. looks at the version once more              announcement back, and looks again
//! 4. wakes the reactor, unless it sleeps on   3. sleeps on the event words of all of them, and on a word
//!    the event word already                      of its own (`futex_waitv`)
//! ```
//!
//! So no wake-up is lost: `protocol/event.rs` has the argument, and the reactor stands for the threads that sleep. If no thread
//! announces a commit, because it was killed before, the reactor sees it when it looks the next time: at most 50 ms later.
//!
//! The kernel takes 128 words at once, and none before Linux 5.16. The reactor looks at the words beyond these, and at values
//! that are mapped for reading only, every two milliseconds.
//!
//! A registration lies in the task that waits. The reactor never keeps a value mapped: it hands addresses to the kernel, which
//! checks them. A registration is taken out before its value may be unmapped. A sleep may still name the address then. If nothing
//! is mapped there, the call fails and the reactor begins again; if something else is, the kernel compares four bytes of it.
//!
//! While the registrations are locked, no memory is allocated or freed, no waker is called, and no system call is made that may
//! wait: every `fork` of the process waits for this lock. So the reactor does not look at names. Where only a look at the name
//! tells whether a value was replaced, the reactor wakes the task, which looks, at most every 50 ms.
//!
//! Between steps 2 and 4 of a task, another one may register, and relies on step 4 of the first. If the first is not scheduled
//! in between, both are woken by the next look of the reactor.

mod state;
mod thread;
mod waiter;
mod words;

use std::sync::Arc;
use std::task::Waker;

use crate::cell::Cell;
use crate::error::Error;
use crate::format::contents::Contents;
use crate::protocol::event;
use crate::reactor::state::{Added, Entry, with};
use crate::reactor::waiter::Waiter;

pub(crate) use crate::reactor::state::set_up;
pub(crate) use crate::reactor::waiter::Awaited;

/// What a task waits for, known to the reactor from the first `renew` until the drop.
#[derive(Debug, Default)]
pub(crate) struct Registration {
    waiter: Option<Arc<Waiter>>,
}

impl Registration {
    /// Lets the waker be called when there may be what the task waits for. `is_announced` says whether the value can be written,
    /// and so the thread that commits can be told. Afterwards the caller looks once more.
    ///
    /// # Errors
    /// `Io` if the thread that waits cannot be started.
    pub(crate) fn renew<C: Contents + ?Sized>(
        &mut self,
        cell: &Cell<C>,
        awaited: Awaited,
        is_announced: bool,
        waker: &Waker,
    ) -> Result<(), Error> {
        let waiter = self.waiter.get_or_insert_with(|| Arc::new(Waiter::new(cell.untyped(), awaited, is_announced)));
        let announced = waiter.announce();
        let entry = Entry::new(Arc::clone(waiter), waker.clone(), announced);
        match state::add(entry)? {
            Added::Watched => Ok(()),
            Added::Unwatched => {
                thread::interrupt();
                Ok(())
            }
            Added::First => thread::start(),
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            // Both are dropped here, in the task: what the reactor has had is never the last reference to a value.
            let removed = with(|state| state.remove(&waiter));
            drop((removed, waiter));
        }
    }
}

/// Announces a waiter in the value.
fn announce<C: Contents + ?Sized>(cell: &Cell<C>) -> u64 {
    let announced = event::announce(cell.event());
    cell.call_back();
    announced
}
