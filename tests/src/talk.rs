//! What a worker says to the test and hears from it: lines.

use std::fmt::Display;
use std::io::{self, Write};

/// Sends a line to the test that started this process.
///
/// # Panics
/// If the test is gone.
pub fn say(line: impl Display) {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}").expect("the test reads what its worker says");
    output.flush().expect("the test reads what its worker says");
}

/// Waits for a line from the test that started this process, who sets the deadline.
///
/// # Panics
/// If the test is gone.
pub fn await_line() -> String {
    let mut line = String::new();
    let length = io::stdin().read_line(&mut line).expect("the test writes lines");
    assert!(length != 0, "the test went away");
    line.trim_end().to_owned()
}
