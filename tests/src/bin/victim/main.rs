//! The program that is killed at every instruction of an operation: it forks itself for that, and survives.
//!
//! It prints a row for each operation, and fails if a death did harm.

mod helper;
mod naming;
mod operations;
mod stage;
mod triple;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value_tests::stepper::{Arena, Points, Report, Sweep};

#[global_allocator]
static ARENA: Arena = Arena::new();

#[derive(Debug, Parser)]
struct Arguments {
    /// The operations; all if there are none.
    operations: Vec<String>,
    /// Where to kill: at `every` instruction, at so many at most, or where shared words see `changes`.
    #[arg(long, default_value = "every")]
    points: String,
    /// What the choice of the points depends on.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Gives an operation up after so many deaths that did harm.
    #[arg(long, default_value_t = 10)]
    give_up_after: usize,
    /// Only prints the names of the operations.
    #[arg(long)]
    list: bool,
    /// Prints the heads of the columns.
    #[arg(long)]
    header: bool,
}

fn main() -> Result<ExitCode> {
    // A test that is killed takes this with it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let arguments = Arguments::parse();
    let all = operations::all();
    for name in &arguments.operations {
        ensure!(all.iter().any(|operation| operation.name == *name), "there is no operation `{name}`");
    }
    let points = match arguments.points.as_str() {
        "every" => Points::Every,
        "changes" => Points::Changes { seed: arguments.seed },
        count => Points::AtMost { count: count.parse().context("--points")?, seed: arguments.seed },
    };
    let sweep = Sweep::new(points).give_up_after(arguments.give_up_after);

    let mut output = io::stdout().lock();
    if arguments.header {
        writeln!(output, "{}", Report::HEADER)?;
    }
    let mut harms = 0;
    for operation in all {
        if arguments.list {
            writeln!(output, "{}", operation.name)?;
        } else if arguments.operations.is_empty() || arguments.operations.contains(&operation.name) {
            let report = sweep.run(&operation.name, &mut *(operation.set_stage)())?;
            writeln!(output, "{report}")?;
            harms += report.harms();
        }
    }
    Ok(if harms == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
