//! `Temporary`: a contestant that is created for each measurement, because it takes much memory.

use std::time::Duration;

use anyhow::Result;

use crate::measure::contestant::Contestant;
use crate::measure::local::Local;
use crate::measure::reading::Reading;

/// Creates a contestant that works on this number of things.
pub type Create = fn(usize) -> Result<Local>;

/// A contestant that exists only while it is measured.
pub struct Temporary {
    name: &'static str,
    create: Create,
    count: usize,
    figure: fn(f64) -> f64,
}

impl Temporary {
    /// Creates a contestant that will work on `count` things. `figure` turns the nanoseconds of a call into the figure.
    pub fn new(name: &'static str, create: Create, count: usize, figure: fn(f64) -> f64) -> Self {
        Self { name, create, count, figure }
    }
}

impl Contestant for Temporary {
    fn name(&self) -> &str {
        self.name
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let reading = (self.create)(self.count)?.measure(duration)?;
        Ok(Reading { value: (self.figure)(reading.value), ..reading })
    }
}
