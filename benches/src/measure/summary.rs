//! `Summary`: many readings of one contestant in a few numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::measure::reading::Reading;

/// Many readings of one contestant in a few numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Half of the readings are lower.
    pub median: f64,
    /// The lowest reading.
    pub minimum: f64,
    /// The highest reading.
    pub maximum: f64,
    /// A quarter of the readings are lower.
    pub lower: f64,
    /// A quarter of the readings are higher.
    pub upper: f64,
    /// The distance from `lower` to `upper`, relative to the median.
    pub spread: f64,
    /// The number of readings.
    pub readings: usize,
    /// The median of each other fact.
    pub facts: BTreeMap<String, f64>,
}

impl Summary {
    /// Returns the summary of the readings, of which there must be at least one.
    pub fn of(readings: &[Reading]) -> Option<Self> {
        let values = sorted(readings.iter().map(|reading| reading.value));
        let (minimum, maximum) = (*values.first()?, *values.last()?);
        let median = quantile(&values, 0.5);
        let (lower, upper) = (quantile(&values, 0.25), quantile(&values, 0.75));
        let spread = (upper - lower) / median;
        let mut facts: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (fact, value) in readings.iter().flat_map(|reading| &reading.facts) {
            facts.entry(fact.clone()).or_default().push(*value);
        }
        let facts = facts.into_iter().map(|(fact, values)| (fact, quantile(&sorted(values), 0.5))).collect();
        Some(Self { median, minimum, maximum, lower, upper, spread, readings: readings.len(), facts })
    }
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Returns the value below which this part of the values lies, interpolated between two of them.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the length is far below 2^52")]
    let position = part * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is an index of the list")]
    let below = position as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_readings() {
        let readings: Vec<Reading> =
            [4.0, 1.0, 3.0, 2.0].map(|value| Reading::of(value).with("fact", value * 2.0)).into();
        let summary = Summary::of(&readings).expect("readings");
        assert_eq!([summary.median, summary.minimum, summary.maximum, summary.facts["fact"]], [2.5, 1.0, 4.0, 5.0]);
        assert!((summary.spread - 0.6).abs() < 1e-9);
    }

    #[test]
    fn one_reading_is_its_own_summary() {
        let summary = Summary::of(&[Reading::of(2.0)]).expect("a reading");
        assert_eq!([summary.median, summary.minimum, summary.maximum, summary.spread], [2.0, 2.0, 2.0, 0.0]);
        assert!(Summary::of(&[]).is_none());
    }
}
