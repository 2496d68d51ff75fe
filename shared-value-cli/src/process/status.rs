//! `Process`: what `/proc` tells about one process.

use std::fmt;
use std::fs;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    /// The name of the command, at most 15 bytes. Any process can choose its own.
    pub(crate) command: String,
    /// The letter of `proc_pid_status(5)`: `T` is stopped.
    pub(crate) state: char,
}

impl Process {
    /// Returns the process of a thread of this PID namespace.
    pub(crate) fn of_thread(thread: u32) -> Option<Self> {
        let status = fs::read(format!("/proc/{thread}/status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let id = field("Tgid:")?.parse().ok()?;
        let state = field("State:")?.chars().next()?;
        Some(Self { id, command: command_of(id)?, state })
    }

    /// Returns whether the process is stopped: by a signal, or by a debugger.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }
}

impl fmt::Display for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stopped = if self.is_stopped() { ", stopped" } else { "" };
        write!(formatter, "process {} ({}{stopped})", self.id, self.command)
    }
}

pub(super) fn command_of(process: u32) -> Option<String> {
    let command = fs::read(format!("/proc/{process}/comm")).ok()?;
    Some(String::from_utf8_lossy(&command).trim_end_matches('\n').to_owned())
}

/// Describes the thread that holds a lock. The lock names it by its id in its own PID namespace.
pub(crate) fn holder(thread: u32) -> String {
    match Process::of_thread(thread) {
        Some(process) if process.id == thread => process.to_string(),
        Some(process) => format!("thread {thread} of {process}"),
        None => format!("thread {thread}, which `/proc` does not show here"),
    }
}
