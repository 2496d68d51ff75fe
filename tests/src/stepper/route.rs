//! `Route`: the instructions of an operation, and a quick way to each of them.

use std::collections::HashMap;

use super::tracee::STAYS_AT_BREAKPOINT;

/// The instructions of an operation in the order of their execution.
#[derive(Debug)]
pub(super) struct Route {
    places: Vec<Place>,
    /// For each instruction, the places at which it is the next one, in order.
    visits: HashMap<u64, Vec<usize>>,
    /// Entry `n`: the last place that at most `n` stops lead to.
    near: [usize; NEAR],
}

const NEAR: usize = 12;

/// The state of a victim after a number of steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The address of the next instruction.
    pub(super) address: u64,
    /// Whether the next step sleeps.
    pub(super) sleeps: bool,
    /// Whether the last step changed shared bytes.
    pub(super) step_changed: bool,
    /// Whether the last step was a system call.
    pub(super) step_called: bool,
    /// The last leg of the way here.
    leg: Leg,
    /// How many times the victim stops on the way here.
    stops: usize,
}

/// A part of the way to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    /// The place where it starts.
    pub(super) from: usize,
    /// The place where it ends.
    pub(super) to: usize,
    /// The number of visits to the instruction at the end, counted from the start: a victim with a breakpoint there stops
    /// as often. `None` if the victim is single-stepped.
    pub(super) visits: Option<usize>,
}

impl Route {
    /// Makes a route that begins at an address.
    pub(super) fn new(start: u64) -> Self {
        let leg = Leg { from: 0, to: 0, visits: None };
        let place = Place { address: start, sleeps: false, step_changed: false, step_called: false, leg, stops: 0 };
        Self { places: vec![place], visits: HashMap::from([(start, vec![0])]), near: [0; NEAR] }
    }

    /// Adds a step that led to an address.
    pub(super) fn step(&mut self, address: u64, step_changed: bool, step_called: bool) {
        let to = self.places.len();
        let before = self.places[to - 1];
        let mut best = (before.stops + 1, Leg { from: to - 1, to, visits: None });
        let visits = self.visits.entry(address).or_default();
        visits.push(to);
        for from in self.near {
            // It depends on the processor whether a breakpoint at the current instruction stops the victim at once.
            if self.places[from].address != address {
                let since = visits.len() - visits.partition_point(|visit| *visit <= from);
                let stops = self.places[from].stops + since;
                // A victim that stays at its breakpoint gets no further than to the first visit.
                if stops < best.0 && (since == 1 || !STAYS_AT_BREAKPOINT) {
                    best = (stops, Leg { from, to, visits: Some(since) });
                }
            }
        }
        let (stops, leg) = best;
        for near in self.near.iter_mut().skip(stops) {
            *near = to;
        }
        self.places.push(Place { address, sleeps: false, step_changed, step_called, leg, stops });
    }

    /// Records that the next step sleeps.
    pub(super) fn sleep(&mut self) {
        self.places.last_mut().expect("a route has a first place").sleeps = true;
    }

    /// Returns the places, of which there is one more than steps.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Returns the way to a place on which the victim stops least often.
    pub(super) fn quick(&self, steps: usize) -> Vec<Leg> {
        let mut legs = Vec::new();
        let mut place = steps;
        while place != 0 {
            let leg = self.places[place].leg;
            legs.push(leg);
            place = leg.from;
        }
        legs.reverse();
        legs
    }

    /// Returns the way to a place by single steps.
    pub(super) fn slow(steps: usize) -> Vec<Leg> {
        (1..=steps).map(|to| Leg { from: to - 1, to, visits: None }).collect()
    }

    /// Returns whether the victim sleeps on a leg.
    pub(super) fn sleeps_on(&self, leg: Leg) -> bool {
        self.places[leg.from..leg.to].iter().any(|place| place.sleeps)
    }
}
