//! Child processes: their ids, signals and exit codes.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::failure::{Code, Failure, Result};

pub(super) fn id_of(child: &Child) -> Result<Pid> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    id.ok_or_else(|| Failure::new(Code::System, "the kernel gave a process an invalid id"))
}

/// Returns the signal to pass on.
pub(super) fn signal_of(number: i32) -> Option<Signal> {
    match number {
        SIGTERM => Some(Signal::TERM),
        SIGHUP => Some(Signal::HUP),
        SIGINT => Some(Signal::INT),
        SIGQUIT => Some(Signal::QUIT),
        _ => None,
    }
}

/// Returns the exit code; 128 and the signal if a signal ended it.
pub(super) fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
