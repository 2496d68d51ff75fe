//! `Holder`: the process that holds the lock and runs the command.
#![allow(unsafe_code)]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpgid, getpid, getppid, kill_process, pidfd_open, pidfd_send_signal,
    set_child_subreaper, set_parent_process_death_signal, setpgid, wait,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::commands::lock::child::{code_of, id_of, signal_of};
use crate::failure::{Code, Failure, Result};
use crate::output::{escaped, remark};
use crate::target::HOLDERS;

/// The environment entry that makes a process a holder: the id of its tool.
pub(super) const TOOL: &str = "SHARED_VALUE_LOCK_TOOL";

/// The process that holds the lock and runs the command.
pub(super) struct Holder {
    tool: Pid,
    /// It can be read when the tool is dead.
    tool_end: OwnedFd,
}

impl Holder {
    /// Returns this process as a holder, if a tool has started it. Until the command runs, it dies with the tool.
    pub(super) fn of_tool() -> Result<Option<Self>> {
        let tool = env::var(TOOL).ok().and_then(|text| text.parse().ok()).and_then(Pid::from_raw);
        let Some(tool) = tool.filter(|tool| getppid() == Some(*tool)) else { return Ok(None) };
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
        let tool_end = pidfd_open(tool, PidfdFlags::empty()).map_err(io::Error::from)?;
        // It was started as `/proc/self/exe`. A name that is shown to people is not worth a failure.
        let _ = rustix::thread::set_name(c"shared-value");
        Ok(Some(Self { tool, tool_end }))
    }

    /// Runs a command to its end. When this returns, it is dead, and so are the processes that it has started if the tool or the
    /// command was killed. The caller holds the lock.
    pub(super) fn run(&self, command: &[OsString]) -> Result<u8> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(Failure::usage("name a command behind `--`"));
        };
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
        self.outlive_tool()?;
        let child = match self.spawn(program, arguments) {
            Ok(child) => child,
            Err(error) => {
                remark(&format!("cannot run `{}`: {error}", escaped(&program.to_string_lossy())));
                // As shells do.
                return Ok(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 });
            }
        };
        let id = id_of(&child)?;
        // Only this thread waits for it, so the id is still its own.
        let child = Arc::new(pidfd_open(id, PidfdFlags::empty()).map_err(io::Error::from)?);
        let handle = signals.handle();
        let target = Arc::clone(&child);
        let forwarder = thread::spawn(move || {
            for signal in &mut signals {
                // If the command has just ended, there is nothing to do. A terminal sends its signals to the command itself.
                if let Some(signal @ (Signal::TERM | Signal::HUP)) = signal_of(signal) {
                    let _ = pidfd_send_signal(&*target, signal);
                }
            }
        });
        let tool_end = self.tool_end.try_clone()?;
        thread::spawn(move || {
            if is_readable(&tool_end, None) {
                let _ = pidfd_send_signal(&*child, Signal::KILL);
            }
        });
        let status = wait_for(id)?;
        // If a signal kills the group of the tool, the command may be dead before the tool is.
        let is_killed = status.signal() == Some(SIGKILL);
        if is_killed || is_readable(&self.tool_end, Some(&Timespec::default())) {
            kill_children()?;
        }
        handle.close();
        let _ = forwarder.join();
        Ok(code_of(status))
    }

    /// Makes this process survive the tool, and the signals that kill the group of the tool.
    fn outlive_tool(&self) -> Result<()> {
        let lives_on = || {
            setpgid(None, None)?;
            // Children of a dead command become children of this process.
            set_child_subreaper(Some(getpid()))?;
            set_parent_process_death_signal(None)
        };
        lives_on().map_err(io::Error::from)?;
        // The tool may have died just before.
        if getppid() == Some(self.tool) { Ok(()) } else { Err(Failure::new(Code::System, "this program was killed")) }
    }

    /// Starts the command, in the group of the tool. It dies with this thread.
    fn spawn(&self, program: &OsString, arguments: &[OsString]) -> io::Result<std::process::Child> {
        let own = getpid();
        let group = getpgid(Some(self.tool))?;
        let holders = env::var(HOLDERS).unwrap_or_default();
        let mut command = Command::new(program);
        command.args(arguments).env_remove(TOOL);
        command.env(HOLDERS, format!("{holders} {}", own.as_raw_nonzero()).trim_start());
        let prepare = move || {
            setpgid(None, Some(group))?;
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before.
            if getppid() == Some(own) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
        };
        // SAFETY: the closure makes three system calls, none allocates or takes a lock, and the error is a constant.
        unsafe { command.pre_exec(prepare) };
        command.spawn()
    }
}

/// Waits until a descriptor can be read. Returns `false` if the time is over.
fn is_readable(descriptor: &OwnedFd, timeout: Option<&Timespec>) -> bool {
    loop {
        let mut polled = [PollFd::from_borrowed_fd(descriptor.as_fd(), PollFlags::IN)];
        match poll(&mut polled, timeout) {
            Ok(count) => return count > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Waits for a child. Other children that end meanwhile were left by the command.
fn wait_for(child: Pid) -> io::Result<ExitStatus> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((id, status))) if id == child => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Kills all children of this process, and their children, which become its own.
fn kill_children() -> Result<()> {
    loop {
        for child in children()? {
            // Only this thread waits for children, so none is gone.
            let _ = kill_process(child, Signal::KILL);
        }
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CHILD) => return Ok(()),
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
}

fn children() -> Result<Vec<Pid>> {
    let own = format!("PPid:\t{}", getpid().as_raw_nonzero());
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else { continue };
        // A process may end meanwhile.
        let status = fs::read(format!("/proc/{}/status", id.as_raw_nonzero())).unwrap_or_default();
        if String::from_utf8_lossy(&status).lines().any(|line| line == own) {
            children.push(id);
        }
    }
    Ok(children)
}
