//! The results as Markdown, ratios first.

use std::fmt::Write as _;

use anyhow::Result;

use crate::compare::budget::{self, Verdict};
use crate::compare::instructions::{FACT, Target};
use crate::compare::results::{CaseResult, Results};
use crate::measure::Absence;
use crate::report::machine;
use crate::report::table::{Table, figure};

/// Returns the text for the end of a run.
pub fn terminal(results: &Results) -> String {
    format!("{}{}{}", cases(results), budgets(results), absent(&results.absent))
}

/// Returns the text of `RESULTS.md`, which shows the charts.
pub(super) fn whole(results: &Results, charts: &[String]) -> String {
    let mut text = String::from(
        "# Results\n\n\
         Written by `cargo run --release -p benches -- compare`. One run measured all figures: each round measured each \
         contestant of each case once, in random order. Ratios compare medians. Absolute figures hold for one machine at one \
         time, and say little. `instructions` is the number of instructions of one operation, counted by callgrind.\n\n",
    );
    for line in machine::describe().iter().chain(&results.versions) {
        let _ = writeln!(text, "- {line}");
    }
    let _ = writeln!(text, "- {} rounds", results.rounds);
    text.push_str(&budgets(results));
    text.push_str("\n## Charts\n\n");
    for chart in charts {
        let _ = writeln!(text, "![{chart}](charts/{chart}.svg)");
    }
    text.push_str(&cases(results));
    text.push_str(&absent(&results.absent));
    text
}

fn budgets(results: &Results) -> String {
    let is_empty = budget::outcomes(results).is_empty();
    if is_empty { String::new() } else { format!("\n## Budgets\n\n{}", budget_table(results).to_markdown()) }
}

/// Returns the budgets, with what was measured.
pub(super) fn budget_table(results: &Results) -> Table {
    let mut table = Table::new(&["budget", "bound", "measured", "verdict"]);
    for outcome in budget::outcomes(results) {
        let verdict = match outcome.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "**FAIL**",
            Verdict::Unknown => "unknown",
        };
        let measured = outcome.measured.map_or_else(|| "peer absent".to_owned(), |measured| format!("{measured:.3}"));
        table.row(vec![outcome.work.to_owned(), outcome.bound, measured, verdict.to_owned()]);
    }
    table
}

fn cases(results: &Results) -> String {
    results.cases.iter().map(case).collect()
}

fn case(case: &CaseResult) -> String {
    let unit = case.unit.symbol();
    let facts = case.rows.iter().flat_map(|row| row.summary.facts.keys());
    let mut facts: Vec<&str> = facts.map(String::as_str).collect();
    facts.sort_unstable();
    facts.dedup();
    let units = [format!("median, {unit}"), format!("least, {unit}"), format!("most, {unit}")];
    let mut head = vec![case.title, "ratio"];
    head.extend(units.iter().map(String::as_str));
    head.push("spread");
    head.extend(&facts);
    let mut table = Table::new(&head);
    let first = case.rows.first().map(|row| row.summary.median);
    for row in &case.rows {
        let summary = &row.summary;
        let ratio = first.map_or_else(String::new, |first| figure(summary.median / first));
        let mut cells = vec![row.contestant.clone(), ratio];
        cells.extend([summary.median, summary.minimum, summary.maximum].map(figure));
        cells.push(format!("{:.0} %", summary.spread * 100.0));
        cells
            .extend(facts.iter().map(|fact| summary.facts.get(*fact).map_or_else(String::new, |value| figure(*value))));
        table.row(cells);
    }
    let mut text = format!("\n## {}\n\n{}", case.name, table.to_markdown());
    if !case.absent.is_empty() {
        text.push('\n');
    }
    for Absence { contestant, reason } in &case.absent {
        let _ = writeln!(text, "- absent: {contestant}: {reason}");
    }
    text
}

/// Returns the text for a run that counts instructions only.
pub fn instructions(targets: &[Target], counts: &[Result<f64>]) -> String {
    let mut text = String::new();
    let counted: Vec<(&Target, &Result<f64>)> = targets.iter().zip(counts).collect();
    for case in counted.chunk_by(|(target, _), (next, _)| target.case == next.case) {
        let mut table = Table::new(&[case[0].0.title, "ratio", FACT]);
        let mut first = None;
        let mut absences = String::new();
        for (target, count) in case {
            match count {
                Ok(count) => {
                    let ratio = count / *first.get_or_insert(*count);
                    table.row(vec![target.contestant.to_owned(), figure(ratio), figure(*count)]);
                }
                Err(error) => {
                    let _ = writeln!(absences, "- absent: {}: {error:#}", target.contestant);
                }
            }
        }
        let gap = if absences.is_empty() { "" } else { "\n" };
        let _ = write!(text, "\n## {}\n\n{}{gap}{absences}", case[0].0.case, table.to_markdown());
    }
    text
}

fn absent(absent: &[Absence]) -> String {
    if absent.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n## Absent from all cases\n\n");
    for Absence { contestant, reason } in absent {
        let _ = writeln!(text, "- {contestant}: {reason}");
    }
    text
}
