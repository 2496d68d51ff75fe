//! `SegmentName`: a name that no other test uses.

use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{major, minor};
use shared_value::{Location, Source};

use crate::deadline::eventually;

/// A name that no other test of any process uses. Dropping this unlinks the name.
#[derive(Debug)]
pub struct SegmentName {
    name: String,
}

impl SegmentName {
    /// Makes a new name; `label` tells people which test uses it.
    pub fn new(label: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { name: format!("shared-value-tests-{}-{number}-{label}", process::id()) }
    }

    /// Takes over a name that another process has made.
    pub fn of(name: String) -> Self {
        Self { name }
    }

    /// Waits until no process has the segment open. Children that another test has forked keep the segment open until they
    /// end.
    ///
    /// # Panics
    /// If a process has the segment open until the deadline.
    #[track_caller]
    pub fn wait_until_unused(&self) {
        let file = number_of_file(&self.path(), ':');
        eventually("no process has the segment open", || {
            let locks = std::fs::read_to_string("/proc/locks").expect("the kernel shows its locks");
            !locks.split_whitespace().any(|word| word == file)
        });
    }

    /// Returns the path of the segment's file.
    pub fn path(&self) -> PathBuf {
        Path::new("/dev/shm").join(&self.name)
    }
}

/// Returns how the kernel lists a file: by its device and its inode. Files without a name, which are on another device, may have
/// the same inode. `separator` is `:` in `/proc/locks`, and a space in `/proc/self/maps`.
///
/// # Panics
/// If there is no file.
pub fn number_of_file(path: &Path, separator: char) -> String {
    let facts = std::fs::metadata(path).expect("the file exists");
    format!("{:02x}:{:02x}{separator}{}", major(facts.dev()), minor(facts.dev()), facts.ino())
}

impl Deref for SegmentName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl<'a> From<&'a SegmentName> for Location<'a> {
    fn from(name: &'a SegmentName) -> Self {
        Self::from(&*name.name)
    }
}

impl<'a> From<&'a SegmentName> for Source<'a> {
    fn from(name: &'a SegmentName) -> Self {
        Self::from(&*name.name)
    }
}

impl Drop for SegmentName {
    fn drop(&mut self) {
        // Some tests have not created it, or have unlinked it.
        let _ = shared_value::unlink(&self.name);
    }
}
