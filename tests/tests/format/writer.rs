//! A program in Python that changes a value by the steps of the page.
//!
//! It relies on x86-64, as the page says.
#![cfg(target_arch = "x86_64")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use shared_value::{LockKind, Synchronized};
use shared_value_tests::{SegmentName, in_time, python_with, scaled};

fn writer(python: &str, name: &SegmentName) -> Command {
    let mut command = Command::new(python);
    command.arg("-c").arg(include_str!("writer.py")).arg(name.path());
    command
}

/// If a step were wrong, increments would be lost.
#[test]
fn rust_and_python_count_together() {
    let Some(python) = python_with("numpy") else { return };
    in_time(move || {
        let rounds = scaled(20_000, 5_000);
        let name = SegmentName::new("python-counts");
        let value = Synchronized::<u64>::options().lock_kind(LockKind::Pthread).create(&name, 0_u64).unwrap();
        let count = || writer(&python, &name).args(["count", &rounds.to_string()]).spawn().unwrap();
        let children = [count(), count()];
        // All three count at the same time.
        while value.get() == 0 {
            std::thread::yield_now();
        }
        for _ in 0..rounds {
            value.update(|value| *value += 1).unwrap();
        }
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!((value.get(), value.version(), value.recoveries()), (3 * rounds, 3 * rounds, 0));
    });
}

/// If a killed program left the mutex locked, or half of a change, the next owner would have to repair the value.
#[test]
fn a_killed_python_program_changes_nothing() {
    let Some(python) = python_with("numpy") else { return };
    in_time(move || {
        let name = SegmentName::new("python-dies");
        let value = Synchronized::<u64>::options().lock_kind(LockKind::Pthread).create(&name, 7_u64).unwrap();
        let mut holder = writer(&python, &name);
        let mut child = holder.arg("hold").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!((line.as_str(), value.get()), ("held\n", 7));
        assert!(value.try_lock().is_err());
        child.kill().unwrap();
        child.wait().unwrap();
        value.update(|value| *value += 1).unwrap();
        assert_eq!((value.get(), value.recoveries()), (8, 1));
        assert!(writer(&python, &name).args(["count", "1"]).status().unwrap().success());
        assert_eq!(value.get(), 9);
    });
}
