//! How long one call takes: the same ruler for all, also for programs that are built apart.

use std::time::{Duration, Instant};

/// What a measurement has found.
#[derive(Clone, Copy, Debug)]
pub struct Lap {
    /// Nanoseconds for one call.
    pub nanoseconds: f64,
    /// How many calls there were, also those before the measured ones.
    pub calls: u64,
}

/// Into how many goes the time is divided.
///
/// A go is so short that most of them are not interrupted, whatever else the machine does; the median of them is what
/// counts.
const GOES: u32 = 100;

/// Calls more and more often, until a go is long enough, and then in as many goes as there is time for.
pub fn time(duration: Duration, run: &mut dyn FnMut(u64)) -> Lap {
    let (begin, mut calls, mut count, mut goes) = (Instant::now(), 0, 1, Vec::new());
    while goes.is_empty() || begin.elapsed() < duration {
        let start = Instant::now();
        run(count);
        let elapsed = start.elapsed();
        calls += count;
        if !goes.is_empty() || elapsed * GOES >= duration {
            #[allow(clippy::cast_precision_loss, reason = "far from so many calls")]
            goes.push(elapsed.as_secs_f64() * 1e9 / count as f64);
        } else {
            count *= 2;
        }
    }
    goes.sort_by(f64::total_cmp);
    Lap { nanoseconds: goes[goes.len() / 2], calls }
}
