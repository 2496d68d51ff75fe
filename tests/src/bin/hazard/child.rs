//! What forked children do, and how they end.

use std::panic::{self, AssertUnwindSafe};

use rustix::process::{Signal, getpid, kill_process};
use shared_value_tests::{end_now, fork};

/// Ends a child that has gone on from `split`: with 0, or with 101 if the body panics.
pub(crate) fn end_after(body: impl FnOnce()) -> ! {
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    end_now(if result.is_ok() { 0 } else { 101 });
}

/// Ends this process by SIGKILL. The first process of a PID namespace cannot do that to itself.
pub(crate) fn kill_itself() -> ! {
    kill_process(getpid(), Signal::KILL).expect("it is this process");
    unreachable!("SIGKILL ends a process before its next instruction");
}

/// Lets another process look, which holds nothing of what this one holds.
#[track_caller]
pub(crate) fn elsewhere(look: impl FnOnce()) {
    fork(look).finish();
}
