//! `Family`: all series of one metric, and how they are written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::labels::escape;
use crate::name::{Kind, sample_of};
use crate::render::format::Format;
use crate::render::number::text as number;

/// The series of one metric.
pub(crate) struct Family {
    kind: Kind,
    /// By their labels.
    series: BTreeMap<String, Value>,
}

/// What a series showed when it was read.
pub(crate) enum Value {
    Count(u64),
    Level(f64),
    Distribution(Distribution),
}

/// The buckets of a histogram.
pub(crate) struct Distribution {
    pub(crate) bounds: Vec<f64>,
    /// One more than there are bounds.
    pub(crate) counts: Vec<u64>,
    pub(crate) sum: f64,
}

impl Family {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, series: BTreeMap::new() }
    }

    /// Adds a series, if it is of the kind of the metric.
    pub(crate) fn add(&mut self, kind: Kind, labels: String, value: Value) {
        if kind == self.kind {
            self.series.insert(labels, value);
        }
    }

    /// Appends all lines of the metric.
    pub(crate) fn write(&self, text: &mut String, format: Format, metric: &str, unit: &str, help: &str) {
        let kind = self.kind.as_str();
        let sample = sample_of(self.kind, metric);
        match format {
            Format::Prometheus => {
                write_help(text, &sample, help, false);
                line(text, format_args!("# TYPE {sample} {kind}"));
            }
            Format::OpenMetrics => {
                line(text, format_args!("# TYPE {metric} {kind}"));
                // Only a metric whose name ends with its unit may tell the unit.
                if !unit.is_empty() && metric.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')) {
                    line(text, format_args!("# UNIT {metric} {unit}"));
                }
                write_help(text, metric, help, true);
            }
        }
        for (labels, value) in &self.series {
            match value {
                Value::Count(count) => line(text, format_args!("{sample}{labels} {count}")),
                Value::Level(level) => line(text, format_args!("{sample}{labels} {}", number(*level))),
                Value::Distribution(distribution) => distribution.write(text, format, metric, labels),
            }
        }
    }
}

impl Distribution {
    fn write(&self, text: &mut String, format: Format, metric: &str, labels: &str) {
        let (open, close) = labels.strip_suffix('}').map_or(("{", "}"), |open| (open, "}"));
        let comma = if labels.is_empty() { "" } else { "," };
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let mut count = 0_u64;
        for (bound, counted) in bounds.zip(&self.counts) {
            count = count.wrapping_add(*counted);
            line(text, format_args!("{metric}_bucket{open}{comma}le=\"{}\"{close} {count}", number(bound)));
        }
        // OpenMetrics takes the sum for one that grows: with observations below zero, it must not be there, nor the count.
        let has_sum = self.sum >= 0.0 && self.bounds.first().is_none_or(|bound| *bound >= 0.0);
        if has_sum || format == Format::Prometheus {
            line(text, format_args!("{metric}_sum{labels} {}", number(self.sum)));
            line(text, format_args!("{metric}_count{labels} {count}"));
        }
    }
}

fn write_help(text: &mut String, name: &str, help: &str, escapes_quotes: bool) {
    if !help.is_empty() {
        let mut escaped = String::new();
        escape(&mut escaped, help, escapes_quotes);
        line(text, format_args!("# HELP {name} {escaped}"));
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a `String` does not fail.
    let _ = writeln!(text, "{line}");
}
