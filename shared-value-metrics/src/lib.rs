//! A [`metrics::Recorder`] whose counters, gauges and histograms lie in shared memory: all processes of a server report as one, and what
//! a killed process has counted stays.
//!
//! The program counts by the macros of the crate [`metrics`], as it does with any other recorder. The series lie in an
//! [`Arena`](shared_value::Arena), which is handed to the workers, by `fork`, by [`pass_to`](shared_value::Arena::pass_to) or by name.
//! Any process that has the arena open can [`render`] all series, in Prometheus' text format or in `OpenMetrics`.
//!
//! # How it counts
//!
//! | metric | in the arena | an addition |
//! |---|---|---|
//! | counter | a [`CounterField`](shared_value::CounterField): 16 lanes, each a cache line that one thread owns | a load and a store in the thread's lane |
//! | gauge | one atomic word, an `f64` | a compare-and-swap, again if another thread was faster; `set` is a store |
//! | histogram | a counter for each bucket, in 16 lanes, and the sum in four parts | the counter of the bucket, then a compare-and-swap of a part of the sum |
//!
//! A handle knows where its series lies: counting takes no lock and allocates nothing. A handle that was made before a `fork` counts in
//! the child too. The macros keep their handles in a map of the calling thread, so `counter!("jobs").increment(1)` takes no lock either.
//! Only the first use of a series in the arena takes the lock of the arena. That lock is robust: a process that is killed at any
//! instruction of a registration leaves the series whole, or leaves nothing of it.
//!
//! # What a name means
//!
//! - Characters that Prometheus does not allow become `_`: `http.requests` is `http_requests`.
//! - The samples of a counter end with `_total`, in both formats, whether the program writes that or not.
//! - A metric has one kind. Its samples take their names too: beside a histogram `delay` no gauge can be named `delay_count`.
//! - Labels are sorted. A label with an empty value is left out. Names that begin with `__` are refused: Prometheus reserves them.
//! - `describe_counter!` and its siblings give the description. The unit is shown in `OpenMetrics` if the name ends with it, as
//!   `delay_seconds` does: `OpenMetrics` wants that.
//!
//! # Trade-offs
//!
//! - **A killed process loses at most the addition that it was making.** If it is killed between the two steps of an observation, the
//!   observation is counted, and its value is missing in the sum of the histogram.
//! - **What a killed process has added to a gauge stays,** for example the requests that it was answering. A gauge that each worker
//!   sets needs a label for the worker.
//! - **A series takes memory,** also if it is never used again: about 1,200 bytes for a counter, 200 for a gauge, and 3,200 for a
//!   histogram with up to 14 bounds. The memory does not depend on the number of processes.
//! - **A full arena counts no new series.** Series that have their place count on. The program gets one line on standard error, or what
//!   [`on_error`](Builder::on_error) does, and no panic. A large [`Capacity`](shared_value::Capacity) takes address space only.
//! - **Bounds belong to a histogram in the arena.** A program that gives other ones gets [`Error::OtherBounds`]; the macros report it,
//!   and count into the bounds of the arena.
//! - **Numbers that are not finite**, and those with which the sum would not be, are counted in a bucket, and are left out of the
//!   sum, which they would spoil forever.
//! - **`absolute` takes a lock,** and raises the counter to the number: the greatest number of all processes counts.
//!
//! # Example
//!
//! ```
//! use metrics::{counter, describe_histogram, histogram};
//! use shared_value::Arena;
//! use shared_value_metrics::{Format, Recorder};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let recorder = Recorder::builder().buckets(&[0.01, 0.1])?.build(Arena::new(1 << 26)?);
//! recorder.install()?;
//! // Here the server forks its workers, or passes `recorder.arena()` to programs that it starts. Each of them counts:
//! describe_histogram!("delay_seconds", "How long an answer took.");
//! counter!("requests", "status" => "200").increment(1);
//! histogram!("delay_seconds").record(0.05);
//!
//! // And any of them answers a request for `/metrics`, with the series of all:
//! let text = recorder.render(Format::Prometheus);
//! assert_eq!(text, "\
//! ## HELP delay_seconds How long an answer took.
//! ## TYPE delay_seconds histogram
//! delay_seconds_bucket{le=\"0.01\"} 0
//! delay_seconds_bucket{le=\"0.1\"} 1
//! delay_seconds_bucket{le=\"+Inf\"} 1
//! delay_seconds_sum 0.05
//! delay_seconds_count 1
//! ## TYPE requests_total counter
//! requests_total{status=\"200\"} 1
//! ");
//! # Ok(())
//! # }
//! ```

mod bounds;
mod cache;
mod error;
mod handles;
mod labels;
mod name;
mod recorder;
mod registry;
mod render;
mod series;

pub use crate::error::{Error, NameUse};
pub use crate::recorder::{Builder, Recorder};
pub use crate::render::{Format, render};

/// The program of the README, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
