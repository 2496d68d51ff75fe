//! `Limiter`: a token bucket that any number of processes take from.

use shared_value::{Error, SharedValue, Timestamp};

/// A bucket, and the number of requests that were refused.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Limiter {
    pub(crate) bucket: Bucket,
    /// Counted without a lock: refusals are most frequent when there is most to do.
    #[shared(counter)]
    pub(crate) refused: u64,
}

/// A token bucket. All of it changes in one commit, so a worker that is killed has either taken a token or not.
///
/// Time is counted in nanoseconds, and one token is `interval` of them. No fraction is lost, so in every committed value
/// `granted * interval + credit + spilled == burst * interval + elapsed`, to the nanosecond.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Bucket {
    /// The time in which one token comes.
    pub(crate) interval: u64,
    /// The tokens of a full bucket.
    pub(crate) burst: u64,
    /// The clock, when it was last read.
    pub(crate) filled: Timestamp,
    /// The time since the bucket was made: the sum of all steps of `filled` forwards.
    pub(crate) elapsed: u64,
    /// The tokens in the bucket.
    pub(crate) credit: u64,
    /// The tokens that came while the bucket was full.
    pub(crate) spilled: u64,
    /// The tokens that were taken.
    pub(crate) granted: u64,
}

impl Bucket {
    /// Returns a full bucket, into which `rate` tokens come each second.
    ///
    /// # Panics
    /// If the rate is 0 or more than 1,000,000,000, or if it takes more than a year to fill the bucket.
    pub(crate) fn new(rate: u64, burst: u64) -> Self {
        const SECOND: u64 = 1_000_000_000;
        const YEAR: u64 = 365 * 24 * 3_600 * SECOND;
        assert!((1..=SECOND).contains(&rate), "expected a rate between 1 and {SECOND} tokens a second, found {rate}");
        let interval = SECOND / rate;
        let full = interval.checked_mul(burst).filter(|full| *full <= YEAR);
        let credit = full.unwrap_or_else(|| panic!("a bucket of {burst} tokens is not full within a year"));
        Self { interval, burst, filled: Timestamp::now(), elapsed: 0, credit, spilled: 0, granted: 0 }
    }

    /// Adds what has come since the clock was last read.
    fn fill(&mut self, now: Timestamp) {
        // If the clock was set back, nothing has come, and time goes on from there. If it was set forward, the bucket is full at
        // most.
        let came = u64::try_from(now.since(self.filled).as_nanos()).unwrap_or(0);
        self.filled = now;
        self.elapsed = self.elapsed.wrapping_add(came);
        let full = self.interval.wrapping_mul(self.burst);
        let credit = self.credit.saturating_add(came);
        self.credit = credit.min(full);
        self.spilled = self.spilled.wrapping_add(credit - self.credit);
    }

    /// Returns whether there may be a token at this time. If the clock was set back, the bucket has to note that.
    fn may_have(mut self, now: Timestamp) -> bool {
        now < self.filled || {
            self.fill(now);
            self.credit >= self.interval
        }
    }

    /// Takes a token, if there is one.
    fn take(&mut self) -> bool {
        // The clock is read under the lock, so readings come in the order in which they are stored.
        self.fill(Timestamp::now());
        let is_granted = self.credit >= self.interval;
        if is_granted {
            self.credit -= self.interval;
            self.granted = self.granted.wrapping_add(1);
        }
        is_granted
    }
}

impl Limiter {
    /// Returns a limiter with a full bucket, into which `rate` tokens come each second.
    ///
    /// # Panics
    /// As [`Bucket::new`] does.
    pub(crate) fn new(rate: u64, burst: u64) -> Self {
        Self { bucket: Bucket::new(rate, burst), refused: 0 }
    }
}

/// Returns whether a request may be served now, and takes a token for it.
pub(crate) fn admit(limiter: &SynchronizedLimiter) -> Result<bool, Error> {
    // An empty bucket is seen without the lock, so a flood of requests does not keep others from taking tokens.
    let is_granted =
        limiter.in_bucket().load()?.may_have(Timestamp::now()) && limiter.in_bucket().update(Bucket::take)?;
    if !is_granted {
        limiter.refused().increment();
    }
    Ok(is_granted)
}
