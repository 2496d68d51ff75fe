//! A rolling deploy: workers of two versions of a program change one value, and the old ones are replaced one by one.
//!
//! ```sh
//! cargo run --release --example rolling_deploy
//! ```
//!
//! The parent starts workers of version 1. It then starts a worker of version 2 for each, and kills the old one by SIGKILL in the
//! middle of its work. Version 2 counts its own jobs in a field that version 1 does not know. In the end every job must
//! have been done exactly once, and counted by the version that did it, or the exit status is 1.

use std::env;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::{Source, Synchronized};

const WORKERS: usize = 3;
/// How many more jobs are done before the next step of the deploy.
const JOBS: u64 = 2_000;
/// Longer than any step takes, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program as it was released first.
mod v1 {
    use shared_value::{Reserved, SharedValue};

    #[derive(SharedValue, Clone, Copy, Debug)]
    #[repr(C)]
    #[shared(evolves)]
    pub(crate) struct Work {
        /// The number of jobs that are done. Each job adds its number to the sum.
        pub(crate) done: u64,
        pub(crate) sum: u64,
        pub(crate) by_old: u64,
        pub(crate) is_over: bool,
        /// Room for the fields of later versions.
        pub(crate) spare: Reserved<31>,
    }
}

/// The next version. The compiler checks that its struct fits the released one.
mod v2 {
    use shared_value::{Reserved, SharedValue};

    #[derive(SharedValue, Clone, Copy, Debug)]
    #[repr(C)]
    #[shared(evolves, released = super::v1::Work)]
    pub(crate) struct Work {
        pub(crate) done: u64,
        pub(crate) sum: u64,
        pub(crate) by_old: u64,
        pub(crate) is_over: bool,
        pub(crate) spare: Reserved<7>,
        pub(crate) by_new: u64,
        pub(crate) more: Reserved<16>,
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => deploy(),
        ["v1"] => work_as_old(),
        ["v2"] => work_as_new(),
        _ => bail!("usage: rolling_deploy"),
    }
}

/// The work of an old worker. A job is one commit: a worker that is killed has done it, or has not begun.
fn work_as_old() -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let work = Synchronized::<v1::Work>::open(Source::inherited("WORK"))?;
    while !work.is_over() {
        work.update(|work| {
            work.done += 1;
            work.sum += work.done;
            work.by_old += 1;
        })?;
    }
    Ok(())
}

/// The work of a new worker.
fn work_as_new() -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let work = Synchronized::<v2::Work>::open(Source::inherited("WORK"))?;
    while !work.is_over() {
        work.update(|work| {
            work.done += 1;
            work.sum += work.done;
            work.by_new += 1;
        })?;
    }
    Ok(())
}

/// The deploy.
fn deploy() -> Result<()> {
    let start = v1::Work { done: 0, sum: 0, by_old: 0, is_over: false, spare: shared_value::Reserved::new() };
    let old = Synchronized::new(start)?;
    let mut workers = (0..WORKERS).map(|_| Worker::start("v1", &old)).collect::<Result<Vec<_>>>()?;
    old.wait_for(|work| work.by_old >= JOBS, PATIENCE).context("the old workers do not work")?;

    let work = Synchronized::<v2::Work>::open(&old.token()?)?;
    for (number, worker) in workers.iter_mut().enumerate() {
        let new = Worker::start("v2", &old)?;
        let wanted = work.by_new() + JOBS;
        let seen = work.wait_for(|work| work.by_new >= wanted, PATIENCE).context("the new worker does not work")?;
        println!("{number} workers are replaced: {} jobs by version 1, {} by version 2", seen.by_old, seen.by_new);
        // The old worker is killed when it is dropped.
        *worker = new;
    }
    let seen = work.load()?;
    work.wait_for(|work| work.done >= seen.done + JOBS, PATIENCE).context("the new workers do not go on")?;
    ensure!(work.by_old() == seen.by_old, "an old worker has survived");
    work.set_is_over(true)?;
    for worker in &mut workers {
        ensure!(worker.0.wait()?.success(), "a worker failed");
    }

    let v2::Work { done, sum, by_old, by_new, .. } = work.load()?;
    println!("{done} jobs: {by_old} by version 1, {by_new} by version 2, none lost and none done twice");
    ensure!(sum == done * (done + 1) / 2, "the sum of {done} jobs is {sum}");
    ensure!(by_old + by_new == done, "some jobs were counted by no version");
    Ok(())
}

/// A worker process, killed on drop if it still runs.
struct Worker(Child);

impl Worker {
    fn start(version: &str, work: &Synchronized<v1::Work>) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(version);
        work.pass_to(&mut command, "WORK")?;
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
