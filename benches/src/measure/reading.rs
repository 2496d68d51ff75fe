//! `Reading`: the result of one measurement.

use std::collections::BTreeMap;

/// The result of one measurement of a contestant.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The figure, in the unit of the case.
    pub value: f64,
    /// Other numbers that the measurement found, by name.
    pub facts: BTreeMap<String, f64>,
}

impl Reading {
    /// Returns a reading without other facts.
    pub fn of(value: f64) -> Self {
        Self { value, facts: BTreeMap::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, fact: &str, value: f64) -> Self {
        self.facts.insert(fact.to_owned(), value);
        self
    }
}
