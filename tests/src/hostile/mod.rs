//! Hostile memory. An input of the fuzzer says how another process damages a segment, before it is opened and while it is
//! used, and which operations this process does on it.
//!
//! For every input, [`run`] returns soon, and each operation succeeds or returns an error that says what is wrong. No byte
//! outside of the cell is written, no pointer in the segment is followed, and the other locks of the thread keep working.

mod damage;
mod input;
mod memory;
mod peer;
mod play;
mod specimen;
mod thread;
mod trial;
mod verdict;

use crate::SegmentName;
use crate::values::{Account, Assorted, Level, Padded, Tally};
use shared_value::FixedStr;

use crate::hostile::input::Input;
use crate::hostile::trial::Trial;

/// Runs one input. It aborts the process if the library breaks one of these promises.
pub fn run(bytes: &[u8]) {
    verdict::watch_panics();
    let mut input = Input::new(bytes);
    let setting = input.byte();
    match setting % 8 {
        0 => Trial::<u64>::run(setting, input),
        1 => Trial::<Account>::run(setting, input),
        2 => Trial::<Assorted>::run(setting, input),
        3 => Trial::<[Level; 5]>::run(setting, input),
        4 => Trial::<FixedStr<12>>::run(setting, input),
        5 => Trial::<[u64; 9]>::run(setting, input),
        6 => Trial::<Padded>::run(setting, input),
        _ => Trial::<Tally>::run(setting, input),
    }
}

/// Writes the segment of one input, as it is damaged before it is opened. For tests of other programs.
///
/// # Panics
/// If there is no room in memory.
pub fn write(bytes: &[u8], name: &SegmentName) {
    let mut input = Input::new(bytes);
    let setting = input.byte();
    match setting % 8 {
        0 => Trial::<u64>::damage(name, setting, &mut input),
        1 => Trial::<Account>::damage(name, setting, &mut input),
        2 => Trial::<Assorted>::damage(name, setting, &mut input),
        3 => Trial::<[Level; 5]>::damage(name, setting, &mut input),
        4 => Trial::<FixedStr<12>>::damage(name, setting, &mut input),
        5 => Trial::<[u64; 9]>::damage(name, setting, &mut input),
        6 => Trial::<Padded>::damage(name, setting, &mut input),
        _ => Trial::<Tally>::damage(name, setting, &mut input),
    };
}
