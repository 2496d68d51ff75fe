//! `Contestant`: does the work of a case.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::measure::reading::Reading;
use crate::process::Task;

/// Does the work of a case, in its own way.
pub trait Contestant {
    /// Returns the name of the contestant.
    fn name(&self) -> &str;

    /// Does the work for about this long, checks the result, and returns how fast it was.
    ///
    /// # Errors
    /// If the result is wrong, or the work could not be done.
    fn measure(&mut self, duration: Duration) -> Result<Reading>;

    /// Does the part of the work that is done in a child process.
    ///
    /// # Errors
    /// If the contestant needs no child, or the work could not be done.
    fn work(&self, _task: &Task) -> Result<()> {
        bail!("{} needs no other process", self.name())
    }
}

/// A contestant of a case, or the reason of its absence.
pub enum Entry {
    /// A contestant that can be measured.
    Present(Box<dyn Contestant>),
    /// A contestant that cannot be measured.
    Absent(Absence),
}

/// The reason why a contestant is absent.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Absence {
    /// The contestant.
    pub contestant: String,
    /// Why it cannot do the work.
    pub reason: String,
}

impl Entry {
    /// Returns the contestant, or its absence if it could not be created.
    pub fn of<C: Contestant + 'static>(name: &str, created: Result<C>) -> Self {
        match created {
            Ok(contestant) => Self::Present(Box::new(contestant)),
            Err(error) => Self::absent(name, format!("{error:#}")),
        }
    }

    /// Returns the absence of a contestant that cannot do the work.
    pub fn absent(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Absent(Absence { contestant: name.into(), reason: reason.into() })
    }
}
