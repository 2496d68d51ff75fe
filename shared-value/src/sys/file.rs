//! Files that are complete before they get a name, and memory that is a file without a name.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;

/// Creates memory that has no name in any directory (`memfd_create(2)`). `/proc` shows the `label`.
///
/// The memory can never be executed: `vm.memfd_noexec = 2` allows no other. Kernels before 6.3 do not know the flag.
pub(crate) fn memory(label: &str) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let sealed = match fs::memfd_create(label, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => fs::memfd_create(label, flags),
        sealed => sealed,
    };
    let file: File = sealed?.into();
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

/// Opens the file that a process of the same user has open as this descriptor, for reading and writing.
pub(crate) fn open_descriptor(process: u32, number: RawFd) -> io::Result<File> {
    open_with(Path::new(&format!("/proc/{process}/fd/{number}")), OFlags::RDWR)
}

/// Opens the file that a process of the same user has open as this descriptor, for reading.
pub(crate) fn open_descriptor_read_only(process: u32, number: RawFd) -> io::Result<File> {
    open_with(Path::new(&format!("/proc/{process}/fd/{number}")), OFlags::RDONLY)
}

/// Returns the path that the kernel gives to an open file of this process.
fn descriptor_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `vm.memfd_noexec` is 2, the kernel refuses memory that could be executed.
    #[test]
    fn memory_is_never_executable() {
        const SEAL_EXEC: u32 = 0x20;
        let file = memory("executable").expect("there is memory");
        let mode = file.metadata().expect("it is open").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let is_known = fs::memfd_create("known", MemfdFlags::NOEXEC_SEAL).is_ok();
        let seals = fs::fcntl_get_seals(&file).expect("it can be sealed").bits();
        assert_eq!(seals & SEAL_EXEC != 0, is_known, "{seals:#x}");
        seal_length(&file).expect("it can still be sealed");
    }
}
