//! `wait`: until a condition holds.

use std::time::{Duration, Instant};

use clap::Args;
use shared_value::Error;

use crate::commands::change::seconds;
use crate::commands::watch::Sleeper;
use crate::failure::{Code, Failure, Result};
use crate::target::{Selection, parts, select, split};
use crate::value::{load_parts, parse_condition};

/// Wait until a condition holds
#[derive(Debug, Args)]
pub(crate) struct WaitFor {
    /// The value: `account`, `bank[alice]`, or a part of it
    name: String,
    /// The condition: `balance >= 100 && state == Open`. `value` is the whole value
    condition: String,
    /// Give up after this many seconds, and exit with code 5
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// How often to look at atomic fields, which change without a commit
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0.02")]
    interval: Duration,
}

pub(crate) fn run(WaitFor { name, condition, timeout, interval }: &WaitFor) -> Result<()> {
    const LONG: Duration = Duration::from_secs(3600);
    let target = split(name)?;
    let Selection::Values(values) = select(&target)? else {
        return Err(Failure::usage(format!("`{name}` is an arena: name one of its values, as in `{name}[key]`")));
    };
    let [selected] = values.as_slice() else {
        return Err(Failure::usage(format!("`{name}` names several values: `wait` waits for one")));
    };
    let value = selected.value.versioned(name)?;
    let prefix = match parts(&selected.value, &selected.steps)?.as_slice() {
        [prefix] => prefix.clone(),
        _ => return Err(Failure::usage(format!("`{name}` names several parts: name them in the condition"))),
    };
    let full = |path: &str| match (prefix.as_str(), path) {
        ("", path) => path.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, path) if path.starts_with('[') => format!("{prefix}{path}"),
        (prefix, path) => format!("{prefix}.{path}"),
    };
    let layout = value.layout();
    let (condition, paths) = parse_condition(condition, |path| layout.part(&full(path)).is_ok())?;
    let paths: Vec<_> = paths.iter().map(|path| full(path)).collect();
    // These change without a commit.
    let has_atomics = layout.fields().any(|part| {
        (part.is_atomic() || part.is_counter())
            && paths.iter().any(|path| path.is_empty() || path.starts_with(part.path()))
    });
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    let mut sleeper = None;
    loop {
        let loaded = load_parts(value, &paths, deadline);
        if let Err(Error::TimedOut { .. }) = loaded {
            let message = format!("the time is over: `{name}` changes all the time, so its parts cannot be read");
            return Err(Failure::new(Code::Busy, message));
        }
        let (version, data) = loaded?;
        if condition.holds(&data)? {
            return Ok(());
        }
        let remaining = deadline.map_or(LONG, |deadline| deadline.saturating_duration_since(Instant::now()));
        if remaining.is_zero() {
            let message = format!("the time is over: the condition on `{name}` does not hold");
            return Err(Failure::new(Code::Busy, message));
        }
        let longest = if has_atomics { remaining.min(*interval) } else { remaining };
        sleeper.get_or_insert_with(|| Sleeper::of(&target, value, *interval)).sleep(version, longest)?;
    }
}
