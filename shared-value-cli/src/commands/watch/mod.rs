//! `watch`: a line for each change.

mod arena;
mod printer;
mod sleeper;
mod watched;

use std::io;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::event::{PollFd, PollFlags, poll};

use crate::commands::change::seconds;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::target::{Selection, parse_path, select, split};
use arena::Watching;
use printer::Printer;
use watched::Watched;

pub(crate) use sleeper::Sleeper;
use sleeper::{LONG, remark_looks};

/// Print a line for each change
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The value: `account`, `bank[alice]`, or several: `bank[*]`
    name: String,
    /// The parts to watch: `balance`, `limits[*]`. Without any, all
    paths: Vec<String>,
    /// Print JSON, one object for each line
    #[arg(long)]
    json: bool,
    /// End after this many lines
    #[arg(long)]
    count: Option<u64>,
    /// How often to look, where a look is needed: at atomic fields, at values without a key, and without permission to write. And
    /// how long to pause between two lines for several values
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0.1")]
    interval: Duration,
    /// Only look from time to time: then writers work as if nothing watched them
    #[arg(long)]
    poll: bool,
}

pub(crate) fn run(arguments: &Watch, output: &mut Output) -> Result<()> {
    let Watch { name, paths, json, count, interval, poll } = arguments;
    let target = split(name)?;
    let Selection::Values(values) = select(&target)? else {
        return Err(Failure::usage(format!("`{name}` is an arena: name its values, as in `{name}[*]`")));
    };
    let paths = if paths.is_empty() {
        vec![Vec::new()]
    } else {
        paths.iter().map(|path| parse_path(path)).collect::<Result<_>>()?
    };
    let mut watched = values.iter().map(|value| Watched::new(value, &paths)).collect::<Result<Vec<_>>>()?;
    let pattern = arena::pattern(&target)?;
    let names_values = pattern.is_some();
    end_with_reader();
    let mut printer = Printer { output, start: Instant::now(), is_json: *json, names_values, left: *count };
    match (pattern, watched.as_mut_slice()) {
        (None, [one]) => {
            let sleeper = if *poll {
                Sleeper::polling(&one.value, *interval)
            } else {
                Sleeper::of(&target, &one.value, *interval)
            };
            watch_one(one, sleeper, *interval, &mut printer)
        }
        (pattern, _) => {
            Watching::new(&target, paths, watched, *interval).run(pattern.unwrap_or("*"), *poll, &mut printer)
        }
    }
}

/// Ends this program when the reader of its output has gone. While no value changes, no write would tell.
fn end_with_reader() {
    thread::spawn(|| {
        let output = io::stdout();
        loop {
            // Without a flag, only the end of the reader counts.
            let mut polled = [PollFd::new(&output, PollFlags::empty())];
            match poll(&mut polled, None) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => process::exit(0),
                Err(_) => return,
            }
        }
    });
}

fn watch_one(one: &mut Watched, mut sleeper: Sleeper, interval: Duration, printer: &mut Printer<'_>) -> Result<()> {
    let atomics = one.atomics();
    if !atomics.is_empty() {
        let reason = format!("they change without a commit ({})", atomics.join(", "));
        remark_looks("its atomic fields and counters are", interval, &reason);
    }
    let timeout = if atomics.is_empty() { LONG } else { interval };
    // A change since the first look must not be lost while the value was opened again.
    one.look(printer)?;
    while !printer.is_done() {
        sleeper.sleep(one.version, timeout)?;
        one.look(printer)?;
    }
    Ok(())
}
