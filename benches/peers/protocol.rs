//! The protocol of `src/compare/peers.rs`, for programs in Rust.

use std::io::{self, BufRead, Write};
use std::time::Duration;

#[path = "../src/report/crate_version.rs"]
mod crate_version;
#[allow(dead_code, reason = "this program does not count the calls")]
#[path = "../src/measure/stopwatch.rs"]
mod stopwatch;

/// A contestant of a case.
pub struct Offer {
    case: &'static str,
    contestant: &'static str,
    run: Box<dyn FnMut(u64)>,
    /// Divides the nanoseconds of a call.
    scale: f64,
}

impl Offer {
    /// Creates a contestant of its work.
    pub fn new(case: &'static str, contestant: &'static str, mut work: impl FnMut() + 'static) -> Self {
        let run = move |calls| {
            for _ in 0..calls {
                work();
            }
        };
        Self { case, contestant, run: Box::new(run), scale: 1.0 }
    }

    /// Turns the figures into microseconds.
    #[allow(dead_code, reason = "only some programs call it")]
    pub fn in_microseconds(self) -> Self {
        Self { scale: 1e3, ..self }
    }
}

/// Prints the offers, and serves requests until the input ends. `lock_file` is the text of this program's `Cargo.lock`.
pub fn serve(name: &str, lock_file: &str, mut offers: Vec<Offer>) -> io::Result<()> {
    let mut output = io::stdout();
    writeln!(output, "version {name} {}", crate_version::crate_version(lock_file, name))?;
    for Offer { case, contestant, .. } in &offers {
        writeln!(output, "offer {case} {contestant}")?;
    }
    writeln!(output, "ready")?;
    output.flush()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let request = line.split_once(' ');
        let request = request.and_then(|(number, time)| Some((number.parse::<usize>().ok()?, time.parse().ok()?)));
        match request {
            Some((number, time)) if number < offers.len() => {
                let Offer { run, scale, .. } = &mut offers[number];
                let lap = stopwatch::time(Duration::from_micros(time), run);
                writeln!(output, "ok value={}", lap.nanoseconds / *scale)?;
            }
            _ => writeln!(output, "failed unknown request: {line}")?,
        }
        output.flush()?;
    }
    Ok(())
}
