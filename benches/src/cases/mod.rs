//! All cases.

mod arrays;
mod beside;
mod calls;
mod creation;
mod death;
mod large;
mod local;
mod lookup;
mod many;
mod passing;
mod race;
mod wake;

use crate::measure::Case;

pub use local::LocalCase;

/// Returns all cases, in the order of the report.
pub fn all() -> Vec<Box<dyn Case>> {
    let mut cases: Vec<Box<dyn Case>> = Vec::new();
    cases.extend(local::ALL.iter().map(|case| Box::new(case) as Box<dyn Case>));
    cases.extend(race::ALL.iter().map(|case| Box::new(case) as Box<dyn Case>));
    cases.extend(beside::ALL.iter().map(|case| Box::new(case) as Box<dyn Case>));
    cases.push(Box::new(wake::Wake));
    cases.push(Box::new(death::Death));
    cases.extend(creation::ALL.iter().map(|case| Box::new(case) as Box<dyn Case>));
    cases.push(Box::new(passing::Passing));
    cases.extend(many::ALL.iter().map(|case| Box::new(case) as Box<dyn Case>));
    cases.extend(lookup::ALL.iter().map(|case| Box::new(case) as Box<dyn Case>));
    cases.extend(arrays::ALL.iter().map(|case| Box::new(case) as Box<dyn Case>));
    cases.push(Box::new(large::Large));
    cases
}
