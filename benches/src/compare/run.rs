//! Measures all contestants of all cases, in random order, round after round.

use std::time::Duration;

use anyhow::Result;

use crate::cases;
use crate::compare::effort::Effort;
use crate::compare::instructions::{Callgrind, FACT, Target};
use crate::compare::peers::Peers;
use crate::compare::progress;
use crate::compare::results::{CaseResult, Results, Row};
use crate::measure::{Absence, Contestant, Entry, Reading, Summary};
use crate::process::cores;

/// A contestant and its readings.
struct Lane {
    /// The index of its case.
    case: usize,
    contestant: Box<dyn Contestant>,
    /// The duration of one measurement.
    duration: Duration,
    readings: Vec<Reading>,
    failure: Option<String>,
}

/// Measures the cases that the filter admits.
///
/// # Errors
/// If this process cannot be pinned to a core. A contestant that fails is listed as absent from its case.
pub fn run(effort: Effort, admits: impl Fn(&str) -> bool) -> Result<Results> {
    let cases: Vec<_> = cases::all().into_iter().filter(|case| admits(case.name())).collect();
    let peers = Peers::start();
    cores::pin(0)?;
    let (mut lanes, mut results) = (Vec::new(), Vec::new());
    for case in &cases {
        let mut absent = Vec::new();
        for entry in case.entries().into_iter().chain(peers.entries(case.name())) {
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
    let (mut absent, versions) = peers.end();
    if effort.counts
        && let Err(error) = count(&mut results)
    {
        absent.push(Absence { contestant: FACT.to_owned(), reason: format!("{error:#}") });
    }
    Ok(Results { cases: results, absent, versions, rounds: effort.rounds })
}

/// Measures each lane once in each round. The order is random, so that a disturbance of the machine hits all lanes alike.
fn measure(lanes: &mut [Lane], rounds: usize, cases: &[CaseResult]) -> Result<()> {
    let bar = progress::bar(lanes.len() * rounds)?;
    for _ in 0..rounds {
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        fastrand::shuffle(&mut order);
        for index in order {
            let lane = &mut lanes[index];
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

/// Counts the instructions of contestants that work in one process of this program alone, and adds them to the facts.
fn count(results: &mut [CaseResult]) -> Result<()> {
    let targets = countable(results);
    if targets.is_empty() {
        return Ok(());
    }
    let counts = Callgrind::find()?.count_all(&targets)?;
    for (target, count) in targets.into_iter().zip(counts) {
        let Some(case) = results.iter_mut().find(|case| case.name == target.case) else { continue };
        match count {
            Ok(count) => {
                let row = case.rows.iter_mut().find(|row| row.contestant == target.contestant);
                row.map(|row| row.summary.facts.insert(FACT.to_owned(), count));
            }
            Err(error) => {
                let contestant = format!("{FACT} of {}", target.contestant);
                case.absent.push(Absence { contestant, reason: format!("{error:#}") });
            }
        }
    }
    Ok(())
}

/// Returns the rows whose instructions can be counted.
fn countable(results: &[CaseResult]) -> Vec<Target> {
    let find = |name: &str| results.iter().find(|case| case.name == name);
    let mut targets = Target::all(|name| find(name).is_some());
    targets.retain(|target| find(target.case).is_some_and(|case| case.row(target.contestant).is_some()));
    targets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Unit;

    /// Returns the result of a case with a row for each contestant.
    fn case(name: &'static str, contestants: &[&str]) -> CaseResult {
        let summary = Summary::of(&[Reading::of(1.0)]).expect("a reading");
        let row = |contestant: &&str| Row { contestant: (*contestant).to_owned(), summary: summary.clone() };
        let rows = contestants.iter().map(row).collect();
        CaseResult { name, title: "", unit: Unit::Nanoseconds, chart: "", rows, absent: Vec::new() }
    }

    #[test]
    fn instructions_are_counted_of_rows_that_this_program_measures_alone() {
        let results =
            [case("add", &["shared-value", "Boost mutex", "std::sync::Mutex"]), case("race-2", &["shared-value"])];
        let targets = countable(&results);
        let targets: Vec<_> = targets.iter().map(|target| (target.case, target.contestant)).collect();
        assert_eq!(targets, [("add", "shared-value"), ("add", "std::sync::Mutex")]);
    }
}
