//! `Local`: a contestant that works in this process alone.

use std::time::Duration;

use anyhow::Result;

use crate::measure::contestant::Contestant;
use crate::measure::reading::Reading;
use crate::measure::stopwatch;

/// Contestants by name, and a function that creates each.
pub type Locals = &'static [(&'static str, fn() -> Result<Local>)];

/// A contestant that repeats its work in this process.
pub struct Local {
    name: &'static str,
    run: Box<dyn FnMut(u64)>,
    /// Checks the result after this number of calls.
    check: Box<dyn Fn(u64) -> Result<()>>,
    calls: u64,
    /// How many operations one call does.
    operations: u32,
    /// Divides the nanoseconds of an operation.
    scale: f64,
}

impl Local {
    /// Creates a contestant of its work, and of a check of the result after a number of calls.
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
        Self { name, run: Box::new(run), check: Box::new(check), calls: 0, operations: 1, scale: 1.0 }
    }

    /// Creates a contestant whose work checks itself, or has no result to be checked.
    pub fn unchecked(name: &'static str, work: impl FnMut() + 'static) -> Self {
        Self::new(name, work, |_| Ok(()))
    }

    /// Sets how many operations one call does. The figure is the time of one operation.
    #[must_use]
    pub fn of_many(self, operations: u32) -> Self {
        Self { operations, ..self }
    }

    /// Turns the figures into microseconds.
    #[must_use]
    pub fn in_microseconds(self) -> Self {
        Self { scale: 1e3, ..self }
    }

    /// Returns how many operations one call does.
    pub fn operations(&self) -> u32 {
        self.operations
    }

    /// Calls the work this number of times.
    pub fn run(&mut self, calls: u64) {
        (self.run)(calls);
        self.calls += calls;
    }

    /// Checks the result of all calls until now.
    ///
    /// # Errors
    /// If the result is wrong.
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
        Ok(Reading::of(lap.nanoseconds / f64::from(self.operations) / self.scale))
    }
}
