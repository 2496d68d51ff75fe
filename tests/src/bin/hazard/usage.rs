//! `Usage`: resources of the system that this process uses.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result};
use shared_value_tests::SegmentName;

/// Resources of the system that this process uses at one moment.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) descriptors: usize,
    pub(crate) mappings: usize,
    /// Resident memory.
    pub(crate) kibibytes: u64,
    inodes: Vec<u64>,
}

impl Usage {
    pub(crate) fn now() -> Result<Self> {
        let maps = fs::read_to_string("/proc/self/maps")?;
        let inodes: Vec<_> =
            maps.lines().filter_map(|line| line.split_ascii_whitespace().nth(4)?.parse().ok()).collect();
        let status = fs::read_to_string("/proc/self/status")?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("the kernel tells the resident memory")?;
        let kibibytes = resident.trim().trim_end_matches(" kB").parse()?;
        Ok(Self { descriptors: fs::read_dir("/proc/self/fd")?.count(), mappings: inodes.len(), kibibytes, inodes })
    }

    /// Returns whether the segment is mapped.
    pub(crate) fn maps(&self, name: &SegmentName) -> Result<bool> {
        Ok(self.inodes.contains(&fs::metadata(name.path())?.ino()))
    }
}
