//! `lock`: runs a command while it holds the lock of a value.
//!
//! The kernel frees the locks of a killed process before it tells the children of that process. So the process that the user
//! starts, the *tool*, does not hold the lock itself. It starts a second process, the *holder*, which takes the lock and runs
//! the command. If the tool dies, the holder kills the command, waits until the command is dead, and only then frees the lock.

mod child;
mod holder;
mod tool;

use std::ffi::OsString;

use clap::Args;
use shared_value::{LockObject, LockRule, ReportedLock};

use crate::commands::change::{LockArguments, entry_of};
use crate::commands::lock::holder::Holder;
use crate::failure::{Failure, Result};
use crate::target::{Locking, Object, Place, Writable, open_lock_object, open_writable, split};

/// Run a command while holding the lock of a value
///
/// Nothing is committed. If this program is killed, the command and the processes that it has started are killed too, before the
/// lock is free. Commands of this tool inside of it that need the lock fail at once.
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
pub(crate) fn run(lock: &Lock) -> Result<u8> {
    match Holder::of_tool()? {
        None => tool::run(),
        Some(holder) => hold(lock, &holder),
    }
}

fn hold(Lock { name, taking, command }: &Lock, holder: &Holder) -> Result<u8> {
    let target = split(name)?;
    let locking = taking.locking();
    let report = if let Place::Token(_) = target.place { None } else { Some(target.place.inspect()?) };
    if let Some(Some(ReportedLock::Itself { .. })) = report.as_ref().map(shared_value::Report::lock) {
        return match open_lock_object(&target.place)? {
            Object::Recursive(object) => under(&object, name, &locking, holder, command),
            Object::NotRecursive(object) => under(&object, name, &locking, holder, command),
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
            holder.run(command)
        }
    }
}

fn under<R: LockRule>(
    object: &LockObject<R>,
    name: &str,
    locking: &Locking,
    holder: &Holder,
    command: &[OsString],
) -> Result<u8> {
    let _guard = locking.take(
        name,
        || object.lock_state(),
        |timeout| match timeout {
            None => object.try_lock(),
            Some(timeout) => object.lock_timeout(timeout),
        },
    )?;
    holder.run(command)
}
