//! Many readings of one contestant, as a few numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::case::Reading;

/// What many readings amount to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Half of the readings are below.
    pub median: f64,
    /// The lowest.
    pub minimum: f64,
    /// The highest.
    pub maximum: f64,
    /// A quarter of the readings are below.
    pub lower: f64,
    /// A quarter of the readings are above.
    pub upper: f64,
    /// How far these two are apart, as a part of the median.
    pub spread: f64,
    /// How many there are.
    pub readings: usize,
    /// What else was found: medians.
    pub facts: BTreeMap<String, f64>,
}

impl Summary {
    /// Of at least one reading.
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

/// The value below which such a part of the others lies, between two of them if need be.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far from so many")]
    let place = part * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
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
    fn one_reading_is_all_there_is() {
        let summary = Summary::of(&[Reading::of(2.0)]).expect("a reading");
        assert_eq!([summary.median, summary.minimum, summary.maximum, summary.spread], [2.0, 2.0, 2.0, 0.0]);
        assert!(Summary::of(&[]).is_none());
    }
}
