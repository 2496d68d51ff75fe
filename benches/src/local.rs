//! `Local`: a contestant that works in this process alone.

use std::time::Duration;

use anyhow::Result;

use crate::case::{Contestant, Reading};
use crate::stopwatch;

/// Contestants by name, and how each is made.
pub type Makers = &'static [(&'static str, fn() -> Result<Local>)];

/// A contestant that does the same thing again and again, in this process.
pub struct Local {
    name: &'static str,
    run: Box<dyn FnMut(u64)>,
    /// Whether the result is right after so many calls.
    check: Box<dyn Fn(u64) -> Result<()>>,
    calls: u64,
    /// How often one call does what is measured.
    times: u32,
    /// What the nanoseconds of that are divided by.
    scale: f64,
}

impl Local {
    /// The work, and how to see that it was done so often.
    pub fn new(
        name: &'static str,
        mut work: impl FnMut() + 'static,
        check: impl Fn(u64) -> Result<()> + 'static,
    ) -> Self {
        let run = move |calls| {
            for _ in 0..calls {
                work();
            }
        };
        Self { name, run: Box::new(run), check: Box::new(check), calls: 0, times: 1, scale: 1.0 }
    }

    /// The work, which checks itself or has nothing to be checked.
    pub fn unchecked(name: &'static str, work: impl FnMut() + 'static) -> Self {
        Self::new(name, work, |_| Ok(()))
    }

    /// The same, where one call does so many times what is measured.
    #[must_use]
    pub fn of_many(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same, whose figures are microseconds.
    #[must_use]
    pub fn in_microseconds(self) -> Self {
        Self { scale: 1e3, ..self }
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How often one call does what is measured.
    pub fn times(&self) -> u32 {
        self.times
    }

    /// Does the work so many times.
    pub fn run(&mut self, calls: u64) {
        (self.run)(calls);
        self.calls += calls;
    }

    /// Whether what was done so far has the right result.
    ///
    /// # Errors
    /// If not.
    pub fn check(&self) -> Result<()> {
        (self.check)(self.calls)
    }
}

impl Contestant for Local {
    fn name(&self) -> &str {
        self.name
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let lap = stopwatch::time(duration, &mut self.run);
        self.calls += lap.calls;
        self.check()?;
        Ok(Reading::of(lap.nanoseconds / f64::from(self.times) / self.scale))
    }
}
