//! Lines of text between a worker and the test that started it.

use std::fmt::Display;
use std::io::{self, Write};

/// Sends a line to the test that started this process.
///
/// # Panics
/// If the test has ended.
pub fn say(line: impl Display) {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}").expect("the test reads the lines of its worker");
    output.flush().expect("the test reads the lines of its worker");
}

/// Waits for a line from the test that started this process. The test kills this process if it takes too long.
///
/// # Panics
/// If the test has ended.
pub fn await_line() -> String {
    let mut line = String::new();
    let length = io::stdin().read_line(&mut line).expect("the test writes lines");
    assert!(length != 0, "the test has ended");
    line.trim_end().to_owned()
}
