//! Attempts of a process to write to a value that it was given for reading.
#![allow(unsafe_code)]

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::ptr;

use rustix::fs::{FallocateFlags, SealFlags, fallocate, fcntl_add_seals};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect};

/// The name of an attempt, and its result.
pub type Attempt = (&'static str, io::Result<()>);

/// Tries all ways to change the memory of a value without a name, which this process has mapped for reading through
/// `descriptor`.
///
/// # Panics
/// If the process has not mapped it.
pub fn attempts_to_write(descriptor: &File) -> Vec<Attempt> {
    let mut attempts = vec![
        ("write", descriptor.write_all_at(b"intruder", 0)),
        ("ftruncate", descriptor.set_len(0)),
        (
            "punch a hole",
            fallocate(descriptor, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, 64).map_err(Into::into),
        ),
        ("add a seal", fcntl_add_seals(descriptor, SealFlags::WRITE).map_err(Into::into)),
        ("map for writing", map(descriptor)),
        ("mprotect", make_writable()),
        ("write by /proc/self/mem", write_by_mem()),
    ];
    // The owner of a file may change its mode.
    let _ = descriptor.set_permissions(Permissions::from_mode(0o666));
    let again = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    match OpenOptions::new().read(true).write(true).open(again) {
        Ok(again) => {
            attempts.push(("reopen and map for writing", map(&again)));
            attempts.push(("reopen and write", again.write_all_at(b"intruder", 0)));
            let punched = fallocate(&again, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, 64);
            attempts.push(("reopen and punch a hole", punched.map_err(Into::into)));
        }
        Err(error) => attempts.push(("reopen", Err(error))),
    }
    attempts
}

fn map(file: impl AsFd) -> io::Result<()> {
    // SAFETY: the kernel chooses a free address, and nothing refers to the memory.
    let mapped =
        unsafe { mmap(ptr::null_mut(), 64, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, file.as_fd(), 0) };
    Ok(mapped.map(|_| ())?)
}

/// Returns the first address of the mapping of the value, and its end.
fn addresses() -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").expect("the kernel shows the mappings");
    let line = maps.lines().find(|line| line.contains("memfd:shared-value")).expect("a value is mapped");
    let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
    let address = |text| usize::from_str_radix(text, 16).expect("an address");
    (address(start), address(end))
}

fn make_writable() -> io::Result<()> {
    let (start, end) = addresses();
    let at = ptr::with_exposed_provenance_mut(start);
    // SAFETY: writing there may become possible, but no code does it.
    Ok(unsafe { mprotect(at, end - start, MprotectFlags::READ | MprotectFlags::WRITE) }?)
}

fn write_by_mem() -> io::Result<()> {
    let memory = OpenOptions::new().write(true).open("/proc/self/mem")?;
    memory.write_all_at(b"intruder", addresses().0 as u64)
}
