//! The comparison: all contestants of all cases, in random order, round after round.

use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::budget::{self, Outcome};
use crate::case::{Absence, Case, Contestant, Entry, Reading, Unit};
use crate::foreign::Foreigners;
use crate::role;
use crate::statistics::Summary;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How often everything is measured.
    pub rounds: usize,
    /// How long one measurement in one process takes.
    pub alone: Duration,
    /// How long one between processes takes.
    pub together: Duration,
}

impl Effort {
    /// For figures that are to be shown.
    pub const FULL: Self = Self { rounds: 15, alone: Duration::from_millis(20), together: Duration::from_millis(200) };
    /// In less than two minutes.
    pub const QUICK: Self = Self { rounds: 5, alone: Duration::from_millis(8), together: Duration::from_millis(60) };

    fn of(self, case: &dyn Case) -> Duration {
        if matches!(case.chart(), "reads" | "changes") { self.alone } else { self.together }
    }
}

/// What came of all cases.
#[derive(Debug, Serialize)]
pub struct Results {
    /// In the order of the registry.
    pub cases: Vec<CaseResult>,
    /// Programs that could not be had at all.
    pub absent: Vec<Absence>,
    /// The versions of the others.
    pub versions: Vec<String>,
    /// How often everything was measured.
    pub rounds: usize,
}

/// What came of one case.
#[derive(Debug, Serialize)]
pub struct CaseResult {
    /// What it is called.
    pub name: &'static str,
    /// What was done.
    pub title: &'static str,
    /// The unit of the figures.
    #[serde(serialize_with = "symbol")]
    pub unit: Unit,
    /// Which chart shows it.
    #[serde(skip)]
    pub chart: &'static str,
    /// Those who did it, this library first.
    pub rows: Vec<Row>,
    /// Those who could not.
    pub absent: Vec<Absence>,
}

/// What came of one contestant of a case.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The contestant.
    pub contestant: String,
    /// Its readings.
    #[serde(flatten)]
    pub summary: Summary,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn symbol<S: serde::Serializer>(unit: &Unit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(unit.symbol())
}

impl Results {
    /// A case.
    pub fn case(&self, name: &str) -> Option<&CaseResult> {
        self.cases.iter().find(|case| case.name == name)
    }

    /// The readings of a contestant.
    pub fn summary(&self, case: &str, contestant: &str) -> Option<&Summary> {
        Some(&self.case(case)?.rows.iter().find(|row| row.contestant == contestant)?.summary)
    }

    /// What came of the budgets whose cases were measured.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let measured = budget::ALL.iter().filter(|budget| budget.cases().all(|case| self.case(case).is_some()));
        measured.map(|budget| budget.outcome(self)).collect()
    }
}

/// A contestant and its readings.
struct Lane {
    /// The place of its case.
    case: usize,
    contestant: Box<dyn Contestant>,
    duration: Duration,
    readings: Vec<Reading>,
    failure: Option<String>,
}

/// Measures the cases that the filter admits.
///
/// # Errors
/// If this process cannot be kept to a core. What goes wrong in a case is a part of its result.
pub fn run(effort: Effort, admits: impl Fn(&str) -> bool) -> Result<Results> {
    let cases: Vec<_> = crate::cases::all().into_iter().filter(|case| admits(case.name())).collect();
    let foreigners = Foreigners::start();
    role::pin(0)?;
    let (mut lanes, mut results) = (Vec::new(), Vec::new());
    for case in &cases {
        let mut absent = Vec::new();
        for entry in case.entries().into_iter().chain(foreigners.entries(case.name())) {
            match entry {
                Entry::Present(contestant) => lanes.push(Lane {
                    case: results.len(),
                    contestant,
                    duration: effort.of(&**case),
                    readings: Vec::new(),
                    failure: None,
                }),
                Entry::Absent(absence) => absent.push(absence),
            }
        }
        let (name, title, unit, chart) = (case.name(), case.title(), case.unit(), case.chart());
        results.push(CaseResult { name, title, unit, chart, rows: Vec::new(), absent });
    }
    measure(&mut lanes, effort.rounds, &results)?;
    for Lane { case, contestant, readings, failure, .. } in lanes {
        let (contestant, case) = (contestant.name().to_owned(), &mut results[case]);
        match (failure, Summary::of(&readings)) {
            (None, Some(summary)) => case.rows.push(Row { contestant, summary }),
            (failure, _) => {
                let reason = failure.unwrap_or_else(|| "it was not measured".to_owned());
                case.absent.push(Absence { contestant, reason });
            }
        }
    }
    let (absent, versions) = foreigners.end();
    Ok(Results { cases: results, absent, versions, rounds: effort.rounds })
}

/// Every lane once in each round, in an order that is never the same, so that what disturbs the machine disturbs all.
fn measure(lanes: &mut [Lane], rounds: usize, cases: &[CaseResult]) -> Result<()> {
    let style = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {pos}/{len} {msg}").context("a template")?;
    let bar = ProgressBar::new((lanes.len() * rounds) as u64).with_style(style.progress_chars("=> "));
    for _ in 0..rounds {
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        fastrand::shuffle(&mut order);
        for place in order {
            let lane = &mut lanes[place];
            bar.set_message(format!("{}: {}", cases[lane.case].name, lane.contestant.name()));
            if lane.failure.is_none() {
                match lane.contestant.measure(lane.duration) {
                    Ok(reading) => lane.readings.push(reading),
                    Err(error) => lane.failure = Some(format!("{error:#}")),
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(())
}
