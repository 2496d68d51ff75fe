//! Counts the instructions of one operation with callgrind. The count does not depend on how busy the machine is.
//!
//! Callgrind runs this program twice. The second run does about twice as many operations of a contestant as the first one. The
//! difference of the instructions, divided by the difference of the operations, is the count: start and end of the program
//! cancel out. Callgrind emulates a processor, and the C library chooses its copy functions by processor: the processor of
//! the machine may execute fewer instructions for large copies.

use std::io::ErrorKind;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::{env, iter};

use anyhow::{Context, Result, bail, ensure};

use crate::cases::LocalCase;
use crate::compare::progress;
use crate::measure::Case;
use crate::process::cores;

/// The name of the counts among the facts of a reading.
pub const FACT: &str = "instructions";

/// The number of operations in the shorter run.
const OPERATIONS: u64 = 2_000;

/// A contestant of a case that works in one process of this program alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name of the case.
    pub case: &'static str,
    /// The work in words.
    pub title: &'static str,
    /// The name of the contestant.
    pub contestant: &'static str,
}

impl Target {
    /// Returns all targets in the cases that the filter admits, in the order of the report.
    pub fn all(admits: impl Fn(&str) -> bool) -> Vec<Self> {
        let cases = LocalCase::all().iter().filter(|case| admits(case.name()));
        let targets = |case: &'static LocalCase| {
            case.contestants().map(move |contestant| Self { case: case.name(), title: case.title(), contestant })
        };
        cases.flat_map(targets).collect()
    }
}

/// Does at least this number of operations, and prints their exact number. Callgrind runs it.
///
/// # Errors
/// If the contestant does not exist, or its result is wrong.
pub fn repeat(case: &str, contestant: &str, operations: u64) -> Result<()> {
    let case = LocalCase::all().iter().find(|known| known.name() == case).context("a case of this name")?;
    let mut local = case.local(contestant)?;
    let per_call = u64::from(local.operations());
    let calls = operations.div_ceil(per_call);
    local.run(calls);
    local.check()?;
    println!("{}", calls * per_call);
    Ok(())
}

/// Callgrind, which is installed.
pub struct Callgrind {
    /// The file of this program, which callgrind runs.
    program: PathBuf,
}

impl Callgrind {
    /// Looks for callgrind.
    ///
    /// # Errors
    /// If valgrind is not installed, or does not work.
    pub fn find() -> Result<Self> {
        match Command::new("valgrind").arg("--version").stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => Ok(Self { program: env::current_exe()? }),
            Ok(output) => bail!("valgrind --version fails: {}", output.status),
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("valgrind is not installed"),
            Err(error) => Err(error).context("run valgrind"),
        }
    }

    /// Counts the instructions of one operation of each target, on all cores at once.
    ///
    /// # Errors
    /// If nothing can be counted. The failure of one target is the result of that target.
    pub fn count_all(&self, targets: &[Target]) -> Result<Vec<Result<f64>>> {
        let bar = progress::bar(targets.len())?;
        let next = AtomicUsize::new(0);
        let work = |core: usize| -> Result<Vec<(usize, Result<f64>)>> {
            // A process that a pinned thread starts stays on the core of the thread.
            cores::pin(core)?;
            let indices = iter::repeat_with(|| next.fetch_add(1, Relaxed));
            let targets = indices.map_while(|index| Some((index, *targets.get(index)?)));
            let count = |(index, target): (usize, Target)| {
                bar.set_message(format!("{FACT} of {}: {}", target.case, target.contestant));
                let count = self.count(target);
                bar.inc(1);
                (index, count)
            };
            Ok(targets.map(count).collect())
        };
        let counted = thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = (0..cores::cores().len()).map(|core| scope.spawn(move || work(core))).collect();
            let counted = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            counted.collect::<Result<Vec<_>>>()
        })?;
        bar.finish_and_clear();
        let mut counts: Vec<_> = counted.into_iter().flatten().collect();
        counts.sort_by_key(|(index, _)| *index);
        Ok(counts.into_iter().map(|(_, count)| count).collect())
    }

    fn count(&self, target: Target) -> Result<f64> {
        let (shorter, longer) = (self.run(target, OPERATIONS)?, self.run(target, 2 * OPERATIONS)?);
        ensure!(
            longer.operations > shorter.operations && longer.instructions >= shorter.instructions,
            "{shorter:?}, then {longer:?}"
        );
        #[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^52")]
        Ok((longer.instructions - shorter.instructions) as f64 / (longer.operations - shorter.operations) as f64)
    }

    fn run(&self, target: Target, operations: u64) -> Result<Run> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(&self.program);
        command.args(["repeat", target.case, target.contestant, &operations.to_string()]);
        let output = command.stdin(Stdio::null()).output().context("run valgrind")?;
        let messages = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let reason = messages.lines().find(|line| !line.starts_with("==")).unwrap_or("no message");
            bail!("valgrind: {}: {reason}", output.status);
        }
        let operations = String::from_utf8_lossy(&output.stdout).trim().parse().context("the number of operations")?;
        Ok(Run { instructions: collected(&messages).context("the total of callgrind")?, operations })
    }
}

/// One run of this program under callgrind.
#[derive(Debug)]
struct Run {
    /// The instructions of the whole process.
    instructions: u64,
    /// The number of operations.
    operations: u64,
}

/// Finds the total in the messages of callgrind.
fn collected(messages: &str) -> Option<u64> {
    let total = |line: &str| line.strip_prefix("==")?.split_once("== Collected : ")?.1.trim().parse().ok();
    messages.lines().find_map(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found_in_the_messages_of_callgrind() {
        let messages = "==7== Callgrind, a call-graph generating cache profiler\n==7== \n==7== Events    : Ir\n\
                    ==7== Collected : 637813\n==7== \n==7== I   refs:      637,813\n";
        assert_eq!(collected(messages), Some(637_813));
        assert_eq!(collected("Collected : 1\n==7== Events    : Ir\n"), None);
    }

    #[test]
    fn every_local_contestant_of_an_admitted_case_is_a_target() {
        let targets = Target::all(|case| case == "atomic-add");
        let contestants: Vec<_> = targets.iter().map(|target| (target.case, target.contestant)).collect();
        assert_eq!(contestants, [("atomic-add", "shared-value"), ("atomic-add", "AtomicU64")]);
        assert!(Target::all(|case| case == "wake").is_empty(), "the case needs two processes");
    }
}
