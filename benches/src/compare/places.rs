//! Measures contestants at many places of the stack and the heap, to see how much the place matters.

use std::time::Duration;

use anyhow::Result;

use crate::cases::LocalCase;
use crate::measure::{Case, Contestant, Summary, place};
use crate::process::cores;

/// How long a contestant is measured at one place, and how often: the least reading counts.
const DURATION: Duration = Duration::from_millis(2);
const READINGS: usize = 3;

/// What a contestant takes at different places.
pub struct Spread {
    /// The name of the case.
    pub case: &'static str,
    /// The name of the contestant.
    pub contestant: &'static str,
    /// The least reading of each place.
    pub places: Summary,
}

/// Measures all contestants of the cases that the filter admits.
///
/// # Errors
/// If a contestant cannot be created or its result is wrong.
pub fn measure(admits: impl Fn(&str) -> bool) -> Result<Vec<Spread>> {
    cores::pin(0)?;
    let mut spreads = Vec::new();
    for case in LocalCase::all().iter().filter(|case| admits(case.name())) {
        for contestant in case.contestants() {
            let mut least = Vec::new();
            for number in 0..place::FRAMES {
                let reading = place::at(number, number % place::CHUNKS, || {
                    let mut local = case.local(contestant)?;
                    let readings = (0..READINGS).map(|_| local.measure(DURATION)).collect::<Result<Vec<_>>>()?;
                    readings.into_iter().min_by(|one, other| one.value.total_cmp(&other.value)).ok_or_else(none)
                });
                least.push(reading?);
            }
            let places = Summary::of(&least).ok_or_else(none)?;
            spreads.push(Spread { case: case.name(), contestant, places });
        }
    }
    Ok(spreads)
}

fn none() -> anyhow::Error {
    anyhow::anyhow!("there is no reading")
}
