//! `Users`: the processes that have segments mapped.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor};

use crate::process::status::{Process, command_of};

/// `ESRCH`: the process has ended since its files were opened.
const NO_SUCH_PROCESS: i32 = 3;

/// A file, as the maps of processes name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct File {
    device: (u32, u32),
    inode: u64,
}

impl File {
    /// Returns the file at a path.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        let facts = fs::symlink_metadata(path).ok()?;
        Some(Self { device: (major(facts.dev()), minor(facts.dev())), inode: facts.ino() })
    }
}

/// A process that has a file mapped.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) process: Process,
    pub(crate) writes: bool,
}

/// The processes that have files mapped as shared memory, as far as this process may look.
#[derive(Debug, Default)]
pub(crate) struct Users {
    by_file: HashMap<File, Vec<User>>,
    /// The number of processes that this one may not look into.
    pub(crate) hidden: usize,
}

impl Users {
    /// Looks at all processes.
    pub(crate) fn look() -> Self {
        let mut users = Self::default();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            match fs::read(format!("/proc/{id}/maps")) {
                Ok(maps) => users.add(id, &String::from_utf8_lossy(&maps)),
                // It has ended.
                Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(NO_SUCH_PROCESS) => {}
                Err(_) => users.hidden += 1,
            }
        }
        users
    }

    fn add(&mut self, id: u32, maps: &str) {
        let mut files: HashMap<File, bool> = HashMap::new();
        for (file, writes) in maps.lines().filter_map(shared_mapping) {
            *files.entry(file).or_default() |= writes;
        }
        if files.is_empty() {
            return;
        }
        let Some(process) =
            Process::of_thread(id).or_else(|| Some(Process { id, command: command_of(id)?, state: '?' }))
        else {
            return;
        };
        for (file, writes) in files {
            self.by_file.entry(file).or_default().push(User { process: process.clone(), writes });
        }
    }

    /// Returns the processes that have a file mapped, in the order of their ids.
    pub(crate) fn of(&self, file: File) -> Vec<User> {
        let mut users = self.by_file.get(&file).cloned().unwrap_or_default();
        users.sort_by_key(|user| user.process.id);
        users
    }
}

/// Reads a line of `proc_pid_maps(5)`. Returns the file of a shared mapping, and whether it can be written.
pub(super) fn shared_mapping(line: &str) -> Option<(File, bool)> {
    let mut fields = line.split_ascii_whitespace();
    let permissions = fields.nth(1)?;
    let (device, inode) = (fields.nth(1)?, fields.next()?.parse().ok()?);
    // A page that cannot be accessed only keeps the file open: it shows that a writer exists.
    if !permissions.ends_with('s') || !permissions.starts_with('r') || inode == 0 {
        return None;
    }
    let (major, minor) = device.split_once(':')?;
    let number = |text| u32::from_str_radix(text, 16).ok();
    Some((File { device: (number(major)?, number(minor)?), inode }, permissions.contains('w')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The maps are text of the kernel: a changed form would make all users invisible.
    #[test]
    fn lines_of_maps_are_read() {
        let file = File { device: (0, 0x1a), inode: 42 };
        let line = |permissions: &str| format!("7f00-7f10 {permissions} 00000000 00:1a 42    /dev/shm/a b");
        assert_eq!(shared_mapping(&line("rw-s")), Some((file, true)));
        assert_eq!(shared_mapping(&line("r--s")), Some((file, false)));
        assert_eq!(shared_mapping(&line("rw-p")), None);
        assert_eq!(shared_mapping(&line("---s")), None);
        assert_eq!(shared_mapping("7f00-7f10 rw-p 00000000 00:00 0"), None);
    }
}
