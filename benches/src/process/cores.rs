//! The cores that this process and its children choose from.

use std::env;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The environment variable that lists all cores. A child needs it, because it inherits the affinity of a pinned thread.
const CORES: &str = "BENCHES_CORES";

/// Returns the cores that this process could use when it was started.
pub fn cores() -> &'static [usize] {
    static FOUND: OnceLock<Vec<usize>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let list = env::var(CORES).unwrap_or_default();
        if !list.is_empty() {
            return list.split(',').filter_map(|core| core.parse().ok()).collect();
        }
        let set = sched_getaffinity(None).unwrap_or_default();
        (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
    })
}

/// Pins this thread to one of the cores; the numbers wrap around.
///
/// # Errors
/// If the system does not allow it.
pub fn pin(number: usize) -> Result<()> {
    let mut set = CpuSet::new();
    let cores = cores();
    set.set(cores[number % cores.len()]);
    sched_setaffinity(None, &set).context("pin a thread to one core")
}

/// Tells the program that the command will start which cores it may choose from.
pub fn with_cores(command: &mut Command) -> &mut Command {
    command.env(CORES, cores().iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}
