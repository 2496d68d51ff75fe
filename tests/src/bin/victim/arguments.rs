//! `Arguments`: the arguments of the role that sweeps over operations.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use nix::unistd::alarm;
use shared_value_tests::stepper::{Points, Report, Sweep};

use crate::operations;

/// More seconds than any sweep needs.
const LONGEST_SECONDS: u32 = 3_600;

/// Kills victims in operations, and prints a row for each operation. Fails if a death did harm.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The names of the operations; without any, all operations.
    operations: Vec<String>,
    /// The points at which to kill: `every` instruction, a number of instructions, `changes` of shared words and system calls, or
    /// about a number of these for each set of words, as in `changes:8`.
    #[arg(long, default_value = "every")]
    points: String,
    /// The seed of the random choice of points.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Ends an operation when this many deaths have done harm.
    #[arg(long, default_value_t = 10)]
    give_up_after: usize,
    /// Only prints the names of the operations.
    #[arg(long)]
    list: bool,
    /// Prints the titles of the columns first.
    #[arg(long)]
    header: bool,
}

impl Arguments {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let all = operations::all();
        for name in &self.operations {
            ensure!(all.iter().any(|operation| operation.name == *name), "there is no operation `{name}`");
        }
        let seed = self.seed;
        let count = |count: &str| count.parse().context("--points");
        let points = match self.points.as_str() {
            "every" => Points::Every,
            "changes" => Points::Changes { most: usize::MAX, seed },
            points => match points.strip_prefix("changes:") {
                Some(most) => Points::Changes { most: count(most)?, seed },
                None => Points::AtMost { count: count(points)?, seed },
            },
        };
        let sweep = Sweep::new(points).give_up_after(self.give_up_after);

        // All waits below should have deadlines. The alarm is for those that do not.
        alarm::set(LONGEST_SECONDS);

        let mut output = io::stdout().lock();
        if self.header {
            writeln!(output, "{}", Report::HEADER)?;
        }
        let mut harms = 0;
        for operation in all {
            if self.list {
                writeln!(output, "{}", operation.name)?;
            } else if self.operations.is_empty() || self.operations.contains(&operation.name) {
                match sweep.run(&operation.name, &mut *(operation.set_stage)()) {
                    Ok(report) => {
                        writeln!(output, "{report}")?;
                        harms += report.harms();
                    }
                    Err(error) => {
                        writeln!(output, "{:<24} {error:#}", operation.name)?;
                        harms += 1;
                    }
                }
            }
        }
        Ok(if harms == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
