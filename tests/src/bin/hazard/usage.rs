//! `Usage`: resources of the system that this process uses.

use std::fs;

use anyhow::{Context, Result};
use shared_value_tests::{SegmentName, number_of_file};

/// Resources of the system that this process uses at one moment.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) descriptors: usize,
    pub(crate) mappings: usize,
    /// Resident memory.
    pub(crate) kibibytes: u64,
    /// Device and inode of each mapping, as `/proc` shows them.
    mapped: Vec<String>,
}

impl Usage {
    pub(crate) fn now() -> Result<Self> {
        let maps = fs::read_to_string("/proc/self/maps")?;
        // Address, permissions, offset, device, inode, path.
        let file = |line: &str| line.split_ascii_whitespace().skip(3).take(2).collect::<Vec<_>>().join(" ");
        let mapped: Vec<_> = maps.lines().map(file).collect();
        let status = fs::read_to_string("/proc/self/status")?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("the kernel tells the resident memory")?;
        let kibibytes = resident.trim().trim_end_matches(" kB").parse()?;
        Ok(Self { descriptors: fs::read_dir("/proc/self/fd")?.count(), mappings: mapped.len(), kibibytes, mapped })
    }

    /// Returns whether the segment is mapped.
    pub(crate) fn maps(&self, name: &SegmentName) -> bool {
        self.mapped.contains(&number_of_file(&name.path(), ' '))
    }
}
