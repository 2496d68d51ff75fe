//! `SegmentName`: a name that no other test uses.

use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::deadline::eventually;

/// A name that no other test of any process uses, unlinked when this is dropped.
#[derive(Debug)]
pub struct SegmentName {
    name: String,
}

impl SegmentName {
    /// A new name; `label` tells people which test it belongs to.
    pub fn new(label: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { name: format!("shared-value-tests-{}-{number}-{label}", process::id()) }
    }

    /// A name that another process was told.
    pub fn of(name: String) -> Self {
        Self { name }
    }

    /// Waits until nobody has the segment open any more: children that another test has forked have what this process had
    /// open then, until they end.
    ///
    /// # Panics
    /// If somebody keeps it open.
    #[track_caller]
    pub fn wait_until_unused(&self) {
        let inode = format!(":{}", std::fs::metadata(self.path()).expect("the segment is there").ino());
        eventually("nobody has the segment open", || {
            let locks = std::fs::read_to_string("/proc/locks").expect("the kernel shows its locks");
            !locks.split_whitespace().any(|word| word.ends_with(&inode))
        });
    }

    /// The file that stands for the name.
    pub fn path(&self) -> PathBuf {
        Path::new("/dev/shm").join(&self.name)
    }
}

impl Deref for SegmentName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl Drop for SegmentName {
    fn drop(&mut self) {
        // Most tests created it; those that did not, or have unlinked it, have nothing to clean up.
        let _ = shared_value::unlink(&self.name);
    }
}
