//! `Death`: the ways in which the kernel ends a process.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::fd::AsRawFd;

use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, getrlimit, kill_process, pidfd_open, setrlimit};

/// A way in which the kernel ends a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// SIGKILL.
    Killed,
    /// SIGKILL, and the memory of the process is freed before the process runs again, as earlyoom and lmkd do.
    Reaped,
    /// A signal that writes the memory of the process into a file first.
    Dumped,
    /// The process takes more memory than its control group has.
    OutOfMemory,
}

/// Kills a process, and frees its memory, often before the kernel walks the lists of its threads. Returns whether there was
/// memory to be freed.
///
/// # Errors
/// If the process has ended.
pub fn reap(process: Pid) -> io::Result<bool> {
    let descriptor = pidfd_open(process, PidfdFlags::empty())?;
    kill_process(process, Signal::KILL)?;
    // SAFETY: the call takes numbers only, and checks them. It fails if the process has ended already.
    Ok(unsafe { libc::syscall(libc::SYS_process_mrelease, descriptor.as_raw_fd(), 0) } == 0)
}

/// Checks that this kernel can reap processes.
///
/// # Errors
/// If it cannot.
pub fn ensure_reaping() -> io::Result<()> {
    // SAFETY: the call takes numbers only, and checks them. This descriptor does not exist.
    unsafe { libc::syscall(libc::SYS_process_mrelease, -1, 0) };
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::EBADF) { Ok(()) } else { Err(error) }
}

/// Checks that a process that dumps core writes a file into its directory.
///
/// # Errors
/// If the system handles dumps in another way, or this process may not write any.
pub fn ensure_dumps() -> io::Result<()> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern")?;
    let pattern = pattern.trim();
    if pattern.is_empty() || pattern.contains(['|', '/']) {
        return Err(io::Error::other(format!("the system writes dumps to `{pattern}`")));
    }
    match getrlimit(Resource::Core).maximum {
        None => Ok(()),
        Some(bytes) => Err(io::Error::other(format!("dumps are limited to {bytes} bytes"))),
    }
}

/// Lets this process write a dump when it dies.
///
/// # Errors
/// If the limit for dumps cannot be raised.
pub fn allow_dumps() -> io::Result<()> {
    Ok(setrlimit(Resource::Core, Rlimit { current: None, maximum: None })?)
}
