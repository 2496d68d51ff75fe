//! The lock and the users of a segment, as `list` and `doctor` report them.

use serde::Serialize;
use shared_value::{LockOwner, Report, ReportedLock};

use crate::process::{Process, User};

/// The lock of a segment.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LockFacts {
    /// `none`, `native`, `pthread`, `object` or `itself`.
    pub(crate) kind: &'static str,
    /// The identity of the lock object, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<String>,
    pub(crate) owner: Option<Owner>,
    /// Whether the last owner died, and no thread has taken the lock since.
    pub(crate) owner_died: bool,
    /// Whether threads may be waiting for the lock or for a change; `None` if that is not known.
    pub(crate) waiters: Option<bool>,
}

/// The thread that holds a lock.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) thread: u32,
    /// The process, if `/proc` shows it.
    pub(crate) process: Option<u32>,
    pub(crate) command: Option<String>,
    pub(crate) stopped: bool,
}

/// A process that has the segment open.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UserFacts {
    pub(crate) process: u32,
    pub(crate) command: String,
    pub(crate) writes: bool,
    pub(crate) stopped: bool,
}

impl LockFacts {
    /// Returns the facts that a report tells; `None` if the segment has a fault.
    pub(crate) fn of(report: &Report) -> Option<Self> {
        let (kind, object) = match report.lock()? {
            ReportedLock::None => ("none", None),
            ReportedLock::Native => ("native", None),
            ReportedLock::Pthread => ("pthread", None),
            ReportedLock::Object { identity } => ("object", Some(identity)),
            ReportedLock::Itself { identity } => ("itself", Some(identity)),
            _ => ("other", None),
        };
        Some(Self {
            kind,
            object: object.map(|identity| format!("{identity:016x}")),
            owner: report.owner().map(Owner::of),
            owner_died: report.has_owner_died(),
            waiters: Some(report.has_waiters()),
        })
    }

    /// Returns the facts of the lock of an open value, held by this thread.
    pub(crate) fn of_value(thread: Option<u32>) -> Self {
        let owner = thread.map(Owner::of_thread);
        Self { kind: "native", object: None, owner, owner_died: false, waiters: None }
    }
}

impl Owner {
    pub(crate) fn of(owner: LockOwner) -> Self {
        Self::of_thread(owner.thread_id())
    }

    pub(crate) fn of_thread(thread: u32) -> Self {
        let process = Process::of_thread(thread);
        Self {
            thread,
            process: process.as_ref().map(|process| process.id),
            stopped: process.as_ref().is_some_and(Process::is_stopped),
            command: process.map(|process| process.command),
        }
    }

    /// Returns the process and its command in a few words.
    pub(crate) fn short(&self) -> String {
        let stopped = if self.stopped { ", stopped" } else { "" };
        match (self.process, &self.command) {
            (Some(process), Some(command)) => format!("{process} ({command}{stopped})"),
            _ => format!("thread {}", self.thread),
        }
    }
}

impl From<User> for UserFacts {
    fn from(User { process, writes }: User) -> Self {
        Self { stopped: process.is_stopped(), process: process.id, command: process.command, writes }
    }
}
