//! Facts about processes.

use std::io;

use crate::sys::file::read_text;

/// Returns when a process was started, in clock ticks since the boot of the machine. Together with the id, which the kernel
/// may reuse, it identifies the process.
pub(crate) fn started_at(process: u32) -> io::Result<u64> {
    let facts = read_text(&format!("/proc/{process}/stat"))?;
    // The second field is a name in parentheses, which may hold anything; the start is field 22 (`proc(5)`).
    let start = facts.rsplit_once(')').and_then(|(_, fields)| fields.split_ascii_whitespace().nth(19));
    let ticks = start.and_then(|ticks| ticks.parse().ok());
    ticks.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "`/proc` shows no start time of the process"))
}
