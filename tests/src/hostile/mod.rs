//! Hostile memory: one input of the fuzzer is what another process does to a segment, before it is opened and while it is
//! used, and what this process does with it.
//!
//! Whatever the input is, [`run`] returns, soon, and every operation succeeds or fails with an error that says what is
//! wrong. What lies outside of the cell is not written, no pointer that lies in it is followed, and other locks of the
//! same thread stay right.

mod damage;
mod input;
mod memory;
mod peer;
mod play;
mod specimen;
mod stage;
mod thread;
mod verdict;

use crate::values::{Account, Assorted, Level, Padded, Tally};
use shared_value::FixedStr;

use crate::hostile::input::Input;
use crate::hostile::stage::Stage;

/// Runs one input. It ends the process if the library does anything that it must not.
pub fn run(bytes: &[u8]) {
    verdict::watch_panics();
    let mut input = Input::new(bytes);
    let setting = input.byte();
    match setting % 8 {
        0 => Stage::<u64>::run(setting, input),
        1 => Stage::<Account>::run(setting, input),
        2 => Stage::<Assorted>::run(setting, input),
        3 => Stage::<[Level; 5]>::run(setting, input),
        4 => Stage::<FixedStr<12>>::run(setting, input),
        5 => Stage::<[u64; 9]>::run(setting, input),
        6 => Stage::<Padded>::run(setting, input),
        _ => Stage::<Tally>::run(setting, input),
    }
}
