//! `Error`: why a series could not be registered.

use std::fmt;

/// Why a metric or a series could not be registered, or not as it was asked for.
///
/// ```
/// use metrics::Key;
/// use shared_value::Arena;
/// use shared_value_metrics::{Error, Recorder};
///
/// let recorder = Recorder::new(Arena::new(1 << 20)?);
/// recorder.counter(&Key::from_name("jobs"))?.increment(1);
/// let refused = recorder.gauge(&Key::from_name("jobs")).unwrap_err();
/// assert!(matches!(&refused, Error::NameTaken { .. }));
/// assert_eq!(refused.to_string(), "`jobs` cannot be a gauge: it is a counter already; rename one of them");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No metric can have this name.
    #[error("`{name}` cannot name a metric: {reason}")]
    InvalidName {
        /// The name.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// The series cannot have this label.
    #[error("a series of `{metric}` cannot have the label `{label}`: {reason}")]
    InvalidLabel {
        /// The metric.
        metric: String,
        /// The label.
        label: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// No histogram can have these bounds.
    #[error("{bounds:?} cannot be the bounds of buckets: {reason}")]
    InvalidBounds {
        /// The bounds.
        bounds: Vec<f64>,
        /// The rule that they break.
        reason: &'static str,
    },
    /// A metric of another kind has the name, or shows a sample under the name. Nothing was registered.
    #[error("`{name}` cannot be {asked}: it is {found} already; rename one of them")]
    NameTaken {
        /// The name.
        name: String,
        /// The use that was asked for.
        asked: NameUse,
        /// The use that the arena has noted.
        found: NameUse,
    },
    /// The histogram has other bounds in the arena than this program gives it: two versions of the program run, or two recorders of one
    /// arena were built with different buckets. The histogram keeps its bounds and its counts. The `metrics` macros count on, into the
    /// bounds of the arena.
    #[error(
        "histogram `{name}` has other bounds: expected {expected:?}, found {found:?} in the arena; give the bounds of the arena, or \
         another name"
    )]
    OtherBounds {
        /// The histogram.
        name: String,
        /// The bounds that this program gives.
        expected: Vec<f64>,
        /// The bounds in the arena.
        found: Vec<f64>,
    },
    /// The arena refuses: for example, it is full. Nothing was registered.
    #[error("`{series}` cannot be registered: {source}")]
    Arena {
        /// The series, or the metric.
        series: String,
        /// The error of the arena.
        source: Box<shared_value::Error>,
    },
}

/// What a name stands for in the output: a metric, or one of the samples of a metric.
///
/// ```
/// use metrics::Key;
/// use shared_value::Arena;
/// use shared_value_metrics::{Error, NameUse, Recorder};
///
/// let recorder = Recorder::new(Arena::new(1 << 20)?);
/// recorder.histogram(&Key::from_name("delay"))?.record(0.5);
/// let refused = recorder.gauge(&Key::from_name("delay_count")).unwrap_err();
/// assert!(matches!(refused, Error::NameTaken { found: NameUse::HistogramSample, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(shared_value::SharedValue, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum NameUse {
    /// A counter, without `_total`.
    Counter,
    /// A sample of a counter, which ends with `_total` or `_created`.
    CounterSample,
    /// A gauge.
    Gauge,
    /// A histogram.
    Histogram,
    /// A sample of a histogram, which ends with `_bucket`, `_sum`, `_count` or `_created`.
    HistogramSample,
}

impl fmt::Display for NameUse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Counter => "a counter",
            Self::CounterSample => "a sample of a counter",
            Self::Gauge => "a gauge",
            Self::Histogram => "a histogram",
            Self::HistogramSample => "a sample of a histogram",
        })
    }
}
