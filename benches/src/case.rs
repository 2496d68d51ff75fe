//! `Case`: a piece of work. `Contestant`: somebody who does it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::role::Task;

/// A piece of work that is measured.
pub trait Case {
    /// What it is called on the command line.
    fn name(&self) -> &'static str;

    /// What is done.
    fn title(&self) -> &'static str;

    /// What its figures are.
    fn unit(&self) -> Unit;

    /// Which chart shows it.
    fn chart(&self) -> &'static str;

    /// Who does it. A child process finds out in the same way what it has to do.
    fn entries(&self) -> Vec<Entry>;
}

/// Somebody who can do the work, or says why not.
pub enum Entry {
    /// Ready to be measured.
    Present(Box<dyn Contestant>),
    /// Cannot be measured.
    Absent(Absence),
}

/// Who is absent, and why.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Absence {
    /// The contestant.
    pub contestant: String,
    /// Why it cannot do the work.
    pub reason: String,
}

impl Entry {
    /// The contestant, or its absence if it could not be made.
    pub fn of<C: Contestant + 'static>(name: &str, made: Result<C>) -> Self {
        match made {
            Ok(contestant) => Self::Present(Box::new(contestant)),
            Err(error) => Self::absent(name, format!("{error:#}")),
        }
    }

    /// Somebody who cannot do the work.
    pub fn absent(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Absent(Absence { contestant: name.into(), reason: reason.into() })
    }
}

/// Somebody who does the work of a case.
pub trait Contestant {
    /// What it is called.
    fn name(&self) -> &str;

    /// Does the work for about as long, checks the result, and says how fast it was.
    ///
    /// # Errors
    /// If the result is wrong.
    fn measure(&mut self, duration: Duration) -> Result<Reading>;

    /// The part of the work that a child process does.
    ///
    /// # Errors
    /// If it has none, or could not do it.
    fn work(&self, _task: &Task) -> Result<()> {
        bail!("{} needs no other process", self.name())
    }
}

/// What one measurement has found.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The figure, in the unit of the case.
    pub value: f64,
    /// What else was found.
    pub facts: BTreeMap<String, f64>,
}

impl Reading {
    /// A figure alone.
    pub fn of(value: f64) -> Self {
        Self { value, facts: BTreeMap::new() }
    }

    /// The same, with one more fact.
    #[must_use]
    pub fn with(mut self, fact: &str, value: f64) -> Self {
        self.facts.insert(fact.to_owned(), value);
        self
    }
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The time for one call: less is better.
    Nanoseconds,
    /// The same, of what takes longer.
    Microseconds,
    /// Calls of all processes together, in millions per second: more is better.
    MillionsPerSecond,
    /// What is copied: more is better.
    GigabytesPerSecond,
}

impl Unit {
    /// As it is written behind a figure.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "µs",
            Self::MillionsPerSecond => "M/s",
            Self::GigabytesPerSecond => "GB/s",
        }
    }

    /// Whether a lower figure is the better one.
    pub fn is_time(self) -> bool {
        !matches!(self, Self::MillionsPerSecond | Self::GigabytesPerSecond)
    }
}
