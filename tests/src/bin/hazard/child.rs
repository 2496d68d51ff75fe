//! Helpers for forked children and their ends.

use std::panic::{self, AssertUnwindSafe};

use rustix::process::{Signal, getpid, kill_process};
use shared_value_tests::{end_now, fork};

/// Runs the body in a child of `split`, and ends the child: with 0, or with 101 if the body panics.
pub(crate) fn end_after(body: impl FnOnce()) -> ! {
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    end_now(if result.is_ok() { 0 } else { 101 });
}

/// Ends this process by SIGKILL. This does not work in the first process of a PID namespace.
pub(crate) fn kill_itself() -> ! {
    kill_process(getpid(), Signal::KILL).expect("a process can signal itself");
    unreachable!("SIGKILL ends a process before its next instruction");
}

/// Runs checks in a forked child, which owns none of this process's locks.
#[track_caller]
pub(crate) fn elsewhere(look: impl FnOnce()) {
    fork(look).finish();
}
