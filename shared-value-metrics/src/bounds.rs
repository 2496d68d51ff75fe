//! `Bounds`: the upper bounds of the buckets of a histogram.

use std::ops::Deref;
use std::sync::Arc;

use crate::error::Error;

/// The greatest number of bounds. There is one bucket more: it has no bound.
pub(crate) const MOST: usize = 126;

/// Finite numbers in ascending order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounds(Arc<[f64]>);

impl Bounds {
    /// Checks bounds. The last one may be infinite, and is left out.
    pub(crate) fn new(given: &[f64]) -> Result<Self, Error> {
        let bounds = given.strip_suffix(&[f64::INFINITY]).unwrap_or(given);
        let reason = if bounds.is_empty() {
            "there is none"
        } else if bounds.len() > MOST {
            "there are more than 126"
        } else if bounds.iter().any(|bound| !bound.is_finite()) {
            "one of them is not finite"
        } else if !bounds.is_sorted_by(|one, next| one < next) {
            "they do not ascend"
        } else {
            return Ok(Self(bounds.into()));
        };
        Err(Error::InvalidBounds { bounds: given.to_vec(), reason })
    }

    /// Returns the number of the bucket that a value belongs to: the first one whose bound is not below the value.
    #[inline]
    pub(crate) fn bucket(&self, value: f64) -> usize {
        if value.is_nan() { self.0.len() } else { self.0.partition_point(|bound| *bound < value) }
    }
}

impl Default for Bounds {
    /// Returns the bounds that Prometheus' clients use: for delays, in seconds.
    fn default() -> Self {
        Self([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0].into())
    }
}

impl Deref for Bounds {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_find_their_buckets() {
        let bounds = Bounds::new(&[-1.0, 0.0, 2.5, f64::INFINITY]).unwrap();
        let buckets = [-2.0, -1.0, -0.5, -0.0, 2.5, 2.6, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        assert_eq!(buckets.map(|value| bounds.bucket(value)), [0, 0, 1, 1, 2, 3, 3, 0, 3]);
    }

    #[test]
    fn bounds_that_no_histogram_can_have() {
        let long: Vec<f64> = (0_u8..127).map(f64::from).collect();
        for given in
            [&[][..], &[f64::INFINITY], &[f64::NAN], &[1.0, 1.0], &[2.0, 1.0], &[f64::NEG_INFINITY, 1.0], &long]
        {
            assert!(matches!(Bounds::new(given), Err(Error::InvalidBounds { .. })), "{given:?}");
        }
        assert_eq!(Bounds::new(&long[1..]).unwrap().len(), MOST);
    }
}
