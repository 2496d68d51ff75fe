//! `MemoryGroup`: a control group that limits memory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::deadline::eventually;

/// A control group whose processes may use a limited amount of memory together. Dropping it waits until it is empty.
#[derive(Debug)]
pub struct MemoryGroup {
    path: PathBuf,
}

impl MemoryGroup {
    /// Makes a group that allows this number of bytes, by the first or the second version of the kernel's interface.
    ///
    /// # Errors
    /// If this process may not make one, or there is no controller for memory.
    pub fn new(name: &str, most: usize) -> io::Result<Self> {
        let name = format!("shared-value-tests-{name}-{}", std::process::id());
        let makers = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        let mut refusal = io::Error::from(io::ErrorKind::Unsupported);
        for (root, limit) in makers {
            let path = Path::new(root).join(&name);
            if let Err(error) = fs::create_dir(&path) {
                refusal = error;
                continue;
            }
            match fs::write(path.join(limit), most.to_string()) {
                Ok(()) => return Ok(Self { path }),
                Err(error) => refusal = error,
            }
            fs::remove_dir(&path)?;
        }
        Err(io::Error::new(refusal.kind(), format!("this process may not limit memory: {refusal}")))
    }

    /// Moves a process into the group; zero is the calling process.
    ///
    /// # Panics
    /// If the process has ended.
    #[track_caller]
    pub fn admit(&self, process: u32) {
        fs::write(self.path.join("cgroup.procs"), process.to_string()).expect("the process runs");
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        eventually("the group is empty", || fs::remove_dir(&self.path).is_ok());
    }
}
