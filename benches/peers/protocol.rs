//! The protocol of `src/foreign.rs`, for programs in Rust.

use std::io::{self, BufRead, Write};
use std::time::Duration;

#[path = "../src/locked.rs"]
mod locked;
/// The ruler of the others.
#[allow(dead_code, reason = "here nobody counts the calls")]
#[path = "../src/stopwatch.rs"]
mod stopwatch;

/// Something that this program does.
pub struct Offer {
    case: &'static str,
    contestant: &'static str,
    run: Box<dyn FnMut(u64)>,
    /// What the nanoseconds of a call are divided by.
    scale: f64,
}

impl Offer {
    /// The work of a case.
    pub fn new(case: &'static str, contestant: &'static str, mut work: impl FnMut() + 'static) -> Self {
        let run = move |calls| {
            for _ in 0..calls {
                work();
            }
        };
        Self { case, contestant, run: Box::new(run), scale: 1.0 }
    }

    /// The same, whose figures are microseconds.
    #[allow(dead_code, reason = "not every program has such")]
    pub fn in_microseconds(self) -> Self {
        Self { scale: 1e3, ..self }
    }
}

/// Offers, and does what it is asked for until nothing more is. `lock` is the text of this program's `Cargo.lock`.
pub fn serve(name: &str, lock: &str, mut offers: Vec<Offer>) -> io::Result<()> {
    let mut output = io::stdout();
    writeln!(output, "version {name} {}", locked::version(lock, name))?;
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
            _ => writeln!(output, "failed no such request: {line}")?,
        }
        output.flush()?;
    }
    Ok(())
}
