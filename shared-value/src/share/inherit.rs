//! Handing a value to a program that this one starts: an inherited descriptor, and an environment entry with its number.

use std::env;
use std::os::fd::RawFd;
use std::process::Command;

use crate::cell::{Cell, Recognized};
use crate::error::Error;
use crate::format::SegmentId;
use crate::segment::{Location, Mapping, id_of};
use crate::share::opening::Opening;
use crate::sys;
use crate::sys::descriptor::Descriptor;

/// Passes the value with this number in a segment to the program that the command will start.
pub(crate) fn pass_to(mapping: &Mapping, number: u64, command: &mut Command, name: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(Error::InvalidName {
            name: name.escape_debug().to_string(),
            reason: "an environment entry has a name without `=` and NUL",
        });
    }
    // Duplicates the descriptor, so that the value may be dropped before the command starts.
    let duplicate = mapping.file().and_then(sys::descriptor::duplicate).and_then(Descriptor::of);
    let descriptor = duplicate.map_err(|error| Error::io("duplicate a descriptor", error))?;
    let passed = Passed { descriptor: descriptor.number(), id: mapping.id(), number };
    command.env(name, passed.to_entry());
    descriptor.pass_to(command);
    Ok(())
}

/// Returns the environment entry for a value whose descriptor has this number in the program that is started.
pub(crate) fn entry(mapping: &Mapping, number: u64, descriptor: RawFd) -> String {
    Passed { descriptor, id: mapping.id(), number }.to_entry()
}

/// Opens the value that was passed under a name.
pub(super) fn open<C: Recognized + ?Sized>(name: &str, opening: &Opening) -> Result<Cell<C>, Error> {
    let not_passed = |reason: String| Error::NotPassed { name: name.escape_debug().to_string(), reason };
    let entry = env::var(name).map_err(|error| not_passed(error.to_string()))?;
    let Passed { descriptor, id, number } = Passed::from_entry(&entry)
        .ok_or_else(|| not_passed(format!("the environment entry is `{}`", entry.escape_debug())))?;
    let file = sys::descriptor::duplicate_number(descriptor).map_err(|error| {
        if sys::descriptor::is_out_of_descriptors(&error) {
            return Error::io("duplicate a descriptor", error);
        }
        not_passed(format!("descriptor {descriptor}: {error}"))
    })?;
    let found =
        id_of(&file).map_err(|error| not_passed(format!("descriptor {descriptor} is another file: {error}")))?;
    if found != id {
        return Err(not_passed(format!("descriptor {descriptor} is another segment by now")));
    }
    // Programs that this one starts do not get the value, unless it is passed on.
    sys::descriptor::close_on_exec(descriptor).map_err(|error| Error::io("mark a descriptor to be closed", error))?;
    opening.attach_number(file, Location::handed_over(format!("(passed as {name})")), number)
}

/// The contents of the environment entry.
struct Passed {
    descriptor: RawFd,
    id: SegmentId,
    /// The number of the value in its segment.
    number: u64,
}

impl Passed {
    fn to_entry(&self) -> String {
        format!("descriptor {} identity {} value {}", self.descriptor, self.id, self.number)
    }

    fn from_entry(entry: &str) -> Option<Self> {
        let words: [&str; 6] = entry.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let ["descriptor", descriptor, "identity", id, "value", number] = words else { return None };
        Some(Self { descriptor: descriptor.parse().ok()?, id: id.parse().ok()?, number: number.parse().ok()? })
    }
}
