//! `Route`: the instructions that lead through an operation.

use std::collections::HashMap;

/// The instructions of an operation, in the order in which they are executed.
#[derive(Debug)]
pub(super) struct Route {
    places: Vec<Place>,
    visits: HashMap<u64, u32>,
}

/// Where a victim is after so many steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The instruction that is next.
    pub(super) address: u64,
    /// How often the victim has been there, this time included.
    pub(super) visits: u32,
    /// The next step sleeps.
    pub(super) sleeps: bool,
    /// The last step changed shared bytes.
    pub(super) changed: bool,
    /// The place on the way here to go to without stopping at every instruction.
    landing: usize,
    /// How many stops it takes to get here that way.
    stops: u32,
}

impl Route {
    /// The way that begins at an address.
    pub(super) fn new(start: u64) -> Self {
        let place = Place { address: start, visits: 1, sleeps: false, changed: false, landing: 0, stops: 0 };
        Self { places: vec![place], visits: HashMap::from([(start, 1)]) }
    }

    /// Adds a step that led to an address.
    pub(super) fn step(&mut self, address: u64, changed: bool) {
        let before = *self.places.last().expect("there is a first place");
        let visits = self.visits.entry(address).or_default();
        *visits += 1;
        // A breakpoint stops the victim at every visit. One at the start is left alone: whether it stops a victim that
        // stands on it differs between processors.
        let (landing, stops) = if address != self.places[0].address && *visits <= before.stops {
            (self.places.len(), *visits)
        } else {
            (before.landing, before.stops + 1)
        };
        self.places.push(Place { address, visits: *visits, sleeps: false, changed, landing, stops });
    }

    /// Notes that the next step sleeps.
    pub(super) fn sleep(&mut self) {
        self.places.last_mut().expect("there is a first place").sleeps = true;
    }

    /// The places; there is one more than steps.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// After how many steps to stop first on the way to a place; 0 if that is the start.
    pub(super) fn landing(&self, steps: usize) -> usize {
        self.places[steps].landing
    }

    /// Whether the victim sleeps on the way to a place.
    pub(super) fn sleeps_before(&self, steps: usize) -> bool {
        self.places[..steps].iter().any(|place| place.sleeps)
    }
}
