//! Files that are complete before they get a name, and files that are opened again.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, Dir, Mode, OFlags, SealFlags};
use rustix::io::Errno;

use crate::sys::descriptor::{self, Identity};

/// Creates a file in the directory, without a name, that vanishes with its last descriptor (`O_TMPFILE` of `open(2)`). It
/// has the permissions of the mode, except those in the umask of the process.
#[expect(clippy::disallowed_methods, reason = "the descriptor moves above the standard streams at once")]
pub(crate) fn unnamed(directory: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    descriptor::above_standard(fs::open(directory, flags, Mode::from_raw_mode(mode))?)
}

/// Gives an unnamed file a name.
///
/// # Errors
/// `AlreadyExists` if the name is taken.
pub(crate) fn publish(file: impl AsFd, path: &Path) -> io::Result<()> {
    match fs::linkat(CWD, descriptor_path(&file), CWD, path, AtFlags::SYMLINK_FOLLOW) {
        Err(Errno::NOENT) if !is_proc_visible() => match fs::linkat(file, "", CWD, path, AtFlags::EMPTY_PATH) {
            // Before Linux 6.10, only a privileged process may do this without `/proc`.
            Err(Errno::NOENT) => Err(without_proc()),
            linked => Ok(linked?),
        },
        linked => Ok(linked?),
    }
}

/// Opens a file for reading and writing. Does not follow symbolic links, and does not block on a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_itself(path, OFlags::RDWR)
}

/// Opens a file for reading. Does not follow symbolic links, and does not block on a pipe.
pub(crate) fn open_read_only(path: &Path) -> io::Result<File> {
    open_itself(path, OFlags::RDONLY)
}

fn open_itself(path: &Path, flags: OFlags) -> io::Result<File> {
    open_with(path, flags | OFlags::NOFOLLOW).map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => io::Error::new(error.kind(), "it is a symbolic link, which is not followed"),
        _ => error,
    })
}

/// Opens the file of a descriptor again, for reading and writing.
pub(crate) fn reopen(file: impl AsFd) -> io::Result<File> {
    open_in_proc(&descriptor_path(&file), OFlags::RDWR)
}

/// Opens the file of a descriptor again, for reading.
pub(crate) fn reopen_read_only(file: impl AsFd) -> io::Result<File> {
    open_in_proc(&descriptor_path(&file), OFlags::RDONLY)
}

/// Opens the file that is mapped at these addresses again (`proc_pid_map_files(5)`).
///
/// # Errors
/// `PermissionDenied` if the process has neither `CAP_CHECKPOINT_RESTORE` nor `CAP_SYS_ADMIN`.
pub(crate) fn open_mapped(addresses: &std::ops::Range<usize>, read_only: bool) -> io::Result<File> {
    let end = addresses.end.next_multiple_of(rustix::param::page_size());
    let flags = if read_only { OFlags::RDONLY } else { OFlags::RDWR };
    open_in_proc(&format!("/proc/self/map_files/{:x}-{end:x}", addresses.start), flags)
}

#[expect(clippy::disallowed_methods, reason = "the descriptor moves above the standard streams at once")]
fn open_with(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
    descriptor::above_standard(fs::open(path, flags, Mode::empty())?)
}

/// Opens a path in `/proc`.
fn open_in_proc(path: &str, flags: OFlags) -> io::Result<File> {
    open_with(Path::new(path), flags).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if !is_proc_visible() => without_proc(),
        _ => error,
    })
}

/// Returns the text of a file in `/proc`. Names in it need not be UTF-8: the kernel cuts the name of a program in the middle of a
/// character, for example. Bytes that are not a character are replaced by U+FFFD.
pub(crate) fn read_text(path: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    open_in_proc(path, OFlags::RDONLY)?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Opens a directory, to list it.
pub(crate) fn directory(path: &Path) -> io::Result<Dir> {
    Ok(Dir::new(open_with(path, OFlags::RDONLY | OFlags::DIRECTORY)?)?)
}

/// Returns the identity of the file at a path, without opening it. Does not follow symbolic links.
pub(crate) fn identity(path: &Path) -> io::Result<Identity> {
    let facts = fs::lstat(path)?;
    Ok(Identity { device: facts.st_dev, inode: facts.st_ino })
}

/// Returns the identity of the file at a path, as `identity` does. Allocates no memory.
pub(crate) fn identity_at(path: &CStr) -> io::Result<Identity> {
    let facts = fs::lstat(path)?;
    Ok(Identity { device: facts.st_dev, inode: facts.st_ino })
}

/// Returns the kind of a file in words.
pub(crate) fn kind(kind: std::fs::FileType) -> &'static str {
    match () {
        () if kind.is_file() => "a regular file",
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => "a file of another kind",
    }
}

