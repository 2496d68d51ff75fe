//! `fork`: runs a closure in a copy of this process.
#![allow(unsafe_code)]

use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, set_parent_process_death_signal, waitpid};

use crate::deadline::DEADLINE;

/// A forked child. Dropping this kills the child if it has not ended.
#[derive(Debug)]
pub struct Forked {
    process: Pid,
    ended: bool,
}

/// Forks. The child runs the closure and ends with 0, or with 101 if the closure panics; it never returns from this call.
///
/// # Panics
/// If `fork` fails.
#[track_caller]
pub fn fork(body: impl FnOnce()) -> Forked {
    if let Some(forked) = split() {
        return forked;
    }
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    end_now(if result.is_ok() { 0 } else { 101 });
}

/// Forks, and returns in both processes: `None` in the child, which must call [`end_now`] at its end.
///
/// # Panics
/// If `fork` fails.
#[track_caller]
pub fn split() -> Option<Forked> {
    // SAFETY: the children call only functions that work in a forked child: the C library's allocator, standard error, and
    // the library under test, which promises to work there.
    let process = unsafe { libc::fork() };
    if process == 0 {
        // When a test is killed, its workers die, and then their children.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        return None;
    }
    assert!(process > 0, "fork failed: {}", std::io::Error::last_os_error());
    Some(Forked { process: Pid::from_raw(process).expect("not zero"), ended: false })
}

/// Ends this process at once, without running any destructor or hook.
pub fn end_now(code: i32) -> ! {
    // SAFETY: the call has no preconditions.
    unsafe { libc::_exit(code) }
}

impl Forked {
    /// Returns the process id of the child.
    pub fn process_id(&self) -> Pid {
        self.process
    }

    /// Sends a signal to the child.
    ///
    /// # Panics
    /// If the child has ended.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(self.process, signal).expect("the child runs");
    }

    /// Waits until the child has ended with 0.
    ///
    /// # Panics
    /// If it ends in another way, or not before the deadline.
    #[track_caller]
    pub fn finish(self) {
        self.finish_with(0);
    }

    /// Waits until SIGKILL has ended the child.
    ///
    /// # Panics
    /// If it ends in another way, or not before the deadline.
    #[track_caller]
    pub fn finish_killed(self) {
        self.finish_by(Signal::KILL);
    }

    /// Waits until this signal has ended the child.
    ///
    /// # Panics
    /// If it ends in another way, or not before the deadline.
    #[track_caller]
    pub fn finish_by(self, signal: Signal) {
        let status = self.wait();
        assert_eq!(
            status.terminating_signal(),
            Some(signal.as_raw()),
            "the forked child was not ended by {signal:?}: {status:?}"
        );
    }

    /// Waits until the child has ended with this exit code.
    ///
    /// # Panics
    /// If it ends in another way, or not before the deadline.
    #[track_caller]
    pub fn finish_with(self, code: i32) {
        let status = self.wait();
        assert_eq!(status.exit_status(), Some(code), "the forked child failed: {status:?}");
    }

    /// Waits until the child has ended, and returns how it ended.
    ///
    /// # Panics
    /// If it does not end before the deadline.
    #[track_caller]
    pub fn wait(mut self) -> WaitStatus {
        let start = Instant::now();
        loop {
            let ended = waitpid(Some(self.process), WaitOptions::NOHANG).expect("it is our child");
            if let Some((_, status)) = ended {
                self.ended = true;
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "the forked child did not end");
            thread::sleep(Duration::from_micros(50));
        }
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill_process(self.process, Signal::KILL);
            let _ = waitpid(Some(self.process), WaitOptions::empty());
        }
    }
}
