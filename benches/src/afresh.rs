//! `Afresh`: a contestant that is made for each measurement, because it takes much memory.

use std::time::Duration;

use anyhow::Result;

use crate::case::{Contestant, Reading};
use crate::local::Local;

/// How a contestant is made that works on so many things.
pub type Make = fn(usize) -> Result<Local>;

/// A contestant that lives as long as it is measured.
pub struct Afresh {
    name: &'static str,
    make: Make,
    count: usize,
    figure: fn(f64) -> f64,
}

impl Afresh {
    /// One that works on so many things. The figure is what is shown for so many nanoseconds of a call.
    pub fn new(name: &'static str, make: Make, count: usize, figure: fn(f64) -> f64) -> Self {
        Self { name, make, count, figure }
    }
}

impl Contestant for Afresh {
    fn name(&self) -> &str {
        self.name
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        let reading = (self.make)(self.count)?.measure(duration)?;
        Ok(Reading { value: (self.figure)(reading.value), ..reading })
    }
}
