//! `Case`: a piece of work that is measured.

use crate::measure::contestant::Entry;

/// A piece of work that is measured.
pub trait Case {
    /// Returns the name of the case on the command line.
    fn name(&self) -> &'static str;

    /// Says in words what the work is.
    fn title(&self) -> &'static str;

    /// Returns the unit of the figures.
    fn unit(&self) -> Unit;

    /// Returns the name of the chart that shows the case.
    fn chart(&self) -> &'static str;

    /// Returns the contestants, this library first. A child process finds its part of the work here too.
    fn entries(&self) -> Vec<Entry>;
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The time of one call: less is better.
    Nanoseconds,
    /// The time of one call that takes longer: less is better.
    Microseconds,
    /// Calls of all processes together, in millions per second: more is better.
    MillionsPerSecond,
    /// Bytes that are copied, in billions per second: more is better.
    GigabytesPerSecond,
}

impl Unit {
    /// Returns the symbol that follows a figure.
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
