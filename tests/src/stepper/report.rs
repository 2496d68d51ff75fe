//! `Report`: the results of a sweep.

use std::fmt;
use std::time::Duration;

use super::scenario::{Found, Harm};

/// The results of a sweep. It prints as a row of a table, followed by the first harm of each kind.
#[derive(Clone, Debug, Default)]
pub struct Report {
    operation: String,
    points: usize,
    killed: usize,
    strayed: usize,
    died_holding: usize,
    /// The states in which deaths left the values, and the number of these deaths.
    outcomes: Vec<(Vec<usize>, usize)>,
    stuck: Kind,
    torn: Kind,
    lost: Kind,
    miscounted: Kind,
    slowest: Duration,
}

/// The number of harms of one kind, and a description of the first.
#[derive(Clone, Debug, Default)]
struct Kind {
    count: usize,
    first: Option<String>,
}

impl Report {
    /// The titles of the columns.
    pub const HEADER: &str = "operation                 points  killed strayed holding   stuck    torn    lost  miscounted  slowest take-over  states left";

    pub(super) fn new(operation: &str, points: usize) -> Self {
        Self { operation: operation.to_owned(), points, ..Self::default() }
    }

    pub(super) fn drop_point(&mut self) {
        self.points -= 1;
    }

    pub(super) fn add_points(&mut self, points: usize) {
        self.points += points;
    }

    /// Adds the result of one death.
    pub(super) fn record(&mut self, found: Result<Found, Harm>, place: &str) {
        match found {
            Ok(found) => self.add(found),
            Err(harm) => self.add_harm(&harm, place),
        }
    }

    fn add(&mut self, found: Found) {
        self.killed += 1;
        self.died_holding += usize::from(found.died_holding);
        self.slowest = self.slowest.max(found.took);
        match self.outcomes.iter_mut().find(|(states, _)| *states == found.states) {
            Some((_, count)) => *count += 1,
            None => self.outcomes.push((found.states, 1)),
        }
    }

    pub(super) fn add_stray(&mut self, strayed: bool) {
        self.strayed += usize::from(strayed);
    }

    fn add_harm(&mut self, harm: &Harm, place: &str) {
        self.killed += 1;
        let kind = match harm {
            Harm::Stuck(_) => &mut self.stuck,
            Harm::Torn(_) => &mut self.torn,
            Harm::Lost(_) => &mut self.lost,
            Harm::Miscounted(_) => &mut self.miscounted,
        };
        kind.count += 1;
        kind.first.get_or_insert_with(|| format!("{place}: {harm}"));
    }

    fn kinds(&self) -> [&Kind; 4] {
        [&self.stuck, &self.torn, &self.lost, &self.miscounted]
    }

    /// Returns how many deaths did harm.
    pub fn harms(&self) -> usize {
        self.kinds().iter().map(|kind| kind.count).sum()
    }

    /// Returns whether no death did harm.
    pub fn is_unharmed(&self) -> bool {
        self.harms() == 0
    }

    /// Returns whether a death left the values in these states.
    pub(super) fn has_left(&self, states: &[usize]) -> bool {
        self.outcomes.iter().any(|(outcome, _)| outcome == states)
    }

    /// Returns how many victims were killed.
    pub fn killed(&self) -> usize {
        self.killed
    }

    /// Returns how many victims held a lock when they were killed.
    pub fn died_holding(&self) -> usize {
        self.died_holding
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [stuck, torn, lost, miscounted] = self.kinds().map(|kind| kind.count);
        write!(
            formatter,
            "{:<24} {:>7} {:>7} {:>7} {:>7} {stuck:>7} {torn:>7} {lost:>7} {miscounted:>11} {:>15} us ",
            self.operation,
            self.points,
            self.killed,
            self.strayed,
            self.died_holding,
            self.slowest.as_micros()
        )?;
        for (states, count) in &self.outcomes {
            let states: Vec<_> = states.iter().map(ToString::to_string).collect();
            write!(formatter, " {}:{count}", states.join("/"))?;
        }
        for first in self.kinds().into_iter().filter_map(|kind| kind.first.as_ref()) {
            write!(formatter, "\n    {first}")?;
        }
        Ok(())
    }
}
