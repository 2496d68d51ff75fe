//! The comparison of `shared-value` with its peers; see `--help`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use benches::budget::Verdict;
use benches::case::Entry;
use benches::compare::{self, Effort};
use benches::instructions::{Callgrind, Piece};
use benches::role::Task;
use benches::{cases, instructions, report};
use clap::{Parser, Subcommand};

/// What shared-value costs, beside what one could take in its place.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Measure everything in one run, and print it.
    ///
    /// A whole run also writes RESULTS.md, results.json and charts/ into the folder of this package.
    Compare {
        /// Less often and shorter: under two minutes, once the peers are built. Writes nothing unless told where.
        #[arg(long)]
        quick: bool,
        /// Only cases whose name contains this; may be given more than once. Writes nothing unless told where.
        #[arg(long = "case", value_name = "NAME")]
        cases: Vec<String>,
        /// How often everything is measured.
        #[arg(long)]
        rounds: Option<usize>,
        /// Exit with status 1 if a budget is missed.
        #[arg(long)]
        check: bool,
        /// Write the results into this folder.
        #[arg(long, value_name = "FOLDER")]
        output: Option<PathBuf>,
    },
    /// Count the instructions that a call executes, of what one process does alone, and print them. It takes valgrind.
    Instructions {
        /// Only cases whose name contains this; may be given more than once.
        #[arg(long = "case", value_name = "NAME")]
        cases: Vec<String>,
    },
    /// Name the cases.
    List,
    /// What a child process does.
    #[command(hide = true)]
    Role { case: String, contestant: String, token: String, number: usize, part: String },
    /// What is run to be counted.
    #[command(hide = true)]
    Repeat { case: String, contestant: String, times: u64 },
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Action::Compare { quick, cases, rounds, check, output } => {
            let effort = if quick { Effort::QUICK } else { Effort::FULL };
            let effort = Effort { rounds: rounds.unwrap_or(effort.rounds).max(1), ..effort };
            let is_whole = !quick && cases.is_empty();
            let results = compare::run(effort, admitting(&cases))?;
            print!("{}", report::terminal(&results));
            let home = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            if let Some(folder) = output.or_else(|| is_whole.then(home)) {
                report::write(&results, &folder)?;
                println!("\nwritten to {}", folder.display());
            }
            let is_missed = results.outcomes().iter().any(|outcome| outcome.verdict == Verdict::Fail);
            Ok(if check && is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Action::Instructions { cases } => {
            let pieces = Piece::all(admitting(&cases));
            let counts = Callgrind::find()?.count_all(&pieces)?;
            print!("{}", report::instructions(&pieces, &counts));
            Ok(if counts.iter().all(Result::is_ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Action::List => {
            for case in cases::all() {
                println!("{:24} {}", case.name(), case.title());
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Repeat { case, contestant, times } => {
            instructions::repeat(&case, &contestant, times)?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Role { case, contestant, token, number, part } => {
            work(&case, &contestant, &Task::inherited(token, number, part)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Whether a case is asked for, by a part of its name. Who asks for nothing asks for all.
fn admitting(parts: &[String]) -> impl Fn(&str) -> bool {
    |name| parts.is_empty() || parts.iter().any(|part| name.contains(part.as_str()))
}

/// Does what a contestant of a case has a child for.
fn work(case: &str, contestant: &str, task: &Task) -> Result<()> {
    let case = cases::all().into_iter().find(|known| known.name() == case).context("a case of this name")?;
    for entry in case.entries() {
        if let Entry::Present(present) = entry
            && present.name() == contestant
        {
            return present.work(task);
        }
    }
    bail!("no contestant of {} is called {contestant}", case.name())
}
