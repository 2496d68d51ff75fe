//! How many instructions one call executes, as callgrind counts them: the same however busy the machine is.
//!
//! Callgrind runs this program itself, which does the work of one contestant so often, and then twice as often. What the
//! second run executes more, divided by what it does more, is the count: what comes before and after the work is the same
//! in both. Callgrind emulates a processor, by which the C library chooses how it copies: of large copies, the processor
//! of the machine may execute fewer.

use std::io::ErrorKind;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::{env, iter};

use anyhow::{Context, Result, bail, ensure};

use crate::case::Case;
use crate::cases::LocalCase;
use crate::progress;
use crate::role;

/// Under which name the counts are found among the facts.
pub const FACT: &str = "instructions";

/// How often the work is done in the shorter run.
const TIMES: u64 = 2_000;

/// A contestant of a case, whose work one process of this program does alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The case.
    pub case: &'static str,
    /// What is done.
    pub title: &'static str,
    /// The contestant.
    pub contestant: &'static str,
}

impl Piece {
    /// All of the cases that the filter admits, in the order in which they are shown.
    pub fn all(admits: impl Fn(&str) -> bool) -> Vec<Self> {
        let cases = LocalCase::all().iter().filter(|case| admits(case.name()));
        let pieces = |case: &'static LocalCase| {
            case.contestants().map(move |contestant| Self { case: case.name(), title: case.title(), contestant })
        };
        cases.flat_map(pieces).collect()
    }
}

/// Does the work of a contestant at least so many times, and prints how often it did: what is run to be counted.
///
/// # Errors
/// If there is no such contestant, or what it did has a wrong result.
pub fn repeat(case: &str, contestant: &str, times: u64) -> Result<()> {
    let case = LocalCase::all().iter().find(|known| known.name() == case).context("a case of this name")?;
    let mut local = case.local(contestant)?;
    let many = u64::from(local.times());
    let calls = times.div_ceil(many);
    local.run(calls);
    local.check()?;
    println!("{}", calls * many);
    Ok(())
}

/// Callgrind, which is there.
pub struct Callgrind {
    /// What it runs: this one.
    program: PathBuf,
}

impl Callgrind {
    /// Looks for it.
    ///
    /// # Errors
    /// If it is not there.
    pub fn find() -> Result<Self> {
        match Command::new("valgrind").arg("--version").stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => Ok(Self { program: env::current_exe()? }),
            Ok(output) => bail!("valgrind --version fails: {}", output.status),
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("valgrind is not installed"),
            Err(error) => Err(error).context("run valgrind"),
        }
    }

    /// Counts for each piece what one call executes, on all cores at once.
    ///
    /// # Errors
    /// If nothing can be counted. What is wrong with one piece is its result.
    pub fn count_all(&self, pieces: &[Piece]) -> Result<Vec<Result<f64>>> {
        let bar = progress::bar(pieces.len())?;
        let next = AtomicUsize::new(0);
        let work = |core: usize| -> Result<Vec<(usize, Result<f64>)>> {
            // The processes that a thread starts stay on its core.
            role::pin(core)?;
            let places = iter::repeat_with(|| next.fetch_add(1, Relaxed));
            let pieces = places.map_while(|place| Some((place, *pieces.get(place)?)));
            let count = |(place, piece): (usize, Piece)| {
                bar.set_message(format!("{FACT} of {}: {}", piece.case, piece.contestant));
                let count = self.count(piece);
                bar.inc(1);
                (place, count)
            };
            Ok(pieces.map(count).collect())
        };
        let counted = thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = (0..role::cores().len()).map(|core| scope.spawn(move || work(core))).collect();
            let counted = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            counted.collect::<Result<Vec<_>>>()
        })?;
        bar.finish_and_clear();
        let mut counts: Vec<_> = counted.into_iter().flatten().collect();
        counts.sort_by_key(|(place, _)| *place);
        Ok(counts.into_iter().map(|(_, count)| count).collect())
    }

    fn count(&self, piece: Piece) -> Result<f64> {
        let (shorter, longer) = (self.run(piece, TIMES)?, self.run(piece, 2 * TIMES)?);
        ensure!(longer.times > shorter.times && longer.executed >= shorter.executed, "{shorter:?}, then {longer:?}");
        #[expect(clippy::cast_precision_loss, reason = "far from so many")]
        Ok((longer.executed - shorter.executed) as f64 / (longer.times - shorter.times) as f64)
    }

    fn run(&self, piece: Piece, times: u64) -> Result<Run> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(&self.program);
        command.args(["repeat", piece.case, piece.contestant, &times.to_string()]);
        let output = command.stdin(Stdio::null()).output().context("run valgrind")?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let reason = said.lines().find(|line| !line.starts_with("==")).unwrap_or("it says nothing");
            bail!("valgrind: {}: {reason}", output.status);
        }
        let done = String::from_utf8_lossy(&output.stdout).trim().parse().context("how often it was done")?;
        Ok(Run { executed: collected(&said).context("a count of callgrind")?, times: done })
    }
}

/// What came of one run of this program.
#[derive(Debug)]
struct Run {
    /// The instructions of the whole process.
    executed: u64,
    /// How often what is measured was done.
    times: u64,
}

/// The total in what callgrind prints at the end.
fn collected(said: &str) -> Option<u64> {
    let total = |line: &str| line.strip_prefix("==")?.split_once("== Collected : ")?.1.trim().parse().ok();
    said.lines().find_map(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found_in_what_callgrind_prints() {
        let said = "==7== Callgrind, a call-graph generating cache profiler\n==7== \n==7== Events    : Ir\n\
                    ==7== Collected : 637813\n==7== \n==7== I   refs:      637,813\n";
        assert_eq!(collected(said), Some(637_813));
        assert_eq!(collected("Collected : 1\n==7== Events    : Ir\n"), None);
    }

    #[test]
    fn every_local_contestant_of_an_admitted_case_is_a_piece() {
        let pieces = Piece::all(|case| case == "atomic-add");
        let contestants: Vec<_> = pieces.iter().map(|piece| (piece.case, piece.contestant)).collect();
        assert_eq!(contestants, [("atomic-add", "shared-value"), ("atomic-add", "AtomicU64")]);
        assert!(Piece::all(|case| case == "wake").is_empty(), "two processes are needed for that");
    }
}
