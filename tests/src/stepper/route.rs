//! `Route`: the instructions that lead through an operation, and the quick ways to each of them.

use std::collections::HashMap;

/// The instructions of an operation, in the order in which they are executed.
#[derive(Debug)]
pub(super) struct Route {
    places: Vec<Place>,
    /// At which places each instruction is next, in order.
    visits: HashMap<u64, Vec<usize>>,
    /// The last places that so many stops lead to, or fewer.
    near: [usize; NEAR],
}

const NEAR: usize = 12;

/// Where a victim is after so many steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The instruction that is next.
    pub(super) address: u64,
    /// The next step sleeps.
    pub(super) sleeps: bool,
    /// The step that led here changed shared bytes.
    pub(super) step_changed: bool,
    /// The step that led here was a system call.
    pub(super) step_called: bool,
    /// The last leg of the way here.
    leg: Leg,
    /// How often the victim stops on the way here.
    stops: usize,
}

/// A part of the way to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    /// Where it starts.
    pub(super) from: usize,
    /// Where it ends.
    pub(super) to: usize,
    /// The how manieth visit to the instruction there, since the start of the leg, is the one: with a breakpoint, that
    /// is how often the victim stops. `None`: it goes there step by step.
    pub(super) visits: Option<usize>,
}

impl Route {
    /// The way that begins at an address.
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
            // Whether a breakpoint where the victim stands stops it at once differs between processors and ways there.
            if self.places[from].address != address {
                let since = visits.len() - visits.partition_point(|visit| *visit <= from);
                let stops = self.places[from].stops + since;
                if stops < best.0 {
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

    /// Notes that the next step sleeps.
    pub(super) fn sleep(&mut self) {
        self.places.last_mut().expect("there is a first place").sleeps = true;
    }

    /// The places; there is one more than steps.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The way to a place that stops the victim as seldom as possible.
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

    /// The way to a place step by step.
    pub(super) fn slow(steps: usize) -> Vec<Leg> {
        (1..=steps).map(|to| Leg { from: to - 1, to, visits: None }).collect()
    }

    /// Whether the victim sleeps on a leg.
    pub(super) fn sleeps_on(&self, leg: Leg) -> bool {
        self.places[leg.from..leg.to].iter().any(|place| place.sleeps)
    }
}
