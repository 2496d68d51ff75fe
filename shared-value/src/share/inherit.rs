//! To a program that this one starts: an inherited descriptor, and an environment entry that says which.

use std::env;
use std::os::fd::{AsRawFd, RawFd};
use std::process::Command;

use command_fds::CommandFdExt;

use crate::cell::{Cell, Guarding};
use crate::error::Error;
use crate::handle::access::{Access, ReadOnly, ReadWrite, Unlocked};
use crate::handle::shared::Shared;
use crate::handle::synchronized::Synchronized;
use crate::segment::{Identity, Place};
use crate::share::{Attach, Handed};
use crate::sys;

impl<C: Shared + ?Sized, A: Access> Synchronized<C, A> {
    /// Passes the value to the program that the command will start, which takes it by [`inherited`] and the same name.
    ///
    /// The name becomes an environment entry of the child, which says which of its descriptors is the value; other
    /// children, also those that other threads start meanwhile, get neither. Several values go under several names. A
    /// value passed from a read-only handle can be read only, since the descriptor was opened so.
    ///
    /// A child made by `fork` alone needs nothing: it has the handle itself.
    ///
    /// [`inherited`]: Synchronized::inherited
    ///
    /// # Errors
    /// `InvalidName` if no environment entry can have the name; `Io` if this process has no descriptor left.
    ///
    /// ```no_run
    /// use std::process::Command;
    /// use shared_value::Synchronized;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let progress = Synchronized::new(0_u64)?;
    /// let mut command = Command::new("./worker");
    /// progress.pass_to(&mut command, "PROGRESS")?;
    /// let mut child = command.spawn()?;
    /// # child.wait()?;
    /// # Ok(())
    /// # }
    /// ```
    /// and in the worker:
    /// ```no_run
    /// use shared_value::Synchronized;
    ///
    /// let progress = Synchronized::<u64>::inherited("PROGRESS")?;
    /// progress.update(|done| *done += 1)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn pass_to(&self, command: &mut Command, name: &str) -> Result<(), Error> {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(Error::InvalidName {
                name: name.escape_debug().to_string(),
                reason: "an environment entry has a name without `=` and NUL",
            });
        }
        let mapping = self.cell.segment();
        // A copy of its own, so that the value may be dropped before the command starts.
        let descriptor = mapping.file().try_clone().map_err(|error| Error::io("duplicate a descriptor", error))?;
        let (identity, value) = (mapping.identity(), self.cell.number());
        let passed = Passed { number: descriptor.as_raw_fd(), identity, value };
        command.env(name, passed.to_entry());
        command.preserved_fds(vec![descriptor.into()]);
        Ok(())
    }

    pub(crate) fn inherit(name: &str, guarding: &Guarding) -> Result<Self, Error>
    where
        A: Attach,
    {
        by_environment::<C, A>(name, guarding).map(Self::of)
    }
}

/// The cell that was passed under a name.
pub(crate) fn by_environment<C: Handed + ?Sized, A: Attach>(name: &str, guarding: &Guarding) -> Result<Cell<C>, Error> {
    let not_passed = |reason: String| Error::NotPassed { name: name.escape_debug().to_string(), reason };
    let entry = env::var(name).map_err(|error| not_passed(error.to_string()))?;
    let passed = Passed::from_entry(&entry)
        .ok_or_else(|| not_passed(format!("the environment entry is `{}`", entry.escape_debug())))?;
    let file = sys::descriptor::duplicate(passed.number)
        .map_err(|error| not_passed(format!("descriptor {}: {error}", passed.number)))?;
    let identity = Identity::of(&file).map_err(|error| Error::io("inspect a descriptor", error))?;
    if identity != passed.identity {
        return Err(not_passed(format!("descriptor {} is another file by now", passed.number)));
    }
    // What this program starts does not get the value, unless it is passed on.
    sys::descriptor::close_on_exec(passed.number)
        .map_err(|error| Error::io("mark a descriptor to be closed", error))?;
    A::attach_to(file, Place::HandedOver(format!("(passed as {name})")), guarding, passed.value)
}

impl<C: Shared + ?Sized> Synchronized<C> {
    /// The value that the program that started this one has [passed](Synchronized::pass_to) under the name.
    ///
    /// It can be taken more than once. What this program starts does not get it, unless it is passed on.
    ///
    /// # Errors
    /// `NotPassed` if there is none, `LayoutMismatch` if it is of another type, `Io`, also if it was passed for reading.
    pub fn inherited(name: &str) -> Result<Self, Error> {
        Self::inherit(name, &ReadWrite::guarding())
    }
}

impl<C: Shared + ?Sized> Synchronized<C, ReadOnly> {
    /// As [`Synchronized::inherited`], for reading, whether it was passed for reading or for writing.
    ///
    /// # Errors
    /// The same.
    pub fn inherited_read_only(name: &str) -> Result<Self, Error> {
        Self::inherit(name, &ReadOnly::guarding())
    }
}

impl<C: Shared + ?Sized> Synchronized<C, Unlocked> {
    /// As [`Synchronized::inherited`], for a value without a lock.
    ///
    /// # Errors
    /// The same.
    pub fn inherited_unlocked(name: &str) -> Result<Self, Error> {
        Self::inherit(name, &Unlocked::guarding())
    }
}

/// What the environment entry says.
struct Passed {
    number: RawFd,
    identity: Identity,
    /// Which value of its segment it is.
    value: u64,
}

impl Passed {
    fn to_entry(&self) -> String {
        let Identity { device, inode } = self.identity;
        format!("descriptor {} device {device} inode {inode} value {}", self.number, self.value)
    }

    fn from_entry(entry: &str) -> Option<Self> {
        let words: [&str; 8] = entry.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let ["descriptor", number, "device", device, "inode", inode, "value", value] = words else { return None };
        let identity = Identity { device: device.parse().ok()?, inode: inode.parse().ok()? };
        Some(Self { number: number.parse().ok()?, identity, value: value.parse().ok()? })
    }
}
