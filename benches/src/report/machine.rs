//! The machine that the figures were measured on.

use std::fs;
use std::process::Command;

use crate::report::crate_version::crate_version;

/// Describes the machine, in a line for each fact.
pub(super) fn describe() -> Vec<String> {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names = processors.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let names: Vec<&str> = names.map(|(_, name)| name).collect();
    let processor = names.first().copied().unwrap_or("of unknown make");
    let virtual_machine = processors.contains(" hypervisor");
    let system = rustix::system::uname();
    let where_it_runs = if virtual_machine { ", in a virtual machine" } else { "" };
    vec![
        format!("{} × {processor}{where_it_runs}", names.len().max(1)),
        format!("Linux {}, {}", system.release().to_string_lossy(), system.machine().to_string_lossy()),
        first_line("rustc", &["--version"]),
        first_line("ldd", &["--version"]),
        ["shared-value", "parking_lot", "raw_sync", "shared_memory", "arc-swap", "left-right", "seqlock"]
            .map(version)
            .join(", "),
    ]
}

/// Returns the name and the version of a crate that this program was built with, if `Cargo.lock` has not changed since.
fn version(name: &str) -> String {
    let lock_file = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap_or_default();
    format!("{name} {}", crate_version(&lock_file, name))
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().map_or_else(|| format!("{program}: unknown"), ToOwned::to_owned)
}
