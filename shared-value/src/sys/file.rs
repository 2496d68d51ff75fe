//! Files that are complete before they get a name, and memory that is a file without a name.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags};

/// Creates memory that has no name in any directory (`memfd_create(2)`). `/proc` shows the `label`.
pub(crate) fn memory(label: &str) -> io::Result<File> {
    let file: File = fs::memfd_create(label, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?.into();
    // Otherwise a process of another user that gets a descriptor for reading could open the memory again for writing.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Creates a file in the directory, without a name, that vanishes with its last descriptor (`O_TMPFILE` of `open(2)`). It
/// has the permissions of the mode, except those in the umask of the process.
pub(crate) fn unnamed(directory: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(fs::open(directory, flags, Mode::from_raw_mode(mode))?.into())
}

/// Gives an unnamed file a name.
///
/// # Errors
/// `AlreadyExists` if the name is taken.
pub(crate) fn publish(file: &File, path: &Path) -> io::Result<()> {
    Ok(fs::linkat(CWD, descriptor_path(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// Opens a file for reading and writing. Does not follow symbolic links, and does not block on a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDWR | OFlags::NOFOLLOW)
}

/// Opens a file for reading. Does not follow symbolic links, and does not block on a pipe.
pub(crate) fn open_read_only(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDONLY | OFlags::NOFOLLOW)
}

/// Opens the file of a descriptor again, for reading and writing.
pub(crate) fn reopen(file: &File) -> io::Result<File> {
    open_with(Path::new(&descriptor_path(file)), OFlags::RDWR)
}

/// Opens the file of a descriptor again, for reading.
pub(crate) fn reopen_read_only(file: &File) -> io::Result<File> {
    open_with(Path::new(&descriptor_path(file)), OFlags::RDONLY)
}

fn open_with(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file: OwnedFd = fs::open(path, flags, Mode::empty())?;
    Ok(file.into())
}

/// Reserves the memory or disk space for a part of the file, so that no later access to it runs out of space.
pub(crate) fn allocate(file: impl AsFd, part: Range<u64>) -> io::Result<()> {
    let length = part.end - part.start;
    Ok(rustix::io::retry_on_intr(|| fs::fallocate(&file, FallocateFlags::empty(), part.start, length))?)
}

/// Fixes the length of memory for ever: no process can truncate it and make accesses fail.
pub(crate) fn seal_length(file: impl AsFd) -> io::Result<()> {
    Ok(fs::fcntl_add_seals(file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?)
}

/// Forbids new writable mappings of the memory, and writes to its file, for ever; existing mappings stay writable
/// (`F_SEAL_FUTURE_WRITE` of `fcntl(2)`, since Linux 5.1).
pub(crate) fn seal_writers(file: impl AsFd) -> io::Result<()> {
    Ok(fs::fcntl_add_seals(file, SealFlags::FUTURE_WRITE)?)
}

/// Finds a file without opening it (`O_PATH` of `open(2)`): pipes and devices do not notice. Does not follow symbolic links.
pub(crate) fn look(path: &Path) -> io::Result<File> {
    look_with(path, OFlags::NOFOLLOW)
}

/// Finds the file that a process of the same user has open as this descriptor, without opening it.
pub(crate) fn look_at_descriptor(process: u32, number: RawFd) -> io::Result<File> {
    look_with(Path::new(&format!("/proc/{process}/fd/{number}")), OFlags::empty())
}

fn look_with(path: &Path, flags: OFlags) -> io::Result<File> {
    let file: OwnedFd = fs::open(path, flags | OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    Ok(file.into())
}

/// Returns the path that the kernel gives to an open file of this process.
fn descriptor_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
