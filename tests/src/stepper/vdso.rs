//! The vDSO: code of the kernel in every process, which reads the clock without a system call (`vdso(7)`).
//!
//! It begins again whenever the kernel has updated the clock meanwhile. So a victim that is single-stepped there executes other
//! instructions than one that runs. The vDSO writes to the memory of its caller only, so a death there is the same as one before the
//! call.

use std::fs;
use std::ops::Range;
use std::sync::OnceLock;

/// Returns whether the vDSO of this process, and so of its forks, has an instruction at this address.
pub(super) fn contains(address: u64) -> bool {
    static ADDRESSES: OnceLock<Range<u64>> = OnceLock::new();
    ADDRESSES.get_or_init(find).contains(&address)
}

/// Returns the addresses of the vDSO; none if the kernel was told to have no vDSO.
fn find() -> Range<u64> {
    let maps = fs::read_to_string("/proc/self/maps").expect("the kernel shows the mappings");
    let line = maps.lines().find(|line| line.ends_with("[vdso]"));
    let addresses = line.and_then(|line| line.split_whitespace().next()?.split_once('-'));
    let number = |text| u64::from_str_radix(text, 16).expect("an address");
    addresses.map_or(0..0, |(start, end)| number(start)..number(end))
}
