//! The comparison: all contestants of all cases, in random order, round after round.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::budget::{self, Outcome};
use crate::case::{Absence, Case, Contestant, Entry, Reading, Unit};
use crate::foreign::Foreigners;
use crate::instructions::{Callgrind, FACT, Piece};
use crate::progress;
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
    /// Whether instructions are counted too.
    pub counts: bool,
}

impl Effort {
    /// For figures that are to be shown.
    pub const FULL: Self =
        Self { rounds: 15, alone: Duration::from_millis(20), together: Duration::from_millis(200), counts: true };
    /// In less than two minutes.
    pub const QUICK: Self =
        Self { rounds: 5, alone: Duration::from_millis(8), together: Duration::from_millis(60), counts: false };

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
    let (mut absent, versions) = foreigners.end();
    if effort.counts
        && let Err(error) = count(&mut results)
    {
        absent.push(Absence { contestant: FACT.to_owned(), reason: format!("{error:#}") });
    }
    Ok(Results { cases: results, absent, versions, rounds: effort.rounds })
}

/// Counts instructions, and adds them to the facts of those whose work one process of this program does alone.
fn count(results: &mut [CaseResult]) -> Result<()> {
    let pieces = countable(results);
    if pieces.is_empty() {
        return Ok(());
    }
    let counts = Callgrind::find()?.count_all(&pieces)?;
    for (piece, count) in pieces.into_iter().zip(counts) {
        let Some(case) = results.iter_mut().find(|case| case.name == piece.case) else { continue };
        match count {
            Ok(count) => {
                let row = case.rows.iter_mut().find(|row| row.contestant == piece.contestant);
                row.map(|row| row.summary.facts.insert(FACT.to_owned(), count));
            }
            Err(error) => {
                let contestant = format!("{FACT} of {}", piece.contestant);
                case.absent.push(Absence { contestant, reason: format!("{error:#}") });
            }
        }
    }
    Ok(())
}

/// The rows whose instructions can be counted.
fn countable(results: &[CaseResult]) -> Vec<Piece> {
    let has_row = |piece: &Piece| {
        let case = results.iter().find(|case| case.name == piece.case);
        case.is_some_and(|case| case.rows.iter().any(|row| row.contestant == piece.contestant))
    };
    let mut pieces = Piece::all(|name| results.iter().any(|case| case.name == name));
    pieces.retain(has_row);
    pieces
}

/// Every lane once in each round, in an order that is never the same, so that what disturbs the machine disturbs all.
fn measure(lanes: &mut [Lane], rounds: usize, cases: &[CaseResult]) -> Result<()> {
    let bar = progress::bar(lanes.len() * rounds)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A case with rows of these contestants.
    fn case(name: &'static str, contestants: &[&str]) -> CaseResult {
        let summary = Summary::of(&[Reading::of(1.0)]).expect("a reading");
        let row = |contestant: &&str| Row { contestant: (*contestant).to_owned(), summary: summary.clone() };
        let rows = contestants.iter().map(row).collect();
        CaseResult { name, title: "", unit: Unit::Nanoseconds, chart: "", rows, absent: Vec::new() }
    }

    #[test]
    fn instructions_are_counted_of_rows_that_this_program_does_alone() {
        let results =
            [case("add", &["shared-value", "Boost mutex", "std::sync::Mutex"]), case("race-2", &["shared-value"])];
        let pieces = countable(&results);
        let pieces: Vec<_> = pieces.iter().map(|piece| (piece.case, piece.contestant)).collect();
        assert_eq!(pieces, [("add", "shared-value"), ("add", "std::sync::Mutex")]);
    }
}
