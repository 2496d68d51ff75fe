//! `Watching`: several values of an arena, watched together.

use std::collections::{BTreeMap, HashSet};
use std::thread;
use std::time::Duration;

use shared_value::{Arena, ArenaChange, ArenaChanges, Error, ReadOnly, Versioned};

use crate::commands::watch::printer::Printer;
use crate::commands::watch::sleeper::{LONG, remark_looks};
use crate::commands::watch::watched::Watched;
use crate::failure::{Failure, Result};
use crate::output::remark;
use crate::target::{Brackets, Selected, Step, Target, get, is_arena, shown};

/// Returns the pattern of keys that a target names, if it names several values of an arena.
pub(super) fn pattern(target: &Target) -> Result<Option<&str>> {
    match target.steps.first() {
        Some(step @ Step::Brackets(Brackets::Plain(text))) if step.pattern()?.is_some() && is_arena(&target.place)? => {
            Ok(Some(text))
        }
        _ => Ok(None),
    }
}

/// The values of an arena that are watched.
pub(super) struct Watching<'a> {
    target: &'a Target,
    /// The paths in each value.
    paths: Vec<Vec<Step>>,
    /// By their labels.
    values: BTreeMap<String, Watched>,
    /// The labels of values that change without a commit, or have no key.
    polled: Vec<String>,
    interval: Duration,
}

impl<'a> Watching<'a> {
    pub(super) fn new(target: &'a Target, paths: Vec<Vec<Step>>, watched: Vec<Watched>, interval: Duration) -> Self {
        let values = watched.into_iter().map(|one| (one.label.clone(), one)).collect();
        Self { target, paths, values, polled: Vec::new(), interval }
    }

    /// Prints changes until enough lines were printed. `polls` says not to announce a waiter.
    pub(super) fn run(mut self, pattern: &str, polls: bool, printer: &mut Printer<'_>) -> Result<()> {
        let arena = Arena::open_read_only(self.target.place.source())?;
        let without_key = format!("{}[#", self.target.place);
        let is_polled = |one: &&Watched| one.label.starts_with(&without_key) || !one.atomics().is_empty();
        self.polled = self.values.values().filter(is_polled).map(|one| one.label.clone()).collect();
        let (count, seconds) = (self.values.len(), self.interval.as_secs_f64());
        if polls {
            remark_looks(&format!("{count} values are"), self.interval, "`--poll` asks for it");
            return self.follow(&arena, arena.changes(pattern)?, false, printer);
        }
        match Arena::open(self.target.place.source()) {
            Ok(writable) => {
                let polled = match self.polled.len() {
                    0 => String::new(),
                    polled => {
                        format!(", {polled} of them, which change without a commit or have no key, every {seconds} s")
                    }
                };
                remark(&format!("{count} values are watched{polled}"));
                self.follow(&arena, writable.changes(pattern)?, true, printer)
            }
            Err(error) => {
                let reason = format!("this command cannot announce itself: {error}");
                remark_looks(&format!("{count} values are"), self.interval, &reason);
                self.follow(&arena, arena.changes(pattern)?, false, printer)
            }
        }
    }

    fn follow<A: Versioned>(
        &mut self,
        arena: &Arena<ReadOnly>,
        mut changes: ArenaChanges<A>,
        is_woken: bool,
        printer: &mut Printer<'_>,
    ) -> Result<()> {
        // Changes since the first look, before `changes` began.
        for one in self.values.values_mut().filter(|one| one.value.version() != one.version) {
            one.look(printer)?;
        }
        while !printer.is_done() {
            if is_woken {
                let timeout = if self.polled.is_empty() { LONG } else { self.interval };
                match changes.next_timeout(timeout) {
                    Ok(change) => self.note(arena, &change, printer)?,
                    Err(Error::TimedOut { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            // A key that comes again has changed since it came, and may do so all the time.
            let mut told = HashSet::new();
            while !printer.is_done() {
                match changes.next_timeout(Duration::ZERO) {
                    Ok(change) => {
                        self.note(arena, &change, printer)?;
                        if !told.insert(change.key().to_owned()) {
                            break;
                        }
                    }
                    Err(Error::TimedOut { .. }) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            for label in &self.polled {
                if let Some(one) = self.values.get_mut(label).filter(|_| !printer.is_done()) {
                    one.look(printer)?;
                }
            }
            if !printer.is_done() {
                // Values that change all the time wake this command once in an interval, and not at each commit.
                thread::sleep(self.interval);
            }
        }
        Ok(())
    }

    /// Prints a change.
    fn note(&mut self, arena: &Arena<ReadOnly>, change: &ArenaChange, printer: &mut Printer<'_>) -> Result<()> {
        let entry = Brackets::Key(change.key().to_owned());
        let label = format!("{}[{}]", self.target.place, shown(&entry));
        match change {
            ArenaChange::Added { .. } => self.add(arena, &entry, label, printer),
            ArenaChange::Removed { .. } => {
                self.polled.retain(|polled| *polled != label);
                self.values.remove(&label).map_or(Ok(()), |one| one.print_removed(printer))
            }
            _ => self.values.get_mut(&label).map_or(Ok(()), |one| one.look(printer)),
        }
    }

    fn add(
        &mut self,
        arena: &Arena<ReadOnly>,
        entry: &Brackets,
        label: String,
        printer: &mut Printer<'_>,
    ) -> Result<()> {
        // If it was removed again, the next change says so.
        let Some(value) = get(arena, entry)? else { return Ok(()) };
        let selected = Selected { label: label.clone(), value, steps: self.target.steps[1..].to_vec() };
        self.polled.retain(|polled| *polled != label);
        match Watched::new(&selected, &self.paths) {
            Ok(one) => {
                one.print_added(printer)?;
                if !one.atomics().is_empty() {
                    self.polled.push(label.clone());
                }
                self.values.insert(label, one);
            }
            Err(Failure { message, .. }) => {
                self.values.remove(&label);
                remark(&format!("{label}: {}", message.unwrap_or_default()));
            }
        }
        Ok(())
    }
}
