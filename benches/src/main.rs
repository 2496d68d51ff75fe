//! The comparison of `shared-value` with its peers; see `--help`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use benches::compare::budget::{self, Verdict};
use benches::compare::instructions::{self, Callgrind, Target};
use benches::compare::places::{self, Spread};
use benches::compare::{self, Effort};
use benches::measure::Entry;
use benches::process::Task;
use benches::{cases, report};
use clap::{Parser, Subcommand};

/// Measures what shared-value costs next to its peers.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Measure all cases in one run, and print the results.
    ///
    /// A full run also writes RESULTS.md, results.json and charts/ into the folder of this package, and the tables of
    /// docs/performance.md.
    Compare {
        /// Measure less often and shorter: under two minutes, once the peers are built. Write nothing, except with --output.
        #[arg(long)]
        quick: bool,
        /// Measure only cases whose name contains NAME; may be given more than once. Write nothing, except with --output.
        #[arg(long = "case", value_name = "NAME")]
        cases: Vec<String>,
        /// How often each contestant is measured.
        #[arg(long)]
        rounds: Option<usize>,
        /// Exit with status 1 if a measured number is not within its budget.
        #[arg(long)]
        check: bool,
        /// Write the results into this folder.
        #[arg(long, value_name = "FOLDER")]
        output: Option<PathBuf>,
    },
    /// Count the instructions of each operation that one process does alone, and print them. This needs valgrind.
    Instructions {
        /// Count only cases whose name contains NAME; may be given more than once.
        #[arg(long = "case", value_name = "NAME")]
        cases: Vec<String>,
    },
    /// Measure contestants that work in one process alone at many places of the stack and the heap, and print the least, the
    /// middle and the highest figure, in nanoseconds.
    Places {
        /// Measure only cases whose name contains NAME; may be given more than once.
        #[arg(long = "case", value_name = "NAME")]
        cases: Vec<String>,
    },
    /// Draw charts/soak.svg in the folder of this package from what `tests/soak.sh` has printed.
    Soak {
        /// The file with what it has printed.
        printed: PathBuf,
    },
    /// List the cases.
    List,
    /// Do the work of a child process.
    #[command(hide = true)]
    Child { case: String, contestant: String, token: String, number: usize, parameter: String },
    /// Repeat an operation while callgrind counts its instructions.
    #[command(hide = true)]
    Repeat { case: String, contestant: String, operations: u64 },
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Action::Compare { quick, cases, rounds, check, output } => {
            let effort = if quick { Effort::QUICK } else { Effort::FULL };
            let effort = Effort { rounds: rounds.unwrap_or(effort.rounds).max(1), ..effort };
            let is_full = !quick && cases.is_empty();
            let results = compare::run(effort, admitting(&cases))?;
            print!("{}", report::terminal(&results));
            let home = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            if let Some(folder) = output.or_else(|| is_full.then(home)) {
                report::write(&results, &folder)?;
                println!("\nwritten to {}", folder.display());
                if is_full && folder == home() {
                    report::fill(&results, &home().join("../docs/performance.md"))?;
                }
            }
            let is_missed = budget::outcomes(&results).iter().any(|outcome| outcome.verdict == Verdict::Fail);
            Ok(if check && is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Action::Instructions { cases } => {
            let targets = Target::all(admitting(&cases));
            let counts = Callgrind::find()?.count_all(&targets)?;
            print!("{}", report::instructions(&targets, &counts));
            Ok(if counts.iter().all(Result::is_ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Action::Places { cases } => {
            for Spread { case, contestant, places } in places::measure(admitting(&cases))? {
                let [least, middle, most] = [places.minimum, places.median, places.maximum];
                println!("{case:20} {contestant:32} {least:8.2} {middle:8.2} {most:8.2}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Soak { printed } => {
            let text = fs::read_to_string(&printed).with_context(|| format!("read {}", printed.display()))?;
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("charts/soak.svg");
            report::soak(&text, &path)?;
            println!("written to {}", path.display());
            Ok(ExitCode::SUCCESS)
        }
        Action::List => {
            for case in cases::all() {
                println!("{:24} {}", case.name(), case.title());
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Repeat { case, contestant, operations } => {
            instructions::repeat(&case, &contestant, operations)?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Child { case, contestant, token, number, parameter } => {
            work(&case, &contestant, &Task::inherited(token, number, parameter)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Returns a filter of the names of cases, which admits a name if it contains one of the parts. No parts admit all names.
fn admitting(parts: &[String]) -> impl Fn(&str) -> bool {
    |name| parts.is_empty() || parts.iter().any(|part| name.contains(part.as_str()))
}

/// Does the part of a contestant's work that is done in a child.
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
