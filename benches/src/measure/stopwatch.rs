//! Times one call, in the same way for all contestants, also those in programs that are built separately.

use std::time::{Duration, Instant};

/// The result of timing.
#[derive(Clone, Copy, Debug)]
pub struct Lap {
    /// The nanoseconds of one call.
    pub nanoseconds: f64,
    /// The number of all calls, including those before the timed batches.
    pub calls: u64,
}

/// Into how many batches of calls the time is divided.
///
/// A batch is short: other programs interrupt few of them, and the median batch counts.
const BATCHES: u32 = 100;

/// Doubles the number of calls until a batch takes its share of the time, then times batches until the time is over.
pub fn time(duration: Duration, run: &mut dyn FnMut(u64)) -> Lap {
    let (begin, mut calls, mut count, mut batches) = (Instant::now(), 0, 1, Vec::new());
    while batches.is_empty() || begin.elapsed() < duration {
        let start = Instant::now();
        run(count);
        let elapsed = start.elapsed();
        calls += count;
        if !batches.is_empty() || elapsed * BATCHES >= duration {
            #[allow(clippy::cast_precision_loss, reason = "the count is far below 2^52")]
            batches.push(elapsed.as_secs_f64() * 1e9 / count as f64);
        } else {
            count *= 2;
        }
    }
    batches.sort_by(f64::total_cmp);
    Lap { nanoseconds: batches[batches.len() / 2], calls }
}
