//! Hazards to a lock besides taking and releasing it, in real programs.
//!
//! Each module tests one hazard. The program `hazard` plays the roles for which all threads of a process must be known. The
//! first line of a test says what would break without the code that it guards.

mod allocator;
mod descriptors;
mod die;
mod exec;
mod fork;
mod gone;
mod interrupted;
mod leaks;
mod limits;
mod memory;
mod namespaces;
mod stopped;
mod thread_end;
mod thread_locals;

use shared_value_tests::Worker;

/// Starts the program `hazard` in a role.
#[track_caller]
fn hazard<A: ToString>(role: &str, arguments: impl IntoIterator<Item = A>) -> Worker {
    Worker::start(env!("CARGO_BIN_EXE_hazard"), role, arguments)
}

/// Plays a role to its end, and returns what it reports.
#[track_caller]
fn play<A: ToString>(role: &str, arguments: impl IntoIterator<Item = A>) -> Vec<String> {
    let mut hazard = hazard(role, arguments);
    let mut report = Vec::new();
    loop {
        let line = hazard.hear();
        if line == "done" {
            hazard.finish();
            return report;
        }
        println!("{line}");
        report.push(line);
    }
}
