//! `Watched`: a value that is watched, and the parts of it that were printed last.

use shared_value::{Dyn, DynData, ReadOnly, Synchronized};

use crate::commands::watch::printer::{Change, Event, Printer};
use crate::failure::Result;
use crate::output::remark;
use crate::target::{Selected, Step, parts};
use crate::value::load_parts;

/// A value that is watched.
pub(super) struct Watched {
    pub(super) label: String,
    pub(super) value: Synchronized<Dyn, ReadOnly>,
    paths: Vec<String>,
    pub(super) version: u64,
    last: Vec<DynData>,
}

impl Watched {
    pub(super) fn new(selected: &Selected, steps: &[Vec<Step>]) -> Result<Self> {
        let label = &selected.label;
        let value = selected.value.versioned(label)?;
        let mut paths = Vec::new();
        for steps in steps {
            let steps: Vec<_> = selected.steps.iter().chain(steps).cloned().collect();
            paths.extend(parts(&selected.value, &steps)?);
        }
        let mut watched =
            Self { label: label.clone(), value: value.clone(), paths, version: value.version(), last: Vec::new() };
        watched.last = watched.load()?;
        Ok(watched)
    }

    /// Returns the parts, all of one version, except atomic fields and counters.
    fn load(&self) -> Result<Vec<DynData>> {
        let (_, parts) = load_parts(&self.value, &self.paths, None)?;
        Ok(parts)
    }

    /// Prints that the value was added, with its parts.
    pub(super) fn print_added(&self, printer: &mut Printer<'_>) -> Result<()> {
        let parts: Vec<_> =
            self.paths.iter().zip(&self.last).map(|(path, new)| (path.clone(), None, Some(new))).collect();
        printer.print(&self.label, self.version, Event::Added, &parts)
    }

    /// Prints that the value was removed, with its last known parts.
    pub(super) fn print_removed(&self, printer: &mut Printer<'_>) -> Result<()> {
        let parts: Vec<_> =
            self.paths.iter().zip(&self.last).map(|(path, old)| (path.clone(), Some(old), None)).collect();
        printer.print(&self.label, self.version, Event::Removed, &parts)
    }

    /// Returns the atomic fields and the counters that are watched.
    pub(super) fn atomics(&self) -> Vec<String> {
        let layout = self.value.layout();
        let is_within =
            |path: &str, field: &str| path.is_empty() || path == field || path.starts_with(&format!("{field}["));
        let fields =
            layout.fields().filter(|part| part.is_atomic() || part.is_counter()).map(|part| part.path().to_owned());
        fields.filter(|field| self.paths.iter().any(|path| is_within(path, field))).collect()
    }

    /// Looks for changes, and prints a line if there are any.
    pub(super) fn look(&mut self, printer: &mut Printer<'_>) -> Result<()> {
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
            printer.print(&self.label, version, Event::Changed, &changes)?;
        }
        self.version = version;
        self.last = now;
        Ok(())
    }
}

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
        _ => changes.push((path.to_owned(), Some(old), Some(new))),
    }
}

/// Returns whether two parts are equal. `NaN` is equal to itself here.
fn is_same(old: &DynData, new: &DynData) -> bool {
    old == new || (old.as_f64().is_some_and(f64::is_nan) && new.as_f64().is_some_and(f64::is_nan))
}
