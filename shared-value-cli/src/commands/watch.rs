//! `watch`: a line for each change.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};
use shared_value::{Dyn, DynData, DynValue, Error, ReadOnly, Synchronized};

use crate::commands::change::seconds;
use crate::failure::{Failure, Result};
use crate::output::{Ink, Output, escaped, remark};
use crate::target::{
    Locking, Selected, Selection, Step, Target, Writable, is_arena, open_writable, parse_path, parts, select, split,
};
use crate::value::bare;

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
    /// How often to look, where a look is needed: at atomic fields, at several values, and without permission to write
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0.1")]
    interval: Duration,
}

/// A value that is watched.
struct Watched {
    label: String,
    value: Synchronized<Dyn, ReadOnly>,
    paths: Vec<String>,
    version: u64,
    last: Vec<DynData>,
}

impl Watched {
    fn new(selected: &Selected, steps: &[Vec<Step>]) -> Result<Self> {
        let label = &selected.label;
        let value = selected.value.versioned(label)?;
        let mut paths = Vec::new();
        for steps in steps {
            let steps: Vec<_> = selected.steps.iter().chain(steps).cloned().collect();
            paths.extend(parts(value.layout(), &steps)?);
        }
        let mut watched =
            Self { label: label.clone(), value: value.clone(), paths, version: value.version(), last: Vec::new() };
        watched.last = watched.load()?;
        Ok(watched)
    }

    /// Returns the parts, all of one version, except atomic fields.
    fn load(&self) -> Result<Vec<DynData>> {
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            let version = self.value.version();
            let parts = self.paths.iter().map(|path| self.value.get(path)).collect::<Result<Vec<_>, Error>>()?;
            if self.paths.len() == 1 || self.value.version() == version {
                return Ok(parts);
            }
        }
        // A writer commits all the time: the whole value is of one version.
        let whole = self.value.load()?;
        Ok(self.paths.iter().filter_map(|path| whole.part(path).cloned()).collect())
    }

    /// Returns the atomic fields that are watched.
    fn atomics(&self) -> Vec<String> {
        let layout = self.value.layout();
        let is_within =
            |path: &str, field: &str| path.is_empty() || path == field || path.starts_with(&format!("{field}["));
        let fields = layout.fields().filter(shared_value::DynPart::is_atomic).map(|part| part.path().to_owned());
        fields.filter(|field| self.paths.iter().any(|path| is_within(path, field))).collect()
    }

    /// Looks for changes, and prints a line if there are any.
    fn look(&mut self, printer: &mut Printer<'_>) -> Result<()> {
        let version = self.value.version();
        let now = match self.load() {
            Ok(now) => now,
            Err(failure) => {
                // It stays so until the next change.
                if self.version != version {
                    remark(&format!("{}: {}", self.label, failure.message.unwrap_or_default()));
                }
                self.version = version;
                return Ok(());
            }
        };
        let mut changes = Vec::new();
        for (path, (old, new)) in self.paths.iter().zip(self.last.iter().zip(&now)) {
            compare(path, old, new, &mut changes);
        }
        if !changes.is_empty() {
            printer.print(self, version, &changes)?;
        }
        self.version = version;
        self.last = now;
        Ok(())
    }
}

/// A part that has changed.
type Change<'d> = (String, &'d DynData, &'d DynData);

/// Lists the smallest parts that differ.
fn compare<'d>(path: &str, old: &'d DynData, new: &'d DynData, changes: &mut Vec<Change<'d>>) {
    match (old, new) {
        (DynData::Newtype { inner: old, .. }, DynData::Newtype { inner: new, .. }) => compare(path, old, new, changes),
        (DynData::Struct { fields: old, .. }, DynData::Struct { fields: new, .. }) => {
            for ((name, old), (_, new)) in old.iter().zip(new) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, old, new, changes);
            }
        }
        (DynData::Array(old), DynData::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                // Most elements are equal, and their paths are not needed.
                if !is_same(old, new) {
                    compare(&format!("{path}[{index}]"), old, new, changes);
                }
            }
        }
        _ if is_same(old, new) => {}
        _ => changes.push((path.to_owned(), old, new)),
    }
}

/// Returns whether two parts are equal. `NaN` is equal to itself here.
fn is_same(old: &DynData, new: &DynData) -> bool {
    old == new || (old.as_f64().is_some_and(f64::is_nan) && new.as_f64().is_some_and(f64::is_nan))
}

struct Printer<'o> {
    output: &'o mut Output,
    start: Instant,
    is_json: bool,
    names_values: bool,
    /// The lines that are left.
    left: Option<u64>,
}

