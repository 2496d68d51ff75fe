//! Sets up everything that `fork` relies on, before `main`, while the program has one thread.
//!
//! The hooks that run around `fork` must exist before one thread can fork while another one is installing them: the child
//! would wait forever for the installation to end. Hooks that are installed first also run last before the fork and first
//! after it. So the program's own hooks can use this library.
#![allow(unsafe_code)]

use crate::lock;
use crate::reactor;
use crate::segment;
use crate::sys;

// SAFETY: the loader calls the functions that this section points to, before `main` or when a library is loaded. It passes
// arguments, which a C function may ignore. This function uses nothing that is set up later.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    // If this fails, it is reported whenever a thread is about to take its first lock. It is not tried again: hooks that were
    // installed before the failure would be there twice.
    let _ = lock::set_up();
    segment::set_up();
    reactor::set_up();
    sys::mutex::set_up();
}
