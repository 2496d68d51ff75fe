//! The system calls that the library makes for a named value, and one look at its memory: what its promises cost at least.
//!
//! They check that the file is a segment, keep it out of core dumps, mark it as in use, and see whether the descriptor is still
//! that of the file before they use it.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Result, ensure};
use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::fs::{AtFlags, FallocateFlags, OFlags, StatxFlags};
use rustix::process::{Resource, getrlimit};

/// The length of the segment of a value of 64 bytes.
const LENGTH: usize = 512;
/// The bytes of a file that processes lock while they use it, enter it, read it, and change its name.
const IN_USE: i64 = 0;
const ENTERING: i64 = 1;
const READ: i64 = 2;
const NAMING: i64 = 3;

/// Creates a file under this path as `create` does, and unlinks it as `unlink` does.
pub(super) fn create(path: &Path, prefix: &[u8]) -> Result<()> {
    let folder = path.parent().expect("a folder");
    let mut options = OpenOptions::new();
    let temporary = i32::try_from((OFlags::TMPFILE | OFlags::RDWR).bits())?;
    let file = options.read(true).write(true).custom_flags(temporary).mode(0o600).open(folder)?;
    getrlimit(Resource::Fsize);
    file.set_len(LENGTH as u64)?;
    rustix::fs::fstatfs(&file)?;
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, LENGTH as u64)?;
    file.write_all_at(prefix, 0)?;
    let memory = map(&file)?;
    is_unchanged(&file)?;
    lock(&file, IN_USE, 1, libc::F_RDLCK)?;
    is_unchanged(&file)?;
    let number = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(rustix::fs::CWD, number, rustix::fs::CWD, path, AtFlags::SYMLINK_FOLLOW)?;
    unlink(path)?;
    close(file, memory)
}

/// Opens the file as `open` does if no process has it open, and drops it.
pub(super) fn open(path: &Path) -> Result<()> {
    let file = open_file(path)?;
    let memory = map(&file)?;
    is_unchanged(&file)?;
    for byte in [ENTERING, IN_USE, READ] {
        lock(&file, byte, 1, libc::F_WRLCK)?;
    }
    is_unchanged(&file)?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Hole(0))?;
    lock(&file, IN_USE, 1, libc::F_RDLCK)?;
    lock(&file, ENTERING, 2, libc::F_UNLCK)?;
    close(file, memory)
}

fn unlink(path: &Path) -> Result<()> {
    rustix::fs::lstat(path)?;
    rustix::fs::statx(rustix::fs::CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::ALL)?;
    let file = open_file(path)?;
    file.metadata()?;
    lock(&file, NAMING, 1, libc::F_WRLCK)?;
    rustix::fs::lstat(path)?;
    rustix::fs::unlink(path)?;
    lock(&file, NAMING, 1, libc::F_UNLCK)?;
    Ok(())
}

fn open_file(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits();
    OpenOptions::new().read(true).write(true).custom_flags(flags.cast_signed()).open(path)
}

/// Reads the beginning of the file, and maps it.
fn map(file: &File) -> Result<MmapRaw> {
    file.metadata()?;
    let mut header = [0; LENGTH];
    file.read_exact_at(&mut header, 0)?;
    let memory = MmapOptions::new().len(LENGTH).map_raw(file)?;
    memory.advise(Advice::DontDump)?;
    rustix::fs::fcntl_getfl(file)?;
    // The first look takes a page fault, and then unmapping the page costs more.
    // SAFETY: the mapping is longer than the word, which all processes access as an atomic.
    let first = unsafe { AtomicU64::from_ptr(memory.as_mut_ptr().cast()) };
    ensure!(first.load(Relaxed) != 1, "a segment begins with its mark");
    Ok(memory)
}

/// Asks what the library compares before it uses a descriptor.
fn is_unchanged(file: &File) -> io::Result<()> {
    rustix::fs::fstat(file)?;
    rustix::fs::fcntl_getfl(file)?;
    Ok(())
}

fn close(file: File, memory: MmapRaw) -> Result<()> {
    is_unchanged(&file)?;
    drop(file);
    drop(memory);
    Ok(())
}

/// Locks bytes of this opening of the file, or unlocks them.
fn lock(file: &File, start: i64, length: i64, kind: c_int) -> Result<()> {
    let lock = libc::flock {
        l_type: libc::c_short::try_from(kind)?,
        l_whence: libc::c_short::try_from(libc::SEEK_SET)?,
        l_start: start,
        l_len: length,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open, and the kernel only reads `lock`, which is a `flock`.
    let result = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    ensure!(result == 0, io::Error::last_os_error());
    Ok(())
}
