//! Memory for files: asked for before it is used, so that what cannot be had is an error and not a signal.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{self, FallocateFlags, MemfdFlags, SealFlags, SeekFrom};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::sys::descriptor;
use crate::sys::file::read_text;

/// Creates memory that has no name in any directory (`memfd_create(2)`). `/proc` shows the `label`.
///
/// The memory can never be executed: `vm.memfd_noexec = 2` allows no other. Kernels before 6.3 do not know the flag.
#[expect(clippy::disallowed_methods, reason = "the descriptor moves above the standard streams at once")]
pub(crate) fn create(label: &str) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let sealed = match fs::memfd_create(label, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => fs::memfd_create(label, flags),
        sealed => sealed,
    };
    let file = descriptor::above_standard(sealed?)?;
    // Otherwise a process of another user that gets a descriptor for reading could open the memory again for writing.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Sets the length of a new file.
///
/// # Errors
/// `FileTooLarge` if the process may not make so large a file. The kernel would send SIGXFSZ too, which ends the process.
pub(crate) fn set_length(file: &File, length: u64) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(most) if length > most => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("this process may make files of at most {most} bytes, not {length} (RLIMIT_FSIZE)"),
        )),
        _ => file.set_len(length),
    }
}

/// Reserves memory or disk space for a part of a file that was never written: from `start` up to `most` if that can be
/// had, and up to `least` in any case. Returns the end of the reserved part.
///
/// # Errors
/// `StorageFull` if the file system is full, `OutOfMemory` if the machine is. Then nothing was reserved.
pub(crate) fn reserve(file: impl AsFd, start: u64, least: u64, most: u64) -> io::Result<u64> {
    let file = file.as_fd();
    check_available(file, least.saturating_sub(start))?;
    let mut end = start;
    let ahead = reserve_pieces(file, &mut end, most);
    if let Err(error) = ahead.or_else(|_| reserve_pieces(file, &mut end, least)) {
        // This is for other processes. If it fails, the memory stays with the file.
        let _ = give_back(file, start..end);
        return Err(error);
    }
    Ok(end)
}

/// Returns the pages that a part of a file touches.
pub(crate) fn pages_of(part: Range<usize>) -> Range<usize> {
    let page = rustix::param::page_size();
    part.start / page * page..part.end.next_multiple_of(page)
}

/// Reserves memory for a small part of a file. Needs no memory of this process.
pub(crate) fn reserve_small(file: impl AsFd, part: Range<u64>) -> io::Result<()> {
    let mut start = part.start;
    reserve_pieces(file.as_fd(), &mut start, part.end)
}

