//! `Mapped`: the segment that this process has mapped.

use std::fs;
use std::path::PathBuf;

use crate::process::users::{File, shared_mapping};

/// A file that this process has mapped as shared memory.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(crate) file: File,
    /// The path that leads to it, if there is one.
    pub(crate) path: Option<PathBuf>,
}

impl Mapped {
    /// Finds the first file.
    pub(crate) fn find() -> Option<Self> {
        let maps = fs::read("/proc/self/maps").ok()?;
        let maps = String::from_utf8_lossy(&maps);
        let (line, file) = maps.lines().find_map(|line| Some((line, shared_mapping(line)?.0)))?;
        let path = line.find('/').map(|start| PathBuf::from(&line[start..]));
        // The file may have lost its name, or another file may have it by now.
        Some(Self { file, path: path.filter(|path| File::at(path) == Some(file)) })
    }
}