/// Returns the number of names that a file has.
pub(crate) fn links(file: impl AsFd) -> io::Result<u32> {
    Ok(u32::try_from(fs::fstat(file)?.st_nlink).unwrap_or(u32::MAX))
}

/// Removes a name. Allocates no memory.
pub(crate) fn remove(path: &CStr) -> io::Result<()> {
    Ok(fs::unlink(path)?)
}

/// Gives a file another name, in one step. If the name leads to a file, that file loses the name.
pub(crate) fn rename(from: &CStr, to: &CStr) -> io::Result<()> {
    Ok(fs::rename(from, to)?)
}

/// Gives a file the owner, the group and the permissions of another one.
///
/// # Errors
/// `PermissionDenied` if this process may not give files away to that owner or group.
pub(crate) fn copy_permissions(from: impl AsFd, to: impl AsFd) -> io::Result<()> {
    let (old, new) = (fs::fstat(from)?, fs::fstat(&to)?);
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) {
        fs::fchown(&to, Some(fs::Uid::from_raw(old.st_uid)), Some(fs::Gid::from_raw(old.st_gid)))?;
    }
    Ok(fs::fchmod(to, Mode::from_raw_mode(old.st_mode))?)
}

/// Returns whether `/proc` shows the descriptors of this process.
fn is_proc_visible() -> bool {
    fs::stat("/proc/self/fd").is_ok()
}

fn without_proc() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "`/proc` does not show this process: is it mounted?")
}

/// Fixes the length of memory forever: no process can truncate it and make accesses fail.
pub(crate) fn seal_length(file: impl AsFd) -> io::Result<()> {
    Ok(fs::fcntl_add_seals(file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?)
}

/// Forbids new writable mappings of the memory, and writes to its file, forever; existing mappings stay writable
/// (`F_SEAL_FUTURE_WRITE` of `fcntl(2)`, since Linux 5.1).
pub(crate) fn seal_writers(file: impl AsFd) -> io::Result<()> {
    Ok(fs::fcntl_add_seals(file, SealFlags::FUTURE_WRITE)?)
}

/// Returns the kind of the file at a path, without opening it. Does not follow symbolic links.
pub(crate) fn kind_at(path: &Path) -> io::Result<std::fs::FileType> {
    Ok(std::fs::symlink_metadata(path)?.file_type())
}

/// Finds a file without opening it (`O_PATH` of `open(2)`): pipes and devices do not notice. Does not follow symbolic links.
pub(crate) fn look(path: &Path) -> io::Result<File> {
    open_itself(path, OFlags::PATH)
}

/// Finds the file that a process of the same user has open as this descriptor, without opening it.
pub(crate) fn look_at_descriptor(process: u32, number: RawFd) -> io::Result<File> {
    open_in_proc(&format!("/proc/{process}/fd/{number}"), OFlags::PATH)
}

/// Returns the path that the kernel gives to an open file of this process.
fn descriptor_path(file: &impl AsFd) -> String {
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd())
}

/// Returns when a process was started, in clock ticks since the boot of the machine. Together with the id, which the kernel
/// may reuse, it identifies the process.
pub(crate) fn started_at(process: u32) -> io::Result<u64> {
    let facts = read_text(&format!("/proc/{process}/stat"))?;
    // The second field is a name in parentheses, which may hold anything; the start is field 22 (`proc(5)`).
    let start = facts.rsplit_once(')').and_then(|(_, fields)| fields.split_ascii_whitespace().nth(19));
    let ticks = start.and_then(|ticks| ticks.parse().ok());
    ticks.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "`/proc` shows no start time of the process"))
}