impl Printer<'_> {
    fn print(&mut self, watched: &Watched, version: u64, changes: &[Change<'_>]) -> Result<()> {
        const SHOWN: usize = 12;
        let time = self.start.elapsed().as_secs_f64();
        if self.is_json {
            let pairs: Map<String, Value> =
                changes.iter().map(|(path, old, new)| (path.clone(), json!({ "old": old, "new": new }))).collect();
            let line = json!({ "time": time, "target": watched.label, "version": version, "changes": pairs });
            self.output.json_line(&line)?;
        } else {
            let label = |path: &str| if path.is_empty() { "value".to_owned() } else { path.to_owned() };
            let mut texts: Vec<_> = changes
                .iter()
                .take(SHOWN)
                .map(|(path, old, new)| {
                    escaped(&format!("{} {} -> {}", label(path), bare(old), bare(new))).into_owned()
                })
                .collect();
            if changes.len() > SHOWN {
                texts.push(format!("{} more", changes.len() - SHOWN));
            }
            let facts = self.output.ink(Ink::Faint, &format!("{time:9.3} s  version {version}"));
            let name =
                if self.names_values { self.output.ink(Ink::Name, &watched.label) + "  " } else { String::new() };
            self.output.line(&format!("{facts}  {name}{}", texts.join(", ")))?;
        }
        // Scripts read each line when it is there.
        self.output.flush()?;
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.left == Some(0)
    }
}

pub(crate) fn run(arguments: &Watch, output: &mut Output) -> Result<()> {
    let Watch { name, paths, json, count, interval } = arguments;
    let target = split(name)?;
    let Selection::Values(values) = select(&target)? else {
        return Err(Failure::usage(format!("`{name}` is an arena: name its values, as in `{name}[*]`")));
    };
    let steps = if paths.is_empty() {
        vec![Vec::new()]
    } else {
        paths.iter().map(|path| parse_path(path)).collect::<Result<_>>()?
    };
    let mut watched = values.iter().map(|value| Watched::new(value, &steps)).collect::<Result<Vec<_>>>()?;
    let mut printer =
        Printer { output, start: Instant::now(), is_json: *json, names_values: watched.len() > 1, left: *count };
    match watched.as_mut_slice() {
        [one] => watch_one(one, &target, *interval, &mut printer),
        several => {
            remark_looks(&format!("{} values are", several.len()), *interval, "a thread sleeps for one value only");
            let atomics: Vec<_> = several.iter().map(|one| !one.atomics().is_empty()).collect();
            while !printer.is_done() {
                thread::sleep(*interval);
                for (one, has_atomics) in several.iter_mut().zip(&atomics) {
                    if (*has_atomics || one.value.version() != one.version) && !printer.is_done() {
                        one.look(&mut printer)?;
                    }
                }
            }
            Ok(())
        }
    }
}

fn watch_one(one: &mut Watched, target: &Target, interval: Duration, printer: &mut Printer<'_>) -> Result<()> {
    /// Without an atomic field, nothing but a commit matters.
    const LONG: Duration = Duration::from_secs(3600);
    let atomics = one.atomics();
    if !atomics.is_empty() {
        remark_looks(
            "its atomic fields are",
            interval,
            &format!("they change without a commit ({})", atomics.join(", ")),
        );
    }
    let timeout = if atomics.is_empty() { LONG } else { interval };
    let mut sleeper = Sleeper::of(target, &one.value, interval);
    // A change since the first look must not be lost while the value was opened again.
    one.look(printer)?;
    while !printer.is_done() {
        sleeper.sleep(one.version, timeout)?;
        one.look(printer)?;
    }
    Ok(())
}

/// Says that something, such as `it is`, is looked at again and again, and why.
fn remark_looks(what: &str, interval: Duration, reason: &str) {
    remark(&format!("{what} looked at every {} s, because {reason}", interval.as_secs_f64()));
}

/// Sleeps until a value changes.
pub(crate) enum Sleeper {
    /// Announces itself, so that writers wake it.
    Announced(DynValue),
    /// Looks from time to time.
    Polling(Synchronized<Dyn, ReadOnly>, Duration),
}

impl Sleeper {
    /// Opens the value for writing, to announce itself; without permission it says so, and polls.
    pub(crate) fn of(target: &Target, value: &Synchronized<Dyn, ReadOnly>, interval: Duration) -> Self {
        let entry = match target.steps.first() {
            Some(Step::Brackets(brackets)) if is_arena(&target.place).unwrap_or(false) => Some(brackets),
            _ => None,
        };
        let reason = match open_writable(&target.place, entry, &Locking { timeout: None, takes_mutexes: false }) {
            Ok(Writable::Locked(value)) => return Self::Announced(value),
            Ok(Writable::Unlocked(_)) => "a value without a lock has no versions".to_owned(),
            Err(failure) => format!("it cannot announce itself: {}", failure.message.unwrap_or_default()),
        };
        remark_looks("it is", interval, &reason);
        Self::Polling(value.clone(), interval)
    }

    /// Sleeps until the version is another one, or the time is over.
    pub(crate) fn sleep(&mut self, version: u64, timeout: Duration) -> Result<()> {
        match self {
            Self::Announced(value) => {
                if value.version() != version {
                    return Ok(());
                }
                let mut changes = value.changes();
                // It may have changed before the changes began.
                if value.version() != version {
                    return Ok(());
                }
                match changes.next_timeout(timeout) {
                    Ok(_) | Err(Error::TimedOut { .. } | Error::InvalidBits { .. } | Error::Unsupported { .. }) => {
                        Ok(())
                    }
                    Err(error) => Err(error.into()),
                }
            }
            Self::Polling(value, interval) => {
                if value.version() == version {
                    thread::sleep((*interval).min(timeout));
                }
                Ok(())
            }
        }
    }
}
