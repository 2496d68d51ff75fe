//! Files that are made whole before they get a name, and memory that is a file without one.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags};

/// Memory without a name in any directory (`memfd_create(2)`); `label` shows in `/proc`.
pub(crate) fn memory(label: &str) -> io::Result<File> {
    let file: File = fs::memfd_create(label, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?.into();
    // Or else another user who is given a descriptor for reading could open it again for writing.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// A file in the directory, without a name, that goes away with its descriptor (`O_TMPFILE` of `open(2)`). It gets the
/// permissions of the mode but for those in the umask of the process.
pub(crate) fn unnamed(directory: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(fs::open(directory, flags, Mode::from_raw_mode(mode))?.into())
}

/// Gives an unnamed file a name, if that is free.
pub(crate) fn publish(file: &File, path: &Path) -> io::Result<()> {
    Ok(fs::linkat(CWD, descriptor_path(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// Opens a file to read and write. Symbolic links are not followed, and opening a pipe does not block.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDWR | OFlags::NOFOLLOW)
}

/// The same, to read.
pub(crate) fn open_read_only(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDONLY | OFlags::NOFOLLOW)
}

/// Opens the file of a descriptor once more, to read.
pub(crate) fn reopen_read_only(file: &File) -> io::Result<File> {
    open_with(Path::new(&descriptor_path(file)), OFlags::RDONLY)
}

fn open_with(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file: OwnedFd = fs::open(path, flags, Mode::empty())?;
    Ok(file.into())
}

/// Takes the memory or disk space for a part of the file now, so that no later access to it runs out of that.
pub(crate) fn allocate(file: impl AsFd, part: Range<u64>) -> io::Result<()> {
    let length = part.end - part.start;
    Ok(rustix::io::retry_on_intr(|| fs::fallocate(&file, FallocateFlags::empty(), part.start, length))?)
}

/// Fixes the length of memory for ever: nobody can make accesses to it fail by cutting it short.
pub(crate) fn seal_length(file: impl AsFd) -> io::Result<()> {
    Ok(fs::fcntl_add_seals(file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?)
}

/// Refuses for ever that the memory is mapped or written once more by whoever; the mappings that exist go on
/// (`F_SEAL_FUTURE_WRITE` of `fcntl(2)`, since Linux 5.1).
pub(crate) fn seal_writers(file: impl AsFd) -> io::Result<()> {
    Ok(fs::fcntl_add_seals(file, SealFlags::FUTURE_WRITE)?)
}

/// Opens the file of a descriptor of another process of the same user, to read and write.
pub(crate) fn open_descriptor(process: u32, number: RawFd) -> io::Result<File> {
    open_with(Path::new(&format!("/proc/{process}/fd/{number}")), OFlags::RDWR)
}

/// The same, to read.
pub(crate) fn open_descriptor_read_only(process: u32, number: RawFd) -> io::Result<File> {
    open_with(Path::new(&format!("/proc/{process}/fd/{number}")), OFlags::RDONLY)
}

/// Where the kernel shows an open file of this process.
fn descriptor_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
