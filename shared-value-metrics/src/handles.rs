//! Handles of series: what the macros of the crate `metrics` count by.
//!
//! Each handle knows where its series lies. Counting takes no lock and allocates nothing, in the process that has made the handle and in
//! its forked children.

use std::cell::Cell;

use metrics::{CounterFn, GaugeFn, HistogramFn};
use shared_value::{Atomic, Root, Synchronized, Writer};

use crate::bounds::Bounds;
use crate::series::{LINE, MetricCounter, MetricGauge, MetricHistogram, STRIPES};

/// Counts in lanes: each thread that counts has a cache line of its own.
#[derive(Debug)]
pub(crate) struct CounterHandle(pub(crate) Synchronized<MetricCounter>);

impl CounterFn for CounterHandle {
    fn increment(&self, value: u64) {
        self.0.total().add(value);
    }

    fn absolute(&self, value: u64) {
        // Under the lock: two processes that raise the counter at once would otherwise both add the difference. Without a lock, as with
        // another C library than glibc, the counter stays as it is.
        let Ok(_guard) = self.0.lock() else { return };
        let total = self.0.total();
        if let Some(missing) = value.checked_sub(total.get()) {
            total.add(missing);
        }
    }
}

#[derive(Debug)]
pub(crate) struct GaugeHandle(pub(crate) Synchronized<MetricGauge>);

impl GaugeFn for GaugeHandle {
    fn increment(&self, value: f64) {
        self.0.level().fetch_add(value);
    }

    fn decrement(&self, value: f64) {
        self.0.level().fetch_sub(value);
    }

    fn set(&self, value: f64) {
        self.0.level().store(value);
    }
}

#[derive(Debug)]
pub(crate) struct HistogramHandle<const N: usize> {
    pub(crate) series: Synchronized<MetricHistogram<N>>,
    /// Fewer than `N`.
    pub(crate) bounds: Bounds,
}

impl<const N: usize> HistogramFn for HistogramHandle<N> {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        // A death between the two leaves an observation that is counted, but not yet in the sum.
        self.series.buckets().element(self.bounds.bucket(value)).add(count as u64);
        #[expect(clippy::cast_precision_loss, reason = "nobody observes one value 2^53 times in one call")]
        add(self.series.sums(), value * count as f64);
    }
}

thread_local! {
    /// The part of the sums that this thread adds to.
    static STRIPE: Cell<usize> = const { Cell::new(0) };
}

/// The greatest part of a sum, so that all parts together are finite.
#[expect(clippy::cast_precision_loss, reason = "there are few parts")]
const GREATEST: f64 = f64::MAX / STRIPES as f64;

/// Adds to one part of a sum, unless the sum would not be finite then: it would stay so, whatever is added later. A thread that is
/// disturbed there by another one goes to the next part, and stays there.
fn add<H: Root + Writer>(sums: Atomic<'_, H, [f64; STRIPES * LINE]>, value: f64) {
    let mut stripe = STRIPE.get();
    loop {
        let sum = sums.element(stripe * LINE);
        let before = sum.load();
        let after = before + value;
        // `NaN` does not fit: it is not smaller than anything.
        let fits = after.abs() <= GREATEST;
        if !fits || sum.compare_exchange(before, after).is_ok() {
            return;
        }
        stripe = (stripe + 1) % STRIPES;
        STRIPE.set(stripe);
    }
}
