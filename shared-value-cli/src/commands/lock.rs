//! `lock`: runs a command while it holds the lock of a value.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::thread;

use clap::Args;
use rustix::process::{Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal};
use shared_value::{LockObject, LockRule, ReportedLock, inspect};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::commands::change::{LockArguments, entry_of};
use crate::failure::{Failure, Result};
use crate::target::{HOLDERS, Locking, Object, Place, Writable, open_lock_object, open_writable, split};

/// Run a command while holding the lock of a value
///
/// Nothing is committed. If this program is killed, the command is killed too. Processes that the command has started are not.
/// Commands of this tool inside of it that need the lock fail at once.
#[derive(Debug, Args)]
pub(crate) struct Lock {
    /// The value: `account`, `bank[alice]`, or a lock object
    name: String,
    #[command(flatten)]
    taking: LockArguments,
    /// The command and its arguments, behind `--`
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Returns the exit code of the command; 128 and the signal if a signal ended it.
pub(crate) fn run(Lock { name, taking, command }: &Lock) -> Result<u8> {
    let target = split(name)?;
    let locking = taking.locking();
    let report = if let Place::Token(_) = target.place { None } else { Some(inspect(target.place.location()?)?) };
    if let Some(Some(ReportedLock::Itself { .. })) = report.as_ref().map(shared_value::Report::lock) {
        return match open_lock_object(&target.place)? {
            Object::Recursive(object) => under(&object, name, &locking, command),
            Object::NotRecursive(object) => under(&object, name, &locking, command),
        };
    }
    let (entry, rest) = match (report.is_some_and(|report| report.is_arena()), target.steps.split_first()) {
        (true, Some((step, rest))) => (Some(entry_of(step)?), rest),
        (true, None) => {
            return Err(Failure::usage(format!(
                "`{name}` is an arena: each of its values has a lock, as in `{name}[key]`"
            )));
        }
        (false, _) => (None, target.steps.as_slice()),
    };
    if !rest.is_empty() {
        return Err(Failure::usage("the lock is that of a whole value"));
    }
    match open_writable(&target.place, entry.as_ref(), &locking)? {
        Writable::Unlocked(_) => Err(Failure::unfit(format!("`{name}` has no lock"))),
        Writable::Locked(value) => {
            let _guard = locking.hold(name, &value)?;
            execute(command)
        }
    }
}

fn under<R: LockRule>(object: &LockObject<R>, name: &str, locking: &Locking, command: &[OsString]) -> Result<u8> {
    let _guard = locking.take(
        name,
        || object.lock_state(),
        |timeout| match timeout {
            None => object.try_lock(),
            Some(timeout) => object.lock_timeout(timeout),
        },
    )?;
    execute(command)
}

/// Runs a command to its end.
fn execute(command: &[OsString]) -> Result<u8> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::usage("name a command behind `--`"));
    };
    // From here on, these signals end the command, and this program only after it: the lock must not be free earlier.
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
    let mut child = match spawn(program, arguments) {
        Ok(child) => child,
        Err(error) => {
            eprintln!("shared-value: cannot run `{}`: {error}", crate::output::escaped(&program.to_string_lossy()));
            // As shells do.
            return Ok(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 });
        }
    };
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let handle = signals.handle();
    let forwarder = thread::spawn(move || {
        for signal in &mut signals {
            // A terminal has sent the others to the command too.
            let signal = match signal {
                SIGTERM => Signal::TERM,
                SIGHUP => Signal::HUP,
                _ => continue,
            };
            // If the command has just ended, there is nothing to do.
            let _ = id.map(|id| kill_process(id, signal));
        }
    });
    let status = child.wait();
    handle.close();
    let _ = forwarder.join();
    Ok(code_of(status?))
}

/// Starts the command. It dies with this thread.
fn spawn(program: &OsString, arguments: &[OsString]) -> io::Result<Child> {
    let own = getpid();
    let holders = std::env::var(HOLDERS).unwrap_or_default();
    let mut command = Command::new(program);
    command.args(arguments).env(HOLDERS, format!("{holders} {}", own.as_raw_nonzero()).trim_start());
    let die_with_parent = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before.
        if getppid() == Some(own) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    };
    // SAFETY: the closure makes two system calls, neither allocates nor takes a lock, and the error is a constant.
    unsafe { command.pre_exec(die_with_parent) };
    command.spawn()
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
