//! A value that a program hands to the program that it starts.
//!
//! ```sh
//! cargo run --release --example parent_and_child
//! ```
//!
//! The parent starts this program again, passes it a job, and follows its progress in shared memory. The exit status is 1
//! if the child's result is wrong.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use shared_value::{SharedValue, Source};

/// A sum to work out: the parent writes `up_to`, the child the rest.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Job {
    up_to: u64,
    done: u64,
    sum: u64,
}

const UP_TO: u64 = 100_000;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("child") { work() } else { supervise() }
}

/// The work of the child. Each step is one commit, so readers see `sum` and `done` of one step.
fn work() -> Result<()> {
    let job = SynchronizedJob::open(Source::inherited("JOB"))?;
    for number in 1..=job.up_to() {
        job.update(|job| {
            job.sum += number;
            job.done = number;
        })?;
    }
    Ok(())
}

fn supervise() -> Result<()> {
    let job = SynchronizedJob::new(Job { up_to: UP_TO, done: 0, sum: 0 })?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("child");
    job.pass_to(&mut command, "JOB")?;
    let mut child = command.spawn()?;

    for percent in [25, 50, 75, 100] {
        let seen = job.wait_for(|job| job.done * 100 >= UP_TO * percent, Duration::from_secs(30))?;
        println!("{percent:3} %: the sum of 1 to {} is {}", seen.done, seen.sum);
        ensure!(seen.sum == seen.done * (seen.done + 1) / 2, "this is half of a step: {seen:?}");
    }
    ensure!(child.wait()?.success(), "the child failed");
    ensure!(job.done() == UP_TO, "the child has not done all: {job:?}");
    Ok(())
}
