//! A logarithmic scale of ratios.

/// A logarithmic scale of ratios between two x coordinates.
pub(super) struct Scale {
    least: f64,
    most: f64,
    left: i32,
    right: i32,
}

impl Scale {
    /// Creates a scale of all the ratios and at least the range, with some space around them.
    pub(super) fn of(ratios: impl Iterator<Item = f64>, range: [f64; 2], [left, right]: [i32; 2]) -> Self {
        let [least, most] = ratios.fold(range, |[least, most], ratio| [least.min(ratio), most.max(ratio)]);
        let least = least.max(1e-6);
        let space = (most / least).powf(0.03);
        Self { least: least / space, most: most * space, left, right }
    }

    /// Returns the x coordinate of a ratio.
    pub(super) fn x_of(&self, ratio: f64) -> i32 {
        let part = (ratio.max(self.least) / self.least).ln() / (self.most / self.least).ln();
        #[expect(clippy::cast_possible_truncation, reason = "it lies on the chart")]
        let offset = (part * f64::from(self.right - self.left)).round() as i32;
        self.left + offset
    }

    /// Returns the ratios to mark. On a wide scale, these are powers of ten only.
    pub(super) fn marks(&self) -> Vec<f64> {
        let is_wide = self.most / self.least > 50.0;
        let marks =
            [0.000_1, 0.001, 0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1_000.0, 10_000.0, 100_000.0];
        let is_shown = |mark: &f64| {
            let is_power = (mark.log10() - mark.log10().round()).abs() < 1e-9;
            (self.least..=self.most).contains(mark) && (is_power || !is_wide)
        };
        marks.into_iter().filter(is_shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_lie_between_the_ends_in_equal_steps() {
        let scale = Scale::of([0.1, 10.0].into_iter(), [0.5, 2.0], [100, 200]);
        let [least, middle, most] = [0.1, 1.0, 10.0].map(|ratio| scale.x_of(ratio));
        assert_eq!([middle, most - middle], [150, middle - least]);
        assert!(least > 100 && most < 200, "{least} and {most} leave no space");
    }

    #[test]
    fn a_wide_scale_marks_powers_of_ten_only() {
        assert_eq!(Scale::of([0.02, 3.0].into_iter(), [0.5, 2.0], [0, 100]).marks(), [0.1, 1.0]);
        assert_eq!(Scale::of([1.0].into_iter(), [0.5, 2.0], [0, 100]).marks(), [0.5, 1.0, 2.0]);
    }
}
