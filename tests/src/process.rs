//! `Process`: a child process that does not outlive its test.

use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, ExitStatus};

use crate::deadline::eventually;

/// A child process that is killed when it is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a command.
    ///
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("{command:?} cannot be started: {error}"),
        }
    }

    /// Waits until the process ends, and returns how it has ended.
    ///
    /// # Panics
    /// If it does not end before the deadline.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the process ends", || {
            status = self.0.try_wait().expect("it is a child of this process");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Kills the process, which must run.
    ///
    /// # Panics
    /// If it has ended already.
    #[track_caller]
    pub fn kill(&mut self) {
        let ended = self.0.try_wait().expect("it is a child of this process");
        assert!(ended.is_none(), "the process has ended before it was killed: {ended:?}");
        self.0.kill().expect("it was not waited for");
        self.0.wait().expect("it ends");
    }
}

impl Deref for Process {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
