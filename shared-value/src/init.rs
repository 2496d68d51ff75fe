//! What is set up before `main`, while the program has one thread.
//!
//! The hooks that run around `fork` must be there before any thread can fork while another is about to add them: the
//! child would wait for ever for what that thread has begun. Those that are added first also run last before the fork and
//! first after it, so that the hooks of the program find everything in order.
#![allow(unsafe_code)]

use crate::{lock, segment};

// SAFETY: the loader calls the functions of this section, which take no arguments that they need, before `main`, and
// when a library is loaded. This one uses nothing that `main` sets up.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    // Whatever cannot be set up here is tried again, and reported, when it is needed.
    let _ = lock::set_up();
    segment::set_up();
    // A child would wait for ever for a search that another thread of its parent had begun.
    crate::sys::mutex::timed_lock();
}