/// Reserves piece after piece, from `start` on. `start` moves along.
fn reserve_pieces(file: BorrowedFd<'_>, start: &mut u64, end: u64) -> io::Result<()> {
    // Kernels before 6.8 end this call at any signal, and free again what it has reserved. So a program with a timer would
    // never get a large part at once.
    const MOST: u64 = 4 << 20;
    const LEAST: u64 = 4096;
    let mut piece = MOST;
    while *start < end {
        let length = piece.min(end - *start);
        match fs::fallocate(file, FallocateFlags::empty(), *start, length) {
            Ok(()) => *start += length,
            Err(Errno::INTR) => piece = (piece / 2).max(LEAST),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Reserves memory for the holes in a part of a file. A copy of a file often has holes where the file has zeros.
///
/// # Errors
/// Those of `reserve`. A file system that cannot reserve is not an error.
pub(crate) fn fill_holes(file: impl AsFd, part: Range<u64>) -> io::Result<()> {
    let file = file.as_fd();
    let mut from = part.start;
    while let Some(hole) = next_hole(file, from..part.end)? {
        check_available(file, hole.end - hole.start)?;
        let mut start = hole.start;
        match reserve_pieces(file, &mut start, hole.end) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::OPNOTSUPP) => break,
            filled => filled?,
        }
        from = hole.end;
    }
    Ok(())
}

/// Lets the closure load pages for the holes in a part of a file, if its file system takes memory for a page that is only read:
/// tmpfs does. Memory without a name does too, but no file system limits it.
///
/// # Errors
/// `OutOfMemory`, and the error of the closure.
pub(crate) fn load_holes(
    file: impl AsFd,
    part: Range<u64>,
    mut load: impl FnMut(Range<u64>) -> io::Result<()>,
) -> io::Result<()> {
    let file = file.as_fd();
    if has_fixed_length(file) || !is_in_memory(file) {
        return Ok(());
    }
    let mut from = part.start;
    while let Some(hole) = next_hole(file, from..part.end)? {
        check_available(file, hole.end - hole.start)?;
        load(hole.clone())?;
        from = hole.end;
    }
    Ok(())
}

/// Calls the closure with each part of a part of a file that is not a hole.
pub(crate) fn for_each_data(file: impl AsFd, part: Range<u64>, mut see: impl FnMut(Range<u64>)) -> io::Result<()> {
    let file = file.as_fd();
    let mut from = part.start;
    while from < part.end {
        let hole = next_hole(file, from..part.end)?.unwrap_or(part.end..part.end);
        if from < hole.start {
            see(from..hole.start);
        }
        from = hole.end;
    }
    Ok(())
}

/// Returns how many bytes of memory a file has, if it lies in memory. A file on a disk may have fewer bytes than were written:
/// its file system may compress them.
pub(crate) fn allocated(file: impl AsFd) -> Option<u64> {
    const BLOCK: u64 = 512;
    let file = file.as_fd();
    let facts = is_in_memory(file).then(|| fs::fstat(file).ok()).flatten()?;
    u64::try_from(facts.st_blocks).ok()?.checked_mul(BLOCK)
}

/// Returns the first hole in a part of a file. It is never empty.
fn next_hole(file: BorrowedFd<'_>, part: Range<u64>) -> io::Result<Option<Range<u64>>> {
    if part.is_empty() {
        return Ok(None);
    }
    let start = match fs::seek(file, SeekFrom::Hole(part.start)) {
        Ok(start) if start < part.end => start,
        // The file has no further hole, or the file system does not tell.
        Ok(_) | Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let end = fs::seek(file, SeekFrom::Data(start)).map_or(part.end, |data| data.min(part.end));
    // A peer may fill the hole at the same time.
    Ok(Some(start..end.max(start + 1)))
}

/// Frees the memory of a part of a file, which reads as zeros then.
pub(crate) fn give_back(file: impl AsFd, part: Range<u64>) -> io::Result<()> {
    if part.is_empty() {
        return Ok(());
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let punch = || fs::fallocate(&file, flags, part.start, part.end - part.start);
    Ok(rustix::io::retry_on_intr(punch)?)
}

/// Returns whether the file is memory that this library has made without a name, and that never had one.
pub(crate) fn is_nameless(file: impl AsFd) -> bool {
    // Files in `/dev/shm` can be sealed too, but are not.
    fs::fcntl_get_seals(file).is_ok_and(|seals| seals.contains(SealFlags::SHRINK))
}

/// Returns whether the kernel has a page for any write to the file, without a reservation. That is true of memory without a
/// name, which no file system limits, unless the machine promises no more memory than it has: then a write to a new page may
/// raise SIGBUS.
pub(crate) fn comes_with_writes(file: impl AsFd) -> bool {
    has_fixed_length(file) && is_overcommitted()
}

/// Returns whether the length of the file is sealed, which is possible only for memory without a name.
fn has_fixed_length(file: impl AsFd) -> bool {
    const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);
    fs::fcntl_get_seals(file).is_ok_and(|seals| seals.contains(SEALS))
}

/// Returns whether the kernel promises memory that it may not have (`vm.overcommit_memory` of `proc(5)`), as it does unless
/// told otherwise.
pub(crate) fn is_overcommitted() -> bool {
    read_text("/proc/sys/vm/overcommit_memory").is_ok_and(|mode| matches!(mode.trim(), "0" | "1"))
}

/// Checks that the machine has this number of bytes for a file in memory. Otherwise the kernel would kill a process to get
/// them.
fn check_available(file: BorrowedFd<'_>, bytes: u64) -> io::Result<()> {
    if is_in_memory(file) { expect_available(bytes) } else { Ok(()) }
}

/// Returns whether the file lies on tmpfs, or is memory without a name.
fn is_in_memory(file: BorrowedFd<'_>) -> bool {
    // The magic number of tmpfs (`statfs(2)`).
    const TMPFS: u64 = 0x0102_1994;
    fs::fstatfs(file).is_ok_and(|facts| facts.f_type.cast_unsigned() == TMPFS)
}

/// Checks that this process can get this number of bytes of memory.
///
/// # Errors
/// `OutOfMemory`. A small number is not checked, and neither is any without `/proc`.
pub(crate) fn expect_available(bytes: u64) -> io::Result<()> {
    const SMALL: u64 = 4 << 20;
    if bytes < SMALL {
        return Ok(());
    }
    let left = [("the machine has", left_by_machine()), ("the control group of this process has", left_by_groups())];
    match left.into_iter().find_map(|(owner, most)| Some((owner, most.filter(|most| bytes > *most)?))) {
        Some((owner, most)) => Err(io::Error::new(
            io::ErrorKind::OutOfMemory,
            format!("{owner} {most} bytes of memory left, {bytes} are needed"),
        )),
        None => Ok(()),
    }
}

/// Returns how many bytes the kernel can find without killing a process, as it estimates (`proc_meminfo(5)`).
fn left_by_machine() -> Option<u64> {
    let facts = read_text("/proc/meminfo").ok()?;
    let bytes = |label| Some(field(&facts, label)?.strip_suffix(" kB")?.parse::<u64>().ok()?.saturating_mul(1024));
    Some(bytes("MemAvailable:")?.saturating_add(bytes("SwapFree:").unwrap_or(0)))
}

/// Returns how many bytes the control groups of this process allow it to take (`cgroups(7)`), if they limit it. At the limit,
/// the kernel kills a process of the group.
fn left_by_groups() -> Option<u64> {
    let groups = read_text("/proc/self/cgroup").ok()?;
    groups.lines().filter_map(left_by_group).min()
}

/// Returns how many bytes the groups of one line leave: a group and all groups above it. The line is
/// `number:controllers:path`.
fn left_by_group(line: &str) -> Option<u64> {
    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
    let (root, limit, usage, prefix) = if controllers.is_empty() {
        ("/sys/fs/cgroup", "memory.max", "memory.current", "")
    } else if controllers.split(',').any(|controller| controller == "memory") {
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
    } else {
        return None;
    };
    let left = |group: &Path| {
        let text = |name| read_text(&format!("{root}/{}{name}", group.display())).ok();
        let number = |name| text(name)?.trim().parse::<u64>().ok();
        let (most, used, facts) = (number(limit)?, number(usage)?, text("memory.stat")?);
        // The kernel writes back and frees the pages of files before it kills.
        let files = ["inactive_file ", "active_file "]
            .map(|label| field(&facts, &format!("{prefix}{label}"))?.parse::<u64>().ok());
        let files: u64 = files.into_iter().flatten().sum();
        Some(most.saturating_sub(used.saturating_sub(files)))
    };
    let group = Path::new(path.trim_start_matches('/')).join("");
    group.ancestors().filter_map(|group| left(&group.join(""))).min()
}

/// Returns the rest of the line that begins with a label.
fn field<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(label)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `vm.memfd_noexec` is 2, the kernel refuses memory that could be executed.
    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the kernel is asked what it knows, by a descriptor that is closed at once"
    )]
    fn memory_is_never_executable() {
        const SEAL_EXEC: u32 = 0x20;
        let file = create("executable").expect("there is memory");
        let mode = file.metadata().expect("it is open").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let is_known = fs::memfd_create("known", MemfdFlags::NOEXEC_SEAL).is_ok();
        let seals = fs::fcntl_get_seals(&file).expect("it can be sealed").bits();
        assert_eq!(seals & SEAL_EXEC != 0, is_known, "{seals:#x}");
        crate::sys::file::seal_length(&file).expect("it can still be sealed");
    }
}
