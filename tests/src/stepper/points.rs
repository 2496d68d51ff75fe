//! `Points`: where in an operation to kill.

use std::fmt;

use super::route::Route;

/// Where in an operation to kill.
#[derive(Clone, Copy, Debug)]
pub enum Points {
    /// At every instruction.
    Every,
    /// At every instruction if there are no more than so many. Otherwise at those before and after system calls and changes of
    /// shared bytes, and at others that are chosen at random.
    AtMost {
        /// How many.
        count: usize,
        /// What the choice depends on.
        seed: u64,
    },
    /// Before and after system calls, and up to some instructions after each write to the words that the scenario has
    /// watched. The instructions are not counted before.
    Changes {
        /// What the number of instructions depends on.
        seed: u64,
    },
}

/// Where to kill: after so many steps, or in the sleep of the step after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) steps: usize,
    pub(super) asleep: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asleep = if self.asleep { ", asleep in the next" } else { "" };
        write!(formatter, "after {} instructions{asleep}", self.steps)
    }
}

/// All points of a route, in order; only those from the first sleep on, if so asked.
pub(super) fn all(route: &Route, from_sleep: bool) -> Vec<Point> {
    let places = route.places();
    let sleep = if from_sleep { places.iter().position(|place| place.sleeps) } else { None };
    let awake = (sleep.map_or(0, |sleep| sleep + 1)..places.len()).map(|steps| Point { steps, asleep: false });
    let asleep = (0..places.len()).filter(|steps| places[*steps].sleeps).map(|steps| Point { steps, asleep: true });
    let mut points: Vec<_> = awake.chain(asleep).collect();
    points.sort_unstable();
    points
}

/// So many of all points.
pub(super) fn choose(route: &Route, all: Vec<Point>, count: usize, seed: u64) -> Vec<Point> {
    if all.len() <= count {
        return all;
    }
    let mut random = fastrand::Rng::with_seed(seed);
    let places = route.places();
    let matters = |step: usize| places.get(step).is_some_and(|place| place.step_changed || place.step_called);
    let ends = [all.first().copied(), all.last().copied()];
    let is_special = |point: &Point| {
        point.asleep || matters(point.steps) || matters(point.steps + 1) || ends.contains(&Some(*point))
    };
    let (mut chosen, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_special);
    // There may be more of these than wanted.
    random.shuffle(&mut chosen);
    chosen.truncate(count);
    let left = count - chosen.len();
    chosen.extend(random.choose_multiple(others, left));
    chosen.sort_unstable();
    chosen
}
