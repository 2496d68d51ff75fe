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

/// Calls more and more often, until a quarter of the time is spent in one go; only that go counts.
pub fn time(duration: Duration, run: &mut dyn FnMut(u64)) -> Lap {
    let (mut calls, mut count) = (0, 1);
    loop {
        let start = Instant::now();
        run(count);
        let elapsed = start.elapsed();
        calls += count;
        if elapsed * 4 >= duration {
            #[allow(clippy::cast_precision_loss, reason = "far from so many calls")]
            return Lap { nanoseconds: elapsed.as_secs_f64() * 1e9 / count as f64, calls };
        }
        count *= if elapsed * 32 >= duration { 2 } else { 8 };
    }
}
