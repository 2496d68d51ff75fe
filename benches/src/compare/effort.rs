//! `Effort`: how much is measured.

use std::time::Duration;

use crate::measure::Case;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How often everything is measured.
    pub rounds: usize,
    /// The duration of one measurement in one process.
    pub alone: Duration,
    /// The duration of one measurement with several processes.
    pub together: Duration,
    /// Whether instructions are counted too.
    pub counts: bool,
}

impl Effort {
    /// For figures that will be published.
    pub const FULL: Self =
        Self { rounds: 15, alone: Duration::from_millis(20), together: Duration::from_millis(200), counts: true };
    /// For a look: less than two minutes.
    pub const QUICK: Self =
        Self { rounds: 5, alone: Duration::from_millis(8), together: Duration::from_millis(60), counts: false };

    /// Returns the duration of one measurement of the case.
    pub(super) fn of(self, case: &dyn Case) -> Duration {
        if matches!(case.chart(), "reads" | "changes") { self.alone } else { self.together }
    }
}
