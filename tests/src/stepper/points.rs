//! `Points`: the points of an operation at which a sweep kills.

use std::fmt;

use super::route::Route;

/// The points of an operation at which a sweep kills.
#[derive(Clone, Copy, Debug)]
pub enum Points {
    /// Every instruction.
    Every,
    /// At most `count` instructions, and two at least: the first and the last one, then those before and after system calls and
    /// changes of shared bytes, then others at random.
    AtMost {
        /// The number of points.
        count: usize,
        /// The seed of the random choice.
        seed: u64,
    },
    /// System calls and writes to the words that the scenario names, and some instructions behind some of them. The victim is not
    /// single-stepped before.
    Changes {
        /// About how many changes and system calls to choose for each set of words that the scenario names. The start and the end
        /// of the operation come in addition.
        most: usize,
        /// The seed for the choice, and for the number of instructions.
        seed: u64,
    },
}

/// A point at which to kill: after a number of steps, or asleep in the system call of the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) steps: usize,
    pub(super) asleep: bool,
}

impl Point {
    /// Returns whether a route has this point.
    pub(super) fn is_on(self, route: &Route) -> bool {
        route.places().get(self.steps).is_some_and(|place| place.sleeps || !self.asleep)
    }

    /// Returns whether a route ends with this point.
    pub(super) fn ends(self, route: &Route) -> bool {
        self.steps + 1 == route.places().len() && !self.asleep
    }
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asleep = if self.asleep { ", asleep in the next" } else { "" };
        write!(formatter, "after {} instructions{asleep}", self.steps)
    }
}

/// Returns all points of a route in order, or only the points from the first sleep on.
pub(super) fn all(route: &Route, from_sleep: bool) -> Vec<Point> {
    let places = route.places();
    let sleep = if from_sleep { places.iter().position(|place| place.sleeps) } else { None };
    let awake = (sleep.map_or(0, |sleep| sleep + 1)..places.len()).map(|steps| Point { steps, asleep: false });
    let asleep = (0..places.len()).filter(|steps| places[*steps].sleeps).map(|steps| Point { steps, asleep: true });
    let mut points: Vec<_> = awake.chain(asleep).collect();
    points.sort_unstable();
    points
}

/// Chooses `count` of the points.
pub(super) fn choose(route: &Route, all: Vec<Point>, count: usize, seed: u64) -> Vec<Point> {
    if all.len() <= count {
        return all;
    }
    let mut random = fastrand::Rng::with_seed(seed);
    let places = route.places();
    let matters = |step: usize| places.get(step).is_some_and(|place| place.step_changed || place.step_called);
    // The first one and the last one are among them, and leave the states before and after the operation.
    let ends = [all.first().copied(), all.last().copied()];
    let (mut chosen, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|point| ends.contains(&Some(*point)));
    let is_special = |point: &Point| point.asleep || matters(point.steps) || matters(point.steps + 1);
    let (mut special, others): (Vec<_>, Vec<_>) = others.into_iter().partition(is_special);
    // There may be more than `count` of these.
    random.shuffle(&mut special);
    special.truncate(count.saturating_sub(chosen.len()));
    chosen.extend(special);
    chosen.extend(random.choose_multiple(others, count.saturating_sub(chosen.len())));
    chosen.sort_unstable();
    chosen
}
